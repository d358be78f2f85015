"""What of a report's numbers keeps them from meaning more: counted, and put into words by who shows them."""

from typing import Any

from interpret.attribution.report.report import Report
from interpret.core.calibration import LEAST_TEXTS


def find_limits(report: Report) -> list[dict[str, Any]]:
    """Return what a reader has to know before believing the numbers, each by its name and with what was counted.

    ``"baseline"``: no evidence that accuracy beats always guessing the commonest class; it comes first, as does
    ``"few rows"``: too few to tell, or of one class. ``"learned from"``, ``"out-of-fold"``, ``"not known"``: rows
    that the classifier was trained on, or may have been. ``"epoch"``: the rows chose the epoch that is reported on.
    ``"no labels"``, ``"foreign labels"``: rows without a label, or with one that is no class. ``"sampled"``,
    ``"left out"``, ``"not reached"``, ``"truncated"``: rows that were not, or not wholly, read. ``"repeated"``,
    ``"contradicting"``: rows whose text stands there before, or with another label. ``"completeness"``: rows whose
    scores miss their sum by more than was allowed. ``"neutral"``: rows whose baseline says more for the class than
    they do. ``"calibration"``: labelled rows with too few texts for it. ``"chance"``: cases whose faithfulness is
    not told from it; ``"few words"``: cases too short to tell. ``"cases"``: rows that are not looked at closely.
    """
    found = report.found
    rows = found.rows
    measured = found.accuracies
    limits: list[dict[str, Any]] = [
        {"name": "baseline" if one.decidable else "few rows", "basis": basis, "rows": one.count}
        for basis, one in measured.items()
        if not one.beats_majority
    ]

    def count(name: str, number: int, **more: Any) -> None:
        if number:
            limits.append({"name": name, "rows": number, **more})

    count("learned from", sum(row.basis == "learned from" for row in rows))
    count("out-of-fold", sum(row.basis == "out-of-fold" for row in rows))
    count("not known", sum(row.basis == "not known" for row in rows))
    if report.training.get("chosen_by_these_rows"):
        count("epoch", len(rows))
    count("no labels", sum(not row.label for row in rows))
    count("foreign labels", sum(bool(row.label) and row.label not in found.known for row in rows))
    if report.data_card is not None:
        count("sampled", report.data_card.rows - len(found.origin), of=report.data_card.rows)
        count("repeated", report.data_card.repeated)
        count("contradicting", report.data_card.contradicting)
    count("left out", len(found.skipped))
    count("not reached", len(found.origin) - len(rows) - len(found.skipped))
    count("truncated", sum(row.cut for row in rows))
    missed = [row for row in rows if row.attribution.baseline and row.attribution.error > row.attribution.tolerance]
    count("completeness", len(missed), tolerance=rows[0].attribution.tolerance)
    count("neutral", sum(row.attribution.baseline_above for row in rows))
    few = {basis for basis, one in report.calibration.items() if one is None}
    count("calibration", sum(row.basis in few for row in found.evaluated), least=LEAST_TEXTS)
    verdicts = [one.faithfulness.verdict for one in report.cases if one.faithfulness is not None]
    count("chance", verdicts.count("neither"), of=len(verdicts))
    count("few words", verdicts.count("too few words"), of=len(verdicts))
    count("cases", len(rows) - len(report.cases))
    return limits
