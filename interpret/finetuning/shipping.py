"""Runs with adapters, one of which went on from the other, as one adapter: ``python -m interpret.finetuning.shipping``.

Low-rank changes add up: ``W + s B₁A₁ + s B₂A₂ = W + s [B₁ B₂] [A₁; A₂]``, of which the rank is the sum of both. This is
how the heads in `interpret.guesser` were made.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForPreTraining

from interpret.checkpoints import checkpoint_folder, find_checkpoint
from interpret.encoder import load_encoder
from interpret.errors import InputError, InterpretError
from interpret.finetuning.data import read_examples
from interpret.finetuning.examples import GAMES
from interpret.finetuning.games import Game, ask
from interpret.finetuning.reading import Collate
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.results import GameResults, measure_game
from interpret.guesser import merge_adapter

_WEIGHTS, _CONFIG = "adapter_model.safetensors", "adapter_config.json"


def join_adapters(folders: Sequence[Path], folder: Path, base: str, dtype: torch.dtype = torch.float16) -> None:
    """Write the adapters of runs, each of which began with the model of the one before, as one.

    Parameters
    ----------
    folders
        What `interpret.finetuning.adapters.save_adapter` wrote, the first run's first.
    base
        What the first one began with, as its config is to say.

    Raises
    ------
    InputError
        If they do not adapt the same maps at the same scale.
    """
    states = [load_file(one / _WEIGHTS) for one in folders]
    configs = [json.loads((one / _CONFIG).read_text("utf-8")) for one in folders]
    scales = {config["lora_alpha"] / config["r"] for config in configs}
    adapted = {frozenset(name for name in state if ".lora_" in name) for state in states}
    if len(scales) > 1 or len(adapted) > 1:
        raise InputError("The adapters belong to other maps, or are scaled otherwise. Train all with the same floors.")
    joined = dict(states[-1])
    for name in next(iter(adapted)):
        joined[name] = torch.cat([state[name] for state in states], dim=0 if ".lora_A." in name else 1)
    rank = sum(config["r"] for config in configs)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: one.to(dtype).contiguous() for name, one in joined.items()}, folder / _WEIGHTS, {"format": "pt"})
    config = configs[-1] | {"r": rank, "lora_alpha": rank * scales.pop(), "base_model_name_or_path": base}
    config["target_modules"] = sorted(config["target_modules"])
    (folder / _CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")


def measure_adapter(base: str, adapter: Path, content: bytes, name: str) -> GameResults:
    """Let a model with an adapter play both games on running text, as in Devlin et al. 2019: 15 %, 80/10/10."""
    with tempfile.TemporaryDirectory() as place:
        merge_adapter(checkpoint_folder(find_checkpoint(base)), adapter, Path(place))
        encoder = load_encoder(place, device="cpu")
        model = AutoModelForPreTraining.from_pretrained(place, local_files_only=True)
    examples = read_examples(content, name, "text", "", None, GAMES[1])
    game = Game(encoder, Recipe(), examples, range(len(examples)))
    return measure_game(ask(model, game, Collate(encoder)))


def _adapter_of(folder: Path) -> Path:
    """Return the folder of a run's adapter; an adapter, such as the one that is shipped, is its own."""
    return folder if (folder / _CONFIG).exists() else folder / "adapter"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m interpret.finetuning.shipping", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="FOLDER", help="runs, or their adapters, the first first")
    parser.add_argument("--model", default="minilm", help="what the first run began with")
    parser.add_argument("--name", required=True, help="what that is called on the hub")
    parser.add_argument("--held", type=Path, required=True, help="running text that none of them learned from")
    parser.add_argument("--learned", type=int, required=True, help="how many books they learned from")
    parser.add_argument("--books", nargs="+", required=True, help="the titles of those that they did not")
    parser.add_argument("--out", type=Path, required=True, help="the folder that is written")
    asked = parser.parse_args(arguments)
    try:
        join_adapters([_adapter_of(one) for one in asked.runs], asked.out, asked.name)
        found = measure_adapter(asked.model, asked.out, asked.held.read_bytes(), asked.held.name)
    except (InterpretError, OSError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 2
    facts = {
        "first": found.first,
        "five": found.five,
        "following": found.next,
        "pieces": len(found.truth),
        "pairs": len(found.following),
        "learned": asked.learned,
        "books": asked.books,
    }
    (asked.out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    sys.stderr.write(f"{json.dumps(facts)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
