"""Fine-tune from a terminal: ``python -m interpret.finetuning --data FILE --text … --label … --out FOLDER``."""

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path

from interpret.checkpoints import checkpoint_folder, find_checkpoint
from interpret.encoder import load_encoder
from interpret.errors import InputError, InterpretError
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.health import check_health
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.results import measure_results
from interpret.finetuning.tower import PRESETS, expand, floor_names
from interpret.finetuning.trainer import Evaluation, Step
from interpret.finetuning.training import save_trained, train

_TOLD = {
    "leaks": "rows to judge by that also stand among those to learn from",
    "contradictions": "groups of rows that say the same and are labelled differently",
    "duplicates": "rows that say what an earlier one says",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m interpret.finetuning", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a labelled file: .csv .tsv .jsonl")
    parser.add_argument("--text", default="text", help="the column with the text")
    parser.add_argument("--label", default="label", help="the column with the label")
    parser.add_argument("--pair", help="the column with the second text")
    parser.add_argument("--out", type=Path, required=True, help="the folder that is written; it must not exist")
    parser.add_argument("--freeze", default="", help=f"floors such as embeddings,0-5, or one of: {', '.join(PRESETS)}")
    for field in fields(Recipe):
        if field.name != "frozen":
            name, kind = f"--{field.name.replace('_', '-')}", type(field.default)
            if kind is bool:
                parser.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default)
            else:
                parser.add_argument(name, type=kind, default=field.default)
    asked = parser.parse_args(arguments)
    try:
        _train(asked)
    except InterpretError as error:
        _say(f"interpret.finetuning: {error}")
        return 2
    except OSError as error:
        _say(f"interpret.finetuning: {error.filename}: {error.strerror}")
        return 2
    return 0


def _train(asked: argparse.Namespace) -> None:
    if asked.out.exists():
        raise InputError("“{folder}” exists already. Name a new folder, or move that one away.", folder=str(asked.out))
    examples = read_examples(asked.data.read_bytes(), asked.data.name, asked.text, asked.label, asked.pair)
    learned, judged = split_examples(examples, asked.share, asked.seed)
    source = checkpoint_folder(find_checkpoint(asked.model))
    encoder = load_encoder(asked.model, asked.device)
    health = check_health(encoder, examples, learned, judged, asked.max_tokens)
    frozen = expand(asked.freeze, floor_names(encoder.model, encoder.family))
    options = {field.name: getattr(asked, field.name) for field in fields(Recipe) if field.name != "frozen"}
    recipe = Recipe(**options, frozen=frozen)
    _say(f"{len(learned)} rows to learn from, {len(judged)} to judge by; always guessing: {health.majority:.1%}")
    for name in set(health.findings) & set(_TOLD):
        _say(f"  careful: {len(getattr(health, name))} {_TOLD[name]}")

    def tell(what: Step | Evaluation, total: int) -> None:
        if isinstance(what, Evaluation):
            _say(f"\rafter epoch {what.epoch:.0f}: loss {what.loss:.4f}, accuracy {what.score:.1%}")
        elif sys.stderr.isatty():
            _say(f"\rstep {what.number} of {total}, loss {what.loss:.4f}", "")

    done = train(recipe, examples, learned, judged, tell)
    found = measure_results(done.logits, [examples.labels[int(place)] for place in judged], done.labels)
    asked.out.mkdir(parents=True)
    save_trained(done, source, asked.out)
    (asked.out / "recipe.json").write_text(recipe.to_json(), "utf-8")
    numbers = {
        "accuracy": found.accuracy,
        "interval": found.interval,
        "macro_f1": found.macro_f1,
        "majority": found.majority,
        "ece": found.ece,
        "labels": found.labels,
        "confusion": found.confusion.tolist(),
        "seconds": done.seconds,
        "examples_per_second": done.per_second,
        "rows_judged": [examples.places[int(place)] for place in judged],
    }
    (asked.out / "results.json").write_text(json.dumps(numbers, ensure_ascii=False, indent=2), "utf-8")
    trainable = sum(floor.parameters for floor in done.floors if not floor.frozen)
    _say(f"{trainable:,} parameters learned in {done.seconds:.1f} s, {done.per_second:.0f} examples a second")
    low, high = found.interval
    _say(f"accuracy {found.accuracy:.1%} (95 %: {low:.1%} to {high:.1%}), macro-F1 {found.macro_f1:.3f}")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201 - to its terminal


if __name__ == "__main__":
    sys.exit(main())
