"""Heads that read an encoder's last hidden states: a line, a small network, convolutions, a recurrent network."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from interpret.core.device_lock import seeded
from interpret.core.errors import CheckpointError, InputError

_DROPOUT = 0.1
_HIDDEN = 128
# Kim 2014, sec. 3.1: windows of 3, 4 and 5 words with 100 feature maps each.
_WINDOWS = (3, 4, 5)
_MAPS = 100

States = Float[torch.Tensor, "batch token hidden"]
Mask = Int[torch.Tensor, "batch token"]
Logits = Float[torch.Tensor, "batch label"]


def mean_states(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average the last hidden states of each text's tokens, special ones too, in float32: ``(text, hidden)``."""
    kept = mask[..., None].float()
    return (hidden.float() * kept).sum(dim=1) / kept.sum(dim=1)


class Linear(torch.nn.Module):
    """Score the mean of a text's states by one linear map."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.drop = torch.nn.Dropout(_DROPOUT)
        self.scores = torch.nn.Linear(width, labels)

    def forward(self, hidden: States, mask: Mask) -> Logits:
        """Score each class; padding counts for nothing."""
        return self.scores(self.drop(mean_states(hidden, mask)))


class MLP(torch.nn.Module):
    """Score the mean of a text's states by a network with one hidden layer."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Dropout(_DROPOUT),
            torch.nn.Linear(width, _HIDDEN),
            torch.nn.GELU(),
            torch.nn.Dropout(_DROPOUT),
            torch.nn.Linear(_HIDDEN, labels),
        )

    def forward(self, hidden: States, mask: Mask) -> Logits:
        """Score each class; padding counts for nothing."""
        return self.net(mean_states(hidden, mask))


class TextCNN(torch.nn.Module):
    """Score the strongest answers of convolutions over the states of 3, 4 and 5 tokens in a row (Kim 2014)."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.windows = torch.nn.ModuleList(torch.nn.Conv1d(width, _MAPS, size, padding=size // 2) for size in _WINDOWS)
        # Kim's own rate.
        self.drop = torch.nn.Dropout(0.5)
        self.scores = torch.nn.Linear(_MAPS * len(_WINDOWS), labels)

    def forward(self, hidden: States, mask: Mask) -> Logits:
        """Score each class; padding counts for nothing."""
        kept = mask[:, None].bool()
        states = (hidden.float() * mask[..., None]).transpose(1, 2)
        found = []
        for window in self.windows:
            # A window of even size has one place more than there are tokens.
            maps = torch.relu(window(states))[..., : hidden.shape[1]]
            found.append(maps.masked_fill(~kept, 0).amax(dim=-1))
        return self.scores(self.drop(torch.cat(found, dim=-1)))


class BiLSTM(torch.nn.Module):
    """Score what recurrent networks, one in each direction, have kept at the ends of the text."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.network = torch.nn.LSTM(width, _HIDDEN, batch_first=True, bidirectional=True)
        self.drop = torch.nn.Dropout(_DROPOUT)
        self.scores = torch.nn.Linear(2 * _HIDDEN, labels)

    def forward(self, hidden: States, mask: Mask) -> Logits:
        """Score each class; padding counts for nothing."""
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            hidden.float(), mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.network(packed)
        return self.scores(self.drop(torch.cat([last[0], last[1]], dim=-1)))


HEADS: Mapping[str, Callable[[int, int], torch.nn.Module]] = {
    "linear": Linear,
    "mlp": MLP,
    "textcnn": TextCNN,
    "bilstm": BiLSTM,
}


def make_head(name: str, width: int, labels: int, seed: int = 0) -> torch.nn.Module:
    """Make a new head.

    Parameters
    ----------
    name
        A name in `HEADS`.
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

    def forward(self, attention_mask: Mask, **inputs: Any) -> SequenceClassifierOutput:
        """Run the encoder, and score each class."""
        output = self.body(attention_mask=attention_mask, **inputs)
        return SequenceClassifierOutput(
            logits=self.head(output.last_hidden_state, attention_mask),
            hidden_states=output.get("hidden_states"),
            attentions=output.get("attentions"),
        )


@dataclass(frozen=True)
class HeadCard:
    """What a saved head is: its name in `HEADS`, and the classes; none for a regression."""

    name: str
    labels: tuple[str, ...]


_CARD, _WEIGHTS = "head.json", "head.safetensors"


def save_head(head: torch.nn.Module, name: str, labels: Sequence[str], folder: Path) -> None:
    """Write a head beside its encoder: what it is as JSON, and its weights as safetensors."""
    card = {"head": name, "labels": list(labels)}
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
        given = json.loads((folder / _CARD).read_text("utf-8"))
        card = HeadCard(str(given["head"]), tuple(str(one) for one in given["labels"]))
        head = make_head(card.name, width, max(1, len(card.labels)))
        head.load_state_dict(load_file(folder / _WEIGHTS))
    except Exception as error:  # whatever damaged files make their readers raise
        raise CheckpointError(
            "The head of “{name}” cannot be read: {error}. Get the folder's files again.",
            name=name,
            error=(str(error).strip().splitlines() or [type(error).__name__])[0][:300],
        ) from error
    return head, card
