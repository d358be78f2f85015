"""What frozen layer groups make of a text, computed once: below the first that learns nothing ever changes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from jaxtyping import Float
from transformers import PreTrainedModel

from interpret.core.families import Family
from interpret.core.task_heads import Classifier

# What stands between the embedding module and the first layer, where an architecture has anything there.
_BETWEEN = ("embeddings_project", "encoder.embedding_hidden_mapping_in")


# Architectures whose encoder cannot do without any layer: there the last one is computed each time.
_NEVER_EMPTY = ("deberta", "deberta-v2")


def kept_layers(model: PreTrainedModel | Classifier, family: Family, frozen: int) -> int:
    """Return how many layers' output can be kept where the first ``frozen`` never change; -1 for none at all."""
    most = len(list(_body(model).get_submodule(family.layers).children()))
    return min(frozen, most - 1 if model.config.model_type in _NEVER_EMPTY else most)


def prefix_bytes(lengths: Sequence[int], width: int, dtype: torch.dtype = torch.float32) -> int:
    """Predict the memory that kept outputs take: a vector of ``width`` numbers for each token."""
    return sum(lengths) * width * torch.finfo(dtype).bits // 8


def run_prefix(
    model: PreTrainedModel | Classifier, family: Family, count: int, inputs: Mapping[str, torch.Tensor]
) -> Float[torch.Tensor, "batch token hidden"]:
    """Return what goes into layer ``count``, or comes out of the last one: what `without_prefix` goes on from.

    The layer groups below run as in use: without dropout, and without gradients.

    Parameters
    ----------
    count
        How many layers are below; 0 for the embeddings alone.
    """
    body = _body(model)
    layers = list(body.get_submodule(family.layers).children())
    found: list[torch.Tensor] = []

    def before(_module: torch.nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        found.append(given[0] if given else named["hidden_states"])
        # What comes above would be computed for nothing.
        raise _Enough

    def after(_module: torch.nn.Module, _given: tuple[Any, ...], output: Any) -> None:
        found.append(output[0] if isinstance(output, tuple) else output)

    if count < len(layers):
        hook = layers[count].register_forward_pre_hook(before, with_kwargs=True)
    else:
        hook = layers[-1].register_forward_hook(after)
    training = body.training
    body.eval()
    try:
        with torch.no_grad(), suppress(_Enough):
            body(**inputs)
    finally:
        hook.remove()
        body.train(training)
    # Layers that share their weights are one module, called for each of them: the last call is where they end.
    return found[-1]


class _Enough(Exception):
    """Ends a forward pass where all that is wanted has been seen."""


@contextmanager
def without_prefix(model: PreTrainedModel | Classifier, family: Family, count: int) -> Iterator[None]:
    """Take the embeddings and the first ``count`` layers out of a model while the block runs.

    In it the model takes what `run_prefix` returned as ``inputs_embeds``; all other inputs, its mask foremost, are as
    ever. What learns meanwhile is the model's own: nothing is copied, and after the block it is whole again.
    """
    body, config = _body(model), model.config
    layers = body.get_submodule(family.layers)
    kept = list(layers.children())[count:]
    changes: list[tuple[torch.nn.Module, str, torch.nn.Module]] = []

    def put(path: str, module: torch.nn.Module) -> None:
        parent, _, name = path.rpartition(".")
        holder = body.get_submodule(parent)
        changes.append((holder, name, holder.get_submodule(name)))
        setattr(holder, name, module)

    number = config.num_hidden_layers
    shared = len(list(layers.children())) != number
    try:
        put(family.embeddings, _AsGiven())
        for path in _BETWEEN:
            parent, _, name = path.rpartition(".")
            if isinstance(getattr(_submodule(body, parent), name, None), torch.nn.Module):
                put(path, torch.nn.Identity())
        if shared:
            # The layers that share their weights are all below, or none of them is.
            config.num_hidden_layers = number if kept else 0
        else:
            put(family.layers, torch.nn.ModuleList(kept))
            config.num_hidden_layers = len(kept)
        yield
    finally:
        config.num_hidden_layers = number
        for holder, name, module in reversed(changes):
            setattr(holder, name, module)


class _AsGiven(torch.nn.Module):
    """Stands in for the embedding module, and hands on what it is given."""

    def forward(self, *given: Any, **named: Any) -> torch.Tensor:
        # Architectures hand it on by place or by name; ids and masks are whole numbers or absent.
        values = (one for one in (*given, *named.values()) if isinstance(one, torch.Tensor))
        return next(one for one in values if one.is_floating_point() and one.ndim == 3)


def _body(model: PreTrainedModel | Classifier) -> PreTrainedModel:
    return model.body if isinstance(model, Classifier) else getattr(model, model.base_model_prefix, model)


def _submodule(body: torch.nn.Module, path: str) -> torch.nn.Module | None:
    try:
        return body.get_submodule(path)
    except AttributeError:
        return None
