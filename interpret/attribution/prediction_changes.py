"""What two models say of the same texts, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from interpret.attribution.find_target import target_functions
from interpret.attribution.rows import check_lengths
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets.classifier import class_names, why_no_classifier
from interpret.core.accuracy import Accuracy, measure_accuracy, text_key
from interpret.core.arrays import read_only
from interpret.core.batches import first_window
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.hub import Progress
from interpret.core.intervals import paired_difference, wilson
from interpret.core.linear_head import LinearHead, fit_head

_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of each text.

    Attributes
    ----------
    classes
        What it can say.
    own
        Whether its own head says it; else a linear head does that was fitted to the other texts: see `predict_classes`.
    said
        Of each text the class; empty where the text cannot be read, or there were too few texts to fit a head without
        it.
    probability
        That of the class that was said; NaN where none was.
    """

    classes: tuple[str, ...]
    own: bool
    said: tuple[str, ...]
    probability: Float64[np.ndarray, " text"]


@dataclass(frozen=True, eq=False)
class PredictionChanges:
    """Where two models' predictions differ.

    Attributes
    ----------
    first, second
        Both models' predictions.
    compared
        Which texts both said something of.
    flipped
        Those of them of which they said something else, the ones first that both were surest of.
    count
        How many texts are counted in what follows: those compared, of which the ones that read the same count once, by
        the first of them.
    agreement, agreement_interval
        The share of these of which they said the same, and its 95% interval (Wilson 1927).
    first_accuracy, second_accuracy
        How often each is right on those of them whose label both can say; None where there are none.
    difference, difference_interval
        How much oftener the second is right than the first on the same, and its 95% interval (Newcombe 1998, method
        10); NaN where there are none.
    """

    first: Predictions
    second: Predictions
    compared: Bool[np.ndarray, " text"]
    flipped: Int[np.ndarray, " flip"]
    count: int
    agreement: float
    agreement_interval: tuple[float, float]
    first_accuracy: Accuracy | None
    second_accuracy: Accuracy | None
    difference: float
    difference_interval: tuple[float, float]


def predict_classes(
    encoder: Encoder, texts: Sequence[str], labels: Sequence[str] | None = None, progress: Progress | None = None
) -> Predictions:
    """Return what a model says of each text: by its own head, or by one that is fitted without that text.

    A model's own head answers where it has classes of which a text has one, and with labels these are among them.
    Else the labels are learned by a linear head on the frozen sentence vectors (`fit_head`), and each text is answered
    by the head of a five-fold cross-validation that has seen neither it nor any that reads the same.

    Parameters
    ----------
    labels
        Of each text its class.
    progress
        Called as ``progress(texts done, texts in all, "rows")`` where the model's own head answers; raising inside it
        stops the work.

    Raises
    ------
    InputError
        If the model has no head of its own and there are no labels to fit one to, or they cannot be learned.

    Examples
    --------
    >>> import interpret as it
    >>> texts = ["A great film.", "I loved it.", "What a joy.", "A dull film.", "I hated it.", "Awful."]
    >>> labels = ["good", "good", "good", "bad", "bad", "bad"]
    >>> found = it.attribution.predict_classes(it.load_encoder("minilm"), texts, labels)
    >>> found.own, found.classes, len(found.said)
    (False, ('bad', 'good'), 6)
    """
    check_lengths(texts, {} if labels is None else {"labels": labels})
    # Of classes that each stand by itself a text has no single one.
    exclusive = encoder.task is not None and encoder.task.exclusive
    names = class_names(encoder, None) if exclusive else ()
    if names and (labels is None or set(labels) & set(names)):
        said, probability = classify(encoder, texts, None, progress)
        return Predictions(names, True, said, probability)
    if labels is None:
        raise InputError(
            "This model has no classifier, and without labels none can be fitted. {why} Choose a column with labels.",
            why=why_no_classifier(encoder),
        )
    head = fit_head(encoder, texts, labels)
    keys = [text_key(text) for text in texts]
    chances = [max(head.out_of_fold_probabilities.get(key, (np.nan,))) for key in keys]
    return Predictions(
        head.labels, False, tuple(head.out_of_fold.get(key, "") for key in keys), read_only(chances, np.float64)
    )


