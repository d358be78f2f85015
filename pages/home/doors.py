"""Three ways in, each to a page where the first step is already drawn."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dashboard import page_file, state
from dashboard.data_slot import SlotFile
from dashboard.language import _, literal
from dashboard.widgets.corpus_input import LABELLED
from dashboard.widgets.notices import guarded
from dashboard.widgets.slot_view import just_uploaded, slot_file
from dashboard.widgets.text_input import examples, known_link, usual_example

# A sentence in which a pronoun has to look for its noun, and one that is about a single topic.
_SENTENCE, _DEMO = "coreference", "finance"


def doors() -> None:
    """Draw the ways in: to learn, to explain a classifier, to inspect heads and layers."""
    learn, explain, inspect = st.columns(3, gap="medium")
    with learn.container(border=True, height="stretch"):
        _heading(":material/school:", _("Learn how BERT works"))
        st.markdown(
            _(
                "Follow one sentence through the model: where does “{word}” look? Then compute the same number by "
                "hand, from query and key to softmax."
            ).format(word=literal(_link()[0]))
        )
        st.markdown(_coloured())
        _door("learn", _("Start with a sentence"), "attention", {state.EXAMPLE: _SENTENCE}, first=True)
        _door(
            "steps",
            _("One head, step by step"),
            "attention",
            {state.TAB: "steps", state.EXAMPLE: _SENTENCE},
        )
        _door("guess", _("Guess a masked word"), "pretraining", {state.EXAMPLE: _SENTENCE})
        _door("question", _("Ask a question about a passage"), "questions", {})
    with explain.container(border=True, height="stretch"):
        _heading(":material/fact_check:", _("Explain my classifier"))
        st.markdown(
            _(
                "Bring a labelled file. A classifier is fitted in seconds and measured on rows that it did not learn "
                "from; then each row shows the words that speak for its class."
            )
        )
        guarded(_explain)()
    with inspect.container(border=True, height="stretch"):
        _heading(":material/grid_view:", _("Inspect heads and layers"))
        st.markdown(
            _(
                "See what each head does, what breaks without it, and where texts lie after every layer; take all "
                "numbers with you as CSV, JSON or Python."
            )
        )
        _door(
            "heads",
            _("What each head does"),
            "attention",
            {state.TAB: "heads", state.EXAMPLE: _SENTENCE},
            first=True,
        )
        _door(
            "ablation",
            _("What breaks without a head"),
            "attention",
            {state.TAB: "ablation", state.EXAMPLE: _SENTENCE},
        )
        _door("compare", _("Two models on one text"), "compare", {})
        _door("layers", _("Texts after every layer"), "embeddings", {state.SHOW: "layers", state.FROM: "example"})


def _link() -> tuple[str, str]:
    """Return the word of the sentence that looks, and the one that it looks at."""
    link = known_link(*examples()[usual_example(_SENTENCE)])
    assert link is not None, "the first example has a link in every language"
    return link


def _coloured() -> str:
    """Return the sentence in Markdown, the word that is looked at in one colour and the one that looks in another."""
    word, noun = _link()
    before, it, after = examples()[usual_example(_SENTENCE)][0].rpartition(word)
    marked = literal(before).replace(noun, f":blue-background[**{noun}**]", 1)
    return f"{marked}:orange-background[**{it}**]{literal(after)}"


def _heading(icon: str, title: str) -> None:
    st.markdown(f"#### {icon} {title}")


def _explain() -> None:
    label = _("A file with a text and a label in each row: {kinds}").format(kinds=" ".join(LABELLED))
    file = slot_file("home", label, LABELLED)
    if file is None:
        _door("demo", _("Try it on a demo"), "attributions", {state.EXAMPLE: _DEMO})
        return
    label = _("Explain {name}").format(name=literal(_short(file)))
    if st.button(label, key="door_explain", type="primary", width="stretch") or just_uploaded("home"):
        _explain_file()


def _explain_file() -> None:
    state.read_from_file()
    _go("attributions", {})


def _short(file: SlotFile) -> str:
    return file.name if len(file.name) <= 40 else f"{file.name[:39]}…"


def _door(name: str, label: str, page: str, query: dict[str, str], first: bool = False) -> None:
    """Draw a button that opens a page."""
    kind: Literal["primary", "secondary"] = "primary" if first else "secondary"
    if st.button(label, key=f"door_{name}", type=kind, width="stretch"):
        _go(page, query)


def _go(page: str, query: dict[str, str]) -> None:
    st.switch_page(page_file(page), query_params=query)
