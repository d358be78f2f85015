"""A class: its score."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from interpret.attribution.targets.classifier import ByClassifier, class_names
from interpret.attribution.targets.controls import Choice, Control
from interpret.attribution.targets.target import BoundTarget, Target, TargetInputs, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.core.tokens import Tokens


@register
class ClassScore(ByClassifier):
    """The score (logit) of a class, by name or number, or of the one that is predicted."""

    name = "class"
    syntax = "predicted, or a class by its name or number"
    title = sentence("a class")
    said = sentence("class “{name}”")
    order = 10
    likely = True
    predicts = True

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return the class of a name or a number; of a classifier's prediction, one that is not chosen yet."""
        names = class_names(inputs.encoder, inputs.head)
        if request == "predicted" and names:
            return Target(self.name, "")
        if isinstance(request, int) and not isinstance(request, bool):
            name = names[request] if 0 <= request < len(names) else str(request)
            # Below 0 is no class either, and -1 would be the prediction.
            return Target(self.name, name, request if request >= 0 else len(names))
        return Target(self.name, str(request), names.index(str(request))) if request in names else None

    def check(self, bound: BoundTarget) -> None:
        """Refuse a class that there is not."""
        super().check(bound)
        count = len(class_names(bound.encoder, bound.head))
        if bound.target.index >= count:
            raise InputError(
                "There is no class {index}: this classifier has {count}, counted from 0.",
                index=bound.target.index,
                count=count,
            )

    def likeliest(self, bound: BoundTarget, answers: Float32[np.ndarray, " answer"]) -> Target:
        """Return the predicted class."""
        best = int(answers.argmax())
        return replace(bound.target, name=class_names(bound.encoder, bound.head)[best], index=best)

    def alike(self, bound: BoundTarget) -> Hashable:
        """Return nothing: one pass has the scores of all classes."""
        return None

    def of_another(self, target: Target) -> str | None:
        """Return the class by its name, whatever the other model predicts."""
        return target.name

    def controls(self, encoder: Encoder, classes: Sequence[str], tokens: Tokens) -> Sequence[Control]:
        """Return the choice of a class."""
        worded = {-1: sentence("the predicted class")}
        return (Choice("class", sentence("Class"), dict(enumerate(classes)), worded),)

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Return the number of the class, or that it is the predicted one."""
        return "predicted" if values["class"] < 0 else values["class"]
