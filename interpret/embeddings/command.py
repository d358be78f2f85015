"""What the command that embeds a corpus does, in one process or in many.

Every process works out the same plan, reads its own share of the texts, and writes a file of its own into OUT, which
the first one then joins.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import CapacityError, InputError, InterpretError
from interpret.core.extras import needed_for
from interpret.core.units import gigabytes
from interpret.embeddings.corpus import fill, items_of
from interpret.embeddings.corpus_file import corpus_texts
from interpret.embeddings.reading_plan import Plan, plan_corpus
from interpret.embeddings.store import create_vectors, describe, open_vectors

with needed_for("embeddings"):
    from accelerate import PartialState
    from accelerate.utils import gather_object

T = TypeVar("T")


def run(args: argparse.Namespace, name: str, texts: list[str] | None) -> int:
    """Do what the command is asked; returns its exit status.

    Parameters
    ----------
    args
        What `interpret.embeddings.arguments` reads.
    name
        What the command is called where it says what is wrong.
    texts
        What `interpret.embeddings.corpus_file` has read; None where the processes are to agree on that too.
    """
    state = PartialState(cpu=args.device == "cpu" or None)
    try:
        _work(args, texts, state)
    except InterpretError as error:
        if state.is_main_process:
            print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - to its terminal
        return 2
    finally:
        state.destroy_process_group()
    return 0


def _work(args: argparse.Namespace, texts: list[str] | None, state: PartialState) -> None:
    texts, encoder, plan = _agreed(lambda: _prepared(args, texts, state))
    share = (state.process_index, state.num_processes)
    # Each writes a file of its own: pages of one file that two machines write are not kept apart by every file system.
    part = args.out / f".part-{share[0]}"
    _agreed(lambda: _made(args.out, part, plan))
    _agreed(lambda: _seen(args.out, state))
    begin = time.perf_counter()

    def progress(done: int, total: int, _stage: str) -> None:
        if state.is_main_process and sys.stderr.isatty():
            print(f"\r{done:,} of {total:,} tokens", end="", file=sys.stderr)  # noqa: T201

    def read() -> None:
        vectors = create_vectors(part, plan)
        fill(encoder, plan, vectors, progress, share)
        vectors.flush()

    _agreed(read)
    if state.is_main_process:
        _joined(args.out, plan, state.num_processes)
        describe(args.out, encoder, texts, plan, time.perf_counter() - begin)
        layers, items, width = plan.shape
        print(f"{args.out}: {layers} layers × {items:,} × {width}, {plan.bytes / 1e9:.2f} GB")  # noqa: T201


def _agreed(work: Callable[[], T]) -> T:
    """Do a step in every process; if it fails in one, raise that error in all, so that none is left waiting."""
    result, said = None, None
    try:
        result = work()
    except (InterpretError, OSError) as error:
        said = str(error)
    errors = [one for one in gather_object([said]) if one]
    if errors:
        raise InterpretError("{error}", error=errors[0])
    return cast(T, result)


def _prepared(
    args: argparse.Namespace, texts: list[str] | None, state: PartialState
) -> tuple[list[str], Encoder, Plan]:
    if texts is None:
        texts = corpus_texts(args.corpus, args.column, args.out)
    # With several GPUs each process has one of its own.
    spread = state.device.type == "cuda" and args.device in ("auto", "cuda")
    encoder = load_encoder(args.model, str(state.device) if spread else args.device, args.precision)
    layers, prompt = _layers(args.layers), _prompt(args, encoder)
    plan = plan_corpus(encoder, texts, layers, args.pooling, args.level, args.word, prompt=prompt)
    return texts, encoder, plan


def _prompt(args: argparse.Namespace, encoder: Encoder) -> str | None:
    if args.prompt_name is None or args.prompt is not None:
        return args.prompt
    known = {} if encoder.sentence is None else encoder.sentence.prompts
    if args.prompt_name not in known:
        raise InputError(
            "The model has no prompt “{name}”. It has: {known}.",
            name=args.prompt_name,
            known=", ".join(known) or "–",
        )
    return known[args.prompt_name]


def _made(out: Path, part: Path, plan: Plan) -> None:
    out.mkdir(parents=True, exist_ok=True)
    part.mkdir()
    # All parts hold as much as the whole together, and the whole comes to stand beside them.
    room = shutil.disk_usage(out).free
    if 2 * plan.bytes > room:
        raise CapacityError(
            "The vectors need {needed} GB on disk, but only {room} GB are free. Read fewer texts, or keep fewer "
            "layers.",
            needed=gigabytes(2 * plan.bytes),
            room=gigabytes(room),
        )


def _seen(out: Path, state: PartialState) -> None:
    if state.is_main_process and len(list(out.glob(".part-*"))) < state.num_processes:
        raise InputError("Not every machine can see “{out}”. Give a folder that all of them share.", out=str(out))


def _joined(out: Path, plan: Plan, count: int) -> None:
    vectors = create_vectors(out, plan)
    for rank in range(count):
        part = out / f".part-{rank}"
        items = items_of(plan, (rank, count))
        source = open_vectors(part)
        for row in range(len(plan.layers)):
            vectors[row, items] = source[row, items]
        del source
        shutil.rmtree(part)
    vectors.flush()


def _layers(args: str) -> str | list[int]:
    if args == "all":
        return args
    try:
        return [int(part) for part in args.split(",")]
    except ValueError as error:
        raise InputError("“{layers}” names no layers. Give “all” or a list of layer numbers.", layers=args) from error
