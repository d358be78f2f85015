"""Which words an answer is due to, how far that can be believed, and what would have turned it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.ask_view import Asked, ask_input
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.notices import guarded
from dashboard.widgets.tabs import lazy_tabs
from dashboard.widgets.text_input import text_input
from dashboard.widgets.windows import fit, warn_of_unknown
from pages.attributions_tabs.layers import layers
from pages.attributions_tabs.pairs import pairs
from pages.attributions_tabs.quality import quality
from pages.attributions_tabs.rows import rows
from pages.attributions_tabs.whatif import whatif
from pages.attributions_tabs.why import why


@guarded
def tabs(asked: Asked) -> None:
    tab, place = lazy_tabs(
        {
            "why": _("Why this prediction"),
            "quality": _("Is the explanation faithful?"),
            "layers": _("Layer by layer"),
            "pairs": _("Word-pair interactions"),
            "whatif": _("What if?"),
            "rows": _("A whole file"),
        },
        state.WHY,
    )
    views = {"why": why, "quality": quality, "layers": layers, "pairs": pairs, "whatif": whatif, "rows": rows}
    with place:
        views[tab](asked)


st.title(_("Attributions: why this prediction?"))
chosen_text = text_input()
encoder = chosen_encoder()
text, pair = fit(encoder, chosen_text.text, chosen_text.pair)
warn_of_unknown(encoder, [(text, pair)])
found = ask_input(encoder.spec, text, pair)
if found is not None:
    if found.target == "similarity" and not pair:
        st.info(_("Similarity compares two texts: switch on the second text above, and type it."))
    else:
        tabs(found)
