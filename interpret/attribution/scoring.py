"""How each method comes by its scores; what perturbs, draws or smooths goes through Captum."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnLasso
from captum.attr import (
    FeatureAblation,
    GradientShap,
    InputXGradient,
    KernelShap,
    Lime,
    NoiseTunnel,
    Occlusion,
    Saliency,
    ShapleyValueSampling,
)

from interpret.attribution.methods import METHODS, SHAP_DRAWS
from interpret.attribution.path import Progress, walk
from interpret.attribution.question import Question
from interpret.devices import hold
from interpret.errors import InputError
from interpret.tap import Tap

# SmoothGrad (Smilkov et al. 2017) measures noise by the range of the inputs, which in pixels is what they spread over.
# A few outlying numbers set the range of embeddings, so here it is a share of their standard deviation.
_NOISE = 0.3


_NOISE_DRAWS = 10


# LIME's penalty, as a share of the difference between the answers for text and baseline.
_LASSO = 0.002


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
        self.words = [pieces for _, pieces in question.free_words]
        self.total = METHODS[method].passes(len(self.words))
        self.begin = question.forward_passes

    def _tell(self, stage: str = "passes") -> None:
        if self.progress is not None:
            self.progress(min(self.question.forward_passes - self.begin, self.total), self.total, stage)

    def scores(self, embedded: torch.Tensor) -> tuple[np.ndarray, int]:
        """Return each token's score, and how many steps or draws it took."""
        if self.method == "integrated_gradients":
            assert self.empty is not None
            found = walk(self.question, embedded, self.empty, self.tolerance, self.rule, self.progress)
            return found.scores, len(found.places)
        if self.method in ("rollout", "gradient_x_attention"):
            return self._attention(embedded), 0
        if METHODS[self.method].gradient:
            return self._gradient(embedded)
        return self._perturb(embedded)

    def smoothed(self, embedded: torch.Tensor) -> tuple[np.ndarray, int]:
        """Average over noise on the words' embeddings, through Captum's NoiseTunnel."""
        spread = float(_NOISE * embedded.float().std())
        if self.method == "integrated_gradients":
            # NoiseTunnel would take Captum's own steps for this; the same mean, over ways that are followed as usual.
            draw = torch.Generator().manual_seed(self.seed)
            rows = []
            for place in range(_NOISE_DRAWS):
                noise = torch.randn(embedded.shape, generator=draw).to(embedded) * spread
                noise[torch.from_numpy(np.array(self.question.fixed))] = 0
                assert self.empty is not None
                rows.append(walk(self.question, embedded + noise, self.empty, self.tolerance, self.rule).scores)
                if self.progress is not None:
                    self.progress(place + 1, _NOISE_DRAWS, "noise")
            return np.mean(rows, axis=0), _NOISE_DRAWS
        method, options = self._captum()
        found = NoiseTunnel(method).attribute(
            embedded[None].clone(),
            nt_samples=_NOISE_DRAWS,
            nt_samples_batch_size=min(self.question.at_once, _NOISE_DRAWS),
            stdevs=spread,
            **options,
        )
        return self._summed(found), _NOISE_DRAWS

    def _answer(self, embedded: torch.Tensor) -> torch.Tensor:
        """Answer for Captum, which takes one gradient of every answer; its noise leaves what is fixed alone."""
        self._tell()
        self.question.backward_passes += len(embedded)
        fixed = torch.from_numpy(np.array(self.question.fixed)).to(embedded.device)
        return self.question.score(torch.where(fixed[:, None], self.question.embedded, embedded), gradients=True)

    def _captum(self) -> tuple[Any, dict[str, Any]]:
        if self.method == "saliency":
            return Saliency(self._answer), {"abs": False}
        if self.method == "input_x_gradient":
            return InputXGradient(self._answer), {}
        assert self.empty is not None
        return GradientShap(self._answer), {"baselines": self.empty[None]}

    def _gradient(self, embedded: torch.Tensor) -> tuple[np.ndarray, int]:
        method, options = self._captum()
        inputs = embedded[None].clone().requires_grad_()
        if self.method != "gradient_shap":
            return self._summed(method.attribute(inputs, **options)), 0
        # In pieces that fit into memory; the mean of their means, as all are of one size.
        size = min(self.question.at_once, SHAP_DRAWS)
        while SHAP_DRAWS % size:
            size -= 1
        rows = [self._summed(method.attribute(inputs, n_samples=size, **options)) for _ in range(SHAP_DRAWS // size)]
        return np.mean(rows, axis=0), SHAP_DRAWS

    def _summed(self, found: torch.Tensor) -> np.ndarray:
        one = found[0].detach().float()
        # A gradient has no sign of for or against; its length says how much the token matters at all.
        return (one.norm(dim=-1) if self.method == "saliency" else one.sum(dim=-1)).cpu().numpy()

    def _perturb(self, embedded: torch.Tensor) -> tuple[np.ndarray, int]:
        assert self.empty is not None
        question, empty = self.question, self.empty
        # A window of one piece, moved piece by piece, for occlusion: words of several are not taken away whole.
        pieces = [(piece,) for piece in np.flatnonzero(~question.fixed).tolist()]
        units = pieces if self.method == "occlusion" else self.words
        belongs = torch.zeros(len(units), len(question.tokens))
        for number, unit in enumerate(units):
            belongs[number, list(unit)] = 1

        def gated(gates: torch.Tensor) -> torch.Tensor:
            # Captum asks with many gates at once, one for each unit: 1 leaves it as it is, 0 puts the baseline there.
            rows = []
            for first in range(0, len(gates), question.at_once):
                some = 1 - (1 - gates[first : first + question.at_once].float()) @ belongs
                with torch.no_grad():
                    there = some.to(embedded)[..., None]
                    rows.append(question.score(empty + there * (embedded - empty)).cpu())
                self._tell()
            return torch.cat(rows)

        gates, none = torch.ones(1, len(units)), torch.zeros(1, len(units))
        together, draws = min(16, len(units)), 0
        if self.method == "occlusion":
            found = Occlusion(gated).attribute(
                gates, sliding_window_shapes=(1,), baselines=none, perturbations_per_eval=together
            )
        elif self.method == "feature_ablation" or len(units) == 1:
            # Of a single word there are no sets to draw: it has all of the difference by any of the methods.
            found = FeatureAblation(gated).attribute(gates, baselines=none, perturbations_per_eval=together)
        elif self.method == "shapley_sampling":
            draws = 25
            found = ShapleyValueSampling(gated).attribute(
                gates, baselines=none, n_samples=draws, perturbations_per_eval=together
            )
        else:
            draws = self.total
            method: Any = KernelShap(gated)
            if self.method == "lime":
                # Captum's own penalty, 0.01, is in units of the answer: it would leave nothing of small answers.
                ends = gated(torch.cat([gates, none]))
                scale = max(float(abs(ends[0] - ends[1])), 1e-6)
                method = Lime(gated, interpretable_model=SkLearnLasso(alpha=_LASSO * scale))
            found = method.attribute(gates, baselines=none, n_samples=draws, perturbations_per_eval=together)
        scores = np.zeros(len(question.tokens))
        for unit, score in zip(units, found[0].detach().double().tolist(), strict=True):
            scores[list(unit)] = score / len(unit)
        return scores, draws

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


# Captum draws from PyTorch's and NumPy's generators, which all threads share, so only one may draw at a time.
_drawing = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from generators that begin with a seed, and leave those of the process as they were."""
    devices = list(range(torch.cuda.device_count()))
    with _drawing, torch.random.fork_rng(devices=devices):
        before = np.random.get_state()
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)
