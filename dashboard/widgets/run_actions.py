"""What can be done to a run that is not at work: resumed, or deleted for good."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import streamlit as st

import interpret as it
from dashboard import jobs
from dashboard.language import _
from dashboard.widgets.notices import guarded


def resume_button(run: it.runs.Run, key: str) -> None:
    """Draw the button that lets a run go on, where it can."""
    if run.resumable:
        st.button(_("Resume"), icon=":material/play_arrow:", key=key, on_click=_resume, args=(run,))


def delete_popover(run: it.runs.Run, key: str, after: Callable[[], None]) -> None:
    """Draw what deletes a run, asked for twice; nothing while it is at work.

    Parameters
    ----------
    after
        Called when it is gone.
    """
    if not run.active:
        with st.popover(_("Delete"), icon=":material/delete:"):
            st.markdown(_("The run, its model and its metrics will be deleted."))
            st.button(_("Delete permanently"), key=key, type="primary", on_click=_delete, args=(run, after))


def files_button(run: it.runs.Run, key: str) -> None:
    """Draw what saves all that is left of a run that is damaged."""
    st.download_button(
        _("Remaining files (ZIP)"),
        lambda: zipped(run.folder),
        f"{run.id}-files.zip",
        "application/zip",
        icon=":material/download:",
        key=key,
    )


def zipped(folder: Path) -> bytes:
    """Return a folder of a run as a zip file; files that cannot be read are left out."""
    packed = io.BytesIO()
    # Weights do not get smaller by packing.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob("*")):
            with suppress(OSError):
                if path.is_file():
                    file.write(path, path.relative_to(folder))
    return packed.getvalue()


@guarded
def _resume(run: it.runs.Run) -> None:
    jobs.start(it.runs.resume_run(run))


@guarded
def _delete(run: it.runs.Run, after: Callable[[], None]) -> None:
    it.runs.delete_run(run)
    after()
