"""How far an attribution can be believed: does what it points at decide, and would it notice another model."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max
from jaxtyping import Float32
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import average_precision_score

from interpret.arrays import read_only
from interpret.attribution.methods import METHODS, Attribution, explain
from interpret.attribution.path import Progress
from interpret.attribution.targets import Question
from interpret.errors import InputError
from interpret.tokens import Tokens

# DeYoung et al. 2020, sec. 4.2.
BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
_CURVE_POINTS = 20
_INFIDELITY_DRAWS = 200


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How far taking away what an attribution points at changes the answer, beside rankings drawn at random.

    Words are ranked by their score, from the most in favour to the most against.

    Attributes
    ----------
    comprehensiveness, sufficiency
        DeYoung et al. 2020, eqs. 1 and 2, over `BINS` and the empty rationale (their AOPC): how much the answer falls
        when the words on top are deleted, better higher; and how much when they alone are left, better lower.
    random_comprehensiveness, random_sufficiency
        The same for each ranking drawn at random.
    shares
        The shares of words that the curves are drawn at, from 0 to 1.
    deletion, insertion
        The answer when so many words on top are deleted, and when they alone are left.
    random_deletion, random_insertion
        The same for the random rankings.
    unit
        ``"probability"`` for classes and words, ``"answer"`` for other targets.
    seconds, forward_passes
        What it took.
    """

    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: Float32[np.ndarray, "draw"]
    random_sufficiency: Float32[np.ndarray, "draw"]
    shares: Float32[np.ndarray, "point"]
    deletion: Float32[np.ndarray, "point"]
    insertion: Float32[np.ndarray, "point"]
    random_deletion: Float32[np.ndarray, "draw point"]
    random_insertion: Float32[np.ndarray, "draw point"]
    unit: str
    seconds: float
    forward_passes: int


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
        Adebayo et al. 2018: how many layers from the top had weights drawn anew; 0 is the head alone, where it has one.
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


@dataclass(frozen=True)
class Plausibility:
    """Whether people point at the same words (DeYoung et al. 2020, sec. 4.1); it says nothing about the model.

    Attributes
    ----------
    token_f1
        F1 of the words on top, as many as people marked, against those marked.
    auprc
        Area under the precision-recall curve of the scores; ``chance`` is what random ones have.
    iou
        Intersection over union of the same words.
    """

    token_f1: float
    auprc: float
    iou: float
    chance: float


