"""The model that a recipe begins with, with a head for its task."""

from pathlib import Path
from typing import Any

import torch
import transformers as tf

from interpret.core.checkpoint_files import quiet, variant_of
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.device_lock import seeded
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.task_heads import Classifier, HeadCard, load_head, make_head
from interpret.core.tasks import PAIR_FAMILIES
from interpret.finetuning.adapters import (
    Model,
)
from interpret.finetuning.examples import PRETRAINING_TASKS
from interpret.finetuning.layer_groups import (
    HEAD,
    layer_group_parameters,
)
from interpret.finetuning.recipe import OWN_HEAD, Recipe

_LOADERS = {
    "token classes": tf.AutoModelForTokenClassification,
    PRETRAINING_TASKS[0]: tf.AutoModelForMaskedLM,
    PRETRAINING_TASKS[1]: tf.AutoModelForPreTraining,
}


def loader(task: str) -> Any:
    """Return what loads a model with its architecture's own head for a task."""
    return _LOADERS.get(task, tf.AutoModelForSequenceClassification)


def make_model(encoder: Encoder, recipe: Recipe, task: str, labels: tuple[str, ...]) -> tuple[Model, bool]:
    """Return the model of a recipe with a head for its task, and whether that head goes on from a trained one."""
    folder = checkpoint_folder(encoder.spec.checkpoint)
    if recipe.head != OWN_HEAD:
        known = load_head(folder, encoder.width, encoder.spec.checkpoint.name)
        continued = known is not None and known[1] == HeadCard(recipe.head, labels)
        head = known[0] if known is not None and continued else None
        if head is None:
            head = make_head(recipe.head, encoder.width, max(1, len(labels)), recipe.seed)
        return Classifier(encoder.model, head).requires_grad_(True), continued
    # Its weights are read once more, under the head: the first copy serves nobody any more.
    torch.nn.Module.to(encoder.model, "meta")
    if task in PRETRAINING_TASKS:
        return _make_player(encoder, recipe, task)
    names = labels or ("value",)
    with seeded(recipe.seed), quiet():
        model = loader(task).from_pretrained(
            folder,
            num_labels=len(names),
            id2label=dict(enumerate(names)),
            label2id={name: place for place, name in enumerate(names)},
            problem_type="regression" if task == "regression" else None,
            # What learns needs small steps, which half precision rounds away.
            dtype=torch.float32,
            use_safetensors=True,
            variant=variant_of(folder),
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=True,
        )
        answers = _trained_answers(folder, task)
        if answers is not None and answers != names:
            # As many classes by chance, and of another meaning.
            own = {id(one) for one in layer_group_parameters(model, encoder.family)[HEAD]}
            for module in model.modules():
                if id(getattr(module, "weight", None)) in own and isinstance(module, torch.nn.Linear):
                    module.reset_parameters()
    return model, answers == names


def _make_player(encoder: Encoder, recipe: Recipe, task: str) -> tuple[Model, bool]:
    """Make a model that plays the games; its head goes on learning where the checkpoint has it."""
    if task == PRETRAINING_TASKS[1] and encoder.model.config.model_type not in PAIR_FAMILIES:
        raise InputError(
            "{family} was pretrained without next-sentence prediction, and transformers has no head for it. Choose "
            "masked words alone, or a BERT or an ALBERT.",
            family=encoder.family.title,
        )
    folder = checkpoint_folder(encoder.spec.checkpoint)
    with seeded(recipe.seed), quiet():
        model, report = loader(task).from_pretrained(
            folder,
            # What learns needs small steps, which half precision rounds away.
            dtype=torch.float32,
            use_safetensors=True,
            variant=variant_of(folder),
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    inside = f"{model.base_model_prefix}."
    new = {key for key in report["missing_keys"] if not key.startswith(inside)}
    with torch.no_grad():
        for path, module in model.named_modules():
            square = isinstance(module, torch.nn.Linear) and module.in_features == module.out_features
            if square and f"{path}.weight" in new:
                # A new head begins by comparing each state with the word vectors themselves, which teaches in minutes
                # what takes random weights hours.
                torch.nn.init.eye_(module.weight)
                if module.bias is not None:
                    module.bias.zero_()
    return model, not new


def _trained_answers(folder: Path, task: str) -> tuple[str, ...] | None:
    """Return what a folder's own head answers; None where it has no head for such a task."""
    config = tf.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    ending = "ForTokenClassification" if task == "token classes" else "ForSequenceClassification"
    if not any(str(name).endswith(ending) for name in getattr(config, "architectures", None) or []):
        return None
    return tuple(str(config.id2label.get(place)) for place in range(config.num_labels))
