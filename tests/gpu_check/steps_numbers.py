"""The same numbers as on the CPU: of every family, in every precision, whatever is asked of a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

import numpy as np
import torch
import transformers as tf

import interpret as it
from interpret.core.heads import HEADS
from interpret.core.task_heads import make_head
from tests.gpu_check.check import Figure, World, at_most, holds, step
from tests.gpu_check.data import SENTENCE, classes

Numbers = Mapping[str, np.ndarray]
_SECOND = "the river was steep"
# Those of `interpret.attribution.methods` that take gradients or look at attention, and those that take words away.
_BY_GRADIENT = ("integrated_gradients", "saliency", "input_x_gradient", "gradient_shap", "gradient_x_attention")
_BY_REMOVAL = ("occlusion", "feature_ablation", "shapley_sampling")
_TOO_ROUGH = 0.2
# Of the sum of all scores: integrated gradients stop where they add up to a hundredth.
_SCORES = dict.fromkeys((*_BY_GRADIENT, *_BY_REMOVAL), 1e-3) | {"integrated_gradients": 0.03}


def compare(
    world: World,
    folders: Mapping[str, str],
    read: Callable[[it.Encoder], Numbers],
    bounds: Mapping[str, float],
    precisions: Sequence[str] | None = None,
) -> list[Figure]:
    """Read with each model on the CPU in float32 and on the device, and tell how far the numbers are apart.

    What a precision costs on random models is measured on the CPU, and three times that is allowed beside the bound:
    the device adds up in another order. Where it costs a fifth of the largest number, nothing is asked of the device.

    Parameters
    ----------
    folders
        The models by what they are called.
    bounds
        For each of the numbers, how far they may be apart in float32.
    """
    figures = []
    for precision in precisions or world.precisions:
        found: dict[str, list[tuple[float, Figure]]] = {name: [] for name in bounds}
        for family, folder in folders.items():
            exact = read(world.encoder(folder, "cpu"))
            here = rough = read(world.encoder(folder, world.device, precision))
            if precision == "float32":
                rough = exact
            elif world.on_card:
                rough = read(world.encoder(folder, "cpu", precision))
            for name, bound in bounds.items():
                if name in exact:
                    title, cost = f"{name}, {precision}, {family}", _apart(rough[name], exact[name])
                    value, allowed = _apart(here[name], exact[name]), bound + 3 * cost
                    share, figure = value / allowed, at_most(title, value, allowed)
                    if cost > _TOO_ROUGH * np.nanmax(np.abs(exact[name])):
                        said = f"the precision alone moves it by {cost:.2g}"
                        share, figure = -1.0, replace(figure, want=said, passed=None)
                    found[name].append((np.inf if np.isnan(share) else share, figure))
        for some in found.values():
            worst = max(some, key=itemgetter(0))
            figures += [replace(one[1], quiet=one is not worst) for one in some]
    return figures


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference; NaN unless both have their NaNs in the same places."""
    known = ~np.isnan(other)
    if one.shape != other.shape or not np.array_equal(known, ~np.isnan(one)):
        return float("nan")
    return float(np.abs(one.astype(np.float64) - other)[known].max(initial=0))


def _traced(encoder: it.Encoder) -> Numbers:
    found = it.trace(encoder, SENTENCE)
    return {
        "attention": found.attention,
        "rows of attention, less 1": found.attention.sum(-1) - 1,
        "hidden states": found.hidden,
    }


@step("trace: the CPU's numbers", 40)
def traces(world: World) -> list[Figure]:
    """Trace a text with every family."""
    folders = {family: world.tiny(family) for family in world.families}
    bounds = {"attention": 2e-5, "rows of attention, less 1": 1e-5, "hidden states": 2e-4}
    figures = compare(world, folders, _traced, bounds)
    figures.append(holds("it ran on the device", world.encoder(folders["bert"]).spec.device == world.device))
    try:
        encoders = [it.load_encoder("minilm", device=device) for device in ("cpu", world.device)]
    except it.CheckpointError:
        figures.append(Figure("the built-in model", None, "", "left out: needs its package"))
    else:
        there, here = (it.trace(one, SENTENCE) for one in encoders)
        figures.append(at_most("attention, built-in model", _apart(here.attention, there.attention), 2e-5))
        figures.append(at_most("hidden states, built-in model", _apart(here.hidden, there.hidden), 2e-4))
    return figures


def _inside(encoder: it.Encoder) -> Numbers:
    traced = it.trace(encoder, SENTENCE)
    steps = it.attention.attention_steps(encoder, traced, 1, 2, 3)
    found = {
        "steps: weights": steps.weights,
        "steps: output": steps.normed,
        "steps, gradient paths": it.attention.gradient_paths(encoder, traced, 2, 1).mass,
        "states moved by taking a head out": it.attention.ablate(encoder, SENTENCE, heads=[(1, 2)]).distance,
    }
    if encoder.spec.precision == "float32":
        found["steps: own errors"] = np.array(list(steps.errors.values()))
    return found


