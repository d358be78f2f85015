"""What a checkpoint was trained to say beyond its hidden states: its task head, where it has one."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

Kind = Literal["classes", "token classes", "masked words"]


@dataclass(frozen=True)
class Task:
    """What a model with a task head answers.

    Attributes
    ----------
    kind
        ``"classes"``: one answer a text; ``"token classes"``: one a token; ``"masked words"``: a piece of the
        vocabulary for every token, of use where the text has a mask.
    labels
        The classes' names; empty for masked words, where the vocabulary has them.
    exclusive
        Whether the probabilities of the classes add up to 1 (softmax) or each stands alone (sigmoid).
    """

    kind: Kind
    labels: tuple[str, ...]
    exclusive: bool = True

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn scores into probabilities, in float32."""
        return logits.float().softmax(-1) if self.exclusive else logits.float().sigmoid()


# Whose pre-training had a game of two sentences, for which transformers has a head.
PAIR_FAMILIES = ("bert", "albert")
# How the class that a config.json names ends, what it answers, and what loads it.
_KINDS: Mapping[str, tuple[Kind, Any]] = {
    "ForSequenceClassification": ("classes", AutoModelForSequenceClassification),
    "ForTokenClassification": ("token classes", AutoModelForTokenClassification),
    "ForMaskedLM": ("masked words", AutoModelForMaskedLM),
    "ForPreTraining": ("masked words", AutoModelForPreTraining),
}


def find_task(config: Any) -> tuple[Task, Any] | None:
    """Return the task that a checkpoint's config.json names and the class that loads it, or None.

    A regression has no probabilities, and ELECTRA's discriminator guesses no words: both count as None.
    """
    names = getattr(config, "architectures", None) or []
    for ending, (kind, loader) in _KINDS.items():
        if any(str(name).endswith(ending) for name in names):
            if ending == "ForPreTraining" and config.model_type not in PAIR_FAMILIES:
                return None
            problem = getattr(config, "problem_type", None)
            if kind == "classes" and (problem == "regression" or config.num_labels < 2):
                return None
            labels = (
                ()
                if kind == "masked words"
                else tuple(str(config.id2label.get(i, f"LABEL_{i}")) for i in range(config.num_labels))
            )
            return Task(kind, labels, problem != "multi_label_classification"), loader
    return None


def head_alone(whole: PreTrainedModel) -> PreTrainedModel:
    """Return a model with ``whole``'s own head, that takes hidden states (``inputs_embeds``) for what its layers say.

    The head stays the one of the whole model, and so does the code that runs it, whatever the architecture.
    """
    alone = copy.copy(whole)
    name = whole.base_model_prefix
    # The copy shares all but the list of its parts.
    alone._modules = {**whole._modules, name: _Given(getattr(whole, name))}
    return alone


class _Given(torch.nn.Module):
    def __init__(self, body: torch.nn.Module) -> None:
        super().__init__()
        # In a list it is no part of this one. DeBERTa's head asks for its embeddings.
        self._body = [body]

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._body[0], name)

    def forward(self, *_: object, inputs_embeds: torch.Tensor, **__: object) -> BaseModelOutputWithPooling:
        # The head of two sentences, where there is one, is fed something of its shape; its answer counts for nothing.
        return BaseModelOutputWithPooling(last_hidden_state=inputs_embeds, pooler_output=inputs_embeds[:, 0])


def logits_of(output: Any) -> torch.Tensor:
    """Return the scores in what a model with a task head returned: ``(batch, [token,] label)``."""
    return output.prediction_logits if "prediction_logits" in output else output.logits


def pair_logits_of(output: Any) -> torch.Tensor:
    """Return what a model with both of its pre-training heads says of its two texts: ``(batch, 2)``.

    The first score is that the second text follows (in ALBERT: that the two are in their order), the other that it
    does not.
    """
    return output.sop_logits if "sop_logits" in output else output.seq_relationship_logits
