"""How far an attribution describes this model: would it forecast, hold still, and notice another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32, Float64

from interpret.attribution.attribution import Attribution, explain
from interpret.attribution.path_integral import Progress
from interpret.attribution.rank_agreement import check_match, correlation
from interpret.attribution.target_function import TargetFunction
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.extras import needed_for
from interpret.core.pass_counter import pass_counter

_INFIDELITY_DRAWS = 200
# How often scores are shuffled over the words, for what chance gives.
_SHUFFLES = 1000
_MOVES = 9


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """Whether a method's scores describe the model that it was used on.

    Attributes
    ----------
    infidelity, random_infidelity
        Yeh et al. 2019, eq. 1, of the scores times the scale ``>= 0`` that makes it smallest, divided by ``change``:
        the share of what happens to the answer without random sets of words that the scores do not forecast. 0: all is
        forecast. 1: nothing is, no scale does better than none, as with scores of the wrong sign. And that of scores
        shuffled over the words.
    change
        The mean squared change of the answer without those sets of words, in squared units of the answer: eq. 1 of
        scores that are all 0. ``infidelity * change`` is eq. 1 itself.
    scale
        What the scores were multiplied by: attributions of other units, such as gradients, are not blamed for these.
    sensitivity, random_sensitivity
        Yeh et al. 2019, eq. 3: how far the scores move at most, as a share of their length, when embeddings are moved
        by at most ``radius``; and how far as many shuffled scores lie at most. None where it was not asked for.
    radius
        How far each number of an embedding, in its own units: a twentieth of their standard deviation.
    replaced
        Adebayo et al. 2018: what had its weights drawn anew, each model with all that stands before it too: ``"head"``,
        ``"pooler"``, ``"layer 5"`` … ``"layer 0"`` (``"layers"`` where they share their weights), ``"embeddings"``,
        after which no weight is as it was trained. What the answer does not go through is left out: layers above a
        hidden unit, and the pooler of an answer that is read from elsewhere.
    agreement
        Spearman's rank correlation of these models' word scores with those of the true one: a method that looks at
        the model forgets; one that only looks at the text does not.
    random_agreement
        The 95% quantile of the size of the rank correlation of shuffled scores.
    shuffles
        How many of these there were.
    seconds
        What it took.
    """

    infidelity: float
    random_infidelity: Float32[np.ndarray, " shuffle"]
    change: float
    scale: float
    sensitivity: float | None
    random_sensitivity: float | None
    radius: float
    replaced: tuple[str, ...]
    agreement: Float32[np.ndarray, " model"]
    random_agreement: float
    shuffles: int
    seconds: float


def diagnose(
    target_function: TargetFunction,
    attribution: Attribution,
    sensitivity: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Diagnostics:
    """Measure infidelity, max-sensitivity through Captum, and compare with models of other weights.

    Parameters
    ----------
    sensitivity
        Whether max-sensitivity is measured: ten more attributions.
    progress
        Called as ``progress(done, total, stage)``.

    Examples
    --------
    >>> import numpy as np
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> attribution = it.attribution.explain(function, "occlusion")
    >>> found = it.attribution.diagnose(function, attribution, sensitivity=False)
    >>> found.infidelity < float(np.median(found.random_infidelity))  # than of scores shuffled over the words
    True
    >>> found.replaced
    ('head', 'layer 5', 'layer 4', 'layer 3', 'layer 2', 'layer 1', 'layer 0', 'embeddings')
    """
    check_match(target_function, attribution)
    begin = time.perf_counter()
    random = np.random.default_rng(seed)
    stages = cascade(target_function)
    total = 1 + (1 + _MOVES) * sensitivity + len(stages)
    report = pass_counter(progress, total)
    again = partial(_explain_again, attribution)
    groups = [list(tokens) for _, tokens in target_function.free_words]

    def by_word(scores: np.ndarray) -> np.ndarray:
        return np.array([scores[group].sum() for group in groups], float)

    words = by_word(attribution.scores)
    shuffled = np.stack([random.permutation(words) for _ in range(_SHUFFLES)])
    sets, changes = _changes(target_function, _baseline(attribution), seed)
    infidelities, scales = infidelity(np.vstack([words, shuffled]), sets, changes)
    report("infidelity")
    moved: float | None = None
    chance: float | None = None
    with lock_device(target_function.encoder.spec.device):
        radius = 0.05 * float(target_function.embedded.float().std())
    if sensitivity:
        moved = _sensitivity(target_function, again, radius, seed, lambda: report("sensitivity"))
        reference = float(np.linalg.norm(words)) or 1.0
        chance = float(np.linalg.norm(shuffled[:_MOVES] - words, axis=1).max()) / reference
    replaced, agreement = [], []
    for index, stage in enumerate(stages):
        other = with_new_weights(target_function, stages[: index + 1], seed)
        if other is not None:
            replaced.append(stage)
            agreement.append(correlation(by_word(again(other)), words))
        report("randomising")
    sizes = [abs(correlation(one, words)) for one in shuffled]
    return Diagnostics(
        infidelity=float(infidelities[0]),
        random_infidelity=read_only(infidelities[1:], np.float32),
        change=float((changes**2).mean()),
        scale=float(scales[0]),
        sensitivity=moved,
        random_sensitivity=chance,
        radius=radius,
        replaced=tuple(replaced),
        agreement=read_only(agreement, np.float32),
        random_agreement=float(np.quantile(sizes, 0.95)),
        shuffles=_SHUFFLES,
        seconds=time.perf_counter() - begin,
    )


def _baseline(attribution: Attribution) -> str:
    return attribution.baseline or "pad"


def _explain_again(attribution: Attribution, other: TargetFunction) -> np.ndarray:
    """Return the scores of another text or model, by the same method with the same settings."""
    return explain(
        other,
        attribution.method,
        _baseline(attribution),
        attribution.tolerance,
        rule=attribution.rule or "adaptive",
        smooth=attribution.smooth,
        seed=attribution.seed,
    ).scores


def infidelity(
    scores: Float64[np.ndarray, "scores word"],
    sets: Float64[np.ndarray, "draw word"],
    changes: Float64[np.ndarray, " draw"],
) -> tuple[Float64[np.ndarray, " scores"], Float64[np.ndarray, " scores"]]:
    """Return Yeh et al. 2019's infidelity of sets of scores, as a share of the mean squared change, and their scales.

    ``min over s >= 0 of E[(s I·φ - Δ)²] / E[Δ²]`` with I the words taken away, φ the scores and Δ what the answer lost.
    A scale below 0 is not allowed: it would make scores and minus scores the same.

    Parameters
    ----------
    sets
        Which words were taken away: 1, or 0.
    changes
        What the answer had more with them.
    """
    forecasts = scores @ sets.T
    size, both = (forecasts**2).sum(axis=1), forecasts @ changes
    scales = np.maximum(0, np.divide(both, size, out=np.zeros_like(both), where=size > 0))
    whole = float((changes**2).sum())
    missed = ((scales[:, None] * forecasts - changes) ** 2).sum(axis=1)
    # Where nothing changes there is nothing to forecast.
    return missed / whole if whole > 0 else np.zeros(len(scores)), scales


def _changes(target_function: TargetFunction, baseline: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Take random sets of words away; returns which, ``(draw, word)``, and what the answer had more with them."""
    embedded, empty = target_function.embedded, target_function.baseline(baseline)
    groups = [list(tokens) for _, tokens in target_function.free_words]
    random = np.random.default_rng(seed)
    sets = np.zeros((_INFIDELITY_DRAWS, len(groups)))
    for row in sets:
        # Of any size alike, so that single words and most of the text are both among them.
        size = int(random.integers(1, len(groups) + 1))
        row[random.choice(len(groups), size, replace=False)] = 1
    gates = np.ones((1 + len(sets), len(target_function.tokens)), np.float32)
    for index, group in enumerate(groups):
        gates[1:, group] -= sets[:, [index]].astype(np.float32)
    answers = []
    for some in torch.from_numpy(gates).split(target_function.at_once):
        with lock_device(target_function.encoder.spec.device, gives_way=True), torch.no_grad():
            there = some.to(embedded)[..., None]
            answers.append(target_function.score(empty + there * (embedded - empty)).double().cpu().numpy())
    found = np.concatenate(answers)
    return sets, found[0] - found[1:]


