"""A report on a classifier's predictions over a file: what is known of them, computed once, for JSON and for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float32

from interpret.attribution.methods import METHODS
from interpret.attribution.path_integral import Progress
from interpret.attribution.report.case import Case, Reason, choose_cases, look_closely
from interpret.attribution.row_attributions import BASES, RowAttributions
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets.classifier import class_names
from interpret.core.accuracy import text_key
from interpret.core.arrays import read_only
from interpret.core.calibration import Calibration, measure_calibration
from interpret.core.card import ModelCard, model_card
from interpret.core.data_card import DataCard
from interpret.core.encoder import Encoder, EncoderSpec
from interpret.core.errors import InputError
from interpret.core.linear_head import LinearHead


@dataclass(frozen=True, eq=False)
class Report:
    """What is known of a classifier's predictions over the rows of a file.

    Attributes
    ----------
    found
        The rows, each explained.
    model, spec
        Which model answers, and how it is read.
    fitted
        Whether a linear head answers in the place of a classifier of the model's own.
    probabilities
        Of each row what the classifier that is explained says.
    out_of_fold_probabilities
        What a head says that was fitted without the row; NaN where there is none.
    calibration
        For each of `BASES` that there are evaluated rows of, how far the probabilities can be taken at their word: None
        where there are too few rows. Rows that were learned from tell nothing of it, and have no entry.
    cases
        The rows that are looked at closely, in the order of the file.
    data_card
        What is in the file; None where nobody counted.
    file, training
        What is known of the file, and of what the classifier was trained on: plain values by their names.
    created
        When, in UTC.
    """

    found: RowAttributions
    model: ModelCard
    spec: EncoderSpec
    fitted: bool
    probabilities: Float32[np.ndarray, "row label"]
    out_of_fold_probabilities: Float32[np.ndarray, "row label"]
    calibration: Mapping[str, Calibration | None]
    cases: tuple[Case, ...]
    data_card: DataCard | None
    file: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    training: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    created: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))


def make_report(
    encoder: Encoder,
    found: RowAttributions,
    *,
    head: LinearHead | None = None,
    cases: Sequence[int] | None = None,
    contrast: bool = True,
    counterfactuals: bool = True,
    faithfulness: bool = True,
    data_card: DataCard | None = None,
    file: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Make a report of rows that were explained.

    Parameters
    ----------
    encoder, head
        What the rows were explained with.
    found
        What `attribute_rows` gave, for a class.
    cases
        Which rows to look at closely, by their indices in ``found.rows``: see `rows_numbered`. Unless given, wrong
        predictions and the most and least certain row of each class: see `choose_cases`.
    contrast, counterfactuals, faithfulness
        Whether these are computed for each case: see `Case`.
    data_card
        What is in the file: see `interpret.core.data_card.make_data_card`.
    file, training
        What else it is to say of the file, and of what the classifier was trained on: plain values, as JSON has them.
    progress
        Called as ``progress(cases done, cases in all, "cases")`` before each; raising inside it stops the work.

    Raises
    ------
    InputError
        If the rows were explained for something else than a class, by a method without signs or with another model, or
        a case is none of them.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> labels = ["good", "good", "bad", "bad"]
    >>> head = it.fit_head(encoder, texts, labels)
    >>> found = it.attribution.attribute_rows(encoder, texts, labels, head=head, method="occlusion")
    >>> report = it.attribution.make_report(encoder, found, head=head, cases=[0], faithfulness=False)
    >>> report.cases[0].counterfactuals.variants.texts[:2]
    ('A great film.', 'film.')
    >>> document = it.attribution.report_json(report)
    >>> document["rows"][0]["predicted"], document["cases"][0]["reasons"]
    ('good', ['requested'])
    """
    _check(encoder, found, head)
    probabilities, without = _probabilities(encoder, found, head)
    counted = np.where(np.isnan(without), probabilities, without)
    chosen: dict[int, tuple[Reason, ...]] = (
        choose_cases(found, counted) if cases is None else dict.fromkeys(_checked(found, cases), ("requested",))
    )
    looked_at = []
    for done, (index, reasons) in enumerate(chosen.items()):
        say = _same_progress(progress, done, len(chosen))
        wanted = (contrast, counterfactuals, faithfulness)
        row, said = found.rows[index], probabilities[index]
        looked_at.append(look_closely(encoder, row, index, reasons, said, found.known, head, wanted, say))
    return Report(
        found=found,
        model=model_card(encoder),
        spec=encoder.spec,
        fitted=head is not None,
        probabilities=probabilities,
        out_of_fold_probabilities=without,
        calibration=MappingProxyType(_calibrations(found, counted)),
        cases=tuple(looked_at),
        data_card=data_card,
        file=MappingProxyType(dict(file or {})),
        training=MappingProxyType(dict(training or {})),
    )