def faithfulness(
    question: Question, attribution: Attribution, draws: int = 20, seed: int = 0, progress: Progress | None = None
) -> Faithfulness:
    """Measure comprehensiveness and sufficiency, and draw the curves behind them.

    Parameters
    ----------
    question
        What the attribution answers.
    draws
        How many random rankings stand beside it.
    progress
        Called as ``progress(rankings done, rankings, "erasing")``.

    Raises
    ------
    InputError
        If the attribution is of another text or target.
    """
    check_match(question, attribution)
    begin, before = time.perf_counter(), question.forward_passes
    groups = free_groups(question)
    scores = np.array([attribution.scores[list(group)].sum() for group in groups])
    count = len(groups)
    shares = np.linspace(0, 1, min(count, _CURVE_POINTS) + 1)
    sizes = sorted({_top(share, count) for share in (*BINS, *shares)})
    random = np.random.default_rng(seed)
    rankings = [ranking(scores), *(random.permutation(count) for _ in range(draws))]
    deleted, kept = [], []
    for done, order in enumerate(rankings):
        texts = []
        for size in sizes:
            top = np.zeros(len(question.tokens), bool)
            for place in order[:size]:
                top[list(groups[place])] = True
            texts += [question.without(top), question.without(~top)]
        answers = question.chances(texts)
        deleted.append(answers[::2])
        kept.append(answers[1::2])
        if progress is not None:
            progress(done + 1, len(rankings), "erasing")
    at = {size: place for place, size in enumerate(sizes)}
    bins = [0, *(at[_top(share, count)] for share in BINS)]
    points = [at[_top(share, count)] for share in shares]
    deletion, insertion = np.array(deleted), np.array(kept)
    whole = deletion[:, :1]
    lost, short = whole - deletion[:, bins], whole - insertion[:, bins]
    # The empty rationale leaves the text as it is when it is deleted; alone it leaves nothing, and it is counted among
    # the bins as ERASER counts it: nothing deleted, and everything left.
    short[:, 0] = 0
    comprehensiveness, sufficiency = lost.mean(axis=1), short.mean(axis=1)
    return Faithfulness(
        comprehensiveness=float(comprehensiveness[0]),
        sufficiency=float(sufficiency[0]),
        random_comprehensiveness=read_only(comprehensiveness[1:], np.float32),
        random_sufficiency=read_only(sufficiency[1:], np.float32),
        shares=read_only(shares, np.float32),
        deletion=read_only(deletion[0, points], np.float32),
        insertion=read_only(insertion[0, points], np.float32),
        random_deletion=read_only(deletion[1:, points], np.float32),
        random_insertion=read_only(insertion[1:, points], np.float32),
        unit="probability" if question.target.kind in ("class", "word") else "answer",
        seconds=time.perf_counter() - begin,
        forward_passes=question.forward_passes - before,
    )


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
    levels = question.encoder.layers + 1
    total = 2 + 10 * sensitivity + levels
    done = 0

    def tell(stage: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total, stage)

    free = np.flatnonzero(~question.fixed)
    shuffled = [_shuffled(attribution.scores, free, random) for _ in range(20)]
    infidelities = _infidelity(question, [attribution.scores, *shuffled], _baseline(attribution), seed)
    tell("infidelity")
    moved: float | None = None
    chance: float | None = None
    radius = 0.05 * float(question.embedded.float().std())
    if sensitivity:
        moved = _sensitivity(question, attribution, radius, seed, lambda: tell("sensitivity"))
        reference = float(np.linalg.norm(attribution.scores)) or 1.0
        chance = max(float(np.linalg.norm(one - attribution.scores)) for one in shuffled) / reference
    replaced, agreement = [], []
    for count in range(levels):
        other = _with_new_weights(question, count, seed)
        if other is not None:
            scores = explain(other, attribution.method, _baseline(attribution), seed=attribution.seed).scores
            replaced.append(count)
            agreement.append(_correlation(scores[free], attribution.scores[free]))
        tell("randomising")
    sizes = [abs(_correlation(one[free], attribution.scores[free])) for one in shuffled]
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


def plausibility(
    tokens: Tokens, scores: Float32[np.ndarray, "token"], marked: Sequence[tuple[int, int]]
) -> Plausibility:
    """Compare an attribution with what people marked.

    Parameters
    ----------
    marked
        Spans of the first text, as characters ``start <= i < end``.

    Raises
    ------
    InputError
        If nothing of the text, or all of it, is marked.
    """
    groups = [group for group in tokens.groups if not tokens.special[group[0]]]
    values = np.array([scores[list(group)].sum() for group in groups])
    truth = np.array(
        [
            tokens.segment[group[0]] == 0
            and any(tokens.span[group[0], 0] < end and tokens.span[group[-1], 1] > start for start, end in marked)
            for group in groups
        ]
    )
    if not truth.any() or truth.all():
        raise InputError(
            "Highlights must mark some words of the text and leave others. Mark at least one, and not all."
        )
    top = np.zeros(len(groups), bool)
    top[ranking(values)[: truth.sum()]] = True
    both = int((top & truth).sum())
    return Plausibility(
        token_f1=both / int(truth.sum()),
        auprc=float(average_precision_score(truth, values)),
        iou=both / int((top | truth).sum()),
        chance=float(truth.mean()),
    )


def rank_agreement(attributions: Sequence[Attribution]) -> Float32[np.ndarray, "method other"]:
    """Return Spearman's rank correlation between each two methods' word scores.

    Where one method's scores have no sign, sizes are compared.
    """
    count = len(attributions)
    found = np.eye(count)
    for i, one in enumerate(attributions):
        for j, other in enumerate(attributions[:i]):
            values = [a.word_scores() for a in (one, other)]
            words = [place for place, group in enumerate(one.tokens.groups) if not one.tokens.special[group[0]]]
            pair = [value[words] for value in values]
            if not (METHODS[one.method].signed and METHODS[other.method].signed):
                pair = [abs(value) for value in pair]
            found[i, j] = found[j, i] = _correlation(*pair)
    return read_only(found, np.float32)


