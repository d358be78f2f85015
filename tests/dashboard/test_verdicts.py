"""What is said in words of a number: nothing of noise or of three rows, and what was planted where it is plain."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

import interpret as it
from dashboard.numbers import interval
from dashboard.widgets.baseline_view import baseline_lines
from dashboard.widgets.shares import percent_bar, percent_columns, percents
from interpret.attention.dependencies import DependencyScores
from interpret.attention.head_statistics import _Sums
from interpret.attention.held_out import held_out
from interpret.attribution.attribution import explain
from interpret.core.builtin import pretraining_facts
from interpret.core.clustered_intervals import student
from interpret.core.intervals import wilson
from interpret.finetuning.multi_label_results import measure_labels
from interpret.finetuning.regression_results import measure_fit
from interpret.finetuning.results import measure_results
from pages.attention.dependencies_view import dependency_line, dependency_table
from pages.attributions.figures import agreement_map
from pages.pretraining.heads_card import figures_table
from pages.pretraining.next_sentence_view import following_verdict
from tests.interpret.attribution.linear import Linear

VERDICTS = ("It tells", "It recognises", "It does")


def following(true, shuffled, swapped):
    place = np.arange(len(true))
    numbers = (np.asarray(one, np.float32) for one in (true, shuffled, swapped))
    return it.pretraining.NextSentenceScores("next", place, *numbers, np.roll(place, 1), ())


@pytest.mark.parametrize("count", [2, 3, 5, 60])
def test_noise_has_no_verdict(count):
    """Twenty draws of numbers that are all alike: at 95 % one in twenty may be told, of either kind."""
    said = [following_verdict(following(*np.random.default_rng(seed).random((3, count)))) for seed in range(20)]
    assert sum(one.startswith(VERDICTS) for one in said) <= 4
    assert all("chance is 50%" in one for one in said)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_few_rows_have_no_verdict_however_right_they_are(count):
    found = following(np.full(count, 0.9), np.full(count, 0.1), np.full(count, 0.9))
    assert following_verdict(found).startswith(f"These {count} pairs do not show that it does better than chance.")


def test_what_is_planted_is_said():
    random = np.random.default_rng(0)
    high, other, low = (random.normal(centre, 0.1, 100).clip(0, 1) for centre in (0.8, 0.8, 0.2))
    assert "it relies mainly on the topic" in following_verdict(following(high, low, other))
    assert "recognises the order better than the topic" in following_verdict(following(high, other, low))
    assert "does better than chance on both" in following_verdict(following(high, low, random.permutation(low)))
    below = following_verdict(following(low, high, random.permutation(high)))
    assert "rates at least one kind above the true pairs" in below


def test_what_tells_a_little_leaves_the_comparison_open():
    """The swapped are told as well as the shuffled but for luck: the difference decides, not the two intervals."""
    random = np.random.default_rng(1)
    true, one = (random.normal(centre, 0.1, 100) for centre in (0.6, 0.5))
    found = following(true, one, random.permutation(one))
    gap, low, high = found.subject_over_order()
    assert gap == pytest.approx(0, abs=1e-6)
    assert low < 0 < high
    assert "it relies mainly on the topic" not in following_verdict(found)


def test_a_pair_and_what_became_of_it_are_one_row():
    """Right and wrong together, 30 pairs are 30 rows and not 60: the interval of an accuracy says so."""
    right = np.arange(30) % 3 > 0
    found = following(np.where(right, 0.9, 0.1), np.where(right, 0.1, 0.9), np.full(30, 0.5))
    low, high = found.accuracy_interval("shuffled")
    share = found.accuracy("shuffled")
    assert share == pytest.approx(2 / 3)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 30), rel=0.1)
    assert found.distinguished("shuffled") == pytest.approx(4 / 9 + 2 / 9 / 2 + 2 / 9 / 2)


def test_the_page_gives_every_figure_of_the_shipped_heads_its_texts_rows_and_origin():
    table = figures_table(pretraining_facts().figures)
    for texts, low, rows, source, measured in zip(
        *(table[name] for name in ("Texts", "95%", "Rows", "Source", "Measured by")), strict=True
    ):
        assert texts
        assert source
        assert (low != "–" and rows != "–") == (measured == "this project")
    assert "23.7%" in table["Value"]
    assert "335" in table["Value"]


def planted_heads(minilm, texts, share):
    """Statistics of heads that all give a share of their weight to the previous token, another one in each text."""
    sums = _Sums(6, 12)
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
        return it.attention.pattern_names(planted_heads(minilm, texts[:count], (list(shares) * count)[:count]))[0][0]

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


def test_three_tokens_give_no_head_a_name(minilm):
    """Special tokens and one word: whatever a head does there, hardly a query says so."""
    statistics = planted_heads(minilm, ["bank"], [0.95])
    assert {name for row in it.attention.pattern_names(statistics) for name in row} == {None}


def scored(share, sentences=40):
    """Three relations that one head finds in a share of the sentences, and a fixed place in two of five."""
    random = np.random.default_rng(0)
    held = [
        held_out(random.random((sentences, 1)) < share, random.random((sentences, 1)) < 0.4, np.arange(sentences))
        for _relation in range(3)
    ]
    count = np.full(3, sentences)
    return DependencyScores(
        ("nsubj", "obj", "det"), count, np.full((3, 2, 1, 1), share, np.float32), count, tuple(held), sentences, 0, 0, 0
    )


def test_relations_are_named_where_the_interval_of_the_gain_leaves_0_out():
    said, table = dependency_line(scored(0.4)), dependency_table(scored(0.4))
    assert said.startswith("**For none of the 3 relations is a head shown to find more")
    assert set(table["Verdict"]) == {"inconclusive"}
    said, table = dependency_line(scored(1.0)), dependency_table(scored(1.0))
    assert said.startswith(
        "**For 3 of 3 relations, a head finds more than the best fixed position does:** nsubj, obj, det."
    )
    assert set(table["Verdict"]) == {"head better"}
    assert set(dependency_table(scored(0.0))["Verdict"]) == {"fixed position better"}
    # However right, of five sentences nothing is said.
    assert dependency_line(scored(1.0, 5)).startswith("**For none")


def test_rank_correlations_of_methods_stand_with_their_intervals(minilm):
    question = Linear(minilm, minilm.tokens("the river was steep and the bank lent money"))
    one = explain(question, "feature_ablation")
    noise = np.random.default_rng(0).normal(scale=np.std(one.scores), size=len(one.scores))
    found = [one, dataclasses.replace(one, scores=(one.scores + noise).astype(np.float32))]
    values, ends = it.attribution.rank_agreement(found), it.attribution.rank_agreement_interval(found)
    words = sum(not found[0].tokens.special[group[0]] for group in found[0].tokens.groups)
    assert 0 < values[0, 1] < 1
    half = 1.96 * np.sqrt((1 + values[0, 1] ** 2 / 2) / (words - 3))
    np.testing.assert_allclose(ends[0, 1], np.tanh(np.arctanh(values[0, 1]) + np.array([-half, half])), atol=1e-5)
    assert np.isnan(ends[0, 0]).all()
    (drawn,) = agreement_map(["a", "b"], values, ends).data
    assert interval(ends[0, 1], ".2f") in drawn.text[0][1].replace("<br>", " ")


def test_macro_f1_and_calibration_error_have_intervals_over_rows():
    """Against scikit-learn's F1 and a count by hand over rows that are written out again as they are drawn."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(120, 3)).astype(np.float32) * 2
    truth = [
        str(one) for one in np.where(random.random(120) < 0.6, logits.argmax(axis=1), random.integers(3, size=120))
    ]
    found = measure_results(logits, truth, ("0", "1", "2"))
    given, sure = found.answers.astype(str), found.probabilities.astype(float)
    f1, error = [], []
    for _draw in range(400):
        rows = random.integers(120, size=120)
        f1.append(f1_score(np.array(truth)[rows], given[rows], average="macro"))
        gap = np.bincount((sure[rows] * 10).astype(int).clip(max=9), (sure - (given == np.array(truth)))[rows])
        error.append(abs(gap).sum() / 120)
    np.testing.assert_allclose(found.macro_f1_interval, np.quantile(f1, (0.025, 0.975)), atol=0.04)
    low, high = np.quantile(error, (0.025, 0.975))
    np.testing.assert_allclose(found.ece_interval, (max(0, 2 * found.ece - high), 2 * found.ece - low), atol=0.04)
    # F1 is twice the hits of what is of the class and what was given it, so that Wilson's ends give its own.
    for place, name in enumerate("012"):
        hits = int(((given == name) & (np.array(truth) == name)).sum())
        either = int(((given == name) | (np.array(truth) == name)).sum())
        ends = [2 * end / (1 + end) for end in wilson(hits, either)]
        np.testing.assert_allclose(found.f1_interval[place], ends, atol=1e-6)
        assert ends[0] < f1_score(np.array(truth) == name, given == name) < ends[1]
    # All right and all sure, of ten rows: no number is known to its last digit.
    sure_of_all = measure_results(np.eye(2, dtype=np.float32)[[0, 1] * 5] * 99, ["a", "b"] * 5, ("a", "b"))
    assert sure_of_all.macro_f1_interval == pytest.approx((0.025 ** (1 / 10), 1.0))
    assert sure_of_all.ece_interval == pytest.approx((0, 1 - 0.025 ** (1 / 10)), abs=1e-9)


