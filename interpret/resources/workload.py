"""What a model is to do, as far as its memory and time depend on it; and the doing, on tensors with data or without."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch.nn.functional import cross_entropy
from transformers import PretrainedConfig, PreTrainedModel

from interpret.core.adapters import adapted_maps, add_adapters
from interpret.core.characters import beginning
from interpret.core.checkpoint_files import LOADING
from interpret.core.devices import PRECISIONS
from interpret.core.errors import CheckpointError, InputError
from interpret.core.families import Family, find_family
from interpret.core.layer_groups import (
    EMBEDDINGS,
    HEAD,
    freeze,
    group_layers,
    layer_group_names,
    layer_group_parameters,
)
from interpret.resources.configs import longest

KERNELS = ("eager", "sdpa", "flash")
# What stands on the encoder, as transformers calls it.
HEADS = {
    "none": "AutoModel",
    "classes": "AutoModelForSequenceClassification",
    "tokens": "AutoModelForTokenClassification",
    "masked words": "AutoModelForMaskedLM",
    "questions": "AutoModelForQuestionAnswering",
}
MOST_TOKENS = 1 << 24
MOST_RANK = 1024
MOST_PASSES = 4096
# What configs call the dropout of attention's weights.
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")


@dataclass(frozen=True)
class Workload:
    """What a model is to do.

    Attributes
    ----------
    batch, length
        Texts at once, and tokens of each: shorter ones are padded to it.
    training
        Whether it learns: forward, back, and a step of AdamW (Loshchilov & Hutter 2019). Otherwise it only answers.
    head
        One of `HEADS`.
    kernel
        ``"eager"`` computes all weights of attention and keeps them; ``"sdpa"`` is PyTorch's
        ``scaled_dot_product_attention``, which goes through them in tiles where it can (Dao et al. 2022): on a
        processor not while attention has dropout. ``"flash"`` always does, as on cards: it is the same without dropout
        of attention's weights. Architectures with relative positions have the first alone.
    precision
        A name of `PRECISIONS`. Whoever trains keeps the weights in float32, and rounds what goes through them.
    frozen
        Layer groups that do not learn: ``"embeddings"``, ``"0"`` …
    dropout
        Whether the config's dropout is at work while it learns.
    checkpointing
        Whether only the inputs of layers are kept for the way back, and the rest is computed again (Chen et al. 2016).
    accumulation
        How many batches are read for one step, their gradients added up.
    lora_rank
        Of adapters beside the linear maps, which then learn in their place (Hu et al. 2021), with the head; 0 for none.

    Raises
    ------
    InputError
        If there is no such head, kernel or precision, or nothing to do.

    Examples
    --------
    >>> from interpret.resources import Workload
    >>> Workload(batch=32, length=128, training=True).tokens
    4096
    >>> Workload(kernel="ring")
    Traceback (most recent call last):
        ...
    interpret.core.errors.InputError: There is no kernel “ring”. Choose one of: eager, sdpa, flash.
    """

    batch: int = 1
    length: int = 128
    training: bool = False
    head: str = "classes"
    kernel: str = "sdpa"
    precision: str = "float32"
    frozen: tuple[str, ...] = ()
    dropout: bool = True
    checkpointing: bool = False
    lora_rank: int = 0
    accumulation: int = 1

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise InputError(
                "There is no kernel “{given}”. Choose one of: {known}.", given=self.kernel, known=", ".join(KERNELS)
            )
        if self.head not in HEADS:
            raise InputError(
                "There is no head “{given}”. Choose one of: {known}.", given=self.head, known=", ".join(HEADS)
            )
        if self.precision not in PRECISIONS:
            raise InputError(
                "There is no precision “{given}”. Choose one of: {known}.",
                given=self.precision,
                known=", ".join(PRECISIONS),
            )
        if self.batch < 1 or self.length < 1 or self.tokens > MOST_TOKENS:
            raise InputError(
                "Texts at once: {batch}; tokens of each: {length}. Choose at least one of each, and at most {most} "
                "tokens in all.",
                batch=f"{self.batch:,}",
                length=f"{self.length:,}",
                most=f"{MOST_TOKENS:,}",
            )
        if not self.training and (self.frozen or self.lora_rank or self.checkpointing or self.accumulation != 1):
            raise InputError(
                "Frozen layers, adapters, gradient checkpointing and gradients that are added up belong to work that "
                "learns. Choose that, or leave them out."
            )
        if not 1 <= self.accumulation <= MOST_PASSES:
            raise InputError(
                "Batches of a step: {count}. Choose at least 1, and at most {most}.",
                count=f"{self.accumulation:,}",
                most=f"{MOST_PASSES:,}",
            )
        if not 0 <= self.lora_rank <= MOST_RANK:
            raise InputError(
                "Rank of the adapters: {rank}. Choose 0 for none, and at most {most}.",
                rank=f"{self.lora_rank:,}",
                most=f"{MOST_RANK:,}",
            )

    @property
    def tokens(self) -> int:
        """How many tokens are read at once, padding among them."""
        return self.batch * self.length

    @property
    def manner(self) -> str:
        """How its memory comes and goes: ``"answers"``, ``"learns"``, or ``"learns in parts"``.

        With adapters or gradient checkpointing little of what comes stays long, in the midst of what does.
        """
        if not self.training:
            return "answers"
        return "learns in parts" if self.lora_rank or self.checkpointing else "learns"


def build(config: PretrainedConfig, work: Workload) -> PreTrainedModel:
    """Return a model of a config with weights as at the begin of pre-training, ready for the work.

    Raises
    ------
    InputError
        If the model has not so many positions, or no layer group of a name that is to be frozen.
    CheckpointError
        If the architecture is not one that Bertoscope reads, or no model can be made of the config.
    """
    family = find_family(config.to_dict(), config.model_type)
    positions = longest(config)
    if positions is not None and work.length > positions:
        raise InputError(
            "Tokens of a text: {length}; positions of this model: {positions}. Choose no more than that.",
            positions=f"{positions:,}",
            length=f"{work.length:,}",
        )
    # What transformers has no other kernel for, it computes eagerly.
    kernel = "eager" if family.relative or work.kernel == "eager" else "sdpa"
    # transformers writes into it how it is used.
    config = copy.deepcopy(config)
    if work.kernel == "flash":
        for name in _ATTENTION_DROPOUT:
            if hasattr(config, name):
                setattr(config, name, 0.0)
    loader = getattr(transformers, HEADS[work.head])
    if type(config) not in loader._model_mapping:
        raise InputError(
            "transformers has no model of the architecture “{kind}” with the head “{head}”. Choose another head.",
            kind=config.model_type,
            head=work.head,
        )
    # It draws its weights with settings that all threads have in common; so is the kind of numbers that a config names.
    try:
        with LOADING:
            model: PreTrainedModel = loader.from_config(config, attn_implementation=kernel, dtype=torch.float32)
    except Exception as error:  # whatever sizes that do not go together make transformers raise
        raise CheckpointError(
            "No model can be made as the config.json of “{name}” describes it: {error}. Get the file again.",
            name=config.model_type,
            error=beginning(str(error) or type(error).__name__, 300),
        ) from error
    if not work.dropout:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            for name in ("dropout_prob", "attention_dropout", "dropout"):
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)
    if not work.training:
        # Its own class's method has a decorator that type checkers read wrongly.
        torch.nn.Module.to(model, PRECISIONS[work.precision])
        model.requires_grad_(False)
        return model.eval()
    _let_learn(model, family, work)
    if work.head == "none" and not any(
        one.requires_grad for name, one in model.named_parameters() if "pool" not in name
    ):
        raise InputError("Nothing of this model would learn. Freeze fewer layers, or choose a head.")
    if work.checkpointing and not model.supports_gradient_checkpointing:
        raise InputError(
            "transformers cannot compute layers of the architecture “{kind}” again. Turn gradient checkpointing off.",
            kind=config.model_type,
        )
    if work.checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    return model.train()


def layer_names(config: PretrainedConfig, head: str = "classes") -> tuple[str, ...]:
    """Return the layer groups that may be frozen of a model with a head, from the bottom to the top, and the head.

    Raises
    ------
    InputError, CheckpointError
        See `build`.

    Examples
    --------
    >>> from interpret.resources import find_config, layer_names
    >>> layer_names(find_config("bert-tiny"))
    ('embeddings', '0', '1', 'pooler', 'head')
    """
    with torch.device("meta"):
        model = build(config, Workload(1, 1, head=head))
    return layer_group_names(model, find_family(config.to_dict(), config.model_type))


def _let_learn(model: PreTrainedModel, family: Family, work: Workload) -> None:
    """Let learn what is to: all that is not frozen, or adapters in its place."""
    if not work.lora_rank:
        freeze(model, family, work.frozen)
        return
    # As in a fine-tune: the head is new, and learns whole; embeddings are no linear maps.
    parameters = layer_group_parameters(model, family)
    layer_groups = group_layers(model, family, {*work.frozen, EMBEDDINGS})
    maps = adapted_maps(model, parameters, layer_groups, [HEAD])
    model.requires_grad_(False)
    with torch.device(model.device):
        add_adapters(model, maps, work.lora_rank, parameters.get(HEAD, ()), 0)


class Runner:
    """Does the work once after another, with one model and one optimizer.

    Attributes
    ----------
    optimizer
        None where nothing learns.
    """

    def __init__(self, model: PreTrainedModel, work: Workload) -> None:
        self.model, self.work = model, work
        learns = [one for one in model.parameters() if one.requires_grad]
        self.optimizer = torch.optim.AdamW(learns, lr=1e-5, fused=True) if learns else None
        device = model.device
        shape = work.batch, work.length
        self.inputs: dict[str, torch.Tensor] = {
            "input_ids": torch.full(shape, min(5, model.config.vocab_size - 1), device=device),
            "attention_mask": torch.ones(shape, dtype=torch.long, device=device),
        }
        if work.length > 2:
            # A text that is shorter than the others: without one, no mask would be needed.
            self.inputs["attention_mask"][0, -1] = 0
        # One for each token, or for each text.
        rows = work.tokens if work.head in ("tokens", "masked words") else work.batch
        self.labels = torch.zeros(rows, dtype=torch.long, device=device)

    def step(self) -> None:
        """Answer, or learn, once."""
        for _ in range(self.work.accumulation):
            self.forward_and_back()
        self.update()

    def forward_and_back(self) -> None:
        """Answer, and go back to the gradients where something learns."""
        with torch.enable_grad() if self.work.training else torch.no_grad(), self._rounded():
            outputs: Any = self.model(**self.inputs)
        if self.work.training:
            loss = self._loss(outputs)
            del outputs
            loss.backward()

    def update(self) -> None:
        """Let what learns learn from its gradients, and forget these."""
        if self.optimizer is not None:
            self.optimizer.step()
            self.optimizer.zero_grad()

    def _loss(self, outputs: Any) -> torch.Tensor:
        """Return a loss as transformers computes it, which also looks at the labels: tensors without data have none."""
        head = self.work.head
        if head == "none":
            return torch.as_tensor(outputs.last_hidden_state.float().square().mean())
        if head == "questions":
            some = [outputs.start_logits, outputs.end_logits]
        else:
            some = [outputs.logits.reshape(-1, outputs.logits.shape[-1])]
        return torch.stack([cross_entropy(one.float(), self.labels) for one in some]).mean()

    @contextmanager
    def _rounded(self) -> Iterator[None]:
        mixed = self.work.training and self.work.precision != "float32"
        kind = self.model.device.type
        with torch.autocast(kind, PRECISIONS[self.work.precision]) if mixed else nullcontext():
            yield
