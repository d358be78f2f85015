"""What a run taught a model, as a small PEFT adapter: ``python -m interpret.finetuning.adapter_export``.

Whatever was trained, whole layers or adapters, on one run or several after each other: of every linear map and every
table of vectors the change from the model that it began with is brought to a rank, and written as LoRA: to the one that
leaves the least out of what the change adds where the model reads the passages that it learned from (Chen et al. 2021,
"DRONE: Data-aware low-rank compression"). This is how the heads in `interpret.core.builtin` were made.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForPreTraining, BertForPreTraining

from interpret.core.adapters import PEFT_PREFIX
from interpret.core.builtin import WEIGHTS
from interpret.core.checkpoint_files import quiet
from interpret.core.checkpoints import checkpoint_folder, find_checkpoint
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import InputError, InterpretError
from interpret.core.extras import needed_for
from interpret.finetuning.adapter_evaluation import balance_pairs, measure_adapter
from interpret.finetuning.collator import Collator
from interpret.finetuning.data_source import PASSAGE_WORDS
from interpret.finetuning.masked_passages import MaskedPassages
from interpret.finetuning.outcome import read_run_examples
from interpret.finetuning.pretraining_results import PretrainingResults
from interpret.finetuning.runs import Run, read_run

# Eight bits: a sign, four of the exponent, three of the fraction. What they round is an independent error of some per
# cent in each number of the change, far less than half of the ranks would leave out for sixteen bits each.
_SMALL = torch.float8_e4m3fn
# Singular vectors are full of small numbers, which eight bits do not have below 2⁻⁶: both factors are this much larger.
_LIFT = 64.0
# What serves for tables of vectors.
TABLE_RANK = 96
# What of the longest direction is no change, but the rounding of one.
_NOISE = 1e-6
# Passages that are read to see what each map is given: more tokens than its inputs are wide, many times.
_READ = 400


def save_change(
    base: Path,
    trained: Path,
    folder: Path,
    name: str,
    rank: int,
    table_rank: int = TABLE_RANK,
    given: Mapping[str, torch.Tensor] | None = None,
) -> dict[str, float]:
    """Write what makes one model another as an adapter that `peft.PeftModel.from_pretrained` opens.

    Of the linear maps in the layers and the pooler, and of the vectors of words, positions and segments, the change, to
    a rank, in eight bits; biases, layer norms and the heads whole, in sixteen. What did not change is left out. The
    decoder of masked words is tied to the word vectors, which PEFT sees to when it merges
    (`peft.PeftModel.merge_and_unload`), and only then.

    Parameters
    ----------
    base
        The folder of the model that was begun with; what heads it lacks are new.
    trained
        The folder of a model with both heads of the pre-training.
    folder
        What is written.
    name
        What the base is called on the hub.
    rank, table_rank
        The rank of the changes of linear maps, and of tables of vectors.
    given
        What each map or table is given, as `map_inputs` has it; without it all that can be given is alike.

    Returns
    -------
    left
        For each map or table what was left out, as a share of what its change adds (root mean squares).

    Raises
    ------
    InputError
        If they are not of one shape, or lack a head.
    """
    with needed_for("finetune"):
        from peft import LoraConfig

    with quiet():
        before, after = (
            AutoModelForPreTraining.from_pretrained(
                one, use_safetensors=True, trust_remote_code=False, local_files_only=True
            )
            for one in (base, trained)
        )
    _check(before, after)
    state, ranks, left, normed = _changes(before, after, rank, table_rank, given or {})
    whole = ["cls.predictions.transform", "cls.seq_relationship", *normed]
    for path in whole:
        state |= {f"{PEFT_PREFIX}{path}.{key}": one for key, one in after.get_submodule(path).state_dict().items()}
    # The decoder is tied to the word vectors; PEFT finds its bias, as those of the maps, by its name.
    state[f"{PEFT_PREFIX}cls.predictions.bias"] = after.get_parameter("cls.predictions.bias")
    folder.mkdir(parents=True, exist_ok=True)
    small = {
        key: one.detach().to(_SMALL if ".lora_" in key else torch.float16).contiguous() for key, one in state.items()
    }
    save_file(small, folder / WEIGHTS, {"format": "pt"})
    LoraConfig(
        target_modules=sorted(ranks),
        rank_pattern=ranks,
        # PEFT multiplies by alpha over the rank.
        alpha_pattern={path: one / _LIFT**2 for path, one in ranks.items()},
        bias="lora_only",
        modules_to_save=whole,
        base_model_name_or_path=name,
        inference_mode=True,
    ).save_pretrained(str(folder))
    return left


def _changes(
    before: torch.nn.Module, after: torch.nn.Module, rank: int, table_rank: int, given: Mapping[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], dict[str, int], dict[str, float], list[str]]:
    """Bring what changed below the heads to a rank.

    Returns the factors and the biases as PEFT names them; of each map or table its rank, and what was left out; and the
    paths of what else changed, layer norms, which is kept whole.
    """
    old, body = before.state_dict(), f"{after.base_model_prefix}."
    state: dict[str, torch.Tensor] = {}
    left: dict[str, float] = {}
    ranks: dict[str, int] = {}
    whole: list[str] = []
    for path, module in after.named_modules():
        now = dict(module.named_parameters(recurse=False))
        changed = {key: one for key, one in now.items() if not torch.equal(one, old[f"{path}.{key}"])}
        if not path.startswith(body) or not changed:
            continue
        key = f"{PEFT_PREFIX}{path}"
        if "weight" in changed and isinstance(module, torch.nn.Linear | torch.nn.Embedding):
            change = changed["weight"].detach() - old[f"{path}.weight"]
            table = isinstance(module, torch.nn.Embedding)
            ranks[path] = min(table_rank if table else rank, *change.shape)
            # As PEFT has them, a table's factors make its transpose.
            change = change.T if table else change
            seen = given.get(path, torch.ones(change.shape[1]))
            down, up, left[path] = low_rank(change, ranks[path], seen)
            names = ("lora_embedding_A", "lora_embedding_B") if table else ("lora_A.weight", "lora_B.weight")
            state |= {f"{key}.{one}": factor for one, factor in zip(names, (down, up), strict=True)}
            if "bias" in changed:
                state[f"{key}.base_layer.bias"] = changed["bias"]
        else:
            whole.append(path)
    return state, ranks, left, whole


def low_rank(change: torch.Tensor, rank: int, given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Return two factors in eight bits, ``_LIFT`` times as large each, and the share that they leave out.

    Of ``change @ x`` over what is given as ``x`` the first factor keeps the directions of largest variance (Chen et al.
    2021; for inputs that are all alike these are the singular vectors of Eckart & Young 1936). What eight bits make of
    it is known when the second factor is chosen, by least squares.

    Parameters
    ----------
    change
        ``(output, input)``.
    given
        The mean of ``x xᵀ``, ``(input, input)``; or its diagonal, where ``x`` has one component that is not 0.
    """
    change, given = change.double(), given.double()

    def over(one: torch.Tensor) -> torch.Tensor:
        return one * given if given.ndim == 1 else one @ given

    spread = over(change) @ change.T
    _values, vectors = torch.linalg.eigh(spread)
    kept = min(rank, *change.shape)
    down = torch.zeros(rank, change.shape[1], dtype=torch.float64)
    down[:kept] = vectors.flip(1)[:, :kept].T @ change
    # Both factors as long, so that neither runs out of small numbers; directions that did not change are none.
    length = down.norm(dim=1, keepdim=True)
    down = _rounded(torch.where(length > _NOISE * length.max(), down / length.sqrt() * _LIFT, 0.0))
    up = _rounded(over(change) @ down.T @ torch.linalg.pinv(over(down) @ down.T, hermitian=True) * _LIFT**2)
    missed = change - up @ down / _LIFT**2
    share = (over(missed) * missed).sum() / spread.trace().clamp_min(1e-30)
    return down, up, float(share.clamp_min(0).sqrt())


