"""What a model takes, counted and measured, for a terminal."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from interpret.core.checkpoints import BUILT_INS
from interpret.core.devices import Device, find_device
from interpret.core.errors import InputError
from interpret.core.layer_groups import expand
from interpret.core.units import gigabytes
from interpret.resources.calibration import Calibration, calibrate, keep_point, kept_points, make_point, product_speed
from interpret.resources.claims import CLAIMS, CONTEXT, as_measured, card_for, on_a_card, verdict
from interpret.resources.configs import SHAPES, find_config, read_config_file, shape_digest
from interpret.resources.facts import change_facts, curve_facts, prediction_facts
from interpret.resources.fitting import Curve, cheaper, largest_batch, most_texts, predict_curve
from interpret.resources.measurement import PROCESS_BYTES, measure, measurements_folder
from interpret.resources.prediction import Prediction, predict
from interpret.resources.workload import KERNELS, Workload, layer_names

# GB; no machine has as much.
_MOST_ROOM = 1_000_000


def run(args: argparse.Namespace) -> None:
    """Count, and measure, what is asked for."""
    device = find_device(args.device)
    if args.room is not None and not 0 < args.room <= _MOST_ROOM:
        raise InputError(
            "Memory of the device: {room} GB. Choose a number above 0, and at most {most}.",
            room=f"{args.room:g}",
            most=_MOST_ROOM,
        )
    if args.json is not None:
        # Whoever has waited for a measurement should not lose it to a mistyped name.
        args.json.parent.resolve(strict=True)
    if args.table:
        found = _table(device)
    else:
        config, work = _config(args.model), _work(args)
        found = _one(args, config, work, device)
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def _config(name: str) -> PretrainedConfig:
    path = Path(name)
    if name not in SHAPES and path.is_file():
        return read_config_file(path.read_bytes(), name)
    return find_config(name)


def _work(args: argparse.Namespace) -> Workload:
    frozen: tuple[str, ...] = ()
    if args.freeze.strip():
        frozen = expand(args.freeze, layer_names(_config(args.model), args.head))
    return Workload(
        batch=args.batch,
        length=args.length,
        training=args.train,
        head=args.head,
        kernel=args.kernel,
        precision=args.precision,
        frozen=frozen,
        dropout=not args.no_dropout,
        checkpointing=args.checkpointing,
        lora_rank=args.lora,
    )


def _one(args: argparse.Namespace, config: PretrainedConfig, work: Workload, device: Device) -> dict[str, Any]:
    folder = measurements_folder()
    predicted = predict(config, work)
    found: dict[str, Any] = {"model": args.model, "device": device.description}
    if args.measure:
        measured = measure(config, work, device.name, progress=_waiting)
        _clear()
        keep_point(folder, make_point(config, predicted, measured, _public(args.model)))
        found["measured_bytes"], found["measured_seconds"] = measured.peak, measured.seconds
    # Of another device nothing was measured here.
    elsewhere = args.room is not None
    points = () if elsewhere else kept_points(folder, device.name)
    speed = None if elsewhere else product_speed(device.name, work.precision)
    calibration = calibrate(points, "cuda" if elsewhere else device.name, work, speed)
    room = args.room * 1e9 - CONTEXT[2] if elsewhere else float(device.free - PROCESS_BYTES)
    _say_parts(predicted, calibration, elsewhere)
    if args.measure:
        _say(f"measured: {gigabytes(measured.peak)} GB, {measured.typical:.2f} s")
    most = largest_batch(config, work, room, calibration)
    known = f"at least {most:,}" if most == most_texts(work) else f"{most:,}" if most else "none"
    _say(f"largest batch whose whole range fits into {gigabytes(max(0, int(room)))} GB: {known}")
    found |= prediction_facts(predicted, calibration) | {"room_bytes": room, "largest_batch": most}
    if args.curve:
        curves = [predict_curve(config, work, over) for over in ("length", "batch")]
        for one in curves:
            _say_curve(one, calibration)
        found["curves"] = [curve_facts(one, calibration) for one in curves]
    if args.changes:
        found["changes"] = _say_changes(config, work, calibration, room)
    return found


def _public(name: str) -> str:
    """Return a model's name where everybody knows it."""
    return name if name in SHAPES or name in BUILT_INS else ""


