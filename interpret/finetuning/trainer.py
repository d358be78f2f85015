"""Hugging Face's Trainer with a rate for each floor and every step told, which can go on exactly where it stopped."""

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from interpret.batching import batches_of
from interpret.errors import CapacityError, InputError
from interpret.files import write_whole
from interpret.finetuning.reading import NO_LABEL, Collate, Item
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.tower import Floor, layer_rates

# Pieces of a batch that is only read: larger ones hold more padding, and run no faster on processors.
EVALUATED_PIECES = 2048
_NO_DECAY = ("bias", "norm")
_LATEST = "latest.json"
# Between two checkpoints: seconds, and how many times what the last one took, so that saving is a twentieth at most.
_BETWEEN = 20.0
_SHARE = 20.0
# Batches whose examples are sorted by length together.
_SORTED = 50


@dataclass(frozen=True)
class Step:
    """One step of the training.

    Attributes
    ----------
    number, epoch
        From 1; how many passes through the examples are behind it.
    loss, rate
        Of its batch; the head's learning rate.
    norms
        For each floor the length of its gradient before any clipping; 0 for frozen ones.
    """

    number: int
    epoch: float
    loss: float
    rate: float
    norms: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """How good the model is on what was held out.

    Attributes
    ----------
    step, epoch
        Steps and passes through the examples behind it.
    score
        The share of right answers; for a regression R², the share of the variance explained.
    moved
        For each floor that learns, how far its weights have come: the length of their change as a share of the length
        of what they were. A new head's beginnings are small, so its share is large.
    probes
        For each sentence that is watched the probability of each class; for a regression its value.
    """

    step: int
    epoch: float
    loss: float
    score: float
    moved: Mapping[str, float] = field(default_factory=dict)
    probes: tuple[tuple[float, ...], ...] = ()


Tell = Callable[[Step | Evaluation, int], None]


