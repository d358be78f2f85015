"""The quality report: does what the scores point at decide the answer, and do they describe this model."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.figures.attributions import erasure_curves, randomising
from dashboard.language import _, literal
from dashboard.widgets.ask_view import Asked, target_name
from dashboard.widgets.attributions_quality import (
    faithfulness_of,
    quality_downloads,
    quality_guide,
    quality_lines,
    trust_of,
    versus,
)
from dashboard.widgets.attributions_view import baseline_names, kept_how, method_names
from dashboard.widgets.choices import choose
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded


@guarded
def quality(asked: Asked) -> None:
    names = method_names()
    special = cache.encoder(asked.spec).special
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = choose(st.selectbox, _("Method"), names, "quality_method", width=260)
        baseline = choose(st.selectbox, _("Baseline"), baseline_names(special), state.BASELINE, width=240)
    state.publish(state.BASELINE, "pad")
    how = kept_how(method, baseline)

    def work(progress: Progress) -> it.Attribution:
        return it.explain(
            asked.question, method, baseline, rule=how.rule, smooth=how.smooth, seed=how.seed, progress=progress
        )

    found = long_work(
        "quality:attribution",
        f"{asked.about}:{how}",
        _("Explain by {method}").format(method=names[method]),
        work,
        auto=True,
        keep=8,
    )
    if found is None:
        return
    faithful = faithfulness_of(asked, found, how)
    if faithful is None:
        return
    st.markdown(
        _("Explained: {target}").format(target=literal(target_name(asked, found.target))) + " · " + _verdict(faithful)
    )
    _headline(found, faithful)
    st.markdown("#### " + _("Taking words away"))
    st.plotly_chart(erasure_curves(faithful), key="erasure")
    st.caption(
        _(
            "A good ranking lets the deletion curve fall at once and the other rise at once. Bands are one "
            "standard deviation of {draws} random rankings."
        ).format(draws=len(faithful.random_deletion))
    )
    trusted = trust_of(asked, found, how)
    if trusted is not None:
        _trusted(trusted)
    stem = file_stem("quality", asked.spec.checkpoint.name.split("/")[-1], method, found.tokens.text[:40])
    export_bar(quality_downloads(asked, found, faithful, trusted, stem), quality_lines(asked, how))
    quality_guide()


def _verdict(found: it.Faithfulness) -> str:
    """Say in a sentence whether the ranking beats random ones; how much that is worth, the numbers below say."""
    count = len(found.random_comprehensiveness)
    beaten = int((found.comprehensiveness > found.random_comprehensiveness).sum())
    short = int((found.sufficiency < found.random_sufficiency).sum())
    if min(beaten, short) >= 0.95 * count:
        said = _(
            "**Better than chance, both ways**: deleting the words on top costs more, and keeping them alone costs less"
        )
    elif max(beaten, short) < 0.95 * count:
        said = _("**No better than chance**: do not rely on this picture")
    else:
        said = _("**Better than chance, one way only**: see below which")
    return (
        said
        + " "
        + _("(better than {beaten} and {short} of {count} random rankings).").format(
            beaten=beaten, short=short, count=count
        )
    )


def _headline(found: it.Attribution, faithful: it.Faithfulness) -> None:
    # Side by side as far as there is room: in columns of a fixed share the spreads would be cut.
    row = st.container(horizontal=True, gap="large")
    error = "–" if np.isnan(found.delta) else f"{found.error:.2%}"
    row.metric(
        _("Completeness error"),
        error,
        help=_("What the scores' sum misses of the difference between text and baseline."),
        width="content",
    )
    row.metric(
        _("Comprehensiveness"),
        f"{faithful.comprehensiveness:.3f}",
        versus(faithful.random_comprehensiveness),
        delta_color="off",
        delta_arrow="off",
        help=_("How much the answer falls without the words on top, mean over six bins. Higher is better."),
        width="content",
    )
    row.metric(
        _("Sufficiency"),
        f"{faithful.sufficiency:.3f}",
        versus(faithful.random_sufficiency),
        delta_color="off",
        delta_arrow="off",
        help=_("How much the answer falls when only the words on top are left. Lower is better."),
        width="content",
    )
    row.metric(
        _("Took"),
        f"{found.seconds + faithful.seconds:.1f} s",
        _("{count} passes").format(count=f"{found.forward_passes + found.backward_passes + faithful.forward_passes:,}"),
        delta_color="off",
        delta_arrow="off",
        help=_("For the scores and the rankings, random ones among them."),
        width="content",
    )


def _trusted(found: it.Trust) -> None:
    st.markdown("#### " + _("Do the scores describe this model?"))
    left, right = st.columns([1, 2], gap="large")
    left.metric(
        _("Infidelity"),
        f"{found.infidelity:.3f}",
        versus(found.random_infidelity),
        delta_color="off",
        delta_arrow="off",
        help=_("Squared error of the scores' forecast for 200 random sets of words away. Lower is better."),
    )
    if found.sensitivity is not None:
        left.metric(
            _("Max-sensitivity"),
            f"{found.sensitivity:.3f}",
            _("shuffled scores: {value}").format(value=f"{found.random_sensitivity:.3f}"),
            delta_color="off",
            delta_arrow="off",
            help=_("How far scores move at most when embeddings are moved a little, as a share of their length."),
        )
    right.plotly_chart(randomising(found), key="randomising")
    if found.agreement.size and abs(found.agreement[-1]) > found.random_agreement:
        st.warning(
            _(
                "With all weights drawn anew these scores still look much like those of the true model: they describe "
                "the text more than the model (Adebayo et al. 2018)."
            ),
            icon=":material/visibility_off:",
        )
