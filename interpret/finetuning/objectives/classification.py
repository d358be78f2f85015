"""Text classification: a class for each text, or pair of texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.finetuning.data_source import Columns
from interpret.finetuning.examples import Examples
from interpret.finetuning.final_evaluation import measure_forgetting
from interpret.finetuning.frozen_head import measure_frozen_head
from interpret.finetuning.labelled_rows import (
    read_rows,
    refuse_few,
    refuse_one_class,
    refuse_rare_classes,
    refuse_several,
)
from interpret.finetuning.objective import Answers, register
from interpret.finetuning.objectives.labelled import Labelled
from interpret.finetuning.results import ClassificationResults, measure_results
from interpret.finetuning.runs import Run


@register
class Classification(Labelled):
    """Cross-entropy of a class for each text (Devlin et al. 2019, sec. 4.1)."""

    name = "classes"
    order = 1
    title = sentence("Text classification (a class per text)")
    classifies = True

    def read(self, content: bytes, name: str, columns: Columns) -> Examples:
        """Read a table's texts and classes."""
        examples = read_rows(content, name, columns, self.name)
        refuse_few(examples)
        refuse_several(examples.labels, columns.label)
        refuse_one_class(examples)
        refuse_rare_classes(examples, columns.label)
        return examples

    def groups_to_balance(self, examples: Examples) -> list[str]:
        """Return the classes: each gives its share."""
        return list(examples.labels)

    def refuse_identical(self, group: str) -> None:
        """Refuse a class whose rows all say the same."""
        raise InputError(
            "All rows of the class “{label}” are identical, so none can be held out. Add different ones.", label=group
        )

    def strata(self, truth: Sequence[Any] | np.ndarray) -> Sequence[Any] | np.ndarray | None:
        """Return the true classes."""
        return truth

    def measure(self, answers: Answers, labels: tuple[str, ...]) -> ClassificationResults:
        """Return accuracy, F1, confusions and calibration."""
        return measure_results(answers["logits"], [labels[index] for index in answers["truth"]], labels)

    def measure_afterwards(self, run: Run, device: str) -> dict[str, float]:
        """Return what the model forgot of the run that it goes on from, and what a frozen head makes of the rows."""
        return measure_forgetting(run, device) | measure_frozen_head(run, device)
