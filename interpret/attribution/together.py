"""Several texts' target functions in one pass: those of like length side by side, padded at the end."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64

from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets.target import Pass
from interpret.core.batches import batches_of
from interpret.core.device_lock import lock_device
from interpret.core.errors import InputError


def alike(functions: Sequence[TargetFunction | InputError]) -> list[list[int]]:
    """Put the indices of functions together that one pass can answer; those that are none are in no group."""
    groups: dict[object, list[int]] = {}
    for index, one in enumerate(functions):
        if isinstance(one, TargetFunction):
            groups.setdefault((one.kind.name, one.kind.alike(one)), []).append(index)
    return list(groups.values())


def outputs_together(
    functions: Sequence[TargetFunction], embedded: Sequence[Float[torch.Tensor, "token width"]]
) -> Float64[np.ndarray, " function"]:
    """Return the number that is asked for, of each function's text given as embeddings; see `TargetFunction.score`."""
    outputs = np.empty(len(functions))
    for batch in batches_of([len(one) for one in embedded], functions[0].tokens_at_once if functions else 1):
        with lock_device(functions[0].encoder.spec.device, gives_way=True), torch.no_grad():
            some = [functions[index] for index in batch]
            answers = _answers(some, [1] * len(some), _side_by_side([embedded[index][None] for index in batch]), False)
            outputs[batch] = answers.double().cpu().numpy()
    return outputs


def gradients_together(
    functions: Sequence[TargetFunction], points: Sequence[Float[torch.Tensor, "point token width"]]
) -> list[tuple[Float[torch.Tensor, " point"], Float[torch.Tensor, "point token width"]]]:
    """Return for points of each function's text the number that is asked for, and its gradient; all in one pass."""
    begin = time.perf_counter()
    counts = [len(one) for one in points]
    with lock_device(functions[0].encoder.spec.device):
        inputs = _side_by_side(points).requires_grad_()
        answers = _answers(functions, counts, inputs, True)
        (gradient,) = torch.autograd.grad(answers.sum(), inputs)
        outputs = answers.detach()
    found, first = [], 0
    seconds = time.perf_counter() - begin
    for function, count, one in zip(functions, counts, points, strict=True):
        mine = slice(first, first + count)
        found.append((outputs[mine], gradient[mine, : one.shape[1]]))
        first += count
        function.backward_passes += count
        function.seconds += seconds * count / len(outputs)
    return found


def _side_by_side(points: Sequence[torch.Tensor]) -> torch.Tensor:
    """Put points of texts one below the other, padded with zeros at the end to the longest text."""
    longest = max(one.shape[1] for one in points)
    together = points[0].new_zeros((sum(map(len, points)), longest, points[0].shape[2]))
    first = 0
    for one in points:
        together[first : first + len(one), : one.shape[1]] = one.detach()
        first += len(one)
    return together


def _answers(
    functions: Sequence[TargetFunction], counts: Sequence[int], embedded: torch.Tensor, gradients: bool
) -> torch.Tensor:
    """Return each row's number, where ``counts`` says how many rows each function has."""
    first = functions[0]
    if len(functions) == 1:
        return first.score(embedded, gradients)
    rows = torch.repeat_interleave(torch.arange(len(functions)), torch.tensor(counts))
    beside = first.encoder.beside_embeddings([one.tokens for one in functions])
    inputs = {name: one[rows.to(one.device)] for name, one in beside.items()}
    own = first.kind.by_task_head(first)
    output = first.encoder.run(
        {**inputs, "inputs_embeds": embedded}, None, gradients, task=own, output_hidden_states=first.kind.by_levels
    )
    levels = tuple(output.hidden_states) if first.kind.by_levels else ()
    texts = [functions[int(row)].tokens for row in rows]
    answers = first.kind.answers(first, Pass(texts, inputs["attention_mask"], output, levels))
    for function, count in zip(functions, counts, strict=True):
        function.forward_passes += count
    columns = torch.tensor([function.column(answers.shape[1]) for function in functions])[rows]
    return answers.gather(1, columns[:, None].to(answers.device))[:, 0]
