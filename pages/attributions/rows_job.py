"""A whole file that is explained in a process of its own: started, watched, stopped, gone on with, found again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard import audit, cache, jobs, ownership, quotas, state
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n, explain, literal
from dashboard.numbers import done_of, duration
from dashboard.sign_in.session import needs_sign_in
from dashboard.widgets.data_table import data_table
from dashboard.widgets.method_input import method_names
from dashboard.widgets.models import device_name, model_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice
from interpret.attribution.row_attributions import rows_table
from interpret.attribution.row_jobs import (
    MOST_KEPT,
    RowJob,
    RowRequest,
    delete_job,
    job_id,
    list_jobs,
    make_job,
    read_job,
    resume_job,
    stop_job,
)
from pages.attributions.rows_view import Input, trained_texts

# Seconds between two looks at a job that is at work.
_LOOK = 1.0
# Of the rows that come in, so many are listed until all are there.
_LISTED = 50


def _request(choice: TargetChoice, read: Input, method: str, baseline: str, tolerance: float) -> RowRequest:
    column, labels, marks = read.columns
    return RowRequest(
        choice.subject.spec,
        read.file.name,
        read.file.encoding,
        column,
        labels,
        marks,
        read.most,
        choice.target,
        method,
        baseline,
        tolerance,
        every_device=bool(cache.beside(choice.subject.spec)),
        classifier=choice.classifier,
    )


def job_of(choice: TargetChoice, read: Input, method: str, baseline: str, tolerance: float) -> RowJob | None:
    """Return the job that explains these rows so; None where nobody has started it.

    Raises
    ------
    InputError
        If its files are damaged.
    """
    request = _request(choice, read, method, baseline, tolerance)
    folder = ownership.explanations_folder() / job_id(request, read.file.uploaded)
    return read_job(folder) if (folder / "request.json").exists() else None


def start_job(choice: TargetChoice, read: Input, method: str, baseline: str, tolerance: float) -> None:
    """Start the job that explains these rows so."""
    request = _request(choice, read, method, baseline, tolerance)
    head = choice.head.result if choice.head is not None else None
    _go_on(make_job(jobs.explanations_to_fill(), request, read.file.uploaded, head, trained_texts()))


def job_view(job: RowJob | None, label: str, start: Callable[[], None]) -> None:
    """Draw the button that starts a job, or how far it is, with the buttons that stop it and let it go on."""
    if job is None:
        if st.button(label, key="rows:start", type="primary"):
            start()
            st.rerun()
        st.caption(_("It is done in the background: you can leave this page, close the tab, or restart the app."))
    elif job.active:
        st.fragment(guarded(_watch), run_every=_LOOK)(job)
    elif job.state != "done":
        _halted(job)


def _watch(job: RowJob) -> None:
    now = read_job(job.folder)
    if not now.active:
        # All of the page has something else to say.
        st.rerun()
    share = now.done / now.total if now.total else 0.0
    st.progress(share, _far(now))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Stop"),
            key="rows:stop",
            icon=":material/stop:",
            disabled=now.state == "stopping",
            on_click=guarded(partial(_stop, now)),
        )
        st.caption(_("It goes on when you leave this page, close the tab, or restart the app."))
    result = cache.explained_rows(now)
    if result is None:
        return
    table = rows_table(result)
    kept = [name for name in ("row", "text", "label", "answer", "probability") if any(table.get(name, ()))]
    titles = {
        "row": _("Row"),
        "text": _("Text"),
        "label": _("Label"),
        "answer": _("Model output"),
        "probability": _("Probability"),
    }
    data_table(
        {titles[name]: table[name][-_LISTED:] for name in kept},
        key="rows_coming",
        column_config={titles["probability"]: st.column_config.NumberColumn(format="%.3f")},
    )
    if len(result.rows) > _LISTED:
        st.caption(_("The last {count} rows are listed until all are done.").format(count=_LISTED))


def _far(job: RowJob) -> str:
    if job.state == "waiting" or not job.total:
        return _("Waiting: the process is starting, or another file is being explained.")
    parts = [done_of(job.done, job.total)]
    if job.state == "stopping":
        parts.append(_("stopping …"))
    elif job.seconds_left == job.seconds_left:
        parts.append(_("about {left} left").format(left=duration(job.seconds_left)))
    return " · ".join(parts)


def _halted(job: RowJob) -> None:
    """Say why a job does not go on, and offer that it does."""
    done = _n("{done} of {count} row is done and kept.", "{done} of {count} rows are done and kept.", job.total).format(
        done=f"{job.done:,}", count=f"{job.total:,}"
    )
    if job.state == "failed" and job.error is not None:
        st.error(f"{explain(job.error)} {done}", icon=":material/error:")
    elif job.state == "interrupted":
        st.warning(_("The process ended before it was done.") + " " + done, icon=":material/power_off:")
    else:
        st.info(_("Stopped.") + " " + done, icon=":material/stop_circle:")
    st.button(
        _("Go on with the rows that are left"),
        key="rows:resume",
        type="primary",
        icon=":material/play_arrow:",
        on_click=guarded(partial(_go_on, job)),
    )


def _go_on(job: RowJob) -> None:
    ownership.check_model(job.request.spec)
    quotas.check_explanations()
    ready = resume_job(job)
    if ready.state == "waiting":
        jobs.explain_rows(ready)


def _stop(job: RowJob) -> None:
    stop_job(job)
    audit.note("stopped", "explanation", job.folder, job.request.name)


def _delete(job: RowJob) -> None:
    delete_job(job)
    audit.note("deleted", "explanation", job.folder, job.request.name)


# ---- those that are kept


def kept_job() -> RowJob | None:
    """Return the explanation that was opened from the list of those that are kept, if it is still there."""
    chosen = state.chosen_value(state.ROWS_JOB)
    folder = ownership.explanations_folder() / chosen
    # The address is anybody's to write.
    if not (chosen.isascii() and chosen.isalnum() and (folder / "request.json").exists()):
        state.remember(state.ROWS_JOB, None)
        return None
    state.remember(state.ROWS_JOB, chosen)
    job = read_job(folder)
    ownership.check_model(job.request.spec)
    return job


def file_of(job: RowJob) -> SlotFile:
    """Return the file of a job, read as it was."""
    request = job.request
    roles = (("text", request.text), ("label", request.label if request.label >= 0 else None))
    return SlotFile(request.name, job.data, request.encoding, roles)


def opened_job(job: RowJob) -> None:
    """Draw what an explanation that was opened is of, and how far it is."""
    st.markdown(f"#### {literal(job.request.name)}")
    st.caption(_about(job))
    st.button(
        _("Back to the file in use"),
        key="rows:back",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=_open,
        args=("",),
    )
    job_view(job, "", lambda: None)


def kept_jobs() -> None:
    """List the explanations that are kept on this machine, each with what can be done with it."""
    found = list_jobs(ownership.explanations_folder())
    if not found:
        return
    with st.expander(_("Explanations on this machine: {count}").format(count=len(found)), icon=":material/history:"):
        for job in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{literal(job.request.name)}**", width="content")
                st.caption(_about(job), width="content")
                name = job.folder.name
                st.button(_("Open"), key=f"rows:open:{name}", type="tertiary", on_click=_open, args=(name,))
                if not job.active:
                    st.button(
                        _("Delete"),
                        key=f"rows:delete:{name}",
                        type="tertiary",
                        on_click=guarded(partial(_delete, job)),
                    )
        st.caption(
            _(
                "The files and what came of them are kept in “{folder}” until they are deleted, the last {count} of "
                "them."
            ).format(folder=literal(ownership.explanations_folder().name), count=MOST_KEPT)
            + " "
            + (
                _("Nobody else sees them here.")
                if needs_sign_in()
                else _("Whoever can open this dashboard can open them.")
            )
        )


def state_names() -> dict[str, str]:
    """Name the states of an explanation."""
    return {
        "waiting": _("waiting"),
        "running": _("running"),
        "stopping": _("stopping"),
        "stopped": _("stopped"),
        "interrupted": _("interrupted"),
        "failed": _("failed"),
        "done": _("done"),
    }


def _about(job: RowJob) -> str:
    request = job.request
    parts = [
        f"{model_name(literal(request.spec.checkpoint.name))} ({device_name(request.spec.device)})",
        method_names().get(request.method, literal(request.method)),
        done_of(job.done, job.total),
        state_names()[job.state],
        time.strftime("%Y-%m-%d %H:%M", time.localtime(job.made)),
    ]
    return " · ".join(parts)


def _open(name: str) -> None:
    st.session_state[state.ROWS_JOB] = name
