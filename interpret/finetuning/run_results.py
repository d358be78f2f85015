"""What a run leaves behind: its model, its adapter and its answers, each whole or not at all."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from interpret.core.adapters import save_adapter
from interpret.core.checkpoints import find_checkpoint
from interpret.core.files import write_whole
from interpret.finetuning.runs import Run
from interpret.finetuning.training import Trained, save_trained


def keep_results(run: Run, trained: Trained) -> None:
    """Write the model and its answers, each whole or not at all."""
    beside, before = run.folder / ".model", run.folder / ".before"
    for folder in (beside, before):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        _keep(run, trained, beside, before)
    except BaseException:
        # What is half there is of no use, and on a full disk in the way of the state that says so.
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _keep(run: Run, trained: Trained, beside: Path, before: Path) -> None:
    beside.mkdir()
    save_trained(trained, find_checkpoint(run.base), beside)
    if trained.adapter:
        save_adapter(trained.model, trained.adapter, trained.head, trained.labels, run.folder / "adapter")
    step = next((one.step for one in trained.evaluations if one.epoch == trained.best), trained.evaluations[-1].step)
    card = {"layer_groups": [asdict(one) for one in trained.layer_groups], "labels": trained.labels, "step": step}
    write_whole(run.folder / "layer_groups.json", json.dumps(card, ensure_ascii=False))
    answers = run.folder / ".answers.npz"
    np.savez(answers, **dict[str, Any](trained.answers))
    answers.replace(run.folder / "answers.npz")
    # Moved away whole: a folder that is being deleted would be offered as a model.
    if (run.folder / "model").exists():
        (run.folder / "model").replace(before)
    beside.replace(run.folder / "model")
    shutil.rmtree(before, ignore_errors=True)
