"""How far a training is beyond what Hugging Face's own checkpoint holds, and how that is written down."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from interpret.finetuning.checkpoints import WEIGHTS
from interpret.finetuning.metrics_log import Evaluation, read_evaluation
from interpret.finetuning.trainable_model import TrainableModel

_BEST, _EPOCHS, _PROGRESS = "best.safetensors", "epochs.npy", "progress.json"


@dataclass
class Progress:
    """How far a training is.

    Attributes
    ----------
    evaluations
        One for each epoch so far.
    best
        The epoch with the lowest loss where there is patience, else the last one.
    worse
        Epochs since then.
    stopped
        Whether it was asked to stop before its end.
    """

    evaluations: list[Evaluation]
    best: float = 0.0
    worse: int = 0
    stopped: bool = False

    def improves(self, loss: float) -> bool:
        """Tell whether a loss is below that of all epochs so far."""
        return not self.evaluations or loss < min(one.loss for one in self.evaluations)


@dataclass
class TrainerState:
    """What a training is resumed from, beside its optimizer.

    Attributes
    ----------
    progress
        How far it is.
    best
        What the weights that learn were after the best epoch; empty without patience.
    epochs
        Of each epoch what `interpret.finetuning.model_selection.cross_fit` needs, where the epoch is chosen by the
        rows to report on.
    """

    progress: Progress = field(default_factory=lambda: Progress([]))
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    epochs: list[np.ndarray] = field(default_factory=list)

    def save(self, trainable: TrainableModel, folder: Path) -> None:
        """Write what learns, and how far it is: all else is as it was in the model that it started from."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(trainable.trainable_state(), folder / WEIGHTS)
        if self.best:
            save_file(self.best, folder / _BEST)
        if self.epochs:
            np.save(folder / _EPOCHS, np.stack(self.epochs))
        (folder / _PROGRESS).write_text(json.dumps(asdict(self.progress)), "utf-8")

    def load(self, trainable: TrainableModel, folder: Path) -> None:
        """Read what `save` wrote into a folder, and set the model's weights."""
        trainable.put(load_file(folder / WEIGHTS))
        if (folder / _BEST).exists():
            self.best = load_file(folder / _BEST)
        if (folder / _EPOCHS).exists():
            self.epochs = list(np.load(folder / _EPOCHS))
        given = json.loads((folder / _PROGRESS).read_text("utf-8"))
        given |= {"evaluations": [read_evaluation(one) for one in given["evaluations"]], "stopped": False}
        self.progress = Progress(**given)
