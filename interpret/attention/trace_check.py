"""Whether a trace is this encoder's."""

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.trace import Trace


def check_same(encoder: Encoder, trace: Trace) -> None:
    """Refuse a trace that another encoder made: the numbers of two models would be mixed."""
    if encoder.spec != trace.spec:
        raise InputError(
            "The trace was made by “{one}” ({device}, {precision}), not by this encoder. Trace the text again.",
            one=trace.spec.checkpoint.name,
            device=trace.spec.device,
            precision=trace.spec.precision,
        )
