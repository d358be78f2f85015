"""Check everything that only a card can tell: ``python -m tests.gpu_check``; see `docs/gpu.md`."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}

import torch
from transformers.utils import logging

from tests.gpu_check.check import Shapes, World, run
from tests.gpu_check.steps import ALL


def main(arguments: list[str] | None = None) -> int:
    """Run the steps; returns 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu_check", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="shapes for a machine without a card")
    parser.add_argument("--seconds", type=float, default=480, help="with less left than a step may take, it is not run")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="words of the names of steps to run")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", ".")) / "gpu-check.json")
    asked = parser.parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; --device cpu --tiny tries the script itself")
    steps = [one for one in ALL if not asked.only or any(word in one.name for word in asked.only)]
    if not steps:
        parser.error(f"no step is called so; there are: {'; '.join(one.name for one in ALL)}")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        world = World(asked.device, Shapes.tiny() if asked.tiny else Shapes.real(), Path(folder))
        rows = run(steps, world, asked.seconds, asked.out)
    return int(any(row.state == "failed" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
