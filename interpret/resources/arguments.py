"""What the command about resources can be told. It loads nothing, so that its help is there at once."""

from pathlib import Path

from interpret.core.terminal import Parser


def make_parser(prog: str) -> Parser:
    """Return what reads the command's arguments; ``prog`` is what the command is called."""
    parser = Parser(
        prog,
        "Count what a model takes of memory and time before anything is run, and measure it beside that.",
        [
            f"{prog} bert-base --batch 32 --length 128 --train",
            f"{prog} my-model --batch 16 --length 512 --train --kernel flash --room 16 --changes",
            f"{prog} bert-base --length 512 --measure",
            f"{prog} --table",
        ],
        "A model is counted by its config alone: of a hub id nothing else is fetched. Shapes that need no file:\n"
        "bert-tiny, bert-mini, bert-small, bert-base, bert-large, bert-base-1024, roberta-base, roberta-large,\n"
        "distilbert-base, modernbert-base, modernbert-large. What was measured is kept, and corrects counts.\n",
    )
    parser.add_argument(
        "model", nargs="?", default="minilm", metavar="MODEL", help="shape, built-in model, hub id, folder, config.json"
    )
    group = parser.add_argument_group("work")
    group.add_argument("--batch", type=int, default=32, metavar="N", help="texts at once")
    group.add_argument("--length", type=int, default=128, metavar="N", help="tokens of each text, padding among them")
    group.add_argument("--train", action="store_true", help="learn: forward, back and a step of AdamW")
    group.add_argument(
        "--head", default="classes", metavar="HEAD", help="none, classes, tokens, questions or “masked words”"
    )
    group.add_argument("--kernel", default="sdpa", metavar="NAME", help="of attention: eager, sdpa or flash")
    group.add_argument("--precision", default="float32", metavar="TYPE", help="float32, bfloat16 or float16")
    group.add_argument(
        "--freeze", default="", metavar="LAYERS", help="embeddings,0-5, or “lower half”, “head only” …; with --train"
    )
    group.add_argument("--lora", type=int, default=0, metavar="RANK", help="adapters of this rank learn; with --train")
    group.add_argument("--checkpointing", action="store_true", help="compute layers again on the way back")
    group.add_argument("--no-dropout", action="store_true", help="learn without dropout")
    group = parser.add_argument_group("device")
    group.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:1")
    group.add_argument("--room", type=float, metavar="GB", help="memory of another device (default: what is free here)")
    group = parser.add_argument_group("what to write")
    group.add_argument("--curve", action="store_true", help="memory over lengths and over batches")
    group.add_argument("--changes", action="store_true", help="what to change to need less, and what that takes")
    group.add_argument(
        "--measure", action="store_true", help="do the work in a process of its own, and keep the result"
    )
    group.add_argument("--table", action="store_true", help="three rows that articles repeat, put to the test")
    group.add_argument("--json", type=Path, metavar="FILE", help="write all numbers as JSON too")
    return parser
