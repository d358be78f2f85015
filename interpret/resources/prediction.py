"""What work will take of a device's memory, part by part, and how much arithmetic it is; found without doing it."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count
from transformers import PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from interpret.core.errors import InputError
from interpret.resources.live_memory import LiveMemory
from interpret.resources.workload import Runner, Workload, build

# What a picture of them stacks, from the bottom.
PARTS = ("weights", "gradients", "optimizer", "attention", "activations", "logits")


def _tiled(query: Any, key: Any, value: Any, *_others: Any, **_named: Any) -> int:
    return int(sdpa_flop_count(query, key, value))


def _tiled_back(gradient: Any, query: Any, key: Any, value: Any, *_others: Any, **_named: Any) -> int:
    return int(sdpa_backward_flop_count(gradient, query, key, value))


# What PyTorch's counter does not know: attention in tiles on a processor.
_COUNTED = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _tiled,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _tiled_back,
}
# The first step makes the optimizer's moments, the second has them from its begin.
_STEPS = 2


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
    operations
        Floating-point operations of one answer or step: a multiplication and an addition are two.
    """

    work: Workload
    parts: Mapping[str, int]
    peak: int
    operations: int


def predict(config: PretrainedConfig, work: Workload) -> Prediction:
    """Predict what work takes that a model of a config does.

    Its own code runs, on tensors without data; see `interpret.resources.live_memory`.

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
    (438, 876)
    """
    heads, words = config.num_attention_heads, config.vocab_size

    def kind_of(tensor: torch.Tensor) -> str:
        shape = tensor.shape
        pairs = work.batch * work.length**2
        if len(shape) >= 3 and shape[-2:] == (work.length, work.length) and tensor.numel() == pairs * heads:
            return "attention"
        if shape and shape[-1] == words and tensor.numel() == work.tokens * words:
            return "logits"
        return "activations"

    live, counter = LiveMemory(kind_of), FlopCounterMode(display=False, custom_mapping=_COUNTED)
    with warnings.catch_warnings(), FakeTensorMode():
        warnings.simplefilter("ignore")
        with no_init_weights():
            model = build(config, work)
        steps = _STEPS if work.training else 1
        try:
            with live, counter:
                _count(model, work, live, steps)
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            raise InputError(
                "What {model} takes cannot be counted ahead: it looks at the texts to choose what it computes.",
                model=config.model_type,
            ) from error
    parts = live.at_peak()
    return Prediction(
        work,
        MappingProxyType({name: parts.get(name, 0) for name in PARTS}),
        live.peak,
        counter.get_total_flops() // steps,
    )


def _count(model: PreTrainedModel, work: Workload, live: LiveMemory, steps: int) -> None:
    # What the model took while it was made is gone by now.
    live.name((*model.parameters(), *model.buffers()), "weights")
    runner = Runner(model, work)
    for _ in range(steps):
        runner.forward_and_back()
        live.name((one.grad for one in model.parameters()), "gradients")
        runner.update()
        if runner.optimizer is not None:
            moments = (each.values() for each in runner.optimizer.state.values())
            live.name((one for some in moments for one in some), "optimizer")
