"""The commands on the library: what `python -m interpret.embeddings` and its like do, by names of their own."""

import sys
from importlib import import_module

from bertoscope_cli.sentence import in_one_sentence


def embed() -> int:
    """Run ``bertoscope-embed``; returns its exit status."""
    return _run("bertoscope-embed", "embeddings")


def attribute() -> int:
    """Run ``bertoscope-attribute``; returns its exit status."""
    return _run("bertoscope-attribute", "attribution")


def finetune() -> int:
    """Run ``bertoscope-finetune``; returns its exit status."""
    return _run("bertoscope-finetune", "finetuning")


def _run(prog: str, subject: str) -> int:
    return in_one_sentence(prog, lambda: int(import_module(f"interpret.{subject}.__main__").main(sys.argv[1:], prog)))
