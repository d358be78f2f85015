"""The quality report: does what the scores point at decide the answer, and do they describe this model."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.language import _, _n, literal
from dashboard.numbers import duration, number, sentences
from dashboard.widgets.attributions_view import explain_analysis, warn_of_baseline
from dashboard.widgets.choices import choose
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import baseline_names, choices_help, kept_how, method_choices, method_names
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice, target_name
from pages.attributions.faithfulness_view import (
    diagnostics_analysis,
    diagnostics_of,
    faithfulness_analysis,
    faithfulness_of,
    quality_downloads,
    quality_guide,
    versus,
)
from pages.attributions.figures import erasure_curves, randomising


@guarded
def quality(choice: TargetChoice) -> None:
    """Faithfulness, diagnostics and agreement with other methods, for one method's scores."""
    names = method_choices()
    special = cache.encoder(choice.subject.spec).special
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = choose(st.selectbox, _("Method"), names, state.QUALITY_METHOD, width=320, help=choices_help())
        baseline = choose(st.selectbox, _("Baseline"), baseline_names(special), state.BASELINE, width=240)
    state.publish(state.BASELINE)
    how = kept_how(method, baseline)

    analysis = explain_analysis(choice, method, how)

    def work(progress: Progress) -> it.Attribution:
        found: it.Attribution = analysis.run(target_function=choice.target_function, progress=progress)
        return found

    found = long_work(
        "quality:attribution",
        f"{choice.about}:{how}",
        _("Explain with {method}").format(method=method_names()[method]),
        work,
        auto=True,
        keep=8,
    )
    if found is None:
        return
    faithful = faithfulness_of(choice, analysis, found, how)
    if faithful is None:
        return
    st.markdown(
        _("Explained: {target}").format(target=literal(target_name(choice, found.target))) + " · " + _verdict(faithful)
    )
    _headline(found, faithful)
    st.markdown("#### " + _("Deletion and insertion curves"))
    st.plotly_chart(erasure_curves(faithful), key="erasure")
    if found.baseline:
        warn_of_baseline(choice.target_function, baseline, "quality")
    st.caption(
        _(
            "With a good ranking, the deletion curve falls at once and the insertion curve rises at once. Bands are "
            "one standard deviation of {draws} random rankings."
        ).format(draws=len(faithful.random_deletion))
    )
    diagnostics = diagnostics_of(choice, analysis, found, how)
    if diagnostics is not None:
        _diagnostics(diagnostics)
    stem = file_stem("quality", choice.subject.spec.checkpoint.name.split("/")[-1], method, found.tokens.text[:40])
    analyses = faithfulness_analysis(choice, analysis), diagnostics_analysis(choice, analysis)
    export_bar(quality_downloads(choice, found, faithful, diagnostics, stem), *analyses)
    quality_guide()


def _verdict(found: it.attribution.Faithfulness) -> str:
    """Say in a sentence which measures are told from chance, and how sure that is."""
    said = {
        "both": _(
            "**Better than random on both measures**: deleting the top-ranked words costs more, and keeping only them "
            "costs less"
        ),
        "comprehensiveness": _(
            "**Better than random on comprehensiveness only**: deleting the top-ranked words costs more; whether they "
            "alone are enough cannot be distinguished from chance"
        ),
        "sufficiency": _(
            "**Better than random on sufficiency only**: keeping only the top-ranked words costs less; whether "
            "deleting them costs more cannot be distinguished from chance"
        ),
        "neither": _("**Not distinguishable from chance**: do not rely on these scores"),
        "too few words": _n(
            "**Too few words**: with {count} word, no ranking can be distinguished from chance",
            "**Too few words**: with {count} words, no ranking can be distinguished from chance",
            found.words,
        ),
    }[found.verdict].format(count=found.words)
    count = f"{len(found.random_comprehensiveness):,}"
    among = (
        _n("{count} distinct ranking", "all {count} distinct rankings", len(found.random_comprehensiveness))
        if found.exact
        else _("{count} random rankings")
    )
    sure = _(
        "(p = {one} and {other} among {rankings}, ties count half; significance level 5% for both together, Holm 1979)."
    ).format(
        one=f"{found.comprehensiveness_p:.3f}", other=f"{found.sufficiency_p:.3f}", rankings=among.format(count=count)
    )
    return sentences(said, sure)


