"""A prompt before each text: what the model reads, and that nobody takes it for words of the text."""

import json
from dataclasses import fields

import numpy as np
import pytest

import interpret as it
from interpret.attribution.row_jobs import RowRequest
from interpret.core.encoder_loading import load_spec
from interpret.core.linear_head import sentence_vectors
from tests.tiny import FAMILIES

PROMPT = "query: "
TEXT = "the river bank said it was tired"


@pytest.fixture(scope="module")
def encoders(tiny_folders):
    return {family: it.load_encoder(str(folder), device="cpu") for family, folder in tiny_folders.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_reads_prompt_and_text_and_the_text_is_what_was_given(encoders, family):
    encoder = encoders[family]
    asked = encoder.with_prompt(PROMPT)
    one, other = it.trace(asked, TEXT), it.trace(encoder, PROMPT + TEXT)
    np.testing.assert_array_equal(one.tokens.ids, other.tokens.ids)
    np.testing.assert_array_equal(one.hidden, other.hidden)
    assert one.tokens.text == TEXT
    # Words and their places are those of the text; the prompt's tokens are special, and belong to none.
    plain = it.trace(encoder, TEXT).tokens
    words = [name for name, group in zip(one.tokens.words, one.tokens.groups, strict=True) if not _special(one, group)]
    assert "".join(words) == "".join(plain.words[i] for i, g in enumerate(plain.groups) if not plain.special[g[0]])
    assert one.tokens.special.sum() > plain.special.sum()
    assert one.spec.prompt == PROMPT
    # A pair has no prompt, and the encoder that it was made of has none.
    np.testing.assert_array_equal(asked.tokens("a", "b").ids, encoder.tokens("a", "b").ids)
    assert encoder.spec.prompt is None


def _special(trace, group):
    return bool(trace.tokens.special[group[0]])


@pytest.mark.parametrize("family", FAMILIES)
# The last runs into the first word, which is then cut in another way.
@pytest.mark.parametrize("prompt", [PROMPT, "a long prompt of many words before it all: ", "animalsx"])
def test_every_window_of_a_long_text_fits_behind_the_prompt(encoders, family, prompt):
    asked = encoders[family].with_prompt(prompt)
    text = "the river bank said it was tired because money lent rich animals " * 60
    cut = it.windows(asked, text, overlap=4)
    assert len(cut.first) > 1
    for window in cut.first:
        assert len(asked.tokens(window.text)) <= asked.max_tokens
        assert text[window.start : window.end] == window.text
    assert cut.first[0].start == 0
    assert cut.first[-1].end >= len(text.rstrip())


def test_a_vector_of_a_prompted_encoder_is_that_of_the_prompt(encoders):
    encoder = encoders["bert"]
    asked = encoder.with_prompt(PROMPT)
    expected = it.embed(encoder, [TEXT], prompt=PROMPT)
    found = it.embed(asked, [TEXT])
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.prompt == expected.prompt == PROMPT
    # Said outright, another one, or none, goes before it.
    np.testing.assert_array_equal(it.embed(asked, [TEXT], prompt="").vectors, it.embed(encoder, [TEXT]).vectors)


def test_a_head_is_fitted_and_explained_behind_the_prompt(encoders):
    asked = encoders["bert"].with_prompt(PROMPT)
    texts = ["the river bank", "money lent", "rich money", "steep river"] * 3
    head = it.fit_head(asked, texts, ["a", "b", "b", "a"] * 3)
    function = it.attribution.target_function(asked, TEXT, head=head)
    logits = sentence_vectors(asked, [TEXT]) @ head.weight.T + head.bias
    np.testing.assert_allclose(function.own, logits[0], atol=1e-5)
    assert not np.allclose(sentence_vectors(asked, [TEXT]), sentence_vectors(asked.with_prompt(None), [TEXT]))
    found = it.attribute(asked, TEXT, head=head, method="integrated_gradients")
    special = found.tokens.special
    assert special.sum() > 2
    # No baseline takes the prompt away, so it explains nothing.
    np.testing.assert_array_equal(found.scores[special], 0)
    assert found.error < 0.02


def test_a_spec_is_loaded_with_its_prompt_and_a_job_without_one_is_the_job_that_it_was(encoders):
    spec = encoders["bert"].with_prompt(PROMPT).spec
    assert load_spec(spec).spec == spec
    request = RowRequest(spec, "rows.csv")
    assert RowRequest.from_dict(json.loads(request.to_json())) == request
    before = RowRequest(encoders["bert"].spec, "rows.csv")
    assert "prompt" not in json.loads(before.to_json())["spec"]
    assert RowRequest.from_dict(json.loads(before.to_json())) == before
    assert {field.name for field in fields(spec)} == {"checkpoint", "device", "precision", "prompt"}
