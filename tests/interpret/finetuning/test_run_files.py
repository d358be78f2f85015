"""One damaged file is one damaged run: all others are read, started, waited for and drawn as ever."""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import interpret as it
from interpret.core.process_state import identity, write_state
from interpret.core.redaction import redacted
from interpret.finetuning import metrics_log as telling
from interpret.finetuning.checkpoints import latest_checkpoint
from interpret.finetuning.final_evaluation import measure_forgetting
from interpret.finetuning.metrics_log import read_metrics
from interpret.finetuning.outcome import read_outcome, token_names
from interpret.finetuning.request import Request
from interpret.finetuning.run_control import delete_run
from interpret.finetuning.runs import list_runs, new_run, read_run
from interpret.finetuning.turns import turn
from interpret.finetuning.worker import read_parent, work

ROWS = "text,label\n" + "\n".join(f"the bank number {i},{'ab'[i % 2]}" for i in range(20))
FACTS = {"seconds": 2.0, "trainable": 9.0, "learned": 16.0, "judged": 4.0, "accuracy": 0.5, "low": 0.1, "high": 0.9}
STEP = {"number": 1, "epoch": 0.5, "loss": 1.0, "rate": 1e-3, "norms": {"head": 1.0}, "seconds": 1.0, "memory": 10}
JUDGED = {
    "step": 2,
    "epoch": 1.0,
    "loss": 0.9,
    "score": 0.5,
    "moved": {"head": 0.1},
    "probes": [],
    "facts": {},
    "seconds": 2,
}


def make_done(root, name="whole", asked=1.7e9):
    """A run that is done, as one that was trained, made of nothing but its files."""
    run = new_run(root, Request(it.Recipe(learning_rate=1e-3, epochs=1, head="own"), name, "rows.csv"), ROWS.encode())
    (run.folder / "told.jsonl").write_text(json.dumps(STEP) + "\n" + json.dumps(JUDGED) + "\n", "utf-8")
    np.savez(
        run.folder / "answers.npz", logits=np.eye(2, dtype=np.float32)[[0, 1, 0, 1]], truth=[0, 1, 0, 1], rows=range(4)
    )
    (run.folder / "layer_groups.json").write_text(
        json.dumps({"labels": ["a", "b"], "step": 2, "layer_groups": []}), "utf-8"
    )
    (run.folder / "log.txt").write_text("", "utf-8")
    for folder, file in (("model", "config.json"), ("adapter", "adapter_config.json"), ("checkpoints", "latest.json")):
        (run.folder / folder).mkdir()
        (run.folder / folder / file).write_text("{}", "utf-8")
    write_state(run.folder, state="done", facts=FACTS, step=2, steps=2, begun=1.0, ended=3.0, asked=asked)
    return read_run(run.folder)


def wrong_types(content):
    try:
        found = json.loads(content)
    except ValueError:
        return b"[1, 2]"
    turned = {name: [one] if isinstance(one, (str, int, float)) else 7 for name, one in found.items()}
    return json.dumps(turned).encode()


def huge(content):
    try:
        found = json.loads(content)
    except ValueError:
        return b"9" * 5000
    return json.dumps({name: 10**400 if isinstance(one, (int, float)) else one for name, one in found.items()}).encode()


def not_numbers(content):
    try:
        found = json.loads(content)
    except ValueError:
        return b"NaN"
    return json.dumps(
        {name: float("nan") if isinstance(one, (int, float)) else one for name, one in found.items()}
    ).encode()


CONTENTS = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "{}": lambda _: b"{}",
    "null": lambda _: b"null",
    "list": lambda _: b"[[], {}]",
    "types": wrong_types,
    "huge": huge,
    "NaN": not_numbers,
    "bytes": lambda content: b"\xff\xfe\x00" + content,
    "surrogate": lambda content: content.replace(b'"', b'"\\ud800', 1),
    "deep": lambda _: b"[" * 100_000 + b"]" * 100_000,
    "deep object": lambda _: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}
OTHERS = ("folder", "loop")
FILES = (
    "request.json",
    "state.json",
    "told.jsonl",
    "answers.npz",
    "layer_groups.json",
    "data.csv",
    "log.txt",
    "stop",
    ".lock",
    "model/config.json",
    "adapter/adapter_config.json",
    "checkpoints/latest.json",
)


def spoil(path, how):
    content = path.read_bytes() if path.is_file() else b""
    path.unlink(missing_ok=True)
    if how == "folder":
        path.mkdir()
    elif how == "loop":
        os.symlink(path.name, path)
    else:
        path.write_bytes(CONTENTS[how](content))


def one_sentence(read, *given):
    """Nothing but a sentence may come of it."""
    with suppress(it.InterpretError):
        read(*given)


