"""Where a passage answers a question, for heads that score the first and the last token of an answer.

Devlin et al. (2019), BERT, sections 4.2 and 4.3, https://aclanthology.org/N19-1423; Rajpurkar et al. (2016, 2018),
SQuAD, https://aclanthology.org/P18-2124.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32

from interpret.core.arrays import read_only
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tasks import logits_of
from interpret.core.tokens import Tokens
from interpret.core.windows import Window, windows

# An answer has at most so many tokens, as in the paper's own evaluation.
MOST_TOKENS = 30


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
        The best first; no two are of the same characters.
    no_answer
        The probability that the passage has none, as models of SQuAD 2.0 say it at the first token; of others it says
        nothing.
    windows
        The stretches of the passage that were read, each behind the question.
    """

    question: str
    passage: str
    answers: tuple[Answer, ...]
    no_answer: float
    windows: tuple[Window, ...]


@dataclass(frozen=True, eq=False)
class Edges:
    """What the head says of one window's tokens.

    Attributes
    ----------
    tokens
        The question, and the window behind it.
    start, end
        How far each token is the first, and the last, of the answer (logits).
    """

    tokens: Tokens
    start: Float32[np.ndarray, " token"]
    end: Float32[np.ndarray, " token"]

    @property
    def within(self) -> Bool[np.ndarray, " token"]:
        """Which tokens are of the passage."""
        return (self.tokens.segment == 1) & ~self.tokens.special


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
        If the model has no such head, or there is nothing to read.
    """
    if encoder.task is None or encoder.task.kind != "span":
        raise InputError(
            "This model has no head that finds answers in a passage. Choose one that was trained for question "
            "answering."
        )
    cut = windows(encoder, question, passage)
    if len(cut.first) > 1:
        raise InputError("The question is too long to be read with a passage. Shorten it.")
    found: dict[tuple[int, int], tuple[float, int, tuple[int, int]]] = {}
    nothing = np.inf
    for number, window in enumerate(cut.second):
        edges = read_edges(encoder, question, window.text)
        nothing = min(nothing, float(edges.start[0] + edges.end[0]))
        for score, first, last in _spans(edges, most_tokens):
            start = window.start + int(edges.tokens.span[first, 0])
            end = window.start + int(edges.tokens.span[last, 1])
            if start < end and score > found.get((start, end), (-np.inf,))[0]:
                found[start, end] = score, number, (first, last)
    scores = np.array([nothing, *(one[0] for one in found.values())])
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    best = sorted(zip(found.items(), shares[1:], strict=True), key=lambda one: -one[0][1][0])[:count]
    answers = [
        Answer(passage[start:end], start, end, score, float(share), number, tokens)
        for ((start, end), (score, number, tokens)), share in best
    ]
    return Answers(question, passage, tuple(answers), float(shares[0]), cut.second)


def read_edges(encoder: Encoder, question: str, passage: str) -> Edges:
    """Ask the head about one window of a passage.

    Raises
    ------
    InputError
        If there is nothing to read, or more than the model takes.
    """
    return _edges(encoder, encoder.tokens(question, passage))


def best_edges(encoder: Encoder, tokens: Tokens) -> tuple[int, int]:
    """Return the first and the last token of the best answer in a question and a passage that fit together.

    Raises
    ------
    InputError
        If the passage has no tokens.
    """
    edges = _edges(encoder, tokens)
    spans = _spans(edges, MOST_TOKENS)
    if not spans:
        raise InputError("The passage has no words to answer with.")
    _score, first, last = max(spans)
    return first, last


def _edges(encoder: Encoder, tokens: Tokens) -> Edges:
    with torch.no_grad():
        logits = logits_of(encoder.forward([tokens], task=True))[0].float().cpu().numpy()
    return Edges(tokens, read_only(logits[:, 0], np.float32), read_only(logits[:, 1], np.float32))


def _spans(edges: Edges, most: int) -> list[tuple[float, int, int]]:
    """Return the score of every stretch of the passage up to a length, with its first and its last token."""
    positions = np.flatnonzero(edges.within)
    found = []
    for index, first in enumerate(positions):
        for last in positions[index : index + most]:
            found.append((float(edges.start[first] + edges.end[last]), int(first), int(last)))
    return found
