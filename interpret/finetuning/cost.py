"""A step of training, timed: on a card in a process of its own, which leaves nothing behind on it."""

import json
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from interpret.core.checkpoints import checkpoint_folder
from interpret.core.device_lock import lock_device, synchronize
from interpret.core.devices import find_device
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import InterpretError
from interpret.core.own_process import device_inside, measured_alone
from interpret.core.rounding import fast_precision

# Tokens of the batch that is timed on a processor: a second or two for a BERT-base on two cores, and more take as long
# for each. A card is told of one operation after another, and of small batches most of the time is idle.
_MEASURED_TOKENS = 512
_TIMES = 2
# Seconds after which a process that times a step is given up: PyTorch, CUDA and a model of some GB are loaded in it.
_PATIENCE = 180.0
# What contexts were seen to take on cards of several generations; what lies outside is another process's doing.
_CONTEXTS = (100_000_000, 2_000_000_000)


@dataclass(frozen=True)
class StepCost:
    """What a model's arithmetic takes on a device, measured.

    Attributes
    ----------
    forward, backward
        Seconds a token, through all layers and back.
    update
        Seconds a parameter for the optimizer.
    context
        Bytes that the device's context takes in a process of its own; 0 on a processor, and where it cannot be told.
    """

    forward: float
    backward: float
    update: float
    context: int = 0


def measure_cost(
    encoder: Encoder, tokens: int, precision: str = "float32", batch: int = 16, device: str = "cpu"
) -> StepCost:
    """Time a step of training on a copy of the model, of texts of so many tokens.

    On a card it is timed in a process of its own, at the batch and with the optimizer that will run: PyTorch keeps what
    it has taken for reuse, which the training would then lack.

    Parameters
    ----------
    precision
        As `interpret.finetuning.recipe.Recipe` takes it.
    batch
        Texts of a step, for a card.
    device
        As `interpret.load_encoder` takes it.

    Raises
    ------
    InputError
        If there is no such device, or it cannot be timed.
    CapacityError
        If the device runs out of memory.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm", "cpu")
    >>> cost = it.finetuning.measure_cost(encoder, tokens=16)
    >>> 0 < 16 * 16 * (cost.forward + cost.backward) < 60  # seconds for sixteen texts
    True
    >>> cost.context  # on cards only
    0
    """
    chosen_device = find_device(device)
    name, precision = chosen_device.name, fast_precision(chosen_device) if precision == "auto" else precision
    if name == "cpu":
        return time_steps(encoder, tokens, precision, batch)
    return _apart(encoder, tokens, precision, batch, name)


def _apart(encoder: Encoder, tokens: int, precision: str, batch: int, device: str) -> StepCost:
    """Time a step in a process of its own."""
    checkpoint = encoder.spec.checkpoint
    model = checkpoint.name if checkpoint.source == "builtin" else str(checkpoint_folder(checkpoint))
    request = [model, device_inside(device), tokens, precision, batch]
    return StepCost(**measured_alone("interpret.finetuning.cost", request, device, _PATIENCE))


def main() -> None:
    """Time what standard input asks for, and print it as JSON."""
    model, device, tokens, precision, batch = json.loads(sys.stdin.read())
    try:
        free = find_device(device).free
        timed = asdict(time_steps(load_encoder(model, device), tokens, precision, batch, free))
    except InterpretError as error:
        timed = {"kind": type(error).__name__, **error.to_dict()}
    print(json.dumps(timed))  # noqa: T201 - to who asked


def time_steps(encoder: Encoder, tokens: int, precision: str, batch: int, free: int = 0) -> StepCost:
    """Time steps here and now; see `measure_cost`.

    Parameters
    ----------
    free
        Bytes that a card had free before this process began with it.
    """
    device = encoder.spec.device
    rows = max(1, _MEASURED_TOKENS // tokens) if device == "cpu" else batch
    forward, backward, update = [], [], []
    with lock_device(device):
        ids = torch.randint(1, encoder.tokenizer.get_vocab_size(), (rows, tokens), device=device)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        model = encoder.copy().model.train().requires_grad_(True)
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        count = sum(one.numel() for one in model.parameters())
        # The first time round memory is found and code is loaded.
        for _ in range(_TIMES + 1):
            begin = _now(device)
            # A context of its own for each pass: it keeps the weights that it has rounded, and those that were rounded
            # without gradients would have none in the second.
            with torch.no_grad(), _rounding(device, precision):
                model(**inputs)
            middle = _now(device)
            with _rounding(device, precision):
                loss = model(**inputs).last_hidden_state.float().square().mean()
            loss.backward()
            back = _now(device)
            optimizer.step()
            optimizer.zero_grad()
            forward.append(middle - begin)
            backward.append(back - middle - (middle - begin))
            update.append(_now(device) - back)
        context = _context(device, free)
    return StepCost(
        min(forward[1:]) / ids.numel(),
        max(min(backward[1:]), 0.0) / ids.numel(),
        min(update[1:]) / count,
        context,
    )


def _rounding(device: str, precision: str) -> AbstractContextManager[Any]:
    return torch.autocast(torch.device(device).type, torch.bfloat16, precision == "bfloat16")


def _now(device: str) -> float:
    synchronize(device)
    return time.perf_counter()


def _context(device: str, free: int) -> int:
    """Return what a card's context takes: what is gone of its memory, and is not PyTorch's; 0 if that cannot be."""
    if not device.startswith("cuda"):
        return 0
    found = free - find_device(device).free - int(torch.cuda.memory_reserved(device))
    least, most = _CONTEXTS
    return found if least <= found <= most else 0


if __name__ == "__main__":
    main()
