"""Q·K·V step by step against the model itself, for every family that shows its queries and keys."""

import numpy as np
import pytest
import torch

import interpret as it
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "because it was rich said the animals and the bank was steep"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_recomputes_the_models_own_output(tiny_folders, family):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    trace = it.trace(encoder, TEXT)
    for layer in range(encoder.layers):
        steps = it.attention.attention_steps(encoder, trace, layer, 2, 4)
        assert max(steps.errors.values()) < 1e-5
        assert set(steps.errors) == {"weights", "context", "output"}
        np.testing.assert_allclose(steps.weights, trace.attention[layer, 2, 4], atol=1e-5)
        np.testing.assert_allclose(steps.context, trace.context[layer, 2, 4], atol=1e-5)
        assert steps.moved == pytest.approx(1)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_output_is_what_the_rest_of_the_layer_starts_from(tiny_folders, family):
    """Independent of any hook on the norm: the layer's feed-forward part, run on what the steps end in."""
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    trace = it.trace(encoder, TEXT)
    steps = it.attention.attention_steps(encoder, trace, 1, 0, 3)
    if family == "modernbert":
        layer = encoder.model.layers[1]
        with torch.inference_mode():
            after = torch.tensor(steps.added) + layer.mlp(torch.tensor(steps.normed)[None, None])[0, 0]
    else:
        layer = list(encoder.part(encoder.family.layers).children())
        normed = torch.tensor(steps.normed)[None, None]
        with torch.inference_mode():
            if family == "albert":
                one = layer[0].albert_layers[0]
                after = one.full_layer_layer_norm(one.ff_chunk(normed) + normed)[0, 0]
            elif family == "distilbert":
                after = layer[1].output_layer_norm(layer[1].ffn(normed) + normed)[0, 0]
            elif hasattr(layer[1], "feed_forward_chunk"):
                after = layer[1].feed_forward_chunk(normed)[0, 0]
            else:
                after = layer[1].output(layer[1].intermediate(normed), normed)[0, 0]
    np.testing.assert_allclose(after.numpy(), trace.hidden[2, 3], atol=1e-4)


def test_each_step_follows_from_the_one_before(minilm):
    trace = it.trace(minilm, "The bank of the river was steep.")
    steps = it.attention.attention_steps(minilm, trace, 4, 7, 2)
    np.testing.assert_allclose(steps.query, trace.query[4, 7, 2], atol=1e-6)
    np.testing.assert_allclose(steps.products, trace.query[4, 7, 2] * trace.key[4, 7], atol=1e-5)
    np.testing.assert_allclose(steps.dots, trace.key[4, 7] @ trace.query[4, 7, 2], rtol=1e-4)
    np.testing.assert_allclose(steps.scaled, steps.dots / np.sqrt(32), rtol=1e-5)
    weights = np.exp(steps.scaled) / np.exp(steps.scaled).sum()
    np.testing.assert_allclose(steps.weights, weights, atol=1e-6)
    np.testing.assert_allclose(steps.weighted.sum(0), steps.context, atol=1e-6)
    np.testing.assert_allclose(steps.contexts, trace.context[4, :, 2], atol=1e-5)
    np.testing.assert_allclose(steps.added, steps.hidden + steps.projected, atol=1e-6)
    dense = minilm.model.encoder.layer[4].attention.output.dense
    with torch.inference_mode():
        projected = dense(torch.tensor(steps.contexts).reshape(1, -1))[0].numpy()
    np.testing.assert_allclose(steps.projected, projected, atol=1e-5)
    alone = torch.zeros(12, 32)
    alone[7] = torch.tensor(steps.contexts[7])
    with torch.inference_mode():
        part = (dense(alone.reshape(1, -1))[0] - dense.bias).numpy()
    assert steps.contributions[7] == pytest.approx(np.linalg.norm(part), rel=1e-4)
    entropy = -(steps.weights * np.log(steps.weights)).sum()
    assert steps.entropy == pytest.approx(entropy, rel=1e-4)
    jacobian = np.diag(steps.weights) - np.outer(steps.weights, steps.weights)
    assert steps.sensitivity == pytest.approx(np.trace(jacobian), rel=1e-4)


def test_temperature_sharpens_and_evens_out(minilm):
    trace = it.trace(minilm, "The bank of the river was steep.")
    usual = it.attention.attention_steps(minilm, trace, 4, 7, 2)
    sharp = it.attention.attention_steps(minilm, trace, 4, 7, 2, temperature=1 / np.sqrt(32))
    even = it.attention.attention_steps(minilm, trace, 4, 7, 2, temperature=1e5)
    assert sharp.divisor == pytest.approx(1)
    np.testing.assert_allclose(sharp.scaled, usual.dots, rtol=1e-5)
    assert sharp.entropy < usual.entropy < even.entropy
    assert sharp.sensitivity < usual.sensitivity < even.sensitivity
    np.testing.assert_allclose(even.weights, 1 / len(trace.tokens), atol=1e-4)
    np.testing.assert_allclose(even.usual_weights, usual.weights)
    # What is said about the model stays what it was.
    assert sharp.errors == usual.errors
    assert sharp.moved < 1
    np.testing.assert_allclose(np.delete(sharp.contexts, 7, 0), np.delete(usual.contexts, 7, 0))


def test_a_local_layers_mask_gives_no_weight(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["modernbert"]), device="cpu")
    trace = it.trace(encoder, TEXT)
    steps = it.attention.attention_steps(encoder, trace, 1, 0, 0)
    assert not steps.allowed[10]
    assert steps.weights[10] == 0
    assert steps.allowed[:4].all()


@pytest.mark.parametrize(("layers", "groups"), [(4, 2), (5, 2), (6, 4)])
def test_albert_with_groups_of_layers_takes_the_right_ones(tmp_path, layers, groups):
    folder = make_checkpoint("albert", tmp_path, num_hidden_layers=layers, num_hidden_groups=groups)
    encoder = it.load_encoder(str(folder), device="cpu")
    trace = it.trace(encoder, TEXT)
    for layer in range(layers):
        assert max(it.attention.attention_steps(encoder, trace, layer, 1, 2).errors.values()) < 1e-5


def test_bfloat16_says_how_far_off_it_is(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu", precision="bfloat16")
    steps = it.attention.attention_steps(encoder, it.trace(encoder, TEXT), 1, 0, 3)
    assert 1e-5 < max(steps.errors.values()) < 0.2


def test_what_is_not_there_is_said(minilm, tiny_folders):
    trace = it.trace(minilm, "one")
    for place in ((6, 0, 0), (0, 12, 0), (0, 0, 3), (-1, 0, 0)):
        with pytest.raises(it.InputError, match="There is no"):
            it.attention.attention_steps(minilm, trace, *place)
    with pytest.raises(it.InputError, match="0.0 is not a valid temperature"):
        it.attention.attention_steps(minilm, trace, 0, 0, 0, temperature=0.0)
