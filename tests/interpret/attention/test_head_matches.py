"""Which head of another model does the same: divergences by SciPy, planted heads found, and what does not count."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

import interpret as it
from tests.tiny import make_checkpoint

TEXT = "the river bank was steep, and the bank lent money because it was rich"


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    root = tmp_path_factory.mktemp("matches")
    return {
        family: it.trace(it.load_encoder(str(make_checkpoint(family, root / family)), "cpu"), TEXT)
        for family in ("bert", "roberta", "xlm-roberta")
    }


def over_words(attention, groups):
    """Sum over a word's tokens as keys, average over them as queries, one cell at a time."""
    count = len(groups)
    found = np.zeros((count, count))
    for row, queries in enumerate(groups):
        for column, keys in enumerate(groups):
            found[row, column] = np.mean([sum(attention[query, key] for key in keys) for query in queries])
    return found


@pytest.mark.parametrize("specials", [True, False])
@pytest.mark.parametrize("other", ["roberta", "xlm-roberta"])
def test_divergences_are_scipys(traces, other, specials):
    first, second = traces["bert"], traces[other]
    found = it.attention.match_heads(first, second, specials)
    assert found.divergence.shape == (3, 4, 3, 4)
    for layer, head, other_layer, other_head in ((0, 1, 2, 3), (2, 0, 0, 2), (1, 3, 1, 3)):
        p = over_words(first.attention[layer, head], found.words.first_groups)
        q = over_words(second.attention[other_layer, other_head], found.words.second_groups)
        assert p.sum(axis=1).max() <= 1 + 1e-5
        np.testing.assert_allclose(
            found.first_heads[layer, head], p / (1 if specials else p.sum(axis=1, keepdims=True)), atol=1e-5
        )
        rows = [jensenshannon(one, other, base=2) ** 2 for one, other in zip(p, q, strict=True)]
        assert found.divergence[layer, head, other_layer, other_head] == pytest.approx(np.mean(rows), abs=2e-5)
    # Turned round it is the same.
    back = it.attention.match_heads(second, first, specials)
    np.testing.assert_allclose(back.divergence, found.divergence.transpose(2, 3, 0, 1), atol=1e-6)
    assert np.array_equal(back.nearest, found.nearest_of_second)


def test_planted_heads_are_found(traces):
    first = traces["bert"]
    order = np.random.default_rng(0).permutation(12)
    attention = first.attention.reshape(12, *first.attention.shape[2:])[order].reshape(first.attention.shape)
    found = it.attention.match_heads(first, dataclasses.replace(first, attention=attention))
    flat = found.nearest[..., 0] * 4 + found.nearest[..., 1]
    assert np.array_equal(order[flat.ravel()], np.arange(12))
    assert found.nearest_divergence.max() < 1e-6
    assert found.usual > 0.01
    assert all(found.is_mutual(layer, head) for layer in range(3) for head in range(4))
    with pytest.raises(it.InputError, match="no head"):
        found.is_mutual(0, 4)


def test_rows_without_weight_do_not_count(traces):
    first = traces["bert"]
    attention = first.attention.copy()
    # All of a head's weight on the first token, which is a special one: nothing is left to be compared.
    attention[1, 2] = 0
    attention[1, 2, :, 0] = 1
    found = it.attention.match_heads(dataclasses.replace(first, attention=attention), first, specials=False)
    assert np.isnan(found.divergence[1, 2]).all()
    assert not np.isnan(np.delete(found.divergence.reshape(12, -1), 6, axis=0)).any()
    assert np.isfinite(found.usual)


def test_a_prompt_takes_part_of_a_row_and_no_head_is_further_for_it(minilm):
    text = "The bank was steep."
    plain = it.trace(minilm, text)
    asked = it.trace(minilm.with_prompt("query: "), text)
    found = it.attention.match_heads(plain, asked)
    assert found.second_heads.sum(axis=-1).max() < 1 + 1e-5
    assert found.second_heads.sum(axis=-1).min() < 0.9
    # As shares, rows that are the same but for the prompt's part are the same.
    scaled = dataclasses.replace(plain, attention=plain.attention * np.float32(0.5))
    assert it.attention.match_heads(plain, scaled).nearest_divergence.max() < 1e-6


def test_it_can_be_stopped_and_says_how_far_it_is(traces):
    told = []

    def stop(done, total, stage):
        told.append((done, total, stage))
        if done == 3:
            raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.attention.match_heads(traces["bert"], traces["roberta"], progress=stop)
    assert told == [(1, 12, "heads"), (2, 12, "heads"), (3, 12, "heads")]


def test_other_texts_are_refused(traces, minilm):
    with pytest.raises(it.InputError, match="different texts"):
        it.attention.match_heads(traces["bert"], it.trace(minilm, "money"))
