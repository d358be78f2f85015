"""Ways to look at attention, against a slow recomputation."""

import jaxtyping
import numpy as np
import pytest

import interpret as it
from interpret.core.words import join_words

TEXT, PAIR = "It was unbelievably 有趣!", "Really? Unbelievable animals."


@pytest.fixture(scope="module")
def trace(_minilm):
    return it.trace(_minilm, TEXT, PAIR)


def by_words(trace, weights):
    """Clark et al. 2019: sum to a word's tokens, mean from them; one loop for each."""
    groups = join_words(trace.tokens).groups
    out = np.zeros((len(groups), len(groups)))
    for i, rows in enumerate(groups):
        for j, columns in enumerate(groups):
            out[i, j] = np.mean([sum(weights[row, column] for column in columns) for row in rows])
    return out


def test_tokens_are_the_trace_itself(trace):
    view = it.attention.attention_view(trace)
    assert np.array_equal(view.head(3, 4), trace.attention[3, 4])
    assert view.query_labels == trace.tokens.labels


def test_words_are_summed_to_and_averaged_from(trace):
    view = it.attention.attention_view(trace, unit="word")
    np.testing.assert_allclose(view.head(2, 5), by_words(trace, trace.attention[2, 5]), atol=1e-6)
    np.testing.assert_allclose(view.head(2, 5).sum(1), 1, atol=1e-5)
    assert view.key_labels == join_words(trace.tokens).words


@pytest.mark.parametrize("unit", ["token", "word"])
def test_without_specials_rows_are_shared_out_anew(trace, unit):
    whole = it.attention.attention_view(trace, unit=unit)
    view = it.attention.attention_view(trace, unit=unit, specials=False)
    assert not {"[CLS]", "[SEP]"} & set(view.key_labels)
    np.testing.assert_allclose(view.head(5, 1).sum(1), 1, atol=1e-5)
    kept = [i for i, label in enumerate(whole.key_labels) if label not in ("[CLS]", "[SEP]")]
    block = whole.head(5, 1)[np.ix_(kept, kept)]
    np.testing.assert_allclose(view.head(5, 1), block / block.sum(1, keepdims=True), atol=1e-5)


def test_directions_are_blocks(trace):
    segment = trace.tokens.segment
    for direction, rows, columns in (("A→A", 0, 0), ("A→B", 0, 1), ("B→A", 1, 0), ("B→B", 1, 1)):
        view = it.attention.attention_view(trace, direction=direction)
        expected = trace.attention[1, 7][segment == rows][:, segment == columns]
        assert np.array_equal(view.head(1, 7), expected)
    together = sum(
        it.attention.attention_view(trace, direction=d).head(1, 7).sum() for d in ("A→A", "A→B", "B→A", "B→B")
    )
    assert together == pytest.approx(len(segment), abs=1e-3)


def test_the_average_is_the_mean(trace):
    view = it.attention.attention_view(trace, unit="word", specials=False)
    expected = np.mean([view.head(0, 1), view.head(4, 2), view.head(4, 3)], axis=0)
    np.testing.assert_allclose(view.average([(0, 1), (4, 2), (4, 3)]), expected, atol=1e-6)


def test_thumbnails_keep_a_lone_spike(minilm):
    trace = it.trace(minilm, "river " * 500)
    planted = trace.attention.copy()
    planted[...] = 0.0001
    planted[4, 7, 333, 101] = 0.81
    view = it.attention.attention_view(it.Trace(**{**trace.__dict__, "attention": planted}))
    small = view.thumbnails(64)
    assert small.shape == (6, 12, 64, 64)
    assert small[4, 7, 333 * 64 // 502, 101 * 64 // 502] == round(255 * 0.9)
    assert small[4, 7].max() == round(255 * 0.9)
    # Where 502 does not divide by 64, a weight on a border belongs to both neighbours.
    assert (small[4, 7] > 100).sum() <= 4


def test_thumbnails_of_a_short_text_are_its_weights(trace):
    view = it.attention.attention_view(trace, unit="word", specials=False)
    small = view.thumbnails()
    assert small.shape[2:] == (len(view.queries), len(view.keys))
    np.testing.assert_allclose((small[3, 3] / 255.0) ** 2, view.head(3, 3), atol=0.005)


def test_a_row_with_nothing_but_specials_is_empty_and_not_nan(trace):
    planted = np.zeros_like(trace.attention)
    planted[..., 0] = 1  # everything looks at [CLS]
    view = it.attention.attention_view(it.Trace(**{**trace.__dict__, "attention": planted}), specials=False)
    assert np.array_equal(view.head(0, 0), np.zeros_like(view.head(0, 0)))


def test_the_liveliest_head_is_the_planted_one(trace):
    planted = np.full_like(trace.attention, 1 / len(trace.tokens))
    n = len(trace.tokens)
    planted[2, 9] = np.eye(n)[(np.arange(n) * 5 + 3) % n]  # each token looks somewhere else, far off
    planted[1, 1] = np.eye(n, k=-1)  # always one back
    planted[3, 3] = np.eye(n)[np.full(n, 4)]  # all at one place
    assert it.attention.most_active_head(it.Trace(**{**trace.__dict__, "attention": planted})) == (2, 9)


def test_the_strongest_head_of_a_link_is_the_planted_one(trace):
    planted = np.full_like(trace.attention, 1 / len(trace.tokens))
    strings = trace.tokens.strings
    query, key = 2, 4
    planted[3, 7, query, key] = 0.9
    # The other way round, and from a neighbour, more.
    planted[1, 1, key, query] = planted[2, 2, query + 1, key] = 1.0
    found = it.Trace(**{**trace.__dict__, "attention": planted})
    assert it.attention.strongest_head(found, strings[query], strings[key]) == (3, 7)
    with pytest.raises(it.InputError, match="no token “nowhere”"):
        it.attention.strongest_head(trace, strings[query], "nowhere")


def test_what_makes_no_sense_is_said(trace, minilm):
    jaxtyping.config.update("jaxtyping_disable", True)  # as for those who do not run beartype
    try:
        with pytest.raises(it.InputError, match="“letter” is not a valid unit"):
            it.attention.attention_view(trace, unit="letter")
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    with pytest.raises(it.InputError, match="needs two texts"):
        it.attention.attention_view(it.trace(minilm, "one"), direction="A→B")
    with pytest.raises(it.InputError, match="no head 12 in layer 0"):
        it.attention.attention_view(trace).head(0, 12)
    with pytest.raises(it.InputError, match="No head is chosen"):
        it.attention.attention_view(trace).average([])
