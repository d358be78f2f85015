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
from dashboard.widgets.models import BASE_OF, adapter_is_off, base_options, encoder_of, model_name, model_options
from dashboard.widgets.sentence_view import with_usual_prompt
from interpret.core.characters import beginning
from interpret.core.checkpoints import BUILT_IN, SMALLEST

# The one that is nearest in what it is for: with another number of layers, or another vocabulary.
_SIBLINGS = {BUILT_IN: SMALLEST}
# The default of the run before.
_USUAL = "second_usual"


@dataclass(frozen=True)
class Two:
    """One text and two models.

    Attributes
    ----------
    first, second
        What each reads; the texts are the same.
    models
        What the picker calls the models.
    names
        What the reader calls them, one from the other.
    """

    first: Subject
    second: Subject
    models: tuple[str, str]
    names: tuple[str, str]

    @property
    def encoders(self) -> tuple[it.Encoder, it.Encoder]:
        """Both models."""
        return cache.encoder(self.first.spec), cache.encoder(self.second.spec)

    @property
    def texts(self) -> tuple[str, str | None]:
        """What both read: a text, and its second one or None."""
        return self.first.text, self.first.pair

    @property
    def title(self) -> str:
        """What stands over a saved picture."""
        return f"{self.names[0]} | {self.names[1]} · {beginning(self.first.text)}"

    def stem(self, what: str) -> str:
        """What a file is called, without its ending."""
        return file_stem("compare", what, *self.names)


def second_input(first: it.Encoder) -> tuple[it.Encoder, tuple[str, str], tuple[str, str]]:
    """Draw which model is the second, and return it, with what both are called by the picker and by the reader.

    Raises
    ------
    InterpretError
        If there is no such model.
    """
    chosen = state.chosen_value(state.MODEL)
    titles, bases = model_options(), base_options(chosen)
    here = chosen
    options = {name: title for name, title in titles.items() if name != chosen}
    if adapter_is_off():
        # What is looked at is the base already: beside it stands the model with its adapter.
        here, options = next(iter(bases), chosen), {chosen: titles[chosen]} | options
        usual = chosen
    else:
        options = bases | options
        usual = next(iter(bases), _SIBLINGS.get(chosen, BUILT_IN))
    _forget_what_nobody_chose(here, usual, options)
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
            # The sidebar offers no base of a model of its own.
            disabled=BASE_OF in (name[: len(BASE_OF)], here[: len(BASE_OF)]),
        )
    state.publish(state.SECOND, usual)
    second = encoder_of(name)
    names = _name(here, first, titles | bases), _name(name, second, titles | bases)
    if names[0] == names[1]:
        names = _("{model} (first)").format(model=names[0]), _("{model} (second)").format(model=names[1])
    return with_usual_prompt(second), (here, name), names


def _forget_what_nobody_chose(first: str, usual: str, options: dict[str, str]) -> None:
    """Let the default be chosen anew where another model has another, and no model stand beside itself."""
    kept = st.session_state.get(state.SECOND, st.query_params.get(state.SECOND))
    before = st.session_state.get(_USUAL, usual)
    st.session_state[_USUAL] = usual
    stale = isinstance(kept, str) and kept.startswith(BASE_OF) and kept not in options
    if stale or kept == first or (kept == before != usual):
        st.session_state.pop(state.SECOND, None)
        state.remember(state.SECOND, None)


def _name(name: str, encoder: it.Encoder, titles: dict[str, str]) -> str:
    """Return what the reader calls a model: of a run or a folder its title, not where it lies."""
    checkpoint = encoder.spec.checkpoint
    if name.startswith(BASE_OF) or checkpoint.source == "folder":
        return titles.get(name, name)
    return model_name(checkpoint.name)


def _swap(first: str, second: str) -> None:
    st.session_state[state.MODEL], st.session_state[state.SECOND] = second, first
