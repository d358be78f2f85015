"""What work will take of a device's memory, part by part, and how much arithmetic it is; found without doing it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from transformers import PretrainedConfig, PreTrainedModel

from interpret.core.characters import beginning
from interpret.core.errors import InputError, InterpretError
from interpret.resources.live_memory import LiveMemory
from interpret.resources.workload import Runner, Workload, build

# What a picture of them stacks, from the bottom.
PARTS = ("weights", "gradients", "optimizer", "attention", "activations", "logits")
# What comes with the texts, and grows with them.
WORKING = ("attention", "activations", "logits")
# What an optimizer takes while it is at work, beside its moments.
_STEP = "step"


@dataclass(frozen=True)
class Prediction:
    """What work takes, by counting.

    Attributes
    ----------
    work
        What was counted.
    parts
        Bytes of each of `PARTS` at the moment when all of them together are the most.
    peak
        Their sum. What Python, PyTorch and a device's context take is not in it.
    working
        Bytes of attention, activations and logits when these together are the most, which may be at another moment.
    operations
        Floating-point operations of one answer or step: a multiplication and an addition are two.
    """

    work: Workload
    parts: Mapping[str, int]
    peak: int
    working: int
    operations: int


def predict(config: PretrainedConfig, work: Workload) -> Prediction:
    """Predict what work takes that a model of a config does on a processor.

    Its own code runs, on tensors without data; see `interpret.resources.live_memory`. A card has kernels of its own,
    and may take less. Of models with one head `Prediction.parts` counts attention among activations.

    Raises
    ------
    InputError, CheckpointError
        See `build`.

    Examples
    --------
    >>> import transformers
    >>> from interpret.resources import Workload, predict
    >>> base = transformers.BertConfig()
    >>> found = predict(base, Workload(batch=32, length=128, training=True, kernel="eager"))
    >>> found.parts["weights"] // 10**6, found.parts["optimizer"] // 10**6  # two moments for each weight
    (437, 875)
    """
    live = LiveMemory(partial(_kind, config, work))
    # Without data already while it is made: no weight is drawn, and nothing is set that other threads would see.
    with torch.device("meta"):
        model = build(config, work)
    fake = FakeTensorMode()
    _to_processor(model, fake)
    with fake:
        try:
            with live:
                _count(model, work, live)
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            raise InputError(
                "What {model} takes cannot be counted ahead: it looks at the texts to choose what it computes.",
                model=config.model_type,
            ) from error
        except InterpretError:
            raise
        except Exception as error:  # whatever else a config's values make a model's code raise
            raise InputError(
                "What {model} takes cannot be counted: {error}. Choose another model, or other work.",
                model=config.model_type,
                error=beginning(str(error) or type(error).__name__, 300),
            ) from error
    parts = live.at_peak("optimizer")
    parts["activations"] = parts.get("activations", 0) + parts.pop(_STEP, 0)
    if work.length == _head_width(config) > 1:
        # Attention is told by its shape, which queries have too here; it grows with the square exactly.
        beside = predict(config, replace(work, length=work.length - 1)).parts["attention"]
        parts["attention"] = beside * work.length**2 // (work.length - 1) ** 2
        parts["activations"] -= parts["attention"]
    return Prediction(
        work,
        MappingProxyType({name: parts.get(name, 0) for name in PARTS}),
        sum(parts.values()),
        sum(live.at_peak(only=WORKING).values()),
        live.operations * work.accumulation // min(2, work.accumulation),
    )


def _kind(config: PretrainedConfig, work: Workload, tensor: torch.Tensor) -> str:
    """Tell by its shape what an operation has returned."""
    heads, words, shape = config.num_attention_heads, config.vocab_size, tensor.shape
    # Queries have such a shape too where heads are as wide as texts are long, and are a part of no pair.
    square = len(shape) >= 3 and shape[-2:] == (work.length, work.length) and work.length != _head_width(config)
    if square and tensor.numel() == heads * work.batch * work.length**2 and heads > 1:
        return "attention"
    if shape and shape[-1] == words and tensor.numel() == work.tokens * words:
        return "logits"
    return "activations"


def _head_width(config: PretrainedConfig) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _to_processor(model: PreTrainedModel, fake: FakeTensorMode) -> None:
    """Let a model that is nowhere be on a processor, as far as its operations can tell."""
    done: dict[int, torch.Tensor] = {}

    def there(tensor: torch.Tensor) -> torch.Tensor:
        # Weights that are one stay one.
        if id(tensor) not in done:
            faked: torch.Tensor = FakeTensor(fake, tensor.detach(), torch.device("cpu"))
            if isinstance(tensor, torch.nn.Parameter):
                faked = torch.nn.Parameter(faked, tensor.requires_grad)
            done[id(tensor)] = faked
        return done[id(tensor)]

    for module in model.modules():
        both: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for kept in both:
            kept.update({name: there(one) for name, one in kept.items() if one is not None})


def _count(model: PreTrainedModel, work: Workload, live: LiveMemory) -> None:
    # What the model took while it was made is gone by now.
    live.name((*model.parameters(), *model.buffers()), "weights")
    runner = Runner(model, work)
    # A second batch finds the first one's gradients there; those after it are like it.
    for _ in range(min(2, work.accumulation)):
        runner.forward_and_back()
        live.name((one.grad for one in model.parameters()), "gradients")
    live.kind_of = lambda _tensor: _STEP
    runner.update()
    if runner.optimizer is not None:
        moments = (each.values() for each in runner.optimizer.state.values())
        live.name((one for some in moments for one in some), "optimizer")
