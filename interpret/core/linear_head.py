"""A classifier for a model that has none: a linear head on its frozen sentence vectors."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int

from interpret.core.accuracy import Accuracy, measure_accuracy, text_key
from interpret.core.arrays import read_only
from interpret.core.batches import batches, windows_of
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.labels import as_number
from interpret.core.sentence_pipeline import PLAIN, SentenceModel
from interpret.core.sentence_vectors import sentence_reading

FOLDS = 5
# So many classes are fitted to however few texts; of more than these, each needs two in the mean.
_FEW_CLASSES = 8


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A softmax regression on a text's sentence vector.

    Attributes
    ----------
    labels
        The classes.
    weight, bias
        ``logits = weight · vector + bias``.
    out_of_fold
        For each text that it was fitted on (as `text_key` writes it) the class that was said by a head fitted without
        it: the same k-fold cross-validation as in ``held_out``. Empty strings where there were too few texts for that.
    held_out
        How often these are right, over the rows that it was fitted on; None where there were too few.
    sentence
        How the vector is made of the last hidden states: as the model's folder says, else their mean. Nothing is put
        before a text, and nothing is cut off.
    out_of_fold_probabilities
        For each text of ``out_of_fold`` the probabilities of ``labels`` that went with that class; 0 for a class that
        was not among the others. Empty where there were too few texts for it.
    """

    labels: tuple[str, ...]
    weight: Float32[np.ndarray, "label width"]
    bias: Float32[np.ndarray, " label"]
    out_of_fold: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    held_out: Accuracy | None = None
    sentence: SentenceModel = PLAIN["mean"]
    out_of_fold_probabilities: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def logits(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Score a batch, ``(text, label)``, from its last hidden states ``(text, token, hidden)`` and its mask."""
        weight, bias = (torch.tensor(array, device=hidden.device) for array in (self.weight, self.bias))
        return self.sentence.vectors(hidden, mask) @ weight.T + bias


def sentence_vectors(encoder: Encoder, texts: Sequence[str]) -> Float32[np.ndarray, "text width"]:
    """Return each text's sentence vector as a `LinearHead` reads it; of a text that is too long, its first window's."""
    model = sentence_reading(encoder, prompt="").model
    vectors = np.empty((len(texts), model.width(encoder.width)), np.float32)
    read = [windows[0] for windows in windows_of(encoder, [(text, None) for text in texts])]
    for some in batches(encoder, read):
        with lock_device(encoder.spec.device, gives_way=True):
            tokens = [encoder.tokens(read[i][0]) for i in some]
            hidden = encoder.forward(tokens).last_hidden_state
            vectors[some] = model.vectors(hidden, encoder.batch(tokens)["attention_mask"]).cpu().numpy()
    return read_only(vectors)


def fit_head(encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> LinearHead:
    """Fit a linear head on a frozen encoder: seconds, and no more than the encoder's vectors already hold.

    It is scikit-learn's logistic regression with its usual L2 penalty (C = 1), on vectors scaled to unit variance. How
    good it is, is told by stratified cross-validation in five folds, in which texts that read the same are never on
    both sides.

    Raises
    ------
    InputError
        If there are fewer than two classes, or so many that most have hardly any texts.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> head.labels
    ('bad', 'good')
    >>> head.held_out.count
    4
    >>> it.attribution.target_function(encoder, "I loved this film.", head=head).target.name
    'good'
    """
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise InputError(
            "All texts have the label “{label}”. A classifier needs texts of at least two classes.",
            label=classes[0] if classes else "",
        )
    if len(classes) > max(_FEW_CLASSES, len(labels) // 2):
        if all(as_number(one) is not None for one in classes):
            raise InputError(
                "The labels of {rows} texts are {count} different numbers, which are no classes. Choose another "
                "column, or bin the numbers into classes first.",
                rows=len(labels),
                count=len(classes),
            )
        raise InputError(
            "The {rows} texts have {count} different labels, so most labels have hardly any examples. Choose another "
            "column, or merge labels.",
            rows=len(labels),
            count=len(classes),
        )
    vectors = sentence_vectors(encoder, texts).astype(np.float64)
    truth = np.array([classes.index(one) for one in labels])
    weight, bias = fit_weights(vectors, truth)
    if len(classes) == 2:
        # With two classes there is one score, for the second against the first.
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    keys = [text_key(text) for text in texts]
    said: dict[str, str] = {}
    chances: dict[str, tuple[float, ...]] = {}
    for key, found in zip(keys, _out_of_fold(vectors, truth, keys), strict=True):
        # Of texts that read the same the first one speaks for all.
        if np.isnan(found).any():
            said.setdefault(key, "")
        else:
            said.setdefault(key, classes[int(found.argmax())])
            chances.setdefault(key, tuple(found.tolist()))
    answers = [said[key] for key in keys]
    return LinearHead(
        classes,
        read_only(weight, np.float32),
        read_only(bias, np.float32),
        MappingProxyType(said),
        measure_accuracy(answers, list(labels), texts) if all(answers) else None,
        sentence_reading(encoder, prompt="").model,
        MappingProxyType(chances if all(answers) else {}),
    )


def fit_weights(vectors: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit on scaled vectors, and return weights and bias for vectors as they are; a single row where two classes.

    Parameters
    ----------
    vectors, truth
        ``(text, width)``, and each text's class as a number.
    """
    from sklearn.linear_model import LogisticRegression

    centre, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-9
    fitted = LogisticRegression(max_iter=1000).fit((vectors - centre) / spread, truth)
    weight = fitted.coef_ / spread
    return weight, fitted.intercept_ - weight @ centre


def predict_classes(vectors: np.ndarray, weight: np.ndarray, bias: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the class of each vector by weights of `fit_weights`, which were fitted on these classes, in order."""
    scores = vectors @ weight.T + bias
    return classes[(scores[:, 0] > 0).astype(int) if len(classes) == 2 else scores.argmax(axis=1)]


def _out_of_fold(vectors: np.ndarray, truth: np.ndarray, keys: Sequence[str]) -> Float64[np.ndarray, "text label"]:
    """Return what a head says of each text that was fitted without it and its like; NaN with too few texts."""
    from scipy.special import softmax
    from sklearn.model_selection import StratifiedGroupKFold

    chances = np.full((len(truth), int(truth.max()) + 1), np.nan)
    different = Counter(label for label, _key in set(zip(truth.tolist(), keys, strict=True)))
    folds = min(FOLDS, max(different.values()))
    if folds < 2:
        return chances
    cut = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    groups = np.unique(np.asarray(keys, dtype=object), return_inverse=True)[1]
    with warnings.catch_warnings():
        # A class with fewer texts than folds is in some of them only: it is told all the worse, as it should be.
        warnings.simplefilter("ignore")
        splits = list(cut.split(vectors, truth, groups))
    for train, test in splits:
        if not len(test):
            continue
        known = np.unique(truth[train])
        chances[test] = 0.0
        if len(known) < 2:
            chances[test, known[0]] = 1.0
            continue
        weight, bias = fit_weights(vectors[train], truth[train])
        scores = vectors[test] @ weight.T + bias
        if len(known) == 2:
            # One score, for the second against the first.
            scores = np.concatenate([-scores, scores], axis=1) / 2
        chances[np.ix_(test, known)] = softmax(scores, axis=1)
    return chances


def split_half(labels: Sequence[str], seed: int = 0) -> tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]:
    """Cut indices into halves with as much of each class in either, by a seeded shuffle."""
    order = np.random.default_rng(seed).permutation(len(labels))
    halves: tuple[list[int], list[int]] = ([], [])
    for name in sorted(set(labels)):
        members = [int(i) for i in order if labels[i] == name]
        # A class with an odd number gives its odd one to the smaller half.
        small = int(len(halves[0]) > len(halves[1]))
        for index, member in enumerate(members):
            halves[(index + small) % 2].append(member)
    return read_only(sorted(halves[0]), np.int64), read_only(sorted(halves[1]), np.int64)
