"""Against forgetting: weights held near where they began, and old examples learned from again.

Holding adds ``λ / 2 · Σ fᵢ (wᵢ − wᵢ⁰)²`` to the loss, over all weights that learn but those of the head: with ``f = 1``
it is L2-SP (Li et al. 2018, eq. 3), with the diagonal of the Fisher information elastic weight consolidation
(Kirkpatrick et al. 2017, eq. 3). Its gradient is added to the loss's; the loss that is told is that of the task alone.
It stands in the place of weight decay, which pulls towards 0 (Li et al. 2018, sec. 3.1): what is held does not decay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import InputError
from interpret.core.layer_groups import HEAD
from interpret.core.tasks import logits_of
from interpret.finetuning.collator import Collator, Reader
from interpret.finetuning.examples import Examples
from interpret.finetuning.objective import find_objective
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.trainable_model import TrainableModel

# Examples that the Fisher information is averaged over: each takes a pass forward and back of its own.
FISHER_EXAMPLES = 200


@dataclass(frozen=True, eq=False)
class ParentRun:
    """What the run had learned from whose model is trained further.

    Attributes
    ----------
    model
        Its model, as `interpret.load_encoder` takes it.
    examples, train_rows
        Its examples, and the indices of those that it was trained on.
    """

    model: str
    examples: Examples
    train_rows: Int[np.ndarray, " old"]


class Regularizer:
    """A pull on every weight below the head, back to where it began.

    Parameters
    ----------
    trainable
        The model, its weights where they began.
    strength
        λ.
    importance
        For each weight how much it counts, by its name in the encoder; None for all alike.
    """

    def __init__(
        self, trainable: TrainableModel, strength: float, importance: Mapping[str, torch.Tensor] | None = None
    ) -> None:
        body = getattr(trainable.model, trainable.model.base_model_prefix)
        inside = {id(one): name for name, one in body.named_parameters()}
        self.strength = strength
        self.weights = [
            one
            for layer_group in trainable.parameters
            if layer_group != HEAD
            for one in trainable.free(layer_group)
            if id(one) in inside
        ]
        self.begun = [one.detach().clone() for one in self.weights]
        self.importance = None
        if importance is not None:
            # What the old task never used counts for nothing.
            self.importance = [
                importance.get(inside[id(one)], torch.zeros(())).to(one.device).expand_as(one) for one in self.weights
            ]

    def add_gradient(self) -> None:
        """Add its gradient, ``λ f (w − w⁰)``, to that of the weights."""
        with torch.no_grad():
            for index, (one, begun) in enumerate(zip(self.weights, self.begun, strict=True)):
                if one.grad is not None:
                    way = one - begun
                    one.grad.add_(way if self.importance is None else way * self.importance[index], alpha=self.strength)


def make_regularizer(trainable: TrainableModel, recipe: Recipe, parent_run: ParentRun | None) -> Regularizer | None:
    """Return what holds a model's weights as its recipe says; None for nothing.

    Raises
    ------
    InputError
        If what the model learned before must be known, and is not, or has no classes.
    """
    if recipe.regularization == "none" or not recipe.regularization_strength:
        return None
    if recipe.regularization == "l2":
        return Regularizer(trainable, recipe.regularization_strength)
    if parent_run is None:
        raise InputError(
            "EWC needs the data that the model was trained on before, and this model is not from a run here. Choose "
            "“l2” (L2-SP), or a model that was trained here."
        )
    encoder = load_encoder(parent_run.model, recipe.device)
    return Regularizer(trainable, recipe.regularization_strength, fisher_information(encoder, parent_run, recipe))


def fisher_information(
    encoder: Encoder, parent_run: ParentRun, recipe: Recipe, most: int = FISHER_EXAMPLES
) -> dict[str, torch.Tensor]:
    """Return the diagonal of the Fisher information of a classifier's weights, scaled to a mean of 1.

    ``Fᵢ = E_x E_{y ~ p(y | x)} (∂ log p(y | x) / ∂wᵢ)²``, over examples it learned from; ``y`` is drawn from what the
    model itself answers (Kunstner et al. 2019, eq. 3), not taken from the labels. The scale lets one strength mean the
    same for `Hold`, whatever the model and the data.

    Raises
    ------
    InputError
        If the model has no classes to answer.
    """
    if encoder.task is None or encoder.task.kind != "classes" or parent_run.examples.task != "classes":
        raise InputError(
            "EWC is available only for classification of whole texts. For other labels, choose L2-SP (“l2”) or replay."
        )
    random = np.random.default_rng(recipe.seed)
    chosen = random.permutation(parent_run.train_rows)[:most]
    read, collate = Reader(encoder, recipe, parent_run.examples, encoder.task.labels), Collator(encoder)
    parameters = dict(encoder.model.named_parameters())
    found = {name: torch.zeros_like(one, dtype=torch.float32) for name, one in parameters.items()}
    for one in parameters.values():
        one.requires_grad_(True)
    with lock_device(encoder.spec.device):
        for index in chosen:
            inputs = collate.on_device([read(int(index))])
            del inputs["labels"]
            logits = logits_of(encoder.run(inputs, gradients=True, task=True))[0].float()
            answer = random.choice(len(logits), p=_shares(logits))
            gradients = torch.autograd.grad(
                logits.log_softmax(-1)[answer], list(parameters.values()), allow_unused=True
            )
            for name, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    found[name] += gradient.float().square()
    mean = sum(float(one.sum()) for one in found.values()) / sum(one.numel() for one in found.values())
    return {name: one / max(mean, 1e-30) for name, one in found.items()}


def _shares(logits: torch.Tensor) -> np.ndarray:
    shares = logits.detach().cpu().double().softmax(-1).numpy()
    return shares / shares.sum()


def replayed(
    examples: Examples,
    train_rows: Sequence[int] | Int[np.ndarray, " train_rows"],
    parent_run: ParentRun,
    share: float,
    seed: int,
) -> tuple[Examples, Int[np.ndarray, " all"]]:
    """Return examples with some that were learned from before, and the indices of all to train on.

    Of what is learned from then, ``share`` is old, or all that is old where there is less (Robins 1995, "rehearsal").

    Raises
    ------
    InputError
        If the old ones are of another kind.
    """
    old = parent_run.examples
    if old.task != examples.task or (old.pairs is None) != (examples.pairs is None):
        raise InputError(
            "The model's previous training examples are of another kind ({old} instead of {new}, or pairs versus "
            "single texts), so they cannot be replayed. Set the share of old examples to 0.",
            old=old.task,
            new=examples.task,
        )
    count = min(len(parent_run.train_rows), round(len(train_rows) * share / (1 - share)))
    chosen = np.random.default_rng(seed).permutation(parent_run.train_rows)[:count]
    again = old.some(chosen)
    whole = examples.followed_by(find_objective(examples.task).replay(again))
    return whole, np.concatenate([np.asarray(train_rows), np.arange(len(examples), len(whole))])
