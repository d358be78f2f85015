"""What targets of a classifier have in common: the classes, and every class's score."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float

from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetKind, syntaxes_without_head
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError, InterpretError
from interpret.core.linear_head import LinearHead


class ByClassifier(TargetKind):
    """Something that is made of the scores of all classes: the model's own, or those of a linear head."""

    classifier: ClassVar[bool] = True
    pooled: ClassVar[bool] = True

    def check(self, bound: BoundTarget) -> None:
        """Refuse a model that has no classifier and was given none."""
        if not class_names(bound.encoder, bound.head):
            raise InputError(
                "This model has no classifier. {why} Fit a head with `fit_head`, or choose another target: {known}.",
                why=why_no_classifier(bound.encoder),
                known=syntaxes_without_head(bound.encoder),
            )

    def of_another(self, target: Target) -> str | None:
        """Return the same: another classifier of the same classes can be asked it."""
        return self.name

    def by_task_head(self, bound: BoundTarget) -> bool:
        """Tell whether the model's own classifier answers."""
        return bound.head is None

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return every class's score."""
        return seen.logits if bound.head is None else bound.head.logits(seen.last, seen.mask)

    def read_from(self, bound: BoundTarget) -> Sequence[int]:
        """Return the first token, or all of them for a head that reads all."""
        own = bound.head is None and not bound.encoder.head_reads_all
        return [0] if own else super().read_from(bound)


def class_names(encoder: Encoder, head: LinearHead | None) -> tuple[str, ...]:
    """Return the classes that can be asked for; empty where there is no classifier."""
    if head is not None:
        return head.labels
    return encoder.task.labels if encoder.task is not None and encoder.task.kind == "classes" else ()


def why_no_classifier(encoder: Encoder) -> InterpretError:
    """Say why a model has no classifier of its own."""
    if encoder.head_note is not None:
        return encoder.head_note
    if encoder.task is not None and encoder.task.kind == "token classes":
        return InputError("Its head classifies tokens.")
    if encoder.task is not None and encoder.task.kind == "span":
        return InputError("Its head finds where a passage answers a question: give the passage as the second text.")
    if encoder.task is not None and encoder.task.kind == "score":
        return InputError("Its head answers with one number, the target “score”.")
    return InputError("Its head predicts masked words.")


def exclusive_class_names(encoder: Encoder, head: LinearHead | None) -> tuple[str, ...]:
    """Return the classes of which a text has one; empty where there is no classifier.

    Raises
    ------
    InputError
        If a text can have any number: then no answer is right or wrong.
    """
    if head is None and class_names(encoder, None) and encoder.task is not None and not encoder.task.exclusive:
        raise InputError(
            "This model gives a text any number of classes, so a row has no single prediction that is right or wrong. "
            "Explain one text at a time, or fit a linear head to labels of which each row has one."
        )
    return class_names(encoder, head)
