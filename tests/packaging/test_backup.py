"""All runs in one file, and back: what is in it is what was there, or nothing is written."""

import json
import os
import sqlite3
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

import interpret as it
from bertoscope_cli import backup, dashboard
from bertoscope_cli.backup import LIST, restore_backup, write_backup

ROWS = "text,label\n" + "".join(f"the bank was {word} {i},{word}\n" for i in range(8) for word in ("rich", "steep"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def runs(tmp_path):
    """A folder as runs leave it: files of two names, a database, locks, links, what is being written."""
    root = tmp_path / "runs"
    for name, content in {
        "one/request.json": b"{}",
        "one/model/model.safetensors": os.urandom(3_000_000),
        "one/told.jsonl": b'{"a": 1}\n{"torn',
        "two/empty": b"",
        "二/一个 文件.csv": "文本\n".encode(),
        "audit-2026-11.jsonl": b"{}\n",
        # None of these is kept.
        ".cpu.lock": b"",
        "one/.state.json.123": b"half",
        ".mlflow.db.77": b"half",
        "mlflow.db-journal": b"half",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "two/past").mkdir()
    os.link(root / "one/model/model.safetensors", root / "two/past/model.safetensors")
    (root / "two/secret").symlink_to("/etc/passwd")
    (root / "two/all").symlink_to("/etc")
    os.mkfifo(root / "two/pipe")
    with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE runs (name TEXT, artifact_uri TEXT)")
        database.executemany(
            "INSERT INTO runs VALUES (?, ?)",
            [("a", f"{root.as_uri()}/mlruns/a"), ("b", "s3://bucket/b"), ("c", f"{root.as_uri()}-other/c")],
        )
    return root


def kept(root):
    """Return what a backup of the folder must hold, but for the database."""
    return {
        name: content
        for name, content in contents(root).items()
        if not any(part.startswith(".") for part in name.split("/"))
        and name not in ("mlflow.db", "mlflow.db-journal", "two/secret")
        and not name.startswith("two/all")
    }


def test_what_comes_back_is_what_was_there(runs, tmp_path):
    count, size = write_backup(runs, tmp_path / "a.zip")
    assert size < 3_600_000  # Of two names, and in it once.
    assert restore_backup(tmp_path / "a.zip", tmp_path / "new/runs") == count
    found = contents(tmp_path / "new/runs")
    database = found.pop("mlflow.db")
    assert found == kept(runs)
    assert count == len(found) + 1
    assert database.startswith(b"SQLite format 3")
    one, two = (tmp_path / "new/runs" / name for name in ("one/model/model.safetensors", "two/past/model.safetensors"))
    assert one.stat().st_ino == two.stat().st_ino
    # What the record says of where files are is so again; of other places it says what it said.
    with closing(sqlite3.connect(tmp_path / "new/runs/mlflow.db")) as record:
        places = dict(record.execute("SELECT name, artifact_uri FROM runs"))
    new = (tmp_path / "new/runs").as_uri()
    assert places == {"a": f"{new}/mlruns/a", "b": "s3://bucket/b", "c": f"{runs.as_uri()}-other/c"}
    # Nothing else was left anywhere.
    assert sorted(one.name for one in (tmp_path / "new").iterdir()) == ["runs"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zip", "new", "runs"]


def test_the_record_is_whole_while_somebody_writes_to_it(runs, tmp_path):
    """A change that is half made is not in it: of two numbers that always add up to a hundred, both are old or new."""
    with closing(sqlite3.connect(runs / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE pair (a INT, b INT, filling BLOB)")
        database.execute("INSERT INTO pair VALUES (100, 0, zeroblob(4000000))")
    stop = threading.Event()

    def write():
        with closing(sqlite3.connect(runs / "mlflow.db", timeout=60)) as mine:
            number = 0
            while not stop.is_set():
                number = (number + 1) % 100
                with mine:
                    mine.execute("UPDATE pair SET a = ?", (100 - number,))
                    mine.execute("UPDATE pair SET b = ?", (number,))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        for number in range(3):
            write_backup(runs, tmp_path / f"{number}.zip")
    finally:
        stop.set()
        writer.join(60)
    for number in range(3):
        restore_backup(tmp_path / f"{number}.zip", tmp_path / f"new{number}")
        with closing(sqlite3.connect(tmp_path / f"new{number}/mlflow.db")) as record:
            assert record.execute("SELECT a + b FROM pair").fetchall() == [(100,)]
            assert record.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_checkpoint_of_which_a_part_has_gone_is_none(runs, tmp_path, monkeypatch):
    for name in ("checkpoint-3/a", "checkpoint-3/b", "checkpoint-3/deep/c", "checkpoint-4/a"):
        (runs / "one/checkpoints" / name).parent.mkdir(parents=True, exist_ok=True)
        (runs / "one/checkpoints" / name).write_bytes(b"x")
    add = backup._add

    def vanishing(packed, name, path):
        if name.endswith("checkpoint-3/b"):
            path.unlink()
        return add(packed, name, path)

    monkeypatch.setattr(backup, "_add", vanishing)
    write_backup(runs, tmp_path / "a.zip")
    restore_backup(tmp_path / "a.zip", tmp_path / "new")
    found = {name for name in contents(tmp_path / "new") if "checkpoint" in name}
    assert found == {"one/checkpoints/checkpoint-4/a"}


def test_a_log_that_grows_meanwhile_is_as_long_as_it_was(runs, tmp_path, monkeypatch):
    log, fstat = runs / "one/told.jsonl", os.fstat
    before = log.read_bytes()

    def growing(handle):
        found = fstat(handle)
        if found.st_ino == log.stat().st_ino:
            with log.open("ab") as file:
                file.write(b"more" * 1000)
        return found

    monkeypatch.setattr(backup.os, "fstat", growing)
    write_backup(runs, tmp_path / "a.zip")
    restore_backup(tmp_path / "a.zip", tmp_path / "new")
    assert (tmp_path / "new/one/told.jsonl").read_bytes() == before


def test_of_a_damaged_backup_nothing_is_written(runs, tmp_path):
    """Whatever byte of it is another, wherever it ends."""
    (runs / "one/model/model.safetensors").write_bytes(b"w" * 3000)
    write_backup(runs, tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    wrong, same = tmp_path / "wrong.zip", 0
    for at in [*range(0, len(whole), 97), *range(len(whole) - 60, len(whole))]:
        for content in (whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :], whole[:at]):
            wrong.write_bytes(content)
            said = ""
            try:
                restore_backup(wrong, tmp_path / "new/runs")
            except it.InputError as error:
                said = str(error)
            if said:
                assert said.count("Nothing was written.") == 1
                assert list((tmp_path / "new").iterdir()) == []
            else:
                # Of what is not read, such as times and notes of the zip format: all the same is there.
                same += 1
                found = contents(tmp_path / "new/runs")
                found.pop("mlflow.db")
                assert found == kept(runs)
                backup.shutil.rmtree(tmp_path / "new/runs")
    assert same < len(whole) / 97


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "../out"},
        {"path": "/out"},
        {"path": "a/../../out"},
        {"path": "a\\..\\..\\out"},
        {"path": ""},
        {"path": "a//b"},
        {"path": 3},
        {"path": "one/request.json/x"},
        {"path": "nobody"},
        {"size": -1},
        {"size": 1e300},
        {"size": True},
        {"size": 10**30},
        {"sha256": "0" * 64},
        {"sha256": None},
        {"same": "nobody"},
        {"same": "../../etc/passwd"},
    ],
    ids=str,
)
def test_a_list_that_was_made_to_do_harm_writes_nothing(changed, runs, tmp_path):
    write_backup(runs, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as source, zipfile.ZipFile(tmp_path / "b.zip", "w") as into:
        for name in source.namelist():
            content = source.read(name)
            if name == LIST:
                about = json.loads(content)
                about["files"][-1] |= changed
                content = json.dumps(about).encode()
            into.writestr(name, content)
    before = contents(tmp_path)
    with pytest.raises(it.InputError):
        restore_backup(tmp_path / "b.zip", tmp_path / "new")
    assert contents(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "listed", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"version": 2, "root": "", "files": []}', b'{"files": 1}']
)
def test_what_is_no_list_is_said(listed, tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as into:
        into.writestr(LIST, listed)
    with pytest.raises(it.InputError, match="no backup of Bertoscope, or damaged"):
        restore_backup(tmp_path / "b.zip", tmp_path / "new")


def test_nothing_is_overwritten_and_nothing_half_written(runs, tmp_path, monkeypatch):
    write_backup(runs, tmp_path / "a.zip")
    with pytest.raises(it.InputError, match="something in"):
        restore_backup(tmp_path / "a.zip", runs)
    (tmp_path / "file").write_text("x")
    with pytest.raises(it.InputError, match="something in"):
        restore_backup(tmp_path / "a.zip", tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert restore_backup(tmp_path / "a.zip", tmp_path / "empty") > 5
    # An older backup stays where a new one fails.
    before = (tmp_path / "a.zip").read_bytes()

    def full(*_given, **_named):
        raise OSError(28, "No space left on device", "a.zip")

    monkeypatch.setattr(backup, "_add", full)
    with pytest.raises(OSError, match="No space left"):
        write_backup(runs, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == before
    assert not list(tmp_path.glob(".a.zip*"))


def test_a_backup_within_the_folder_is_not_in_itself(runs):
    for _ in range(2):
        count, _size = write_backup(runs, runs / "backup.zip")
    with zipfile.ZipFile(runs / "backup.zip") as packed:
        assert len(packed.namelist()) < count + 2
        assert "backup.zip" not in packed.namelist()


def test_the_commands_say_what_they_did_or_why_not(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    file, new = str(tmp_path / "a.zip"), str(tmp_path / "new")
    assert dashboard.main(["backup", file, "--runs", str(runs)]) == 0
    assert "8 files" in capsys.readouterr().out
    assert dashboard.main(["restore", file, "--runs", new]) == 0
    assert capsys.readouterr().out == f"8 files: {new}\n"
    for given, said in (
        (["backup", file, "--runs", str(tmp_path / "nothing")], "There is no folder"),
        (["backup", str(tmp_path / "no/where.zip"), "--runs", str(runs)], "No such file or directory"),
        (["restore", file, "--runs", new], "something in"),
        (["restore", str(tmp_path / "no.zip"), "--runs", new + "2"], "No such file or directory"),
        (["restore", str(runs / "one/request.json"), "--runs", new + "2"], "no backup of Bertoscope"),
    ):
        assert dashboard.main(given) == 2
        found = capsys.readouterr()
        assert said in found.err
        assert found.err.count("\n") == 1
        assert found.out == ""


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_from_a_backup_as_if_nothing_had_been(tiny_folders, tmp_path):
    """To the last bit, on another machine's folder; and its record knows where its files are."""
    recipe = it.Recipe(model=str(tiny_folders["bert"]), epochs=4, device="cpu", learning_rate=1e-2)
    request = it.runs.Request(recipe, "mine", "rows.csv")
    root = tmp_path / "runs"
    whole = it.finetune(tmp_path / "other/whole", request, ROWS.encode())
    run = it.runs.new_run(root, request, ROWS.encode())

    def stop(what, _step):
        if type(what).__name__ == "Evaluation":
            it.runs.stop_run(run)

    from interpret.finetuning.worker import work

    stopped = work(run.folder, stop)
    assert stopped.state == "stopped"
    write_backup(root, tmp_path / "a.zip")
    restore_backup(tmp_path / "a.zip", tmp_path / "new")
    there = it.runs.read_run(tmp_path / "new" / run.id)
    assert there.resumable
    done = work(it.runs.resume_run(there).folder)
    assert done.state == "done", done.error
    weights = [(one.model / "model.safetensors").read_bytes() for one in (whole, done)]
    assert weights[0] == weights[1]
    (recorded,) = it.runs.read_record(tmp_path / "new")
    assert recorded.run == run.id