def _sensitivity(
    target_function: TargetFunction,
    again: Callable[[TargetFunction], np.ndarray],
    radius: float,
    seed: int,
    report: Callable[..., None],
) -> float:
    with needed_for("attributions"):
        from captum.metrics import sensitivity_max

    fixed = torch.from_numpy(np.array(target_function.fixed))
    draw = torch.Generator().manual_seed(seed)
    with lock_device(target_function.encoder.spec.device):
        # What moves the embeddings does so on the host: the device is others' while it works.
        embedded = target_function.embedded.cpu()

    def scored(inputs: torch.Tensor | tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        rows = []
        for one in inputs[0] if isinstance(inputs, tuple) else inputs:
            # Captum asks with gradients switched off.
            with torch.enable_grad():
                rows.append(torch.from_numpy(np.array(again(target_function.moved(one)))))
            report()
        # Of a bare tensor Captum would take each row for an explanation, and each token's score for its length.
        return (torch.stack(rows),)

    def perturb(inputs: torch.Tensor | tuple[torch.Tensor], radius: float) -> torch.Tensor:
        inputs = inputs[0] if isinstance(inputs, tuple) else inputs
        noise = torch.stack([(2 * torch.rand(embedded.shape, generator=draw) - 1) for _ in inputs]).to(inputs) * radius
        noise[:, fixed] = 0
        return inputs + noise

    # One at a time: Captum would hand all ten on at once, and each is an attribution of its own.
    value = sensitivity_max(
        scored,
        embedded[None],
        perturb,
        perturb_radius=radius,
        n_perturb_samples=_MOVES,
        max_examples_per_batch=1,
    )
    return float(value[0])


def cascade(target_function: TargetFunction) -> tuple[str, ...]:
    """Return what is drawn anew, one after another, from the answer down to the words: see `Diagnostics.replaced`."""
    encoder, kind = target_function.encoder, target_function.kind
    own = kind.by_task_head(target_function)
    shared = len(_layers(encoder)) != encoder.layers
    top = kind.top(target_function)
    layers = () if top == 0 else ("layers",) if shared else tuple(f"layer {i}" for i in reversed(range(top)))
    pooled = own and kind.pooled and getattr(encoder.model, "pooler", None) is not None
    return (
        *(("head",) if own or target_function.head is not None else ()),
        *(("pooler",) if pooled else ()),
        *layers,
        "embeddings",
    )


def _layers(encoder: Encoder) -> list[torch.nn.Module]:
    return list(encoder.part(encoder.family.layers))  # type: ignore[call-overload]


def with_new_weights(target_function: TargetFunction, stages: Sequence[str], seed: int) -> TargetFunction | None:
    """Ask a model some of whose weights are drawn anew: see `cascade`; None where nothing differs.

    Each tensor is drawn from a normal distribution with its own mean and spread, as a trained one would have.
    """
    draw = torch.Generator().manual_seed(seed)

    def anew(tensor: torch.Tensor) -> torch.Tensor:
        drawn = torch.randn(tensor.shape, generator=draw)
        spread = tensor.float().std().item() if tensor.numel() > 1 else 0.0
        return (tensor.float().mean().item() + spread * drawn).to(tensor)

    encoder, head = target_function.encoder.copy(), target_function.head
    changed: set[int] = set()
    with lock_device(encoder.spec.device):
        for stage in stages:
            if stage == "head" and head is not None:
                head = type(head)(
                    head.labels, read_only(anew(torch.from_numpy(np.array(head.weight))).numpy()), head.bias
                )
                continue
            for parameter in _weights(encoder, stage):
                if id(parameter) not in changed:
                    parameter.data = anew(parameter.data)
                    changed.add(id(parameter))
    if not changed and head is target_function.head:
        return None
    reading = replace(target_function.reading, encoder=encoder)
    return TargetFunction(encoder, target_function.tokens, target_function.target, head, target_function.other, reading)


def _weights(encoder: Encoder, stage: str) -> list[torch.nn.Parameter]:
    """Return the weights that a stage of the cascade draws."""
    inside = list(encoder.model.parameters())
    if stage == "head":
        known = {id(one) for one in inside}
        # A head that guesses words may score them by the embeddings themselves, which are no part of it.
        return [one for part in encoder.head_parts() for one in part.parameters() if id(one) not in known]
    pooler = getattr(encoder.model, "pooler", None)
    pooled = [] if pooler is None else list(pooler.parameters())
    if stage == "pooler":
        return pooled
    layers = _layers(encoder)
    if stage == "layers":
        return [one for layer in layers for one in layer.parameters()]
    if stage.startswith("layer "):
        return list(layers[int(stage.removeprefix("layer "))].parameters())
    # All that is left: beside the embeddings what stands between them and the layers, or is shared by these.
    others = {id(one) for one in [*pooled, *(one for layer in layers for one in layer.parameters())]}
    return [one for one in inside if id(one) not in others]
