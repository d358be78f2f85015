"""How often a classifier is right on labelled texts."""

from collections.abc import Sequence

from interpret.attribution.prediction_changes import classify
from interpret.attribution.rows import check_lengths
from interpret.attribution.targets.classifier import exclusive_class_names, why_no_classifier
from interpret.core.accuracy import Accuracy, measure_accuracy
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.linear_head import LinearHead


def measure_classifier(
    encoder: Encoder, texts: Sequence[str], labels: Sequence[str], head: LinearHead | None = None
) -> Accuracy | None:
    """Count how often a classifier gives each text its label, beside who always guesses the most frequent one.

    Parameters
    ----------
    texts, labels
        Of each row its text and its true class. A row whose label is no class of the classifier counts as neither right
        nor wrong, nor does one whose text cannot be read; of a text beyond the model's limit the beginning is read.
    head
        A linear head; the model's own unless given. On rows that a head was fitted to, `LinearHead.held_out` is the
        honest number, and this one is not.

    Returns
    -------
    Accuracy or None
        None where no row counts.

    Raises
    ------
    InputError
        If the model has no classifier and no head is given, or there is not a label for each text.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> measured = it.attribution.measure_classifier(encoder, ["What a joy.", "Awful."], ["good", "bad"], head)
    >>> measured.right, measured.count, measured.majority
    (2, 2, 0.5)
    """
    check_lengths(texts, {"labels": labels})
    names = exclusive_class_names(encoder, head)
    if not names:
        raise InputError(
            "This model has no classifier. {why} Fit a head with `fit_head`.", why=why_no_classifier(encoder)
        )
    rows = [index for index, label in enumerate(labels) if label in names]
    answers, _chances = classify(encoder, [texts[index] for index in rows], head)
    said = {index: answer for index, answer in zip(rows, answers, strict=True) if answer}
    return measure_accuracy(list(said.values()), [labels[index] for index in said], [texts[index] for index in said])
