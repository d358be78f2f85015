"""What can be done with a run: used, taken along, stopped, resumed, or deleted for good."""

from __future__ import annotations

import functools
import io
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import streamlit as st

import interpret as it
from dashboard import audit, jobs, ownership, quotas, state
from dashboard.language import _, literal
from dashboard.widgets.models import RUN
from dashboard.widgets.notices import guarded
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.core.units import gigabytes

_ENOUGH = sentence("You have saved {most} GB of models today, as much as one person may. Come back tomorrow.")


def use_button(run: it.runs.Run, key: str) -> None:
    """Draw the button that makes a run's model the one of every page; what a training starts from stays."""
    name = RUN + run.id
    st.button(
        _("Use it everywhere"),
        icon=":material/done_all:",
        key=key,
        on_click=_use,
        args=(name, run.request.name),
        disabled=state.chosen_value(state.MODEL) == name,
        help=_("Choose this model in the sidebar, for all pages. What the next training starts from does not change."),
    )


def model_download(run: it.runs.Run, model: Path, key: str) -> None:
    """Draw the buttons that save a run's model, and its encoder for sentence-transformers."""
    save_button(
        _("Model (ZIP)"),
        functools.partial(packed, run, model, audit.reader()),
        f"{run.id}.zip",
        key,
        _("Unzipped, it is a folder that transformers opens with from_pretrained."),
    )
    save_button(
        _("Encoder for sentence-transformers (ZIP)"),
        functools.partial(packed_sentences, run, model, audit.reader()),
        f"{run.id}-sentence-transformers.zip",
        f"{key}:sentences",
        _(
            "Unzipped, it is a folder that SentenceTransformer opens: without the head, with the pooling, the prompts "
            "and the normalisation of the model that it was trained from, or else the mean."
        ),
    )


def sentence_folder(run: it.runs.Run, model: Path) -> bytes:
    """Return a model's encoder as a zip file that sentence-transformers opens, like the model that the run is from."""
    encoder, first = it.load_encoder(str(model), device="cpu"), run
    while (before := first.parent_run) is not None:
        first = before
    with tempfile.TemporaryDirectory() as folder:
        try:
            it.embeddings.save_sentence_transformer(encoder, Path(folder) / "like", like=first.base)
            return zipped(Path(folder) / "like")
        except it.CheckpointError:
            # What it came from is gone.
            it.embeddings.save_sentence_transformer(encoder, Path(folder) / "own")
            return zipped(Path(folder) / "own")


def stop_button(run: it.runs.Run, key: str) -> None:
    """Draw the button that stops a run, while it is at work, for whom it is to stop."""
    if run.active and ownership.may_change(run.folder):
        st.button(
            _("Stop"),
            icon=":material/stop:",
            key=key,
            disabled=run.state == "stopping",
            on_click=stop,
            args=(run,),
            help=_("Saves a checkpoint and evaluates the model; the run can be resumed later."),
        )


@guarded
def stop(*runs: it.runs.Run) -> None:
    """Ask runs to stop that are at work."""
    for run in runs:
        if run.active:
            ownership.check_change(run)
            it.runs.stop_run(run)
            audit.note("stopped", "run", run.folder, run.request.name)


def resume_button(run: it.runs.Run, key: str) -> None:
    """Draw the button that lets a run go on, where it can, for whom it is to go on with."""
    if run.resumable and ownership.may_change(run.folder):
        st.button(_("Resume"), icon=":material/play_arrow:", key=key, on_click=_resume, args=(run,))


def delete_popover(run: it.runs.Run, key: str, after: Callable[[], None]) -> None:
    """Draw what deletes a run, asked for twice; nothing while it is at work, or for whom it is not to delete.

    Parameters
    ----------
    after
        Called when it is gone.
    """
    if not run.active and ownership.may_change(run.folder):
        with st.popover(_("Delete"), icon=":material/delete:"):
            st.markdown(_("The run, its model and its metrics will be deleted."))
            st.button(_("Delete permanently"), key=key, type="primary", on_click=_delete, args=(run, after))


def files_button(run: it.runs.Run, key: str) -> None:
    """Draw what saves all that is left of a run that is damaged."""
    make = functools.partial(packed, run, run.folder, audit.reader())
    save_button(_("Remaining files (ZIP)"), make, f"{run.id}-files.zip", key)


def packed_sentences(run: it.runs.Run, model: Path, by: audit.Reader) -> bytes:
    """Return what `sentence_folder` does, and write down who took it; see `packed`."""
    _check_taking(run, by)
    return _taken(run, sentence_folder(run, model), by)


def packed(run: it.runs.Run, folder: Path, by: audit.Reader) -> bytes:
    """Return a folder of a run as a zip file, and write down who took it: called in a thread of no session.

    Raises
    ------
    InputError
        If they may not see it any more, or have saved as much as one person may today: the button may be old.
    """
    _check_taking(run, by)
    return _taken(run, zipped(folder), by)


def _check_taking(run: it.runs.Run, by: audit.Reader) -> None:
    if not ownership.may_be_seen(run.folder, by.person):
        raise InputError("“{folder}” is not a run, or no longer exists.", folder=run.id)
    if not quotas.may_save(_id(by)):
        raise InputError(_ENOUGH, most=gigabytes(quotas.most_saved()))


def _taken(run: it.runs.Run, content: bytes, by: audit.Reader) -> bytes:
    audit.note("downloaded", "run", run.folder, run.request.name, by)
    quotas.count_saved(_id(by), len(content))
    return content


def _id(by: audit.Reader) -> str:
    return "" if by.person is None else by.person.id


def save_button(label: str, make: Callable[[], bytes], name: str, key: str, why: str | None = None) -> None:
    """Draw a button that saves a file of a run; one that does nothing where its reader has saved enough for a day.

    Parameters
    ----------
    why
        What the file is good for.
    """
    may = quotas.may_save(_id(audit.reader()))
    st.download_button(
        label,
        make,
        name,
        "application/zip",
        icon=":material/download:",
        key=key,
        disabled=not may,
        help=why if may else _(_ENOUGH).format(most=gigabytes(quotas.most_saved())),
    )


def zipped(folder: Path) -> bytes:
    """Return a folder of a run as a zip file; files that cannot be read are left out."""
    packed = io.BytesIO()
    # Weights do not get smaller by packing.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob("*")):
            with suppress(OSError):
                # Whose it is here is nobody's business elsewhere.
                if path.is_file() and path.name != ownership.OWNER:
                    file.write(path, path.relative_to(folder))
    return packed.getvalue()


def _use(name: str, title: str) -> None:
    st.session_state[state.MODEL] = name
    st.toast(_("All pages now use the model of “{name}”.").format(name=literal(title)), icon=":material/done_all:")


@guarded
def _resume(run: it.runs.Run) -> None:
    ownership.check_change(run)
    owner = ownership.owner_of(run.folder)
    quotas.check_runs(None if owner is None else owner.id)
    jobs.start(it.runs.resume_run(run))


@guarded
def _delete(run: it.runs.Run, after: Callable[[], None]) -> None:
    ownership.check_change(run)
    it.runs.delete_run(run)
    audit.note("deleted", "run", run.folder, run.request.name)
    after()
    if run.record:
        it.runs.delete_record(run.folder.parent, run.record)
