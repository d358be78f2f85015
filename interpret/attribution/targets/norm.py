"""Norm: the length of the sentence vector."""

import torch
from jaxtyping import Float

from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.sentence_vectors import sentence_reading
from interpret.core.sentences import sentence
from interpret.core.words import join_words


@register
class Norm(TargetKind):
    """The length of the sentence vector, before it is brought to length 1 where the model does that."""

    name = "norm"
    syntax = "norm"
    title = sentence("the norm of the sentence vector")
    said = sentence("norm of the sentence vector")
    order = 30

    def bind(self, inputs: TargetInputs, target: Target) -> BoundTarget:
        """Read the text as the model's folder, or who asks, says."""
        # A sentence vector is of one text; of two side by side it is of both, with nothing before them.
        prompt = inputs.prompt if inputs.pair is None else ""
        reading = sentence_reading(inputs.encoder, inputs.pooling, prompt)
        tokens = join_words(reading.tokens(inputs.text)) if inputs.pair is None else inputs.read()
        return BoundTarget(inputs.encoder, tokens, Target(self.name, ""), reading=reading)

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return the length."""
        model = bound.reading.model.before_normalizing()
        return model.vectors(seen.last, seen.mask, bound.reading.skipped).norm(dim=-1, keepdim=True)

    def of_another(self, target: Target) -> str | None:
        """Return the same."""
        return self.name
