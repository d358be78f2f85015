"""What is written down of results, and what sentences say of it."""

import math
from collections.abc import Mapping

from interpret.finetuning.examples import PRETRAINING_TASKS
from interpret.finetuning.pretraining_results import PretrainingResults
from interpret.finetuning.regression_results import RegressionResults
from interpret.finetuning.results import ClassificationResults


def facts_of(found: ClassificationResults | RegressionResults | PretrainingResults) -> dict[str, float]:
    """Return the numbers that a run is listed with."""
    low, high = found.interval
    between = {"low": low, "high": high}
    if isinstance(found, PretrainingResults):
        words = {"accuracy": found.first, **between, "among_five": found.five, "perplexity": found.perplexity}
        return words if math.isnan(found.next) else words | {"next_accuracy": found.next}
    if isinstance(found, RegressionResults):
        return {"r2": found.r2, **between, "mae": found.mae, "rmse": found.rmse, "spearman": found.spearman}
    facts = {
        "accuracy": found.accuracy,
        **between,
        "macro_f1": found.macro_f1,
        "majority": found.majority,
        "ece": found.ece,
    }
    if found.entities is None:
        return facts
    one = found.entities
    ends = {"entity_low": one.interval[0], "entity_high": one.interval[1]}
    return facts | {"entity_precision": one.precision, "entity_recall": one.recall, "entity_f1": one.f1, **ends}


def beats_baseline(facts: Mapping[str, float]) -> bool | None:
    """Tell whether a run is shown to be better than one that has learned nothing, by what it is listed with.

    The interval of its accuracy lies above the share of the commonest class; of entities that of F1 above 0 as well;
    of a regression that of R² above 0, where who always says the mean is. None where there is no such baseline.
    """
    if "majority" in facts:
        return facts.get("low", 0.0) > facts["majority"] and facts.get("entity_low", 1.0) > 0
    # Runs from before R² had an interval are taken by the number alone.
    return facts.get("low", facts["r2"]) > 0 if "r2" in facts else None


def reported_on(facts: Mapping[str, float], chooses: bool) -> str:
    """Tell on which rows a run is reported, by what it is listed with.

    Returns
    -------
    ``"test"``: nothing was chosen by them. ``"choosing"``: they chose the epoch among several, which flatters it.

    Parameters
    ----------
    chooses
        Whether an epoch was to be chosen at all.
    """
    # A run that was stopped in its first epoch had nothing to choose from.
    return "choosing" if chooses and "validated" not in facts and facts.get("among", 2) > 1 else "test"


def in_words(facts: Mapping[str, float], task: str, chooses: bool) -> list[str]:
    """Say in a terminal's lines how good a run is, on which rows, and whether that is better than nothing."""
    share, nothing = ("word accuracy", "tag") if task == "token classes" else ("accuracy", "class")
    nothing = f"always giving the commonest {nothing}, which is right in {facts.get('majority', 0):.1%}"
    if task == "regression":
        lines = [f"R² {facts['r2']:.3f} {_between(facts, '.3f')}, mean error {facts['mae']:.4g}"]
        nothing = "always saying the mean"
    else:
        names = {"macro_f1": "macro-F1", "among_five": "among the first five", "perplexity": "perplexity"}
        names |= {"next_accuracy": "next-sentence accuracy", "pseudo_perplexity": "pseudo-perplexity"}
        more = "".join(f", {said} {facts[name]:.4g}" for name, said in names.items() if name in facts)
        lines = [f"{share} {facts['accuracy']:.1%} {_between(facts, '.1%')}{more}"]
    if "entity_f1" in facts:
        ends = _between({"low": facts["entity_low"], "high": facts["entity_high"]}, ".1%")
        found = f"precision {facts['entity_precision']:.1%}, recall {facts['entity_recall']:.1%}"
        lines.insert(0, f"entities: F1 {facts['entity_f1']:.1%} {ends}, {found}")
    if beats_baseline(facts) is False:
        lines.append(f"NOT SHOWN TO BE BETTER than {nothing}")
    unit = "sentences" if task == "token classes" else "passages" if task in PRETRAINING_TASKS else "rows"
    count = f"{facts.get('judged', 0):.0f} {unit}"
    if reported_on(facts, chooses) == "choosing":
        lines.append(f"measured on the {count} that chose the epoch, which flatters it")
        if "honest" in facts:
            lines[-1] += f": chosen by one half of them and measured on the other it is {facts['honest']:.4g}"
    elif "validated" in facts:
        lines.append(f"measured on {count} that had no say in the epoch; {facts['validated']:.0f} others chose it")
    else:
        lines.append(f"measured on {count}; no epoch was chosen")
    return lines


def _between(facts: Mapping[str, float], form: str) -> str:
    return f"(95 %: {facts['low']:{form}} to {facts['high']:{form}})" if "low" in facts else ""
