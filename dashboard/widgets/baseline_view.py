"""Results beside their baseline, and how far the choice of an epoch flatters them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

import interpret as it
from dashboard.language import _, _n
from dashboard.numbers import between, interval, number
from interpret.finetuning.facts import beats_baseline
from interpret.finetuning.model_selection import DRAWS


def baseline_lines(facts: Mapping[str, float], task: str) -> list[str]:
    """Say that a model is not shown to be better than one that has learned nothing; nothing where it is.

    Parameters
    ----------
    facts
        What the run is listed with: see `interpret.finetuning.headline.Results.facts`.
    """
    if beats_baseline(facts) is not False:
        return []
    # A record may be of an objective that is not there.
    objectives = it.finetuning.list_objectives()
    if "r2" in facts:
        return [
            _(
                "**Not shown to be better than the mean baseline:** R² is {r2} ({interval}); always predicting the "
                "mean of these rows gives 0. These rows do not show that the model learned anything."
            ).format(
                r2=number(facts["r2"]),
                interval=between((facts.get("low", float("nan")), facts.get("high", float("nan"))), ".2f"),
            )
        ]
    if "baseline_f1" in facts:
        return [
            _(
                "**Not shown to be better than the baseline that learns nothing:** answer F1 is {f1} ({interval}); the "
                "sentence with most of the question's words, or always “no answer”, gives {baseline}."
            ).format(
                f1=f"{facts['f1']:.1%}",
                interval=between((facts["low"], facts["high"])),
                baseline=f"{facts['baseline_f1']:.1%}",
            )
        ]
    if "baseline_micro_f1" in facts:
        return [_several_classes(facts)]
    lines = []
    if "entity_f1" in facts and facts["entity_low"] <= 0:
        lines.append(
            _(
                "**Not shown to find any entity:** entity F1 is {f1} ({interval}). Tagging every word as outside any "
                "entity gives 0."
            ).format(f1=f"{facts['entity_f1']:.1%}", interval=between((facts["entity_low"], facts["entity_high"])))
        )
    if facts["low"] <= facts["majority"]:
        sentence = (
            _(
                "**Not shown to be better than the majority-class baseline:** word accuracy is {accuracy} "
                "({interval}); always predicting the most frequent tag is right for {majority} of the same words."
            )
            if task in objectives and objectives[task].source == "tags"
            else _(
                "**Not shown to be better than the majority-class baseline:** accuracy is {accuracy} ({interval}); "
                "always predicting the most frequent class is right for {majority} of the same rows. These rows do "
                "not show that the model learned anything."
            )
        )
        lines.append(
            sentence.format(
                accuracy=f"{facts['accuracy']:.1%}",
                interval=between((facts["low"], facts["high"])),
                majority=f"{facts['majority']:.1%}",
            )
        )
    return lines


def _several_classes(facts: Mapping[str, float]) -> str:
    """Say it of a model that gives any number of classes: at one half, which may be the wrong threshold."""
    lead = facts.get("tuned_lead_low", float("nan")), facts.get("tuned_lead_high", float("nan"))
    sentence = (
        _(
            "**At a threshold of 50%, not shown to be better than always giving the same classes:** micro-F1 is {f1} "
            "({interval}); the best fixed choice of classes gives {baseline}. With a threshold of its own for each "
            "class, chosen on other rows, macro-F1 is {tuned}, {lead} percentage points above giving every class to "
            "every row: the model did learn, and needs other thresholds, or more epochs."
        )
        if lead[0] > 0
        else _(
            "**Not shown to be better than always giving the same classes:** micro-F1 is {f1} ({interval}); the "
            "best fixed choice of classes gives {baseline}. These rows do not show that the model learned anything."
        )
    )
    return sentence.format(
        f1=f"{facts['micro_f1']:.1%}",
        interval=between((facts["low"], facts["high"])),
        baseline=f"{facts['baseline_micro_f1']:.1%}",
        tuned=f"{facts.get('tuned_macro_f1', float('nan')):.1%}",
        lead=interval((100 * lead[0], 100 * lead[1]), ".1f"),
    )


def choice_line(run: it.runs.Run, outcome: it.finetuning.Outcome) -> None:
    """Say whether the rows that a result is reported on chose the epoch, and how far that flatters it."""
    if outcome.chosen and np.isnan(outcome.honest):
        st.warning(
            _(
                "These same rows chose the epoch, so the numbers below are optimistic; by how much was not recorded "
                "for this run."
            ),
            icon=":material/filter_alt:",
        )
    elif outcome.chosen:
        name, reached, is_share = outcome.results.headline
        form = ".1%" if is_share else ".3f"
        st.warning(
            _(
                "These same rows chose the epoch, the best of {among}, so the numbers below are optimistic. Chosen on "
                "one half of the rows and measured on the other (mean over {draws} random halves), {name} is {honest} "
                "instead of {reached}. Hold out more rows, and half of them become a separate validation set."
            ).format(
                among=f"{run.facts['among']:.0f}",
                draws=DRAWS,
                name=_(name),
                honest=number(outcome.honest, form),
                reached=number(reached, form),
            ),
            icon=":material/filter_alt:",
        )
    elif outcome.validated:
        st.caption(
            _n(
                "Test set: not used to choose the epoch. A validation set of {count} other held-out example chose it.",
                "Test set: not used to choose the epoch. A validation set of {count} other held-out examples chose it.",
                outcome.validated,
            ).format(count=f"{outcome.validated:,}")
        )
    else:
        st.caption(_("Test set: not used to choose an epoch; the last epoch was kept."))
