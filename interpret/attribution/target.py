"""A question about a text: how its answer changes as words fade, go or are replaced."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32

from interpret.core.arrays import read_only
from interpret.core.device_lock import hold
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.heads import mean_states
from interpret.core.linear_head import LinearHead
from interpret.core.resources import tokens_with_gradients
from interpret.core.sentence_vectors import SentenceReading, sentence_reading
from interpret.core.tap import Tap
from interpret.core.tasks import logits_of
from interpret.core.tokens import Tokens, cut

Kind = Literal["class", "similarity", "word", "unit", "norm"]


BASELINES = ("pad", "mask", "zero", "mean")


@dataclass(frozen=True)
class Target:
    """One number of the model's answer.

    Attributes
    ----------
    kind
        ``"class"``: the score (logit) of a class. ``"similarity"``: how alike the sentence vectors of this text and
        another are, by what the model compares them with: mostly their cosine. ``"word"``: the score of a token at a
        mask. ``"unit"``: a unit of a layer's mean state. ``"norm"``: the length of the sentence vector, before it is
        brought to length 1 where the model does that.
    name
        What the reader calls it: the class, the other text, the token, the unit.
    index
        Which class, token of the vocabulary or unit; -1 where there is nothing to choose.
    place
        Which token is the mask, or which level of the hidden states the unit is of; -1 where neither.
    """

    kind: Kind
    name: str
    index: int = -1
    place: int = -1


class TargetFunction:
    """A text, and one number that a model says about it. `target_function` makes one.

    Attributes
    ----------
    encoder, tokens, head, other
        What answers, what is read, the linear head where the model has no classifier of its own, and the text that
        this one is compared with.
    target
        What is asked.
    reading
        How sentence vectors are made, for targets that are about them.
    forward_passes, backward_passes
        How many texts went through the model so far.
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
        self.encoder = encoder
        self.tokens = tokens
        self.target = target
        self.head = head
        self.other = other
        self.reading = reading or sentence_reading(encoder, "auto", "")
        self.forward_passes = 0
        self.backward_passes = 0
        self._compared = None if other is None else self._sentence_vector(other)
        self._moved: torch.Tensor | None = None
        self._own: np.ndarray | None = None
        self._tokens_at_once = tokens_with_gradients(encoder.spec.device, encoder.layers, encoder.width)

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
        with hold(self.encoder.spec.device):
            beside = self.encoder.beside_embeddings(self.tokens)
            inputs = {name: one.expand(len(embedded), -1) for name, one in beside.items()}
            answers, states = self._run({"inputs_embeds": embedded, **inputs}, gradients, levels is not None, tap)
            if levels is not None:
                levels.extend(states)
            return self._pick(answers, self.tokens)

    def answers(self, texts: Sequence[Tokens]) -> Float32[np.ndarray, "text answer"]:
        """Answer for whole texts: every class's score, or the one number that is asked for."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, np.ndarray] = {}
        batch: list[int] = []
        for place, i in enumerate(order):
            batch.append(i)
            last = place + 1 == len(order)
            if last or len(texts[order[place + 1]]) * (len(batch) + 1) > 2 * self._tokens_at_once:
                some = [texts[j] for j in batch]
                with hold(self.encoder.spec.device):
                    values, _ = self._run(self.encoder.batch(some))
                    if self.target.kind == "word":
                        values = torch.stack([values[row, self._mask_of(one)] for row, one in enumerate(some)])
                    found |= dict(zip(batch, values.float().cpu().numpy(), strict=True))
                batch = []
        return read_only(np.stack([found[i] for i in range(len(texts))]), np.float32)

    @property
    def own(self) -> Float32[np.ndarray, " answer"]:
        """How it answers the text itself; asked once, whatever is explained of it then."""
        # Not functools.cached_property: until Python 3.12 it holds a lock of all questions while it waits for a device.
        if self._own is None:
            self._own = read_only(self.answers([self.tokens])[0])
        return self._own

    @property
    def output(self) -> float:
        """The number that is asked for, of the text itself."""
        return float(self.own[self.target.index if len(self.own) > 1 else 0])

    @property
    def chance(self) -> float:
        """The probability of the class or word asked for, of the text itself; for other targets the number itself."""
        likely = self.target.kind in ("class", "word")
        return float(self.probabilities(self.own[None])[0, self.target.index]) if likely else self.output

    def outputs(self, texts: Sequence[Tokens]) -> Float32[np.ndarray, " text"]:
        """Return the number that is asked for, for whole texts."""
        answers = self.answers(texts)
        return answers[:, self.target.index] if answers.shape[1] > 1 else answers[:, 0]

    def chances(self, texts: Sequence[Tokens]) -> Float32[np.ndarray, " text"]:
        """Return the probability of the class or word asked for; for other targets the number itself."""
        answers = self.answers(texts)
        if self.target.kind not in ("class", "word"):
            return answers[:, 0]
        probabilities = self.probabilities(answers)
        return read_only(probabilities[:, self.target.index])

    def probabilities(self, answers: Float32[np.ndarray, "text answer"]) -> Float32[np.ndarray, "text answer"]:
        """Turn scores of classes or tokens into probabilities."""
        task = None if self.head is not None else self.encoder.task
        scores = torch.from_numpy(np.array(answers))
        chances = scores.softmax(-1) if task is None else task.probabilities(scores)
        return read_only(chances.numpy(), np.float32)

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
        masks = np.array([token == self.encoder.mask for token in self.tokens.strings])
        return self.tokens.special | (masks if self.target.kind == "word" else False)

    @property
    def free_words(self) -> list[tuple[int, tuple[int, ...]]]:
        """The words that may be taken away: their places among `Tokens.groups`, and those of their free tokens."""
        found = []
        for place, group in enumerate(self.tokens.groups):
            tokens = tuple(token for token in group if not self.fixed[token])
            if tokens:
                found.append((place, tokens))
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
        with hold(self.encoder.spec.device):
            if kind == "zero":
                filling = torch.zeros_like(embedded[0])
            elif kind == "mean":
                filling = self.encoder.embedding_matrix.mean(dim=0)
            else:
                special = self.encoder.special
                token = special.padding if kind == "pad" else special.mask
                if token is None:
                    raise InputError(
                        "This model's vocabulary has no token for “{kind}”. Choose another baseline, such as “zero”.",
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
        """Return the same question about a text whose embeddings are others."""
        question = copy(self)
        with hold(self.encoder.spec.device):
            question._moved = embedded.detach().to(self.encoder.spec.device)
        return question

    def without(self, gone: Bool[np.ndarray, " token"]) -> Tokens:
        """Return the text with tokens taken out of it; positions close up, as if they had never been written."""
        return cut(self.tokens, ~gone | self.fixed)

    def with_tokens(self, changes: Mapping[int, int]) -> Tokens:
        """Return the text with other tokens in some places."""
        ids, strings, labels = np.array(self.tokens.ids), list(self.tokens.strings), list(self.tokens.labels)
        for place, token in changes.items():
            ids[place] = token
            labels[place] = self.encoder.names(int(token))
            strings[place] = self.encoder.tokenizer.id_to_token(int(token)) or labels[place]
        return replace(self.tokens, ids=read_only(ids), strings=tuple(strings), labels=tuple(labels))

    @property
    def at_once(self) -> int:
        """How many copies of the text go through the model together."""
        return max(1, self._tokens_at_once // len(self.tokens))

    # ---- inside

    def _run(
        self, inputs: Mapping[str, torch.Tensor], gradients: bool = False, states: bool = False, tap: Tap | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        self.forward_passes += len(next(iter(inputs.values())))
        mask = inputs["attention_mask"]
        kind = self.target.kind
        own = kind == "word" or (kind == "class" and self.head is None)
        keep = states or kind == "unit"
        output = self.encoder.run(inputs, tap, gradients, task=own, output_hidden_states=keep)
        levels = tuple(output.hidden_states) if keep else ()
        if own:
            return logits_of(output).float(), levels
        if kind == "unit":
            return mean_states(levels[self.target.place], mask)[:, [self.target.index]], levels
        last = levels[-1] if keep else output.last_hidden_state
        if kind == "class" and self.head is not None:
            return self.head.logits(last, mask), levels
        if kind == "norm":
            model = self.reading.model.before_normalizing()
            return model.vectors(last, mask, self.reading.skipped).norm(dim=-1, keepdim=True), levels
        assert self._compared is not None
        return self.reading.model.compare(self.reading.vectors(last, mask), self._compared)[:, None], levels

    def _pick(self, answers: torch.Tensor, tokens: Tokens) -> torch.Tensor:
        if self.target.kind == "word":
            return answers[:, self._mask_of(tokens), self.target.index]
        return answers[:, self.target.index if self.target.kind == "class" else 0]

    def _mask_of(self, tokens: Tokens) -> int:
        """Find the mask that is asked about in a text that may have lost or changed other tokens."""
        before = sum(token == self.encoder.mask for token in self.tokens.strings[: self.target.place])
        places = [i for i, token in enumerate(tokens.strings) if token == self.encoder.mask]
        return places[before]

    def _sentence_vector(self, tokens: Tokens) -> torch.Tensor:
        with hold(self.encoder.spec.device):
            states = self.encoder.forward([tokens]).last_hidden_state
            vectors = self.reading.vectors(states, self.encoder.batch([tokens])["attention_mask"])
            # Made while nothing was recorded, and used where something is.
            return vectors[0].clone()
