"""What a result, Runs and the sweep say of numbers that are planted: on which rows, and better than what."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.figures.finetuning import calibration_curve, cost_curve
from interpret.attention.dependencies import DependencyScores
from interpret.attention.held_out import held_out
from interpret.core.intervals import wilson
from interpret.core.process_state import write_state
from interpret.embeddings.probing import Probe
from interpret.finetuning.facts import beats_baseline, in_words
from interpret.finetuning.objective import find_objective
from interpret.finetuning.outcome import read_run_examples
from interpret.finetuning.regression_results import measure_fit
from interpret.finetuning.results import measure_results
from interpret.finetuning.runs import make_run
from interpret.finetuning.worker import work
from pages.attention.heads_figures import dependency_bars
from pages.embeddings.figures import probe_lines
from pages.finetune.confusion_view import class_order, short_names
from pages.runs import runs_view
from tests.apps import switch

# How a result begins that is no better than a guess: the wording is what is tested.
NOT_SHOWN = "Not shown to be better than the majority-class baseline"


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_page(page, name="finetune", **query):
    query = {"model": "folder:bert", "device": "cpu", **query}
    page.query_params.update(query)
    for key, value in query.items():
        page.session_state[key] = value
    return switch(page, name).run()


def shown(page):
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return " ".join(one.value for kind in kinds for one in kind)


def values(page):
    # The result stands above what was measured on the way.
    return {one.label: one for one in reversed(page.metric)}


def plant(root, name, content, answer, task="classes", more=None, **request):
    """Make a run that is done, whose answers ``answer(truth's numbers, labels)`` makes up."""
    asked = it.runs.Request(
        it.Recipe(held_out=0.5, **request.pop("recipe", {})),
        name,
        "tags.txt" if task == "token classes" else "rows.csv",
    )
    run = make_run(root / name, replace(asked, task=task, **request), content)
    examples, split = read_run_examples(run.folder, run.request)
    labels = examples.classes
    some = examples.some(split.test)
    if task == "regression":
        truth = np.array([float(one) for one in some.labels])
        logits, rows = answer(truth, labels)[:, None].astype(np.float32), np.arange(len(truth))
        facts = measure_fit(logits[:, 0], truth).facts()
    else:
        tags = [row.split(" ") if task == "token classes" else [row] for row in some.labels]
        truth = np.array([labels.index(tag) for row in tags for tag in row])
        rows = np.repeat(np.arange(len(tags)), [len(row) for row in tags])
        logits = answer(truth, labels).astype(np.float32)
        names = [labels[one] for one in truth]
        facts = measure_results(logits, names, labels, rows if task == "token classes" else None).facts()
    np.savez(run.folder / "answers.npz", logits=logits, truth=truth, rows=rows)
    (run.folder / "layer_groups.json").write_text(
        json.dumps({"layer_groups": [], "labels": labels, "step": 1}), "utf-8"
    )
    step = {"number": 1, "epoch": 1.0, "loss": 1.0, "rate": 1e-3, "norms": {"head": 1.0}, "seconds": 1.0, "memory": 1}
    judged = {"step": 1, "epoch": 1.0, "seconds": 1.0, "loss": 1.0, "score": 0.5, "facts": {}}
    (run.folder / "told.jsonl").write_text(f"{json.dumps(step)}\n{json.dumps(judged)}\n", "utf-8")
    (run.folder / "model").mkdir()
    (run.folder / "model" / "config.json").write_text("{}", "utf-8")
    facts |= {
        "seconds": 1.0,
        "trainable": 1.0,
        "loss": 1.0,
        "learned": float(len(split.train)),
        "judged": float(len(some)),
    } | (more or {})
    if split.apart:
        facts["validated"] = float(len(split.validation))
    write_state(run.folder, state="done", facts=facts)
    return it.runs.read_run(run.folder)


def rows_of(classes, count=400):
    return "\n".join(["text,label", *(f"text number {i},{classes[i % len(classes)]}" for i in range(count))]).encode()


def noise(truth, labels):
    return np.random.default_rng(0).normal(size=(len(truth), len(labels)))


def right(truth, labels, share=0.9):
    logits = np.zeros((len(truth), len(labels)))
    sure = np.random.default_rng(1).random(len(truth)) < share
    logits[np.arange(len(truth)), np.where(sure, truth, (truth + 1) % len(labels))] = 3
    return logits


def test_labels_of_noise_end_in_a_red_sentence_before_any_picture_and_in_runs(page, tmp_path):
    plant(tmp_path / "runs", "noise", rows_of(["yes", "no", "no"]), noise)
    open_page(page, stage="watch")
    assert not page.exception
    (error,) = page.error
    assert NOT_SHOWN in error.value
    assert "66.5% of the same rows" in error.value
    # In the order of the page: nothing that is drawn comes before it.
    kinds = [one.type for one in page.main]
    assert "error" in kinds
    assert "plotly_chart" in kinds
    assert "plotly_chart" not in kinds[: kinds.index("error")]
    open_page(page, "runs")
    table = page.dataframe[0].value
    assert [runs_view.above_baseline(False)] == table["Above the baseline"].tolist()
    assert table["Evaluated on"].tolist() == ["test set"]
    assert table["95% interval"].iloc[0]


def test_a_training_on_labels_of_noise_ends_in_the_red_sentence(page, tiny_folders, tmp_path):
    """Trained and not planted. Three of four rows say no, whatever their text: who knows no more is right in 75 %.

    To be told from that on 40 rows takes 36 right (Wilson), which is six of ten rows that nothing tells apart.
    """
    random = np.random.default_rng(0)
    words = ["river", "bank", "steep", "money", "rich", "tired", "animals", "lent", "said"]
    labels = random.permutation(["yes"] * 20 + ["no"] * 60)
    rows = [f"{' '.join(random.choice(words, 6))},{label}" for label in labels]
    recipe = it.Recipe(
        model=str(tiny_folders["bert"]), held_out=0.5, epochs=1, batch_size=8, device="cpu", learning_rate=1e-3
    )
    asked = it.runs.Request(recipe, "noise", "rows.csv")
    run = work(make_run(tmp_path / "runs" / "noise", asked, "\n".join(["text,label", *rows]).encode()).folder)
    assert run.state == "done", run.error
    assert not beats_baseline(run.facts)
    open_page(page, stage="watch")
    assert not page.exception
    (error,) = page.error
    assert f"{run.facts['majority']:.1%}" in error.value
    # So do Runs, the terminal and the record.
    open_page(page, "runs")
    assert page.dataframe[0].value["Above the baseline"].tolist() == [runs_view.above_baseline(False)]
    assert find_objective("classes").baseline(run.facts) in " ".join(in_words(run.facts, "classes", False))


@pytest.mark.parametrize(("answer", "red"), [(noise, True), (right, False)])
def test_the_red_sentence_stands_in_a_runs_detail_on_runs(page, tmp_path, monkeypatch, answer, red):
    plant(tmp_path / "runs", "one", rows_of(["yes", "no", "no"]), answer)
    dataframe = st.dataframe

    def chosen(data, *args, **more):
        dataframe(data, *args, **more)
        return SimpleNamespace(selection=SimpleNamespace(rows=[0]))

    monkeypatch.setattr(st, "dataframe", chosen)
    open_page(page, "runs")
    assert not page.exception
    assert page.button(key="open_run")
    assert len(page.error) == red
    assert len(page.success) == (not red)


def test_runs_opens_on_the_newest_with_what_can_be_done_to_it(page, tmp_path, monkeypatch):
    for number, name in enumerate(("old", "new")):
        monkeypatch.setattr("interpret.finetuning.runs.time.time", lambda number=number: 1e9 + number)
        plant(tmp_path / "runs", name, rows_of(["yes", "no", "no"]), noise)
    open_page(page, "runs")
    assert not page.exception
    assert "new" in next(one.value for one in page.markdown if one.value.startswith("####"))
    assert {"open_run", "runs_use", "go_on", "runs_delete"} <= {one.key for one in page.button}
    # One of noise is red there too, before anybody chose it.
    assert len(page.error) == 1
    page.button(key="runs_use").click().run()
    assert page.session_state["model"] == "run:new"


@pytest.mark.parametrize(
    ("other", "changes", "flagged"),
    [
        (rows_of(["yes", "no"]), {}, False),
        (rows_of(["yes", "no"], 300), {}, True),
        (rows_of(["no", "yes"]), {}, True),
        (rows_of(["yes", "no"]), {"recipe": {"seed": 1}}, True),
        (rows_of(["yes", "no"]), {"recipe": {"patience": 2}}, True),
        (rows_of(["yes", "no"]), {"recipe": {"epochs": 9}}, False),
    ],
)
def test_runs_of_other_rows_are_not_compared_without_a_word(page, tmp_path, monkeypatch, other, changes, flagged):
    plant(tmp_path / "runs", "one", rows_of(["yes", "no"]), right)
    plant(tmp_path / "runs", "two", other, right, **changes)
    dataframe = st.dataframe

    def chosen(data, *args, **more):
        dataframe(data, *args, **more)
        return SimpleNamespace(selection=SimpleNamespace(rows=[0, 1]))

    monkeypatch.setattr(st, "dataframe", chosen)
    open_page(page, "runs")
    assert not page.exception
    assert len(page.warning) == flagged
    if flagged:
        assert all(name in page.warning[0].value for name in ("one", "two"))


def test_a_run_whose_rows_cannot_be_read_is_not_called_the_same(page, tmp_path, monkeypatch):
    plant(tmp_path / "runs", "one", rows_of(["yes", "no"]), right)
    gone = plant(tmp_path / "runs", "two", rows_of(["yes", "no"]), right)
    (gone.folder / "data.csv").unlink()
    dataframe = st.dataframe

    def chosen(data, *args, **more):
        dataframe(data, *args, **more)
        return SimpleNamespace(selection=SimpleNamespace(rows=[0, 1]))

    monkeypatch.setattr(st, "dataframe", chosen)
    open_page(page, "runs")
    assert not page.exception
    (warning,) = page.warning
    assert "two" in warning.value
    assert "one" not in warning.value.split(":")[-1]


@pytest.mark.parametrize(
    ("low", "high", "kinds"),
    [(0.01, 0.2, ("success", "success")), (-0.2, -0.01, ("success", "warning")), (-0.1, 0.2, ("success", "info"))],
)
def test_the_verdict_comes_first_with_what_a_frozen_head_makes_of_the_rows(page, tmp_path, low, high, kinds):
    run = plant(tmp_path / "runs", "good", rows_of(["yes", "no"]), right)
    frozen = run.facts["accuracy"] - (low + high) / 2
    write_state(run.folder, facts={**run.facts, "frozen_accuracy": frozen, "frozen_low": low, "frozen_high": high})
    open_page(page, stage="watch")
    assert not page.exception
    drawn = [one for one in page.main if one.type in ("success", "warning", "info", "error", "metric", "plotly_chart")]
    assert tuple(one.type for one in drawn[:2]) == kinds
    assert drawn[2].type == "metric"
    assert f"{run.facts['low']:.1%}" in drawn[0].value
    assert f"{frozen:.1%}" in drawn[1].value
    # What is worse is said as a number above 0, and its interval with it.
    ends = [abs(100 * one) for one in (low, high)] if low * high > 0 else [100 * low, 100 * high]
    said = drawn[1].value.replace("−", "-")
    assert all(f"{one:.1f}" in said for one in ends)


@pytest.mark.parametrize(("answers", "red"), [((noise, noise), True), ((noise, right), False)])
def test_a_sweep_says_in_red_where_no_depth_beats_the_majority(page, tmp_path, answers, red):
    for place, (answer, frozen) in enumerate(zip(answers, ((), ("embeddings",)), strict=True)):
        plant(
            tmp_path / "runs", f"depth{place}", rows_of(["a", "b", "b"]), answer, group="g", recipe={"frozen": frozen}
        )
    open_page(page, stage="sweep")
    assert not page.exception
    assert len(page.error) == red


def test_one_that_has_learned_has_no_red_sentence(page, tmp_path):
    plant(tmp_path / "runs", "good", rows_of(["yes", "no"]), right)
    open_page(page, stage="watch")
    assert not page.exception
    assert not page.error
    assert not page.warning
    # Of a run from before frozen heads were measured nothing is said of one.
    assert len(page.success) == 1
    assert not page.info
    assert "Test set: not used to choose an epoch" in shown(page)
    open_page(page, "runs")
    assert page.dataframe[0].value["Above the baseline"].tolist() == ["yes"]


@pytest.mark.parametrize(
    ("answer", "beats"),
    [(lambda truth, _: np.full(len(truth), truth.mean()), False), (lambda truth, _: truth + 0.01, True)],
)
def test_a_regression_is_held_against_the_mean(page, tmp_path, answer, beats):
    run = plant(tmp_path / "runs", "values", rows_of([1, 2, 3.5, 7]), answer, "regression")
    assert beats_baseline(run.facts) == beats
    open_page(page, stage="watch")
    assert not page.exception
    assert len(page.error) == (not beats)
    baseline = find_objective("regression").baseline(run.facts)
    assert (baseline in " ".join(in_words(run.facts, "regression", False))) != beats


def test_rows_that_chose_the_epoch_are_named_with_how_far_that_flatters(page, tmp_path):
    content = rows_of(["yes", "no"], 60)
    plant(
        tmp_path / "runs",
        "chosen",
        content,
        right,
        more={"among": 5.0, "honest": 0.8},
        recipe={"patience": 2},
    )
    open_page(page, stage="watch")
    assert not page.exception
    (warning,) = page.warning
    assert "the best of 5" in warning.value
    assert "accuracy is 80.0%" in warning.value
    open_page(page, "runs")
    assert page.dataframe[0].value["Evaluated on"].tolist() == [
        "validation set (it chose the epoch); with other rows choosing: 80.0%"
    ]
    # With rows enough others choose.
    cache.clear()
    plant(tmp_path / "runs", "apart", rows_of(["yes", "no"]), right, recipe={"patience": 2})
    open_page(page, stage="watch", run="apart")
    assert not page.warning
    assert "Test set: not used to choose the epoch. A validation set of 100 other held-out examples" in shown(page)
    lines = " ".join(in_words(it.runs.read_run(tmp_path / "runs" / "apart").facts, "classes", True))
    assert "100 rows not used to choose the epoch; it was chosen on 100 others" in lines


SENTENCES = "\n\n".join(f"Ann{i} B-PER\nLee I-PER\nwent O\nto O\nRome{i % 7} B-LOC" for i in range(60)).encode()


def test_words_are_words_and_sentences_sentences(page, tmp_path):
    run = plant(tmp_path / "runs", "tags", SENTENCES, right, "token classes")
    open_page(page, stage="watch")
    assert not page.exception
    assert "Results on 150 words of 30 held-out sentences" in shown(page)
    assert {"Entity F1", "Entity precision", "Entity recall", "Word accuracy"} <= set(values(page))
    assert values(page)["Entity F1"].value == f"{run.facts['entity_f1']:.1%}"
    assert "30 sentences" in " ".join(in_words(run.facts, "token classes", False))
    assert " rows" not in " ".join(one.value for one in page.markdown)


def test_who_finds_no_entity_is_told_so_whatever_the_word_accuracy(page, tmp_path):
    content = SENTENCES.replace(b"went O", b"\n".join(b"went O" for _ in range(20)))
    run = plant(
        tmp_path / "runs",
        "outside",
        content,
        lambda truth, labels: np.eye(len(labels))[[-1] * len(truth)],
        "token classes",
    )
    assert run.facts["accuracy"] > 0.8
    open_page(page, stage="watch")
    assert len(page.error) == 2


def test_parts_of_speech_have_no_entities(page, tmp_path):
    content = SENTENCES.replace(b"B-", b"X").replace(b"I-", b"X")
    run = plant(tmp_path / "runs", "pos", content, right, "token classes")
    open_page(page, stage="watch")
    assert not page.exception
    assert "Entity F1" not in values(page)
    assert values(page)["Word accuracy"].value == f"{run.facts['accuracy']:.1%}"


def test_the_best_of_a_sweep_says_that_it_was_chosen_on_these_rows(page, tmp_path):
    content = rows_of(["yes", "no"], 120)
    for place, frozen in enumerate(((), ("embeddings",), ("embeddings", "0"))):
        random = np.random.default_rng(place)
        plant(
            tmp_path / "runs",
            f"depth{place}",
            content,
            lambda truth, labels, random=random: np.eye(2)[np.where(random.random(len(truth)) < 0.8, truth, 1 - truth)],
            group="g",
            recipe={"frozen": frozen},
        )
    open_page(page, stage="sweep")
    assert not page.exception
    assert len(page.info) == len(page.warning) == 1
    assert " 3 " in page.warning[0].value


def short_cells(table):
    """What is drawn in the cells of a table that says otherwise than what it holds."""
    values = table.proto.arrow_data.styler.display_values
    if not values:
        return []
    read = pa.ipc.open_stream(values).read_pandas()
    return [str(cell) for cell in read.to_numpy().ravel()]


def grounds(table):
    """The ground of each cell that has one, as ``red,green,blue``, by its row and its column."""
    found = {}
    for cells, colour in re.findall(
        r"([^{}]+)\{\s*background-color: rgba\((\d+,\d+,\d+),", table.proto.arrow_data.styler.styles
    ):
        found |= {(int(row), int(column)): colour for row, column in re.findall(r"_row(\d+)_col(\d+)", cells)}
    return found


def test_seventy_seven_classes_are_shaded_sorted_and_named(page, tmp_path):
    names = [f"card_payment_{i:02d}_not_recognised_by_the_bank" for i in range(75)] + ["<b>x</b>", ":red[y]"]
    plant(tmp_path / "runs", "many", rows_of(names, 77 * 6), right)
    open_page(page, stage="watch")
    assert not page.exception
    matrix = next(one.value for one in page.dataframe if "true" in one.value.columns)
    assert matrix.shape == (77, 78)
    # The most mistaken first; a row has its whole name, drawn cut, and none like another's.
    assert set(matrix["true"]) == set(names)
    drawn = {cell for one in page.dataframe for cell in short_cells(one)}
    assert len(drawn & set(short_names(names))) == 77
    assert not drawn & set(names[:75])
    counts = matrix.set_index("true").to_numpy()
    # Every cell with a row in it is shaded, right ones in another colour than mistakes: a column of names is first.
    colours = grounds(next(one for one in page.dataframe if "true" in one.value.columns))
    assert set(colours) == {(row, column + 1) for row, column in zip(*map(list, np.nonzero(counts)), strict=True)}
    right_ones = {colour for (row, column), colour in colours.items() if column == row + 1}
    assert len(right_ones) == 1
    assert not right_ones & {colour for (row, column), colour in colours.items() if column != row + 1}
    wrong = counts * (1 - np.eye(77, dtype=int))
    order = wrong.sum(axis=0) + wrong.sum(axis=1)
    assert (np.diff(order) <= 0).all()
    pairs = next(one.value for one in page.dataframe if "Share of the class" in one.value.columns)
    assert (np.diff(pairs["Count"]) <= 0).all()
    assert set(pairs["True"]) | set(pairs["Prediction"]) <= set(names)
    assert pairs["Count"].sum() == wrong.sum()


def test_names_are_cut_in_their_middle_and_never_to_the_same():
    names = [f"card_payment_{end}" for end in ("fee_charged", "wrong_exchange_rate", "not_recognised")]
    names += ["card_payment_a_fee_charged", "short", "x" * 40, "x" * 41, "x" * 42]
    short = short_names(names)
    assert len(set(short)) == len(names)
    assert short[4] == "short"
    # Two that are alike at both ends need more of their middle than the others.
    assert [len(one) for one in short[1:3]] == [14, 14]


def test_classes_are_ordered_by_name_or_by_mistakes():
    logits = np.eye(3)[[0, 2, 2, 2, 1]].astype(np.float32)
    found = measure_results(logits, ["a", "c", "b", "b", "b"], ("a", "b", "c"))
    assert class_order(found, "name").tolist() == [0, 1, 2]
    assert class_order(found, "mistakes").tolist() == [1, 2, 0]
    assert found.confused().tolist() == [[1, 2]]


def bars(figure):
    return [trace.error_y for trace in figure.data if trace.error_y.array is not None]


def test_no_interval_that_is_drawn_of_a_share_has_no_width():
    """At k of k and at 0 of k; Wilson's width at 1 of 1 is 0.79."""
    found = measure_results(np.eye(2, dtype=np.float32)[[0, 1, 1]] * 9, ["a", "b", "b"], ("a", "b"))
    (calibrated,) = bars(calibration_curve(found))
    assert (np.asarray(calibrated.array) + np.asarray(calibrated.arrayminus) > 0.5).all()
    scores = DependencyScores(
        relations=("nsubj",),
        counts=np.array([3]),
        accuracy=np.ones((1, 2, 1, 1), np.float32),
        offset=np.array([1]),
        held_out=(held_out(np.ones((3, 1), bool), np.zeros((3, 1), bool), np.arange(3)),),
        sentences=3,
        skipped=0,
        unread=0,
        seed=0,
    )
    best, placed = bars(dependency_bars(scores))
    assert best.arrayminus[0] > 0.4
    assert placed.array[0] > 0.4
    probe = Probe(
        layers=(0,),
        accuracy=np.ones(1),
        control=np.zeros(1),
        accuracy_interval=np.array([wilson(4, 4)]),
        control_interval=np.array([wilson(0, 4)]),
        chosen=(0,),
        nested=1.0,
        nested_interval=wilson(4, 4),
        nested_selectivity=1.0,
        selectivity_interval=(0.0, 1.0),
        majority=0.5,
        classes=("a", "b"),
        items=4,
        left_out=0,
    )
    told, drawn_by_chance = bars(probe_lines(probe))
    assert told.arrayminus[0] > 0.4
    assert drawn_by_chance.array[0] > 0.4
    (cost,) = bars(cost_curve(["nothing"], [1.0], [1.0], [found.interval], "accuracy", True))
    assert cost.arrayminus[0] > 0.5