@step("steps, gradients, ablation: the CPU's numbers", 40)
def inside(world: World) -> list[Figure]:
    """Look into the heads of every family that shows them."""
    bounds = {
        "steps: weights": 2e-5,
        "steps: output": 2e-4,
        "steps, gradient paths": 1e-3,
        "states moved by taking a head out": 1e-3,
    }
    figures = compare(world, {family: world.tiny(family) for family in world.families}, _inside, bounds)
    errors = [_inside(world.encoder(world.tiny(family)))["steps: own errors"].max() for family in world.families]
    return [*figures, at_most("steps: own errors, float32", float(max(errors)), 1e-4)]


_CORPUS = (SENTENCE, "it was tired " * 9, "the river", "a bank " * 90)


def _embedded(encoder: it.Encoder) -> Numbers:
    ways = (("texts", "mean"), ("texts", "cls"), ("texts", "max"), ("words", "mean"), ("tokens", "mean"))
    return {
        f"{level}, {pooling}": it.embed(encoder, _CORPUS, pooling=pooling, level=level).vectors
        for level, pooling in ways
    }


@step("embeddings: the CPU's numbers", 40)
def embeddings(world: World) -> list[Figure]:
    """Embed texts of one window and more with every family, at every level."""
    names = ("texts, mean", "texts, cls", "texts, max", "words, mean", "tokens, mean")
    folders = {family: world.tiny(family) for family in world.families}
    return compare(world, folders, _embedded, dict.fromkeys(names, 5e-4))


def _guessed(encoder: it.Encoder) -> Numbers:
    (guess,) = it.fill_mask(encoder, SENTENCE, hidden=[2]).guesses
    lens = it.pretraining.logit_lens(encoder, SENTENCE, None, [2], 2, watched=[int(encoder.tokens(SENTENCE).ids[2])])
    return {
        "chances behind a mask": guess.probabilities,
        "pseudo-log-likelihood": it.pretraining.pseudo_log_likelihood(encoder, SENTENCE).logs,
        "lens: chances": lens.probability,
        "lens: entropy": lens.entropy,
        "lens: divergence": lens.divergence,
    }


def _followed(encoder: it.Encoder) -> Numbers:
    return {"chance that it follows": np.array([it.next_sentence(encoder, SENTENCE, _SECOND).follows])}


@step("masked words, next sentences: the CPU's numbers", 40)
def guesses(world: World) -> list[Figure]:
    """Guess hidden words with every family, after every layer, and whether a sentence follows with those that can."""
    bounds = {
        "chances behind a mask": 1e-4,
        "pseudo-log-likelihood": 1e-3,
        "lens: chances": 1e-4,
        "lens: entropy": 1e-3,
        "lens: divergence": 1e-3,
    }
    words = {family: world.tiny(family, tf.AutoModelForMaskedLM) for family in world.families}
    pairs = {family: world.tiny(family, tf.AutoModelForPreTraining) for family in ("bert", "albert")}
    return [
        *compare(world, words, _guessed, bounds),
        *compare(world, pairs, _followed, {"chance that it follows": 1e-4}),
    ]


def _explained(world: World, families: Sequence[str], methods: Sequence[str]) -> list[Figure]:
    def read(encoder: it.Encoder) -> Numbers:
        found = {}
        for method in methods:
            scores = it.attribute(encoder, SENTENCE, target=0, method=method).scores
            found[method] = scores / np.abs(scores).sum()
        return found

    folders = {family: world.tiny(family, tf.AutoModelForSequenceClassification) for family in families}
    return compare(world, folders, read, {method: _SCORES[method] for method in methods})


@step("attributions by gradients: the CPU's numbers", 60)
def slopes(world: World) -> list[Figure]:
    """Explain an answer of every family by its gradients."""
    return _explained(world, world.families, _BY_GRADIENT)


@step("attributions by taking words away: the CPU's numbers", 30)
def removals(world: World) -> list[Figure]:
    """Explain an answer by what becomes of it without some of the words."""
    return _explained(world, ("bert", "modernbert"), _BY_REMOVAL)


@step("heads, head importance: the CPU's numbers", 30)
def heads(world: World) -> list[Figure]:
    """Run each head over states of the real width: products in TF32 would show here; and weigh attention heads."""
    draw = torch.Generator().manual_seed(0)
    width, tokens = world.shapes.width, world.shapes.lengths[0]
    states = torch.randn(8, tokens, width, generator=draw)
    mask = (torch.arange(tokens) < torch.arange(tokens - 7, tokens + 1)[:, None]).long()
    figures = []
    for name in HEADS:
        head = make_head(name, width, 3).eval()
        with torch.no_grad():
            there = head(states, mask).numpy()
            here = head.to(world.device)(states.to(world.device), mask.to(world.device)).cpu().numpy()
        figures.append(at_most(f"{name}, float32", _apart(here, there), 2e-5))
    rows = classes(24)
    labels = [f"LABEL_{int(one == 'river')}" for one in rows.labels]

    def read(encoder: it.Encoder) -> Numbers:
        return {"head importance": it.attention.head_importance(encoder, rows.texts, labels, removals=False).importance}

    folders = {family: world.tiny(family, tf.AutoModelForSequenceClassification) for family in world.families}
    return [*figures, *compare(world, folders, read, {"head importance": 1e-3})]