@dataclass
class Progress:
    """How far a training is, beyond what Hugging Face's own checkpoint holds.

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


class FineTuner(tf.Trainer):
    """The training of one model.

    Parameters
    ----------
    model
        Whole, or without the floors whose output is kept.
    floors, parameters
        The tower of the whole model, and the parameters of each floor.
    names
        What each parameter is called in the whole model, by its `id`.
    task
        One of `interpret.finetuning.data.TASKS`.
    weights
        For each class what its examples count.
    learned, judged
        Examples to learn from and to judge by, read.
    watched
        Sentences that are answered after every epoch, read; their labels count for nothing.
    scale
        Mean and spread of a regression's labels.
    tell, stop
        Called with every step and evaluation; asked after every step whether to stop.
    saves
        Whether checkpoints are written to the folder of the arguments.
    """

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        floors: Sequence[Floor],
        parameters: Mapping[str, list[torch.nn.Parameter]],
        names: Mapping[int, str],
        task: str,
        weights: torch.Tensor | None,
        learned: Sequence[Item],
        judged: Sequence[Item],
        watched: Sequence[Item],
        scale: tuple[float, float],
        collate: Collate,
        tell: Tell | None,
        stop: Callable[[], bool] | None,
        saves: bool,
        arguments: tf.TrainingArguments,
    ) -> None:
        self.recipe, self.floors, self.parameters, self.names = recipe, floors, parameters, names
        self.task, self.weights, self.judged, self.collate = task, weights, judged, collate
        self.watched, self.scale = watched, scale
        # Before a checkpoint is read: how far the weights have come is told from where they began.
        self.start = {
            name: [one.detach().clone() for one in some if one.requires_grad] for name, some in parameters.items()
        }
        self.tell, self.stop, self.saves = tell, stop, saves
        self.lengths = [len(one["input_ids"]) for one in learned]
        self.progress = Progress([])
        self.best_state: dict[str, torch.Tensor] = {}
        self.steps: list[Step] = []
        # The step after which was judged last, and the scores.
        self.last: tuple[int, Float32[np.ndarray, "answer label"]] = (-1, np.empty((0, 0), np.float32))
        self.saved_at, self.saving_took = time.monotonic(), 0.0
        self.own: Any = model
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=list(learned),
            data_collator=collate,
            optimizers=(self._optimizer(), None),
            callbacks=[_Calls(self)],
        )
        # It would print what is told already.
        self.remove_callback(tf.PrinterCallback)

    # ---- what it learns by

    def _optimizer(self) -> torch.optim.Optimizer:
        rates = layer_rates(self.floors, self.recipe.learning_rate, self.recipe.layer_decay)
        groups = []
        for floor, parameters in self.parameters.items():
            free = [one for one in parameters if one.requires_grad]
            for decays in (True, False):
                some = [one for one in free if any(part in self.names[id(one)].lower() for part in _NO_DECAY) != decays]
                if some:
                    decay = self.recipe.weight_decay if decays else 0.0
                    groups.append({"params": some, "lr": rates[floor], "weight_decay": decay})
        return torch.optim.AdamW(groups, lr=self.recipe.learning_rate, fused=True)

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler[int]:
        return _Sampler(self)

    @property
    def steps_an_epoch(self) -> int:
        """How many steps go once through the examples."""
        return math.ceil(math.ceil(len(self.lengths) / self.recipe.batch) / self.args.world_size)

    @property
    def epoch(self) -> float:
        """How many passes through the examples are behind it."""
        return self.state.global_step / self.steps_an_epoch

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return cross-entropy with the recipe's weights and smoothing; for a regression the squared error."""
        labels = inputs.pop("labels")
        output = model(**inputs)
        loss = self._loss(output.logits.float(), labels, self.weights, self.recipe.label_smoothing)
        return (loss, output) if return_outputs else loss

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None, smoothing: float = 0.0
    ) -> torch.Tensor:
        if self.task == "regression":
            return torch.nn.functional.mse_loss(logits[:, 0], labels.float())
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, -2), labels.flatten(), weight=weights, label_smoothing=smoothing
        )

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Make a step's gradients, look at them, and tell."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        # One look at the device for all numbers: each would wait for everything before it.
        found = [[one.grad for one in some if one.grad is not None] for some in self.parameters.values()]
        lengths = [
            torch.stack(torch._foreach_norm(some)).float().norm() if some else loss.new_zeros(()) for some in found
        ]
        value, *norms = torch.stack([loss.float(), *lengths]).tolist()
        number = self.state.global_step + 1
        if not math.isfinite(value):
            raise InputError(
                "The loss was no number any more at step {step}, with a learning rate of {rate}. Choose a smaller one, "
                "such as 5e-5.",
                step=number,
                rate=self.recipe.learning_rate,
            )
        rate = self.lr_scheduler.get_last_lr()[-1] if self.lr_scheduler is not None else self.recipe.learning_rate
        by_floor = dict(zip(self.parameters, norms, strict=True))
        self._say(Step(number, number / self.steps_an_epoch, value, float(rate), by_floor))
        return loss

    def _say(self, what: Step | Evaluation) -> None:
        if isinstance(what, Step):
            self.steps.append(what)
        if self.tell is not None and self.args.process_index == 0:
            self.tell(what, self.steps_an_epoch * self.recipe.epochs)

    # ---- how good it is

    def judge(self) -> tuple[float, Float32[np.ndarray, "answer label"]]:
        """Return the mean loss on what was held out, and the scores: a row for each text, or each word with a tag."""
        return self._answers(self.judged)

    def _answers(self, items: Sequence[Item]) -> tuple[float, Float32[np.ndarray, "answer label"]]:
        rows = [np.empty(0)] * len(items)
        self.own.eval()
        total = count = 0.0
        with torch.no_grad():
            for batch in batches_of([len(one["input_ids"]) for one in items], EVALUATED_PIECES):
                inputs = self.collate([items[i] for i in batch])
                labels = inputs.pop("labels")
                logits = self.own(**inputs).logits.float()
                answers = int((labels != NO_LABEL).sum()) if self.task == "token classes" else len(batch)
                total += float(self._loss(logits, labels)) * answers if answers else 0.0
                count += answers
                for place, found, label in zip(batch, logits.cpu().numpy(), labels.cpu().numpy(), strict=True):
                    rows[place] = found[label != NO_LABEL] if self.task == "token classes" else found[None]
        return total / count, np.concatenate(rows).astype(np.float32)

    def _probed(self) -> tuple[tuple[float, ...], ...]:
        if not self.watched:
            return ()
        logits = torch.from_numpy(self._answers(self.watched)[1])
        mean, spread = self.scale
        found = logits * spread + mean if self.task == "regression" else logits.softmax(-1)
        return tuple(tuple(row) for row in found.tolist())

    def _moved(self) -> dict[str, float]:
        found = {}
        for name, begun in self.start.items():
            now = [one for one in self.parameters[name] if one.requires_grad]
            if now:
                with torch.no_grad():
                    way = torch.stack([(new - old).norm() for new, old in zip(now, begun, strict=True)]).norm()
                    found[name] = float(way / torch.stack([old.norm() for old in begun]).norm().clamp_min(1e-12))
        return found

    def truth(self) -> np.ndarray:
        """Return what would have been right for each row of `judge`: a class's place, or a number."""
        labels = [one["labels"] if isinstance(one["labels"], list) else [one["labels"]] for one in self.judged]
        return np.array([number for row in labels for number in row if number != NO_LABEL])

    def rows(self) -> np.ndarray:
        """Return which of the examples to judge by each row of `judge` is of."""
        counts = [
            sum(number != NO_LABEL for number in one["labels"]) if isinstance(one["labels"], list) else 1
            for one in self.judged
        ]
        return np.repeat(np.arange(len(counts)), counts)

    def _score(self, logits: np.ndarray) -> float:
        truth = self.truth()
        if self.task == "regression":
            return float(1 - np.square(logits[:, 0] - truth).sum() / np.square(truth - truth.mean()).sum())
        return float((logits.argmax(axis=1) == truth).mean())

    def after_epoch(self) -> bool:
        """Judge, keep the best, and tell whether to go on."""
        loss, logits = self.judge()
        self.last = self.state.global_step, logits
        progress, patience = self.progress, self.recipe.patience
        before = [one.loss for one in progress.evaluations]
        found = Evaluation(self.state.global_step, self.epoch, loss, self._score(logits), self._moved(), self._probed())
        progress.evaluations.append(found)
        self._say(found)
        if patience == 0 or not before or loss < min(before):
            progress.best, progress.worse = found.epoch, 0
            if patience:
                self.best_state = {
                    self.names[id(one)]: one.detach().cpu().clone()
                    for one in self.own.parameters()
                    if one.requires_grad
                }
        else:
            progress.worse += 1
        return patience == 0 or progress.worse < patience

    def finish(self) -> Float32[np.ndarray, "answer label"]:
        """Go back to the best epoch where there was patience, and return its scores."""
        if self.best_state:
            self._put(self.best_state)
        self.own.eval()
        step, logits = self.last
        return logits if step == self.state.global_step and not self.best_state else self.judge()[1]

    # ---- where it can go on from

    def asked_to_stop(self) -> bool:
        """Ask whether to stop; of several processes all get the first one's answer, or some would wait for ever."""
        asked = self.stop is not None and self.stop()
        if self.args.world_size > 1:
            answer = torch.tensor([int(asked)], device=self.args.device)
            torch.distributed.broadcast(answer, src=0)
            asked = bool(answer.item())
        return asked

    def should_save(self) -> bool:
        """Tell whether a checkpoint is due."""
        since = time.monotonic() - self.saved_at
        return self.saves and since > max(_BETWEEN, _SHARE * self.saving_took)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        """Write what learns, and how far it is: all else is as it was in the model that it started from."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir or "")
        folder.mkdir(parents=True, exist_ok=True)
        free = {
            self.names[id(one)]: one.detach().cpu().contiguous() for one in self.own.parameters() if one.requires_grad
        }
        save_file(free, folder / "learned.safetensors")
        if self.best_state:
            save_file(self.best_state, folder / "best.safetensors")
        (folder / "progress.json").write_text(json.dumps(asdict(self.progress)), "utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        self._put(load_file(folder / "learned.safetensors"))
        if (folder / "best.safetensors").exists():
            self.best_state = load_file(folder / "best.safetensors")
        given = json.loads((folder / "progress.json").read_text("utf-8"))
        given |= {"evaluations": [read_evaluation(one) for one in given["evaluations"]], "stopped": False}
        self.progress = Progress(**given)

    def out_of_patience(self, checkpoint: Path) -> bool:
        """Read a checkpoint, and tell whether the training was at its end there for want of anything better."""
        self._load_from_checkpoint(str(checkpoint))
        return 0 < self.recipe.patience <= self.progress.worse

    def _put(self, state: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for one in self.own.parameters():
                if one.requires_grad:
                    one.copy_(state[self.names[id(one)]])

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint that counts only once it is whole, and forget the one before only then.

        Raises
        ------
        CapacityError
            If the disk is full.
        """
        begin = time.monotonic()
        folder = Path(str(self.args.output_dir))
        name = f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
            if self.args.should_save:
                write_whole(folder / _LATEST, json.dumps({"checkpoint": name, "step": self.state.global_step}))
        except (OSError, SafetensorError, RuntimeError) as error:
            # PyTorch and safetensors wrap what the disk says in errors of their own.
            if self.args.should_save:
                shutil.rmtree(folder / name, ignore_errors=True)
            raise CapacityError(
                "A checkpoint could not be written: {error}. What was saved before is kept. Make room on the disk, and "
                "resume.",
                error=str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__,
            ) from error
        if self.args.should_save:
            for old in folder.glob("checkpoint-*"):
                if old.name != name:
                    shutil.rmtree(old, ignore_errors=True)
        self.saved_at = time.monotonic()
        self.saving_took = self.saved_at - begin


