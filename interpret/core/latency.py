"""How long models take for one text, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device, synchronize
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.hub import Progress

_WARM_UP = 2
# Fewer have no 95% interval of their median.
_LEAST_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Latency:
    """How long each model took for a text, round by round.

    Attributes
    ----------
    seconds
        Wall time of each pass; in a round every model has one.
    tokens
        How many tokens each model read.
    """

    seconds: Float64[np.ndarray, "model round"]
    tokens: tuple[int, ...]

    @property
    def median(self) -> Float64[np.ndarray, " model"]:
        """The median time of each."""
        return read_only(np.median(self.seconds, axis=1), np.float64)

    @property
    def quartiles(self) -> Float64[np.ndarray, "model 2"]:
        """Between which times the middle half of its passes lies."""
        return read_only(np.quantile(self.seconds, (0.25, 0.75), axis=1).T, np.float64)

    def ratio(self, model: int, to: int = 0) -> tuple[float, tuple[float, float]]:
        """Return how many times as long one takes as another: the median of the rounds' ratios, and its 95% interval.

        The interval is between two order statistics (Conover 1999, section 3.2), which asks nothing of how times are
        distributed.
        """
        ratios = np.sort(self.seconds[model] / self.seconds[to])
        return float(np.median(ratios)), median_interval(ratios)


def median_interval(values: Float64[np.ndarray, " value"]) -> tuple[float, float]:
    """Return the 95% interval of a median, between two of the values (Conover 1999, section 3.2).

    Examples
    --------
    >>> import numpy as np
    >>> median_interval(np.arange(1.0, 10.0))
    (2.0, 8.0)
    """
    from scipy.stats import binom

    ordered = np.sort(values)
    # The most values that may be left out at each end, so that both tails together have 5% at most.
    outside = int(binom.ppf(0.025, len(ordered), 0.5)) - 1
    while outside >= 0 and 2 * binom.cdf(outside, len(ordered), 0.5) > 0.05:
        outside -= 1
    if outside < 0:
        return float("nan"), float("nan")
    return float(ordered[outside]), float(ordered[-1 - outside])


def measure_latency(
    encoders: Sequence[Encoder],
    text: str,
    pair: str | None = None,
    rounds: int = 15,
    most_seconds: float = 4.0,
    progress: Progress | None = None,
) -> Latency:
    """Measure how long models take for one text, one after another in every round, so that a busy moment hits all.

    It is the time of a pass of the bare encoder, with one text as its batch: inputs to the device, hidden states on it.

    Parameters
    ----------
    rounds
        How many passes each model is measured on, 6 at least; two more before are not counted.
    most_seconds
        Rounds end after so long, but for the first six.
    progress
        Called as ``progress(rounds done, rounds in all, "rounds")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there is no model, too few rounds, or a model cannot read the text.

    Examples
    --------
    >>> import interpret as it
    >>> encoders = [it.load_encoder("minilm"), it.load_encoder("minilm-l3")]
    >>> latency = it.measure_latency(encoders, "The bank was steep.")
    >>> latency.seconds.shape  # model round
    (2, 15)
    >>> latency.tokens
    (7, 7)
    """
    if not encoders or rounds < _LEAST_ROUNDS:
        raise InputError(
            "To measure how long models take, at least one model and {least} rounds are needed; given: {models} and "
            "{rounds}.",
            least=_LEAST_ROUNDS,
            models=len(encoders),
            rounds=rounds,
        )
    read = [encoder.tokens(text, pair) for encoder in encoders]
    found: list[list[float]] = []
    begin = time.perf_counter()
    for number in range(-_WARM_UP, rounds):
        if number == 0:
            begin = time.perf_counter()
        if number >= _LEAST_ROUNDS and time.perf_counter() - begin > most_seconds:
            break
        taken = []
        # Whose turn is first changes, so that none is always the one behind a larger model.
        order = range(len(encoders)) if number % 2 else reversed(range(len(encoders)))
        for index in order:
            device = encoders[index].spec.device
            with lock_device(device):
                synchronize(device)
                start = time.perf_counter()
                encoders[index].forward([read[index]])
                synchronize(device)
                taken.append((index, time.perf_counter() - start))
        if number >= 0:
            found.append([seconds for _index, seconds in sorted(taken)])
            if progress is not None:
                progress(number + 1, rounds, "rounds")
    return Latency(read_only(np.array(found).T, np.float64), tuple(map(len, read)))
