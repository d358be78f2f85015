"""One text, terms of a field, sentences in many languages or a file, through the vocabularies of several models."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.choices import segments
from dashboard.widgets.notices import guarded
from pages.compare.tokenizer_file import of_file
from pages.compare.tokenizer_terms import of_languages, of_terms
from pages.compare.tokenizer_text import of_text
from pages.compare.two import Two
from pages.compare.vocabularies import vocabularies_input


@guarded
def tokenizers(two: Two) -> None:
    """What each vocabulary makes of it, what it does not know, and what that costs."""
    sources = {
        "text": _("This text"),
        "terms": _("Terms of a field"),
        "languages": _("Languages"),
        "file": _("A file's words"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        over = segments(_("Tokenise"), sources, state.CUT_OVER)
        state.publish(state.CUT_OVER)
        vocabularies = vocabularies_input(two)
    if not vocabularies:
        st.info(_("Choose at least one vocabulary."))
        return
    {"text": of_text, "terms": of_terms, "languages": of_languages, "file": of_file}[over](two, vocabularies)
    st.caption(
        _(
            "What this does not mean: a vocabulary that cuts a word into few tokens has seen it often, which says "
            "nothing about how well the model understands it. Unknown tokens are lost for good: the model cannot tell "
            "what was there."
        )
    )
