"""The reference: a head that stays while another head, model or text is chosen, to be compared with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.models import encoder_of


@dataclass(frozen=True)
class Reference:
    """What a head was chosen on.

    Attributes
    ----------
    model
        The model as the picker calls it.
    subject
        The text, and the encoder that read it.
    """

    model: str
    subject: Subject


def kept_reference() -> Reference | None:
    """Return what was kept in this session."""
    found = st.session_state.get(state.REFERENCE)
    return found if isinstance(found, Reference) else None


def keep(subject: Subject, layer: int, head: int, tab: str = "") -> None:
    """Keep a head of what the page shows as the reference, and open a tab if one is named."""
    st.session_state[state.REFERENCE] = Reference(state.chosen_value(state.MODEL), subject)
    st.session_state[state.REFERENCE_LAYER], st.session_state[state.REFERENCE_HEAD] = layer, head
    if tab:
        st.session_state[state.TAB] = tab


def forget() -> None:
    """Keep no reference any more."""
    st.session_state.pop(state.REFERENCE, None)


def loaded(reference: Reference, current: Subject) -> Subject:
    """Return the reference's text with its encoder, on the device and in the precision of what it is compared with.

    Raises
    ------
    InterpretError
        If the model is no longer there.
    """
    kept = reference.subject
    if kept.spec.checkpoint == current.spec.checkpoint:
        return replace(kept, spec=current.spec)
    revision = kept.spec.checkpoint.revision if kept.spec.checkpoint.source == "hub" else ""
    return replace(kept, spec=encoder_of(reference.model, revision).spec)


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
