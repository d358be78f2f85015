"""What is measured of a run beside its own evaluation, once its model is saved: forgetting, pseudo-perplexity."""

import math
from contextlib import suppress

import numpy as np
import torch

from interpret.core.batches import batches_of
from interpret.core.device_lock import lock_device
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import InputError, InterpretError
from interpret.core.pseudo_likelihood import pseudo_log_likelihood
from interpret.core.windows import windows
from interpret.finetuning.collator import Collator, Reader
from interpret.finetuning.outcome import read_run_examples
from interpret.finetuning.runs import Run

# Passages whose every word is masked in turn: some seconds for a small model on two cores.
_MOST_PASSAGES = 8


def measure_forgetting(run: Run, device: str) -> dict[str, float]:
    """Evaluate a classifier on the test set of the run that it goes on from: what it forgot is seen there.

    Nothing where there is no such run any more, or the new model does not know all of its classes.
    """
    request = run.request
    try:
        parent = run.parent_run
        if parent is None or parent.request.task != request.task:
            return {}
        examples, split = read_run_examples(parent.folder, parent.request)
    except (InterpretError, OSError):
        return {}
    encoder = load_encoder(str(run.folder / "model"), device)
    labels = encoder.task.labels if encoder.task is not None else ()
    if set(examples.classes) - set(labels):
        return {}
    read, collate = Reader(encoder, request.recipe, examples, labels), Collator(encoder)
    items = [read(int(index)) for index in split.test]
    loss = right = 0.0
    with lock_device(encoder.spec.device):
        for batch in batches_of([len(one["input_ids"]) for one in items], collate.tokens_per_batch):
            inputs = collate.on_device([items[i] for i in batch])
            truth = inputs.pop("labels")
            logits = encoder.run(inputs, task=True).logits.float()
            loss += float(torch.nn.functional.cross_entropy(logits, truth, reduction="sum"))
            right += float((logits.argmax(-1) == truth).sum())
    found = {"parent_loss": loss / len(items), "parent_accuracy": right / len(items)}
    before = {f"{name}_before": parent.facts[name.removeprefix("parent_")] for name in found if parent.facts}
    return found | before | {"parent_rows": float(len(items))}


def measure_pseudo_perplexity(run: Run, device: str) -> dict[str, float]:
    """Return the pseudo-perplexity of some passages that were held out, for the new model and the one before it.

    One token after another is masked, which takes a pass through the model each: only so many passages are read.
    """
    examples, split = read_run_examples(run.folder, run.request)
    found: dict[str, float] = {}
    some = split.test[np.unique(np.linspace(0, len(split.test) - 1, _MOST_PASSAGES).astype(int))]
    models = {"": str(run.folder / "model"), "_before": run.base}
    for name, model in models.items():
        encoder = load_encoder(model, device)
        if encoder.task is None or encoder.task.kind != "masked words":
            # What it starts from could not predict at all.
            continue
        room = min(run.request.recipe.max_length, encoder.max_tokens)
        scored = []
        for index in some:
            # A text may have the mask written in it.
            with suppress(InputError):
                cut = windows(encoder, examples.texts[int(index)], size=room).first[0].text
                scored.append(pseudo_log_likelihood(encoder, cut))
        if not scored:
            continue
        found[f"pseudo_perplexity{name}"] = math.exp(
            -sum(one.total for one in scored) / sum(one.count for one in scored)
        )
    return found
