"""Every public function of `interpret` that works on an encoder, called once, with what it needs made on the spot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

import interpret as it
from interpret.attribution.counterfactuals import SEARCHES
from interpret.attribution.layer_attribution import LAYER_METHODS
from interpret.attribution.methods import METHODS
from interpret.attribution.target_function import BASELINES
from interpret.attribution.variants import Change
from interpret.core.sentence_vectors import POOLINGS
from interpret.embeddings.reading_plan import LEVELS
from tests.interpret.attention.test_dependencies import ENGLISH

TEXT = "the bank said it was rich"
# For methods of hundreds of passes.
SHORT = "the bank was"
OTHER = "the river was steep"
# Long enough to be read in windows, by models of 64 positions.
TEXTS = [TEXT, OTHER, "the river bank was steep and the animals tired " * 9]
LABELLED = [
    f"{'the bank lent money' if i % 2 else 'the river was steep'} {'and it was tired ' * (i % 5)}" for i in range(24)
]
LABELS = ["bank" if i % 2 else "river" for i in range(24)]


@dataclass(frozen=True)
class Call:
    """One way of using the library.

    Attributes
    ----------
    run
        What is called, with an encoder.
    model
        Which it is called with: ``"games"``, with both heads of pre-training, or ``"classes"``, with a classifier.
    every
        Whether it is tried with every family.
    """

    run: Callable[[it.Encoder], Any]
    model: str = "games"
    every: bool = False


def _question(encoder: it.Encoder, target: str = "norm", text: str = TEXT) -> it.attribution.TargetFunction:
    if target == "word":
        return it.attribution.target_function(encoder, f"the {encoder.mask} was rich", None, "predicted")
    if target == "head":
        return it.attribution.target_function(encoder, TEXT, None, "predicted", it.fit_head(encoder, LABELLED, LABELS))
    return it.attribution.target_function(encoder, text, OTHER if target == "similarity" else None, target)


def _explain(method: str, target: str = "norm", **options: Any) -> Callable[[it.Encoder], Any]:
    return lambda encoder: it.attribution.explain(
        _question(encoder, target, SHORT if METHODS[method].random else TEXT), method, **options
    )


def _checked(encoder: it.Encoder, check: Callable, text: str = TEXT) -> Any:
    question = it.attribution.target_function(encoder, text, target="norm")
    # Each of the models of other weights, and of the texts nearby, is explained as closely.
    return check(question, it.attribution.explain(question, "integrated_gradients", tolerance=0.1))


def _hidden(encoder: it.Encoder) -> tuple[int, ...]:
    return tuple(np.flatnonzero(~encoder.tokens(TEXT).special)[[1, 3]].tolist())


def _with_lens(encoder: it.Encoder) -> Any:
    lens = it.pretraining.fit_tuned_lens(encoder, LABELLED, steps=2)
    hidden = _hidden(encoder)
    return lens, it.pretraining.logit_lens(encoder, TEXT, None, hidden, hidden[0], lens=lens, heads=((1, 1),))


def _all_health(encoder: it.Encoder) -> Any:
    examples = it.finetuning.Examples("classes", tuple(LABELLED), None, tuple(LABELS), tuple(range(len(LABELS))), 0)
    return it.finetuning.check_health(
        encoder, examples, *it.finetuning.split_examples(examples)
    ), it.finetuning.measure_lengths(encoder, examples, 40)


def _planned(encoder: it.Encoder) -> Any:
    cost = it.finetuning.StepCost(1e-6, 2e-6, 1e-9)
    made = it.finetuning.plan(encoder, it.Recipe(encoder.spec.checkpoint.name), "classes", 2, [20] * 40, 40, 10, cost)
    return made.seconds


def _measured(encoder: it.Encoder) -> Any:
    for precision in ("float32", "bfloat16"):
        it.finetuning.measure_cost(encoder, 16, precision)


CALLS = {
    "trace": Call(lambda one: it.trace(one, TEXT), every=True),
    "trace_batch": Call(lambda one: it.trace_batch(one, [(TEXT, OTHER), (OTHER, None)]), every=True),
    "attention_steps": Call(lambda one: it.attention.attention_steps(one, it.trace(one, TEXT), 1, 2, 3)),
    "gradient_paths": Call(lambda one: it.attention.gradient_paths(one, it.trace(one, TEXT), 2, 1), every=True),
    "gradient_paths of a token": Call(
        lambda one: it.attention.gradient_paths(one, it.trace(one, TEXT), 2, 1, 1), "classes", True
    ),
    "ablate": Call(lambda one: it.attention.ablate(one, TEXT, heads=[(1, 2)]), every=True),
    "ablate classes": Call(lambda one: it.attention.ablate(one, TEXT, heads=[(1, 2), (0, 0)]), "classes"),
    "corpus_head_statistics": Call(
        lambda one: it.attention.corpus_head_statistics(one, [(one, None) for one in LABELLED])
    ),
    "dependency_scores": Call(
        lambda one: it.attention.dependency_scores(one, it.attention.read_conllu(ENGLISH.encode(), "a") * 2)
    ),
    "head_importance": Call(lambda one: it.attention.head_importance(one, LABELLED[:20], LABELS[:20])),
    "head_importance classes": Call(
        lambda one: it.attention.head_importance(one, LABELLED, LABELS, removals=False), "classes"
    ),
    "attention_drift": Call(lambda one: it.finetuning.attention_drift(it.trace(one, TEXT), it.trace(one, TEXT))),
    "embed": Call(lambda one: it.embed(one, TEXTS), every=True),
    "embed words": Call(lambda one: it.embed(one, TEXTS, level="words"), every=True),
    "embed the last layer": Call(lambda one: it.embed(one, TEXTS, [3])),
    "embed one word": Call(lambda one: it.embed(one, TEXTS, level="words", word="the")),
    "embed with a prompt": Call(lambda one: it.embed(one, TEXTS, prompt="the river: ")),
    "fit_head": Call(lambda one: it.fit_head(one, LABELLED, LABELS)),
    "fill_mask": Call(lambda one: it.fill_mask(one, TEXT, None, _hidden(one)), every=True),
    "fill_mask heads": Call(lambda one: it.fill_mask(one, TEXT, OTHER, _hidden(one), whole=True, heads=[(1, 1)])),
    "pseudo_log_likelihood": Call(lambda one: it.pretraining.pseudo_log_likelihood(one, TEXT)),
    "pseudo_log_likelihood within": Call(
        lambda one: it.pretraining.pseudo_log_likelihood(one, TEXT, OTHER, within=True)
    ),
    "compare_pairs": Call(lambda one: it.pretraining.compare_minimal_pairs(one, [(TEXT, OTHER), (OTHER, TEXT)])),
    "layer_guesses": Call(
        lambda one: it.pretraining.logit_lens(one, TEXT, None, _hidden(one), _hidden(one)[0]), every=True
    ),
    "tuned lens": Call(_with_lens),
    "play": Call(lambda one: it.pretraining.mask_text(one, TEXT, OTHER, seed=2)),
    "next_sentence": Call(lambda one: it.next_sentence(one, TEXT, OTHER)),
    "follow_pairs": Call(
        lambda one: it.pretraining.score_pairs(one, [(TEXT, OTHER), (OTHER, "the animals"), ("money", TEXT)])
    ),
    "model_card": Call(it.model_card),
    "check_health": Call(_all_health),
    "plan": Call(_planned),
    "measure_cost": Call(_measured),
    "windows": Call(lambda one: it.windows(one, TEXTS[2])),
    "similarity_pairs": Call(lambda one: it.attribution.similarity_pairs(one, "the bank", "a river")),
    "interactions": Call(lambda one: it.attribution.interactions(_question(one))),
    "trust": Call(lambda one: _checked(one, it.attribution.diagnose, "the bank was rich")),
    "faithfulness": Call(lambda one: _checked(one, it.attribution.faithfulness)),
    "read_variants": Call(
        lambda one: it.attribution.read_variants(
            _question(one), [(Change(1, "bank", "river"),), (Change(1, "bank", ""),)]
        )
    ),
    "explain_rows": Call(lambda one: it.attribution.attribute_rows(one, LABELLED[:6], LABELS[:6]), "classes"),
    "explain_rows with a head": Call(
        lambda one: it.attribution.attribute_rows(
            one, LABELLED[:4], LABELS[:4], head=it.fit_head(one, LABELLED, LABELS)
        )
    ),
    "explain smoothly": Call(_explain("saliency", smooth=True)),
    "explain every family": Call(_explain("integrated_gradients"), every=True),
    **{
        f"embed {level} {pooling}": Call(lambda one, a=level, b=pooling: it.embed(one, TEXTS, "all", b, level=a))
        for level in LEVELS
        for pooling in POOLINGS
        if (level == "texts" or pooling == "mean") and pooling != "own"
    },
    **{f"explain {method}": Call(_explain(method)) for method in METHODS},
    **{
        f"explain {method} of {target}": Call(_explain(method, target))
        for method in ("integrated_gradients", "occlusion")
        for target in ("word", "similarity", "unit 2.3", "head")
    },
    **{
        f"explain {method} of a class": Call(_explain(method, "predicted"), "classes")
        for method in ("integrated_gradients", "rollout", "occlusion")
    },
    **{
        f"explain from {kind}": Call(_explain("integrated_gradients", baseline=kind))
        for kind in BASELINES
        if kind != "pad"
    },
    **{
        f"layer_map {kind}": Call(lambda one, a=kind: it.attribution.layer_attribution(_question(one), a))
        for kind in LAYER_METHODS
    },
    **{
        f"turn {search}": Call(
            lambda one, a=search: it.attribution.find_counterfactuals(_question(one, "predicted"), a, 2), "classes"
        )
        for search in SEARCHES
        if search != "masked"
    },
    "turn masked": Call(lambda one: it.attribution.find_counterfactuals(_question(one, "head"), "masked", 2)),
}

# What differs by what it is: how long it took, where; and how many passes rounding made it take to be sure.
_OF_THE_DEVICE = {"seconds", "spec", "encoder", "forward_passes", "backward_passes", "steps"}


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return where two results say different things; numbers may differ by float32's rounding."""
    if type(one) is not type(other):
        return [f"{path}: {type(one).__name__} and {type(other).__name__}"]
    if is_dataclass(one):
        names = [field.name for field in fields(one) if field.name not in _OF_THE_DEVICE]
        return [
            found for name in names for found in differences(getattr(one, name), getattr(other, name), f"{path}.{name}")
        ]
    if isinstance(one, Mapping):
        if one.keys() != other.keys():
            return [f"{path}: other keys"]
        return [found for key in one for found in differences(one[key], other[key], f"{path}[{key!r}]")]
    if isinstance(one, tuple | list):
        if len(one) != len(other):
            return [f"{path}: {len(one)} and {len(other)}"]
        return [
            found
            for place, (a, b) in enumerate(zip(one, other, strict=True))
            for found in differences(a, b, f"{path}[{place}]")
        ]
    if isinstance(one, np.ndarray | float | np.floating):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            return [f"{path}: {one.shape} and {other.shape}"]
        if one.dtype.kind == "f":
            same = np.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)
        else:
            same = np.array_equal(one, other)
        return [] if same else [f"{path}: {one} and {other}"[:300]]
    if hasattr(one, "__dict__") and not isinstance(one, type) and "interpret" in type(one).__module__:
        return differences(vars(one), vars(other), path)
    return [] if one == other else [f"{path}: {one} and {other}"[:300]]
