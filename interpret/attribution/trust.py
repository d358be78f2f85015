"""How far an attribution describes this model: would it forecast, hold still, and notice another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max
from jaxtyping import Float32

from interpret.arrays import read_only
from interpret.attribution.explaining import Attribution, explain
from interpret.attribution.path import Progress
from interpret.attribution.question import Question
from interpret.attribution.ranking import check_match, correlation

_INFIDELITY_DRAWS = 200


@dataclass(frozen=True, eq=False)
class Trust:
    """Whether a method's scores describe the model that it was used on.

    Attributes
    ----------
    infidelity, random_infidelity
        Yeh et al. 2019, eq. 1, normalised by the scale of the scores that fits best: the mean squared difference
        between what the scores say random sets of words are worth and what the model says without them, in squared
        units of the answer; and that of scores shuffled over the words.
    sensitivity, random_sensitivity
        Yeh et al. 2019, eq. 3: how far the scores move at most, as a share of their length, when embeddings are moved
        by at most ``radius``; and how far scores drawn at random would. None where it was not asked for.
    radius
        How far each number of an embedding, in its own units: a twentieth of their standard deviation.
    replaced
        Adebayo et al. 2018: how many layers from the top had weights drawn anew, the head always with them; 0 is the
        head alone. Layers that share their weights go together, and those above a hidden unit are left out.
    agreement
        Spearman's rank correlation of the scores of these models with those of the true one: a method that looks at
        the model forgets; one that only looks at the text does not.
    random_agreement
        The 95 % quantile of the size of the rank correlation of shuffled scores.
    seconds
        What it took.
    """

    infidelity: float
    random_infidelity: Float32[np.ndarray, "draw"]
    sensitivity: float | None
    random_sensitivity: float | None
    radius: float
    replaced: tuple[int, ...]
    agreement: Float32[np.ndarray, "model"]
    random_agreement: float
    seconds: float


def trust(
    question: Question,
    attribution: Attribution,
    sensitivity: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Trust:
    """Measure infidelity and max-sensitivity through Captum, and compare with models of other weights.

    Parameters
    ----------
    sensitivity
        Whether max-sensitivity is measured: ten more attributions.
    progress
        Called as ``progress(done, total, stage)``.
    """
    check_match(question, attribution)
    begin = time.perf_counter()
    random = np.random.default_rng(seed)
    counts = _counts_of_layers(question)
    total = 1 + 10 * sensitivity + len(counts)
    done = 0

    def tell(stage: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total, stage)

    def again(other: Question) -> np.ndarray:
        return explain(
            other,
            attribution.method,
            _baseline(attribution),
            attribution.tolerance,
            rule=attribution.rule or "adaptive",
            smooth=attribution.smooth,
            seed=attribution.seed,
        ).scores

    free = np.flatnonzero(~question.fixed)
    shuffled = [_shuffled(attribution.scores, free, random) for _ in range(20)]
    infidelities = _infidelity(question, [attribution.scores, *shuffled], _baseline(attribution), seed)
    tell("infidelity")
    moved: float | None = None
    chance: float | None = None
    radius = 0.05 * float(question.embedded.float().std())
    if sensitivity:
        moved = _sensitivity(question, again, radius, seed, lambda: tell("sensitivity"))
        reference = float(np.linalg.norm(attribution.scores)) or 1.0
        chance = max(float(np.linalg.norm(one - attribution.scores)) for one in shuffled) / reference
    replaced, agreement = [], []
    for count in counts:
        other = _with_new_weights(question, count, seed)
        if other is not None:
            scores = again(other)
            replaced.append(count)
            agreement.append(correlation(scores[free], attribution.scores[free]))
        tell("randomising")
    sizes = [abs(correlation(one[free], attribution.scores[free])) for one in shuffled]
    return Trust(
        infidelity=infidelities[0],
        random_infidelity=read_only(infidelities[1:], np.float32),
        sensitivity=moved,
        random_sensitivity=chance,
        radius=radius,
        replaced=tuple(replaced),
        agreement=read_only(agreement, np.float32),
        random_agreement=float(np.quantile(sizes, 0.95)),
        seconds=time.perf_counter() - begin,
    )


def _baseline(attribution: Attribution) -> str:
    return attribution.baseline or "pad"


def _shuffled(scores: np.ndarray, free: np.ndarray, random: np.random.Generator) -> np.ndarray:
    found = np.array(scores)
    found[free] = random.permutation(found[free])
    return found


def _infidelity(question: Question, scores: Sequence[np.ndarray], baseline: str, seed: int) -> list[float]:
    """Ask Captum, in the space of gates that fade words out, with the same draws for each set of scores."""
    embedded, empty = question.embedded, question.baseline(baseline)
    groups = [pieces for _, pieces in question.free_words]
    asked: dict[bytes, torch.Tensor] = {}

    def gated(gates: torch.Tensor) -> torch.Tensor:
        rows = []
        for gate in gates.float():
            key = gate.numpy().tobytes()
            if key not in asked:
                with torch.no_grad():
                    some = gate[None, :, None].to(embedded)
                    # In double: Captum expands the square, and what it subtracts is almost the same.
                    asked[key] = question.score(empty + some * (embedded - empty)).cpu().double()
            rows.append(asked[key])
        return torch.cat(rows)

    found = []
    for one in scores:
        random = np.random.default_rng(seed)

        def perturb(inputs: torch.Tensor, random: np.random.Generator = random) -> tuple[torch.Tensor, torch.Tensor]:
            taken = torch.zeros_like(inputs)
            for row in taken:
                # Of any size alike, so that single words and most of the text are both among them.
                size = int(random.integers(1, len(groups) + 1))
                for place in random.choice(len(groups), size, replace=False):
                    row[list(groups[place])] = 1
            return taken, inputs - taken

        value = captum_infidelity(
            gated,
            perturb,
            torch.ones(1, len(question.tokens), dtype=torch.float64),
            torch.from_numpy(np.asarray(one, np.float64))[None],
            n_perturb_samples=_INFIDELITY_DRAWS,
            normalize=True,
        )
        found.append(float(value[0]))
    return found


def _sensitivity(
    question: Question,
    again: Callable[[Question], np.ndarray],
    radius: float,
    seed: int,
    tell: Callable[..., None],
) -> float:
    fixed = torch.from_numpy(np.array(question.fixed))
    draw = torch.Generator().manual_seed(seed)
    size = question.embedded.shape

    def scored(inputs: torch.Tensor | tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        rows = []
        for one in inputs[0] if isinstance(inputs, tuple) else inputs:
            # Captum asks with gradients switched off.
            with torch.enable_grad():
                rows.append(torch.from_numpy(np.array(again(question.moved(one)))))
            tell()
        # Of a bare tensor Captum would take each row for an explanation, and each token's score for its length.
        return (torch.stack(rows),)

    def perturb(inputs: torch.Tensor | tuple[torch.Tensor], radius: float) -> torch.Tensor:
        inputs = inputs[0] if isinstance(inputs, tuple) else inputs
        noise = torch.stack([(2 * torch.rand(size, generator=draw) - 1) for _ in inputs]).to(inputs) * radius
        noise[:, fixed] = 0
        return inputs + noise

    # One at a time: Captum would hand all ten on at once, and each is an attribution of its own.
    value = sensitivity_max(
        scored, question.embedded[None], perturb, perturb_radius=radius, n_perturb_samples=9, max_examples_per_batch=1
    )
    return float(value[0])


def _counts_of_layers(question: Question) -> list[int]:
    """How many layers from the top are drawn anew, one model after another."""
    encoder, target = question.encoder, question.target
    if len(list(encoder.part(encoder.family.layers))) != encoder.layers:  # type: ignore[call-overload]
        # Layers that share their weights are all drawn, or none.
        return [0, encoder.layers]
    # A unit knows nothing of the layers above its own level.
    first = encoder.layers - target.place + 1 if target.kind == "unit" else 0
    return list(range(first, encoder.layers + 1))


def _with_new_weights(question: Question, count: int, seed: int) -> Question | None:
    """Ask a model whose head, and ``count`` layers from the top, have weights drawn anew; None where nothing differs.

    Each tensor is drawn from a normal distribution with its own mean and spread, as a trained one would have.
    """
    draw = torch.Generator().manual_seed(seed)

    def anew(tensor: torch.Tensor) -> torch.Tensor:
        drawn = torch.randn(tensor.shape, generator=draw)
        spread = tensor.float().std().item() if tensor.numel() > 1 else 0.0
        return (tensor.float().mean().item() + spread * drawn).to(tensor)

    encoder = question.encoder.copy()
    head = question.head
    changed = False
    if head is not None:
        weight = anew(torch.from_numpy(np.array(head.weight))).numpy()
        head = type(head)(head.labels, read_only(weight), head.bias)
        changed = True
    layers = list(encoder.part(encoder.family.layers))  # type: ignore[call-overload]
    # Layers that share their weights have them drawn together.
    modules = layers[len(layers) - count :] if len(layers) == encoder.layers else layers if count else []
    answering = encoder.head_parts() if question.target.kind in ("class", "word") and head is None else []
    inside = {id(parameter) for parameter in encoder.model.parameters()}
    for module in [*modules, *answering]:
        for parameter in module.parameters():
            # A head that guesses words may score them by the embeddings themselves, which are no part of it.
            if module in modules or id(parameter) not in inside:
                parameter.data = anew(parameter.data)
                changed = True
    return Question(encoder, question.tokens, question.target, head, question.other) if changed else None
