"""What Hugging Face's trainer is told: the recipe's numbers, one device, and that everything else is said by ours."""

import os
from functools import cached_property
from pathlib import Path

import torch
import transformers as tf

from interpret.core.extras import needed_for
from interpret.finetuning.recipe import Recipe

with needed_for("finetune"):
    from accelerate.state import AcceleratorState, PartialState
    from accelerate.utils import patch_environment


def _arguments_on(device: str) -> type[tf.TrainingArguments]:
    """Return Hugging Face's arguments for one process on one device, which need not be the first.

    Theirs settle on ``cuda:0``, and spread each step over all cards of the machine: a larger batch than the recipe's.
    What `accelerate launch` starts has a card for each process already.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return tf.TrainingArguments

    def settle(arguments: tf.TrainingArguments) -> torch.device:
        AcceleratorState._reset_state(reset_partial_state=True)
        # One process that `accelerate launch` started alone needs no group to talk to.
        with patch_environment(accelerate_torch_device=device, local_rank=-1):
            arguments.distributed_state = PartialState(cpu=device == "cpu")
        arguments._n_gpu = int(device != "cpu")
        return torch.device(device)

    return type("Arguments", (tf.TrainingArguments,), {"_setup_devices": cached_property(settle)})


def training_arguments(recipe: Recipe, device: str, folder: Path) -> tf.TrainingArguments:
    """Return what Hugging Face's trainer is told of a recipe, a device and the folder for checkpoints."""
    return _arguments_on(device)(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.batch_size,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=recipe.precision == "bfloat16",
        use_cpu=device == "cpu",
        report_to=[],
        # The trainer itself says when.
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
        # `Collate` does so.
        dataloader_pin_memory=False,
        # It would wait for every step's loss, which is looked at as it is told.
        logging_nan_inf_filter=False,
    )
