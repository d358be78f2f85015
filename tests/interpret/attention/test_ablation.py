"""Heads taken out of one text."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the bank said it was rich"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_that_is_out_is_a_zero_in_the_output_projections_input(tiny_folders, family):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    result = it.attention.ablate(encoder, TEXT, heads=[(1, 2), (2, 0)])
    calls = []

    def zero(_, inputs):
        layer = len(calls)
        calls.append(layer)
        context = inputs[0].clone()
        for where, head in ((1, 2), (2, 0)):
            if where == layer:
                context[..., 6 * head : 6 * head + 6] = 0
        return (context,)

    modules = {id(m): m for m in projections(encoder)}
    hooks = [module.register_forward_pre_hook(zero) for module in modules.values()]
    try:
        output = encoder.forward([encoder.tokens(TEXT)], output_hidden_states=True)
    finally:
        for hook in hooks:
            hook.remove()
    expected = torch.stack([one[0] for one in output.hidden_states]).numpy()
    np.testing.assert_allclose(result.after, expected, atol=1e-5)
    np.testing.assert_allclose(result.before, it.trace(encoder, TEXT).hidden, atol=1e-5)
    moved = np.linalg.norm(result.after - result.before, axis=-1) / np.linalg.norm(result.before, axis=-1)
    np.testing.assert_allclose(result.distance, moved, rtol=1e-5)
    # What comes before the first head that is out does not change at all.
    assert not result.distance[:2].any()
    assert result.distance[2:].min() > 0


def projections(encoder):
    from operator import attrgetter

    layers = encoder.part(encoder.family.layers).children()
    return [attrgetter(encoder.family.projection)(layer) for layer in layers]


def test_nothing_out_changes_nothing(minilm):
    result = it.attention.ablate(minilm, "The bank of the river.", "It was steep.")
    assert not result.distance.any()
    assert result.similarity == {"mean": pytest.approx(1), "first": pytest.approx(1)}
    assert result.answers is None


def test_the_sentence_vectors_cosine(minilm):
    result = it.attention.ablate(
        minilm, "The bank of the river.", heads=[(layer, head) for layer in (2, 3) for head in range(12)]
    )
    one, other = result.before[-1].mean(0), result.after[-1].mean(0)
    cosine = one @ other / np.sqrt((one @ one) * (other @ other))
    assert result.similarity["mean"] == pytest.approx(float(cosine), rel=1e-5)
    assert result.similarity["mean"] < 0.99


def test_a_classifiers_probabilities(tmp_path):
    folder = make_checkpoint(
        "bert",
        tmp_path,
        loader=tf.AutoModelForSequenceClassification,
        id2label={0: "good", 1: "bad", 2: "neither"},
        label2id={"good": 0, "bad": 1, "neither": 2},
    )
    encoder = it.load_encoder(str(folder), device="cpu")
    answers = it.attention.ablate(encoder, TEXT, heads=[(0, 0), (1, 1)]).answers
    assert answers.labels == ("good", "bad", "neither")
    assert answers.rows == ("",)
    np.testing.assert_allclose(answers.before.sum(1), 1, atol=1e-6)
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(torch.tensor(encoder.tokens(TEXT).ids)[None]).logits.softmax(-1)
    np.testing.assert_allclose(answers.before, expected, atol=1e-5)
    assert abs(answers.after - answers.before).max() > 1e-3


def test_token_classes_and_masked_words(tmp_path):
    folder = make_checkpoint("bert", tmp_path / "ner", loader=tf.AutoModelForTokenClassification, num_labels=4)
    encoder = it.load_encoder(str(folder), device="cpu")
    answers = it.attention.ablate(encoder, TEXT, heads=[(0, 0)]).answers
    tokens = encoder.tokens(TEXT)
    assert answers.rows == tuple(f"{i} {tokens.labels[i]}" for i in np.flatnonzero(~tokens.special))
    assert answers.before.shape == (len(tokens) - 2, 4)

    folder = make_checkpoint("bert", tmp_path / "mlm", loader=tf.AutoModelForMaskedLM)
    encoder = it.load_encoder(str(folder), device="cpu")
    assert it.attention.ablate(encoder, TEXT, heads=[(0, 0)]).answers is None
    masked = "the [MASK] said it"
    answers = it.attention.ablate(encoder, masked, heads=[(0, 0)]).answers
    place = encoder.tokens(masked).strings.index("[MASK]")
    assert answers.rows == (f"{place} [MASK]",)
    model = tf.AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(torch.tensor(encoder.tokens(masked).ids)[None]).logits[0, place].softmax(-1)
    # The tiny model has more rows than tokens; those are numbers.
    ids = [int(one[2:-1]) if one.startswith("⟨#") else encoder.tokenizer.token_to_id(one) for one in answers.labels]
    np.testing.assert_allclose(answers.before[0], expected[ids], atol=1e-5)
    assert expected.argmax() in ids


def test_the_mask_is_the_vocabularys_own(tmp_path):
    folder = make_checkpoint("roberta", tmp_path, loader=tf.AutoModelForMaskedLM)
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.mask == "<mask>"
    assert it.attention.ablate(encoder, "the [MASK] said", heads=[(0, 0)]).answers is None
    answers = it.attention.ablate(encoder, "the <mask> said it", heads=[(0, 0)]).answers
    assert [row.split()[1] for row in answers.rows] == ["<mask>"]


def test_what_cannot_be_taken_out_is_said(minilm, tiny_folders):
    with pytest.raises(it.InputError, match="There is no head 12"):
        it.attention.ablate(minilm, TEXT, heads=[(0, 12)])
