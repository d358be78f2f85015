"""Runs whose files came to harm, beside one that is whole: they are listed, read, stopped, gone on with and deleted."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import interpret as it
from interpret.finetuning.checkpoints import latest_checkpoint
from interpret.finetuning.metrics_log import read_metrics
from interpret.finetuning.outcome import read_outcome
from interpret.finetuning.run_control import delete_run, resume_run, stop_run
from interpret.finetuning.runs import list_runs
from tests.attack.damage import damage_file, damaged_json, dumped
from tests.interpret.finetuning.test_run_files import make_done


@contextmanager
def whole_runs() -> Iterator[Path]:
    """Make a run that is done, as if it had been trained."""
    with TemporaryDirectory() as temporary:
        make_done(Path(temporary) / "runs")
        yield Path(temporary)


def run(random: Random, whole: Path, folder: Path) -> tuple[str, Callable[[], object]]:
    """Return which file of a run is damaged, and what does with the run all that a page does."""
    root = folder / "runs"
    shutil.copytree(whole / "runs", root)
    (good,) = list_runs(root)
    bad = root / "20200101-000000-1"
    shutil.copytree(good.folder, bad)
    file = random.choice(sorted(one for one in bad.rglob("*") if one.is_file()))
    if file.suffix == ".json" and random.random() < 0.5:
        file.write_bytes(dumped(damaged_json(json.loads(file.read_text()), random)))
    else:
        damage_file(file, random)

    def work() -> None:
        found = list_runs(root)
        assert good in found, "a healthy run is not read as before"
        for one in found:
            if one.folder != bad:
                continue
            for read in _READERS:
                with suppress(it.InterpretError):
                    read(one)
            assert good in list_runs(root)
            if not one.active:
                delete_run(one)
                assert not bad.exists()
        assert read_outcome(good).results.accuracy == 1.0

    return file.relative_to(bad).as_posix(), work


_READERS: tuple[Callable[[it.runs.Run], object], ...] = (
    read_outcome,
    lambda one: read_metrics(one.folder),
    lambda one: latest_checkpoint(one.folder / "checkpoints"),
    lambda one: one.parent_run,
    lambda one: one.request.to_json(),
    lambda one: it.finetuning.list_snapshots(one),
    lambda one: (one.model, one.adapter, one.base),
    stop_run,
    resume_run,
)
