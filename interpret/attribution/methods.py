"""The ways of asking which words an answer is due to; all but one of them are Captum's."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnLasso
from captum.attr import (
    FeatureAblation,
    GradientShap,
    InputXGradient,
    KernelShap,
    LayerIntegratedGradients,
    Lime,
    NoiseTunnel,
    Occlusion,
    Saliency,
    ShapleyValueSampling,
)
from jaxtyping import Float32

from interpret.arrays import read_only
from interpret.attribution.path import Progress, conductance, walk
from interpret.attribution.targets import Question, Target, ask
from interpret.devices import hold
from interpret.encoder import Encoder, EncoderSpec
from interpret.errors import InputError
from interpret.linear_head import LinearHead
from interpret.tap import Tap
from interpret.tokens import Tokens

Cost = Literal["instant", "seconds", "slow"]
# SmoothGrad (Smilkov et al. 2017) measures noise by the range of the inputs, which in pixels is what they spread over.
# A few outlying numbers set the range of embeddings, so here it is a share of their standard deviation.
_NOISE = 0.3
_NOISE_DRAWS = 10
_SHAP_DRAWS = 24
# LIME's penalty, as a share of the difference between the answers for text and baseline.
_LASSO = 0.002


@dataclass(frozen=True)
class Method:
    """What a method is, before it is used.

    Attributes
    ----------
    title, paper
        Its name and source.
    passes
        About how many passes a text of n words takes, forward and backward counted together.
    complete
        Whether its scores add up to the difference between the answers for text and baseline.
    signed
        Whether a score tells for from against.
    baseline
        Whether it compares with a baseline.
    gradient
        Whether it takes gradients with respect to the embeddings, so that noise can be averaged out (NoiseTunnel).
    random
        Whether it draws at random.
    """

    title: str
    paper: str
    passes: Callable[[int], int]
    complete: bool
    signed: bool = True
    baseline: bool = True
    gradient: bool = False
    random: bool = False


METHODS: Mapping[str, Method] = {
    "integrated_gradients": Method(
        "Integrated gradients", "Sundararajan et al. 2017", lambda n: 2 * 18, complete=True, gradient=True
    ),
    "saliency": Method(
        "Saliency", "Simonyan et al. 2014", lambda n: 2, complete=False, signed=False, baseline=False, gradient=True
    ),
    "input_x_gradient": Method(
        "Input × gradient", "Shrikumar et al. 2016", lambda n: 2, complete=False, baseline=False, gradient=True
    ),
    "gradient_shap": Method(
        "GradientSHAP", "Lundberg & Lee 2017", lambda n: 2 * _SHAP_DRAWS, complete=False, gradient=True, random=True
    ),
    "occlusion": Method("Occlusion", "Zeiler & Fergus 2014", lambda n: n + 1, complete=False),
    "feature_ablation": Method("Feature ablation", "Li et al. 2016", lambda n: n + 1, complete=False),
    "shapley_sampling": Method("Shapley sampling", "Castro et al. 2009", lambda n: 25 * n, complete=True, random=True),
    "kernel_shap": Method("Kernel SHAP", "Lundberg & Lee 2017", lambda n: _kernel_draws(n), complete=True, random=True),
    "lime": Method("LIME", "Ribeiro et al. 2016", lambda n: _kernel_draws(n), complete=False, random=True),
    "rollout": Method(
        "Attention rollout", "Abnar & Zuidema 2020", lambda n: 1, complete=False, signed=False, baseline=False
    ),
    "gradient_x_attention": Method(
        "Gradient × attention", "Chefer et al. 2021", lambda n: 2, complete=False, signed=False, baseline=False
    ),
}

LAYER_METHODS = ("conductance", "integrated_gradients")


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each token contributed to an answer, and what is known about how good that is.

    Attributes
    ----------
    tokens, spec, target, method, baseline, seed
        What was read, by which model, what was asked, and how. ``baseline`` is empty for methods that use none.
    scores
        Positive for, negative against; special pieces have 0.
    output, baseline_output
        The answer for the text and for the baseline; the latter NaN without one.
    delta
        What the scores' sum has more than ``output - baseline_output``; NaN where the method promises no such sum.
    steps
        How many places on the way from the baseline were looked at, or draws were made; 0 where neither.
    forward_passes, backward_passes, seconds
        What it took.
    """

    tokens: Tokens
    spec: EncoderSpec
    target: Target
    method: str
    baseline: str
    seed: int
    scores: Float32[np.ndarray, "token"]
    output: float
    baseline_output: float
    delta: float
    steps: int
    forward_passes: int
    backward_passes: int
    seconds: float

    @property
    def error(self) -> float:
        """The completeness error: |delta| as a share of the difference of answers."""
        return abs(self.delta) / max(abs(self.output - self.baseline_output), 1e-9)

    def word_scores(self) -> Float32[np.ndarray, "word"]:
        """Return a score for each group of `Tokens.groups`: the sum of its pieces'."""
        return read_only([self.scores[list(group)].sum() for group in self.tokens.groups], np.float32)


