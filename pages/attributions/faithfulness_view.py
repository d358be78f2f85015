"""The measurements of the quality report, and what is said of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard.analysis import Analysis
from dashboard.language import _
from dashboard.numbers import number
from dashboard.widgets.export import Download, as_json
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import How
from dashboard.widgets.target_view import TargetChoice
from pages.attributions.export import as_dict

_SOON_TOKENS = 60_000
# Up to so many tokens a thousand rankings stand beside a method's, and beyond fewer: enough to tell at 2.5%.
_MOST_TOKENS = 150_000
_FEW_DRAWS = 199


def _about(choice: TargetChoice, how: How) -> str:
    return f"{choice.about}:{how}"


def _cost(words: int, tokens: int, draws: int) -> float:
    """Return how many tokens are read; of a text and what is deleted of it, one is short where the other is long."""
    from interpret.attribution.faithfulness import erasing_passes

    return erasing_passes(words, draws) * tokens / 2


def faithfulness_analysis(choice: TargetChoice, explained: Analysis) -> Analysis:
    """Describe how comprehensiveness and sufficiency are measured; of long texts by fewer rankings."""
    from interpret.attribution.faithfulness import DRAWS

    target_function = choice.target_function
    few = _cost(len(target_function.free_words), len(target_function.tokens), DRAWS) > _MOST_TOKENS
    shown = (".comprehensiveness", ".sufficiency", ".verdict")
    return choice.analysis("faithfulness", "faithful", shown, attribution=explained, draws=_FEW_DRAWS if few else DRAWS)


def diagnostics_analysis(choice: TargetChoice, explained: Analysis) -> Analysis:
    """Describe how infidelity, sensitivity and forgetting are measured."""
    return choice.analysis("diagnose", "trust", (".infidelity", ".sensitivity", ".agreement"), attribution=explained)


def faithfulness_of(
    choice: TargetChoice, explained: Analysis, found: it.Attribution, how: How
) -> it.attribution.Faithfulness | None:
    """Measure comprehensiveness and sufficiency, at once where that is soon done; of long texts by fewer rankings."""
    from interpret.attribution.faithfulness import erasing_passes

    analysis = faithfulness_analysis(choice, explained)
    words, draws = len(choice.target_function.free_words), dict(analysis.arguments)["draws"]
    passes = erasing_passes(words, draws)

    def work(progress: Progress) -> it.attribution.Faithfulness:
        result: it.attribution.Faithfulness = analysis.run(
            target_function=choice.target_function, attribution=found, progress=progress
        )
        return result

    return long_work(
        "quality:faithfulness",
        _about(choice, how),
        _("Delete words and measure: about {passes} passes").format(passes=f"{passes:,}"),
        work,
        {"erasing": _("texts with words deleted")},
        auto=_cost(words, len(found.tokens), draws) <= _SOON_TOKENS,
        keep=8,
    )


def diagnostics_of(
    choice: TargetChoice, explained: Analysis, found: it.Attribution, how: How
) -> it.attribution.Diagnostics | None:
    """Measure infidelity, sensitivity and forgetting, at a click."""
    from interpret.attribution.diagnostics import cascade

    count = 10 + len(cascade(choice.target_function))
    st.caption(
        _("Infidelity, max-sensitivity and the weight-randomisation test explain the text {count} more times.").format(
            count=count
        )
    )

    def work(progress: Progress) -> it.attribution.Diagnostics:
        result: it.attribution.Diagnostics = diagnostics_analysis(choice, explained).run(
            target_function=choice.target_function, attribution=found, progress=progress
        )
        return result

    return long_work(
        "quality:trust",
        _about(choice, how),
        _("Measure infidelity, max-sensitivity and weight randomisation"),
        work,
        {
            "infidelity": _("infidelity"),
            "sensitivity": _("max-sensitivity"),
            "randomising": _("weight randomisation"),
        },
        keep=8,
    )


def versus(random: np.ndarray) -> str:
    """Say what random rankings have: mean and standard deviation."""
    return _("random: {mean} ± {spread}").format(mean=number(random.mean()), spread=f"{random.std():.3f}")


def quality_downloads(
    choice: TargetChoice,
    found: it.Attribution,
    faithful: it.attribution.Faithfulness,
    diagnostics: it.attribution.Diagnostics | None,
    stem: str,
) -> list[Download]:
    """Offer the report as JSON."""

    def make() -> bytes:
        report: dict[str, Any] = {"attribution": as_dict(choice, found), "faithfulness": _plain(faithful)}
        if diagnostics is not None:
            report["trust"] = _plain(diagnostics)
        report["faithfulness"]["verdict"] = faithful.verdict
        return as_json(report)

    return [Download("JSON", f"{stem}.json", "application/json", make, _("All numbers of the report"))]


def _plain(one: Any) -> dict[str, Any]:
    return {
        name: value.astype(float).round(6).tolist() if isinstance(value, np.ndarray) else value
        for name, value in asdict(one).items()
    }


def quality_guide() -> None:
    """Explain the measures."""
    with st.expander(_("What is measured here")):
        st.markdown(
            _(
                "- **Comprehensiveness** and **sufficiency** follow ERASER (DeYoung et al. 2020), computed as in its "
                "published code: words are ranked by their score; 1, 5, 10, 20 and 50% of them are deleted, or kept "
                "alone, and the drops in the output are averaged over these five. ERASER uses the predicted class and "
                "its probability; for another target the calculation is the same, but the measure is not ERASER's.\n"
                "- **Random** beside a number: the same measure for uninformed rankings: all distinct ones where "
                "there are few, otherwise many drawn at random. **p** is how often they do as well, with ties counted "
                "half and the ranking itself counted once. A verdict “better than chance” holds at 5% with both "
                "measures corrected together (Holm). Where even the best ranking of a text could not reach that, no "
                "verdict is given.\n"
                "- **Infidelity** (Yeh et al. 2019, eq. 1): do the scores predict the model's output when random sets "
                "of words are removed? They may be scaled by a factor of 0 or more, and the error is divided by the "
                "mean squared change in the output: 1 means that they predict nothing. **Max-sensitivity** (eq. 3, "
                "through Captum): do the scores stay the same when the text hardly changes? Beside them, the values "
                "for shuffled scores.\n"
                "- **Weight randomisation** (Adebayo et al. 2018): from the head over the pooler and each layer down "
                "to the embeddings, the model's weights are randomised. The scores of a method that depends on the "
                "model stop resembling the original ones; inside the grey band they are as dissimilar as 95% of "
                "shuffled ones.\n"
                "- Deleting words leaves texts that nobody writes. A model may react to the unnatural input (out of "
                "distribution) rather than to the loss of words; that affects every number here except completeness."
            )
        )
