"""What fits: memory over lengths and batches, the largest batch, and what to change where it does not."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from transformers import PretrainedConfig

from interpret.core.errors import InterpretError
from interpret.core.families import find_family
from interpret.core.layer_groups import EMBEDDINGS
from interpret.resources.calibration import Calibration
from interpret.resources.configs import longest, shape_facts
from interpret.resources.prediction import Prediction, predict
from interpret.resources.workload import MOST_TOKENS, Workload

Progress = Callable[[int, int, str], None]
Predict = Callable[[PretrainedConfig, Workload], Prediction]
# Where a batch that fits is looked for.
MOST_TEXTS = 4096
_RANK = 8


@dataclass(frozen=True)
class Curve:
    """What work takes over lengths or batches.

    Attributes
    ----------
    over
        ``"length"`` or ``"batch"``.
    predictions
        In rising order of it.
    exponent
        What comes with the texts (`Prediction.working`) grows with this power, by least squares on logarithms; NaN of
        one point.
    fit
        The share of variance that this explains (R²).
    """

    over: str
    predictions: tuple[Prediction, ...]
    exponent: float
    fit: float

    @property
    def values(self) -> tuple[int, ...]:
        """The lengths or batches."""
        return tuple(int(getattr(one.work, self.over)) for one in self.predictions)


@dataclass(frozen=True)
class Change:
    """Another way to the same end.

    Attributes
    ----------
    name
        ``"as it is"``, ``"flash"``, ``"bfloat16"``, ``"checkpointing"``, ``"smaller steps"`` (half the batch, twice as
        often), ``"lora"``, ``"lower half frozen"``, ``"shorter"`` (half the length) or ``"several"`` (the first four
        together).
    prediction
        What it takes.
    passes
        How many of its answers make one of before: 2 where the batch is halved.
    same
        Whether what is computed is the same but for rounding and chance.
    """

    name: str
    prediction: Prediction
    passes: int
    same: bool

    @property
    def operations(self) -> int:
        """Floating-point operations for what one step did before."""
        return self.passes * self.prediction.operations


def predict_curve(
    config: PretrainedConfig,
    work: Workload,
    over: str,
    values: Sequence[int] | None = None,
    progress: Progress | None = None,
    predict: Predict = predict,
) -> Curve:
    """Predict what work takes over lengths or batches.

    Parameters
    ----------
    over
        ``"length"`` or ``"batch"``.
    values
        The lengths or batches; unless given some powers of two around the work's own, which is among them.
    progress
        Called as ``progress(done, total, stage)``.
    predict
        Another way to the same predictions, such as one that keeps them.

    Raises
    ------
    InputError, CheckpointError
        See `interpret.resources.predict`.

    Examples
    --------
    >>> from interpret.resources import Workload, find_config, predict_curve
    >>> found = predict_curve(find_config("bert-tiny"), Workload(8, kernel="eager"), "length", (128, 256, 512))
    >>> found.values, round(found.exponent, 1), found.fit > 0.99
    ((128, 256, 512), 1.4, True)
    """
    values = usual_values(config, work, over) if values is None else values
    found = []
    for index, value in enumerate(values):
        if progress is not None:
            progress(index, len(values), over)
        found.append(predict(config, replace(work, **{over: value})))  # type: ignore[arg-type]
    exponent, fit = fit_exponent([float(one) for one in values], [float(one.working) for one in found])
    return Curve(over, tuple(found), exponent, fit)


def fit_exponent(values: Sequence[float], taken: Sequence[float]) -> tuple[float, float]:
    """Fit ``taken = c · valueᵏ`` by least squares on logarithms; return k and R².

    Examples
    --------
    >>> from interpret.resources import fit_exponent
    >>> [round(one, 6) for one in fit_exponent((1.0, 2.0, 4.0), (3.0, 12.0, 48.0))]
    [2.0, 1.0]
    """
    if len(values) < 2 or min(taken) <= 0:
        return math.nan, math.nan
    across, up = np.log(np.asarray(values, float)), np.log(np.asarray(taken, float))
    slope, begin = np.polyfit(across, up, 1)
    spread = float(np.square(up - up.mean()).sum())
    left = float(np.square(up - slope * across - begin).sum())
    return float(slope), 1 - left / spread if spread > 0 else math.nan


def usual_values(config: PretrainedConfig, work: Workload, over: str) -> tuple[int, ...]:
    """Return lengths or batches to draw a curve over: powers of two, and the work's own value."""
    if over == "batch":
        most = min(max(64, 4 * work.batch), MOST_TOKENS // work.length)
        some = {1 << power for power in range(13) if most // 64 <= 1 << power <= most}
        # Every second one: a curve over batches is a line.
        return tuple(sorted({*sorted(some)[::2], work.batch}))
    most = min(longest(config) or MOST_TOKENS, MOST_TOKENS // work.batch, max(2048, 2 * work.length))
    some = {1 << power for power in range(5, 24) if most // 32 <= 1 << power <= most}
    return tuple(sorted({*some, min(work.length, most)} | ({most} if most < 4096 else set())))


def most_texts(work: Workload) -> int:
    """Return the largest batch that `largest_batch` looks at."""
    return min(MOST_TEXTS, MOST_TOKENS // work.length)


def largest_batch(
    config: PretrainedConfig, work: Workload, room: float, calibration: Calibration, predict: Predict = predict
) -> int:
    """Return how many texts fit at once into so many bytes, as sure as the calibration is; 0 where not one does.

    What is taken grows in a straight line with the batch, but where another moment becomes the peak: from what two
    batches take the next one to look at is found, until one fits and the next larger one does not. Where that gets on
    slowly, the middle is looked at.

    Parameters
    ----------
    room
        Bytes for the model and its work, without the process that does it. No more than `MOST_TEXTS` are looked at.

    Examples
    --------
    >>> from interpret.resources import Workload, calibrate, find_config, largest_batch
    >>> work = Workload(training=True)
    >>> largest_batch(find_config("bert-base"), work, 1.5e9, calibrate([], "cpu", work))  # four times 438 MB
    0
    """
    most = most_texts(work)
    taken: dict[int, float] = {}

    def fits(batch: int) -> bool:
        taken[batch] = calibration.memory(predict(config, replace(work, batch=batch)))[2]
        return taken[batch] <= room

    if not fits(1):
        return 0
    low, high, look = 1, most + 1, min(most, max(2, work.batch))
    while high - low > 1:
        before = high - low
        if fits(look):
            low = look
        else:
            high = look
        # A line through the two that are nearest: those that fit and do not, or as long as all fit the last two.
        first, last = sorted(taken)[-2:] if high > most else (low, high)
        each = (taken[last] - taken[first]) / (last - first)
        guess = int(low + (room - taken[low]) / each) if each > 0 else (low + high) // 2
        slow = high <= most and 2 * (high - low) > before
        look = (low + high) // 2 if slow else min(max(guess, low + 1), high - 1)
    return low


def cheaper(
    config: PretrainedConfig, work: Workload, progress: Progress | None = None, predict: Predict = predict
) -> tuple[Change, ...]:
    """Return other ways to the same end, with what each takes; ways that the model or the work has not are left out.

    Examples
    --------
    >>> from interpret.resources import Workload, cheaper, find_config
    >>> found = cheaper(find_config("bert-tiny"), Workload(8, 64, training=True))
    >>> [one.name for one in found][:4]
    ['as it is', 'flash', 'bfloat16', 'checkpointing']
    """
    ways = list(_ways(config, work))
    found: list[Change] = []
    for index, (name, other, passes, same) in enumerate(ways):
        if progress is not None:
            progress(index, len(ways), "changes")
        try:
            predicted = predict(config, other)
        except InterpretError:
            # Not every architecture can: of some, layers cannot be computed again.
            if other == work:
                raise
            continue
        found.append(Change(name, predicted, passes, same))
    return tuple(found)


def _ways(config: PretrainedConfig, work: Workload) -> Iterator[tuple[str, Workload, int, bool]]:
    """Yield each way's name, its work, how many of its steps make one, and whether it computes the same."""
    family, layers = find_family(config.to_dict(), config.model_type), shape_facts(config)["layers"]
    several, passes = work, 1
    yield "as it is", work, 1, True
    if not family.relative and work.kernel != "flash" and (work.training or work.kernel == "eager"):
        several = replace(several, kernel="flash" if work.training else "sdpa")
        yield "flash", several, 1, True
    if work.precision == "float32":
        several = replace(several, precision="bfloat16")
        yield "bfloat16", replace(work, precision="bfloat16"), 1, True
    if work.training and not work.checkpointing:
        several = replace(several, checkpointing=True)
        yield "checkpointing", replace(work, checkpointing=True), 1, True
    if work.batch % 2 == 0:
        # Who learns adds up the gradients of both halves; answers come one after another.
        half, added = work.batch // 2, 2 * work.accumulation if work.training else 1
        passes = 1 if work.training else 2
        several = replace(several, batch=half, accumulation=added)
        yield "smaller steps", replace(work, batch=half, accumulation=added), passes, True
    if work.training and not work.lora_rank:
        yield "lora", replace(work, lora_rank=_RANK), 1, False
    if work.training and not work.frozen and not work.lora_rank and layers > 1:
        lower = (EMBEDDINGS, *map(str, range(layers // 2)))
        yield "lower half frozen", replace(work, frozen=lower), 1, False
    if work.length > 1:
        yield "shorter", replace(work, length=(work.length + 1) // 2), 1, False
    if replace(several, batch=work.batch, accumulation=work.accumulation) != work:
        yield "several", several, passes, True
