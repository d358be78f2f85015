"""Masked words and next sentences: both tasks of BERT's pre-training at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import transformers as tf
from jaxtyping import Float
from torch.nn.functional import cross_entropy

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.core.tasks import PAIR_FAMILIES, pair_logits_of
from interpret.finetuning.data_source import Columns
from interpret.finetuning.examples import Examples
from interpret.finetuning.masked_predictions import log_loss
from interpret.finetuning.objective import Answers, register
from interpret.finetuning.objectives.masked_words import Pretraining
from interpret.finetuning.passages import read_passages
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.training_data import TrainingData


@register
class NextSentences(Pretraining):
    """Cross-entropy of masked tokens, and of whether the second text follows (Devlin et al. 2019, sec. 3.1)."""

    name = "masked words and next sentences"
    order = 6
    title = sentence("Masked words and next sentence (no labels)")
    pairs_weigh = True

    def read(self, content: bytes, name: str, columns: Columns) -> Examples:
        """Read passages in two halves."""
        return read_passages(content, name, columns.text, self.name, columns.words, halves=True)

    def least(self, examples: Examples) -> int:
        """Return two: whether a text follows is asked with another one's end."""
        return 2

    def loader(self) -> Any:
        """Return the class that loads a model with both heads."""
        return tf.AutoModelForPreTraining

    def refuse_family(self, encoder: Encoder) -> None:
        """Refuse a model whose family was pretrained without next sentences."""
        if encoder.model.config.model_type not in PAIR_FAMILIES:
            raise InputError(
                "{family} was pretrained without next-sentence prediction, and transformers has no head for it. Choose "
                "masked words alone, or a BERT or an ALBERT.",
                family=encoder.family.title,
            )

    def loss(self, model: Any, inputs: dict[str, Any], data: TrainingData, recipe: Recipe) -> tuple[Any, Any]:
        """Return the weighted sum of both tasks' mean cross-entropies."""
        following = inputs.pop("next")
        loss, output = super().loss(model, inputs, data, recipe)
        return loss + recipe.pair_weight * cross_entropy(pair_logits_of(output).float(), following), output

    def evaluate(
        self, model: Any, items: Sequence[Mapping[str, Any]], data: TrainingData, recipe: Recipe
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the weighted sum of both losses, and the answers."""
        loss, answers = super().evaluate(model, items, data, recipe)
        return loss + recipe.pair_weight * float(_pair_loss(answers).mean()), answers

    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return also the surprise at whether the second text follows."""
        loss = _pair_loss(answers)
        return np.concatenate([super().row_parts(labels, answers), np.stack([loss, np.ones(len(loss))], 1)], axis=1)

    def goodness(self, sums: Float[np.ndarray, "*draw part"], pair_weight: float) -> Float[np.ndarray, "*draw"]:
        """Return the negative weighted sum of both losses."""
        return np.asarray(-sums[..., 0] / sums[..., 1] - pair_weight * sums[..., 3] / sums[..., 4])


def _pair_loss(answers: Answers) -> np.ndarray:
    return log_loss(np.where(answers["following"], answers["follows"], 1 - answers["follows"]))
