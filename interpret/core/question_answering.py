"""Where a passage answers a question, for heads that score the first and the last token of an answer.

Devlin et al. (2019), BERT, sections 4.2 and 4.3, https://aclanthology.org/N19-1423; Rajpurkar et al. (2016, 2018),
SQuAD, https://aclanthology.org/P18-2124.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int

from interpret.core.arrays import read_only
from interpret.core.characters import beginning
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tasks import logits_of
from interpret.core.tokens import Tokens
from interpret.core.windows import Window, windows

# An answer has at most so many tokens, as in the paper's own evaluation.
MOST_TOKENS = 30
# Of one passage: a short book. Each takes a pass through the model, and some thousand stretches.
MOST_WINDOWS = 500


@dataclass(frozen=True)
class Answer:
    """A stretch of the passage.

    Attributes
    ----------
    text
        As the passage has it.
    start, end
        Its characters in the passage: ``start <= i < end``.
    score
        The logit of its first token as a start, and of its last as an end, added up.
    probability
        Its share among all stretches of the passage, and that there is no answer: the softmax of their scores.
    window
        The number of the window that it was found in.
    tokens
        Its first and its last token there.
    """

    text: str
    start: int
    end: int
    score: float
    probability: float
    window: int
    tokens: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Answers:
    """The best answers to a question in a passage.

    Attributes
    ----------
    question, passage
        What was asked, and where.
    answers
        The best first; none overlaps a better one.
    no_answer
        The probability that the passage has none, as models of SQuAD 2.0 say it at the first token; of others it says
        nothing.
    windows
        The stretches of the passage that were read, each behind the question.
    tokens, edges
        Of each window the tokens, those of the question first, and what the head says of each.
    """

    question: str
    passage: str
    answers: tuple[Answer, ...]
    no_answer: float
    windows: tuple[Window, ...]
    tokens: tuple[Tokens, ...]
    edges: tuple["Edges", ...]

    @property
    def best_window(self) -> int:
        """The window that the best answer is in; the first where there is none."""
        return self.answers[0].window if self.answers else 0


@dataclass(frozen=True, eq=False)
class Edges:
    """What the head says of each token of a window.

    Attributes
    ----------
    start, end
        How far each token is the first, and the last, of the answer (logits).
    span
        Where each token stands in the window: characters ``start <= i < end``.
    within
        Which tokens are of the passage: one stretch.
    """

    start: Float32[np.ndarray, " token"]
    end: Float32[np.ndarray, " token"]
    span: Int[np.ndarray, "token 2"]
    within: Bool[np.ndarray, " token"]

    @property
    def probabilities(self) -> Float64[np.ndarray, "edge token"]:
        """How likely each token is the first, and the last, of the answer.

        The softmax over the passage's tokens and the first one of all, which stands for no answer; 0 for others.
        """
        among = self.within.copy()
        among[0] = True
        logits = np.where(among, np.stack([self.start, self.end]).astype(np.float64), -np.inf)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return read_only(shares / shares.sum(axis=1, keepdims=True), np.float64)

    @property
    def no_answer(self) -> float:
        """How far the window has no answer: the first token's two logits (Devlin et al. 2019, sec. 4.3)."""
        return float(self.start[0] + self.end[0])


@dataclass(frozen=True, eq=False)
class Spans:
    """All stretches that could be an answer, the likeliest first.

    Attributes
    ----------
    characters
        Their characters in the passage.
    score
        The logits of first and last token, added up; of a stretch that stands in two windows the better.
    probability
        The softmax of the scores, among which is that there is no answer.
    window, tokens
        In which window, and as which tokens of it, first and last.
    no_answer, no_answer_score
        The probability and the score of there being no answer; the score is the lowest of the windows'.
    """

    characters: Int[np.ndarray, "span 2"]
    score: Float64[np.ndarray, " span"]
    probability: Float64[np.ndarray, " span"]
    window: Int[np.ndarray, " span"]
    tokens: Int[np.ndarray, "span 2"]
    no_answer: float
    no_answer_score: float

    def __len__(self) -> int:
        return len(self.score)


def rank_spans(windows: Sequence[tuple[int, Edges]], most_tokens: int = MOST_TOKENS) -> Spans:
    """Rank all stretches of a passage that could be an answer.

    Parameters
    ----------
    windows
        For each window the character of the passage at which it begins, and what the head says of it.
    most_tokens
        How many tokens an answer has at most.
    """
    found = []
    for number, (offset, edges) in enumerate(windows):
        tokens = _token_spans(edges, most_tokens)
        score = edges.start[tokens[:, 0]].astype(np.float64) + edges.end[tokens[:, 1]]
        characters = offset + np.stack([edges.span[tokens[:, 0], 0], edges.span[tokens[:, 1], 1]], axis=1)
        found.append((characters, score, np.full(len(score), number), tokens))
    characters, score, window, tokens = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # The better of two that are the same characters; nothing where a token has none.
    order = np.lexsort((-score, characters[:, 1], characters[:, 0]))
    order = order[characters[order, 0] < characters[order, 1]]
    new = np.ones(len(order), bool)
    new[1:] = (characters[order[1:]] != characters[order[:-1]]).any(axis=1)
    order = order[new]
    order = order[np.argsort(-score[order], kind="stable")]
    nothing = min(edges.no_answer for _, edges in windows)
    every = np.concatenate([[nothing], score[order]])
    shares = np.exp(every - every.max())
    shares /= shares.sum()
    return Spans(characters[order], score[order], shares[1:], window[order], tokens[order], float(shares[0]), nothing)


