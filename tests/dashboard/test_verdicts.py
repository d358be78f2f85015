"""What is said in words of a number: nothing of noise or of three rows, and what was planted where it is plain."""

import dataclasses

import numpy as np
import pytest

import interpret as it
from dashboard.widgets.following_view import following_verdict
from dashboard.widgets.guesser import figures_table
from interpret.attention import heads
from interpret.clustered import student
from interpret.guesser import guesser_facts

VERDICTS = ("It tells", "It finds")


def following(true, shuffled, swapped):
    place = np.arange(len(true))
    numbers = (np.asarray(one, np.float32) for one in (true, shuffled, swapped))
    return it.Following("next", place, *numbers, np.roll(place, 1), ())


@pytest.mark.parametrize("count", [2, 3, 5, 60])
def test_noise_has_no_verdict(count):
    """Twenty draws of numbers that are all alike: at 95 % one in twenty may be told, of either kind."""
    said = [following_verdict(following(*np.random.default_rng(seed).random((3, count)))) for seed in range(20)]
    assert sum(one.startswith(VERDICTS) for one in said) <= 4
    assert all("chance is 50 %" in one for one in said)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_few_rows_have_no_verdict_however_right_they_are(count):
    found = following(np.full(count, 0.9), np.full(count, 0.1), np.full(count, 0.9))
    assert following_verdict(found).startswith(f"Not told from chance on these {count} pairs.")


def test_what_is_planted_is_said():
    random = np.random.default_rng(0)
    high, other, low = (random.normal(centre, 0.1, 100).clip(0, 1) for centre in (0.8, 0.8, 0.2))
    assert "mostly it reads the subject" in following_verdict(following(high, low, other))
    assert "tells the order better than the subject" in following_verdict(following(high, other, low))
    assert "tells both from chance" in following_verdict(following(high, low, random.permutation(low)))
    below = following_verdict(following(low, high, random.permutation(high)))
    assert "some of the others likelier than the true ones" in below


def test_what_tells_a_little_leaves_the_comparison_open():
    """The swapped are told as well as the shuffled but for luck: the difference decides, not the two intervals."""
    random = np.random.default_rng(1)
    true, one = (random.normal(centre, 0.1, 100) for centre in (0.6, 0.5))
    found = following(true, one, random.permutation(one))
    gap, low, high = found.subject_over_order()
    assert gap == pytest.approx(0, abs=1e-6)
    assert low < 0 < high
    assert "mostly it reads the subject" not in following_verdict(found)


def test_a_pair_and_what_became_of_it_are_one_row():
    """Right and wrong together, 30 pairs are 30 rows and not 60: the interval of an accuracy says so."""
    right = np.arange(30) % 3 > 0
    found = following(np.where(right, 0.9, 0.1), np.where(right, 0.1, 0.9), np.full(30, 0.5))
    low, high = found.accuracy_interval("shuffled")
    share = found.accuracy("shuffled")
    assert share == pytest.approx(2 / 3)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 30), rel=0.1)
    assert found.told_apart("shuffled") == pytest.approx(4 / 9 + 2 / 9 / 2 + 2 / 9 / 2)


def test_the_page_gives_every_figure_of_the_shipped_heads_its_texts_rows_and_origin():
    table = figures_table(guesser_facts().figures)
    for texts, low, rows, source, measured in zip(
        *(table[name] for name in ("Texts", "95 %", "Rows", "Source", "Measured")), strict=True
    ):
        assert texts
        assert source
        assert (low != "–" and rows != "–") == (measured == "by this project")
    assert "23.7 %" in table["Value"]
    assert "335" in table["Value"]


def planted_heads(minilm, texts, share):
    """Statistics of heads that all give a share of their weight to the previous piece, another one in each text."""
    sums = heads._Sums(6, 12)
    for text, part in zip(texts, share, strict=True):
        trace = it.trace(minilm, text)
        n = len(trace.tokens)
        attention = np.full((6, 12, n, n), (1 - part) / n, np.float32)
        attention[:, :, np.arange(n), np.maximum(np.arange(n) - 1, 0)] += part
        sums.add(dataclasses.replace(trace, attention=attention))
    return sums.result()


def test_a_head_has_a_name_where_other_texts_would_give_it_too(minilm):
    """A share of 0.7 on average: of texts that all have it a name, of texts with 0.4 and 1 by turns only of many."""
    texts = [f"the river bank number {i} was steep and the bank lent money" for i in range(40)]

    def named(count, *shares):
        return it.pattern_names(planted_heads(minilm, texts[:count], (list(shares) * count)[:count]))[0][0]

    assert named(6, 0.7) == "previous token"
    assert named(4, 0.4, 1.0) is None
    assert named(40, 0.4, 1.0) == "previous token"
    # The same two, and one text alone, by closed form: Student's t over texts.
    found = planted_heads(minilm, texts[:4], [0.4, 1.0, 0.4, 1.0])
    values = np.array(
        [
            float(planted_heads(minilm, [text], [part])["previous"][0, 0])
            for text, part in zip(texts[:4], [0.4, 1.0, 0.4, 1.0], strict=True)
        ]
    )
    expected = student(4) * values.std(ddof=1) / 2
    assert found.error["previous"][0, 0] == pytest.approx(expected, rel=1e-4)


def test_three_pieces_give_no_head_a_name(minilm):
    """Special pieces and one word: whatever a head does there, hardly a query says so."""
    statistics = planted_heads(minilm, ["bank"], [0.95])
    assert {name for row in it.pattern_names(statistics) for name in row} == {None}
