"""The optimizer: which weights learn at which rate, and which of them decay."""

import torch

from interpret.core.layer_groups import layer_rates
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.regularization import Regularizer
from interpret.finetuning.trainable_model import TrainableModel

# Parts of the names of parameters that never decay, as in BERT's own code.
_NO_DECAY = ("bias", "norm")


def make_optimizer(trainable: TrainableModel, recipe: Recipe, regularizer: Regularizer | None) -> torch.optim.Optimizer:
    """Return AdamW with the rate of each layer group; what is held near where it began does not decay."""
    rates = layer_rates(trainable.layer_groups, recipe.learning_rate, recipe.layerwise_lr_decay)
    regularized = {id(one) for one in regularizer.weights} if regularizer is not None else set()

    def decays(one: torch.nn.Parameter) -> bool:
        name = trainable.names[id(one)].lower()
        return id(one) not in regularized and not any(part in name for part in _NO_DECAY)

    groups = []
    for layer_group in trainable.parameters:
        for decaying in (True, False):
            some = [one for one in trainable.free(layer_group) if decays(one) == decaying]
            if some:
                decay = recipe.weight_decay if decaying else 0.0
                groups.append({"params": some, "lr": rates[layer_group], "weight_decay": decay})
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
