"""What the command that explains a file can be told. It loads nothing, so that its help is there at once."""

import argparse
from pathlib import Path
from typing import Any

from interpret.core.terminal import Parser


def make_parser(prog: str) -> Parser:
    """Return what reads the command's arguments; ``prog`` is what the command is called."""
    parser = Parser(
        prog,
        "Attribute a model's prediction for each row of a file to the row's words, and write them as a CSV.",
        [
            f"{prog} letters.csv --out why.csv --fit labelled.csv --label topic",
            f"{prog} letters.csv --out why.csv --model my-model/model --text body --label topic",
        ],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="file with a text in each row: .csv .tsv .jsonl .txt …")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help="CSV to write")
    add_options(parser)
    return parser


def add_options(parser: Parser) -> None:
    """Let a command be told which columns, which model and how: what explaining a file's rows takes, by any command."""
    group = parser.add_argument_group("columns")
    group.add_argument("--text", metavar="NAME", help="column with the text (default: told by its name and content)")
    group.add_argument("--label", metavar="NAME", help="column with the label")
    group.add_argument("--highlights", metavar="NAME", help="column with the words that people marked")
    group = parser.add_argument_group("model")
    group.add_argument("--model", default="minilm", metavar="MODEL", help="built-in model, hub id, or folder")
    group.add_argument(
        "--fit",
        type=Path,
        metavar="FILE",
        help="labelled file to fit a classification head on, for a model without one",
    )
    group.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:1")
    group = parser.add_argument_group("attribution")
    group.add_argument(
        "--target",
        default="predicted",
        metavar="TARGET",
        help="what is explained: predicted, a class, norm, or unit LAYER.UNIT; see --list-targets",
    )
    group.add_argument("--list-targets", action=_ListTargets, nargs=0, help="list the targets, and exit")
    group.add_argument("--method", default="integrated_gradients", metavar="METHOD", help="see --list-methods")
    group.add_argument("--list-methods", action=_ListMethods, nargs=0, help="list the methods, and exit")
    group.add_argument(
        "--baseline",
        default="pad",
        choices=("pad", "mask", "zero", "mean"),
        help="baseline of the attribution: pad, mask, zero or mean",
    )
    group.add_argument(
        "--tolerance",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="largest completeness error of integrated gradients, as a share of what is explained",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random")


class _ListTargets(argparse.Action):
    """Says which targets there are, but for those that compare two texts: a row has one."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print them, and end."""
        from interpret.attribution.targets import in_order

        kinds = [kind for kind in in_order() if not kind.compares]
        width = max(len(kind.syntax) for kind in kinds)
        print("\n".join(f"{kind.syntax:{width}}  {kind.title}" for kind in kinds))  # noqa: T201 - to its terminal
        parser.exit()


class _ListMethods(argparse.Action):
    """Says which methods there are: each registers itself, and they stand on PyTorch, which no help waits for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print them, and end."""
        from interpret.attribution.methods import METHODS

        width = max(map(len, METHODS))
        lines = [f"{name:{width}}  {method.title} ({method.paper})" for name, method in METHODS.items()]
        print("\n".join(lines))  # noqa: T201 - to its terminal
        parser.exit()
