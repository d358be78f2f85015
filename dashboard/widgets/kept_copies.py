"""Where on the disk a file of the slot is kept as well, which removing it from the slot does not change."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import streamlit as st

from dashboard import ownership
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n
from dashboard.numbers import listed
from interpret.core.errors import InputError


def say_where_copies_are(file: SlotFile) -> None:
    """Say with how many explanations and runs of the disk a file is kept."""
    jobs, runs = _copies(file)
    parts = []
    if jobs:
        parts.append(_n("{count} explanation of it", "{count} explanations of it", jobs).format(count=jobs))
    if runs:
        parts.append(_n("{count} run with it", "{count} runs with it", runs).format(count=runs))
    if parts:
        st.caption(
            _(
                "The disk has copies of the file with {where}. Removing the file here leaves those: delete them on the "
                "“Attributions” page, under “Whole file”, and on the “Runs” page."
            ).format(where=listed(parts))
        )


def _copies(file: SlotFile) -> tuple[int, int]:
    """Return how many explanations of a file, and how many runs, have a copy of it on the disk."""
    # They bring PyTorch, and every page that reads a file has the card.
    from interpret.attribution.row_jobs import list_jobs
    from interpret.finetuning.request import data_file, file_of_test_data

    contents = {file.uploaded}
    with suppress(InputError):
        # Runs keep it in UTF-8, whatever it was in.
        contents.add(file.content)
    jobs = sum(_holds([job.folder / "data"], contents) for job in list_jobs(ownership.explanations_folder()))
    runs = ownership.runs()
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
