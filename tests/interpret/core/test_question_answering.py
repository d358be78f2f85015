"""Answers beside what transformers' own model scores, worked out anew."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.question_answering import answer_question
from tests.tiny import FAMILIES, make_checkpoint

QUESTION = "who lent money"
PASSAGE = "the river was steep and the rich bank lent money because it was tired, said the animals"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("answering")
    loader = tf.AutoModelForQuestionAnswering
    return {one: make_checkpoint(one, root / one, loader=loader, initializer_range=0.5) for one in FAMILIES}


def load(folders, family):
    return it.load_encoder(str(folders[family]), device="cpu")


def spans_of(folder, encoder, question, passage, most):
    """Every stretch's score by its characters, from transformers' own logits; and that of no answer."""
    model = tf.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    tokens = encoder.tokens(question, passage)
    with torch.inference_mode():
        output = model(**encoder.batch([tokens]))
    start, end = output.start_logits[0].numpy(), output.end_logits[0].numpy()
    inside = [i for i in range(len(tokens)) if tokens.segment[i] == 1 and not tokens.special[i]]
    found = {}
    for i in inside:
        for j in inside:
            if i <= j < i + most:
                key = int(tokens.span[i, 0]), int(tokens.span[j, 1])
                if key[0] < key[1]:
                    found[key] = max(found.get(key, -np.inf), float(start[i] + end[j]))
    return found, float(start[0] + end[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_best_stretches_are_those_of_transformers_logits(folders, family):
    encoder = load(folders, family)
    assert (encoder.task.kind, encoder.task.labels) == ("span", ("start", "end"))
    passage = PASSAGE[24:60]
    found = answer_question(encoder, QUESTION, passage, count=4, most_tokens=6)
    expected, nothing = spans_of(folders[family], encoder, QUESTION, passage, 6)
    best = []
    for one in sorted(expected, key=lambda one: -expected[one]):
        if all(one[1] <= other[0] or one[0] >= other[1] for other in best):
            best.append(one)
    assert [(one.start, one.end) for one in found.answers] == best[:4]
    total = np.exp(nothing) + sum(np.exp(one) for one in expected.values())
    for answer in found.answers:
        assert answer.text == passage[answer.start : answer.end]
        assert answer.score == pytest.approx(expected[answer.start, answer.end], abs=1e-4)
        assert answer.probability == pytest.approx(np.exp(answer.score) / total, rel=1e-3)
    assert found.no_answer == pytest.approx(np.exp(nothing) / total, rel=1e-3)
    assert len(found.windows) == 1


def test_of_a_long_passage_the_best_of_all_windows_is_the_answer(folders):
    encoder = load(folders, "bert")
    long = " ".join([PASSAGE] * 12)
    found = answer_question(encoder, QUESTION, long, count=3, most_tokens=6)
    assert len(found.windows) > 2
    every = {}
    nothing = []
    for window in found.windows:
        spans, none = spans_of(folders["bert"], encoder, QUESTION, window.text, 6)
        nothing.append(none)
        for (start, end), score in spans.items():
            key = start + window.start, end + window.start
            every[key] = max(every.get(key, -np.inf), score)
    best = max(every, key=every.get)
    answer = found.answers[0]
    assert answer.score == pytest.approx(every[best], abs=1e-4)
    assert answer.text == long[answer.start : answer.end]
    assert every[answer.start, answer.end] == pytest.approx(answer.score, abs=1e-4)
    total = np.exp(min(nothing)) + sum(np.exp(one) for one in every.values())
    assert answer.probability == pytest.approx(np.exp(answer.score) / total, rel=1e-3)
    # No two are of the same characters, and none is longer than asked.
    assert len({(one.start, one.end) for one in found.answers}) == 3


def test_what_cannot_be_answered_is_said(folders, minilm):
    with pytest.raises(it.InputError, match="no head that finds answers"):
        answer_question(minilm, QUESTION, PASSAGE)
    encoder = load(folders, "bert")
    with pytest.raises(it.InputError, match="second text is empty"):
        answer_question(encoder, QUESTION, " ")
    with pytest.raises(it.InputError, match="too long to be read with a passage"):
        answer_question(encoder, "money " * 3000, PASSAGE * 3)