def _rounded(one: torch.Tensor) -> torch.Tensor:
    most = torch.finfo(_SMALL).max
    return one.clamp(-most, most).to(_SMALL).double()


def map_inputs(run: Run) -> dict[str, torch.Tensor]:
    """Let a run's model read passages that it learned from, hidden words and all.

    Returns
    -------
    given
        Of each linear map below the heads the mean of ``x xᵀ`` over what it is given, ``(input, input)``; of each table
        of vectors how often each was asked for, and once more: what was not met here is met elsewhere.

    Raises
    ------
    InputError
        If the run's examples, or its model, cannot be read.
    """
    encoder = load_encoder(str(run.folder / "model"), device="cpu")
    examples, split = read_run_examples(run.folder, run.request)
    indices = [int(index) for index in np.random.default_rng(0).permutation(split.train)[:_READ]]
    passages, collate = MaskedPassages(encoder, run.request.recipe, examples, indices), Collator(encoder)
    body = AutoModelForPreTraining.from_pretrained(run.folder / "model", local_files_only=True).eval().base_model
    given: dict[str, torch.Tensor] = {}

    def look(path: str, module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, torch.nn.Embedding):
            given.setdefault(path, torch.ones(module.num_embeddings))
            given[path] += torch.bincount(inputs[0].flatten(), minlength=module.num_embeddings)
        else:
            # The pooler is given one state of a text.
            read = inputs[0].flatten(0, -2)
            given.setdefault(path, torch.zeros(2 * (read.shape[-1],)))
            given[path] += read.T @ read / len(read) / len(indices)

    for name, module in body.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
            module.register_forward_pre_hook(partial(look, f"{body.base_model_prefix}.{name}"))
    with torch.no_grad():
        for i in range(len(passages)):
            # One at a time, so that no padding is read.
            inputs = collate([passages[i]])
            body(**{name: one for name, one in inputs.items() if name not in ("labels", "next")})
    return given