def _headline(found: it.Attribution, faithful: it.attribution.Faithfulness) -> None:
    # Side by side as far as there is room: in columns of a fixed share the spreads would be cut.
    row = st.container(horizontal=True, gap="large")
    error = "–" if np.isnan(found.delta) else f"{found.error:.2%}"
    row.metric(
        _("Completeness error"),
        error,
        help=_("How far the sum of the scores is from the difference in output between text and baseline."),
        width="content",
    )
    row.metric(
        _("Comprehensiveness (ERASER)") if faithful.predicted else _("Comprehensiveness"),
        number(faithful.comprehensiveness),
        versus(faithful.random_comprehensiveness),
        delta_color="off",
        delta_arrow="off",
        help=_(
            "How much the output falls when the top-ranked words are deleted: mean over 1, 5, 10, 20 and 50% of the "
            "words. Higher is better."
        ),
        width="content",
    )
    row.metric(
        _("Sufficiency (ERASER)") if faithful.predicted else _("Sufficiency"),
        number(faithful.sufficiency),
        versus(faithful.random_sufficiency),
        delta_color="off",
        delta_arrow="off",
        help=_(
            "How much the output falls when only the top-ranked words are kept: mean over 1, 5, 10, 20 and 50% of "
            "the words. Lower is better; below 0, the output rises."
        ),
        width="content",
    )
    row.metric(
        _("Time taken"),
        duration(found.seconds + faithful.seconds),
        _("{count} passes").format(count=f"{found.forward_passes + found.backward_passes + faithful.forward_passes:,}"),
        delta_color="off",
        delta_arrow="off",
        help=_("For the scores and the rankings, including the random ones."),
        width="content",
    )


def _diagnostics(found: it.attribution.Diagnostics) -> None:
    st.markdown("#### " + _("Sanity checks: do the scores describe this model?"))
    left, right = st.columns([1, 2], gap="large")
    left.metric(
        _("Infidelity"),
        f"{found.infidelity:.3f}",
        versus(found.random_infidelity),
        delta_color="off",
        delta_arrow="off",
        help=_(
            "How badly the scores predict the output's loss when random sets of words are removed (200 sets; Yeh et "
            "al. 2019, eq. 1), after the best scaling by 0 or more. Lower is better."
        ),
    )
    left.caption(
        _(
            "Eq. 1 divided by the mean squared change of the output, {change}: 0 predicts all of it, 1 none of it, as "
            "scores of the wrong sign do."
        ).format(change=f"{found.change:.3g}")
    )
    if found.sensitivity is not None:
        left.metric(
            _("Max-sensitivity"),
            f"{found.sensitivity:.3f}",
            _("shuffled scores: {value}").format(value=f"{found.random_sensitivity:.3f}"),
            delta_color="off",
            delta_arrow="off",
            help=_(
                "The largest change of the scores when the embeddings are perturbed a little, relative to the "
                "length of the score vector."
            ),
        )
    right.plotly_chart(randomising(found), key="randomising")
    right.caption(
        _(
            "In each model, all parts from the head down to that layer have new random weights; at the embeddings, no "
            "trained weights are left. Parts that the output does not pass through are left out. Grey: the range of "
            "95% of {count} shuffles of the scores."
        ).format(count=f"{found.shuffles:,}")
    )
    if found.agreement.size and abs(found.agreement[-1]) > found.random_agreement:
        st.warning(
            _(
                "With all weights randomized, these scores still look much like those of the trained model: they "
                "describe the text more than the model (Adebayo et al. 2018)."
            ),
            icon=":material/visibility_off:",
        )