@pytest.mark.parametrize("file", FILES)
def test_one_damaged_file_is_one_damaged_run(file, tmp_path):
    root = tmp_path / "runs"
    good = make_done(root)
    spare = make_done(tmp_path / "spare", "spare", 1577836800.0)
    for how in (*CONTENTS, *OTHERS):
        bad = root / "20200101-000000-1"
        shutil.copytree(spare.folder, bad)
        spoil(bad / file, how)
        runs = list_runs(root)
        assert [run.id for run in runs] == [good.id, bad.name], how
        assert runs[0] == good
        run = runs[1]
        if file in ("request.json", "state.json"):
            assert run.state == "damaged", how
            assert file in str(run.error)
            assert not run.active
            assert not run.resumable
        told = read_metrics(bad)
        assert len(told.number) == len(told.loss) == len(told.norms)
        # A last line without its end is still being written.
        assert (told.damaged > 0) == (file == "told.jsonl" and how in ("bytes", "surrogate", "folder")), how
        one_sentence(read_outcome, run)
        latest_checkpoint(bad / "checkpoints")
        one_sentence(lambda found: found.parent_run, run)
        assert read_outcome(good).results.accuracy == 1.0
        # Another one is made and has its turn at once; and one may be asked to go on from this one.
        third = new_run(root, good.request, ROWS.encode())
        with turn(third, "cpu", None) as came:
            assert came
        delete_run_anyway(third)
        one_sentence(new_run, tmp_path / "further", Request(good.request.recipe, "n", "rows.csv", parent=bad.name), b"")
        if not run.active:
            delete_run(run)
            assert not bad.exists()
        else:
            shutil.rmtree(bad)


@pytest.fixture(scope="module")
def further(folder, rows, tmp_path_factory):
    """A run that is done and went on from another one, with a moment on the way that was opened."""
    root = tmp_path_factory.mktemp("further")
    recipe = it.Recipe(str(folder), epochs=1, learning_rate=5e-3, frozen=("embeddings", "0", "1"), snapshots=1)
    request = Request(recipe, "first", "rows.csv", label="kind")
    first = work(new_run(root, request, rows).folder)
    asked = replace(request, recipe=replace(recipe, model=str(first.model)), parent=first.id)
    run = work(new_run(root, asked, rows).folder)
    assert run.state == "done", run.error
    (moment,) = it.finetuning.list_snapshots(run)
    it.finetuning.open_snapshot(run, moment)
    return run, moment


def opened(run):
    return [it.finetuning.open_snapshot(run, moment) for moment in it.finetuning.list_snapshots(run)]


def loaded(path):
    return it.load_encoder(str(path), "cpu")


# What else a reader of a run opens, and who reads it. "@" is the step of the moment that was kept.
BELOW = {
    "past": (lambda run: run.parent_run, read_parent, lambda run: measure_forgetting(run, "cpu")),
    "past/request.json": (lambda run: run.parent_run, read_parent),
    "past/state.json": (lambda run: run.parent_run, lambda run: measure_forgetting(run, "cpu")),
    "past/data.csv": (read_parent, lambda run: measure_forgetting(run, "cpu")),
    "past/model": (lambda run: loaded(run.base),),
    "past/model/config.json": (lambda run: loaded(run.base),),
    "past/model/tokenizer_config.json": (lambda run: loaded(run.base),),
    "past/model/model.safetensors": (lambda run: loaded(run.base),),
    "snapshots": (it.finetuning.list_snapshots, opened),
    "snapshots/@.safetensors": (it.finetuning.list_snapshots, opened),
    ".opened": (opened,),
    ".opened/.lock": (opened,),
    ".opened/@/config.json": (lambda run: [loaded(one) for one in opened(run)],),
    "model/config.json": (lambda run: loaded(run.model), opened),
    "model/tokenizer.json": (lambda run: token_names(run, [1]), opened),
    "model/tokenizer_config.json": (lambda run: loaded(run.model), opened),
    "model/model.safetensors": (lambda run: loaded(run.model), opened),
}


@pytest.mark.parametrize("file", BELOW)
def test_a_damaged_file_below_a_run_is_one_sentence(file, further, tmp_path):
    """Whoever reads it gets a sentence or what can be read still; the run is listed, read and deleted as before."""
    run, moment = further
    # Nothing of the run is copied but by name: what is damaged is a file of its own.
    for how in (*CONTENTS, *OTHERS):
        bad = tmp_path / "20200101-000000-1"
        shutil.copytree(run.folder, bad, copy_function=os.link)
        if not file.startswith(".opened"):
            shutil.rmtree(bad / ".opened")
        path = bad / file.replace("@", str(moment.step))
        if path.is_dir():
            shutil.rmtree(path)
        spoil(path, how)
        (found,) = list_runs(tmp_path)
        assert (found.state, found.facts, found.resumable) == ("done", run.facts, False), how
        for read in BELOW[file]:
            one_sentence(read, found)
        assert read_outcome(found).results.accuracy == run.facts["accuracy"], how
        delete_run(found)
        assert not os.path.lexists(bad), how


