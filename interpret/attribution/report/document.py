"""A report as JSON: each number in one place, so that whatever shows it can say where it stands."""

import math
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from interpret.attribution.attribution import Attribution
from interpret.attribution.counterfactuals import Counterfactuals
from interpret.attribution.faithfulness import Faithfulness
from interpret.attribution.methods import METHODS
from interpret.attribution.report.case import Case
from interpret.attribution.report.limits import find_limits
from interpret.attribution.report.report import Report
from interpret.attribution.row_attributions import Row, RowAttributions
from interpret.core.accuracy import text_key
from interpret.core.calibration import LEAST_TEXTS, RANGES, Calibration
from interpret.core.data_card import DataCard
from interpret.core.intervals import wilson

FORMAT = "bertoscope report"
VERSION = 1


def report_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it: numbers to eight digits, null for those that there are not.

    ``rows`` has what is known of each row, and ``cases`` refers to them by index. Words stand with their characters in
    the row's text, so that it can be put together again.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> found = it.attribution.attribute_rows(encoder, ["A great book."], head=head, method="occlusion")
    >>> report = it.attribution.make_report(encoder, found, head=head, faithfulness=False)
    >>> document = it.attribution.report_json(report)
    >>> list(document)[:4]
    ['format', 'version', 'created', 'software']
    >>> [document["rows"][0]["text"][begin:end] for begin, end in document["rows"][0]["spans"]]
    ['A', 'great', 'book', '.']
    """
    found = report.found
    document = {
        "format": FORMAT,
        "version": VERSION,
        "created": report.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "software": _software(),
        "file": {**report.file, "rows_read": len(found.origin)},
        "model": _model(report),
        "training": dict(report.training),
        "settings": _settings(found.rows[0].attribution),
        "classes": list(found.known),
        "summary": _summary(report),
        "data_card": None if report.data_card is None else _data_card(report.data_card),
        "accuracy": _accuracies(found),
        "calibration": [_calibration(report, basis, one) for basis, one in report.calibration.items()],
        "words": [_words(found, name) for name in found.classes],
        "cases": [_case(report, case) for case in report.cases],
        "rows": [_row(report, index, row) for index, row in enumerate(found.rows)],
        "left_out": [{"row": found.number(index), "why": error.to_dict()} for index, error in found.skipped],
        "limits": find_limits(report),
    }
    plain = _plain(document)
    if not isinstance(plain, dict):
        raise TypeError("a report is an object of JSON")
    return plain


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    match value:
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
        case str() | bool() | None:
            return value
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            # Single precision has seven digits; what comes of a sum in double precision keeps one more.
            return float(f"{float(value):.8g}") if math.isfinite(value) else None
        case np.bool_():
            return bool(value)
        case np.ndarray():
            return _plain(value.tolist())
    return [_plain(one) for one in value]


def _software() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in ("bertoscope", "torch", "transformers"):
        found[name] = None
        # A checkout is not installed.
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _model(report: Report) -> dict[str, Any]:
    card, checkpoint = report.model, report.model.checkpoint
    return {
        # Where a folder lies is nobody's to know.
        "name": Path(checkpoint.name).name if checkpoint.source == "folder" else checkpoint.name,
        "source": checkpoint.source,
        "revision": checkpoint.revision,
        "sha256": card.sha256,
        "family": card.family,
        "layers": card.layers,
        "heads": card.heads,
        "width": card.width,
        "max_tokens": card.max_tokens,
        "parameters": sum(card.parameters.values()),
        "licence": card.licence,
        "device": report.spec.device,
        "precision": report.spec.precision,
        "prompt": report.spec.prompt or None,
        "classifier": "linear head" if report.fitted else "own",
    }


def _settings(one: Attribution) -> dict[str, Any]:
    method = METHODS[one.method]
    return {
        "method": one.method,
        "title": method.title,
        "paper": method.paper,
        "link": method.link,
        "baseline": one.baseline or None,
        "path_rule": one.rule or None,
        "tolerance": one.tolerance,
        "seed": one.seed,
    }


def _summary(report: Report) -> dict[str, Any]:
    found = report.found
    counted = [row for row in found.evaluated if row.basis != "learned from"]
    return {
        "explained": len(found.rows),
        "left_out": len(found.skipped),
        "truncated": sum(row.cut for row in found.rows),
        "labelled": len(found.evaluated),
        "evaluated": len(counted),
        "wrong": sum(row.wrong for row in counted),
        "cases": len(report.cases),
    }


def _data_card(card: DataCard) -> dict[str, Any]:
    median, long, longest = card.words
    return {
        "rows": card.rows,
        "blank": card.skipped,
        "without_text": card.without_text,
        "without_label": card.without_label,
        "repeated": card.repeated,
        "contradicting": card.contradicting,
        "classes": [{"label": name, "rows": rows} for name, rows in card.classes.items()],
        "words": {"median": median, "percentile_95": long, "most": longest},
    }


def _accuracies(found: RowAttributions) -> list[dict[str, Any]]:
    listed = []
    for basis, one in found.accuracies.items():
        rows = [row for row in found.evaluated if row.basis == basis]
        classes = []
        for name in found.known:
            of_class = [row for row in rows if row.label == name]
            right = sum(row.said == name for row in of_class)
            # A text that occurs twice is no second witness: as in the interval of the accuracy.
            texts = len({text_key(row.text) for row in of_class})
            classes.append(
                {
                    "label": name,
                    "rows": len(of_class),
                    "right": right,
                    "recall": right / len(of_class) if of_class else None,
                    "interval": wilson(right / max(1, len(of_class)) * texts, texts),
                    "predicted": sum(row.said == name for row in rows),
                }
            )
        listed.append(
            {
                "basis": basis,
                **{name: getattr(one, name) for name in ("right", "count", "texts")},
                "accuracy": one.share,
                **{name: getattr(one, name) for name in ("interval", "commonest", "majority")},
                **{name: getattr(one, name) for name in ("beats_majority", "decidable")},
                "classes": classes,
                "rows": [found.number(row.index) for row in rows],
            }
        )
    return listed


def _calibration(report: Report, basis: str, one: Calibration | None) -> dict[str, Any]:
    rows = [row for row in report.found.evaluated if row.basis == basis]
    known = {"basis": basis, "count": len(rows), "least": LEAST_TEXTS, "measured": one is not None}
    if one is None:
        return known
    ranges = [
        {
            "low": int(index) / RANGES,
            "high": (int(index) + 1) / RANGES,
            "rows": one.counts[i],
            "texts": one.range_texts[i],
            "confidence": one.confidence[i],
            "accuracy": one.rightness[i],
            "interval": one.rightness_interval[i],
        }
        for i, index in enumerate(one.ranges)
    ]
    return known | {
        "texts": one.texts,
        "ece": one.ece,
        "ece_interval": one.ece_interval,
        "ece_by_chance": one.ece_by_chance,
        "ece_p": one.ece_p,
        "worse_than_chance": one.worse_than_chance,
        "brier": one.brier,
        "brier_interval": one.brier_interval,
        "brier_of_shares": one.brier_of_shares,
        "ranges": ranges,
    }


def _words(found: RowAttributions, name: str) -> dict[str, Any]:
    numbers, words = found.numbers_with(name), found.words(name)
    return {
        "class": name,
        "rows": sum(row.attribution.target.name == name for row in found.rows),
        "compared": len(words),
        "words": [
            {
                "word": one.word,
                "mean": one.mean,
                "interval": (one.mean - one.half, one.mean + one.half),
                "texts": one.texts,
                "p": one.p,
                "significant": one.significant,
                "rows": numbers.get(one.word, []),
            }
            for one in words
        ],
    }


def _row(report: Report, index: int, row: Row) -> dict[str, Any]:
    found, one = report.found, row.attribution
    without = report.out_of_fold_probabilities[index]
    id_column = found.origin.columns.get(str(report.file.get("id") or ""), ())
    columns = {name: values[row.index] for name, values in found.origin.columns.items()}
    return {
        "row": found.number(row.index),
        "id": id_column[row.index] if id_column else None,
        "text": row.text,
        "truncated": row.cut,
        "label": row.label or None,
        "predicted": row.answer,
        "out_of_fold": row.out_of_fold or None,
        "wrong": row.wrong if row.label in found.known else None,
        "basis": row.basis,
        "probabilities": report.probabilities[index],
        "out_of_fold_probabilities": None if np.isnan(without).any() else without,
        "explained": one.target.name,
        **_scores(one, row.text),
        "columns": columns,
    }


def _scores(one: Attribution, text: str) -> dict[str, Any]:
    """Return an attribution's words, by their characters in the whole text, with what is known of their scores."""
    tokens = one.tokens
    start = text.find(tokens.text)
    kept = [index for index, group in enumerate(tokens.groups) if not tokens.special[group[0]]]
    spans = [
        (start + int(tokens.span[tokens.groups[i][0], 0]), start + int(tokens.span[tokens.groups[i][-1], 1]))
        for i in kept
    ]
    return {
        "output": one.output,
        "baseline_output": one.baseline_output,
        "completeness_error": float("nan") if math.isnan(one.delta) else one.error,
        "baseline_above": one.baseline_above,
        "spans": spans,
        "scores": one.word_scores()[kept],
        # Half a 95% interval over the method's own draws.
        "uncertainty": None if one.word_uncertainty is None else one.word_uncertainty[kept],
    }


