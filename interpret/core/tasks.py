"""What a checkpoint was trained to say beyond its hidden states: its task head, where it has one."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

from interpret.core.errors import CheckpointError

Kind = Literal["classes", "score", "token classes", "masked words", "span"]


@dataclass(frozen=True)
class Task:
    """What a model with a task head answers.

    Attributes
    ----------
    kind
        ``"classes"``: one answer a text; ``"score"``: one number a text, or pair, as a regression and a reranker give;
        ``"token classes"``: one answer a token; ``"masked words"``: a token of the
        vocabulary for every token, of use where the text has a mask; ``"span"``: for every token how far it is the
        first, and the last, of the answer to a question.
    labels
        The classes' names, or the score's; empty for masked words, where the vocabulary has them.
    exclusive
        Whether the probabilities of the classes add up to 1 (softmax) or each stands alone (sigmoid).
    bounded
        Whether a score is a logit, of which the model's folder takes the sigmoid.
    """

    kind: Kind
    labels: tuple[str, ...]
    exclusive: bool = True
    bounded: bool = False

    @property
    def of_text(self) -> bool:
        """Whether it answers once for a whole text, or pair."""
        return self.kind in ("classes", "score")

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn scores into probabilities, in float32; a number that is none of these stays what it is."""
        if self.kind == "score" and not self.bounded:
            return logits.float()
        return logits.float().softmax(-1) if self.exclusive else logits.float().sigmoid()


def score_task(name: str = "score", bounded: bool = False) -> Task:
    """Return the task of a head that answers with one number."""
    return Task("score", (name,), exclusive=False, bounded=bounded)


# What transformers' config says of a head whose classes do not exclude each other.
MULTI_LABEL = "multi_label_classification"
# Whose pre-training had a task with two sentences, for which transformers has a head.
PAIR_FAMILIES = ("bert", "albert", "ernie", "mobilebert")
# How the class that a config.json names ends, what it answers, and what loads it.
_KINDS: Mapping[str, tuple[Kind, Any]] = {
    "ForSequenceClassification": ("classes", AutoModelForSequenceClassification),
    "ForTokenClassification": ("token classes", AutoModelForTokenClassification),
    "ForMaskedLM": ("masked words", AutoModelForMaskedLM),
    "ForPreTraining": ("masked words", AutoModelForPreTraining),
    "ForQuestionAnswering": ("span", AutoModelForQuestionAnswering),
}


READ_HEADS = tuple(_KINDS)
# What other heads answer, by how the class ends: none of it is read here.
_OTHERS: Mapping[str, CheckpointError] = {
    "ForMultipleChoice": CheckpointError("which of several texts is the correct one"),
    "ForNextSentencePrediction": CheckpointError("only whether the second text follows the first"),
    "ElectraForPreTraining": CheckpointError("which words were replaced by others"),
    "ForCausalLM": CheckpointError("which word comes next"),
    "LMHeadModel": CheckpointError("which word comes next"),
}


def find_task(config: Any, given: Mapping[str, Any], name: str) -> tuple[Task, Any]:
    """Return the task that a checkpoint's config.json names, and the class that loads it.

    Parameters
    ----------
    config
        As transformers reads it.
    given
        What config.json says itself: transformers makes up names for classes that have none.
    name
        What the reader calls the model.

    Raises
    ------
    CheckpointError
        If it names none that is read here; the sentence says why.
    """
    names = classes_named(getattr(config, "architectures", None))
    for ending, (kind, loader) in _KINDS.items():
        if any(one.endswith(ending) for one in names):
            if ending == "ForPreTraining" and config.model_type not in PAIR_FAMILIES:
                break
            if kind == "masked words":
                return Task(kind, ()), loader
            if kind == "span":
                return Task(kind, ("start", "end"), exclusive=False), loader
            problem = getattr(config, "problem_type", None)
            labels = _labels(config, given, name)
            if kind == "classes" and len(labels) == 1:
                named = labels[0] if labels[0] != "LABEL_0" else "score"
                return score_task(named, problem != "regression" and _takes_sigmoid(given)), loader
            if kind == "classes" and problem == "regression":
                raise CheckpointError(
                    "The head of “{name}” gives several numbers for each text (a regression), which is not supported: "
                    "only the encoder is used.",
                    name=name,
                )
            return Task(kind, labels, problem != MULTI_LABEL), loader
    if not names:
        raise CheckpointError(
            "The config.json of “{name}” does not name the class that the model was saved from (“architectures”), so "
            "the task of a head in its files is unknown.",
            name=name,
        )
    if all(one.endswith("Model") and not one.endswith("HeadModel") for one in names):
        raise CheckpointError("“{name}” was saved without a head ({kind}).", name=name, kind=names[0])
    answer = next((_OTHERS[end] for end in _OTHERS if any(one.endswith(end) for one in names)), None)
    if answer is None:
        raise CheckpointError(
            "The head of “{name}” is a {kind}, which is not supported: only the encoder is used.",
            name=name,
            kind=names[0],
        )
    raise CheckpointError(
        "The head of “{name}” ({kind}) predicts {answer}, which is not supported: only the encoder is used.",
        name=name,
        kind=names[0],
        answer=answer,
    )


