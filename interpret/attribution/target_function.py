"""A target as a function of the text: how it changes as words fade, go or are replaced."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32

from interpret.attribution.targets import TARGETS, BoundTarget, Target, TargetKind
from interpret.attribution.targets.target import Pass
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.linear_head import LinearHead
from interpret.core.sentence_vectors import SentenceReading
from interpret.core.tap import Tap
from interpret.core.tokens import Tokens, cut
from interpret.core.work_sizes import tokens_with_gradients

BASELINES = ("pad", "mask", "zero", "mean")


class TargetFunction(BoundTarget):
    """A text, and one number that a model says about it. `target_function` makes one.

    Attributes
    ----------
    encoder, tokens, head, other
        What answers, what is read, the linear head where the model has no classifier of its own, and the text that
        this one is compared with.
    target
        What is asked.
    reading, compared
        How sentence vectors are made, for targets that are about them, and that of the other text.
    forward_passes, backward_passes
        How many texts went through the model so far.
    seconds
        How long those passes took that were made together with other texts', its share of them.
    tokens_at_once
        How many tokens go through the model together where gradients are taken.
    """

    def __init__(
        self,
        encoder: Encoder,
        tokens: Tokens,
        target: Target,
        head: LinearHead | None = None,
        other: Tokens | None = None,
        reading: SentenceReading | None = None,
    ) -> None:
        super().__init__(encoder, tokens, target, head, other, reading)
        self.forward_passes = 0
        self.backward_passes = 0
        self.seconds = 0.0
        self.compared = None if other is None else self._sentence_vector(other)
        self._moved: torch.Tensor | None = None
        self._own: np.ndarray | None = None
        self.tokens_at_once = tokens_with_gradients(encoder.spec.device, encoder.layers, encoder.width)

    @property
    def kind(self) -> TargetKind:
        """The kind of its target, which knows how it is answered."""
        return TARGETS[self.target.kind]

    # ---- how it answers

    def score(
        self,
        embedded: Float[torch.Tensor, "batch token width"],
        gradients: bool = False,
        levels: list[torch.Tensor] | None = None,
        tap: Tap | None = None,
    ) -> Float[torch.Tensor, " batch"]:
        """Answer for texts of this one's length given as embeddings of their tokens, before positions are added.

        Positions and segments are those of the text itself, and every token is attended to.

        Parameters
        ----------
        gradients
            Whether the graph is kept.
        levels
            Where given, each level's hidden states are appended to it, nodes of the graph.
        tap
            What to do with attention on the way.
        """
        with lock_device(self.encoder.spec.device):
            beside = self.encoder.beside_embeddings([self.tokens])
            inputs = {name: one.expand(len(embedded), -1) for name, one in beside.items()}
            inputs["inputs_embeds"] = embedded
            texts = [self.tokens] * len(embedded)
            answers, states = self._run(inputs, texts, gradients, levels is not None, tap)
            if levels is not None:
                levels.extend(states)
            return answers[:, self.column(answers.shape[1])]

    def answers(self, texts: Sequence[Tokens]) -> Float32[np.ndarray, "text answer"]:
        """Answer for whole texts: every class's score, or the one number that is asked for."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, np.ndarray] = {}
        batch: list[int] = []
        for index, i in enumerate(order):
            batch.append(i)
            last = index + 1 == len(order)
            if last or len(texts[order[index + 1]]) * (len(batch) + 1) > 2 * self.tokens_at_once:
                some = [texts[j] for j in batch]
                with lock_device(self.encoder.spec.device, gives_way=True):
                    values, _ = self._run(self.encoder.batch(some), some)
                    found |= dict(zip(batch, values.float().cpu().numpy(), strict=True))
                batch = []
        return read_only(np.stack([found[i] for i in range(len(texts))]), np.float32)

    @property
    def own(self) -> Float32[np.ndarray, " answer"]:
        """How it answers the text itself; asked once, whatever is explained of it then."""
        # Not functools.cached_property: until Python 3.12 it holds a lock of all instances while it waits for a device.
        if self._own is None:
            self.answer_with(self.answers([self.tokens])[0])
        assert self._own is not None
        return self._own

    def answer_with(self, own: Float32[np.ndarray, " answer"]) -> None:
        """Take how it answers the text itself, where that was asked together with other texts."""
        self._own = read_only(own)

    @property
    def output(self) -> float:
        """The number that is asked for, of the text itself."""
        return float(self.own[self.column(len(self.own))])

    @property
    def target_probability(self) -> float:
        """The probability of the class or word asked for, of the text itself; for other targets the number itself."""
        return float(self.probabilities(self.own[None])[0, self.target.index]) if self.kind.likely else self.output

    def outputs(self, texts: Sequence[Tokens]) -> Float32[np.ndarray, " text"]:
        """Return the number that is asked for, for whole texts."""
        answers = self.answers(texts)
        return answers[:, self.column(answers.shape[1])]

    def target_probabilities(self, texts: Sequence[Tokens]) -> Float32[np.ndarray, " text"]:
        """Return the probability of the class or word asked for; for other targets the number itself."""
        answers = self.answers(texts)
        if not self.kind.likely:
            return answers[:, self.column(answers.shape[1])]
        probabilities = self.probabilities(answers)
        return read_only(probabilities[:, self.target.index])

    @property
    def decides(self) -> bool:
        """Whether the answer is a decision, which can flip: a class, or a score that is a probability."""
        task = self.encoder.task
        return self.kind.predicts or (self.kind.scores and task is not None and task.bounded)

    @property
    def stands_alone(self) -> bool:
        """Whether the answer decides about one class alone, and not which of several is likeliest."""
        return self.decides and self.head is None and self.encoder.task is not None and not self.encoder.task.exclusive

    def flipped(self, answers: Float32[np.ndarray, "text answer"]) -> Bool[np.ndarray, " text"]:
        """Tell which answers decide otherwise than that to the text itself.

        Where classes exclude each other, another one is likeliest; of a class or score that stands alone the
        probability is on the other side of one half.
        """
        if not self.stands_alone:
            return read_only(answers.argmax(axis=1) != int(self.own.argmax()), bool)
        column = self.column(answers.shape[1])
        return read_only((answers[:, column] >= 0) != bool(self.own[column] >= 0), bool)

    def probabilities(self, answers: Float32[np.ndarray, "text answer"]) -> Float32[np.ndarray, "text answer"]:
        """Turn scores of classes or tokens into probabilities."""
        task = None if self.head is not None else self.encoder.task
        scores = torch.from_numpy(np.array(answers))
        target_probabilities = scores.softmax(-1) if task is None else task.probabilities(scores)
        return read_only(target_probabilities.numpy(), np.float32)

    # ---- what it is asked about

    @property
    def embedded(self) -> Float[torch.Tensor, "token width"]:
        """The text's tokens in the embedding matrix."""
        if self._moved is not None:
            return self._moved
        return self.encoder.embed_tokens(torch.from_numpy(np.array(self.tokens.ids)))

    @property
    def fixed(self) -> Bool[np.ndarray, " token"]:
        """What no method takes away: special tokens, and masks whose word is asked for."""
        return self.tokens.special | self.kind.fixed(self)

    @property
    def free_words(self) -> list[tuple[int, tuple[int, ...]]]:
        """The words that may be taken away: their indices in `Tokens.groups`, and those of their free tokens."""
        found = []
        for index, group in enumerate(self.tokens.groups):
            tokens = tuple(token for token in group if not self.fixed[token])
            if tokens:
                found.append((index, tokens))
        return found

    def baseline(self, kind: str) -> Float[torch.Tensor, "token width"]:
        """Return what the text is compared with: the same special tokens, and nothing said between them.

        Raises
        ------
        InputError
            If the vocabulary has no such token.
        """
        embedded = self.embedded
        if kind not in BASELINES:
            raise InputError(
                "There is no baseline “{name}”. Choose one of: {known}.", name=kind, known=", ".join(BASELINES)
            )
        with lock_device(self.encoder.spec.device):
            if kind == "zero":
                filling = torch.zeros_like(embedded[0])
            elif kind == "mean":
                filling = self.encoder.embedding_matrix.mean(dim=0)
            else:
                special = self.encoder.special
                token = special.padding if kind == "pad" else special.mask
                if token is None:
                    raise InputError(
                        "This model's vocabulary has no token for “{kind}”. Choose another baseline, such as the zero "
                        "vector (“zero”).",
                        kind=kind,
                    )
                filling = self.encoder.embed_tokens(torch.tensor(self.encoder.tokenizer.token_to_id(token)))
            free = torch.from_numpy(~self.fixed).to(embedded.device)
            return torch.where(free[:, None], filling.to(embedded), embedded)

    def baseline_outputs(self) -> dict[str, float]:
        """Return the number that is asked for of each baseline that this model has."""
        kinds, texts = [], []
        for kind in BASELINES:
            # A vocabulary may have no mask.
            with suppress(InputError):
                texts.append(self.baseline(kind))
                kinds.append(kind)
        with torch.no_grad():
            found = self.score(torch.stack(texts)).double().cpu().tolist()
        return dict(zip(kinds, found, strict=True))

    def moved(self, embedded: Float[torch.Tensor, "token width"]) -> "TargetFunction":
        """Return the same function of a text whose embeddings are others."""
        moved = copy(self)
        with lock_device(self.encoder.spec.device):
            moved._moved = embedded.detach().to(self.encoder.spec.device)
        return moved

    def without(self, gone: Bool[np.ndarray, " token"]) -> Tokens:
        """Return the text with tokens taken out of it; positions close up, as if they had never been written."""
        return self.leave_out(self.tokens, gone & ~self.fixed)

    def leave_out(self, tokens: Tokens, gone: Bool[np.ndarray, " token"]) -> Tokens:
        """Take tokens out of this text, or out of it with other ones; what the answer is read at leaves a mask."""
        read_at = np.flatnonzero(gone & self.kind.stays(self))
        if len(read_at):
            special = self.encoder.special
            sign = next(one for one in (special.mask, special.unknown, special.padding) if one is not None)
            token = int(self.encoder.tokenizer.token_to_id(sign) or 0)
            tokens = self._replaced(tokens, {int(position): token for position in read_at})
        gone = np.array(gone)
        gone[read_at] = False
        return cut(tokens, ~gone)

    def with_tokens(self, changes: Mapping[int, int]) -> Tokens:
        """Return the text with other tokens at some positions."""
        return self._replaced(self.tokens, changes)

    def _replaced(self, tokens: Tokens, changes: Mapping[int, int]) -> Tokens:
        ids, strings, labels = np.array(tokens.ids), list(tokens.strings), list(tokens.labels)
        for position, token in changes.items():
            ids[position] = token
            labels[position] = self.encoder.names(int(token))
            strings[position] = self.encoder.tokenizer.id_to_token(int(token)) or labels[position]
        return replace(tokens, ids=read_only(ids), strings=tuple(strings), labels=tuple(labels))

    @property
    def at_once(self) -> int:
        """How many copies of the text go through the model together."""
        return max(1, self.tokens_at_once // len(self.tokens))

    # ---- inside

    def _run(
        self,
        inputs: Mapping[str, torch.Tensor],
        texts: Sequence[Tokens],
        gradients: bool = False,
        states: bool = False,
        tap: Tap | None = None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Run the model once; returns its answers, ``(text, answer)``, and the hidden states where these are wanted."""
        self.forward_passes += len(next(iter(inputs.values())))
        keep = states or self.kind.by_levels
        own = self.kind.by_task_head(self)
        output = self.encoder.run(inputs, tap, gradients, task=own, output_hidden_states=keep)
        levels = tuple(output.hidden_states) if keep else ()
        return self.kind.answers(self, Pass(texts, inputs["attention_mask"], output, levels)), levels

    def column(self, answers: int) -> int:
        """Return which of so many answers is asked for."""
        return self.target.index if answers > 1 else 0

    def _sentence_vector(self, tokens: Tokens) -> torch.Tensor:
        with lock_device(self.encoder.spec.device):
            states = self.encoder.forward([tokens]).last_hidden_state
            vectors = self.reading.vectors(states, self.encoder.batch([tokens])["attention_mask"])
            # Made while nothing was recorded, and used where something is.
            return vectors[0].clone()