def attribute(
    encoder: Encoder,
    text: str,
    pair: str | None = None,
    target: str | int | Target = "predicted",
    method: str = "integrated_gradients",
    baseline: str = "pad",
    tolerance: float = 0.01,
    *,
    head: LinearHead | None = None,
    smooth: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Tell what each token contributed to one number of the model's answer.

    Parameters
    ----------
    pair, target, head
        What is asked: see `interpret.attribution.targets.ask`.
    method
        A name in `METHODS`.
    baseline
        What stands where a word is taken away: the embedding of ``"pad"`` or ``"mask"``, ``"zero"``, or the
        ``"mean"`` of all embeddings. Special pieces, positions and segments stay as they are.
    tolerance
        For integrated gradients: the completeness error allowed, as a share of the difference of answers.
    smooth
        For gradient methods: average over noise on the embeddings (SmoothGrad, Smilkov et al. 2017).
    seed
        Of whatever is drawn at random.
    progress
        Called as ``progress(done, total, stage)``; raising inside it stops the work.

    Raises
    ------
    InputError
        If the model cannot be asked that, there is no such method or baseline, or the model does not allow it.
    CapacityError
        If the device runs out of memory.
    """
    if method not in METHODS:
        raise InputError("There is no method “{name}”. Choose one of: {known}.", name=method, known=", ".join(METHODS))
    if not 0 < tolerance < 1:
        raise InputError(
            "A tolerance of {value} makes no sense. Choose one between 0 and 1, such as 0.01.", value=tolerance
        )
    return explain(ask(encoder, text, pair, target, head), method, baseline, tolerance, smooth, seed, progress)


def explain(
    question: Question,
    method: str,
    baseline: str = "pad",
    tolerance: float = 0.01,
    smooth: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Answer a question that has been asked already: see `attribute`."""
    about = METHODS[method]
    if smooth and not about.gradient:
        raise InputError(
            "Noise is averaged out of gradients, and “{name}” takes none of the embeddings. Switch it off.",
            name=about.title,
        )
    begin, before = time.perf_counter(), (question.forward_passes, question.backward_passes)
    work = _Work(question, method, baseline, tolerance, seed, progress)
    # What only asks the model forward takes the device for each batch anew: thousands of passes should not keep all
    # others waiting. Gradients take it once.
    gradients = about.gradient and method != "integrated_gradients"
    alone = hold(question.encoder.spec.device) if gradients else nullcontext()
    # Drawing first and the device second, always: in both orders two threads would wait for each other for ever.
    with _seeded(seed) if about.random or smooth else nullcontext(), alone:
        embedded = question.embedded
        scores, steps = work.smoothed(embedded) if smooth else work.scores(embedded)
        output = float(question.outputs([question.tokens])[0])
        against = float("nan")
        if about.baseline:
            with torch.no_grad():
                against = float(question.score(question.baseline(baseline)[None])[0])
    scores = np.where(question.tokens.special, 0.0, scores)
    complete = about.complete and not smooth
    return Attribution(
        tokens=question.tokens,
        spec=question.encoder.spec,
        target=question.target,
        method=method,
        baseline=baseline if about.baseline else "",
        seed=seed,
        scores=read_only(scores, np.float32),
        output=output,
        baseline_output=against,
        delta=float(scores.sum() - (output - against)) if complete else float("nan"),
        steps=steps,
        forward_passes=question.forward_passes - before[0],
        backward_passes=question.backward_passes - before[1],
        seconds=time.perf_counter() - begin,
    )


def layer_map(
    question: Question,
    method: str = "conductance",
    baseline: str = "pad",
    progress: Progress | None = None,
) -> tuple[Float32[np.ndarray, "level token"], Float32[np.ndarray, "level"]]:
    """Return where the evidence forms: each token's score at each level of hidden states, and each level's error.

    ``"conductance"`` follows the states as the words fade in (Dhamdhere et al. 2018). ``"integrated_gradients"`` goes
    a straight line between each layer's own states for baseline and text, through Captum's `LayerIntegratedGradients`.

    Raises
    ------
    InputError
        If the layers share their weights, so that one layer alone cannot be moved.
    """
    if method not in LAYER_METHODS:
        raise InputError(
            "There is no method “{name}”. Choose one of: {known}.", name=method, known=", ".join(LAYER_METHODS)
        )
    with hold(question.encoder.spec.device):
        embedded, empty = question.embedded, question.baseline(baseline)
        if method == "conductance":
            scores, deltas = conductance(question, embedded, empty, progress=progress)
        else:
            scores, deltas = _layer_gradients(question, embedded, empty, progress)
    return read_only(scores, np.float32), read_only(deltas, np.float32)


def _layer_gradients(
    question: Question, embedded: torch.Tensor, empty: torch.Tensor, progress: Progress | None, steps: int = 32
) -> tuple[np.ndarray, np.ndarray]:
    encoder = question.encoder
    layers = list(encoder.part(encoder.family.layers))  # type: ignore[call-overload]
    if len(layers) != encoder.layers:
        raise InputError(
            "All layers of {family} share their weights, so one of them cannot be moved alone. Choose conductance.",
            family=encoder.family.title,
        )
    modules = [encoder.part(encoder.family.embeddings), *layers]
    rows, deltas = [], []
    for place, module in enumerate(modules):
        method = LayerIntegratedGradients(lambda one: question.score(one, gradients=True), module)
        found, delta = method.attribute(
            embedded[None].clone().requires_grad_(),
            empty[None],
            n_steps=steps,
            internal_batch_size=question.at_once,
            return_convergence_delta=True,
        )
        question.backward_passes += steps
        rows.append(found[0].detach().float().sum(dim=-1).cpu().numpy())
        deltas.append(float(delta[0]))
        if progress is not None:
            progress(place + 1, len(modules), "path")
    return np.stack(rows), np.array(deltas)


class _Work:
    """One method on one question."""

    def __init__(
        self,
        question: Question,
        method: str,
        baseline: str,
        tolerance: float,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.question = question
        self.method = method
        self.tolerance = tolerance
        self.seed = seed
        self.progress = progress
        self.empty = question.baseline(baseline) if METHODS[method].baseline else None
        # Words are what perturbing methods take away; what stays has the number of a feature that is never touched.
        self.words = [group for group in question.tokens.groups if not question.fixed[list(group)].all()]
        self.total = METHODS[method].passes(len(self.words))
        self.begin = question.forward_passes

    def tell(self, stage: str = "passes") -> None:
        if self.progress is not None:
            self.progress(min(self.question.forward_passes - self.begin, self.total), self.total, stage)

    def scores(self, embedded: torch.Tensor) -> tuple[np.ndarray, int]:
        if self.method == "integrated_gradients":
            assert self.empty is not None
            found = walk(self.question, embedded, self.empty, self.tolerance, self.progress)
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
                rows.append(walk(self.question, embedded + noise, self.empty, self.tolerance).scores)
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
        self.question.backward_passes += _NOISE_DRAWS
        return self._summed(found), _NOISE_DRAWS

    def _answer(self, embedded: torch.Tensor) -> torch.Tensor:
        self.tell()
        return self.question.score(embedded, gradients=True)

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
            self.question.backward_passes += 1
            return self._summed(method.attribute(inputs, **options)), 0
        # In pieces that fit into memory; the mean of their means, as all are of one size.
        size = min(self.question.at_once, _SHAP_DRAWS)
        while _SHAP_DRAWS % size:
            size -= 1
        rows = [self._summed(method.attribute(inputs, n_samples=size, **options)) for _ in range(_SHAP_DRAWS // size)]
        self.question.backward_passes += _SHAP_DRAWS
        return np.mean(rows, axis=0), _SHAP_DRAWS

    def _summed(self, found: torch.Tensor) -> np.ndarray:
        one = found[0].detach().float()
        # A gradient has no sign of for or against; its length says how much the token matters at all.
        return (one.norm(dim=-1) if self.method == "saliency" else one.sum(dim=-1)).cpu().numpy()

    def _perturb(self, embedded: torch.Tensor) -> tuple[np.ndarray, int]:
        assert self.empty is not None
        question, empty = self.question, self.empty
        length, device = len(question.tokens), embedded.device

        def gated(gates: torch.Tensor) -> torch.Tensor:
            # Captum asks with many gates at once: 1 leaves a token as it is, 0 puts the baseline there.
            rows = []
            for first in range(0, len(gates), question.at_once):
                some = gates[first : first + question.at_once].to(device)[..., None]
                with torch.no_grad():
                    rows.append(question.score(empty + some * (embedded - empty)).cpu())
                self.tell()
            return torch.cat(rows)

        gates, none = torch.ones(1, length), torch.zeros(1, length)
        features = torch.full((1, length), len(self.words))
        for number, group in enumerate(self.words):
            features[0, list(group)] = number
        sizes = np.ones(length)
        for group in self.words:
            sizes[list(group)] = len(group)
        together = min(16, max(1, len(self.words)))
        draws = 0
        if self.method == "occlusion":
            # A window of one piece, moved piece by piece: words of several pieces are not taken away whole.
            found = Occlusion(gated).attribute(
                gates, sliding_window_shapes=(1,), baselines=none, perturbations_per_eval=together
            )
            sizes[:] = 1
        elif self.method == "feature_ablation":
            found = FeatureAblation(gated).attribute(
                gates, baselines=none, feature_mask=features, perturbations_per_eval=together
            )
        elif self.method == "shapley_sampling":
            draws = 25
            found = ShapleyValueSampling(gated).attribute(
                gates, baselines=none, feature_mask=features, n_samples=draws, perturbations_per_eval=together
            )
        else:
            draws = self.total
            method: Any = KernelShap(gated)
            if self.method == "lime":
                # Captum's own penalty, 0.01, is in units of the answer: it would leave nothing of small answers.
                ends = gated(torch.cat([gates, none]))
                scale = max(float(abs(ends[0] - ends[1])), 1e-6)
                method = Lime(gated, interpretable_model=SkLearnLasso(alpha=_LASSO * scale))
            found = method.attribute(
                gates, baselines=none, feature_mask=features, n_samples=draws, perturbations_per_eval=together
            )
        scores = found[0].detach().double().numpy() / sizes
        return np.where(question.fixed, 0.0, scores), draws

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
        own = target.kind == "class" and self.question.head is None
        # What the answer is read from: the mask, the first token of a classifier, or the mean of all.
        rows = flow[[target.place]] if target.kind == "word" else flow[[0]] if own else flow
        return rows.mean(dim=0).double().numpy()


def _kernel_draws(words: int) -> int:
    """How many draws the weighted regressions get: a few hundred, where shap's own default is 2·n + 2¹¹."""
    return 2 * words + 300


# Captum draws from PyTorch's and NumPy's generators, which all threads share, so only one may draw at a time.
_drawing = threading.RLock()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw from generators that begin with a seed, and leave those of the process as they were."""
    with _drawing:
        before = torch.get_rng_state(), np.random.get_state()
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(before[0])
            np.random.set_state(before[1])
