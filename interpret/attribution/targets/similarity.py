"""Similarity: how alike two texts' sentence vectors are."""

import torch
from jaxtyping import Float

from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.errors import InputError
from interpret.core.sentence_vectors import sentence_reading
from interpret.core.sentences import sentence
from interpret.core.words import join_words


@register
class Similarity(TargetKind):
    """How alike this text and the second are, by what the model compares them with: mostly their vectors' cosine."""

    name = "similarity"
    syntax = "similarity"
    title = sentence("the similarity of two texts")
    said = sentence("similarity to the second text")
    order = 20
    compares = True
    in_pairs = True
    missing_pair = sentence("Similarity compares two texts: switch on the second text above, and type it.")

    def bind(self, inputs: TargetInputs, target: Target) -> BoundTarget:
        """Read both texts as the model's folder, or who asks, says."""
        if inputs.pair is None:
            raise InputError("Similarity needs two texts. Give the second one too.")
        reading = sentence_reading(inputs.encoder, inputs.pooling, inputs.prompt)
        tokens, other = (join_words(reading.tokens(one)) for one in (inputs.text, inputs.pair))
        return BoundTarget(inputs.encoder, tokens, Target(self.name, inputs.pair), other=other, reading=reading)

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return the similarity to the other text."""
        reading = bound.reading
        # `ask` has seen to it that there is another text.
        assert bound.compared is not None
        return reading.model.compare(reading.vectors(seen.last, seen.mask), bound.compared)[:, None]

    def of_another(self, target: Target) -> str | None:
        """Return the same."""
        return self.name
