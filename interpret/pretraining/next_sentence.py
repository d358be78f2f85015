"""Does one sentence follow another: next-sentence prediction as BERT has it, and sentence order as ALBERT does."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Int

from interpret.core.arrays import read_only
from interpret.core.batches import batches
from interpret.core.clustered_intervals import auroc, auroc_draws, drawn_interval
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import CheckpointError, InputError
from interpret.core.hub import Progress
from interpret.core.intervals import share_interval
from interpret.core.tasks import pair_logits_of
from interpret.core.tokens import Tokens

_LEAST_PAIRS = 2


@dataclass(frozen=True, eq=False)
class NextSentence:
    """What a model says of two texts.

    Attributes
    ----------
    tokens
        The pair as it was read.
    task
        What the head was trained to tell: ``"next"``, whether the second follows the first or is from elsewhere (BERT);
        ``"order"``, whether the two are in their order or swapped (ALBERT).
    follows
        The probability that the second follows.
    """

    tokens: Tokens
    task: Literal["next", "order"]
    follows: float


def next_sentence(encoder: Encoder, first: str, second: str | None) -> NextSentence:
    """Ask whether a text follows another.

    Raises
    ------
    CheckpointError
        If the checkpoint has no head of two sentences.
    InputError
        If there is a single text, or the two are longer than the model reads.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("tiny-bert")  # any folder or hub ID of a BERT with its head for next sentences
    >>> answer = it.next_sentence(encoder, "the river bank was steep", "the bank lent money")
    >>> answer.task, answer.tokens.pair
    ('next', 'the bank lent money')
    >>> 0 < answer.follows < 1
    True
    >>> it.next_sentence(it.load_encoder("minilm"), "He opened the door.", "Nobody was there.")
    Traceback (most recent call last):
        ...
    interpret.core.errors.CheckpointError: “minilm” was saved without a next-sentence head....
    """
    task = check_pairs(encoder)
    if second is None or not second.strip():
        raise InputError("Next-sentence prediction needs two texts. Type a second one.")
    tokens = encoder.tokens(first, second)
    return NextSentence(tokens, task, float(_follows(encoder, [tokens])[0]))


def check_pairs(encoder: Encoder) -> Literal["next", "order"]:
    """Return which task a model's head of two sentences was trained by.

    Raises
    ------
    CheckpointError
        If it has none.
    """
    if encoder.pair_task is None:
        raise CheckpointError(
            "“{name}” was saved without a next-sentence head. The BERTs of the paper have one, such as "
            "google-bert/bert-base-uncased; RoBERTa and its successors were made without it.",
            name=encoder.spec.checkpoint.name,
        )
    return encoder.pair_task


def _follows(encoder: Encoder, tokens: Sequence[Tokens]) -> Float32[np.ndarray, " pair"]:
    # The first score is that it follows: Devlin et al.'s labels are 0 for IsNext and 1 for NotNext, and ALBERT's 0 for
    # the order of the text.
    with lock_device(encoder.spec.device, gives_way=True):
        output = encoder.forward(tokens, task=True)
        return pair_logits_of(output).float().softmax(-1)[:, 0].cpu().numpy()


@dataclass(frozen=True, eq=False)
class NextSentenceScores:
    """What a model says of pairs that follow, of the same second texts shuffled, and of the same pairs swapped.

    A model that knows the order tells the swapped from the true ones; one that reads the subject only tells the
    shuffled. Which it does, `distinguished_interval` and `subject_over_order` say, or leave open.

    Attributes
    ----------
    task
        What the head was trained to tell: see `NextSentence`.
    indices
        Which of the pairs given these are; others could not be read.
    true, shuffled, swapped
        The probability that the second follows the first: as given; with the second text of another pair; with the two
        texts changed about.
    partner
        Whose second text each pair got when they were shuffled.
    faults
        For each pair that could not be read its index and why.
    """

    task: Literal["next", "order"]
    indices: Int[np.ndarray, " pair"]
    true: Float32[np.ndarray, " pair"]
    shuffled: Float32[np.ndarray, " pair"]
    swapped: Float32[np.ndarray, " pair"]
    partner: Int[np.ndarray, " pair"]
    faults: tuple[tuple[int, InputError], ...]

    def accuracy(self, against: Literal["shuffled", "swapped"]) -> float:
        """Return the share of right answers over the true pairs and as many that are shuffled or swapped."""
        return float(((self.true > 0.5).mean() + (getattr(self, against) <= 0.5).mean()) / 2)

    def accuracy_interval(self, against: Literal["shuffled", "swapped"]) -> tuple[float, float]:
        """Return the 95% interval of `accuracy`, by pair: what became of a pair hangs together with it."""
        right = (self.true > 0.5).astype(float) + (getattr(self, against) <= 0.5)
        return share_interval(right, np.full(len(right), 2.0))

    def distinguished(self, against: Literal["shuffled", "swapped"]) -> float:
        """Return how often a true pair is likelier than a shuffled or swapped one (the area under the ROC curve)."""
        return auroc(self.true.astype(float), getattr(self, against).astype(float))

    def distinguished_interval(self, against: Literal["shuffled", "swapped"]) -> tuple[float, float]:
        """Return the 95% interval of `distinguished`, by a bootstrap over pairs; chance is 0.5."""
        return drawn_interval(self.distinguished(against), self._drawn(against), len(self.true))

    def subject_over_order(self) -> tuple[float, float, float]:
        """Return by how much the shuffled are told apart better than the swapped, and its 95% interval, by pair.

        Above 0 the head goes by what the texts are about more than by their order; an interval that has 0 in it leaves
        that open.
        """
        gap = self.distinguished("shuffled") - self.distinguished("swapped")
        drawn = self._drawn("shuffled") - self._drawn("swapped")
        # On the scale from 0 to 1, and back.
        low, high = drawn_interval(gap / 2 + 0.5, drawn / 2 + 0.5, len(self.true))
        return gap, 2 * low - 1, 2 * high - 1

    def _drawn(self, against: Literal["shuffled", "swapped"]) -> Float[np.ndarray, " draw"]:
        return auroc_draws(self.true.astype(float), getattr(self, against).astype(float))


def score_pairs(
    encoder: Encoder, pairs: Sequence[tuple[str, str]], seed: int = 0, progress: Progress | None = None
) -> NextSentenceScores:
    """Ask of pairs of consecutive texts whether they follow, beside shuffled and swapped ones.

    Parameters
    ----------
    seed
        What the shuffle is drawn by; no pair keeps its own second text, nor gets another that says the same.
    progress
        Called as ``progress(pairs done, pairs in all, "")``, where each pair counts three times.

    Raises
    ------
    CheckpointError
        If the checkpoint has no head of two sentences.
    InputError
        If fewer than two pairs can be read, or more than half have the same second text.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("tiny-bert")  # any folder or hub ID of a BERT with its head for next sentences
    >>> pairs = [("the river was steep", "animals said it"), ("the bank was rich", "it lent money")]
    >>> pairs += [("the bank was tired", "the river said it")]
    >>> scores = it.pretraining.score_pairs(encoder, pairs)
    >>> scores.true.shape, scores.swapped.shape  # pair
    ((3,), (3,))
    >>> any(own == other for own, other in enumerate(scores.partner))  # no pair keeps its own second text
    False
    """
    task = check_pairs(encoder)
    kept, faults = [], []
    for index, (first, second) in enumerate(pairs):
        try:
            encoder.tokens(first, second)
            kept.append(index)
        except InputError as error:
            faults.append((index, error))
    if len(kept) < _LEAST_PAIRS:
        if not faults:
            raise InputError.counted(
                "Shuffling needs at least two pairs, but there is {count}. Add more.",
                "Shuffling needs at least two pairs, but there are {count}. Add more.",
                len(pairs),
                count=len(pairs),
            )
        raise InputError(
            "Pairs that can be read: {count} of {given}. Shuffling needs at least two. {why}",
            count=len(kept),
            given=len(pairs),
            why=faults[0][1],
        )
    some = [pairs[index] for index in kept]
    partner = _shuffled([second.strip() for _first, second in some], seed)
    scored = [*some, *((some[i][0], some[j][1]) for i, j in enumerate(partner)), *((b, a) for a, b in some)]
    found = np.empty(len(scored), np.float32)
    done = 0
    shortened = [_fitting(encoder, *one) for one in scored]
    for batch in batches(encoder, shortened):
        found[batch] = _follows(encoder, [encoder.tokens(*shortened[i]) for i in batch])
        done += len(batch)
        if progress is not None:
            progress(done, len(scored), "")
    true, shuffled, swapped = found.reshape(3, -1)
    return NextSentenceScores(
        task,
        read_only(kept, np.int64),
        read_only(true),
        read_only(shuffled),
        read_only(swapped),
        read_only([kept[i] for i in partner], np.int64),
        tuple(faults),
    )


def _shuffled(seconds: Sequence[str], seed: int) -> Int[np.ndarray, " pair"]:
    """Return whose second text each pair gets: never one that says what its own does."""
    alike = np.unique(seconds, return_inverse=True)[1]
    count = np.bincount(alike)
    if count.max() > len(seconds) / 2:
        raise InputError(
            "{count} of {given} pairs have the same second text, so shuffling would leave some of them unchanged. Use "
            "other pairs.",
            count=int(count.max()),
            given=len(seconds),
        )
    random = np.random.default_rng(seed)
    # Those that say the same stand together, and everybody takes what stands as far on as the most of these are.
    order = np.lexsort((random.random(len(seconds)), random.permutation(len(count))[alike]))
    partner = np.empty(len(seconds), np.int64)
    partner[order] = np.roll(order, -int(count.max()))
    return partner


def _fitting(encoder: Encoder, first: str, second: str) -> tuple[str, str]:
    """Return two texts, the second one cut at its end where both are longer than the model reads together."""
    while (surplus := len((found := encoder.tokenizer.encode(first, second)).ids) - encoder.max_tokens) > 0:
        ends = [span[1] for span, owner in zip(found.offsets, found.sequence_ids, strict=True) if owner == 1]
        # A word that is cut may have more tokens than it had: then it is cut again.
        shorter = second[: ends[max(0, len(ends) - 1 - surplus)]]
        second = shorter if len(shorter) < len(second) else second[:-1]
    return first, second


def sentence_pairs(encoder: Encoder, sentences: Sequence[str]) -> list[tuple[str, str]]:
    """Return each sentence with the one after it, as far as both fit into the model."""
    return [
        (one, other)
        for one, other in pairwise(sentences)
        if len(encoder.tokenizer.encode(one, other).ids) <= encoder.max_tokens
    ]
