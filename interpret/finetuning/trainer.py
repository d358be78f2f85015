"""Hugging Face's Trainer with a rate for each layer and every step told, which can go on exactly where it stopped."""

import json
import logging
import math
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from interpret.core.batches import batches_of
from interpret.core.errors import CapacityError, InputError
from interpret.core.files import sync_folder, write_whole
from interpret.core.host_copies import fetched_later
from interpret.finetuning.checkpoints import LATEST, SNAPSHOT, snapshot_steps
from interpret.finetuning.collator import NO_LABEL, Item
from interpret.finetuning.layer_groups import layer_rates
from interpret.finetuning.look_ahead import Ahead
from interpret.finetuning.metrics_log import Evaluation, Step, Tell, read_evaluation
from interpret.finetuning.model_selection import Choice, cross_fit, goodness_of, row_parts, score_of
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.regularization import Hold
from interpret.finetuning.sampler import LengthSampler
from interpret.finetuning.trainable_model import TrainableModel
from interpret.finetuning.training_data import TrainingData

_NO_DECAY = ("bias", "norm")
_log = logging.getLogger(__name__)
# Between two checkpoints: seconds, and how many times what the last one took, so that saving is a twentieth at most.
_BETWEEN = 20.0
_SHARE = 20.0


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


# What a model says of the examples to judge by, and what would have been right, as named columns.
Answers = Mapping[str, np.ndarray]


