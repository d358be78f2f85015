"""Which words an answer is due to, how far that can be believed, and what would have turned it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.notices import guarded
from dashboard.widgets.sentence_view import prompted
from dashboard.widgets.tabs import Tab, draw_tabs
from dashboard.widgets.target_view import TargetChoice, target_input
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit, warn_of_unknown
from interpret.core.sentences import sentence
from pages.attributions.answer import answer_card
from pages.attributions.faithfulness import quality
from pages.attributions.interactions import pairs
from pages.attributions.layers import layers
from pages.attributions.rows import kept_rows, rows
from pages.attributions.rows_job import kept_job
from pages.attributions.what_if import whatif
from pages.attributions.why import why

TABS = [
    Tab("why", sentence("Word attributions"), why),
    Tab("quality", sentence("Faithfulness"), quality),
    Tab("layers", sentence("Layer by layer"), layers),
    Tab("pairs", sentence("Word-pair interactions"), pairs),
    Tab("whatif", sentence("Counterfactuals"), whatif),
    Tab("rows", sentence("Whole file"), rows),
]


@guarded
def tabs(choice: TargetChoice) -> None:
    """The tabs of the page, about one target function."""
    draw_tabs(TABS, state.WHY, choice)


def explain() -> None:
    """What is explained, the answer to it, and the tabs about that."""
    # Filled below, once it is known what is explained: whose answer it is, and what that is worth, stands above all.
    slot = st.container()
    chosen_text = text_input("finance")
    encoder = chosen_encoder()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with row:
        encoder = prompted(encoder)
    subject = fit(encoder, chosen_text.text, chosen_text.pair, chosen_text.row)
    warn_of_unknown(encoder, [(subject.text, subject.pair)])
    found = target_input(subject, slot, row)
    if found is None:
        return
    if found.kind.missing_pair and not subject.pair:
        st.info(_(found.kind.missing_pair))
    else:
        guarded(answer_card)(found)
        tabs(found)


@guarded
def draw() -> None:
    """An explanation of a file that was opened, or what the page has chosen."""
    # It stands alone: of its own model and classifier, not of those that the page has chosen.
    kept = kept_job() if state.chosen_value(state.WHY) == "rows" else None
    if kept is None:
        explain()
    else:
        kept_rows(kept)


st.title(_("Attributions: why this prediction?"))
draw()
