"""The arguments of the command that fine-tunes. It loads nothing, so that its help is there at once.

The destinations of options that are a `interpret.finetuning.recipe.Recipe`'s are called as its fields, with the same
defaults.
"""

import argparse
from pathlib import Path

from interpret.core.terminal import Parser, alias

_FROZEN = "default: set by which layers are frozen"


def make_parser(prog: str) -> Parser:
    """Return what reads the command's arguments; ``prog`` is what the command is called."""
    parser = Parser(
        prog,
        "Fine-tune a model on a labelled file or on running text, with any of its layers frozen.",
        [
            f"{prog} --data letters.csv --text text --label topic --freeze embeddings,0-2 --out my-model",
            f'{prog} --task "masked words and next sentences" --data statutes.txt --out my-field',
            f"{prog} my-model",
        ],
        "The model is written to FOLDER/model. A run that was stopped, or that crashed, is resumed from its last\n"
        "checkpoint by its folder alone. On several GPUs: accelerate launch --multi_gpu -m interpret.finetuning …,\n"
        "with the same options. MLFLOW_TRACKING_URI names a server for the metrics of all runs.\n",
    )
    parser.usage = f"{prog} --data FILE --out FOLDER [options]\n       {prog} FOLDER …"
    parser.add_argument("runs", nargs="*", type=Path, metavar="FOLDER", help="runs to resume, one after another")
    parser.add_argument(
        "--wait", action="store_true", help="for programs: read the folders later, as JSON on a line of standard input"
    )
    _add_data(parser.add_argument_group("data"))
    _add_model(parser.add_argument_group("model"))
    _add_optimisation(parser.add_argument_group("optimisation"))
    _add_regularization(parser.add_argument_group("preventing forgetting"))
    _add_masking(parser.add_argument_group("running text (tasks of masked words)"))
    _add_run(parser.add_argument_group("run"))
    return parser


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="labelled file: .csv .tsv .jsonl, words with tags, questions with passages, or running text",
    )
    group.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write; it must not exist")
    group.add_argument(
        "--task",
        default="classes",
        metavar="TASK",
        help="classes, multi-label, regression, “token classes”, “question answering”, “masked words” or “masked words "
        "and next sentences”",
    )
    group.add_argument("--text", default="text", metavar="NAME", help="column with the text")
    group.add_argument("--label", default="label", metavar="NAME", help="column with the label")
    group.add_argument("--pair", metavar="NAME", help="column with the second text")
    group.add_argument(
        "--tag-column",
        default="",
        metavar="NAME",
        help="column with the words' tags, such as XPOS, DEPREL or Case of CoNLL-U",
    )
    alias(group, "--tags", "tag_column")
    group.add_argument(
        "--held-out",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of the rows held out of training",
    )
    alias(group, "--share", "held_out", type=float)
    group.add_argument(
        "--test-data", type=Path, metavar="FILE", help="file with the test set, instead of held-out rows"
    )
    alias(group, "--judged", "test_data", type=Path)


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", default="minilm", metavar="MODEL", help="built-in model, hub id, or folder, such as an earlier run's"
    )
    group.add_argument(
        "--head",
        default="auto",
        metavar="HEAD",
        help=f"auto, own (the architecture's), linear, mlp, textcnn or bilstm ({_FROZEN})",
    )
    group.add_argument(
        "--freeze",
        default="",
        metavar="LAYERS",
        help="layers such as embeddings,0-5, or “lower half”, “all but the last quarter”, “head only”",
    )
    group.add_argument(
        "--lora-rank",
        type=int,
        default=0,
        metavar="N",
        help="rank of LoRA adapters, trained instead of the layers' own weights; 0: none",
    )
    group.add_argument(
        "--dropout", action=argparse.BooleanOptionalAction, default=True, help="dropout as the model's config says"
    )
    group.add_argument(
        "--keep-prefix",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compute the output of the lowest frozen layers once, before training",
    )


def _add_optimisation(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--epochs", type=int, default=0, metavar="N", help=f"passes through the training set ({_FROZEN})"
    )
    group.add_argument("--batch-size", type=int, default=16, metavar="N", help="examples per step")
    alias(group, "--batch", "batch_size", type=int)
    group.add_argument("--max-length", type=int, default=128, metavar="TOKENS", help="tokens read of each example")
    alias(group, "--max-tokens", "max_length", type=int)
    group.add_argument(
        "--learning-rate", type=float, default=0.0, metavar="RATE", help=f"peak learning rate of the head ({_FROZEN})"
    )
    group.add_argument(
        "--layerwise-lr-decay",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="factor that multiplies the learning rate for each layer below the top",
    )
    alias(group, "--layer-decay", "layerwise_lr_decay", type=float)
    group.add_argument(
        "--warmup",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of the steps in which the learning rate rises; then it falls linearly to 0",
    )
    alias(group, "--warm-up", "warmup", type=float)
    group.add_argument("--weight-decay", type=float, default=0.01, metavar="FACTOR", help="weight decay of AdamW")
    group.add_argument(
        "--label-smoothing", type=float, default=0.0, metavar="SHARE", help="label smoothing of the cross-entropy loss"
    )
    group.add_argument(
        "--balanced",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="weight classes in inverse proportion to their rows",
    )
    group.add_argument(
        "--patience",
        type=int,
        default=0,
        metavar="EPOCHS",
        help="early stopping: epochs without a lower validation loss before training stops; 0: never",
    )


def _add_regularization(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--replay",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the training set replayed from the run that the model comes from",
    )
    kinds = ("none", "l2", "ewc")
    group.add_argument(
        "--regularization",
        default="none",
        choices=kinds,
        help="keep weights near their initial values: none, l2 (L2-SP) or ewc (elastic weight consolidation)",
    )
    alias(group, "--hold", "regularization", choices=kinds)
    group.add_argument(
        "--regularization-strength",
        type=float,
        default=0.1,
        metavar="FACTOR",
        help="regularization strength (λ)",
    )
    alias(group, "--hold-strength", "regularization_strength", type=float)


def _add_masking(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--passage-words", type=int, default=90, metavar="N", help="words of a passage")
    alias(group, "--words", "passage_words", type=int)
    group.add_argument(
        "--mask-rate",
        type=float,
        default=0.15,
        metavar="SHARE",
        help="share of the tokens that are masked",
    )
    alias(group, "--masked", "mask_rate", type=float)
    group.add_argument(
        "--short-rate",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of passages read only in part",
    )
    alias(group, "--short", "short_rate", type=float)
    group.add_argument(
        "--pair-weight", type=float, default=1.0, metavar="FACTOR", help="weight of the next-sentence loss"
    )


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random")
    group.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:1")
    group.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "float32", "bfloat16"),
        help="auto, float32 or bfloat16 (mixed precision)",
    )
    group.add_argument(
        "--snapshots", type=int, default=3, metavar="N", help="snapshots of the weights to keep during training"
    )
