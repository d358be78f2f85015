"""What the numbers that a run is listed with say."""

from collections.abc import Mapping

from interpret.finetuning.objective import find_objective


def beats_baseline(facts: Mapping[str, float]) -> bool | None:
    """Tell whether a run is shown to beat the baseline, by what it is listed with.

    The interval of its accuracy lies above the majority-class baseline; of entities that of F1 above 0 as well;
    of a regression that of R² above 0, where always predicting the mean is; of answers that of F1 above what needs no
    learning; of any number of classes that of micro-F1 above who always gives the same ones. None where there is no
    such baseline.
    """
    for name in ("baseline_f1", "baseline_micro_f1"):
        if name in facts:
            return facts["low"] > facts[name]
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
    """Say in a terminal's lines how good a run is, on which rows, and whether that beats the baseline."""
    objective = find_objective(task)
    lines = objective.in_words(facts, _between)
    if beats_baseline(facts) is False:
        lines.append(f"not shown to beat {objective.baseline(facts)}")
    count = f"{facts.get('judged', 0):.0f} {objective.unit.name}"
    if reported_on(facts, chooses) == "choosing":
        lines.append(f"measured on the {count} that the epoch was chosen on, so the score is optimistic")
        if "honest" in facts:
            lines[-1] += f"; with the epoch chosen on one half and measured on the other it is {facts['honest']:.4g}"
    elif "validated" in facts:
        lines.append(
            f"measured on {count} not used to choose the epoch; it was chosen on {facts['validated']:.0f} others"
        )
    else:
        lines.append(f"measured on {count}; no epoch was chosen")
    return lines


def _between(facts: Mapping[str, float], form: str) -> str:
    return f"(95%: {facts['low']:{form}} to {facts['high']:{form}})" if "low" in facts else ""