def classify(
    encoder: Encoder, texts: Sequence[str], head: LinearHead | None = None, progress: Progress | None = None
) -> tuple[tuple[str, ...], Float64[np.ndarray, " text"]]:
    """Return the class that a classifier gives each text, with its probability; "" and NaN where one cannot be read.

    Parameters
    ----------
    head
        A linear head; the model's own unless given.
    """
    names = class_names(encoder, head)
    said, chances = [""] * len(texts), np.full(len(texts), np.nan)
    for begin in range(0, len(texts), _AT_ONCE):
        read: dict[int, str] = {}
        for index in range(begin, min(begin + _AT_ONCE, len(texts))):
            with suppress(InputError):
                read[index] = first_window(encoder, texts[index])[0]
        functions = target_functions(encoder, list(read.values()), "predicted", head)
        for index, one in zip(read, functions, strict=True):
            if isinstance(one, TargetFunction):
                probabilities = one.probabilities(one.own[None])[0]
                best = int(one.own.argmax())
                said[index], chances[index] = names[best], float(probabilities[best])
        if progress is not None:
            progress(min(begin + _AT_ONCE, len(texts)), len(texts), "rows")
    return tuple(said), read_only(chances)


def compare_predictions(
    first: Predictions, second: Predictions, texts: Sequence[str], labels: Sequence[str] | None = None
) -> PredictionChanges:
    """Tell where two models' predictions of the same texts differ, and with labels which of them is oftener right.

    Parameters
    ----------
    texts, labels
        Those of which the predictions are. A label that is not a class of both models counts as not given.

    Raises
    ------
    InputError
        If there are not as many texts as predictions.

    Examples
    --------
    >>> import interpret as it
    >>> texts = ["A great film.", "I loved it.", "What a joy.", "A dull film.", "I hated it.", "Awful."]
    >>> labels = ["good", "good", "good", "bad", "bad", "bad"]
    >>> encoders = [it.load_encoder(name) for name in ("minilm", "minilm-l3")]
    >>> first, second = (it.attribution.predict_classes(encoder, texts, labels) for encoder in encoders)
    >>> changes = it.attribution.compare_predictions(first, second, texts, labels)
    >>> len(changes.flipped) == sum(one != other for one, other in zip(first.said, second.said))
    True
    """
    check_lengths(texts, {"predictions": first.said, "other predictions": second.said})
    compared = np.array([bool(one and other) for one, other in zip(first.said, second.said, strict=True)], bool)
    same = np.array([one == other for one, other in zip(first.said, second.said, strict=True)], bool)
    flipped = np.flatnonzero(compared & ~same)
    # Where both were sure the difference says most.
    least = np.minimum(first.probability, second.probability)[flipped]
    counted = _different(texts, np.flatnonzero(compared).tolist())
    agreeing = int(same[counted].sum())
    labelled: list[int] = []
    if labels is not None:
        check_lengths(texts, {"labels": labels})
        known = set(first.classes) & set(second.classes)
        labelled = _different(texts, [i for i in np.flatnonzero(compared).tolist() if labels[i] in known])
    true = [labels[i] for i in labelled] if labels is not None else []
    accuracies = [
        measure_accuracy([one.said[i] for i in labelled], true, [texts[i] for i in labelled]) for one in (first, second)
    ]
    right = [np.array([one.said[i] for i in labelled]) == np.array(true) for one in (first, second)]
    return PredictionChanges(
        first=first,
        second=second,
        compared=read_only(compared),
        flipped=read_only(flipped[np.argsort(-least, kind="stable")], np.int64),
        count=len(counted),
        agreement=agreeing / len(counted) if counted else float("nan"),
        agreement_interval=wilson(agreeing, len(counted)),
        first_accuracy=accuracies[0],
        second_accuracy=accuracies[1],
        difference=float(right[1].mean() - right[0].mean()) if labelled else float("nan"),
        difference_interval=paired_difference(right[1], right[0]) if labelled else (float("nan"), float("nan")),
    )


def _different(texts: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Return rows without those whose text reads the same as that of an earlier one."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(text_key(texts[row]), row)
    return list(first.values())
