"""Predictions, curves and measurements as plain numbers with names: what JSON and tables are written of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from interpret.resources.calibration import Calibration, Point, Range
from interpret.resources.fitting import Change, Curve
from interpret.resources.prediction import Prediction


def prediction_facts(predicted: Prediction, calibration: Calibration) -> dict[str, Any]:
    """Return what is known of a prediction: bytes, operations, and the time where a speed is known."""
    seconds = calibration.seconds(predicted)
    return {
        "work": asdict(predicted.work),
        "bytes": dict(predicted.parts),
        "peak_bytes": predicted.peak,
        "process_bytes": _ends(calibration.memory(predicted)),
        "operations": predicted.operations,
        "seconds": None if seconds is None else _ends(seconds),
        "measurements": calibration.count,
        "measured_speeds": calibration.speed_count,
    }


def curve_facts(curve: Curve, calibration: Calibration) -> dict[str, Any]:
    """Return a curve's points, and the power that was fitted."""
    return {
        "over": curve.over,
        "exponent": _known(curve.exponent),
        "r_squared": _known(curve.fit),
        "points": [prediction_facts(one, calibration) for one in curve.predictions],
    }


def change_facts(change: Change, calibration: Calibration) -> dict[str, Any]:
    """Return what a change takes, and whether it computes the same."""
    return {
        "change": change.name,
        "same": change.same,
        "passes": change.passes,
        **prediction_facts(change.prediction, calibration),
    }


def point_columns(points: Sequence[Point]) -> Mapping[str, Sequence[Any]]:
    """Return measurements as the columns of a table, beside what was counted."""
    return {
        "model": [one.model for one in points],
        "device": [one.description for one in points],
        "batch": [one.work.batch for one in points],
        "length": [one.work.length for one in points],
        "learns": [one.work.training for one in points],
        "head": [one.work.head for one in points],
        "kernel": [one.work.kernel for one in points],
        "precision": [one.work.precision for one in points],
        "counted_bytes": [one.counted for one in points],
        "measured_bytes": [one.taken for one in points],
        "measured_over_counted": [one.taken / one.counted for one in points],
        "kept_share": [one.kept for one in points],
        "operations": [one.operations for one in points],
        "seconds": [one.typical for one in points],
        "operations_per_second": [one.speed for one in points],
        "versions": [one.versions for one in points],
    }


def _known(value: float) -> float | None:
    """Return a number as JSON has it."""
    return value if math.isfinite(value) else None


def _ends(found: Range) -> dict[str, float]:
    return dict(zip(("low", "usual", "high"), found, strict=True))
