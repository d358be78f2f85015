"""How each method comes by its scores, and how far draws alone move them; what perturbs goes through Captum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from scipy.stats import t as student
from sklearn.linear_model import Lasso

from interpret.attribution.methods import METHODS, SHAP_DRAWS, SHAPLEY_ORDERS
from interpret.attribution.path import Progress, look, walk
from interpret.attribution.question import Question
from interpret.device_lock import hold
from interpret.errors import InputError
from interpret.extras import needed_for
from interpret.tap import Tap

# SmoothGrad (Smilkov et al. 2017) measures noise by the range of the inputs, which in pixels is what they spread over.
# A few outlying numbers set the range of embeddings, so here it is a share of their standard deviation.
_NOISE = 0.3
_NOISE_DRAWS = 10
# LIME's penalty, as a share of the difference between the answers for text and baseline.
_LASSO = 0.002
# How often a regression is fitted anew on its own draws, drawn again: its error is then known to about 7 %.
_REFITS = 100
# Captum's weight for the two sets that Kernel SHAP must get right: with all words, and with none.
_CERTAIN = 1e6


@dataclass(frozen=True, eq=False)
class Scores:
    """What a method found for each token.

    Attributes
    ----------
    values
        The scores.
    steps
        How many places on the way from the baseline were looked at, or draws were made; 0 where neither.
    draws
        Where scores are a mean over draws, what each draw says; where they are fitted on draws, what fits on draws
        drawn again say. None where nothing is drawn.
    refitted
        Whether it is the latter.
    """

    values: Float64[np.ndarray, " token"]
    steps: int = 0
    draws: Float64[np.ndarray, "draw token"] | None = None
    refitted: bool = False

    def half_widths(self, groups: Sequence[Sequence[int]]) -> Float64[np.ndarray, " group"] | None:
        """Return half a 95 % interval for each group's sum: what another seed would give; None where nothing is drawn.

        Of a mean over draws it is Student's; of a fit 1.96 standard deviations over the fits (bootstrap over draws,
        Efron & Tibshirani 1993, ch. 9). Tokens of one word move together from draw to draw, so a word's is that of the
        sums, and not the sum in squares of its tokens'.
        """
        if self.draws is None:
            return None
        count = len(self.draws)
        spread = np.stack([self.draws[:, list(group)].sum(axis=1) for group in groups], axis=1).std(axis=0, ddof=1)
        return spread * (1.96 if self.refitted else student.ppf(0.975, count - 1) / np.sqrt(count))


class Work:
    """One method on one question."""

    def __init__(
        self,
        question: Question,
        method: str,
        baseline: str,
        tolerance: float,
        rule: str,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.question = question
        self.method = method
        self.tolerance = tolerance
        self.rule = rule
        self.seed = seed
        self.progress = progress
        self.empty = question.baseline(baseline) if METHODS[method].baseline else None
        # Words are what perturbing methods take away.
        self.words = [tokens for _, tokens in question.free_words]
        self.total = METHODS[method].passes(len(self.words))
        self.begin = question.forward_passes

    def _tell(self, stage: str = "passes") -> None:
        if self.progress is not None:
            self.progress(min(self.question.forward_passes - self.begin, self.total), self.total, stage)

    def scores(self, embedded: torch.Tensor) -> Scores:
        """Return each token's score, and what is known of its error."""
        if self.method == "integrated_gradients":
            assert self.empty is not None
            found = walk(self.question, embedded, self.empty, self.tolerance, self.rule, self.progress)
            return Scores(found.scores, len(found.places))
        if self.method in ("rollout", "gradient_x_attention"):
            return Scores(self._attention(embedded))
        if self.method == "gradient_shap":
            draws = self._random_places(embedded)
            return Scores(draws.mean(axis=0), SHAP_DRAWS, draws)
        if METHODS[self.method].gradient:
            return Scores(self._summed(self._slopes(embedded[None])[0]))
        return self._perturb(embedded)

    def smoothed(self, embedded: torch.Tensor) -> Scores:
        """Average over noise on the words' embeddings (SmoothGrad), each draw explained as usual."""
        draw = torch.Generator().manual_seed(self.seed)
        noise = torch.randn((_NOISE_DRAWS, *embedded.shape), generator=draw).to(embedded)
        noise[:, torch.from_numpy(np.array(self.question.fixed))] = 0
        points = embedded + noise * float(_NOISE * embedded.float().std())
        if self.method in ("saliency", "input_x_gradient"):
            rows = self._slopes(points)
            mean = self._summed(rows.mean(axis=0))
            # Jackknife: the length of a mean is no mean of lengths, and its error comes of leaving each draw out.
            left = np.stack([self._summed(np.delete(rows, i, axis=0).mean(axis=0)) for i in range(_NOISE_DRAWS)])
            return Scores(mean, _NOISE_DRAWS, _NOISE_DRAWS * mean - (_NOISE_DRAWS - 1) * left)
        assert self.empty is not None
        found = []
        for place, point in enumerate(points):
            if self.method == "gradient_shap":
                found.append(self._random_places(point).mean(axis=0))
            else:
                found.append(walk(self.question, point, self.empty, self.tolerance, self.rule).scores)
            if self.progress is not None:
                self.progress(place + 1, _NOISE_DRAWS, "noise")
        draws = np.stack(found)
        return Scores(draws.mean(axis=0), _NOISE_DRAWS, draws)

    def _slopes(self, points: torch.Tensor) -> Float64[np.ndarray, "point token width"]:
        """Return the answer's gradient at each point; times the embedding where the method says so."""
        found = []
        for some in points.split(self.question.at_once):
            self._tell()
            inputs = some.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.question.score(inputs, gradients=True).sum(), inputs)
            self.question.backward_passes += len(some)
            found.append((slope if self.method == "saliency" else slope * some).double().cpu().numpy())
        return np.concatenate(found)

    def _summed(self, slope: Float64[np.ndarray, "token width"]) -> Float64[np.ndarray, " token"]:
        # A gradient has no sign of for or against; its length says how much the token matters at all.
        return np.linalg.norm(slope, axis=-1) if self.method == "saliency" else slope.sum(axis=-1)

    def _random_places(self, embedded: torch.Tensor) -> Float64[np.ndarray, "draw token"]:
        """Look at random places on the way from the baseline (GradientSHAP with one baseline and no noise)."""
        assert self.empty is not None
        places = np.random.uniform(size=SHAP_DRAWS).tolist()
        found = []
        for first in range(0, SHAP_DRAWS, self.question.at_once):
            self._tell()
            some = places[first : first + self.question.at_once]
            found += [slopes for _, slopes in look(self.question, embedded, self.empty, some)]
        return np.stack(found)

    def _perturb(self, embedded: torch.Tensor) -> Scores:
        # Its import takes a second, and what goes by gradients needs none of it.
        with needed_for("attributions"):
            from captum import attr
            from captum._utils.models.linear_model import SkLearnLasso

        assert self.empty is not None
        question, empty = self.question, self.empty
        # A window of one token, moved token by token, for occlusion: words of several are not taken away whole.
        tokens = [(token,) for token in np.flatnonzero(~question.fixed).tolist()]
        units = tokens if self.method == "occlusion" else self.words
        belongs = torch.zeros(len(units), len(question.tokens))
        for number, unit in enumerate(units):
            belongs[number, list(unit)] = 1
        # What was asked so far, and what the model said: regressions are fitted again on it.
        asked: list[np.ndarray] = []
        said: list[np.ndarray] = []

        def gated(gates: torch.Tensor) -> torch.Tensor:
            # Captum asks with many gates at once, one for each unit: 1 leaves it as it is, 0 puts the baseline there.
            rows = []
            for some in gates.split(question.at_once):
                kept = 1 - (1 - some.float()) @ belongs
                with hold(question.encoder.spec.device), torch.no_grad():
                    there = kept.to(embedded)[..., None]
                    rows.append(question.score(empty + there * (embedded - empty)).cpu())
                self._tell()
            found = torch.cat(rows)
            asked.append(gates.double().numpy())
            said.append(found.double().numpy())
            return found

        gates, none = torch.ones(1, len(units)), torch.zeros(1, len(units))
        together = min(16, len(units))
        how: dict[str, Any] = {"baselines": none, "perturbations_per_eval": together}

        def spread(found: np.ndarray) -> np.ndarray:
            # A word's score is shared out evenly among its tokens.
            return found @ (belongs / belongs.sum(dim=1, keepdim=True)).double().numpy()

        if self.method == "occlusion":
            found = attr.Occlusion(gated).attribute(gates, sliding_window_shapes=(1,), **how)
            return Scores(spread(found[0].double().numpy()))
        if self.method == "feature_ablation" or len(units) == 1:
            # Of a single word there are no sets to draw: it has all of the difference by any of the methods.
            found = attr.FeatureAblation(gated).attribute(gates, **how)
            exact = spread(found[0].double().numpy())
            return Scores(exact, draws=np.stack([exact, exact]) if METHODS[self.method].random else None)
        if self.method == "shapley_sampling":
            # One order at a time, so that what each says is known.
            method = attr.ShapleyValueSampling(gated)
            orders = [method.attribute(gates, n_samples=1, **how)[0] for _ in range(SHAPLEY_ORDERS)]
            draws = spread(torch.stack(orders).double().numpy())
            return Scores(draws.mean(axis=0), SHAPLEY_ORDERS, draws)
        penalty = 0.0
        regression: Any = attr.KernelShap(gated)
        if self.method == "lime":
            # Captum's own penalty, 0.01, is in units of the answer: it would leave nothing of small answers.
            ends = gated(torch.cat([gates, none]))
            penalty = _LASSO * max(float(abs(ends[0] - ends[1])), 1e-6)
            regression = attr.Lime(gated, interpretable_model=SkLearnLasso(alpha=penalty))
        asked.clear()
        said.clear()
        found = regression.attribute(gates, n_samples=self.total, **how)
        again = _refitted(np.concatenate(asked), np.concatenate(said), penalty, self.seed)
        return Scores(spread(found[0].double().numpy()), self.total, spread(again), refitted=True)

    def _attention(self, embedded: torch.Tensor) -> np.ndarray:
        """Follow attention from the tokens that the answer is read from, down to the inputs.

        Layer by layer ``R ← A·R`` with ``A`` the mean of the heads beside the residual, for rollout; with the positive
        part of gradient times attention and the residual added for Chefer et al. 2021, eqs. 5 and 6.
        """
        encoder = self.question.encoder
        if not encoder.family.tapped:
            raise InputError(
                "{family} computes attention with code of its own, so it cannot be followed with gradients. Choose "
                "another method.",
                family=encoder.family.title,
            )
        target = self.question.target
        tap = Tap(encoder.layers, gradients=True)
        with hold(encoder.spec.device):
            score = self.question.score(embedded[None].clone().requires_grad_(), gradients=True, tap=tap)
            # Above the level that a unit is of, attention has nothing to do with it.
            weights = tap.weights[: target.place] if target.kind == "unit" else tap.weights
            flow = torch.eye(len(self.question.tokens))
            residual = flow
            if self.method == "rollout":
                steps = [0.5 * one[0].detach().cpu().mean(dim=0) + 0.5 * residual for one in weights]
            else:
                gradients = torch.autograd.grad(score.sum(), weights) if weights else ()
                self.question.backward_passes += 1
                steps = [
                    (weight.detach() * gradient).clamp(min=0)[0].mean(dim=0).cpu() + residual
                    for weight, gradient in zip(weights, gradients, strict=True)
                ]
        for step in steps:
            flow = step.float() @ flow
        if self.method == "gradient_x_attention":
            # What a token has of itself only because the residual was added says nothing.
            flow = flow - residual
        own = target.kind == "class" and self.question.head is None and not encoder.head_reads_all
        # What the answer is read from: the mask, the first token of a classifier, or the mean of all.
        rows = flow[[target.place]] if target.kind == "word" else flow[[0]] if own else flow
        return rows.mean(dim=0).double().numpy()


