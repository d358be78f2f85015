"""What a run's result is worth, said first: beside who always guesses, and beside a head on the frozen model."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.language import _
from dashboard.numbers import between, number
from dashboard.widgets.baseline_view import baseline_lines
from interpret.finetuning.facts import beats_baseline


def verdict_view(facts: Mapping[str, float], task: str) -> None:
    """Say whether a run is better than its baseline, in red where that is not shown, and than a frozen head.

    Nothing of a run that is listed with no such baseline, nor of a frozen head where none was measured.

    Parameters
    ----------
    facts
        What the run is listed with: see `interpret.finetuning.headline.Results.facts`.
    """
    for sentence in baseline_lines(facts, task):
        st.error(sentence, icon=":material/error:")
    if beats_baseline(facts):
        st.success(_better(facts), icon=":material/check_circle:")
    if "frozen_accuracy" in facts:
        _beside_frozen_head(facts)


def _better(facts: Mapping[str, float]) -> str:
    """Say how good a run is that is better than its baseline."""
    ends = facts.get("low", float("nan")), facts.get("high", float("nan"))
    if "r2" in facts:
        return _(
            "**Better than the mean baseline:** R² is {r2} ({interval}); always predicting the mean of these rows "
            "gives 0."
        ).format(r2=number(facts["r2"]), interval=between(ends, ".2f"))
    if "baseline_f1" in facts:
        return _(
            "**Better than the baseline that learns nothing:** answer F1 is {f1} ({interval}); the sentence with most "
            "of the question's words, or always “no answer”, gives {baseline}."
        ).format(f1=f"{facts['f1']:.1%}", interval=between(ends), baseline=f"{facts['baseline_f1']:.1%}")
    if "baseline_micro_f1" in facts:
        return _(
            "**Better than always giving the same classes:** micro-F1 is {f1} ({interval}); the best fixed choice of "
            "classes gives {baseline}."
        ).format(f1=f"{facts['micro_f1']:.1%}", interval=between(ends), baseline=f"{facts['baseline_micro_f1']:.1%}")
    if "entity_f1" in facts:
        return _(
            "**Finds entities:** entity F1 is {f1} ({interval}); tagging every word as outside any entity gives 0."
        ).format(f1=f"{facts['entity_f1']:.1%}", interval=between((facts["entity_low"], facts["entity_high"])))
    return _(
        "**Better than the majority-class baseline:** accuracy is {accuracy} ({interval}); always predicting the most "
        "frequent class is right for {majority}."
    ).format(accuracy=f"{facts['accuracy']:.1%}", interval=between(ends), majority=f"{facts['majority']:.1%}")


def _beside_frozen_head(facts: Mapping[str, float]) -> None:
    """Say how the run compares with a linear head on the vectors of the model before it, on the same rows."""
    low, high = 100 * facts["frozen_low"], 100 * facts["frozen_high"]
    points = 100 * (facts["accuracy"] - facts["frozen_accuracy"])
    values = {
        "points": number(abs(points), ".1f"),
        "interval": between((low, high) if points >= 0 or low <= 0 <= high else (-high, -low), ".1f"),
        "frozen": f"{facts['frozen_accuracy']:.1%}",
    }
    if low > 0:
        st.success(
            _(
                "**Better than a frozen head by {points} percentage points** ({interval}): a linear head on the "
                "vectors of the model before training, fitted on the same training rows, is right for {frozen} of "
                "the same rows."
            ).format(**values),
            icon=":material/trending_up:",
        )
    elif high < 0:
        st.warning(
            _(
                "**Worse than a frozen head by {points} percentage points** ({interval}): a linear head on the "
                "vectors of the model before training, fitted on the same training rows, is right for {frozen} of "
                "the same rows. Try more epochs, more frozen layers or another learning rate."
            ).format(**values),
            icon=":material/trending_down:",
        )
    else:
        values["points"] = number(points, "+.1f")
        st.info(
            _(
                "**Not distinguishable from a frozen head:** the difference is {points} percentage points "
                "({interval}). A linear head on the vectors of the model before training, fitted on the same "
                "training rows, is right for {frozen} of the same rows."
            ).format(**values),
            icon=":material/trending_flat:",
        )
