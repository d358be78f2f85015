"""How good a classifier is, and how far a number may be off by chance."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import binomtest, norm, pearsonr, spearmanr
from seqeval.metrics import f1_score as entity_f1
from seqeval.metrics import precision_score, recall_score
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from interpret.core.intervals import wilson
from interpret.finetuning.entities import measure_entities
from interpret.finetuning.regression_results import measure_fit
from interpret.finetuning.results import measure_results
from tests.oracles import World, apart, claim

_LABELS = ("law", "medicine", "sport", "never")


def _answers(seed: int) -> tuple[np.ndarray, list[str], list[str]]:
    random = np.random.default_rng(seed)
    truth = [str(one) for one in random.choice(_LABELS[:3], 120, p=[0.6, 0.3, 0.1])]
    logits = random.normal(size=(120, 4)).astype(np.float32)
    logits[:, 3] -= 50
    return logits, truth, [_LABELS[place] for place in logits.argmax(axis=1)]


@claim("confusion matrix, precision, recall and F1 of every class", "scikit-learn", 1e-6)
def _classes(world: World) -> Iterator[float]:
    for seed in world.seeds:
        logits, truth, given = _answers(seed)
        found = measure_results(logits, truth, _LABELS)
        yield apart(found.confusion, confusion_matrix(truth, given, labels=_LABELS))
        theirs = precision_recall_fscore_support(truth, given, labels=_LABELS, zero_division=0)
        for ours, other in zip((found.precision, found.recall, found.f1), theirs[:3], strict=True):
            yield apart(ours, other)
        yield apart(found.accuracy, accuracy_score(truth, given))


@claim("macro-F1 over the classes that occur", "scikit-learn, f1_score", 1e-9)
def _macro(world: World) -> Iterator[float]:
    for seed in world.seeds:
        logits, truth, given = _answers(seed)
        yield apart(measure_results(logits, truth, _LABELS).macro_f1, f1_score(truth, given, average="macro"))


@claim("measures of a regression", "scikit-learn and SciPy", 1e-5)
def _values(world: World) -> Iterator[float]:
    for seed in world.seeds:
        random = np.random.default_rng(seed)
        truth = random.normal(size=90).astype(np.float32)
        given = (truth + random.normal(size=90)).astype(np.float32)
        found = measure_fit(given, truth)
        yield apart(found.r2, r2_score(truth, given))
        yield apart(found.mae, mean_absolute_error(truth, given))
        yield apart(found.rmse, root_mean_squared_error(truth, given))
        yield apart(found.pearson, pearsonr(truth, given).statistic)
        yield apart(found.spearman, spearmanr(truth, given).statistic)


@claim("interval of a share", "SciPy, binomtest(…).proportion_ci(method='wilson')", 1e-12)
def _wilson(world: World) -> Iterator[float]:
    for count in (1, 2, 10, 57, 1000):
        for right in {0, 1, count // 3, count}:
            other = binomtest(right, count).proportion_ci(method="wilson")
            yield apart(wilson(right, count, float(norm.ppf(0.975))), (other.low, other.high))


@claim("entity precision, recall and F1, whole and broken tags", "seqeval, its default mode", 1e-6)
def _entities(world: World) -> Iterator[float]:
    for seed in world.seeds:
        random = np.random.default_rng(seed)
        for scheme in ("BIO", "IEO", "BIOES"):
            tags = ["O", *(f"{place}-{kind}" for place in scheme if place != "O" for kind in ("PER", "LOC"))]
            truth, given = ([random.choice(tags, 8).tolist() for _ in range(60)] for _ in range(2))
            found = measure_entities(truth, given)
            theirs = [score(truth, given, zero_division=0) for score in (precision_score, recall_score, entity_f1)]
            yield apart((found.precision, found.recall, found.f1), theirs)