class FineTuner(tf.Trainer):
    """The training of one model.

    Parameters
    ----------
    learner
        The model, whole or without the layer groups whose output is kept.
    lesson
        What it learns from.
    hold
        What keeps weights near where they began.
    tell, stop
        Called with every step and evaluation; asked after every step whether to stop.
    saves
        Whether checkpoints are written to the folder of the arguments.
    snapshots
        Where the weights that changed are written on the way; None for nowhere.
    """

    def __init__(
        self,
        learner: TrainableModel,
        lesson: TrainingData,
        recipe: Recipe,
        hold: Hold | None,
        tell: Tell | None,
        stop: Callable[[], bool] | None,
        saves: bool,
        snapshots: Path | None,
        arguments: tf.TrainingArguments,
    ) -> None:
        self.learner, self.lesson, self.recipe, self.hold = learner, lesson, recipe, hold
        self.tell, self.stop, self.saves, self.snapshots = tell, stop, saves, snapshots
        # Before a checkpoint is read: how far the weights have come is told from where they began.
        self.start = learner.starts()
        self.lengths = lesson.lengths
        self.progress = Progress([])
        self.best_state: dict[str, torch.Tensor] = {}
        self.steps: list[Step] = []
        # The step after which was judged last, the loss and the answers.
        self.last: tuple[int, float, Answers] = (-1, math.nan, {})
        # Of each epoch what `interpret.finetuning.model_selection` needs, where it is chosen by the rows to report on.
        self.epochs: list[np.ndarray] = []
        self.saved_at, self.saving_took = time.monotonic(), 0.0
        super().__init__(
            model=learner.model,
            args=arguments,
            train_dataset=lesson.learned,
            data_collator=lesson.collate,
            optimizers=(self._optimizer(), None),
            callbacks=[_Calls(self)],
        )
        # It would print what is told already.
        self.remove_callback(tf.PrinterCallback)
        # Batches are put there by `_prepare_inputs`, and counted by nobody: what asked for a count would wait for it.
        self.accelerator.device_placement = self.model_accepts_loss_kwargs = False
        self.ahead: Ahead | None = None
        # What is to be told of steps whose numbers are on their way from the device.
        self.coming: deque[tuple[Step, Callable[[], list[float]]]] = deque()

    # ---- what it learns by

    def _optimizer(self) -> torch.optim.Optimizer:
        learner, recipe = self.learner, self.recipe
        rates = layer_rates(learner.layer_groups, recipe.learning_rate, recipe.layer_decay)
        held = {id(one) for one in self.hold.weights} if self.hold is not None else set()

        def shrinks(one: torch.nn.Parameter) -> bool:
            name = learner.names[id(one)].lower()
            return id(one) not in held and not any(part in name for part in _NO_DECAY)

        groups = []
        for layer_group in learner.parameters:
            for decays in (True, False):
                some = [one for one in learner.free(layer_group) if shrinks(one) == decays]
                if some:
                    decay = recipe.weight_decay if decays else 0.0
                    groups.append({"params": some, "lr": rates[layer_group], "weight_decay": decay})
        return torch.optim.AdamW(groups, lr=self.recipe.learning_rate, fused=True)

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler[int]:
        return LengthSampler(
            self.lengths,
            self.recipe.batch,
            self.recipe.seed,
            lambda: int(self.state.global_step // self.steps_an_epoch),
        )

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """Return the next batches, which were made while the device was at work."""
        if self.ahead is None or self.ahead.source is not epoch_iterator:
            self.ahead = Ahead(epoch_iterator)
        return super().get_batch_samples(self.ahead, num_batches, device)

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.lesson.collate.put(inputs)

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
        loss = self._loss(output.logits.float(), labels, self.lesson.weights, self.recipe.label_smoothing)
        return (loss, output) if return_outputs else loss

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None, smoothing: float = 0.0
    ) -> torch.Tensor:
        if self.lesson.task == "regression":
            return torch.nn.functional.mse_loss(logits[:, 0], labels.float())
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, -2), labels.flatten(), weight=weights, label_smoothing=smoothing
        )

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Make a step's gradients, look at them, and tell."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self.args.world_size > 1:
            # That of all their texts: one that is no number is none in every process, and all end at this step.
            torch.distributed.all_reduce(loss := loss.clone())
            loss = loss / self.args.world_size
        if self.hold is not None:
            self.hold.pull()
        # One look at the device for all numbers, and on a card one step later: it would wait for all of this one.
        layer_groups = self.learner.parameters
        found = [[one.grad for one in some if one.grad is not None] for some in layer_groups.values()]
        lengths = [
            torch.stack(torch._foreach_norm(some)).float().norm() if some else loss.new_zeros(()) for some in found
        ]
        number = self.state.global_step + 1
        rate = self.lr_scheduler.get_last_lr()[-1] if self.lr_scheduler is not None else self.recipe.learning_rate
        step = Step(number, number / self.steps_an_epoch, math.nan, float(rate), {})
        self.coming.append((step, fetched_later(torch.stack([loss.float(), *lengths]).detach())))
        self.tell_steps(self.behind)
        return loss

    @property
    def behind(self) -> int:
        """How many steps are made before the first of them is told."""
        return 0 if self.args.device.type == "cpu" else 1

    def tell_steps(self, behind: int = 0) -> None:
        """Tell of the steps that were made, but for the last ones.

        Raises
        ------
        InputError
            If a loss is no number.
        """
        while len(self.coming) > behind:
            step, fetched = self.coming.popleft()
            value, *norms = fetched()
            if not math.isfinite(value):
                raise InputError(
                    "The loss became NaN or infinite at step {step}, with a learning rate of {rate}. Choose a smaller "
                    "one, such as 5e-5.",
                    step=step.number,
                    rate=self.recipe.learning_rate,
                )
            self._say(replace(step, loss=value, norms=dict(zip(self.learner.parameters, norms, strict=True))))

    def _say(self, what: Step | Evaluation) -> None:
        if isinstance(what, Step):
            self.steps.append(what)
        if self.tell is not None and self.args.process_index == 0:
            self.tell(what, self.steps_an_epoch * self.recipe.epochs)

    # ---- how good it is

    def before_first_step(self) -> None:
        """Do what is to be done once, when nothing is learned yet: nothing, for a head that knows nothing yet."""

    def judge(self, items: Sequence[Item]) -> tuple[float, Answers]:
        """Return the mean loss on what was held out, and the answers.

        ``logits`` has a row for each text, or each word with a tag; ``truth`` a class's place, or a number; ``rows``
        tells which of the examples each is of, and ``words`` which of its words.
        """
        loss, logits = self._answers(items)
        answers = {"logits": logits, "truth": _truth(items), "rows": _rows(items)}
        if self.lesson.task == "token classes":
            answers["words"] = np.concatenate([one["words"] for one in items]).astype(np.int64)
        return loss, answers

    def _answers(self, items: Sequence[Item]) -> tuple[float, Float32[np.ndarray, "answer label"]]:
        rows = [np.empty(0)] * len(items)
        model, tagged = self.learner.model, self.lesson.task == "token classes"
        model.eval()
        total = count = 0.0
        with torch.no_grad():
            for batch in batches_of([len(one["input_ids"]) for one in items], self.lesson.collate.tokens_per_batch):
                inputs = self.lesson.collate.on_device([items[i] for i in batch])
                labels = inputs.pop("labels")
                logits = model(**inputs).logits.float()
                answers = int((labels != NO_LABEL).sum()) if tagged else len(batch)
                total += float(self._loss(logits, labels)) * answers if answers else 0.0
                count += answers
                for place, found, label in zip(batch, logits.cpu().numpy(), labels.cpu().numpy(), strict=True):
                    rows[place] = found[label != NO_LABEL] if tagged else found[None]
        return total / count, np.concatenate(rows).astype(np.float32)

    def _facts(self, answers: Answers) -> Mapping[str, float]:
        return {}

    def _probed(self) -> tuple[tuple[float, ...], ...]:
        lesson = self.lesson
        if not lesson.watched:
            return ()
        logits = torch.from_numpy(self._answers(lesson.watched)[1])
        mean, spread = lesson.scale
        found = logits * spread + mean if lesson.task == "regression" else logits.softmax(-1)
        return tuple(tuple(row) for row in found.tolist())

    def _score(self, answers: Answers) -> float:
        logits, truth = answers["logits"], answers["truth"]
        if self.lesson.task == "regression":
            return float(1 - np.square(logits[:, 0] - truth).sum() / np.square(truth - truth.mean()).sum())
        return float((logits.argmax(axis=1) == truth).mean())

    def after_epoch(self) -> bool:
        """Judge, keep the best, and tell whether to go on."""
        self.tell_steps()
        loss, answers = self.judge(self.lesson.judged)
        self.last = self.state.global_step, loss, answers
        progress, patience = self.progress, self.recipe.patience
        before = [one.loss for one in progress.evaluations]
        moved = self.learner.moved(self.start)
        found = Evaluation(
            self.state.global_step,
            self.epoch,
            loss,
            self._score(answers),
            moved,
            self._probed(),
            self._facts(answers),
        )
        progress.evaluations.append(found)
        self._say(found)
        if patience and self.lesson.tested is self.lesson.judged:
            self.epochs.append(row_parts(self.lesson.task, self.lesson.labels, answers))
        if patience == 0 or not before or loss < min(before):
            progress.best, progress.worse = found.epoch, 0
            if patience:
                self.best_state = {name: one.clone() for name, one in self.learner.learned().items()}
        else:
            progress.worse += 1
        return patience == 0 or progress.worse < patience

    def finish(self) -> tuple[float, Answers]:
        """Go back to the best epoch where there was patience, and return its loss and answers on what is reported."""
        self.tell_steps()
        if self.ahead is not None:
            # Of an epoch that it was stopped in.
            self.ahead.close()
        if self.best_state:
            self.learner.put(self.best_state)
        self.learner.model.eval()
        step, loss, answers = self.last
        if step == self.state.global_step and not self.best_state and self.lesson.tested is self.lesson.judged:
            return loss, answers
        return self.judge(self.lesson.tested)

    def let_go(self) -> None:
        """Give back what only a further step would need: the trainer itself lives until garbage is collected."""
        if self.optimizer is not None:
            self.optimizer.state.clear()
        self.start.clear()
        self.hold = None
        self.learner.model.zero_grad()

    def choice(self) -> Choice | None:
        """Tell how far the result is flattered, where several epochs were compared by the rows to report on."""
        # One that was begun before these were kept cannot tell.
        if len(self.epochs) < 2 or len(self.epochs) < len(self.progress.evaluations):
            return None
        task, goodness = self.lesson.task, goodness_of(self.lesson.task, self.recipe.pair_weight)
        strata = _truth(self.lesson.judged) if task == "classes" else None
        return cross_fit(np.stack(self.epochs), score_of(task), goodness, strata, self.recipe.seed)

    @property
    def snapshot_due(self) -> bool:
        """Whether the weights after this step are to be kept: the same in all processes."""
        wanted = snapshot_steps(self.recipe.snapshots, self.steps_an_epoch * self.recipe.epochs)
        return self.snapshots is not None and self.state.global_step in wanted

    def take_snapshot(self) -> None:
        """Write down the weights that changed, where it is time to."""
        step, place = self.state.global_step, self.snapshots
        if place is None or not self.snapshot_due or not self.args.should_save:
            return
        place.mkdir(exist_ok=True)
        beside = place / f".{step}"
        try:
            scale = self.lesson.scale if self.lesson.task == "regression" else None
            save_file(self.learner.changed(scale), beside)
            beside.replace(place / f"{step}{SNAPSHOT}")
        except (OSError, SafetensorError):
            # Nice to have; a disk that is full is said where a checkpoint is written.
            _log.warning("a snapshot could not be written", exc_info=True)
            beside.unlink(missing_ok=True)

    # ---- where it can go on from

    def agree(self, *answers: bool) -> tuple[bool, ...]:
        """Return the first process's answers in all of them: some would wait for others for ever, or save alone."""
        if self.args.world_size == 1:
            return answers
        told = torch.tensor(answers, dtype=torch.int64, device=self.args.device)
        torch.distributed.broadcast(told, src=0)
        return tuple(bool(one) for one in told.tolist())

    def asked_to_stop(self) -> bool:
        """Ask whether to stop."""
        return self.stop is not None and self.stop()

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
        save_file(self.learner.learned(), folder / "learned.safetensors")
        if self.best_state:
            save_file(self.best_state, folder / "best.safetensors")
        if self.epochs:
            np.save(folder / "epochs.npy", np.stack(self.epochs))
        (folder / "progress.json").write_text(json.dumps(asdict(self.progress)), "utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.learner.put(load_file(folder / "learned.safetensors"))
        if (folder / "best.safetensors").exists():
            self.best_state = load_file(folder / "best.safetensors")
        if (folder / "epochs.npy").exists():
            self.epochs = list(np.load(folder / "epochs.npy"))
        given = json.loads((folder / "progress.json").read_text("utf-8"))
        given |= {"evaluations": [read_evaluation(one) for one in given["evaluations"]], "stopped": False}
        self.progress = Progress(**given)

    def out_of_patience(self, checkpoint: Path) -> bool:
        """Read a checkpoint, and tell whether the training was at its end there for want of anything better."""
        self._load_from_checkpoint(str(checkpoint))
        return 0 < self.recipe.patience <= self.progress.worse

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
                # On the disk before the one before is forgotten: the power may fail.
                sync_folder(folder / name)
                write_whole(folder / LATEST, json.dumps({"checkpoint": name, "step": self.state.global_step}))
        except (OSError, SafetensorError, RuntimeError) as error:
            # PyTorch and safetensors wrap what the disk says in errors of their own.
            if self.args.should_save:
                shutil.rmtree(folder / name, ignore_errors=True)
            raise CapacityError(
                "A checkpoint could not be written: {error}. What was saved before is kept. Free some disk space, "
                "then resume.",
                error=str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__,
            ) from error
        if self.args.should_save:
            for old in folder.glob("checkpoint-*"):
                if old.name != name:
                    shutil.rmtree(old, ignore_errors=True)
        self.saved_at = time.monotonic()
        self.saving_took = self.saved_at - begin


def _truth(items: Sequence[Item]) -> np.ndarray:
    labels = [one["labels"] if isinstance(one["labels"], list) else [one["labels"]] for one in items]
    return np.array([number for row in labels for number in row if number != NO_LABEL])


def _rows(items: Sequence[Item]) -> np.ndarray:
    counts = [
        sum(number != NO_LABEL for number in one["labels"]) if isinstance(one["labels"], list) else 1 for one in items
    ]
    return np.repeat(np.arange(len(counts)), counts)


class _Calls(tf.TrainerCallback):
    def __init__(self, trainer: FineTuner) -> None:
        self.trainer = trainer
        # Whether a checkpoint is due after this step.
        self.due = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.trainer.before_first_step()

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        last = state.global_step % trainer.steps_an_epoch == 0
        stop, self.due = trainer.agree(trainer.asked_to_stop(), trainer.should_save())
        if stop or self.due or trainer.snapshot_due:
            # Nothing is written of weights that are no numbers any more.
            trainer.tell_steps()
        trainer.take_snapshot()
        if stop:
            trainer.progress.stopped = state.global_step < trainer.steps_an_epoch * trainer.recipe.epochs
            control.should_training_stop = True
        # At an epoch's end it is saved after it was judged.
        if not last and (self.due or (trainer.progress.stopped and trainer.saves)):
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        if not trainer.agree(trainer.after_epoch())[0]:
            control.should_training_stop = True
            # It is at its end, whoever asked it to stop meanwhile.
            trainer.progress.stopped = False
        if state.global_step % trainer.steps_an_epoch == 0 and (
            self.due or (trainer.progress.stopped and trainer.saves)
        ):
            control.should_save = True