def ranking(scores: np.ndarray) -> np.ndarray:
    """Return places from the highest score to the lowest; where scores are alike, the first comes first."""
    return np.argsort(-np.asarray(scores), kind="stable")


def free_groups(question: Question) -> list[tuple[int, ...]]:
    """Return the words that may be taken away, as the places of their pieces."""
    return [group for group in question.tokens.groups if not question.fixed[list(group)].any()]


def check_match(question: Question, attribution: Attribution) -> None:
    """Refuse an attribution that answers another question.

    Raises
    ------
    InputError
        If its pieces or its target are others.
    """
    if attribution.tokens.pieces != question.tokens.pieces or attribution.target != question.target:
        raise InputError("The attribution is of another text or target. Make it anew for this one.")


def _top(share: float, count: int) -> int:
    # The rounding keeps a share like 0.1 of 30 from becoming 4 by its last binary digit.
    return math.ceil(round(share * count, 9))


def _baseline(attribution: Attribution) -> str:
    return attribution.baseline or "pad"


def _shuffled(scores: np.ndarray, free: np.ndarray, random: np.random.Generator) -> np.ndarray:
    found = np.array(scores)
    found[free] = random.permutation(found[free])
    return found


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(rankdata(one), rankdata(other)).statistic)


def _infidelity(question: Question, scores: Sequence[np.ndarray], baseline: str, seed: int) -> list[float]:
    """Ask Captum, in the space of gates that fade words out, with the same draws for each set of scores."""
    embedded, empty = question.embedded, question.baseline(baseline)
    groups = free_groups(question)
    asked: dict[bytes, torch.Tensor] = {}

    def gated(gates: torch.Tensor) -> torch.Tensor:
        rows = []
        for gate in gates.float():
            key = gate.numpy().tobytes()
            if key not in asked:
                with torch.no_grad():
                    some = gate[None, :, None].to(embedded)
                    asked[key] = question.score(empty + some * (embedded - empty)).cpu()
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
    question: Question, attribution: Attribution, radius: float, seed: int, tell: Callable[..., None]
) -> float:
    fixed = torch.from_numpy(np.array(question.fixed))
    draw = torch.Generator().manual_seed(seed)
    size = question.embedded.shape

    def scored(inputs: torch.Tensor | tuple[torch.Tensor]) -> torch.Tensor:
        rows = []
        for one in inputs[0] if isinstance(inputs, tuple) else inputs:
            # Captum asks with gradients switched off.
            with torch.enable_grad():
                found = explain(
                    question.moved(one), attribution.method, _baseline(attribution), seed=attribution.seed
                ).scores
            rows.append(torch.from_numpy(np.array(found)))
            tell()
        return torch.stack(rows)

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
    for module in [*modules, *answering]:
        for parameter in module.parameters():
            parameter.data = anew(parameter.data)
            changed = True
    return Question(encoder, question.tokens, question.target, head, question.other) if changed else None


def top_words(attributions: Sequence[Attribution], least: int = 2) -> list[tuple[str, float, float, int]]:
    """Average words' scores over texts: the word, its mean, half a 95 % confidence interval, and how often it came.

    Words that came fewer than ``least`` times are left out; the interval is that of a normal mean, 1.96 standard
    errors, and NaN for a word that came once.
    """
    found: dict[str, list[float]] = {}
    for one in attributions:
        for group, name, score in zip(one.tokens.groups, one.tokens.words, one.word_scores(), strict=True):
            if not one.tokens.special[group[0]]:
                found.setdefault(name.casefold(), []).append(float(score))
    rows = []
    for name, scores in found.items():
        if len(scores) >= least:
            half = 1.96 * float(np.std(scores, ddof=1)) / math.sqrt(len(scores)) if len(scores) > 1 else math.nan
            rows.append((name, float(np.mean(scores)), half, len(scores)))
    return sorted(rows, key=lambda row: -row[1])
