"""The first lines of every snippet of Python that a page offers."""

from __future__ import annotations

import interpret as it


def table_lines(name: str) -> str:
    """Write the lines that read a file that was uploaded."""
    return (
        "from pathlib import Path\n\nfrom interpret.core.files import read_table\n\n"
        f"table = read_table(Path({name!r}).read_bytes(), {name!r})\n"
    )


def encoder_lines(spec: it.EncoderSpec, text: str | None = None, pair: str | None = None) -> str:
    """Write the lines that load this encoder and, where a text is given, trace it."""
    checkpoint = spec.checkpoint
    name = repr(checkpoint.name)
    if checkpoint.source == "hub":
        name = f"it.find_checkpoint({checkpoint.name!r}, revision={checkpoint.revision!r})"
    lines = [
        "import interpret as it",
        "",
        f"encoder = it.load_encoder({name}, device={spec.device!r}, precision={spec.precision!r})",
    ]
    if text is not None:
        second = f", pair={pair!r}" if pair is not None else ""
        lines.append(f"trace = it.trace(encoder, {text!r}{second})")
    return "\n".join(lines) + "\n"
