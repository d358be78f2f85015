"""Regression: a number for each text, or pair of texts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.files import Table
from interpret.core.labels import as_number, has_decimal_commas, is_missing, with_point
from interpret.core.sentences import sentence
from interpret.finetuning.collator import Reader
from interpret.finetuning.data_source import Columns
from interpret.finetuning.examples import Examples
from interpret.finetuning.labelled_rows import read_rows, refuse_few
from interpret.finetuning.objective import Answers, register
from interpret.finetuning.objectives.labelled import Labelled
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.regression_results import RegressionResults, fit_parts, measure_fit, r2_of
from interpret.finetuning.trainable_model import TrainableModel

_INFINITE = ("inf", "infinity")
# Rows are split by these many ranges of their values, so that both sides have high ones and low ones.
_RANGES = 5


@register
class Regression(Labelled):
    """Squared error of a number for each text, in standard deviations of the training set's labels."""

    name = "regression"
    order = 2
    title = sentence("Regression (a number per text)")
    score_label = "R²"
    score_title = sentence("Held-out R²")
    score_name = "R²"
    score_is_share = False
    fact = "r2"
    problem_type = "regression"

    def read(self, content: bytes, name: str, columns: Columns) -> Examples:
        """Read a table's texts and numbers."""
        examples = read_rows(content, name, columns, self.name, _missing, _with_points)
        refuse_few(examples)
        for index, one in zip(examples.indices, examples.labels, strict=True):
            if as_number(one) is None:
                raise InputError(
                    "Row {row} has “{label}”, but regression needs a number. Choose classification, or another column.",
                    row=index + 1,
                    label=one[:40],
                )
        if len({float(one) for one in examples.labels}) < 2:
            raise InputError(
                "All rows have the value {value}, so there is nothing to learn. Choose another column.",
                value=examples.labels[0],
            )
        return examples

    def classes(self, examples: Examples) -> tuple[str, ...]:
        """Return none."""
        return ()

    def groups_to_balance(self, examples: Examples) -> list[str]:
        """Return the range of values that each example is in."""
        values = np.array([float(one) for one in examples.labels])
        edges = np.quantile(values, np.linspace(0, 1, _RANGES + 1)[1:-1])
        return [str(one) for one in np.searchsorted(edges, values)]

    def label_scale(self, examples: Examples, train: Sequence[int] | np.ndarray) -> tuple[float, float]:
        """Return mean and standard deviation of the training set: any unit of measure is learned at the same rate."""
        values = np.array([float(examples.labels[int(index)]) for index in train])
        return float(values.mean()), float(values.std()) or 1.0

    def reader(self, encoder: Encoder, recipe: Recipe, examples: Examples, scale: tuple[float, float]) -> Reader:
        """Return what reads how many standard deviations a value is from the mean."""
        mean, spread = scale
        return Reader(encoder, recipe, examples, (), lambda label: (float(label) - mean) / spread)

    def criterion(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None, smoothing: float = 0.0
    ) -> torch.Tensor:
        """Return the mean squared error: the cross-entropy of a normal distribution, up to a factor and a constant."""
        return torch.nn.functional.mse_loss(logits[:, 0], labels.float())

    def few_held_out(self, held_out: int, predictions: int, points: str) -> InputError:
        """Say that there is little to evaluate on."""
        return InputError.counted(
            "Only {count} held-out row: R² and the errors are uncertain with so few, as their intervals show. Hold "
            "out more, or add rows, before you trust a smaller difference.",
            "Only {count} held-out rows: R² and the errors are uncertain with so few, as their intervals show. Hold "
            "out more, or add rows, before you trust a smaller difference.",
            held_out,
            count=held_out,
        )

    def score(self, answers: Answers) -> float:
        """Return R²."""
        logits, truth = answers["logits"], answers["truth"]
        return float(1 - np.square(logits[:, 0] - truth).sum() / np.square(truth - truth.mean()).sum())

    def probabilities(self, logits: torch.Tensor, scale: tuple[float, float]) -> torch.Tensor:
        """Return the numbers in the labels' unit."""
        return logits * scale[1] + scale[0]

    def start_from(self, model: TrainableModel, scale: tuple[float, float]) -> None:
        """Let a trained head answer in standard deviations from the mean."""
        mean, spread = scale
        model.rescale_answer(1 / spread, -mean / spread)

    def finish(self, model: TrainableModel, answers: Answers, scale: tuple[float, float]) -> dict[str, np.ndarray]:
        """Let the model answer in the labels' own unit, and return its answers in it."""
        mean, spread = scale
        model.rescale_answer(spread, mean)
        return dict(answers) | {
            "logits": answers["logits"] * np.float32(spread) + np.float32(mean),
            "truth": answers["truth"] * spread + mean,
        }

    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return what R² is made of."""
        return fit_parts(answers["logits"][:, 0].astype(float), answers["truth"].astype(float))

    def headline(self, sums: Float[np.ndarray, "*draw part"]) -> Float[np.ndarray, "*draw"]:
        """Return R²."""
        return r2_of(sums)

    def measure(self, answers: Answers, labels: tuple[str, ...]) -> RegressionResults:
        """Return R², errors and the rank correlation."""
        return measure_fit(answers["logits"][:, 0], answers["truth"])

    def truth(self, examples: Examples, answers: Answers, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the numbers as the file has them."""
        return examples.labels

    def in_words(self, facts: Mapping[str, float], interval: Callable[[Mapping[str, float], str], str]) -> list[str]:
        """Say R² and the mean error."""
        return [f"R² {facts['r2']:.3f} {interval(facts, '.3f')}, mean error {facts['mae']:.4g}"]

    def baseline(self, facts: Mapping[str, float]) -> str:
        """Name what has an R² of 0."""
        return "always predicting the mean"


def _missing(label: str) -> bool:
    # JSON has true infinities; as the label of a regression they are no more than NaN is.
    return is_missing(label) or label.lstrip("+-").casefold() in _INFINITE


def _with_points(labels: list[str], table: Table) -> list[str]:
    commas = has_decimal_commas(labels, table.dialect.delimiter if table.dialect else None)
    return [with_point(one) for one in labels] if commas else labels
