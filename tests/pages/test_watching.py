"""A long run over a large file is looked at cheaply: each look reads what came since, and draws what a screen shows."""

import builtins
import io
import json
import os
from pathlib import Path

import numpy as np
import plotly.io
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import cache
from dashboard.figures import finetuning as figures
from dashboard.figures.finetuning import MOST_POINTS, thinned
from interpret.core.process_state import identity, write_state
from interpret.finetuning import metrics_log as telling

STEPS, ROWS = 50_000, 100_000
SPIKE, DIP = 31_234, 12_345


def step_line(number, loss):
    return (
        f'{{"number": {number}, "epoch": {number / 500}, "loss": {loss}, "rate": {1e-3 / number}, '
        f'"norms": {{"0": 0.0, "head": 1.0}}, "seconds": {number / 10}, "memory": 1000000}}\n'
    )


@pytest.fixture
def long_run(monkeypatch, tmp_path):
    """A run at work, by this very process, that has told 50,000 steps about a file of 100,000 rows."""
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    request = it.runs.Request(it.Recipe(learning_rate=1e-3, epochs=100, head="own"), "long", "rows.csv")
    content = "text,label\n" + "".join(f"the bank number {i},{'ab'[i % 2]}\n" for i in range(ROWS))
    run = it.runs.new_run(tmp_path, request, content.encode())
    lines = [step_line(i + 1, 1 + i % 7 / 10) for i in range(STEPS)]
    judged = {"epoch": 1.0, "loss": 1.0, "score": 0.5, "moved": {}, "probes": [], "facts": {}, "seconds": 1.0}
    lines.insert(500, json.dumps({"step": 500} | judged) + "\n")
    (run.folder / "told.jsonl").write_text("".join(lines), "utf-8")
    write_state(
        run.folder,
        state="running",
        device="cpu",
        **identity(os.getpid()),
        step=STEPS,
        steps=STEPS + 10,
        rows={"learned": ROWS * 0.8, "judged": ROWS * 0.2, "majority": 0.5},
    )
    return it.runs.read_run(run.folder)


def look(run_id):
    from dashboard.widgets.run_view import run_live

    run_live(run_id, True)


def points(page):
    """Yield how many points each curve and each map of a page has along its steps, as the browser gets it."""
    for node in page.get("plotly_chart"):
        for trace in plotly.io.from_json(node.proto.spec).data:
            yield len(trace.x)


def test_a_look_at_a_long_run_reads_what_came_since_and_nothing_of_its_data(long_run, monkeypatch):
    """All that is counted is counted here: what is opened below the run's folder, read of its log, and parsed."""
    opened, read, parsed = [], [], []
    root, plain = str(long_run.folder), open

    def counted(file, *args, **more):
        if isinstance(file, str | os.PathLike) and os.fspath(file).startswith(root):
            opened.append(Path(file).name)
        return plain(file, *args, **more)

    since, parse = telling.read_since, telling.parse_line
    monkeypatch.setattr(io, "open", counted)
    monkeypatch.setattr(builtins, "open", counted)
    monkeypatch.setattr(telling, "read_since", lambda file, offset: (read.append(since(file, offset)), read[-1])[1])
    monkeypatch.setattr(telling, "parse_line", lambda line: (parsed.append(line), parse(line))[1])
    page = AppTest.from_function(look, args=(long_run.id,), default_timeout=60).run()
    assert not page.exception
    # 50,000 steps are 100 passes through 80,000 rows, in 5,000 seconds: over all of the training, as when it is done.
    assert {one.label: one.value for one in page.metric}["Examples per second"] == "1,600"
    assert len(parsed) == STEPS + 1
    for more in range(3):
        if more:
            with (long_run.folder / "told.jsonl").open("a", encoding="utf-8") as file:
                file.write(step_line(STEPS + more, 1.0))
        for one in (opened, read, parsed):
            one.clear()
        page.run()
        assert not page.exception
        assert sorted(opened) == ["request.json", "state.json", "told.jsonl"]
        assert sum(map(len, read)) < 1000
        assert len(parsed) == (more > 0)
    assert len(it.runs.read_metrics(long_run.folder).number) == STEPS + 2
    counts = list(points(page))
    assert len(counts) >= 6
    assert max(counts) <= MOST_POINTS
    said = [one.value for one in page.caption if "each curve shows" in one.value]
    assert said == ["For 50,002 steps, each curve shows 2,000 points: the minimum and maximum of each stretch."]


def test_a_run_that_waits_says_for_whom(monkeypatch, tmp_path):
    """Its name is foreign text."""
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    run = it.runs.new_run(tmp_path, it.runs.Request(it.Recipe(), "mine", "rows.csv"), b"text,label\na,b\n")
    for other, said in (("*the other*", "Waiting for “\\*the other\\*”"), ("", "Waiting: another run is using")):
        write_state(run.folder, waits_for=other)
        page = AppTest.from_function(look, args=(run.id,), default_timeout=60).run()
        assert not page.exception
        assert page.info[0].value.startswith(said)


@pytest.mark.parametrize("count", [1, 2, MOST_POINTS, MOST_POINTS + 1, 3 * MOST_POINTS + 7, 123_456])
def test_what_is_left_of_a_curve_has_its_ends_and_its_extremes(count):
    """Of every stretch the least and the greatest are drawn, so no spike is lost; in order, and each point is one."""
    values = np.random.default_rng(count).normal(size=count)
    number = np.arange(count) * 3 + 1
    x, y = thinned(number, values)
    assert len(x) <= MOST_POINTS
    assert (x[0], x[-1]) == (number[0], number[-1])
    assert (y.min(), y.max()) == (values.min(), values.max())
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y, values[(x - 1) // 3])
    if count <= MOST_POINTS:
        assert len(x) == count
    # Spikes anywhere, one at a time.
    for place in np.linspace(0, count - 1, 7).astype(int):
        spiked = np.zeros(count)
        spiked[place] = 1.0
        assert thinned(number, spiked)[1].sum() == 1.0


def test_every_picture_of_a_long_run_is_bounded():
    number, random = np.arange(1.0, STEPS + 1), np.random.default_rng(0)
    loss = 1 + random.random(STEPS)
    loss[SPIKE - 1], loss[DIP - 1] = 7.0, 0.5
    judged = tuple({"step": i, "epoch": i, "loss": 1.0, "score": random.random()} for i in range(3 * MOST_POINTS))
    columns = (number, number / 500, loss, 1e-3 / number, number / 10, number)
    told = it.runs.MetricsLog(*columns, norms=random.random((STEPS, 2)), layer_groups=("0", "head"), evaluations=judged)
    drawn = [
        figures.loss_curve(told, STEPS),
        figures.rate_curve(told, STEPS),
        figures.gradient_map(told, ["Layer 0", "Head"]),
        figures.score_curve(told, STEPS, 0.5, "accuracy"),
        *(figures.overlaid({"a": told}, what) for what in ("loss", "rate", "score")),
    ]
    assert max(len(trace.x) for figure in drawn for trace in figure.data) <= MOST_POINTS
    steps = drawn[0].data[0]
    assert {1, SPIKE, DIP, STEPS} <= set(steps.x)
    assert (max(steps.y), min(steps.y)) == (7.0, 0.5)
