"""Print the table of all claims, each tried far more often than in the tests: ``python -m tests.oracles``."""

import argparse
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}

from transformers.utils import logging

from tests.oracles import World, all_claims

_LIBRARIES = (
    "torch",
    "transformers",
    "captum",
    "scikit-learn",
    "scipy",
    "networkx",
    "peft",
    "sentence-transformers",
    "seqeval",
)


def main() -> int:
    """Run every claim; returns 1 where one is missed."""
    asked = argparse.ArgumentParser(prog="python -m tests.oracles", description=__doc__)
    asked.add_argument("--rounds", type=int, default=5, help="how often each claim is tried, with other seeds")
    asked.add_argument("--only", default="", help="words of the claims to try")
    given = asked.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    begin, missed = time.perf_counter(), 0
    print("| claim | equal to | largest difference | bound | comparisons |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), given.rounds)
        for one in all_claims():
            if given.only not in f"{one.title} {one.oracle}":
                continue
            largest, count = one.measure(world)
            missed += largest > one.bound
            mark = " **missed**" if largest > one.bound else ""
            print(f"| {one.title} | {one.oracle} | {largest:.1e}{mark} | {one.bound:.0e} | {count:,} |", flush=True)
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    print(f"\n{platform.machine()}, {libraries}; {time.perf_counter() - begin:.0f} s; missed: {missed}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
