"""The first lines of every snippet of Python that a page offers."""

from __future__ import annotations

import interpret as it
from dashboard.subject import Subject


def table_lines(name: str) -> str:
    """Write the lines that read a file that was uploaded."""
    return (
        "from pathlib import Path\n\nfrom interpret.core.files import read_table\n\n"
        f"table = read_table(Path({name!r}).read_bytes(), {name!r})\n"
    )


def encoder_lines(spec: it.EncoderSpec) -> str:
    """Write the lines that load this encoder."""
    checkpoint = spec.checkpoint
    name = repr(checkpoint.name)
    if checkpoint.source == "hub":
        name = f"it.find_checkpoint({checkpoint.name!r}, revision={checkpoint.revision!r})"
    return (
        "import interpret as it\n\n"
        f"encoder = it.load_encoder({name}, device={spec.device!r}, precision={spec.precision!r})\n"
    )


def trace_lines(subject: Subject) -> str:
    """Write the lines that load the encoder and trace the text."""
    second = f", pair={subject.pair!r}" if subject.pair is not None else ""
    return encoder_lines(subject.spec) + f"trace = it.trace(encoder, {subject.text!r}{second})\n"
