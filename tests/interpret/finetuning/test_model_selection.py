"""Rows that choose an epoch are not those that it is reported on; where they are, it is told how far that flatters."""

import json
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.model_selection import cross_fit
from interpret.finetuning.objective import find_objective, list_objectives
from interpret.finetuning.outcome import read_outcome, read_run_examples
from interpret.finetuning.regression_results import measure_fit
from interpret.finetuning.request import Request
from interpret.finetuning.results import measure_results
from interpret.finetuning.runs import make_run, read_run
from interpret.finetuning.splits import LEAST_OF_EACH, split_rows
from interpret.finetuning.training import train
from interpret.finetuning.worker import finetune


def made(task, count=400, classes=4):
    random = np.random.default_rng(1)
    names = {
        "classes": [f"c{i % classes}" for i in range(count)],
        "regression": [f"{value:.3f}" for value in random.normal(size=count)],
        "token classes": ["O B-PER O"] * count,
    }.get(task, [str(i * 8 // count) for i in range(count)])
    # A third say what another one says.
    texts = [f"text number {i if i % 3 else i // 2}" for i in range(count)]
    paired = ("masked words and next sentences", "question answering")
    pairs = tuple(f"second {text}" for text in texts) if task in paired else None
    return Examples(task, tuple(texts), pairs, tuple(names), tuple(range(count)), 0)


@pytest.mark.parametrize("task", list_objectives())
def test_three_sets_where_a_choice_is_made_and_two_where_none_is(task):
    examples = made(task)
    train_rows, held_out = split_examples(examples, 0.2, 5)
    two = split_rows(examples, 0.2, 5, apart=False)
    np.testing.assert_array_equal(two.train, train_rows)
    np.testing.assert_array_equal(two.test, held_out)
    assert not two.apart
    three = split_rows(examples, 0.2, 5, apart=True)
    assert three.apart
    # What is learned from is the same; what is held out is cut in two.
    np.testing.assert_array_equal(three.train, train_rows)
    np.testing.assert_array_equal(np.sort([*three.validation, *three.test]), held_out)
    assert min(len(three.validation), len(three.test)) >= LEAST_OF_EACH
    assert abs(len(three.validation) - len(three.test)) <= 8
    if find_objective(task).source != "text":
        sets = [{examples.key(int(place)) for place in rows} for rows in (three.train, three.validation, three.test)]
        assert not any(one & other for one, other in combinations(sets, 2))
    if task == "classes":
        assert all(len(Counter(examples.some(rows).labels)) == 4 for rows in (three.validation, three.test))


def test_a_second_file_is_reported_on_whole_and_the_first_one_gives_the_rows_that_choose():
    second = made("classes", 60)
    second = replace(second, texts=tuple(f"another {text}" for text in second.texts))
    examples = made("classes").followed_by(second)
    three = split_rows(examples, 0.2, 0, apart=True, test_rows=60)
    np.testing.assert_array_equal(three.test, np.arange(400, 460))
    np.testing.assert_array_equal(np.sort([*three.train, *three.validation]), np.arange(400))
    assert 70 <= len(three.validation) <= 90


@pytest.mark.parametrize("classes, count", [(2, 150), (60, 300)])
def test_too_few_rows_serve_for_both(classes, count):
    """30 rows are held out; or 60 of 60 classes, one each."""
    split = split_rows(made("classes", count, classes), 0.2, 0, apart=True)
    assert not split.apart
    assert split.validation is split.test


def right_or_wrong(right):
    """Of rows that are right or wrong in each choice: the parts, with the share of right ones as score and goodness."""
    parts = np.stack([1 - right, np.ones_like(right), right], axis=2).astype(float)
    return cross_fit(parts, find_objective("classes").headline, find_objective("classes").headline)


def test_the_best_of_many_equal_ones_is_no_better_than_they_are():
    """20 guessers at 50 %: the best on 40 rows is at about 50 % + 1.87 standard errors, and worth 50 %."""
    random = np.random.default_rng(0)
    found = [right_or_wrong(random.random((20, 40)) < 0.5) for _ in range(60)]
    # The mean of the largest of 20 normal draws is 1.867 (Harter 1961).
    expected = 0.5 + 1.867 * np.sqrt(0.25 / 40)
    error = 4 * np.sqrt(0.25 / 40) / np.sqrt(60)
    assert np.mean([one.score for one in found]) == pytest.approx(expected, abs=error)
    assert np.mean([one.honest for one in found]) == pytest.approx(0.5, abs=error)
    assert all(one.among == 20 for one in found)


def test_one_that_is_far_better_than_all_others_is_not_flattered():
    right = np.zeros((5, 200), bool)
    right[3] = np.arange(200) % 10 > 0
    found = right_or_wrong(right)
    assert (found.best, found.score) == (3, 0.9)
    assert found.honest == pytest.approx(0.9, abs=1e-9)
    assert found.flattery == pytest.approx(0, abs=1e-9)
    assert np.isnan(right_or_wrong(right[:, :3]).honest)


def test_parts_of_rows_add_up_to_what_is_reported():
    random = np.random.default_rng(3)
    given, true = random.normal(size=30).astype(np.float32), random.normal(size=30).astype(np.float32)
    answers = {"logits": given[:, None], "truth": true, "rows": np.arange(30)}
    sums = find_objective("regression").row_parts((), answers).sum(axis=0, keepdims=True)
    assert find_objective("regression").headline(sums)[0] == pytest.approx(measure_fit(given, true).r2, abs=1e-6)
    labels = ("B-PER", "I-PER", "O")
    logits = random.normal(size=(50, 3)).astype(np.float32)
    words = {"logits": logits, "truth": random.integers(0, 3, 50), "rows": np.repeat(np.arange(10), 5)}
    found = measure_results(logits, [labels[i] for i in words["truth"]], labels, words["rows"])
    sums = find_objective("token classes").row_parts(labels, words).sum(axis=0, keepdims=True)
    assert find_objective("token classes").headline(sums)[0] == pytest.approx(found.entities.f1)
    assert sums[0, 2] / sums[0, 1] == pytest.approx(found.accuracy)


def test_a_choice_by_its_own_rows_is_reported_on_others(recipe, examples):
    recipe = replace(recipe, epochs=3, patience=2, head="linear")
    learned, held_out = split_examples(examples, 0.4, 0)
    validation, test = held_out[::2], held_out[1::2]
    done = train(recipe, examples, learned, validation, test_rows=test)
    alone = train(recipe, examples, learned, validation)
    assert [one.loss for one in done.evaluations] == [one.loss for one in alone.evaluations]
    assert done.best == alone.best
    assert len(done.answers["truth"]) == len(test)
    assert [done.labels[i] for i in done.answers["truth"]] == [examples.labels[i] for i in test]
    surprise = np.log(np.exp(done.answers["logits"].astype(float)).sum(axis=1))
    own = np.take_along_axis(done.answers["logits"], done.answers["truth"][:, None], axis=1)[:, 0]
    assert done.loss == pytest.approx(float((surprise - own).mean()), abs=1e-4)
    # Nothing was chosen by the rows that are reported on, and the other one says that something was.
    assert done.choice is None
    assert alone.choice.among == len(alone.evaluations)
    assert alone.choice.score == pytest.approx(
        (alone.answers["logits"].argmax(axis=1) == alone.answers["truth"]).mean()
    )


@pytest.fixture
def asked(recipe):
    return Request(recipe=recipe, name="first", data="rows.csv", label="kind")


def test_a_run_says_on_which_rows_and_an_old_one_is_read_as_it_was(asked, rows, tmp_path):
    # 96 rows: 38 held out are too few for two sets of 20.
    chosen = replace(asked, recipe=replace(asked.recipe, patience=1, held_out=0.4, epochs=3, learning_rate=1e-4))
    run = finetune(tmp_path / "chosen", chosen, rows)
    assert run.state == "done", run.error
    outcome = read_outcome(run)
    assert outcome.chosen
    assert outcome.validated == 0
    assert run.facts["among"] >= 2
    assert outcome.honest == run.facts["honest"]
    apart = replace(chosen, recipe=replace(chosen.recipe, held_out=0.5))
    run = finetune(tmp_path / "apart", apart, rows)
    outcome = read_outcome(run)
    assert not outcome.chosen
    assert outcome.validated == run.facts["validated"] == 48 - len(outcome.truth)
    assert len(outcome.truth) == run.facts["judged"] >= LEAST_OF_EACH
    assert "honest" not in run.facts
    # One from before the rows were parted was reported on all that was held out.
    given = json.loads((run.folder / "request.json").read_text("utf-8"))
    assert given.pop("apart") is True
    (run.folder / "request.json").write_text(json.dumps(given), "utf-8")
    _examples, split = read_run_examples(run.folder, read_run(run.folder).request)
    assert len(split.test) == 48
    assert not split.apart


def test_without_patience_nothing_is_chosen(asked, rows, tmp_path):
    made_run = make_run(tmp_path / "plain", replace(asked, recipe=replace(asked.recipe, held_out=0.5)), rows)
    _examples, split = read_run_examples(made_run.folder, made_run.request)
    assert not split.apart
    assert len(split.test) == 48
