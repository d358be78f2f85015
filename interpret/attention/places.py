"""Whether there is such a layer, head or token, and whether a trace is this encoder's."""

import numpy as np

from interpret.encoder import Encoder
from interpret.errors import InputError
from interpret.tracing import Trace


def check_place(name: str, place: int, count: int) -> None:
    """Refuse a place that is not there; ``name`` is what it is a place of."""
    if not (isinstance(place, int | np.integer) and 0 <= place < count):
        raise InputError(
            "There is no {name} {place}: they go from 0 to {last}.", name=name, place=place, last=count - 1
        )


def check_same(encoder: Encoder, trace: Trace) -> None:
    """Refuse a trace that another encoder made: the numbers of two models would be mixed."""
    if encoder.spec != trace.spec:
        raise InputError(
            "The trace was made by “{one}” ({device}, {precision}) and not by this encoder. Trace the text again.",
            one=trace.spec.checkpoint.name,
            device=trace.spec.device,
            precision=trace.spec.precision,
        )
