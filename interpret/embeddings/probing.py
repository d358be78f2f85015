"""What a straight cut can tell: how separable labels are at each layer, beside a task that only memory could solve."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float64

from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.intervals import share_interval, share_intervals
from interpret.core.labels import is_missing
from interpret.core.scripts import fold
from interpret.embeddings.corpus import Embeddings
from interpret.embeddings.vectors import check_finite

FOLDS = 5
MOST_CLASSES = 100
_MOST_ITEMS = 5000
# From hardly any to so much that only the class means are left; which one serves is found inside the training part.
_PENALTIES = np.logspace(-1, 5, 7)


@dataclass(frozen=True, eq=False)
class Probe:
    """How well a linear probe tells the labels of texts that it has not seen, layer by layer.

    Attributes
    ----------
    layers
        As in `Embeddings`.
    accuracy, control
        The share of held-out items classified correctly: of their labels, and of labels handed out at random, one for
        each different text or word (the control task of Hewitt & Liang 2019, section 2).
    accuracy_interval, control_interval
        Their 95% intervals by text, the lower end first: see `interpret.core.intervals.share_interval`.
    chosen
        For each fold the layer that did best within the other four: with each of these left out in turn. Where two
        did as well, the lower one.
    nested, nested_interval
        The share of held-out items classified correctly at the layers so chosen, and its 95% interval by text. The best
        of ``accuracy`` is chosen by the items that it is measured on, which flatters it; this is not (Cawley & Talbot
        2010, section 5).
    nested_selectivity, selectivity_interval
        The same share less that of the control task at these layers, and its 95% interval by text.
    majority
        What always saying the most frequent label would give.
    classes
        The labels, the most frequent first.
    items, left_out
        How many items were probed; how many were not, their label being empty, in fewer than 5 texts or not among the
        100 most frequent, or because 5,000 were drawn.
    """

    layers: tuple[int, ...]
    accuracy: Float64[np.ndarray, " layer"]
    control: Float64[np.ndarray, " layer"]
    accuracy_interval: Float64[np.ndarray, "layer 2"]
    control_interval: Float64[np.ndarray, "layer 2"]
    chosen: tuple[int, ...]
    nested: float
    nested_interval: tuple[float, float]
    nested_selectivity: float
    selectivity_interval: tuple[float, float]
    majority: float
    classes: tuple[str, ...]
    items: int
    left_out: int

    @property
    def selectivity(self) -> Float64[np.ndarray, " layer"]:
        """Accuracy less the control task's: what is not owed to the probe's own memory (section 2.3)."""
        return self.accuracy - self.control


def probe(embeddings: Embeddings, labels: Sequence[str], seed: int = 0, progress: Progress | None = None) -> Probe:
    """Probe each layer for labels.

    The probe is scikit-learn's ridge classifier on standardised vectors. It is fitted on four fifths of the texts and
    scored on the fifth, in turn (stratified folds; a text, and one that reads the same, is never on both sides), with
    the penalty that leave-one-out errors within the four fifths choose. So is the best layer: from within.

    Parameters
    ----------
    labels
        One for each item; empty, or written as missing (`interpret.core.labels.MISSING`), where there is none.
    seed
        Of the folds, the control task and the draw.
    progress
        Called as ``progress(layers done, layers in all, "probe")``; raising inside it stops the work.

    Raises
    ------
    InputError
        If no two labels have 5 texts each.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = [f"The {word} lent us money." for word in ("bank", "fund", "lender", "broker", "state")]
    >>> texts += [f"The {word} lay in the sun." for word in ("river", "hill", "lake", "forest", "valley")]
    >>> probe = it.embeddings.probe(it.embed(encoder, texts), ["money"] * 5 + ["nature"] * 5)
    >>> probe.layers, probe.accuracy.shape
    ((0, 1, 2, 3, 4, 5, 6), (7,))
    >>> float(probe.accuracy[6]), float(probe.majority)
    (1.0, 0.5)
    """
    if len(labels) != len(embeddings):
        raise InputError(
            "The number of labels ({labels}) differs from the number of items ({items}).",
            labels=len(labels),
            items=len(embeddings),
        )
    labels = ["" if is_missing(one) else one for one in labels]
    random = np.random.default_rng(seed)
    contents = _contents(embeddings)
    chosen, classes = _chosen(labels, contents, random)
    gold = np.array([classes.index(labels[i]) for i in chosen])
    control = _control_labels(embeddings, chosen, contents[chosen], gold, random)
    splits = _splits(gold, contents[chosen], seed)
    right = np.zeros((len(embeddings.layers), 2, len(gold)), bool)
    # How well each layer does on one fold where it was fitted without that one and another.
    within = np.full((len(embeddings.layers), len(splits), len(splits)), np.nan)
    for row, layer in enumerate(embeddings.layers):
        if progress is not None:
            progress(row, len(embeddings.layers), "probe")
        vectors = np.asarray(embeddings.at(layer)[chosen], np.float64)
        check_finite(vectors)
        right[row], within[row] = _cross_validate(vectors, gold, control, splits)
    best = np.nanmean(within, axis=2).argmax(axis=0)
    correct, remembered = _at_own_layer(right, best, splits)
    _texts, owner = np.unique(contents[chosen], return_inverse=True)
    hits, counts, gap = np.bincount(owner, correct), np.bincount(owner), np.bincount(owner, correct - remembered)
    tries = right.reshape(-1, len(gold))
    by_text = np.stack([np.bincount(owner, one) for one in tries], axis=1)
    ends = share_intervals(by_text, np.repeat(counts[:, None], len(tries), axis=1)).reshape(-1, 2, 2)
    # A difference of two shares, on the scale from 0 to 1 and back.
    selectivity = share_interval((gap + counts) / 2, counts)
    return Probe(
        layers=embeddings.layers,
        accuracy=read_only(right[:, 0].mean(axis=1)),
        control=read_only(right[:, 1].mean(axis=1)),
        accuracy_interval=read_only(ends[:, 0]),
        control_interval=read_only(ends[:, 1]),
        chosen=tuple(embeddings.layers[row] for row in best),
        nested=float(correct.mean()),
        nested_interval=share_interval(hits, counts),
        nested_selectivity=float((correct - remembered).mean()),
        selectivity_interval=(2 * selectivity[0] - 1, 2 * selectivity[1] - 1),
        majority=float(np.bincount(gold).max() / len(gold)),
        classes=classes,
        items=len(chosen),
        left_out=len(labels) - len(chosen),
    )


def _contents(embeddings: Embeddings) -> np.ndarray:
    """Number each item's text, in the order in which they come; texts that read the same have one number."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in embeddings.texts])[embeddings.text]


