"""Where an answer begins and ends, beside transformers, and where its token is taken away."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.errors import InputError
from interpret.core.question_answering import answer_question
from tests.tiny import FAMILIES, make_checkpoint

QUESTION, PASSAGE = "who lent money", "the rich bank lent money, it said"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("answering")
    loader = tf.AutoModelForQuestionAnswering
    return {one: make_checkpoint(one, root / one, loader=loader, initializer_range=0.1) for one in FAMILIES}


def load(folders, family):
    return it.load_encoder(str(folders[family]), device="cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_the_logit_of_transformers_and_words_account_for_it(folders, family):
    encoder = load(folders, family)
    tokens = encoder.tokens(QUESTION, PASSAGE)
    model = tf.AutoModelForQuestionAnswering.from_pretrained(folders[family]).eval()
    with torch.inference_mode():
        output = model(**encoder.batch([tokens]))
    best = answer_question(encoder, QUESTION, PASSAGE).answers[0].tokens
    for name, logits, position in zip(
        ("answer start", "answer end"), (output.start_logits[0], output.end_logits[0]), best, strict=True
    ):
        function = it.attribution.target_function(encoder, QUESTION, PASSAGE, name)
        assert function.target.position == position
        assert function.output == pytest.approx(float(logits[position]), abs=1e-4)
        asked = it.attribution.target_function(encoder, QUESTION, PASSAGE, f"{name} {best[0]}")
        assert asked.output == pytest.approx(float(logits[best[0]]), abs=1e-4)
        found = it.attribution.explain(function, "integrated_gradients")
        change = found.output - found.baseline_output
        assert abs(float(found.scores.sum()) - change) <= 0.01 * abs(change) + 1e-5
    # What is predicted is where the best answer begins.
    assert it.attribution.target_function(encoder, QUESTION, PASSAGE).target.kind == "answer start"


def test_a_shorter_passage_is_asked_at_the_same_token_and_a_token_that_goes_leaves_a_mask(folders):
    encoder = load(folders, "bert")
    model = tf.AutoModelForQuestionAnswering.from_pretrained(folders["bert"]).eval()
    whole = encoder.tokens(QUESTION, PASSAGE)
    position = len(whole) - 2
    function = it.attribution.target_function(encoder, QUESTION, PASSAGE, f"answer end {position}")
    for gone in (np.arange(len(whole)) == 2, np.arange(len(whole)) == position):
        shorter = function.without(gone)
        assert len(shorter) == len(whole) - int(not gone[position])
        with torch.inference_mode():
            expected = float(model(**encoder.batch([shorter])).end_logits[0, len(shorter) - 2])
        assert function.outputs([shorter])[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("pair", "target", "sentence"),
    [
        (None, "predicted", "give the passage as the second text"),
        (None, "answer end", "give the passage as the second text"),
        (PASSAGE, "answer start 1", "Token 1 is not of the passage, which has the tokens"),
        (PASSAGE, "answer start 99", "Token 99 is not of the passage"),
    ],
)
def test_what_makes_no_sense_is_said(folders, pair, target, sentence):
    with pytest.raises(InputError, match=sentence):
        it.attribution.target_function(load(folders, "bert"), QUESTION, pair, target)
