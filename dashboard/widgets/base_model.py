"""What the next training starts from: said first, and changed nowhere else than here or at a run's results.

The rule. The first visit takes the model of the sidebar; where that is the model of a run, which somebody only looks
at, the model that comes with Bertoscope. From then on neither the sidebar nor a run that is opened changes it: only
the choice beside “Starts from”, and “Continue training from this run”. The address has it, so that a reload keeps it.
"""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import page_file, state
from dashboard.language import _, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.models import RUN, encoder_of, model_name, model_options, run_of
from interpret.core.checkpoints import BUILT_IN, BUILT_INS


def base_input() -> None:
    """Say what the next training starts from, with the way to change it.

    Raises
    ------
    InputError
        If it is the model of a run that is gone.
    """
    _settle()
    options = model_options()
    name = str(st.session_state[state.BASE])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            "#### " + _("Starts from: {model}").format(model=literal(_title(name, options))),
            width="content",
        )
        with st.popover(_("Change model"), icon=":material/swap_horiz:", key="change_base"):
            choose(
                st.selectbox,
                _("Model that the training starts from"),
                options,
                state.BASE,
                new=True,
                accept_new_options=True,
                help=_("Choose a model or the model of a run, or type any Hugging Face model ID and press Enter."),
            )
            if name not in options:
                key = state.BASE_REVISION.of(name)
                state.seed(key)
                st.text_input(_("Revision"), key=key, placeholder="main", persist_state="session")
    sidebar = state.chosen_value(state.MODEL)
    if sidebar != name:
        st.caption(
            _("The model in the sidebar, {model}, is what the other pages show. It changes nothing here.").format(
                model=literal(_title(sidebar, options))
            )
        )
    if name.startswith(RUN) and not run_of(name):
        raise it.InputError(
            "The run that this training would start from no longer exists. Choose another one with “Change model”."
        )


def _settle() -> None:
    """Take the sidebar's model at the first visit; what was chosen, or what the address says, stays."""
    if state.BASE not in st.session_state:
        sidebar = state.chosen_value(state.MODEL)
        state.seed(state.BASE, BUILT_IN if sidebar.startswith(RUN) else sidebar)
        if st.session_state[state.BASE] == sidebar:
            st.session_state[state.BASE_REVISION.of(sidebar)] = state.chosen_value(state.REVISION)
    state.remember(state.BASE, str(st.session_state[state.BASE]))


def _title(name: str, options: dict[str, str]) -> str:
    if name in BUILT_INS:
        return _("{model} (built-in)").format(model=model_name(name))
    # Hub models are offered with their sizes, which say nothing here.
    return options.get(name, _("a deleted run")) if name.startswith((RUN, "folder:")) else name


def base_run() -> str:
    """Return the id of the run whose model the next training starts from; empty where it is none's."""
    return run_of(str(st.session_state[state.BASE]))


def base_encoder() -> it.Encoder:
    """Return the encoder that the next training starts from, on the host: a card has room for what is trained alone."""
    name = str(st.session_state[state.BASE])
    return encoder_of(name, state.chosen_value(state.BASE_REVISION.of(name)), host=True)


def start_from(run: it.runs.Run) -> None:
    """Set a further training up that starts from a run's model."""
    st.session_state[state.BASE] = RUN + run.id
    st.session_state[state.STAGE] = "setup"
    st.switch_page(page_file("finetune"))
