"""One run: what can be done with it, what somebody says about it, and from which it went on."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

import interpret as it
from dashboard import audit, ownership, page_file, state
from dashboard.language import _, explain, literal
from dashboard.numbers import listed
from dashboard.sign_in.session import needs_sign_in
from dashboard.widgets.base_model import start_from
from dashboard.widgets.models import RUN, model_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_actions import (
    delete_popover,
    files_button,
    model_download,
    packed,
    resume_button,
    save_button,
    stop_button,
    use_button,
)
from dashboard.widgets.verdict_view import verdict_view
from interpret.core.errors import InputError
from interpret.finetuning.record import LONGEST_ALIAS, LONGEST_NOTE
from pages.runs.runs_view import Row, facts_of, reported


@guarded
def one_view(row: Row) -> None:
    """Draw what can be done with a run."""
    one, run = row.recorded, row.run
    root = state.runs_folder()
    st.markdown(f"#### {literal(one.name)}")
    facts = facts_of(row)
    st.caption(" · ".join(filter(None, [row.state, literal(one.params.get("data", "")), reported(row)])))
    if facts:
        verdict_view(facts, one.params.get("task", "classes"))
    if run is not None:
        with st.container(horizontal=True):
            if st.button(_("Curves and results"), icon=":material/monitoring:", key="open_run"):
                st.session_state[state.RUN] = run.id
                st.session_state[state.STAGE] = "watch"
                st.switch_page(page_file("finetune"))
            if run.model is not None:
                _model_buttons(run, run.model)
            if run.state == "damaged":
                files_button(run, "runs_files")
            stop_button(run, "runs_stop")
            resume_button(run, "runs_resume")
            delete_popover(run, "runs_delete", lambda: _forget(root, one.id, run))
        if needs_sign_in():
            _sharing(run)
        if run.model is not None:
            _looks(run)
        if run.state == "damaged" and run.error is not None:
            st.error(explain(run.error), icon=":material/broken_image:")
    if not one.id:
        st.caption(_("This run is not in the MLflow record, so it cannot have notes or aliases."))
        return
    mine = ownership.runs_server() if run is None else ownership.may_change(run.folder)
    left, right = st.columns([3, 2], gap="large")
    key = f"note:{one.id}"
    # Written when it is changed, and not where the record differs from what was typed: it may keep it in another form.
    left.text_area(
        _("Note"),
        one.note,
        key=key,
        height=90,
        max_chars=LONGEST_NOTE,
        disabled=not mine,
        on_change=_write_note,
        args=(run, root, one.id, key),
    )
    if not mine:
        right.caption(_("Alias: {names}").format(names=listed(map(literal, one.aliases)) or _("none")))
        return
    with right:
        name, button = st.columns([3, 2], vertical_alignment="bottom")
        alias = name.text_input(
            _("Model alias"), placeholder="champion", max_chars=LONGEST_ALIAS, key=f"alias:{one.id}"
        )
        if button.button(_("Set alias"), key="set_alias", disabled=run is None or run.model is None, width="stretch"):
            _set_alias(root, one.id, (alias or "").strip() or "champion")
            st.rerun()
        for index, known in enumerate(one.aliases):
            st.button(
                _("Remove alias “{alias}”").format(alias=literal(known)),
                key=f"drop:{index}",
                icon=":material/label_off:",
                on_click=_drop_alias,
                args=(run, root, one.id, known),
            )


def _forget(root: Path, record: str, run: it.runs.Run) -> None:
    """Delete what the record has of a run that does not know it any more, as of one that is damaged."""
    if record and record != run.record:
        it.runs.delete_record(root, record)


def _looks(run: it.runs.Run) -> None:
    """Draw what opens the pages that look into a model, with what the run has learned."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("Look into its model:"), width="content")
        for page, label in (
            ("attention", _("Attention")),
            ("embeddings", _("Embeddings")),
            ("attributions", _("Attributions")),
            ("pretraining", _("Pretraining")),
        ):
            if st.button(label, key=f"with:{page}", type="tertiary", icon=":material/open_in_new:"):
                st.session_state[state.MODEL] = RUN + run.id
                st.switch_page(page_file(page))


