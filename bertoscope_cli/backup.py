"""``bertoscope backup`` and ``restore``: all runs with their record, in one file that is checked before it counts.

A backup is a zip file. Its last entry lists every file with its size and SHA-256; what is not in that list is not
restored, and where one of them differs nothing is.
"""

import argparse
import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from struct import error as StructError
from typing import Any, BinaryIO
from zlib import error as ZlibError

from bertoscope_cli.folders import data_folder, shown
from interpret.core.errors import InputError
from interpret.core.files import link
from interpret.core.terminal import Parser

LIST, VERSION = "backup.json", 1
# SQLite copies the database of the record itself; what it keeps beside it of a change that is not made yet is left out.
_DATABASE = "mlflow.db"
_BESIDE = tuple(f"{_DATABASE}-{one}" for one in ("wal", "shm", "journal"))
# Where the record says where a run's files are.
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)
_BLOCK = 1 << 20
# What is raised of a damaged zip file, or database.
_BROKEN = (
    zipfile.BadZipFile,
    ZlibError,
    StructError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    sqlite3.Error,
)
# Of the list, and of what it may name.
_MOST_BYTES, _MOST_FILES = 200_000_000, 1_000_000
_HASH = re.compile(r"[0-9a-f]{64}")


def backup_parser() -> Parser:
    """Return what reads the arguments of ``bertoscope backup``."""
    prog = "bertoscope backup"
    parser = Parser(
        prog,
        "Write all fine-tuning runs, explanations and their record into one file.",
        [f"{prog} runs.zip", f"{prog} /mnt/backup/$(date +%F).zip --runs /srv/bertoscope/runs"],
        "Runs may be at work meanwhile: what is restored of them goes on from their last checkpoint.\n",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="zip file to write; one that is there is replaced")
    _add_folder(parser)
    return parser


def restore_parser() -> Parser:
    """Return what reads the arguments of ``bertoscope restore``."""
    prog = "bertoscope restore"
    parser = Parser(
        prog,
        "Bring back what a backup holds, into a folder that is not there yet or is empty.",
        [f"{prog} runs.zip", f"{prog} runs.zip --runs /srv/bertoscope/runs"],
        "Every file is compared with its hash first; where one differs, nothing is written.\n",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="zip file that bertoscope backup has written")
    _add_folder(parser)
    return parser


def _add_folder(parser: Parser) -> None:
    parser.add_argument_group("folders").add_argument(
        "--runs",
        type=Path,
        metavar="FOLDER",
        help=f"fine-tuning runs (default: BERTOSCOPE_RUNS, or {shown(data_folder() / 'runs')})",
    )


def _folder(args: argparse.Namespace) -> Path:
    return Path(args.runs or os.environ.get("BERTOSCOPE_RUNS") or data_folder() / "runs").absolute()


def backup_main(arguments: list[str]) -> int:
    """Write a backup; returns the exit status."""
    args = backup_parser().parse_args(arguments)
    count, size = write_backup(_folder(args), args.file)
    print(f"{count} files, {size / 1e6:.1f} MB: {args.file}", flush=True)  # noqa: T201 - to its terminal
    return 0


def restore_main(arguments: list[str]) -> int:
    """Restore a backup; returns the exit status."""
    args = restore_parser().parse_args(arguments)
    folder = _folder(args)
    count = restore_backup(args.file, folder)
    print(f"{count} files: {folder}", flush=True)  # noqa: T201 - to its terminal
    return 0


