"""A sliding window put on a model that was trained to look everywhere: what each head loses, and what the model says.

Each token sees so many neighbours on either side, and global tokens see, and are seen by, all others: the pattern of
Longformer (Beltagy et al. 2020, sec. 3.1, https://arxiv.org/abs/2004.05150), whose cost grows with the length and not
with its square. Here nothing is trained for it: the weights are the model's own, and each row of attention is a softmax
over what is left.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64

from interpret.attention.ablation import Answers
from interpret.attention.trace_check import check_same
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.indices import answered_positions, check_index
from interpret.core.sentences import sentence
from interpret.core.tap import Tap
from interpret.core.tasks import Task, logits_of
from interpret.core.tokens import Tokens
from interpret.core.trace import Trace
from interpret.core.work_sizes import tokens_per_batch

# All widths up to here are tried; further ones are a fifth apart.
_ALL_UP_TO = 16
_RATIO = 1.2
# Of masked words, so many guesses of the whole model.
_MOST_GUESSES = 5
# Probability from which a class that stands alone is taken.
_TAKEN = 0.5


@dataclass(frozen=True, eq=False)
class WindowAnswers:
    """What the model's own task head says through each window.

    Attributes
    ----------
    rows
        What is answered: ``""`` for the text as a whole, otherwise the token.
    labels
        The classes; for masked words the whole model's best guesses.
    ordinary, windowed
        Probabilities, or the score itself: without a window, and through each.
    said, said_through
        What each row's answer is: the most probable class or token, or all classes that are more probable than not
        where they do not exclude each other. None where the head gives a number, which is not the same or another.
    """

    rows: tuple[str, ...]
    labels: tuple[str, ...]
    ordinary: Float32[np.ndarray, "row label"]
    windowed: Float32[np.ndarray, "width row label"]
    said: tuple[str, ...] | None
    said_through: tuple[tuple[str, ...], ...] | None

    @property
    def same(self) -> Bool[np.ndarray, " width"] | None:
        """Through which windows every answer is that of the whole model."""
        return None if self.said_through is None else np.array([one == self.said for one in self.said_through])


@dataclass(frozen=True, eq=False)
class WindowSweep:
    """One text read through windows of several widths.

    Attributes
    ----------
    tokens
        What was read.
    global_tokens
        Which tokens see, and are seen by, all others.
    widths
        The windows: how many neighbours a token sees on either side. The widest leaves nothing out.
    lost
        Attention mass outside of each window: of the ordinary model's weights, how much a query gives to tokens that it
        would not see, on average over all queries.
    uniform
        The same of heads that give every token that the model lets them see the same weight, on average over layers.
    left
        The share of all pairs of tokens that are still computed, on average over layers. Less than 1 through the widest
        window where some of the model's own layers are local: there a window only narrows, also for global tokens.
    moved
        How far each hidden state moved: ‖windowed - ordinary‖ / ‖ordinary‖. Level 0 is the embedding output.
    similarity
        Cosine of the text's vector with that of the whole model: of ``"mean"``, the mean of the last states, and of
        ``"first"``, the first token's.
    answers
        What the task head says; None where the checkpoint has none that is read here, or the text has nothing that it
        answers.
    """

    tokens: Tokens
    global_tokens: Bool[np.ndarray, " token"]
    widths: Int64[np.ndarray, " width"]
    lost: Float32[np.ndarray, "width layer head"]
    uniform: Float32[np.ndarray, " width"]
    left: Float32[np.ndarray, " width"]
    moved: Float32[np.ndarray, "width level token"]
    similarity: Mapping[str, Float32[np.ndarray, " width"]]
    answers: WindowAnswers | None

    def smallest(self, same: Bool[np.ndarray, " width"]) -> int:
        """Return the narrowest width from which on something holds for all that were tried.

        Parameters
        ----------
        same
            Where it holds. Through the widest nothing is left out, so that it holds there whatever it is.
        """
        failing = np.flatnonzero(~np.asarray(same)[:-1])
        return int(self.widths[failing[-1] + 1 if len(failing) else 0])

    def reach(self, most: float) -> Float32[np.ndarray, "layer head"]:
        """Return the narrowest of the widths through which each head loses at most such a share of its mass."""
        return read_only(self.widths[(self.lost <= most).argmax(axis=0)], np.float32)

    def answers_at(self, index: int) -> Answers | None:
        """Return what the head says, before and after, for one of the widths; None where it says nothing."""
        found = self.answers
        return None if found is None else Answers(found.rows, found.labels, found.ordinary, found.windowed[index])

    def allowed(self, width: int) -> Bool[np.ndarray, "query key"]:
        """Return which pairs of tokens the window leaves, where the model itself lets every token see every other."""
        return window_mask(len(self.tokens), width, self.global_tokens)


def window_mask(
    length: int, width: int, global_tokens: Bool[np.ndarray, " token"] | None = None
) -> Bool[np.ndarray, "query key"]:
    """Return where a query may look: at so many neighbours on either side, at itself, and to and from global tokens.

    Examples
    --------
    >>> import interpret as it
    >>> it.attention.window_mask(4, 1).astype(int).tolist()
    [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
    """
    at = np.arange(length, dtype=np.int32)
    near = abs(np.subtract.outer(at, at)) <= width
    return near if global_tokens is None else near | global_tokens[:, None] | global_tokens


def widths_to_try(length: int) -> tuple[int, ...]:
    """Return the widths that are tried unless others are given: all narrow ones, then each a fifth wider.

    Examples
    --------
    >>> from interpret.attention.sliding_window import widths_to_try
    >>> widths_to_try(5), len(widths_to_try(512))
    ((0, 1, 2, 3, 4), 35)
    """
    found = list(range(min(_ALL_UP_TO, length - 1) + 1))
    while found[-1] < length - 1:
        found.append(min(length - 1, int(found[-1] * _RATIO) + 1))
    return tuple(found)


def sweep_windows(
    encoder: Encoder,
    trace: Trace,
    global_tokens: Collection[int] = (0,),
    widths: Sequence[int] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> WindowSweep:
    """Read a text again through windows, from the narrowest to one that leaves nothing out.

    Parameters
    ----------
    trace
        The text as the ordinary model reads it: see `interpret.trace`.
    global_tokens
        Tokens that see, and are seen by, all others; the first unless given, as Longformer's classifiers have it.
    widths
        Neighbours on either side; `widths_to_try` unless given. The text's own length is always tried too.
    progress
        Told how many windows of how many were read.

    Raises
    ------
    InputError
        If there is no such token, or a width is below 0.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> sweep = it.attention.sweep_windows(encoder, it.trace(encoder, "The bank was steep."))
    >>> sweep.widths.tolist()
    [0, 1, 2, 3, 4, 5, 6]
    >>> sweep.lost.shape  # width layer head
    (7, 6, 12)
    >>> float(sweep.lost[-1].max()), round(float(sweep.similarity["mean"][-1]), 5)
    (0.0, 1.0)
    """
    check_same(encoder, trace)
    tokens, length = trace.tokens, len(trace.tokens)
    for one in global_tokens:
        check_index("token", one, length)
    if widths is not None and len(widths) and min(widths) < 0:
        raise InputError("Neighbours on either side of a window: {width}. Choose 0 or more.", width=min(widths))
    everywhere = np.zeros(length, bool)
    everywhere[list(global_tokens)] = True
    tried = sorted({min(int(one), length - 1) for one in (widths_to_try(length) if widths is None else widths)})
    tried = tried if tried[-1:] == [length - 1] else [*tried, length - 1]
    answered = answered_positions(encoder, tokens)
    # The ordinary model goes first: whatever is compared was computed in the same way.
    passes = _Passes(encoder, tokens, answered)
    passes.read([torch.ones(length, length, dtype=torch.bool)])
    rows = max(1, tokens_per_batch(encoder.spec.device, encoder.width) // length)
    for begin in range(0, len(tried), rows):
        if progress is not None:
            progress(begin, len(tried), sentence("windows read"))
        some = tried[begin : begin + rows]
        passes.read([torch.from_numpy(window_mask(length, one, everywhere)) for one in some])
    lost, uniform, left = _outside(trace, everywhere, tried)
    return WindowSweep(
        tokens=tokens,
        global_tokens=read_only(everywhere),
        widths=read_only(np.array(tried, np.int64)),
        lost=lost,
        uniform=uniform,
        left=left,
        moved=read_only(passes.moved[1:], np.float32),
        similarity=MappingProxyType({name: read_only(one[1:], np.float32) for name, one in passes.similarity.items()}),
        answers=passes.answers(),
    )


def _outside(
    trace: Trace, everywhere: np.ndarray, widths: Sequence[int]
) -> tuple[Float32[np.ndarray, "width layer head"], Float32[np.ndarray, " width"], Float32[np.ndarray, " width"]]:
    """Return the attention mass beyond each width, the same of uniform attention, and the share of pairs left."""
    length = len(everywhere)
    at = np.arange(length, dtype=np.int32)
    distance = abs(np.subtract.outer(at, at))
    # What global tokens see, or are seen by, is never outside.
    distance[everywhere] = 0
    distance[:, everywhere] = 0
    flat, layers = distance.ravel(), len(trace.attention)
    mass = np.empty((length, *trace.attention.shape[:2]))
    for layer, head in np.ndindex(*mass.shape[1:]):
        mass[:, layer, head] = np.bincount(flat, trace.attention[layer, head].ravel(), length)
    even, pairs = np.zeros(length), np.zeros(length)
    for layer in range(layers):
        seen = np.ones((length, length)) if trace.mask is None else trace.mask[layer].astype(float)
        pairs += np.bincount(flat, seen.ravel(), length) / layers
        even += np.bincount(flat, (seen / seen.sum(axis=-1, keepdims=True)).ravel(), length) / layers

    def beyond(one: np.ndarray) -> np.ndarray:
        """Sum from the far end what is farther than each width."""
        return np.concatenate([np.cumsum(one[::-1], axis=0)[::-1][1:], np.zeros((1, *one.shape[1:]))])[list(widths)]

    return (
        read_only(beyond(mass) / length, np.float32),
        read_only(beyond(even) / length, np.float32),
        read_only((pairs.sum() - beyond(pairs)) / length**2, np.float32),
    )


class _Passes:
    """Passes of one text through windows, and what is kept of each; the first is the one that others differ from."""

    def __init__(self, encoder: Encoder, tokens: Tokens, answered: list[int] | None) -> None:
        self.encoder, self.tokens, self.answered = encoder, tokens, answered
        self.moved: list[np.ndarray] = []
        self.similarity: dict[str, list[float]] = {"mean": [], "first": []}
        self.scores: list[torch.Tensor] = []
        self.best: list[tuple[str, ...]] = []
        self.ordinary: np.ndarray | None = None

    def read(self, windows: Sequence[torch.Tensor]) -> None:
        """Read the text through some windows at once."""
        encoder = self.encoder
        with lock_device(encoder.spec.device, gives_way=True):
            tap = Tap(encoder.layers, record=False, window=torch.stack(list(windows))[:, None])
            task = self.answered is not None
            output = encoder.forward([self.tokens] * len(windows), tap, task=task, output_hidden_states=True)
            states = torch.stack([one.float().cpu() for one in output.hidden_states], dim=1).numpy()
            logits = logits_of(output).cpu() if self.answered is not None else None
        for row, one in enumerate(states):
            self._keep(one, None if logits is None else logits[row])

    def _keep(self, states: np.ndarray, logits: torch.Tensor | None) -> None:
        if self.ordinary is None:
            self.ordinary = states
        apart = np.linalg.norm(states - self.ordinary, axis=-1)
        self.moved.append(apart / np.linalg.norm(self.ordinary, axis=-1))
        for name, pool in (("mean", lambda one: one[-1].mean(axis=0)), ("first", lambda one: one[-1, 0])):
            one, other = pool(states).astype(float), pool(self.ordinary).astype(float)
            self.similarity[name].append(float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other))))
        if logits is None or self.answered is None or self.encoder.task is None:
            return
        found = self.encoder.task.probabilities(logits[self.answered] if self.answered else logits[None])
        self.best.append(_said(self.encoder, self.encoder.task, found))
        if not self.encoder.task.labels:
            if not self.scores:
                most = _MOST_GUESSES * max(1, len(self.answered))
                likely = found.amax(dim=0).topk(min(most, found.shape[-1])).indices
                # Each mask's own best, however unlikely, among them.
                self.guesses = torch.tensor(list(dict.fromkeys([*found.argmax(dim=-1).tolist(), *likely.tolist()])))
            found = found[:, self.guesses]
        self.scores.append(found)

    def answers(self) -> WindowAnswers | None:
        """Return what the head said, as one."""
        task, answered = self.encoder.task, self.answered
        if task is None or answered is None:
            return None
        scores = torch.stack(self.scores).numpy()
        counted = task.kind != "score"
        return WindowAnswers(
            rows=tuple(f"{i} {self.tokens.labels[i]}" for i in answered) or ("",),
            labels=task.labels or tuple(self.encoder.names(int(i)) for i in self.guesses),
            ordinary=read_only(scores[0], np.float32),
            windowed=read_only(scores[1:], np.float32),
            said=self.best[0] if counted else None,
            said_through=tuple(self.best[1:]) if counted else None,
        )


def _said(encoder: Encoder, task: Task, found: torch.Tensor) -> tuple[str, ...]:
    """Return each row's answer by its name."""

    def name(index: Any) -> str:
        return task.labels[int(index)] if task.labels else encoder.names(int(index))

    if task.exclusive:
        return tuple(name(row.argmax()) for row in found)
    return tuple(", ".join(name(i) for i in torch.nonzero(row > _TAKEN).flatten()) for row in found)
