"""Score: the one number of a regression's or a reranker's head."""

from collections.abc import Sequence

import torch
from jaxtyping import Float

from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence


@register
class Score(TargetKind):
    """The number that the model's own head answers with: a regression's, or the logit of a cross-encoder."""

    name = "score"
    syntax = "score"
    title = sentence("the model's score")
    said = sentence("score: {name}")
    order = 5
    scores = True
    pooled = True

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return it by its name, and as what such a model predicts."""
        task = inputs.encoder.task
        if task is None or task.kind != "score":
            return None
        named = request == self.name or (request == "predicted" and inputs.head is None)
        return Target(self.name, task.labels[0]) if named else None

    def check(self, bound: BoundTarget) -> None:
        """Refuse a model whose head answers with something else."""
        if not self.offered(bound.encoder, ""):
            raise InputError("This model has no head that answers with one number. Choose another target.")

    def by_task_head(self, bound: BoundTarget) -> bool:
        """Tell that the model's own head answers."""
        return True

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return the number."""
        return seen.logits

    def read_from(self, bound: BoundTarget) -> Sequence[int]:
        """Return the first token, or all of them for a head that reads all."""
        return super().read_from(bound) if bound.encoder.head_reads_all else [0]

    def offered(self, encoder: Encoder, text: str) -> bool:
        """Tell whether the model's head answers with one number."""
        return encoder.task is not None and encoder.task.kind == "score"

    def of_another(self, target: Target) -> str | None:
        """Return the same."""
        return self.name
