"""What a fine-tune is measured against: a linear head on the vectors of the model before it, of the same rows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from interpret.core.batches import batches_of
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.intervals import paired_difference
from interpret.core.linear_head import fit_weights, predict_classes
from interpret.core.sentence_vectors import sentence_reading
from interpret.finetuning.collator import Collator, Item, Reader
from interpret.finetuning.outcome import read_outcome, read_run_examples
from interpret.finetuning.results import ClassificationResults
from interpret.finetuning.runs import Run


def measure_frozen_head(run: Run, device: str) -> dict[str, float]:
    """Fit a linear head on frozen vectors of a run's training rows, and compare it with the run on its test rows.

    Both read the same tokens of the same rows; the head is that of `interpret.core.linear_head.fit_head`, on the model
    that the run started from. Nothing for a run of a sweep, in which training the head alone is one of the depths, nor
    where old rows were replayed, which the head would not have.

    Returns
    -------
    ``"frozen_accuracy"``, and ``"frozen_low"`` and ``"frozen_high"``: the 95% interval of how much more accurate the
    run is, in shares (`interpret.core.intervals.paired_difference`).
    """
    request = run.request
    if request.group or request.recipe.replay:
        return {}
    outcome = read_outcome(run)
    found = outcome.results
    if not isinstance(found, ClassificationResults):
        return {}
    examples, split = read_run_examples(run.folder, request)
    encoder = load_encoder(run.base, device)
    read = Reader(encoder, request.recipe, examples, examples.classes)
    train, test = ([read(int(index)) for index in some] for some in (split.train, split.test))
    truth = [np.array([one["labels"] for one in some]) for some in (train, test)]
    weight, bias = fit_weights(_vectors(encoder, train).astype(np.float64), truth[0])
    frozen = predict_classes(_vectors(encoder, test), weight, bias, np.unique(truth[0])) == truth[1]
    own = np.array([found.labels[int(one)] for one in found.answers]) == np.array(outcome.truth)
    low, high = paired_difference(own, frozen)
    return {"frozen_accuracy": float(frozen.mean()), "frozen_low": low, "frozen_high": high}


def _vectors(encoder: Encoder, items: Sequence[Item]) -> Float32[np.ndarray, "example width"]:
    """Return the sentence vectors of examples, in their order."""
    model, collate = sentence_reading(encoder, prompt="").model, Collator(encoder)
    vectors = np.empty((len(items), model.width(encoder.width)), np.float32)
    for batch in batches_of([len(one["input_ids"]) for one in items], collate.tokens_per_batch):
        with lock_device(encoder.spec.device):
            inputs = collate.on_device([items[i] for i in batch])
            del inputs["labels"]
            hidden = encoder.run(inputs).last_hidden_state
            vectors[batch] = model.vectors(hidden, inputs["attention_mask"]).cpu().numpy()
    return vectors
