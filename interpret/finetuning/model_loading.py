"""The model that a recipe begins with, with a head for its task."""

from pathlib import Path
from typing import Any

import torch

from interpret.core.adapters import Model
from interpret.core.checkpoint_files import variant_of
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.encoder import Encoder
from interpret.core.relative_attention import hand_over_attention
from interpret.core.task_heads import Classifier, HeadCard, load_head, make_head
from interpret.core.tasks import MULTI_LABEL
from interpret.finetuning.objective import find_objective
from interpret.finetuning.recipe import OWN_HEAD, Recipe


def load_for_training(loader: Any, folder: Path, **more: Any) -> Any:
    """Return what a class of transformers loads from a folder, ready to learn; ``more`` is passed on."""
    loaded = loader.from_pretrained(
        folder,
        # What learns needs small steps, which half precision rounds away.
        dtype=torch.float32,
        use_safetensors=True,
        variant=variant_of(folder),
        trust_remote_code=False,
        local_files_only=True,
        **more,
    )
    # With ``output_loading_info`` what is said of the file comes with it.
    hand_over_attention(loaded[0] if isinstance(loaded, tuple) else loaded, folder.name)
    return loaded


def make_model(encoder: Encoder, recipe: Recipe, task: str, labels: tuple[str, ...]) -> tuple[Model, bool]:
    """Return the model of a recipe with a head for its task, and whether that head goes on from a trained one."""
    if recipe.head != OWN_HEAD:
        known = load_head(checkpoint_folder(encoder.spec.checkpoint), encoder.width, encoder.spec.checkpoint.name)
        problem = find_objective(task).problem_type
        continued = known is not None and known[1] == HeadCard(recipe.head, labels, problem != MULTI_LABEL)
        head = known[0] if known is not None and continued else None
        if head is None:
            head = make_head(recipe.head, encoder.width, max(1, len(labels)), recipe.seed)
        model = Classifier(encoder.model, head)
        # As of the architecture's own heads; `save_head` is told by it.
        setattr(model.config, "problem_type", problem)  # noqa: B010 - transformers' types list what it may be
        return model.requires_grad_(True), continued
    # Its weights are read once more, under the head: the first copy serves nobody any more.
    torch.nn.Module.to(encoder.model, "meta")
    return find_objective(task).make_model(encoder, recipe, labels)