def delete_run_anyway(run):
    write_state(run.folder, state="stopped")
    delete_run(run)


def test_what_is_damaged_and_worked_on_is_not_deleted(tmp_path):
    from filelock import FileLock

    run = make_done(tmp_path)
    (run.folder / "state.json").write_text("[]", "utf-8")
    with FileLock(run.folder / ".lock"), pytest.raises(it.InputError, match="still running"):
        delete_run(run)
    delete_run(run)


def test_a_log_is_read_on_from_where_it_was(tmp_path, monkeypatch):
    """Each poll reads what came since, and some bytes that tell that it is the same log."""
    read = []

    def counted(file, offset, since=telling.read_since):
        found = since(file, offset)
        read.append(len(found))
        return found

    parsed = []
    parse = telling.parse_line
    monkeypatch.setattr(telling, "read_since", counted)
    monkeypatch.setattr(telling, "parse_line", lambda line: (parsed.append(1), parse(line))[1])
    lines = [json.dumps(STEP | {"number": i + 1, "epoch": i / 10}) + "\n" for i in range(3000)]
    path = tmp_path / "told.jsonl"
    path.write_text("".join(lines), "utf-8")
    assert read_metrics(tmp_path).number.tolist() == list(range(1, 3001))
    whole = read.pop()
    assert whole == path.stat().st_size
    parsed.clear()
    # Nothing new; then a line and a half, and its rest.
    before = read_metrics(tmp_path)
    with path.open("a", encoding="utf-8") as file:
        more = json.dumps(STEP | {"number": 3001}) + "\n"
        file.write(more + more[:30])
    assert len(read_metrics(tmp_path).number) == 3001
    with path.open("a", encoding="utf-8") as file:
        file.write(more[30:])
    assert len(read_metrics(tmp_path).number) == 3002
    assert sum(read) < 3 * (telling._SEEN + 2 * len(more)) < whole / 100
    assert len(parsed) == 2
    # What was handed out stays as it was.
    assert before.number.tolist() == list(range(1, 3001))
    # Cut, replaced by another file, and written over in its place: each is read anew.
    path.write_text("".join(lines[:5]), "utf-8")
    assert len(read_metrics(tmp_path).number) == 5
    other = tmp_path / "other"
    other.write_text("".join(lines[:9]), "utf-8")
    other.replace(path)
    assert len(read_metrics(tmp_path).number) == 9
    path.write_text("".join(lines[100:120]), "utf-8")
    assert read_metrics(tmp_path).number.tolist() == list(range(101, 121))


def test_waiting_says_for_whom_and_a_damaged_run_holds_nobody_up(tmp_path, monkeypatch):
    """The other's lock is free at the third look."""
    import psutil
    from filelock import FileLock

    from interpret.finetuning import turns

    first = make_done(tmp_path, "first")
    process = psutil.Process()
    write_state(first.folder, state="running", device="cpu", **identity(process.pid), facts={})
    second = new_run(tmp_path, first.request, ROWS.encode())
    lock = FileLock(tmp_path / ".cpu.lock")
    lock.acquire()
    looks, heard = [], []

    def look(_seconds):
        looks.append(read_run(second.folder).waits_for)
        if len(looks) == 3:
            lock.release()

    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=look))
    with turn(second, "cpu", lambda what, _total: heard.append((what.name, what.run))) as came:
        assert came
    assert looks == ["first"] * 3
    # Said once, not at every look.
    assert heard == [("first", first.id)]
    assert read_run(second.folder).waits_for == ""


def test_a_name_that_is_too_long_is_refused_and_nothing_is_written(tmp_path):
    request = Request(it.Recipe(), "x" * 251, "rows.csv")
    with pytest.raises(it.InputError, match="at most 250 characters; this one has 251"):
        new_run(tmp_path / "runs", request, ROWS.encode())
    assert not (tmp_path / "runs").exists()
    assert redacted(request.name) == request.name


def test_a_run_of_before_layers_had_their_name_is_read(tmp_path):
    """As version 0.1 of November 2026 wrote it."""
    run = make_done(tmp_path)
    now = read_outcome(run)
    card = run.folder / "layer_groups.json"
    before = json.loads(card.read_text("utf-8"))
    before["floors"] = before.pop("layer_groups")
    card.unlink()
    (run.folder / "floors.json").write_text(json.dumps(before), "utf-8")
    found = read_outcome(read_run(run.folder))
    assert (found.labels, found.step) == (now.labels, now.step) == (("a", "b"), 2)
    assert found.truth == now.truth
