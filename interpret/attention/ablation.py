"""Does a head matter: what changes when heads are taken out of one text's way through the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float32

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.indices import answered_positions, head_gates
from interpret.core.tap import Tap
from interpret.core.tasks import Task, logits_of
from interpret.core.tokens import Tokens

_MOST_GUESSES = 5


@dataclass(frozen=True, eq=False)
class Answers:
    """What the model's own task head says, before and after.

    Attributes
    ----------
    rows
        What is answered: ``""`` for the text as a whole, otherwise the token.
    labels
        The classes; for masked words the best guesses of either.
    before, after
        Probabilities.
    """

    rows: tuple[str, ...]
    labels: tuple[str, ...]
    before: Float32[np.ndarray, "row label"]
    after: Float32[np.ndarray, "row label"]


@dataclass(frozen=True, eq=False)
class Ablation:
    """One text read twice: by the whole model, and with heads whose output is set to zero.

    Attributes
    ----------
    tokens
        What was read.
    heads
        What was taken out, as (layer, head).
    before, after
        Hidden states; level 0 is the embedding output, level ``l + 1`` what layer ``l`` puts out.
    answers
        What the task head says; None where the checkpoint has none, or the text has nothing that it answers.
    """

    tokens: Tokens
    heads: tuple[tuple[int, int], ...]
    before: Float32[np.ndarray, "level token hidden"]
    after: Float32[np.ndarray, "level token hidden"]
    answers: Answers | None

    @cached_property
    def distance(self) -> Float32[np.ndarray, "level token"]:
        """How far each state moved: ‖after - before‖ / ‖before‖, so 0 is nothing and 1 as far as it is long."""
        moved = np.linalg.norm(self.after - self.before, axis=-1)
        return read_only(moved / np.linalg.norm(self.before, axis=-1), np.float32)

    @cached_property
    def similarity(self) -> dict[str, float]:
        """The cosine of the text's vector before and after: the mean of the last states, and the first token's."""
        pairs = {
            "mean": (self.before[-1].mean(axis=0), self.after[-1].mean(axis=0)),
            "first": (self.before[-1, 0], self.after[-1, 0]),
        }
        return {
            name: float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
            for name, (one, other) in pairs.items()
        }


def ablate(encoder: Encoder, text: str, pair: str | None = None, heads: Sequence[tuple[int, int]] = ()) -> Ablation:
    """Ablate heads and read the text again.

    A head that is out gives zeros to the layer's output projection, which is Michel et al. 2019, eq. 1, with its mask
    at 0. A layer all of whose heads are out still has its residual connection and its feed-forward part.

    Parameters
    ----------
    heads
        As (layer, head).

    Raises
    ------
    InputError
        If there is no such head, or the model's architecture does not let heads be taken out.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> ablation = it.attention.ablate(encoder, "The bank was steep.", heads=[(4, 7)])
    >>> ablation.distance.shape  # level token
    (7, 7)
    >>> changed = ablation.distance.max(axis=-1) > 0
    >>> changed.tolist()  # what layer 4 puts out is level 5
    [False, False, False, False, False, True, True]
    """
    gates = head_gates(encoder, heads)
    tokens = encoder.tokens(text, pair)
    positions = answered_positions(encoder, tokens)
    with lock_device(encoder.spec.device):
        passes = [
            encoder.forward(
                [tokens],
                Tap(encoder.layers, record=False, gates=gate),
                task=positions is not None,
                output_hidden_states=True,
            )
            for gate in (torch.ones_like(gates), gates)
        ]
        before, after = (
            read_only(torch.stack([one[0].float().cpu() for one in output.hidden_states]).numpy()) for output in passes
        )
        answers = None
        if encoder.task is not None and positions is not None:
            answers = _answers(encoder, encoder.task, tokens, positions, passes)
    return Ablation(tokens, tuple(heads), before, after, answers)


def _answers(encoder: Encoder, task: Task, tokens: Tokens, positions: list[int], passes: Sequence[object]) -> Answers:
    found = []
    for output in passes:
        logits = logits_of(output)[0]
        found.append(task.probabilities(logits[positions] if positions else logits[None]).cpu().numpy())
    before, after = found
    labels = task.labels
    if not labels:
        # Of the whole vocabulary, what either holds most likely; with several masks for all of them together.
        best = np.maximum(before, after).max(axis=0).argsort()[::-1][: _MOST_GUESSES * max(1, len(positions))]
        before, after = before[:, best], after[:, best]
        labels = tuple(encoder.names(int(i)) for i in best)
    rows = tuple(f"{i} {tokens.labels[i]}" for i in positions) or ("",)
    return Answers(rows, labels, read_only(before, np.float32), read_only(after, np.float32))