def classes_named(architectures: object) -> list[str]:
    """Return the names of classes in a config.json's ``architectures``; none where that is no list."""
    return [str(one) for one in architectures] if isinstance(architectures, list) else []


def _takes_sigmoid(given: Mapping[str, Any]) -> bool:
    """Tell whether a config.json says that its one logit goes through a sigmoid.

    sentence-transformers writes into a cross-encoder's what its `CrossEncoder.predict` applies; for one logit that is
    the sigmoid unless it says otherwise.
    """
    ours = given.get("sentence_transformers")
    said = ours.get("activation_fn") if isinstance(ours, dict) else given.get("sbert_ce_default_activation_function")
    return str(said).endswith("Sigmoid") if said else isinstance(ours, dict)


def _labels(config: Any, given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the classes' names in the order of the head's outputs.

    Raises
    ------
    CheckpointError
        If config.json does not tell which class has which name.
    """
    labels = given.get("id2label")
    if not labels:
        return tuple(f"LABEL_{i}" for i in range(config.num_labels))
    by_index = labels_by_index(labels)
    if by_index is None:
        raise CheckpointError(
            "In the config.json of “{name}”, id2label should map each class number to its name, but it gives {first}. "
            "If it was swapped with label2id, exchange the two; the head is not loaded.",
            name=name,
            first=_first_of(labels),
        )
    if sorted(by_index) != list(range(len(by_index))):
        raise CheckpointError(
            "In the config.json of “{name}”, id2label numbers the classes {given}, but a head's outputs are numbered "
            "from 0 without gaps. Number the classes accordingly; the head is not loaded.",
            name=name,
            given=", ".join(map(str, sorted(by_index)[:10])),
        )
    return tuple(str(by_index[i]) for i in range(len(by_index)))


def labels_by_index(labels: Any) -> dict[int, Any] | None:
    """Return the names in an ``id2label`` by number; None where its keys are no numbers."""
    try:
        return {int(index): label for index, label in labels.items()}
    except (AttributeError, TypeError, ValueError):
        return None


def labels_disagree(given: Mapping[str, Any], name: str) -> CheckpointError | None:
    """Say so where a config.json's two maps of classes give a name two numbers."""
    by_index, others = labels_by_index(given.get("id2label")), given.get("label2id")
    for index, label in (by_index or {}).items():
        other = others.get(str(label), index) if isinstance(others, dict) else index
        if str(other) != str(index) and list((by_index or {}).values()).count(label) == 1:
            return CheckpointError(
                "In the config.json of “{name}”, “{label}” is class {index} in id2label but class {other} in "
                "label2id. The names shown are those of id2label, as in other programs: check with a text whose class "
                "you know.",
                name=name,
                label=str(label),
                index=index,
                other=str(other),
            )
    return None


def _first_of(labels: Any) -> str:
    return str(labels)[:80] if not isinstance(labels, dict) else ", ".join(f"{k}: {v}" for k, v in labels.items())[:80]


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
    if "start_logits" in output:
        return torch.stack([output.start_logits, output.end_logits], dim=-1)
    return output.prediction_logits if "prediction_logits" in output else output.logits


def pair_logits_of(output: Any) -> torch.Tensor:
    """Return what a model with both of its pre-training heads says of its two texts: ``(batch, 2)``.

    The first score is that the second text follows (in ALBERT: that the two are in their order), the other that it
    does not.
    """
    return output.sop_logits if "sop_logits" in output else output.seq_relationship_logits