def _chosen(
    labels: Sequence[str], contents: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, tuple[str, ...]]:
    texts = Counter(label for label, _content in {(label, int(c)) for label, c in zip(labels, contents, strict=True)})
    frequent = [(label, count) for label, count in sorted(texts.items()) if label and count >= FOLDS]
    if len(frequent) < 2:
        raise InputError(
            "A probe needs at least two labels with {least} different texts each; labels that have that many: "
            "{count} of {all}. Choose another column, or read more texts.",
            least=FOLDS,
            count=len(frequent),
            all=len(texts),
        )
    classes = tuple(label for label, _count in sorted(frequent, key=lambda one: -one[1])[:MOST_CLASSES])
    known = set(classes)
    indices = np.array([i for i, label in enumerate(labels) if label in known])
    if len(indices) > _MOST_ITEMS:
        indices = np.sort(random.choice(indices, _MOST_ITEMS, replace=False))
    return indices, classes


def _control_labels(
    embeddings: Embeddings, chosen: np.ndarray, contents: np.ndarray, gold: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Hand out labels at random, one for each different text or word (Hewitt & Liang 2019, section 2)."""
    names = [fold(embeddings.item(int(i))) for i in chosen]
    types, kinds = np.unique(names, return_inverse=True)
    # A single word's occurrences, or texts: nothing repeats that a memory could hold on to but the text itself.
    if embeddings.level == "texts" or embeddings.word is not None:
        types, kinds = np.unique(contents, return_inverse=True)
    return random.choice(gold, len(types))[kinds]


def _splits(gold: np.ndarray, contents: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the items to fit on and to score, for each fold; texts that read the same are on one side."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Of a class whose texts do not divide evenly.
        warnings.simplefilter("ignore")
        return list(folds.split(gold, gold, contents))


def _cross_validate(
    vectors: np.ndarray, gold: np.ndarray, control: np.ndarray, splits: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Probe one layer.

    Returns which items are given their label, of shape (task, item), and the share in each fold (second axis) where the
    probe was fitted without that one and another (first axis); NaN on the diagonal.
    """
    right = np.zeros((2, len(gold)), bool)
    within = np.full((len(splits), len(splits)), np.nan)
    for train, test in splits:
        for task, target in enumerate((gold, control)):
            right[task, test] = _right(vectors, target, train, test)
    for one, other in combinations(range(len(splits)), 2):
        train = np.setdiff1d(splits[one][0], splits[other][1])
        tests = splits[one][1], splits[other][1]
        hits = _right(vectors, gold, train, np.concatenate(tests))
        within[other, one], within[one, other] = (part.mean() for part in np.split(hits, [len(tests[0])]))
    return right, within


def _at_own_layer(
    right: np.ndarray, best: np.ndarray, splits: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return which items are given their label, and which the control's, 1 or 0, at the layer of their own fold."""
    own_fold = np.zeros(right.shape[2], int)
    for column, (_train, test) in enumerate(splits):
        own_fold[test] = column
    correct, remembered = (right[best[own_fold], task, np.arange(len(own_fold))].astype(float) for task in (0, 1))
    return correct, remembered


def _right(vectors: np.ndarray, target: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Fit on some items, and tell which of others are given their label."""
    from sklearn.linear_model import RidgeClassifierCV

    # By chance the control task can hand out a single label.
    if len(np.unique(target[train])) < 2:
        return target[test] == target[train][0]
    centre, spread = vectors[train].mean(axis=0), vectors[train].std(axis=0) + 1e-9
    fitted: Any = RidgeClassifierCV(alphas=_PENALTIES).fit((vectors[train] - centre) / spread, target[train])
    return fitted.predict((vectors[test] - centre) / spread) == target[test]