def _refitted(
    gates: Float64[np.ndarray, "draw unit"], answers: Float64[np.ndarray, " draw"], penalty: float, seed: int
) -> Float64[np.ndarray, "fit unit"]:
    """Fit the regression of Kernel SHAP, or with a penalty LIME's, again and again on its draws, drawn again.

    The model is not asked anew. The text with all of its words and the one with none stay where Kernel SHAP's must be.
    """
    random = np.random.default_rng(seed)
    held = np.arange(0 if penalty else 2)
    whole = torch.ones(1, gates.shape[1])
    from captum.attr._core.lime import get_exp_kernel_similarity_function

    near = get_exp_kernel_similarity_function()
    weights = np.ones(len(gates))
    if penalty:
        weights = np.array([float(near(whole, torch.from_numpy(row)[None], None)) for row in gates])
    weights[held] = _CERTAIN
    found = []
    for _ in range(_REFITS):
        some = np.concatenate([held, random.integers(len(held), len(gates), len(gates) - len(held))])
        if penalty:
            found.append(Lasso(alpha=penalty).fit(gates[some], answers[some], sample_weight=weights[some]).coef_)
        else:
            root = np.sqrt(weights[some])
            inputs = np.column_stack([gates[some], np.ones(len(some))]) * root[:, None]
            found.append(np.linalg.lstsq(inputs, answers[some] * root)[0][:-1])
    return np.stack(found)
