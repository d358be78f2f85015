"""Embed a corpus from a terminal, on one process or on many: ``accelerate launch -m interpret.embeddings CORPUS OUT``.

Every process works out the same plan, reads its own share of the texts, and writes it into one file of vectors that
all of them see. OUT is what `interpret.load_embeddings` opens.
"""

import argparse
import sys
import time
from pathlib import Path

from accelerate import PartialState

from interpret.embeddings.corpus import fill
from interpret.embeddings.plan import plan_corpus
from interpret.embeddings.store import create_vectors, describe, open_vectors
from interpret.encoder import load_encoder
from interpret.errors import InputError, InterpretError
from interpret.files import SUFFIXES, read_table


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser("interpret.embeddings", description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help=f"a file of texts: {' '.join(SUFFIXES)}")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to write; it may not exist yet")
    parser.add_argument("--column", help="the column with the texts; by default the one with the longest")
    parser.add_argument("--model", default="minilm", help="minilm, a hub id, or a folder (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help="auto, float32, bfloat16, float16 (default: %(default)s)")
    parser.add_argument("--layers", default="all", help="all, or numbers such as 0,6,-1 (default: %(default)s)")
    parser.add_argument("--pooling", default="mean", choices=("mean", "cls", "max"), help="default: %(default)s")
    parser.add_argument("--level", default="texts", choices=("texts", "words", "tokens"), help="default: %(default)s")
    parser.add_argument("--word", help="with --level words: only this word's occurrences")
    given = parser.parse_args(arguments)
    state = PartialState(cpu=given.device == "cpu" or None)
    try:
        _work(given, state)
    except InterpretError as error:
        print(f"interpret.embeddings: {error}", file=sys.stderr)  # noqa: T201 - a command speaks to its terminal
        return 2
    finally:
        state.destroy_process_group()
    return 0


def _work(given: argparse.Namespace, state: PartialState) -> None:
    texts = _texts(given.corpus, given.column)
    device = str(state.device) if state.device.type == "cuda" else given.device
    encoder = load_encoder(given.model, device, given.precision)
    plan = plan_corpus(encoder, texts, _layers(given.layers), given.pooling, given.level, given.word)
    # All look before one makes it, so that all stop together: one that stopped alone would leave the others waiting.
    taken = given.out.exists()
    state.wait_for_everyone()
    if taken:
        raise InputError("“{out}” is there already. Give a new folder.", out=str(given.out))
    if state.is_main_process:
        given.out.mkdir(parents=True)
        create_vectors(given.out, plan).flush()
    state.wait_for_everyone()
    if not given.out.is_dir():
        raise InputError("“{out}” is not seen by every machine. Give a folder that all share.", out=str(given.out))
    begin = time.perf_counter()
    vectors = open_vectors(given.out)

    def progress(done: int, total: int, _stage: str) -> None:
        if state.is_main_process and sys.stderr.isatty():
            print(f"\r{done:,} of {total:,} pieces", end="", file=sys.stderr)  # noqa: T201

    fill(encoder, plan, vectors, progress, (state.process_index, state.num_processes))
    vectors.flush()
    state.wait_for_everyone()
    if state.is_main_process:
        describe(given.out, encoder, texts, plan, time.perf_counter() - begin)
        layers, items, width = plan.shape
        print(f"{given.out}: {layers} layers × {items:,} × {width}, {plan.bytes / 1e9:.2f} GB")  # noqa: T201


def _texts(file: Path, column: str | None) -> list[str]:
    try:
        table = read_table(file.read_bytes(), file.name)
    except OSError as error:
        raise InputError("“{file}” cannot be read: {error}.", file=str(file), error=str(error)) from error
    if column is None:
        place = table.longest_column
    elif column in table.columns:
        place = table.columns.index(column)
    else:
        raise InputError(
            "“{file}” has no column “{column}”. It has: {columns}.",
            file=file.name,
            column=column,
            columns=", ".join(table.columns),
        )
    texts = [row[place] for row in table.rows if row[place].strip()]
    if not texts:
        raise InputError("The column “{column}” of “{file}” is empty.", column=table.columns[place], file=file.name)
    return texts


def _layers(given: str) -> str | list[int]:
    if given == "all":
        return given
    try:
        return [int(part) for part in given.split(",")]
    except ValueError as error:
        raise InputError("The layers “{layers}” are none. Give “all”, or a list of numbers.", layers=given) from error


if __name__ == "__main__":
    sys.exit(main())
