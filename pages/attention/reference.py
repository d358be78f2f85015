"""The reference: a head that stays while another head, model or text is chosen, to be compared with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.subject import Row, Subject
from dashboard.widgets.models import encoder_of
from interpret.core.saved_values import BROKEN, as_object


@dataclass(frozen=True)
class Reference:
    """What a head was chosen on.

    Attributes
    ----------
    model, revision
        The model as the picker calls it, and which of its versions on the hub.
    text, pair, row
        What it read: see `dashboard.subject.Subject`.
    """

    model: str
    revision: str
    text: str
    pair: str | None
    row: Row | None = field(default=None, compare=False)

    @property
    def in_address(self) -> str | None:
        """What the URL says of it; nothing of a row of somebody's file."""
        values = {"model": self.model, "revision": self.revision, "text": self.text, "pair": self.pair}
        return json.dumps(values, ensure_ascii=False) if self.row is None else None


def kept_reference() -> Reference | None:
    """Return what was kept in this session, or what the URL names."""
    found = st.session_state.get(state.REFERENCE)
    if isinstance(found, Reference):
        return found
    try:
        given = as_object(st.query_params.get(state.REFERENCE, "").encode())
        model, revision, text = (str(given[name]) for name in ("model", "revision", "text"))
        return Reference(model, revision, text, None if given["pair"] is None else str(given["pair"]))
    except BROKEN:
        return None


def keep(subject: Subject, layer: int, head: int, tab: str = "") -> None:
    """Keep a head of what the page shows as the reference, and open a tab if one is named."""
    kept = Reference(*_model_of(subject), subject.text, subject.pair, subject.row)
    st.session_state[state.REFERENCE] = kept
    state.remember(state.REFERENCE, kept.in_address)
    st.session_state[state.REFERENCE_LAYER], st.session_state[state.REFERENCE_HEAD] = layer, head
    if tab:
        st.session_state[state.TAB] = tab


def forget() -> None:
    """Keep no reference any more."""
    st.session_state.pop(state.REFERENCE, None)
    for key in (state.REFERENCE, state.REFERENCE_LAYER, state.REFERENCE_HEAD):
        state.remember(key, None)


def loaded(reference: Reference, current: Subject) -> Subject:
    """Return the reference's text with its encoder, on the device and in the precision of what it is compared with.

    Raises
    ------
    InterpretError
        If the model is no longer there.
    """
    same = (reference.model, reference.revision) == _model_of(current)
    spec = current.spec if same else encoder_of(reference.model, reference.revision).spec
    return Subject(spec, reference.text, reference.pair, reference.row)


def _model_of(current: Subject) -> tuple[str, str]:
    """Return the model that the page shows, as the picker calls it, and which of its versions on the hub."""
    checkpoint = current.spec.checkpoint
    return state.chosen_value(state.MODEL), checkpoint.revision if checkpoint.source == "hub" else ""


def compare_button(subject: Subject, heads: tuple[tuple[int, int], ...]) -> None:
    """Draw the button that keeps the head that is looked at and opens the tab where another stands beside it."""
    pressed = st.button(
        _("Compare this head with another"),
        key="compare_head",
        icon=":material/compare:",
        on_click=keep,
        args=(subject, *heads[0], "compare"),
        disabled=len(heads) > 1,
        help=_(
            "Keeps this head as the reference. Then choose another head, model or text: it is drawn beside the "
            "reference, on the same scale."
        )
        if len(heads) == 1
        else _("Choose a single head to compare it with another."),
    )
    if pressed:
        # The tabs are outside of what this button draws anew.
        st.rerun()