def _check(before: torch.nn.Module, after: torch.nn.Module) -> None:
    if not isinstance(after, BertForPreTraining):
        raise InputError(
            "An adapter needs a BERT with both of its pre-training heads, but this is a {kind}.",
            kind=type(after).__name__,
        )
    old, new = before.state_dict(), after.state_dict()
    if {name: one.shape for name, one in old.items()} != {name: one.shape for name, one in new.items()}:
        raise InputError("The two models have different shapes. Name the model that the training started from.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m interpret.finetuning.adapter_export", description=__doc__)
    parser.add_argument("run", type=Path, metavar="FOLDER", help="a run of masked words and next sentences")
    parser.add_argument("--model", default="minilm", help="what its model, or the first it went on from, began with")
    parser.add_argument("--name", required=True, help="what that is called on the hub")
    parser.add_argument("--rank", type=int, default=128, help="the rank of the changes of linear maps")
    parser.add_argument("--table-rank", type=int, default=TABLE_RANK, help="the rank of those of words and positions")
    parser.add_argument("--held", type=Path, required=True, help="running text that it did not learn from")
    parser.add_argument("--words", type=int, default=PASSAGE_WORDS, help="words of a passage of it")
    parser.add_argument("--learned", type=int, required=True, help="how many books it learned from")
    parser.add_argument("--books", nargs="+", required=True, help="the titles of those that it did not")
    parser.add_argument("--out", type=Path, required=True, help="the folder that is written")
    args = parser.parse_args(arguments)
    try:
        base = checkpoint_folder(find_checkpoint(args.model))
        run = read_run(args.run)
        left = save_change(base, run.folder / "model", args.out, args.name, args.rank, args.table_rank, map_inputs(run))
        balance_pairs(args.model, args.out, run)
        found = measure_adapter(args.model, args.out, args.held.read_bytes(), args.held.name, args.words)
    except (InterpretError, OSError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 2
    facts = _facts(*found) | {"words": args.words, "learned": args.learned, "books": args.books}
    (args.out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    sys.stderr.write(f"{json.dumps(facts)}\nleft out of the changes: {max(left.values()):.1%} at most\n")
    return 0


def _facts(hidden: PretrainingResults, written: PretrainingResults) -> dict[str, Any]:
    return {
        "first": hidden.first,
        "five": hidden.five,
        "following": written.next,
        "following_hidden": hidden.next,
        "tokens": len(hidden.truth),
        "pairs": len(hidden.following),
    }


if __name__ == "__main__":
    sys.exit(main())