def _say_parts(predicted: Prediction, calibration: Calibration, elsewhere: bool) -> None:
    low, usual, high = calibration.memory(predicted)
    whose = "a card's" if elsewhere else "this device's"
    for name, size in predicted.parts.items():
        _say(f"{name:12} {size / 1e6:10,.1f} MB")
    _say(f"{'together':12} {predicted.peak / 1e6:10,.1f} MB, counted")
    _say(
        f"with what {whose} allocator keeps: about {gigabytes(int(usual))} GB ({gigabytes(int(low))} to "
        f"{gigabytes(int(high))}; {_source(calibration.count)})"
    )
    seconds = calibration.seconds(predicted)
    if seconds is not None:
        low, usual, high = seconds
        source = _source(calibration.speed_count)
        _say(f"time: about {usual:.3g} s ({low:.3g} to {high:.3g}; {source}), {predicted.operations / 1e9:,.1f} GFLOP")


def _source(count: int) -> str:
    return "by experience; --measure says more" if not count else f"measurements here: {count}"


def _say_curve(curve: Curve, calibration: Calibration) -> None:
    _say(f"over {curve.over}: what comes with the texts grows with power {curve.exponent:.2f} (R² {curve.fit:.4f})")
    for value, one in zip(curve.values, curve.predictions, strict=True):
        _say(f"{value:12,} {calibration.memory(one)[1] / 1e6:10,.1f} MB")


def _say_changes(
    config: PretrainedConfig, work: Workload, calibration: Calibration, room: float
) -> list[dict[str, Any]]:
    found = cheaper(config, work)
    before = found[0].operations
    _say("change             memory      work   the same   fits")
    for one in found:
        taken = calibration.memory(one.prediction)
        fits = "yes" if taken[2] <= room else "no" if taken[0] > room else "perhaps"
        _say(
            f"{one.name:18} {gigabytes(int(taken[1])):>5} GB {one.operations / before:8.2f} × "
            f"{'yes' if one.same else 'no':>8} {fits:>8}"
        )
    return [change_facts(one, calibration) for one in found]


def _table(device: Device) -> dict[str, Any]:
    """Put the three rows to the test: by counting, and where they were measured here by that."""
    points = {(one.shape, one.work): one for one in kept_points(measurements_folder(), device.name)}
    found = {}
    for name, claim in CLAIMS.items():
        _say(f"{name}: {claim.work.batch} × {claim.work.length}, said to need {claim.words} GB")
        config = find_config(claim.shape)
        for kernel in KERNELS:
            work = claim.by(kernel)
            predicted = predict(config, work)
            taken = on_a_card(predicted, calibrate((), "cuda", work))
            said = verdict(claim, taken)
            line = f"  {kernel:6} counted {gigabytes(predicted.peak):>5} GB: {said}, a card of {card_for(taken)} GB"
            row: dict[str, Any] = {"counted_bytes": predicted.peak, "verdict": said, "card": card_for(taken)}
            point = points.get((shape_digest(config), work))
            if point is not None:
                row |= {"measured_bytes": point.taken, "verdict_measured": verdict(claim, as_measured(point))}
                line += f"; measured {gigabytes(point.taken)} GB: {row['verdict_measured']}"
            _say(line)
            found[f"{name}, {kernel}"] = row
    return found


def _waiting(seconds: float) -> None:
    if sys.stderr.isatty():
        print(f"\rmeasuring: {seconds:.0f} s", end="", file=sys.stderr, flush=True)  # noqa: T201


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - to its terminal
