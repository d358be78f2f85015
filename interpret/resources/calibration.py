"""How far what was counted is from what work takes on a device: from what was measured there, or else by experience."""

import json
import math
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import torch
from filelock import FileLock
from scipy.stats import t as student
from transformers import PretrainedConfig

from interpret.core.devices import find_device
from interpret.core.files import write_whole
from interpret.resources.configs import shape_digest, shape_facts
from interpret.resources.measurement import KEPT, Measurement
from interpret.resources.prediction import Prediction
from interpret.resources.workload import Workload

Range = tuple[float, float, float]
_FILE = "measurements.json"
# The newest of all devices; a year of somebody who measures every day.
_MOST = 500
# A card's own allocator gives whole blocks, which leave gaps; nobody of us has measured how many.
_KEPT_ON_A_CARD: Range = (0.0, 0.05, 0.25)
# What a model reaches of the speed of its largest products.
_SHARE_OF_PRODUCTS: Range = (0.35, 0.7, 1.05)
# Of smaller work a process's own needs, some megabytes and milliseconds, would be taken for what depends on it.
_LEAST_MOVING, _LEAST_OPERATIONS = 20_000_000, 5_000_000_000
# How far two measurements of the same may be apart: in what is kept, and as a ratio of speeds.
_SAME_SHARE, _SAME_SPEED = 0.05, 1.1
# From so many on their own spread says where the next one lies.
_LEAST = 3
_LEVEL = 0.95
_WIDTH_OF_PRODUCTS, _SECONDS_OF_PRODUCTS = 2048, 0.25


@dataclass(frozen=True)
class Point:
    """One measurement beside what was counted for it.

    Attributes
    ----------
    model, shape
        What the model is called, by a public name or its architecture and size; and what tells its config from others.
    work
        What was done.
    device, description
        Where: PyTorch's name, and the product's.
    counted, weights
        Bytes by `interpret.resources.predict`, and those of the weights among them.
    operations
        Floating-point operations of an answer or step.
    taken
        Bytes that were measured.
    seconds
        Of each answer or step.
    versions
        Of PyTorch, and of the system's C library.
    made
        When, in seconds since 1970.
    """

    model: str
    shape: str
    work: Workload
    device: str
    description: str
    counted: int
    weights: int
    operations: int
    taken: int
    seconds: tuple[float, ...]
    versions: str
    made: float

    @property
    def kept(self) -> float:
        """Of what comes and goes, the share that was taken beside it."""
        return (self.taken - self.counted) / self.moving

    @property
    def moving(self) -> int:
        """Bytes that come and go."""
        return self.counted - self.weights

    @property
    def typical(self) -> float:
        """The median of the seconds."""
        return median(self.seconds)

    @property
    def speed(self) -> float:
        """Floating-point operations a second."""
        return self.operations / self.typical


@dataclass(frozen=True)
class Calibration:
    """What to make of a prediction on a device.

    Attributes
    ----------
    count
        How many measurements it is made of; 0 where it is experience with other machines.
    kept
        Of what comes and goes, the share that is taken beside it: the lower end of an interval, the usual, the upper
        end.
    speed
        Floating-point operations a second: likewise. None where nothing is known.
    speed_count
        How many measurements the speed is made of.
    """

    count: int
    kept: Range
    speed: Range | None = None
    speed_count: int = 0

    def memory(self, predicted: Prediction) -> Range:
        """Return the bytes that work takes: the lower end, the usual, the upper end."""
        return self.expected(predicted.peak, predicted.parts["weights"])

    def expected(self, counted: int, weights: int) -> Range:
        """Return the same for so many bytes that were counted, and those of the weights among them."""
        low, usual, high = (counted + one * (counted - weights) for one in self.kept)
        return low, usual, high

    def seconds(self, predicted: Prediction) -> Range | None:
        """Return the seconds that an answer or a step takes: the lower end, the usual, the upper end."""
        if self.speed is None:
            return None
        slow, usual, fast = self.speed
        return predicted.operations / fast, predicted.operations / usual, predicted.operations / slow


