"""An encoder with a task head of ours: made, run, written and read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from interpret.core.config_checks import check_finite
from interpret.core.device_lock import seeded
from interpret.core.errors import CheckpointError, InputError
from interpret.core.heads import HEADS
from interpret.core.regular_files import read_regular


def make_head(name: str, width: int, labels: int, seed: int = 0) -> torch.nn.Module:
    """Make a new head.

    Parameters
    ----------
    name
        A name in `interpret.core.heads.HEADS`.
    width
        Numbers of a hidden state.
    labels
        Classes, or 1 for a regression.
    seed
        Of its first weights; the process's own generator is left as it was.

    Raises
    ------
    InputError
        If there is no such head.
    """
    if name not in HEADS:
        raise InputError("There is no head “{name}”. Choose one of: {known}.", name=name, known=", ".join(HEADS))
    with seeded(seed):
        return HEADS[name](width, labels)


class Classifier(torch.nn.Module):
    """An encoder with one of these heads, called as transformers calls its own models that have one."""

    base_model_prefix = "body"

    def __init__(self, body: PreTrainedModel, head: torch.nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.config = body.config

    def forward(self, attention_mask: Int[torch.Tensor, "batch token"], **inputs: Any) -> SequenceClassifierOutput:
        """Run the encoder, and score each class."""
        output = self.body(attention_mask=attention_mask, **inputs)
        return SequenceClassifierOutput(
            logits=self.head(output.last_hidden_state, attention_mask),
            hidden_states=output.get("hidden_states"),
            attentions=output.get("attentions"),
        )


@dataclass(frozen=True)
class HeadCard:
    """What a saved head is.

    Attributes
    ----------
    name
        Its name in `interpret.core.heads.HEADS`.
    labels
        The classes; none for a regression.
    exclusive
        Whether a text has one of them, or any number.
    """

    name: str
    labels: tuple[str, ...]
    exclusive: bool = True


_CARD, _WEIGHTS = "head.json", "head.safetensors"


def save_head(head: torch.nn.Module, name: str, labels: Sequence[str], folder: Path, exclusive: bool = True) -> None:
    """Write a head beside its encoder: what it is as JSON (see `HeadCard`), and its weights as safetensors."""
    card: dict[str, Any] = {"head": name, "labels": list(labels)}
    if not exclusive:
        card["exclusive"] = False
    (folder / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=2), "utf-8")
    tensors = {key: value.detach().cpu().contiguous() for key, value in head.state_dict().items()}
    save_file(tensors, folder / _WEIGHTS)


def load_head(folder: Path, width: int, name: str) -> tuple[torch.nn.Module, HeadCard] | None:
    """Read the head that `save_head` wrote; None where a folder has none.

    Parameters
    ----------
    width
        Numbers of the encoder's hidden states.
    name
        What the reader calls the model, for errors.

    Raises
    ------
    CheckpointError
        If its files are damaged or do not belong to this encoder.
    """
    if not (folder / _CARD).exists():
        return None
    try:
        given = json.loads(read_regular(folder / _CARD))
        labels = tuple(str(one) for one in given["labels"])
        card = HeadCard(str(given["head"]), labels, given.get("exclusive") is not False)
        head = make_head(card.name, width, max(1, len(card.labels)))
        weights = load_file(folder / _WEIGHTS)
        check_finite(weights, name)
        head.load_state_dict(weights)
    except CheckpointError:
        raise
    except Exception as error:  # whatever damaged files make their readers raise
        raise CheckpointError(
            "The head of “{name}” cannot be read: {error}. Get the folder's files again.",
            name=name,
            error=(str(error).strip().splitlines() or [type(error).__name__])[0][:300],
        ) from error
    return head, card
