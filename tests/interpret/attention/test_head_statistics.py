"""What kind of head: planted heads are found, and every number equals a slow recomputation."""

import numpy as np
import pytest

import interpret as it
from interpret.attention.head_statistics import RULES, SHARES
from interpret.attention.key_kinds import is_punctuation, key_kinds
from tests.interpret.attention.planted import planted, uniform

TEXT, PAIR = "It was unbelievably steep, it was!", "Really? Unbelievable animals."


@pytest.fixture(scope="module")
def trace(_minilm):
    return it.trace(_minilm, TEXT, PAIR)


def slow(trace, layer, head):
    """Every statistic with loops, from its definition."""
    tokens, weights = trace.tokens, trace.attention[layer, head].astype(float)
    n = len(tokens)
    found = {name: [] for name in ("entropy", "evenness", "confidence", "distance", *SHARES)}
    for q in range(n):
        row = weights[q]
        entropy = -sum(w * np.log(w) for w in row if w > 0)
        found["entropy"].append(entropy)
        found["evenness"].append(entropy / np.log(n))
        found["confidence"].append(max(row))
        found["distance"].append(sum(w * abs(q - k) for k, w in enumerate(row)))
        special = tokens.special
        kinds = {
            "self": [q],
            "first": [0],
            "separator": [k for k in range(n) if tokens.strings[k] == "[SEP]"],
        }
        if not special[q]:
            kinds |= {
                "previous": [q - 1] * (not special[q - 1]),
                "next": [q + 1] * (not special[q + 1]),
                "punctuation": [k for k in range(n) if tokens.strings[k] in (".", ",", "!", "?")],
                "own word": [k for k in range(n) if k != q and not special[k] and tokens.word[k] == tokens.word[q]],
                "same token": [
                    k for k in range(n) if k != q and not special[k] and tokens.strings[k] == tokens.strings[q]
                ],
                "own segment": [
                    k for k in range(n) if not special[k] and tokens.segment[k] == tokens.segment[q] and PAIR
                ],
                "other segment": [k for k in range(n) if not special[k] and tokens.segment[k] != tokens.segment[q]],
            }
        for name, keys in kinds.items():
            if keys:
                found[name].append(sum(row[k] for k in keys))
    return {name: np.mean(values) if values else np.nan for name, values in found.items()}


def test_every_statistic_equals_a_slow_recomputation(trace):
    statistics = it.attention.head_statistics(trace)
    for layer, head in ((0, 2), (3, 7), (5, 11)):
        expected = slow(trace, layer, head)
        assert set(expected) == set(statistics)
        for name, value in expected.items():
            assert statistics[name][layer, head] == pytest.approx(value, abs=1e-5), name


def test_uniform_is_what_a_uniform_head_has(trace):
    n = len(trace.tokens)
    made = planted(trace, uniform(1, 1, n))
    statistics = it.attention.head_statistics(made)
    for name, values in statistics.items():
        assert values[0, 0] == pytest.approx(statistics.uniform[name][0], rel=1e-4), name
        assert statistics.queries[name] > 0


def test_planted_heads_are_found_at_their_place(trace):
    n = len(trace.tokens)
    attention = np.random.default_rng(0).dirichlet(np.full(n, 0.5), size=(6, 12, n))
    place = np.arange(n)
    separators = [i for i, token in enumerate(trace.tokens.strings) if token == "[SEP]"]
    marks = [i for i, token in enumerate(trace.tokens.strings) if token in (".", ",", "!", "?")]

    def looking(keys):
        rows = np.zeros((n, n))
        for q in range(n):
            rows[q, keys[q] if isinstance(keys, dict) else keys] = 1
        return rows / rows.sum(1, keepdims=True)

    kinds = key_kinds(trace.tokens)
    other = kinds["other segment"]
    attention[1, 3] = looking({q: max(0, q - 1) for q in range(n)})
    attention[4, 0] = looking({q: min(n - 1, q + 1) for q in range(n)})
    attention[2, 5] = looking(separators)
    attention[2, 6] = looking([0])
    attention[0, 11] = np.eye(n)
    attention[3, 8] = looking(marks)
    attention[5, 9] = 1 / n
    own = kinds["own segment"]
    attention[3, 1] = looking({q: place[own[q]] if own[q].any() else [q] for q in range(n)})
    attention[5, 2] = looking({q: place[other[q]] if other[q].any() else [0] for q in range(n)})
    names = it.attention.pattern_names(it.attention.head_statistics(planted(trace, attention)))
    expected = {
        (1, 3): "previous token",
        (4, 0): "next token",
        (2, 5): "separator",
        (2, 6): "first token",
        (0, 11): "same token",
        (3, 8): "punctuation",
        (5, 9): "broad",
        (5, 2): "other segment",
        (3, 1): "own segment",
    }
    found = {(i, j): names[i][j] for i in range(6) for j in range(12) if names[i][j] is not None}
    assert found == expected


