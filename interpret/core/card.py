"""What a model is made of, counted on the model itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from interpret.core.checkpoint_files import weights_sha256
from interpret.core.checkpoints import MULTILINGUAL, Checkpoint, checkpoint_folder
from interpret.core.encoder import Encoder
from interpret.core.errors import CheckpointError, InterpretError
from interpret.core.multilingual_e5 import ROUNDED
from interpret.core.tasks import Task
from interpret.core.vocabulary import SpecialTokens
from interpret.core.work_sizes import parameters_in_files


@dataclass(frozen=True)
class ModelCard:
    """An encoder's facts.

    Attributes
    ----------
    parameters
        Numbers in each part that is loaded: ``"embeddings"``, ``"layer 0"`` …, ``"pooler"``, ``"other"``. Weights
        that ALBERT's layers share are counted once, as ``"shared layers"``.
    heads_in_file
        Numbers in the checkpoint's files beyond those: task heads that an encoder does without.
    weight_bytes
        Memory that the loaded parameters take at the encoder's precision.
    sha256
        Of the weights as they lie on disk.
    rounded
        What the weights on disk were rounded to, and how far that is from what was trained, in a sentence that pages
        translate; empty where they were not.
    licence
        As the model's own README states it; None where it does not.
    head
        What the task head answers, and its classes; None where there is none, and then ``head_note`` says why.
    special
        What the tokenizer calls its special tokens.
    notes
        What a reader should know of how it was read: see `Encoder`.
    """

    checkpoint: Checkpoint
    family: str
    layers: int
    heads: int
    width: int
    head_width: int
    vocabulary: int
    max_tokens: int
    parameters: Mapping[str, int]
    heads_in_file: int
    weight_bytes: int
    sha256: str
    rounded: str
    licence: str | None
    head: Task | None
    head_note: CheckpointError | None
    special: SpecialTokens
    notes: tuple[InterpretError, ...]


def model_card(encoder: Encoder) -> ModelCard:
    """Describe an encoder; its weights are read once more from disk for the digest.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> card = it.model_card(encoder)
    >>> card.layers, card.heads, card.width, card.vocabulary
    (6, 12, 384, 30522)
    >>> card.parameters["layer 0"]
    1774464
    >>> card.licence
    'apache-2.0'
    """
    checkpoint = encoder.spec.checkpoint
    folder = checkpoint_folder(checkpoint)
    parameters = {"embeddings": _count(encoder, encoder.family.embeddings)}
    layers = list(encoder.part(encoder.family.layers).children())
    shared = len(layers) < encoder.layers
    for index, layer in enumerate(layers):
        name = "shared layers" if shared else f"layer {index}"
        parameters[name] = sum(one.numel() for one in layer.parameters())
    if getattr(encoder.model, "pooler", None) is not None:
        parameters["pooler"] = _count(encoder, "pooler")
    everything = sum(one.numel() for one in encoder.model.parameters())
    parameters["other"] = everything - sum(parameters.values())
    readme = folder / "README.md"
    found = re.search(r"^license:\s*(\S+)", readme.read_text("utf-8", "replace"), re.M) if readme.exists() else None
    return ModelCard(
        checkpoint=checkpoint,
        family=encoder.family.title,
        layers=encoder.layers,
        heads=encoder.heads,
        width=encoder.width,
        head_width=_head_width(encoder),
        vocabulary=encoder.model.config.vocab_size,
        max_tokens=encoder.max_tokens,
        parameters=MappingProxyType({name: count for name, count in parameters.items() if count}),
        heads_in_file=max(0, parameters_in_files(folder) - everything),
        weight_bytes=sum(one.numel() * one.element_size() for one in encoder.model.parameters()),
        sha256=weights_sha256(folder),
        rounded=ROUNDED if checkpoint.name == MULTILINGUAL else "",
        licence=found[1] if found else None,
        head=encoder.task,
        head_note=encoder.head_note,
        special=encoder.special,
        notes=encoder.notes,
    )


def _head_width(encoder: Encoder) -> int:
    config = encoder.model.config
    # MobileBERT's attention is narrower than its hidden states.
    whole: int = getattr(config, "true_hidden_size", encoder.width)
    return getattr(config, "head_dim", None) or whole // encoder.heads


def _count(encoder: Encoder, path: str) -> int:
    return sum(one.numel() for one in encoder.part(path).parameters())
