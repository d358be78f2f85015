"""The two models, and the text that both read."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.choices import choose
from dashboard.widgets.export import file_stem
from dashboard.widgets.models import base_options, encoder_of, model_name, model_options
from dashboard.widgets.sentence_view import with_usual_prompt
from interpret.core.characters import beginning
from interpret.core.checkpoints import BUILT_IN, SMALLEST

# The one that is nearest in what it is for: with another number of layers, or another vocabulary.
_SIBLINGS = {BUILT_IN: SMALLEST}


@dataclass(frozen=True)
class Two:
    """One text and two models.

    Attributes
    ----------
    first, second
        What each reads; the texts are the same.
    names
        What the reader calls the models, one from the other.
    """

    first: Subject
    second: Subject
    names: tuple[str, str]

    @property
    def encoders(self) -> tuple[it.Encoder, it.Encoder]:
        """Both models."""
        return cache.encoder(self.first.spec), cache.encoder(self.second.spec)

    @property
    def title(self) -> str:
        """What stands over a saved picture."""
        return f"{self.names[0]} | {self.names[1]} · {beginning(self.first.text)}"

    def stem(self, what: str) -> str:
        """What a file is called, without its ending."""
        return file_stem("compare", what, *self.names)


def second_input(first: it.Encoder) -> tuple[it.Encoder, tuple[str, str]]:
    """Draw which model is the second, and return it with what both are called.

    Raises
    ------
    InterpretError
        If there is no such model.
    """
    chosen = state.chosen_value(state.MODEL)
    before = base_options(chosen)
    options = before | {name: title for name, title in model_options().items() if name != chosen}
    usual = next(iter(before), _SIBLINGS.get(chosen, BUILT_IN))
    if st.session_state.get(state.SECOND) == chosen:
        # The sidebar has it now: who looks at a model does not want it beside itself.
        st.session_state.pop(state.SECOND)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = choose(
            st.selectbox,
            _("Compared with"),
            options,
            state.SECOND,
            usual,
            new=True,
            accept_new_options=True,
            width=460,
            help=_("The sidebar has the first model. Choose the second here, or type any Hugging Face model ID."),
        )
        st.button(
            _("Swap models"),
            key="swap_models",
            icon=":material/swap_horiz:",
            on_click=_swap,
            args=(chosen, name),
            disabled=name in before,
        )
    state.publish(state.SECOND, usual)
    second = encoder_of(name)
    names = _name(chosen, first, options), _name(name, second, options)
    if names[0] == names[1]:
        names = _("{model} (first)").format(model=names[0]), _("{model} (second)").format(model=names[1])
    return with_usual_prompt(second), names


def _name(name: str, encoder: it.Encoder, options: dict[str, str]) -> str:
    """Return what the reader calls a model: of a run or a folder its title, not where it lies."""
    checkpoint = encoder.spec.checkpoint
    if name in options and checkpoint.source == "folder":
        return options[name]
    return model_options().get(name, name) if checkpoint.source == "folder" else model_name(checkpoint.name)


def _swap(first: str, second: str) -> None:
    st.session_state[state.MODEL], st.session_state[state.SECOND] = second, first
