"""By which methods a text is explained: the choices, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import state
from dashboard.language import _, language
from dashboard.widgets.choices import choose, segments

if TYPE_CHECKING:
    from interpret.core.vocabulary import SpecialTokens


def method_names() -> dict[str, str]:
    """Name each method for the reader, the most faithful first: see `interpret.attribution.methods.by_faithfulness`."""
    from interpret.attribution.methods import METHODS, by_faithfulness

    return {name: _(METHODS[name].title) for name in by_faithfulness()}


def method_choices() -> dict[str, str]:
    """Name each method as it is offered: with how faithful it was where it was measured."""
    from interpret.attribution.methods import METHODS

    found = {}
    for name, title in method_names().items():
        measured = METHODS[name].measured
        if measured is None:
            found[name] = title
            continue
        said = f"{title} · {measured.comprehensiveness:.2f}"
        found[name] = said if measured.beats_random else _("{method}, not shown to beat random").format(method=said)
    return found


def choices_help() -> str:
    """Say what the numbers beside the methods are."""
    from interpret.attribution.methods import METHODS

    one = next(method.measured for method in METHODS.values() if method.measured is not None)
    return _(
        "Most faithful first: the number after each method is its comprehensiveness (DeYoung et al. 2020) on {count} "
        "English texts from the examples, where random rankings score {random}; close numbers are not "
        "distinguishable. On your model and texts the order may differ: the tab “Faithfulness” measures it."
    ).format(count=one.documents, random=f"{one.random_comprehensiveness:.2f}")


def baseline_names(special: SpecialTokens) -> dict[str, str]:
    """Name each baseline for the reader; a model without such a token says so when it is chosen."""
    return {
        "pad": _("{token}: padding (no text)").format(token=special.padding or "–"),
        "mask": _("{token}: a masked word").format(token=special.mask or "–"),
        "zero": _("zero vector"),
        "mean": _("mean of all embeddings"),
    }


def rule_names() -> dict[str, str]:
    """Name each way of looking at the line from the baseline for the reader."""
    return {
        "adaptive": _("adaptive: denser where the error is largest"),
        "trapezoid": _("trapezoidal rule, evenly spaced"),
        "gauss_legendre": _("Gauss–Legendre"),
    }


@dataclass(frozen=True)
class How:
    """By which methods and against which baseline: see `interpret.attribution.explain`; and whether words are shown."""

    methods: tuple[str, ...]
    baseline: str
    seed: int = 0
    smooth: bool = False
    words: bool = True
    rule: str = "adaptive"


def how_input(special: SpecialTokens) -> How:
    """Draw the choice of methods and how they work."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        methods = _methods_input(method_choices())
        with st.popover(_("Settings"), icon=":material/tune:"):
            baseline = choose(
                st.selectbox, _("Baseline: replaces a removed word"), baseline_names(special), state.BASELINE
            )
            rule = choose(
                st.selectbox,
                _("Path rule (integrated gradients)"),
                rule_names(),
                state.PATH_RULE,
                help=_(
                    "With any rule, steps are added until the completeness error is at most 1% or there are 200 steps."
                ),
            )
            state.seed(state.SEED, allowed=range(10_000))
            seed = int(st.number_input(_("Seed"), 0, 9999, key=state.SEED, persist_state="session") or 0)
            state.seed(state.SMOOTH)
            smooth = st.toggle(
                _("SmoothGrad: average over noise"),
                key=state.SMOOTH,
                persist_state="session",
                help=_("The mean over ten copies of the text with noise added to the embeddings."),
            )
        unit = segments(_("Shown as"), {"word": _("Words"), "token": _("Tokens")}, state.SHOWN_AS)
    for key in (state.BASELINE, state.SEED, state.SHOWN_AS):
        state.publish(key)
    return How(methods, baseline, seed, bool(smooth), unit == "word", rule)


def kept_how(method: str, baseline: str) -> How:
    """Return how one method works by the settings of the other tab."""
    from interpret.attribution.methods import METHODS

    smooth = bool(st.session_state.get(state.SMOOTH)) and METHODS[method].gradient
    seed = int(st.session_state.get(state.SEED) or 0)
    rule = str(st.session_state.get(state.PATH_RULE, state.PATH_RULE.default)) if METHODS[method].path else "adaptive"
    return How((method,), baseline, seed, smooth, True, rule)


def _methods_input(names: Mapping[str, str]) -> tuple[str, ...]:
    key, first = f"{state.METHODS}:{language()}", str(state.METHODS.default).split(",")
    if state.METHODS not in st.session_state:
        given = [one for one in st.query_params.get(state.METHODS, "").split(",") if one in names]
        st.session_state[state.METHODS] = given or first
    st.session_state[key] = st.session_state[state.METHODS]

    def take() -> None:
        st.session_state[state.METHODS] = st.session_state[key]

    st.multiselect(
        _("Compare methods"),
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=take,
        width=640,
        # In one line the last ones would be out of sight.
        wrap=True,
        help=choices_help(),
    )
    chosen = [one for one in st.session_state[state.METHODS] if one in names]
    state.remember(state.METHODS, None if chosen == first else ",".join(chosen))
    return tuple(chosen)
