"""A trace against transformers' own eager attention, and against NumPy."""

import io
import math
import threading
import warnings

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.families import FAMILIES as FAMILY
from interpret.core.tap import Tap
from tests.tiny import FAMILIES, make_checkpoint

SINGLE = "the bank said 中文 it was rich"
PAIR = ("the animals was tired", "unbelievably steep said the river bank")
LONG = "because it was rich said the animals and the bank was steep"


def eager(folder, texts):
    """What transformers gives with its own tokenizer, padding and eager attention."""
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    firsts, seconds = [text for text, _ in texts], [pair for _, pair in texts]
    inputs = tokenizer(firsts, None if seconds[0] is None else seconds, return_tensors="pt", padding=True)
    with torch.no_grad():
        return inputs, model(**inputs, output_attentions=True, output_hidden_states=True)


def assert_same(traces, inputs, expected):
    for row, trace in enumerate(traces):
        n = int(inputs["attention_mask"][row].sum())
        assert trace.tokens.ids.tolist() == inputs["input_ids"][row, :n].tolist()
        attention = np.stack([one[row, :, :n, :n].numpy() for one in expected.attentions])
        np.testing.assert_allclose(trace.attention, attention, atol=1e-5)
        hidden = np.stack([one[row, :n].numpy() for one in expected.hidden_states])
        np.testing.assert_allclose(trace.hidden, hidden, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "texts",
    [[(SINGLE, None)], [PAIR], [(SINGLE, None), (LONG, None)], [PAIR, PAIR[::-1], (SINGLE, LONG[:20])]],
    ids=["single", "pair", "padded singles", "padded pairs"],
)
def test_a_trace_is_what_eager_attention_gives(tiny_folders, family, texts):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    traces = it.trace_batch(encoder, texts)
    assert_same(traces, *eager(tiny_folders[family], texts))


@pytest.mark.parametrize(
    "texts", [[("The bank of the river.", None)], [("Who ate it?", "The cat did."), ("a", "b c d")]]
)
def test_the_built_in_model_is_what_eager_attention_gives(minilm, texts):
    traces = it.trace_batch(minilm, texts)
    assert_same(traces, *eager(checkpoint_folder(minilm.spec.checkpoint), texts))


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_queries_keys_and_values_give_weights_and_context(tiny_folders, family):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    for trace in it.trace_batch(encoder, [(SINGLE, None), (LONG, None)]):
        for layer in range(encoder.layers):
            scores = trace.query[layer] @ trace.key[layer].swapaxes(-1, -2) * trace.scaling[layer]
            if trace.bias is not None:
                scores += trace.bias[layer]
            if trace.mask is not None:
                scores = np.where(trace.mask[layer], scores, -np.inf)
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            np.testing.assert_allclose(trace.attention[layer], weights, atol=1e-5)
            np.testing.assert_allclose(trace.context[layer], weights @ trace.value[layer], atol=1e-5)


def test_modernberts_local_layers_have_their_window_in_the_mask(tiny_folders):
    trace = it.trace(it.load_encoder(str(tiny_folders["modernbert"]), device="cpu"), LONG)
    places = np.arange(len(trace.tokens))
    near = np.abs(places[:, None] - places) <= 4  # local_attention 8: four on each side
    assert np.array_equal(trace.mask[1], near)
    assert trace.mask[0].all()


@pytest.mark.parametrize("family", FAMILIES)
def test_dot_products_are_divided_by_the_root_of_the_width(tiny_folders, family):
    """And of how many products a score is a sum: three in DeBERTa (He et al. 2021, eq. 4)."""
    trace = it.trace(it.load_encoder(str(tiny_folders[family]), device="cpu"), SINGLE)
    products = 3 if family == "deberta-v2" else 1
    np.testing.assert_allclose(trace.scaling, 1 / np.sqrt(products * trace.query.shape[-1]), rtol=1e-6)
    assert (trace.bias is not None) == FAMILY[family].relative


