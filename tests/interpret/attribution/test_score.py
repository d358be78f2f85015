"""The one number of a regression's or a reranker's head, beside transformers and sentence-transformers."""

import json

import numpy as np
import pytest
import torch
import transformers as tf
from sentence_transformers import CrossEncoder

import interpret as it
from tests.tiny import FAMILIES, make_checkpoint

TEXT, PAIR = "the river bank said it was tired", "the bank lent money"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("scores")
    loader = tf.AutoModelForSequenceClassification
    return {one: make_checkpoint(one, root / one, loader=loader, num_labels=1) for one in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pair", [None, PAIR])
def test_it_is_the_logit_of_transformers_and_words_account_for_it(folders, family, pair):
    encoder = it.load_encoder(str(folders[family]), device="cpu")
    function = it.attribution.target_function(encoder, TEXT, pair)
    assert (function.target.kind, function.target.name) == ("score", "score")
    peer = tf.AutoModelForSequenceClassification.from_pretrained(folders[family]).eval()
    inputs = tf.AutoTokenizer.from_pretrained(folders[family])(TEXT, pair, return_tensors="pt")
    with torch.inference_mode():
        expected = float(peer(**inputs).logits[0, 0])
    assert function.output == pytest.approx(expected, abs=1e-5)
    found = it.attribute(encoder, TEXT, pair, target="score")
    # Integrated gradients: the scores add up to what the text changes (Sundararajan et al. 2017, proposition 1).
    assert found.output == pytest.approx(expected, abs=1e-5)
    assert found.error <= 0.01
    change = found.output - found.baseline_output
    assert abs(float(found.scores.sum()) - change) <= 0.01 * abs(change) + 1e-5


def test_a_reranker_answers_as_its_folder_says(folders, tmp_path):
    model = CrossEncoder(str(folders["bert"]), device="cpu")
    model.save_pretrained(str(tmp_path / "reranker"))
    said = json.loads((tmp_path / "reranker/config_sentence_transformers.json").read_text())
    assert said["activation_fn"].endswith("Sigmoid")
    encoder = it.load_encoder(str(tmp_path / "reranker"), device="cpu")
    function = it.attribution.target_function(encoder, TEXT, PAIR)
    theirs = CrossEncoder(str(tmp_path / "reranker"), device="cpu").predict([(TEXT, PAIR)])
    np.testing.assert_allclose(function.probabilities(function.own[None])[0], theirs, atol=1e-6)


def test_other_targets_and_other_models_are_told_apart(folders, minilm):
    encoder = it.load_encoder(str(folders["bert"]), device="cpu")
    head = it.fit_head(encoder, [TEXT, PAIR] * 3, ["a", "b"] * 3)
    assert it.attribution.target_function(encoder, TEXT, head=head).target.kind == "class"
    assert it.attribution.target_function(encoder, TEXT, target="score", head=head).target.kind == "score"
    with pytest.raises(it.InputError, match="answers with one number"):
        it.attribution.target_function(encoder, TEXT, target=0)
    with pytest.raises(it.InputError, match="no class or token “score”"):
        it.attribution.target_function(minilm, TEXT, target="score")
    with pytest.raises(it.InputError, match="no head that answers with one number"):
        it.attribution.target_function(minilm, TEXT, target=it.attribution.Target("score", "score"))
    # What a model does not have is not offered to it.
    with pytest.raises(it.InputError) as error:
        it.attribution.target_function(minilm, TEXT)
    assert "“score”" not in str(error.value)


def test_heads_are_taken_out_and_the_score_moves(folders):
    encoder = it.load_encoder(str(folders["bert"]), device="cpu")
    answers = it.attention.ablate(encoder, TEXT, heads=[(0, 0), (1, 1)]).answers
    assert answers.labels == ("score",)
    assert answers.before[0, 0] == pytest.approx(it.attribution.target_function(encoder, TEXT).output, abs=1e-5)
    assert answers.before[0, 0] != answers.after[0, 0]
    paths = it.attention.gradient_paths(encoder, it.trace(encoder, TEXT), layer=1, query=0, target=0)
    np.testing.assert_allclose(paths.mass.sum(axis=1), 1, atol=1e-5)