def _model_buttons(run: it.runs.Run, model: Path) -> None:
    """Draw what uses, goes on from, or takes out what a run has learned."""
    use_button(run, "runs_use")
    if st.button(
        _("Continue training from this run"),
        icon=":material/fork_right:",
        key="go_on",
        help=_("Set up a new run that starts from this model."),
    ):
        start_from(run)
    model_download(run, model, "runs_download")
    if run.adapter is not None:
        save_button(
            _("Adapters (ZIP)"),
            functools.partial(packed, run, run.adapter, audit.reader()),
            f"{run.id}-adapters.zip",
            "runs_adapters",
            _("Small: after unzipping, PEFT applies it to the model that the training started from."),
        )


def _sharing(run: it.runs.Run) -> None:
    """Say whose a run is, and let its owner share it."""
    owner, key = ownership.owner_of(run.folder), f"share:{run.id}"
    shared = owner is not None and owner.shared
    if not ownership.may_change(run.folder):
        name = literal(ownership.owner_name(run.folder))
        st.caption(_("A run of {name}, shared with everybody on this server.").format(name=name))
        return
    if st.session_state.get(key) != shared:
        st.session_state[key] = shared
    st.toggle(
        _("Shared with everybody on this server"),
        key=key,
        on_change=_share,
        args=(run, key),
        help=_(
            "Others can then look at this run, use its model, continue training from it and save it. You alone, and "
            "whoever runs this server, can stop, rename or delete it."
        ),
    )
    if owner is None or ownership.owner_name(run.folder) != _("you"):
        st.caption(_("Owner: {name}").format(name=literal(ownership.owner_name(run.folder))))


@guarded
def _share(run: it.runs.Run, key: str) -> None:
    ownership.share(run, bool(st.session_state[key]))
    audit.note("shared" if st.session_state[key] else "unshared", "run", run.folder, run.request.name)


def _set_alias(root: Path, record: str, alias: str) -> None:
    """Call a run's model by an alias, unless somebody else's is called so."""
    for other in it.runs.read_record(root):
        if alias in other.aliases and not (ownership.runs_server() or ownership.may_change(root / other.run)):
            raise InputError("The alias “{name}” is in use, for somebody else's run. Choose another one.", name=alias)
    it.runs.set_alias(root, record, alias)


@guarded
def _drop_alias(run: it.runs.Run | None, root: Path, record: str, alias: str) -> None:
    if run is not None:
        ownership.check_change(run)
    # It may be another run's by now.
    if any(alias in one.aliases for one in it.runs.read_record(root) if one.id == record):
        it.runs.drop_alias(root, alias)


@guarded
def _write_note(run: it.runs.Run | None, root: Path, record: str, key: str) -> None:
    if run is not None:
        ownership.check_change(run)
    it.runs.write_note(root, record, str(st.session_state[key] or ""))


@guarded
def lineage_view(row: Row) -> None:
    """Draw from which run this one went on, and which went on from it."""
    if row.run is None:
        return
    runs = {run.id: run for run in ownership.runs()}
    chain = [row.run]
    while chain[0].request.parent in runs and len(chain) < 20:
        chain.insert(0, runs[chain[0].request.parent])
    children = [run for run in runs.values() if run.request.parent == row.run.id]
    begun = chain[0].request
    names = [
        literal(model_name(begun.base or begun.recipe.model)),
        *(f"**{literal(run.request.name)}**" for run in chain),
    ]
    gone = (_("a run that is deleted or not shared") if needs_sign_in() else _("deleted run")) if begun.parent else ""
    st.markdown(_("Lineage: {chain}").format(chain=" → ".join([*filter(None, [gone]), *names])))
    if children:
        st.markdown(
            _("Child runs (continued from this one): {names}").format(
                names=listed(literal(run.request.name) for run in children)
            )
        )