def make_point(config: PretrainedConfig, predicted: Prediction, found: Measurement, name: str = "") -> Point:
    """Put a measurement beside what was counted for it.

    Parameters
    ----------
    name
        What the model is called, where that is known to everybody; else its architecture and size are its name.

    Examples
    --------
    >>> from interpret.resources import Measurement, Workload, find_config, make_point, predict
    >>> config, work = find_config("bert-base"), Workload(8, 128)
    >>> found = Measurement(work, "cpu", before=400_000_000, peak=550_000_000, seconds=(1.0, 1.2))
    >>> point = make_point(config, predict(config, work), found)
    >>> point.model, point.typical
    ('bert 12 × 768', 1.1)
    """
    facts = shape_facts(config)
    return Point(
        model=name or f"{config.model_type} {facts['layers']} × {facts['width']}",
        shape=shape_digest(config),
        work=found.work,
        device=found.device,
        description=find_device(found.device).description,
        counted=predicted.peak,
        weights=predicted.parts["weights"],
        operations=predicted.operations,
        taken=found.peak,
        seconds=found.seconds,
        versions=_versions(),
        made=time.time(),
    )


def keep_point(folder: Path, point: Point) -> None:
    """Write a measurement beside those of before, of which the oldest go; one of the same work is replaced.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from interpret.resources import Workload, find_config, keep_point, kept_points, make_point, measure, predict
    >>> config, work, folder = find_config("bert-tiny"), Workload(4, 32), Path(tempfile.mkdtemp())
    >>> keep_point(folder, make_point(config, predict(config, work), measure(config, work)))
    >>> [one.model for one in kept_points(folder)]
    ['bert 2 × 128']
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The page and a terminal's command may both be at the end of one.
    with FileLock(folder / f".{_FILE}.lock"):
        others = [one for one in kept_points(folder) if _same(one) != _same(point)]
        write_whole(folder / _FILE, json.dumps([asdict(one) for one in [*others, point][-_MOST:]]))


def kept_points(folder: Path, device: str = "") -> tuple[Point, ...]:
    """Return the measurements that are kept in a folder, the newest last; of one device where it is named.

    What is damaged is passed over: it can be measured again.

    Examples
    --------
    >>> from pathlib import Path
    >>> from interpret.resources import kept_points
    >>> kept_points(Path("no/such/folder"))
    ()
    """
    found: list[Point] = []
    with suppress(OSError, ValueError, TypeError, RecursionError):
        for one in json.loads((folder / _FILE).read_text("utf-8")):
            with suppress(TypeError, ValueError, LookupError, OverflowError):
                found.append(_read(one))
    wanted = "" if not device else find_device(device).description
    return tuple(one for one in found if not device or (one.description, one.versions) == (wanted, _versions()))


def calibrate(points: Sequence[Point], device: str, work: Workload, speed: float | None = None) -> Calibration:
    """Say what to make of predictions of such work.

    Of three measurements or more, of work whose memory comes and goes as this one's, the next is expected in the 95%
    prediction interval of Student's t (for speeds of their logarithms). Of fewer it is as wide as experience says, and
    never so narrow that it leaves one of them out. Work so small that a process's own needs outweigh it says nothing.

    Parameters
    ----------
    points
        What was measured on the device: see `kept_points`.
    device
        PyTorch's name.
    speed
        What `product_speed` found, for where no time was measured.

    Examples
    --------
    >>> from interpret.resources import Workload, calibrate
    >>> found = calibrate([], "cpu", Workload(training=True))
    >>> found.count, found.speed
    (0, None)
    """
    alike = [one for one in points if one.work.manner == work.manner and one.moving >= _LEAST_MOVING]
    before = _KEPT_ON_A_CARD if device.startswith("cuda") else KEPT[work.manner]
    kept = [one.kept for one in alike]
    timed = [math.log(one.speed) for one in points if one.operations >= _LEAST_OPERATIONS and _as_fast(one.work, work)]
    speeds: Range | None = None
    if timed:
        ratio = _SHARE_OF_PRODUCTS[2] / _SHARE_OF_PRODUCTS[1]
        low, usual, high = _interval(timed, (-math.log(ratio), 0.0, math.log(ratio)), math.log(_SAME_SPEED))
        speeds = math.exp(low), math.exp(usual), math.exp(high)
    elif speed is not None:
        slow, most, fast = (share * speed for share in _SHARE_OF_PRODUCTS)
        speeds = slow, most, fast
    return Calibration(
        count=len(alike),
        kept=_interval(kept, tuple(one - before[1] for one in before), _SAME_SHARE) if kept else before,
        speed=speeds,
        speed_count=len(timed),
    )


def product_speed(device: str, precision: str) -> float:
    """Return how many floating-point operations a second a device reaches in a large matrix product, in a moment.

    Examples
    --------
    >>> from interpret.resources import product_speed
    >>> product_speed("cpu", "float32") > 1e8
    True
    """
    from interpret.core.device_lock import lock_device, synchronize
    from interpret.core.devices import PRECISIONS

    with lock_device(device), torch.inference_mode():
        one = torch.ones(_WIDTH_OF_PRODUCTS, _WIDTH_OF_PRODUCTS, dtype=PRECISIONS[precision], device=device)
        one @ one
        synchronize(device)
        begin, count = time.perf_counter(), 0
        while count < 2 or time.perf_counter() - begin < _SECONDS_OF_PRODUCTS:
            one @ one
            synchronize(device)
            count += 1
        return 2 * _WIDTH_OF_PRODUCTS**3 * count / (time.perf_counter() - begin)


def _as_fast(one: Workload, other: Workload) -> bool:
    same = one.precision == other.precision and one.training == other.training
    return same and (one.kernel == "eager") == (other.kernel == "eager")


def _interval(values: Sequence[float], beside: Sequence[float], least: float) -> Range:
    """Return where the next value is expected.

    Parameters
    ----------
    beside
        How far from the values where these are few.
    least
        How far at least: as far apart are two measurements of the same.
    """
    middle = mean(values)
    if len(values) < _LEAST:
        return min(values) + beside[0], middle, max(values) + beside[2]
    half = float(student.ppf((1 + _LEVEL) / 2, len(values) - 1)) * stdev(values) * math.sqrt(1 + 1 / len(values))
    return min(middle - max(half, least), *values), middle, max(middle + max(half, least), *values)


def _same(point: Point) -> Any:
    return point.shape, point.work, point.description


def _read(given: Any) -> Point:
    kinds = {one.name: one.type for one in fields(Point)}
    if set(given) != set(kinds) or not all(
        type(given[name]) is kind for name, kind in kinds.items() if kind in (int, str)
    ):
        raise ValueError("no measurement")
    read: dict[str, Any] = {
        "work": _read_work(given["work"]),
        "seconds": tuple(map(float, given["seconds"])),
        "made": float(given["made"]),
    }
    point = Point(**given | read)
    whole = (point.counted, point.weights, point.operations, point.taken)
    times = point.seconds and all(0 < one < math.inf for one in point.seconds)
    if not times or not all(0 <= one < 1 << 63 for one in whole) or not 0 <= point.made < math.inf:
        raise ValueError("no measurement")
    if not point.weights < point.counted or not point.operations:
        raise ValueError("no measurement")
    return point


def _read_work(given: Any) -> Workload:
    usual = asdict(Workload())
    frozen = given["frozen"]
    alike = all(type(given[name]) is type(usual[name]) for name in usual if name != "frozen")
    if set(given) != set(usual) or not alike or not all(isinstance(one, str) for one in frozen):
        raise ValueError("no work")
    return Workload(**given | {"frozen": tuple(frozen)})


def _versions() -> str:
    return f"{torch.__version__} {'-'.join(filter(None, platform.libc_ver()))}".strip()