def answer_question(
    encoder: Encoder, question: str, passage: str, count: int = 5, most_tokens: int = MOST_TOKENS
) -> Answers:
    """Find the best answers to a question in a passage of any length.

    A long passage is read in windows that overlap; of a stretch that stands in two of them the better score counts.

    Parameters
    ----------
    count
        How many answers are returned at most.
    most_tokens
        How many tokens an answer has at most.

    Raises
    ------
    InputError
        If the model has no such head, there is nothing to read, or too much.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm-reader")
    >>> passage = "The night train leaves at ten and arrives at seven. A ticket costs 80 francs."
    >>> found = it.answer_question(encoder, "How much does a ticket cost?", passage)
    >>> found.answers[0].text
    '80 francs'
    """
    if encoder.task is None or encoder.task.kind != "span":
        raise InputError(
            "This model has no head that finds answers in a passage. Choose one that was trained for question "
            "answering."
        )
    if count < 1 or most_tokens < 1:
        raise InputError("At least one answer of one token must be wanted.")
    cut = passage_windows(encoder, question, passage)
    if len(cut) > MOST_WINDOWS:
        raise InputError(
            "The passage is too long: it takes {count} windows, and at most {most} are read. Use a part of it.",
            count=len(cut),
            most=MOST_WINDOWS,
        )
    tokens = tuple(encoder.tokens(question, window.text) for window in cut)
    edges = tuple(read_edges(encoder, one) for one in tokens)
    spans = rank_spans([(window.start, one) for window, one in zip(cut, edges, strict=True)], most_tokens)
    if not len(spans):
        raise _no_words()
    answers = [
        Answer(
            passage[int(spans.characters[i, 0]) : int(spans.characters[i, 1])],
            int(spans.characters[i, 0]),
            int(spans.characters[i, 1]),
            float(spans.score[i]),
            float(spans.probability[i]),
            int(spans.window[i]),
            (int(spans.tokens[i, 0]), int(spans.tokens[i, 1])),
        )
        for i in _apart(spans.characters, count)
    ]
    return Answers(question, passage, tuple(answers), spans.no_answer, cut, tokens, edges)


def passage_windows(encoder: Encoder, question: str, passage: str, size: int | None = None) -> tuple[Window, ...]:
    """Cut a passage into windows that can each be read behind the question.

    Parameters
    ----------
    size
        Tokens that question and window have together, with the special ones; as many as the model takes unless given.

    Raises
    ------
    InputError
        If either is empty, or the question leaves no room for a passage.
    """
    cut = windows(encoder, question, passage, size)
    if len(cut.first) > 1:
        raise InputError(
            "The question “{question}” is too long to be read with a passage. Shorten it.",
            question=beginning(question),
        )
    return cut.second


def read_edges(encoder: Encoder, tokens: Tokens) -> Edges:
    """Ask the head about a question and a passage that fit together."""
    with torch.no_grad():
        logits = logits_of(encoder.forward([tokens], task=True))[0].float().cpu().numpy()
    return Edges(
        read_only(logits[:, 0], np.float32), read_only(logits[:, 1], np.float32), tokens.span, of_passage(tokens)
    )


def of_passage(tokens: Tokens) -> Bool[np.ndarray, " token"]:
    """Tell which tokens of a question and its passage are of the passage."""
    return (tokens.segment == 1) & ~tokens.special


def best_edges(encoder: Encoder, tokens: Tokens) -> tuple[int, int]:
    """Return the first and the last token of the best answer in a question and a passage that fit together.

    Raises
    ------
    InputError
        If the passage has no tokens.
    """
    spans = rank_spans([(0, read_edges(encoder, tokens))])
    if not len(spans):
        raise _no_words()
    return int(spans.tokens[0, 0]), int(spans.tokens[0, 1])


def _apart(spans: Int[np.ndarray, "span 2"], count: int) -> list[int]:
    """Return the first of some stretches, and of the others those that overlap none before them."""
    left = np.ones(len(spans), bool)
    found: list[int] = []
    while len(found) < count and left.any():
        best = int(left.argmax())
        found.append(best)
        left &= (spans[:, 1] <= spans[best, 0]) | (spans[:, 0] >= spans[best, 1])
    return found


def _no_words() -> InputError:
    return InputError("The passage has no words to answer with.")


def _token_spans(edges: Edges, most: int) -> Int[np.ndarray, "span 2"]:
    """Return every stretch of the passage's tokens up to a length: its first and its last."""
    inside = np.flatnonzero(edges.within)
    first, length = np.meshgrid(inside, np.arange(min(most, len(inside))), indexing="ij")
    last = first + length
    return np.stack([first, last], axis=-1)[last <= (inside[-1] if len(inside) else -1)].astype(np.int64)