def read_evaluation(given: Mapping[str, Any]) -> Evaluation:
    """Read an evaluation that was written down as JSON."""
    return Evaluation(**{**given, "probes": tuple(tuple(row) for row in given["probes"])})


def latest_checkpoint(folder: Path) -> tuple[Path, int] | None:
    """Return the last whole checkpoint in a folder and its step; None where there is none."""
    try:
        given = json.loads((folder / _LATEST).read_text("utf-8"))
        place = folder / given["checkpoint"]
        return (place, int(given["step"])) if (place / "learned.safetensors").exists() else None
    except (OSError, ValueError, KeyError):
        return None


class _Sampler(torch.utils.data.Sampler[int]):
    """Examples of like length in one batch, batches in any order: both depend on the seed and the epoch alone.

    Of a permutation, as many examples as fill `_SORTED` batches are sorted by length and cut into batches, so that
    which ones meet differs from epoch to epoch where there are more. Transformers' `LengthGroupedSampler` cuts smaller
    pieces, which costs a sixth more padding on some hundred rows.
    """

    def __init__(self, trainer: FineTuner) -> None:
        self.trainer = trainer

    def __len__(self) -> int:
        return len(self.trainer.lengths)

    def __iter__(self) -> Iterator[int]:
        trainer = self.trainer
        size, lengths = trainer.recipe.batch, np.array(trainer.lengths)
        # A generator of its own: who resumes in the middle of an epoch gets the same order again.
        random = np.random.default_rng([trainer.recipe.seed, trainer.state.global_step // trainer.steps_an_epoch])
        order = random.permutation(len(lengths))
        batches: list[np.ndarray] = []
        for first in range(0, len(order), _SORTED * size):
            some = order[first : first + _SORTED * size]
            some = some[np.argsort(-lengths[some], kind="stable")]
            batches += [some[begin : begin + size] for begin in range(0, len(some), size)]
        # One that is not full can only be the last.
        full = [one for one in batches if len(one) == size]
        rest = [one for one in batches if len(one) < size]
        return iter(np.concatenate([*(full[i] for i in random.permutation(len(full))), *rest]).tolist())


class _Calls(tf.TrainerCallback):
    def __init__(self, trainer: FineTuner) -> None:
        self.trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        last = state.global_step % trainer.steps_an_epoch == 0
        if trainer.asked_to_stop():
            trainer.progress.stopped = state.global_step < trainer.steps_an_epoch * trainer.recipe.epochs
            control.should_training_stop = True
        # At an epoch's end it is saved after it was judged.
        if not last and (trainer.should_save() or (trainer.progress.stopped and trainer.saves)):
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        if not trainer.after_epoch():
            control.should_training_stop = True
            # It is at its end, whoever asked it to stop meanwhile.
            trainer.progress.stopped = False
        if state.global_step % trainer.steps_an_epoch == 0 and (
            trainer.should_save() or (trainer.progress.stopped and trainer.saves)
        ):
            control.should_save = True
