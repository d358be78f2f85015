"""All kinds of hostile input, and what tries some number of each."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import torch

from tests.attack import addresses, checkpoints, runs, tables
from tests.attack.isolation import Attempt, attempt

# What divides into processes has no threads of PyTorch's own, which would not be there after it.
torch.set_num_threads(1)

Work = Callable[[], object]
KINDS = ("table", "other file", "checkpoint", "run", "address")


@dataclass(frozen=True)
class Tried:
    """An input, by its kind and number, with what came of it."""

    kind: str
    number: int
    name: str
    attempt: Attempt


def attacks(kind: str, numbers: range) -> Iterator[Tried]:
    """Try the inputs of a kind that have some numbers."""
    with ExitStack() as stack:
        make = _maker(kind, stack)
        for number in numbers:
            with TemporaryDirectory() as temporary:
                folder = Path(temporary)
                random = Random(f"{kind} {number}")
                name, work = make(random, folder)
                yield Tried(kind, number, name, attempt(_in_folder(work, folder)))


def _maker(kind: str, stack: ExitStack) -> Callable[[Random, Path], tuple[str, Work]]:
    if kind == "table":
        return lambda random, _folder: tables.table_file(random)
    if kind == "other file":
        return lambda random, _folder: tables.other_file(random)
    if kind == "checkpoint":
        folders = stack.enter_context(checkpoints.whole_folders())
        return lambda random, folder: checkpoints.checkpoint(random, folders, folder)
    if kind == "address":
        server = stack.enter_context(addresses.a_server())
        return lambda random, folder: addresses.address(random, server, folder)
    whole = stack.enter_context(runs.whole_runs())
    return lambda random, folder: runs.run(random, whole, folder)


def _in_folder(work: Work, folder: Path) -> Work:
    def confined() -> object:
        os.environ["BERTOSCOPE_CACHE"] = str(folder / "cache")
        return work()

    return confined