def _case(report: Report, case: Case) -> dict[str, Any]:
    row = report.found.rows[case.index]
    contrast = None
    if case.contrast is not None:
        scores = _scores(case.contrast, row.text)
        # The words are those of the row.
        del scores["spans"]
        contrast = {"class": row.answer, "other": case.runner_up, **scores}
    return {
        "index": case.index,
        "reasons": list(case.reasons),
        "contrast": contrast,
        "counterfactual": None if case.counterfactuals is None else _counterfactual(case.counterfactuals),
        "faithfulness": None if case.faithfulness is None else _faithfulness(case.faithfulness),
    }


def _counterfactual(found: Counterfactuals) -> dict[str, Any]:
    known = {"search": found.search, "tried": found.tried, "found": len(found.variants.texts) > 1}
    if not known["found"]:
        return known
    probabilities = found.variants.probabilities[1]
    return known | {
        "removed": [change.before for change in found.variants.changes[1]],
        "text": found.variants.texts[1],
        "predicted": found.variants.labels[int(probabilities.argmax())],
        "probabilities": probabilities,
        "smallest": found.smallest,
    }


def _faithfulness(one: Faithfulness) -> dict[str, Any]:
    known = {}
    for name, random in (
        ("comprehensiveness", one.random_comprehensiveness),
        ("sufficiency", one.random_sufficiency),
    ):
        known[name] = {
            "value": getattr(one, name),
            "random_mean": random.mean(),
            "random_range": np.quantile(random, (0.025, 0.975)),
            "p": getattr(one, f"{name}_p"),
        }
    return known | {
        "rankings": len(one.random_comprehensiveness),
        "exact": one.exact,
        "words": one.words,
        "predicted": one.predicted,
        "verdict": one.verdict,
    }
