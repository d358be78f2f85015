"""What a model predicts of masked tokens, and of pairs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import transformers as tf

from interpret.core.batches import batches_of
from interpret.core.tasks import logits_of, pair_logits_of
from interpret.finetuning.collator import NO_LABEL, Collator
from interpret.finetuning.masked_passages import FOLLOWS


@contextmanager
def reading_at(model: tf.PreTrainedModel, chosen: torch.Tensor) -> Iterator[None]:
    """While the block runs, the masked-word head reads the states at some positions only: those true in ``chosen``.

    The vocabulary is wide: answered for every token, it would take longer than all layers of a small model.
    """
    body = getattr(model, model.base_model_prefix)

    def pick(_module: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        states = given[0] if given else None
        if isinstance(states, torch.Tensor) and states.ndim == 3:
            return (states[chosen], *given[1:])
        return given

    hooks = [one.register_forward_pre_hook(pick) for one in model.children() if one is not body]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def log_loss(probabilities: np.ndarray) -> np.ndarray:
    """Return ``-log p``, bounded where a probability is nothing."""
    return -np.log(np.maximum(probabilities, 1e-30))


def answers_of(model: Any, passages: Sequence[Mapping[str, Any]], collate: Collator) -> dict[str, np.ndarray]:
    """Return what a model predicts of masked passages.

    ``truth``, ``guess``, ``chance`` and ``rank`` tell of each chosen token what it is, what the model predicts, the
    probability of the true one, and how many are likelier; ``rows`` which passage it is of. Where there are pairs
    ``follows`` is the probability that the second text follows, and ``following`` whether it does, for each.
    """
    items = [passages[i] for i in range(len(passages))]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", "guess", "chance", "rank", "rows")}
    pairs: dict[str, list[np.ndarray]] = {"follows": [], "following": []}
    order = []
    model.eval()
    with torch.no_grad():
        for batch in batches_of([len(one["input_ids"]) for one in items], collate.tokens_per_batch):
            inputs = collate.on_device([items[i] for i in batch])
            labels, following = inputs.pop("labels"), inputs.pop("next", None)
            chosen = labels != NO_LABEL
            with reading_at(model, chosen):
                output = model(**inputs)
            order += batch
            _add(columns, logits_of(output).float(), labels[chosen], np.repeat(batch, chosen.sum(1).cpu().numpy()))
            if following is not None:
                pairs["follows"].append(pair_logits_of(output).float().softmax(-1)[:, FOLLOWS].cpu().numpy())
                pairs["following"].append((following == FOLLOWS).cpu().numpy())
    answers = {name: np.concatenate(some) for name, some in columns.items()}
    if pairs["follows"]:
        back = np.argsort(order)
        answers |= {name: np.concatenate(some)[back] for name, some in pairs.items()}
    return answers


def _add(columns: dict[str, list[np.ndarray]], logits: torch.Tensor, truth: torch.Tensor, rows: np.ndarray) -> None:
    own = logits.gather(1, truth[:, None])
    found = {
        "truth": truth,
        "guess": logits.argmax(-1),
        "chance": (own[:, 0] - logits.logsumexp(-1)).exp(),
        "rank": (logits > own).sum(-1),
    }
    for name, one in found.items():
        columns[name].append(one.cpu().numpy())
    columns["rows"].append(rows)