def test_errors_of_a_regression_have_intervals_over_its_rows():
    """Of 400 rows the bootstrap's are those of the normal approximation (SciPy) to a tenth of their width."""
    random = np.random.default_rng(0)
    truth = random.normal(size=400)
    found = measure_fit(truth + random.normal(size=400), truth)
    missed = np.abs(found.answers.astype(float) - found.truth)
    expected = stats.ttest_1samp(missed, 0).confidence_interval()
    np.testing.assert_allclose(found.mae_interval, expected, atol=0.1 * np.ptp(expected))
    squares = np.sqrt(stats.ttest_1samp(missed**2, 0).confidence_interval())
    np.testing.assert_allclose(found.rmse_interval, squares, atol=0.1 * np.ptp(squares))
    assert found.spearman_interval[0] < found.spearman < found.spearman_interval[1]
    noise = [measure_fit(random.normal(size=30), random.normal(size=30)).spearman_interval for _draw in range(20)]
    assert sum(low > 0 or high < 0 for low, high in noise) <= 3
    assert all(np.isnan(measure_fit(np.ones(1), np.ones(1)).mae_interval))


def test_shares_of_a_table_have_as_many_digits_each():
    assert percents([0.8289, 0.547, None, float("nan")]) == [pytest.approx(82.89), pytest.approx(54.7), None, None]
    formats = {one["type_config"]["format"] for one in (*percent_columns("x", "y").values(), percent_bar())}
    assert formats == {"%.1f%%"}


def test_no_table_leaves_digits_to_the_browser():
    """The browser's own percent format writes 82.89% over 54.7%: no column of any page is drawn by it."""
    root = Path(__file__).parents[2]
    code = [one for folder in ("dashboard", "pages") for one in (root / folder).rglob("*.py")]
    assert len(code) > 50
    assert [one.name for one in code if re.search(r"format=[\"']percent", one.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(("noise", "knows"), [(0.1, True), (50.0, False)])
def test_who_gives_no_class_from_one_half_on_may_have_learned(noise, knows):
    """At one half nothing is given; whether anything was learned is what thresholds of their own show on other rows."""
    random = np.random.default_rng(2)
    truth = (random.random((300, 3)) < 0.2).astype(float)
    logits = (truth + noise * random.normal(size=truth.shape)).astype(np.float32)
    found = measure_labels(logits - logits.max() - 1, truth, tuple("abc"))
    (line,) = baseline_lines(found.facts(), "multi-label")
    assert (f"{found.tuned_macro_f1:.1%}" in line) == knows
    assert ("do not show that the model learned anything" in line) != knows