def test_heads_of_a_word_and_of_repetitions_are_found(trace):
    n = len(trace.tokens)
    kinds = key_kinds(trace.tokens)
    attention = uniform(1, 2, n)
    for head, name in enumerate(("own word", "same token")):
        keys = kinds[name]
        rows = keys.any(1)
        assert rows.any()
        attention[0, head, rows] = keys[rows] / keys[rows].sum(1, keepdims=True)
    assert it.attention.pattern_names(it.attention.head_statistics(planted(trace, attention)))[0] == (
        "own word",
        "same token elsewhere",
    )


def test_no_rule_no_name_and_short_texts_make_no_patterns(minilm):
    made = it.trace(minilm, "Hi")
    attention = uniform(6, 12, 3)
    attention[0, 0] = [[0.4, 0.2, 0.4]] * 3  # a little more to both special tokens: nothing
    attention[0, 1] = [[0.05, 0.9, 0.05]] * 3
    names = it.attention.pattern_names(it.attention.head_statistics(planted(made, attention)))
    assert names[0][1] is None  # a third of its queries look at themselves
    assert {rule.pattern for rule in RULES} >= {name for row in names for name in row if name}
    statistics = it.attention.head_statistics(made)
    assert np.isnan(statistics["other segment"]).all()
    assert statistics.queries["same token"] == 0


def test_a_corpus_counts_every_query_alike(minilm):
    texts = [("The bank of the river was steep.", None), ("Hi", None), ("It was rich.", "Was it?")]
    reports = []
    together = it.attention.corpus_head_statistics(
        minilm, texts, lambda done, total, note: reports.append((done, total))
    )
    alone = [it.attention.head_statistics(it.trace(minilm, *one)) for one in texts]
    for name, values in together.items():
        counted = [one for one in alone if one.queries[name]]
        total = sum(one.queries[name] for one in counted)
        assert together.queries[name] == total
        if not total:
            assert np.isnan(values).all()
            continue
        expected = sum(one[name].astype(float) * one.queries[name] for one in counted) / total
        np.testing.assert_allclose(values, expected, atol=1e-5, err_msg=name)
    assert together.texts == 3
    assert reports[0] == (0, 3)
    assert reports[-1] == (3, 3)


def test_a_corpus_can_be_cancelled_and_leaves_the_model_as_it_was(minilm):
    texts = [(f"text number {i} of many", None) for i in range(200)]

    def stop(done, total, note):
        if done:
            raise it.Cancelled

    before = it.trace(minilm, "the bank").attention
    with pytest.raises(it.Cancelled):
        it.attention.corpus_head_statistics(minilm, texts, stop)
    assert np.array_equal(it.trace(minilm, "the bank").attention, before)
    with pytest.raises(it.InputError, match="no texts"):
        it.attention.corpus_head_statistics(minilm, [])


def test_punctuation_of_any_script():
    assert all(is_punctuation(label) for label in (".", "##,", "。", "、", "“", "▁?", "...", "Ġ!"))
    assert not any(is_punctuation(label) for label in ("a", "", "##s", "$", "中", "a.", "▁"))


def test_a_layer_that_looks_near_by_is_broad_where_it_looks_alike_at_all_it_may(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["modernbert"]), device="cpu")
    trace = it.trace(encoder, "because it was rich said the animals and the bank was steep")
    assert not trace.mask[1].all()
    even = trace.mask / trace.mask.sum(-1, keepdims=True)
    statistics = it.attention.head_statistics(planted(trace, np.repeat(even[:, None], 4, axis=1), mask=trace.mask))
    np.testing.assert_allclose(statistics["evenness"], 1, atol=1e-5)
    assert statistics["entropy"][1, 0] < statistics["entropy"][0, 0]
    for name in ("self", "first", "entropy", "distance"):
        np.testing.assert_allclose(statistics[name][:, 0], statistics.uniform[name], rtol=1e-4)
    assert {name for row in it.attention.pattern_names(statistics) for name in row} == {"broad"}


def test_unknown_tokens_are_not_the_same(minilm):
    tokens = minilm.tokens("☃ 𝔘 the ☃")
    assert tokens.unknown > 1
    assert not key_kinds(tokens)["same token"].any()
