"""Where on the disk a file of the slot is kept as well, which removing it from the slot does not change."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import interpret as it
from dashboard import state
from dashboard.data_slot import SlotFile
from interpret.attribution.row_jobs import list_jobs
from interpret.core.errors import InputError
from interpret.finetuning.request import data_file, file_of_test_data


def kept_copies(file: SlotFile) -> tuple[int, int]:
    """Return how many explanations of a file, and how many runs, have a copy of it on the disk."""
    contents = {file.uploaded}
    with suppress(InputError):
        # Runs keep it in UTF-8, whatever it was in.
        contents.add(file.content)
    jobs = sum(_holds([job.folder / "data"], contents) for job in list_jobs(state.explanations_folder()))
    runs = it.runs.list_runs(state.runs_folder())
    files = ([kind(run.folder, run.request) for kind in (data_file, file_of_test_data)] for run in runs)
    return jobs, sum(_holds(one, contents) for one in files)


def _holds(paths: Iterable[Path], contents: set[bytes]) -> bool:
    sizes = {len(one) for one in contents}
    for path in paths:
        # It may be deleted at this moment.
        with suppress(OSError):
            if path.stat().st_size in sizes and path.read_bytes() in contents:
                return True
    return False
