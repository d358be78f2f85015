"""What the numbers that a run is listed with say."""

from collections.abc import Mapping

from interpret.finetuning.objective import find_objective


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
    objective = find_objective(task)
    lines = objective.in_words(facts, _between)
    if beats_baseline(facts) is False:
        lines.append(f"NOT SHOWN TO BE BETTER than {objective.baseline(facts)}")
    count = f"{facts.get('judged', 0):.0f} {objective.unit.name}"
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
    return f"(95%: {facts['low']:{form}} to {facts['high']:{form}})" if "low" in facts else ""
