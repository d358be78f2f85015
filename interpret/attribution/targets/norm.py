"""Norm: the length of the sentence vector."""

import torch
from jaxtyping import Float

from interpret.attribution.targets.target import Asking, Pass, Question, Target, TargetKind, register
from interpret.attribution.words import join_words
from interpret.core.sentence_vectors import sentence_reading
from interpret.core.sentences import sentence


@register
class Norm(TargetKind):
    """The length of the sentence vector, before it is brought to length 1 where the model does that."""

    name = "norm"
    wish = "norm"
    title = sentence("the norm of the sentence vector")
    said = sentence("norm of the sentence vector")
    order = 30

    def ask(self, asking: Asking, target: Target) -> Question:
        """Read the text as the model's folder, or who asks, says."""
        # A sentence vector is of one text; of two side by side it is of both, with nothing before them.
        prompt = asking.prompt if asking.pair is None else ""
        reading = sentence_reading(asking.encoder, asking.pooling, prompt)
        tokens = join_words(reading.tokens(asking.text)) if asking.pair is None else asking.read()
        return Question(asking.encoder, tokens, Target(self.name, ""), reading=reading)

    def answers(self, question: Question, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return the length."""
        model = question.reading.model.before_normalizing()
        return model.vectors(seen.last, seen.mask, question.reading.skipped).norm(dim=-1, keepdim=True)
