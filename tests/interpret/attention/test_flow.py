"""Following attention: identities, a worked example, brute force."""

from itertools import combinations

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.tap import Tap
from tests.interpret.attention.planted import planted
from tests.tiny import make_checkpoint

TEXT = "The bank of the river was steep."


@pytest.fixture(scope="module")
def trace(_minilm):
    return it.trace(_minilm, TEXT)


def small(trace, attention):
    """A trace of as many tokens as a hand-made attention has."""
    n = np.asarray(attention).shape[-1]
    tokens = trace.tokens
    cut = it.Tokens(
        tokens.text,
        None,
        tokens.ids[:n],
        tokens.strings[:n],
        tokens.labels[:n],
        tokens.word[:n],
        tokens.span[:n],
        tokens.segment[:n],
        tokens.type_ids[:n],
        tokens.special[:n],
        tokens.prompt[:n],
        tokens.unknown_id,
    )
    return planted(trace, attention, tokens=cut)


def test_rollout_of_two_layers_by_hand(trace):
    first = [[1, 0], [0.5, 0.5]]
    second = [[0, 1], [0.2, 0.8]]
    made = small(trace, [[first], [second]])
    # Half of each, half of the identity: [[1, 0], [.25, .75]] and [[.5, .5], [.1, .9]]; the second times the first.
    np.testing.assert_allclose(it.attention.rollout(made)[0], [[1, 0], [0.25, 0.75]])
    np.testing.assert_allclose(it.attention.rollout(made)[1], [[0.625, 0.375], [0.325, 0.675]], atol=1e-7)


def test_rollout_takes_the_mean_of_heads_and_its_rows_sum_to_one(trace):
    rolled = it.attention.rollout(trace)
    np.testing.assert_allclose(rolled.sum(-1), 1, atol=1e-5)
    expected = np.eye(len(trace.tokens))
    for layer in trace.attention:
        expected = (0.5 * layer.mean(0) + 0.5 * np.eye(len(trace.tokens))) @ expected
    np.testing.assert_allclose(rolled[-1], expected, atol=1e-6)


def test_the_paths_of_rollout_end_in_rollout_and_lose_nothing(trace):
    paths = it.attention.rollout_paths(trace, 4, 3)
    np.testing.assert_allclose(paths.mass[0], it.attention.rollout(trace)[4, 3], atol=1e-6)
    np.testing.assert_allclose(paths.mass.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(paths.edges.sum(1), paths.mass[:-1], atol=1e-6)
    np.testing.assert_allclose(paths.edges.sum(2), paths.mass[1:], atol=1e-6)
    assert paths.mass[5].argmax() == 3


def smallest_cut(mixed, layer, query, key):
    """Max-flow is min-cut (Ford & Fulkerson 1956): try every set of nodes on the source's side."""
    n = mixed.shape[-1]
    inner = [(level, i) for level in range(1, layer + 1) for i in range(n)]
    capacity = {}
    for level in range(layer + 1):
        for i in [query] if level == layer else range(n):
            for j in range(n):
                capacity[(level + 1, i), (level, j)] = mixed[level, i, j]
    # Inputs other than the key lead nowhere: which side they are on costs nothing on the source's.
    always = {(layer + 1, query), *((0, j) for j in range(n) if j != key)}
    best = np.inf
    for size in range(len(inner) + 1):
        for some in combinations(inner, size):
            side = always | set(some)
            best = min(best, sum(c for (a, b), c in capacity.items() if a in side and b not in side))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_flow_is_the_smallest_cut_of_small_graphs(trace, seed):
    attention = np.random.default_rng(seed).dirichlet([0.3] * 3, size=(3, 2, 3))
    made = small(trace, attention)
    mixed = 0.5 * np.float32(attention).mean(1) + 0.5 * np.eye(3)
    flows = it.attention.attention_flow(made)
    assert flows.shape == (3, 3, 3)
    for layer in range(3):
        for query in range(3):
            for key in range(3):
                assert flows[layer, query, key] == pytest.approx(smallest_cut(mixed, layer, query, key), abs=1e-6)


def test_flow_of_chosen_rows_is_that_of_all_and_reports(trace):
    reports = []
    some = it.attention.attention_flow(trace, [5, 2], [3], lambda done, total, note: reports.append((done, total)))
    everything = it.attention.attention_flow(trace)
    np.testing.assert_array_equal(some, everything[[5, 2]][:, [3]])
    assert reports[-1] == (2 * len(trace.tokens), 2 * len(trace.tokens))
    paths = it.attention.flow_paths(trace, 5, 3, 1)
    assert paths.mass[0, 1] == pytest.approx(everything[5, 3, 1], abs=1e-6)
    assert np.delete(paths.mass[0], 1).max() == 0
    np.testing.assert_allclose(paths.mass.sum(1), everything[5, 3, 1], atol=1e-5)
    # What comes in goes out, and no pipe carries more than it can.
    np.testing.assert_allclose(paths.edges[3].sum(0), paths.edges[2].sum(1), atol=1e-6)
    mixed = 0.5 * trace.attention.mean(1) + 0.5 * np.eye(len(trace.tokens))
    assert (paths.edges <= mixed + 1e-6).all()


def test_flow_can_be_cancelled(trace):
    def stop(done, total, note):
        raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.attention.attention_flow(trace, progress=stop)


def test_gradient_paths_are_chefers_recursion(minilm, trace):
    layer, query = 3, 2
    paths = it.attention.gradient_paths(minilm, trace, layer, query)
    tap = Tap(6, gradients=True)
    output = minilm.forward([trace.tokens], tap, gradients=True, output_hidden_states=True)
    state = output.hidden_states[layer + 1][0]
    (state[query] * (state[query] - state.mean(0)).detach()).sum().backward()
    relevance = torch.eye(len(trace.tokens))
    for weights in tap.weights[: layer + 1]:
        one = (weights.grad * weights).clamp(min=0)[0].mean(0)
        relevance = relevance + one @ relevance  # Chefer et al. 2021, eq. 6
    expected = relevance[query] / relevance[query].sum()
    np.testing.assert_allclose(paths.mass[0], expected.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(paths.mass.sum(1), 1, atol=1e-5)
    # Layers above the chosen one have no part in it.
    assert all(weights.grad is None or not weights.grad.any() for weights in tap.weights[layer + 1 :])


def test_gradient_paths_of_a_class(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=3)
    encoder = it.load_encoder(str(folder), device="cpu")
    made = it.trace(encoder, "the bank was steep")
    one, other = (it.attention.gradient_paths(encoder, made, 2, 0, target=target).mass[0] for target in (0, 2))
    assert abs(one - other).max() > 1e-3
    with pytest.raises(it.InputError, match="no class 3"):
        it.attention.gradient_paths(encoder, made, 2, 0, target=3)


def test_what_is_not_there_is_said(minilm, trace, tiny_folders):
    with pytest.raises(it.InputError, match="There is no layer 6"):
        it.attention.rollout_paths(trace, 6, 0)
    with pytest.raises(it.InputError, match="There is no token 99"):
        it.attention.attention_flow(trace, [0], [99])
    with pytest.raises(it.InputError, match="no class 0"):
        it.attention.gradient_paths(minilm, trace, 0, 0, target=0)
    encoder = it.load_encoder(str(tiny_folders["deberta-v2"]), device="cpu")
    made = it.trace(encoder, "the bank")
    np.testing.assert_allclose(it.attention.rollout(made).sum(-1), 1, atol=1e-5)
