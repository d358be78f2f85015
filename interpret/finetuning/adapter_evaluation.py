"""How well an adapter predicts masked tokens and next sentences, and the bias that balances its answers."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from transformers import AutoModelForPreTraining

from interpret.core.adapters import PEFT_PREFIX
from interpret.core.builtin import WEIGHTS, merge_adapter
from interpret.core.checkpoints import checkpoint_folder, find_checkpoint
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.finetuning.collator import Collator, Item
from interpret.finetuning.data import read_examples
from interpret.finetuning.data_source import PASSAGE_WORDS
from interpret.finetuning.masked_passages import ELSEWHERE, FOLLOWS, MaskedPassages, as_written
from interpret.finetuning.masked_predictions import answers_of
from interpret.finetuning.outcome import read_run_examples
from interpret.finetuning.pretraining_results import PretrainingResults, measure_pretraining
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.runs import Run

# Passages by which next sentences are balanced: enough for a share to be known to one or two per cent.
_BALANCED = 1600


def measure_adapter(
    base: str, adapter: Path, content: bytes, name: str, words: int = PASSAGE_WORDS
) -> tuple[PretrainingResults, PretrainingResults]:
    """Evaluate a model with an adapter on running text, masked as in Devlin et al. 2019: 15%, 80/10/10.

    Parameters
    ----------
    words
        How long the passages are.

    Returns
    -------
    hidden, written
        What came of it; and of the same pairs with nothing hidden, as who asks of a pair gives it.
    """
    examples = read_examples(content, name, "text", "", None, "masked words and next sentences", words)
    encoder, model = _joined(base, adapter)
    passages = MaskedPassages(encoder, Recipe(max_length=encoder.max_tokens), examples, range(len(examples)))
    hidden, written = (
        measure_pretraining(answers_of(model, one, Collator(encoder))) for one in (passages, _as_written(passages))
    )
    return hidden, written


def balance_pairs(base: str, adapter: Path, run: Run) -> None:
    """Set an adapter's bias of next sentences so that as many passages are told to follow as do, read as written.

    A training hides tokens, names among them; where all are there, two texts look more alike than it knows them. Only
    passages that the run learned from are read, so that what was held out stays unseen.

    Raises
    ------
    InputError
        If the run's examples cannot be read.
    """
    examples, split = read_run_examples(run.folder, run.request)
    if examples.pairs is None:
        return
    indices = [int(index) for index in np.random.default_rng(0).permutation(split.train)[:_BALANCED]]
    encoder, model = _joined(base, adapter)
    passages = MaskedPassages(encoder, run.request.recipe, examples, indices)
    found = measure_pretraining(answers_of(model, _as_written(passages), Collator(encoder)))
    shift = as_many(found.follows, found.following)
    weights = load_file(adapter / WEIGHTS)
    bias = weights[f"{PEFT_PREFIX}cls.seq_relationship.bias"]
    bias[FOLLOWS] -= shift / 2
    bias[ELSEWHERE] += shift / 2
    save_file(weights, adapter / WEIGHTS, {"format": "pt"})


def as_many(follows: np.ndarray, following: np.ndarray) -> float:
    """Return what, taken from the log odds of following, lets as many pairs be told to follow as do.

    Parameters
    ----------
    follows, following
        Of each pair the probability that it follows, and whether it does: ``(pair,)``.
    """
    follows = follows.astype(np.float64).clip(1e-9, 1 - 1e-9)
    return float(np.quantile(np.log(follows / (1 - follows)), 1 - following.mean()))


def _joined(base: str, adapter: Path) -> tuple[Encoder, Any]:
    with tempfile.TemporaryDirectory() as folder:
        merge_adapter(checkpoint_folder(find_checkpoint(base)), adapter, Path(folder))
        encoder = load_encoder(folder, device="cpu")
        return encoder, AutoModelForPreTraining.from_pretrained(folder, local_files_only=True)


def _as_written(passages: MaskedPassages) -> list[Item]:
    return [as_written(passages[i]) for i in range(len(passages))]