def _probabilities(
    encoder: Encoder, found: RowAttributions, head: LinearHead | None
) -> tuple[Float32[np.ndarray, "row label"], Float32[np.ndarray, "row label"]]:
    """Return what the explained classifier says of each row, and what one says that was fitted without it, or NaN."""
    first = found.rows[0].attribution
    function = TargetFunction(encoder, first.tokens, first.target, head)
    answers = function.answers([row.attribution.tokens for row in found.rows])
    kept = {} if head is None else head.out_of_fold_probabilities
    unknown = (float("nan"),) * len(found.known)
    without = [kept.get(text_key(row.text), unknown) for row in found.rows]
    return function.probabilities(answers), read_only(without, np.float32)


def check_method(method: str) -> None:
    """Refuse a method whose scores have no sign: nothing of them speaks against a class.

    Raises
    ------
    InputError
        If it is one.
    """
    if method in METHODS and not METHODS[method].signed:
        raise InputError(
            "A report shows words for and against a class, and the scores of “{method}” have no sign. Choose one of: "
            "{known}.",
            method=METHODS[method].title,
            known=", ".join(name for name, one in METHODS.items() if one.signed),
        )


def _check(encoder: Encoder, found: RowAttributions, head: LinearHead | None) -> None:
    check_method(found.method)
    if not found.known or any(not row.answer for row in found.rows):
        raise InputError(
            "A report is about a classifier's predictions, and these rows were explained for something else. Explain a "
            "class, such as the predicted one."
        )
    other = next(
        (row.attribution.spec for row in found.rows if row.attribution.spec.checkpoint != encoder.spec.checkpoint), None
    )
    if other is not None:
        raise InputError(
            "These rows were explained with the model “{other}”, and not with “{name}”. Give the model that they were "
            "explained with.",
            other=other.checkpoint.name,
            name=encoder.spec.checkpoint.name,
        )
    if class_names(encoder, head) != found.known:
        raise InputError(
            "These rows were explained with another classifier. Give the classification head that they were explained "
            "with."
        )
    known = {} if head is None else head.out_of_fold_probabilities
    if any(row.out_of_fold and text_key(row.text) not in known for row in found.rows):
        raise InputError(
            "This classification head does not know its out-of-fold probabilities, without which calibration would be "
            "of rows that it was fitted on. Fit it anew."
        )


def _checked(found: RowAttributions, cases: Sequence[int]) -> list[int]:
    foreign = next((index for index in cases if not 0 <= index < len(found.rows)), None)
    if foreign is not None:
        raise InputError(
            "There is no row with index {index}. Those of the rows that were explained run from 0 to {last}.",
            index=foreign,
            last=len(found.rows) - 1,
        )
    return sorted(set(cases))


def _same_progress(progress: Progress | None, done: int, total: int) -> Callable[[int, int, str], None]:
    """Return what says how many cases are done, however far the work on one of them is: so that it can be stopped."""

    def say(_done: int, _total: int, _stage: str) -> None:
        if progress is not None:
            progress(done, total, "cases")

    say(0, 1, "")
    return say


def _calibrations(found: RowAttributions, counted: Float32[np.ndarray, "row label"]) -> dict[str, Calibration | None]:
    measured: dict[str, Calibration | None] = {}
    for basis in BASES:
        indices = [i for i, row in enumerate(found.rows) if row.basis == basis and row.label in found.known]
        if not indices or basis == "learned from":
            continue
        truth = np.array([found.known.index(found.rows[i].label) for i in indices])
        measured[basis] = measure_calibration(counted[indices], truth, [text_key(found.rows[i].text) for i in indices])
    return measured