def test_what_mpnet_adds_is_its_own_number_for_each_head_and_distance(tiny_folders):
    """By its own code, and the same in all layers: no distance beyond its buckets is told from another."""
    encoder = it.load_encoder(str(tiny_folders["mpnet"]), device="cpu")
    trace = it.trace(encoder, LONG)
    count = len(trace.tokens)
    with torch.no_grad():
        wanted = encoder.model.encoder.compute_position_bias(torch.zeros(1, count, 24))[0].numpy()
    np.testing.assert_allclose(trace.bias, np.broadcast_to(wanted, trace.bias.shape), atol=1e-6)
    for distance in range(-count + 1, count):
        along = np.diagonal(trace.bias, distance, axis1=2, axis2=3)
        assert np.ptp(along, axis=-1).max() < 1e-6
    # Held once, and written whole.
    assert trace.bias.strides[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        trace.bias[0] = 0
    saved = np.load(io.BytesIO(trace.npz()), allow_pickle=False)
    np.testing.assert_array_equal(saved["bias"], trace.bias)


def test_what_deberta_adds_is_contents_with_relative_positions(tiny_folders):
    """Recomputed from its weights, pair by pair (He et al. 2021, eq. 4), with distances in v2's buckets."""
    encoder = it.load_encoder(str(tiny_folders["deberta-v2"]), device="cpu")
    trace = it.trace(encoder, LONG)
    states = encoder.model.state_dict()
    table = states["encoder.rel_embeddings.weight"].numpy().astype(float)
    norm = {one: states[f"encoder.LayerNorm.{one}"].numpy() for one in ("weight", "bias")}
    table = (table - table.mean(1, keepdims=True)) / np.sqrt(table.var(1, keepdims=True) + 1e-12)
    table = table * norm["weight"] + norm["bias"]
    for layer in range(encoder.layers):
        own = f"encoder.layer.{layer}.attention.self"
        query, key = (
            (table @ states[f"{own}.{one}_proj.weight"].numpy().T + states[f"{own}.{one}_proj.bias"].numpy())
            .reshape(-1, 4, 6)
            .swapaxes(0, 1)
            for one in ("query", "key")
        )
        for i, j in ((0, 0), (1, 3), (9, 2), (2, len(trace.tokens) - 1)):
            place = 8 + _bucket(i - j)
            wanted = (trace.query[layer, :, i] * key[:, place]).sum(-1) + (
                trace.key[layer, :, j] * query[:, place]
            ).sum(-1)
            np.testing.assert_allclose(trace.bias[layer, :, i, j], wanted * trace.scaling[layer], atol=1e-5)


def _bucket(distance, buckets=8, most=66):
    """Distances up to half of the buckets as they are, larger ones by their logarithm (DeBERTa v2)."""
    half = buckets // 2
    if abs(distance) <= half:
        return distance
    found = half + math.ceil(math.log(abs(distance) / half) / math.log((most - 1) / half) * (half - 1))
    return found if distance > 0 else -found


def test_scores_that_are_mixed_across_heads_are_refused(tmp_path):
    folder = make_checkpoint("deberta", tmp_path, talking_head=True)
    with pytest.raises(it.CheckpointError, match="no head has weights of its own"):
        it.load_encoder(str(folder), device="cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_with_no_tap_open_the_output_is_the_models_own(tiny_folders, family):
    """By SDPA, to the last bit; by the eager code of those that have no other."""
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    own = "eager" if FAMILY[family].relative else "sdpa"
    plain = AutoModel.from_pretrained(tiny_folders[family], attn_implementation=own).eval()
    tokens = [encoder.tokens(SINGLE), encoder.tokens(LONG)]
    with torch.no_grad():
        expected = plain(**encoder.batch(tokens)).last_hidden_state
    found = encoder.forward(tokens).last_hidden_state
    if own == "sdpa":
        assert torch.equal(found, expected)
        return
    for row, one in enumerate(tokens):
        torch.testing.assert_close(found[row, : len(one)], expected[row, : len(one)], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kinds", ["", "p2p", "c2p", "p2c", "c2p|p2c|p2p"])
@pytest.mark.parametrize("family", ["deberta", "deberta-v2"])
def test_deberta_is_read_whatever_its_scores_are_made_of(tmp_path, family, kinds, precision):
    folder = make_checkpoint(family, tmp_path, relative_attention=True, pos_att_type=kinds)
    encoder = it.load_encoder(str(folder), device="cpu", precision=precision)
    trace = it.trace(encoder, SINGLE)
    assert (trace.bias is not None) == bool({"c2p", "p2c"} & set(kinds.split("|")))
    if precision == "float32":
        own = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
        with torch.no_grad():
            expected = own(**encoder.batch([trace.tokens]), output_attentions=True).attentions
        np.testing.assert_allclose(trace.attention, torch.cat(expected).numpy(), atol=1e-5)
    np.testing.assert_allclose(trace.attention.sum(-1), 1, atol=1e-5)


def test_with_no_tap_open_no_memory_is_taken_for_weights(minilm):
    tokens = [minilm.tokens("river " * 500)]

    def largest(tap):
        with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as record:
            minilm.forward(tokens, tap)
        return max(event.cpu_memory_usage for event in record.events())

    one_layer_of_weights = 12 * len(tokens[0]) ** 2 * 4
    assert largest(None) < one_layer_of_weights
    # Weights are computed where they stay: in memory that a trace has, and PyTorch does not know of.
    assert largest(tap := Tap(6)) < one_layer_of_weights
    assert tap.attention.tensor.numel() * 4 == 6 * one_layer_of_weights


def test_results_cannot_be_written_to(minilm):
    trace = it.trace(minilm, SINGLE)
    for array in (trace.attention, trace.query, trace.hidden, trace.tokens.ids, trace.tokens.span):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_two_threads_get_the_single_thread_answers(minilm):
    texts = ["a short one", "the bank of the river was steep and the animals were tired " * 4]
    alone = [it.trace(minilm, text).attention for text in texts]
    wrong = []

    def work(index):
        for _ in range(15):
            if not np.array_equal(it.trace(minilm, texts[index]).attention, alone[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ablating_a_head_is_zeroing_its_slice_before_the_output_projection(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    tokens = [encoder.tokens(SINGLE)]
    gates = torch.ones(encoder.layers, encoder.heads)
    gates[1, 2] = 0
    ablated = encoder.forward(tokens, Tap(encoder.layers, gates=gates)).last_hidden_state

    def zero(_, inputs):
        context = inputs[0].clone()
        context[..., 12:18] = 0  # head 2 of width 6
        return (context,)

    hook = encoder.model.encoder.layer[1].attention.output.dense.register_forward_pre_hook(zero)
    try:
        expected = encoder.forward(tokens).last_hidden_state
    finally:
        hook.remove()
    torch.testing.assert_close(ablated, expected, atol=1e-5, rtol=0)
    assert not torch.allclose(ablated, encoder.forward(tokens).last_hidden_state, atol=1e-3)


def test_gradients_of_the_weights_are_those_of_the_context_through_the_values(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    tap = Tap(encoder.layers, gradients=True)
    output = encoder.forward([encoder.tokens(SINGLE)], tap, gradients=True)
    target = output.last_hidden_state[0, 0, 3]
    target.backward()
    # Moving a weight by ε moves this layer's context by ε·value, so ∂y/∂weight = ∂y/∂context · value.
    value, weights = tap.values[2][0, 1].detach(), tap.weights[2]
    context_gradient = torch.autograd.grad(
        encoder.forward(
            [encoder.tokens(SINGLE)], second := Tap(encoder.layers, gradients=True), gradients=True
        ).last_hidden_state[0, 0, 3],
        second.contexts[2],
    )[0][0, 1]
    torch.testing.assert_close(weights.grad[0, 1], context_gradient @ value.T, atol=1e-5, rtol=1e-4)


def test_a_saved_trace_reads_back_without_pickles(minilm, tmp_path):
    trace = it.trace(minilm, "the bank", "the river")
    trace.save(tmp_path / "trace.npz")
    with np.load(tmp_path / "trace.npz", allow_pickle=False) as file:
        assert np.array_equal(file["attention"], trace.attention)
        assert np.array_equal(file["hidden"], trace.hidden)
        assert b'"model": "minilm"' in file["about"].tobytes()


def test_a_trace_that_cannot_fit_is_refused_before_it_is_begun(minilm, monkeypatch):
    import interpret.core.trace as tracing
    from interpret.core.devices import Device

    monkeypatch.setattr(tracing, "find_device", lambda _: Device("cpu", "small", 10**6, 10**6, ("float32",)))
    with pytest.raises(it.CapacityError, match=r"needs .* GB, but only .* GB are free"):
        it.trace(minilm, "river " * 400)


def test_a_batch_of_texts_with_and_without_pair_warns_of_nothing(minilm):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = it.trace_batch(minilm, [("one", None), ("two words", "and a pair")])
    assert [one.tokens.pair for one in found] == [None, "and a pair"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_longest_text_works_and_a_longer_one_is_refused(tiny_folders, family):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    # Of 66 positions, RoBERTa and those after it never use the first two.
    assert encoder.max_tokens == (64 if family in ("roberta", "xlm-roberta", "camembert", "mpnet") else 66)
    specials = encoder.tokenizer.num_special_tokens_to_add(False)
    words = "bank"
    while len(encoder.tokenizer.encode(f"{words} bank").ids) <= encoder.max_tokens:
        words += " bank"
    while len(encoder.tokenizer.encode(f"{words} .").ids) <= encoder.max_tokens:
        words += " ."
    tokens = encoder.tokens(words)
    assert encoder.max_tokens - 4 <= len(tokens) <= encoder.max_tokens
    assert specials == tokens.special.sum()
    assert_same([it.trace(encoder, words)], *eager(tiny_folders[family], [(words, None)]))
    with pytest.raises(it.InputError, match="reads at most"):
        encoder.tokens(words + " bank bank bank bank")