def write_backup(folder: Path, target: Path) -> tuple[int, int]:
    """Write all files of a folder of runs into a zip file, whole or not at all; return how many and its size in bytes.

    Files of two names, as runs that go on from another have them, are in it once.

    Raises
    ------
    InputError
        If there is no such folder.
    OSError
        If the file cannot be written.
    """
    if not folder.is_dir():
        raise InputError("There is no folder “{folder}”. Name the folder of the runs with --runs.", folder=str(folder))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            listed = _pack(folder, packed, target)
            about = {"version": VERSION, "made": time.time(), "root": folder.as_uri(), "files": listed}
            packed.writestr(LIST, json.dumps(about))
        with beside.open("r+b") as written:
            os.fsync(written.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return len(listed), target.stat().st_size


def _pack(folder: Path, packed: zipfile.ZipFile, target: Path) -> list[dict[str, Any]]:
    listed: dict[str, dict[str, Any]] = {}
    known: dict[tuple[int, int], str] = {}
    gone: set[PurePosixPath] = set()
    for path in _files(folder, target):
        name = path.relative_to(folder).as_posix()
        try:
            if name == _DATABASE:
                with tempfile.TemporaryDirectory() as beside:
                    copy = Path(beside) / _DATABASE
                    _copy_database(path, copy)
                    listed[name] = _add(packed, name, copy)
                continue
            about = path.stat()
            first = known.get((about.st_dev, about.st_ino)) if about.st_nlink > 1 else None
            if first is not None:
                listed[name] = {**listed[first], "path": name, "same": first}
                continue
            listed[name] = _add(packed, name, path)
            known[about.st_dev, about.st_ino] = name
        except FileNotFoundError:
            # A run at work replaces its checkpoints: what is left of one is none.
            gone.add(PurePosixPath(name).parent)
    return [
        one
        for name, one in listed.items()
        if not any(_within(PurePosixPath(part), gone) for part in (name, one.get("same", name)))
    ]


def _within(path: PurePosixPath, gone: set[PurePosixPath]) -> bool:
    """Tell whether a file is in a checkpoint of which another file has gone meanwhile."""
    return any(parent in gone and parent.name.startswith("checkpoint-") for parent in path.parents)


def _files(folder: Path, target: Path) -> Iterator[Path]:
    """Yield what is kept: files, and nothing that a link leads to, no locks, and none that is being written."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            path = Path(root) / name
            if name.startswith(".") or (name in _BESIDE and path.parent == folder) or path == target.absolute():
                continue
            with suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode) and _is_inside(path.relative_to(folder).as_posix()):
                    yield path


def _copy_database(path: Path, copy: Path) -> None:
    # Whatever is being written meanwhile: SQLite begins again where a page changes.
    reading = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=60)
    with closing(reading) as source, closing(sqlite3.connect(copy)) as into:
        source.backup(into)


def _add(packed: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    """Put a file into the zip file, as long as it is now; return what the list says of it."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        left = os.fstat(source.fileno()).st_size
        entry = zipfile.ZipInfo(name, time.gmtime(max(path.stat().st_mtime, 315_532_800))[:6])
        # Weights do not get smaller by packing.
        entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".safetensors" else zipfile.ZIP_DEFLATED
        with packed.open(entry, "w", force_zip64=True) as into:
            # What is added to a log meanwhile is no part of it.
            while left and (block := source.read(min(left, _BLOCK))):
                into.write(block)
                digest.update(block)
                size += len(block)
                left -= len(block)
    return {"path": name, "size": size, "sha256": digest.hexdigest()}


def restore_backup(file: Path, folder: Path) -> int:
    """Bring back what a backup holds, all of it or nothing; return how many files.

    Raises
    ------
    InputError
        If it is no backup, or damaged, or there is something in the folder, or no room for it on the disk.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            "There is something in “{folder}” already. Name a new folder with --runs, or move that one away.",
            folder=str(folder),
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        into = Path(beside) / "runs"
        into.mkdir()
        try:
            with zipfile.ZipFile(file) as packed:
                about = _read_list(packed, file)
                _check_room(about["files"], folder.parent)
                for one in about["files"]:
                    _restore(packed, one, into, file)
            _say_where(into / _DATABASE, about["root"], folder.as_uri())
        except InputError:
            raise
        except _BROKEN as error:
            raise _damaged(file, str(error)) from error
        except OSError as error:
            # A zip file may say that it goes on where there is no such place.
            if error.errno != errno.EINVAL:
                raise
            raise _damaged(file, "it leads to no place in it") from error
        if folder.exists():
            # It is empty.
            folder.rmdir()
        into.rename(folder)
    return len(about["files"])


def _damaged(file: Path, error: str) -> InputError:
    return InputError(
        "“{file}” is no backup of Bertoscope, or damaged: {error}. Nothing was written. Try another backup.",
        file=str(file),
        error=error,
    )


def _read_list(packed: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    try:
        if packed.getinfo(LIST).file_size > _MOST_BYTES:
            raise _damaged(file, "its list is too long")
        about = json.loads(packed.read(LIST))
        files = about["files"]
        if about["version"] != VERSION or not isinstance(about["root"], str) or len(files) > _MOST_FILES:
            raise _damaged(file, "its list is of another form")
        names: set[str] = set()
        for one in files:
            name, first = one["path"], one.get("same", one["path"])
            if not (
                _is_inside(name) and type(one["size"]) is int and one["size"] >= 0 and _HASH.fullmatch(one["sha256"])
            ):
                raise _damaged(file, "its list is of another form")
            if name in names or (first != name and first not in names):
                raise _damaged(file, "its list names a file twice, or one that comes later")
            names.add(name)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _damaged(file, "it has no list") from error
    return dict(about)


def _is_inside(name: str) -> bool:
    """Tell whether a name stays in the folder that it is put into, on any system."""
    parts = name.split("/")
    forbidden = {"\\", "\0"} | ({":"} if os.name == "nt" else set())
    return len(name) < 2000 and not any(part in ("", ".", "..") or set(part) & forbidden for part in parts)


def _check_room(files: list[dict[str, Any]], folder: Path) -> None:
    needed = sum(one["size"] for one in files if "same" not in one)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            "The backup needs {needed} GB, and {free} GB are free where it is to go. Free some disk space, or name "
            "another folder with --runs.",
            needed=round(needed / 1e9, 1),
            free=round(free / 1e9, 1),
        )


def _restore(packed: zipfile.ZipFile, one: dict[str, Any], into: Path, file: Path) -> None:
    path = into / one["path"]
    digest, left = hashlib.sha256(), one["size"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if "same" in one:
            link(into / one["same"], path)
            return
        with packed.open(one["path"]) as source, path.open("xb") as target:
            left -= _copy(source, target, left, digest)
    except (KeyError, FileExistsError, FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise _damaged(file, f"{one['path']} is not in it, or in the place of another") from error
    if left or digest.hexdigest() != one["sha256"]:
        raise _damaged(file, f"{one['path']} differs from its hash")


def _copy(source: Any, target: BinaryIO, most: int, digest: Any) -> int:
    """Copy no more than the list says, whatever is packed; return how much."""
    copied = 0
    while copied <= most and (block := source.read(min(_BLOCK, most - copied + 1))):
        target.write(block)
        digest.update(block)
        copied += len(block)
    return copied


def _say_where(database: Path, before: str, now: str) -> None:
    """Let the record say where the files of its runs are now."""
    if not database.exists() or before == now:
        return
    with closing(sqlite3.connect(database)) as record, record:
        for table, column in _ADDRESSES:
            columns = [one[1] for one in record.execute(f"PRAGMA table_info({table})")]
            if column in columns:
                record.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                    (now, len(before) + 1, len(before) + 1, before + "/"),
                )
                record.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (now, before))
