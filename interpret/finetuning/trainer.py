"""The training loop: Hugging Face's Trainer with a rate for each layer, every step reported, and exact resuming."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf

from interpret.core.errors import InputError
from interpret.core.host_copies import fetched_later
from interpret.finetuning.checkpoints import save_snapshot, snapshot_steps, whole_checkpoint
from interpret.finetuning.look_ahead import Ahead
from interpret.finetuning.metrics_log import Callback, Evaluation, Step
from interpret.finetuning.model_selection import Choice, cross_fit
from interpret.finetuning.objective import Answers, Objective
from interpret.finetuning.optimizer import make_optimizer
from interpret.finetuning.processes import agree, mean_of, uncollected
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.regularization import Regularizer
from interpret.finetuning.sampler import LengthSampler
from interpret.finetuning.trainable_model import TrainableModel
from interpret.finetuning.trainer_state import TrainerState
from interpret.finetuning.training_data import TrainingData

# Between two checkpoints: seconds, and how many times what the last one took, so that saving is a twentieth at most.
_BETWEEN = 20.0
_SHARE = 20.0


def _never() -> bool:
    return False


class FineTuner(tf.Trainer):
    """The training of one model for one objective.

    Parameters
    ----------
    objective
        What it is trained for: how batches are answered, and how answers are evaluated.
    trainable
        The model, whole or without the layer groups whose output is kept.
    data
        What it learns from and is evaluated on.
    regularizer
        What keeps weights near where they began.
    callback, stop
        Called with every step and evaluation; asked after every step whether to stop.
    saves
        Whether checkpoints are written to the folder of the arguments.
    snapshots
        Where the weights that changed are written on the way; None for nowhere.
    """

    def __init__(
        self,
        objective: Objective,
        trainable: TrainableModel,
        data: TrainingData,
        recipe: Recipe,
        regularizer: Regularizer | None,
        callback: Callback | None,
        stop: Callable[[], bool] | None,
        saves: bool,
        snapshots: Path | None,
        arguments: tf.TrainingArguments,
    ) -> None:
        self.training_objective, self.trainable, self.data = objective, trainable, data
        self.recipe, self.regularizer = recipe, regularizer
        self.callback, self.stop, self.saves, self.snapshots = callback, stop or _never, saves, snapshots
        # Before a checkpoint is read: how far the weights have come is measured from where they began.
        self.start = trainable.starts()
        self.reached = TrainerState()
        self.steps: list[Step] = []
        # The step after which was evaluated last, the loss and the answers.
        self.last: tuple[int, float, Answers] = (-1, math.nan, {})
        self.saved_at, self.saving_took = time.monotonic(), 0.0
        super().__init__(
            model=trainable.model,
            args=arguments,
            train_dataset=data.train,
            data_collator=data.collate,
            optimizers=(make_optimizer(trainable, recipe, regularizer), None),
            callbacks=[Schedule(self)],
        )
        # It would print what is reported already.
        self.remove_callback(tf.PrinterCallback)
        # Batches are put there by `get_batch_samples`, and counted by nobody: what asked for a count would wait for it.
        self.accelerator.device_placement = self.model_accepts_loss_kwargs = False
        self.ahead: Ahead | None = None
        # Steps whose numbers are on their way from the device.
        self.coming: deque[tuple[Step, Callable[[], list[float]]]] = deque()

    def get_train_dataloader(self) -> torch.utils.data.DataLoader[Any]:
        """Return what makes batches of examples of like length, in an order of each epoch's own."""
        sampler = LengthSampler(self.data.lengths, self.recipe.batch_size, self.recipe.seed, self.current_epoch)
        loader = torch.utils.data.DataLoader(
            self.train_dataset,  # type: ignore[arg-type]
            self.args.train_batch_size,
            sampler=sampler,
            collate_fn=self.data_collator,
        )
        return self.accelerator.prepare(loader)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """Return the next batches on the device, which were made while it was at work."""
        if self.ahead is None or self.ahead.source is not epoch_iterator:
            self.ahead = Ahead(epoch_iterator)
        batches, count = super().get_batch_samples(self.ahead, num_batches, device)
        return [self.data.collate.put(one) for one in batches], count

    @property
    def steps_an_epoch(self) -> int:
        """How many steps go once through the examples."""
        return math.ceil(math.ceil(len(self.data.lengths) / self.recipe.batch_size) / self.args.world_size)

    @property
    def total_steps(self) -> int:
        """How many steps there are in all."""
        return self.steps_an_epoch * self.recipe.epochs

    def current_epoch(self) -> int:
        """Return which pass through the examples it is, from 0."""
        return int(self.state.global_step // self.steps_an_epoch)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the objective's loss of a batch."""
        loss, output = self.training_objective.loss(model, inputs, self.data, self.recipe)
        return (loss, output) if return_outputs else loss

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Make a step's gradients, look at them, and report."""
        with uncollected(self.args):
            loss = super().training_step(model, inputs, num_items_in_batch)
        loss = mean_of(self.args, loss)
        if self.regularizer is not None:
            self.regularizer.add_gradient()
        # One look at the device for all numbers, and on a card one step later: it would wait for all of this one.
        gradients = [[one.grad for one in some if one.grad is not None] for some in self.trainable.parameters.values()]
        norms = [
            torch.stack(torch._foreach_norm(some)).float().norm() if some else loss.new_zeros(()) for some in gradients
        ]
        number = self.state.global_step + 1
        rate = self.lr_scheduler.get_last_lr()[-1] if self.lr_scheduler is not None else self.recipe.learning_rate
        step = Step(number, number / self.steps_an_epoch, math.nan, float(rate), {})
        self.coming.append((step, fetched_later(torch.stack([loss.float(), *norms]).detach())))
        self.report_steps(self.behind)
        return loss

    @property
    def behind(self) -> int:
        """How many steps are made before the first of them is reported."""
        return 0 if self.args.device.type == "cpu" else 1

    def report_steps(self, but: int = 0) -> None:
        """Report the steps that were made, but for so many of the last ones.

        Raises
        ------
        InputError
            If a loss is no number.
        """
        while len(self.coming) > but:
            step, fetched = self.coming.popleft()
            value, *norms = fetched()
            if not math.isfinite(value):
                raise InputError(
                    "The loss became NaN or infinite at step {step}, with a learning rate of {rate}. Choose a smaller "
                    "one, such as 5e-5.",
                    step=step.number,
                    rate=self.recipe.learning_rate,
                )
            step = replace(step, loss=value, norms=dict(zip(self.trainable.parameters, norms, strict=True)))
            self.steps.append(step)
            self._report(step)

    def _report(self, what: Step | Evaluation) -> None:
        if self.callback is not None and self.args.process_index == 0:
            self.callback(what, self.total_steps)

    def evaluate_epoch(self) -> bool:
        """Evaluate, keep the best, and tell whether to go on."""
        self.report_steps()
        data, objective, progress = self.data, self.training_objective, self.reached.progress
        loss, answers = objective.evaluate(self.trainable.model, data.validation, data, self.recipe)
        self.last = self.state.global_step, loss, answers
        found = Evaluation(
            self.state.global_step,
            self.state.global_step / self.steps_an_epoch,
            loss,
            objective.score(answers),
            self.trainable.moved(self.start),
            objective.probe(self.trainable.model, data),
            objective.facts(answers),
        )
        patience, improves = self.recipe.patience, progress.improves(loss)
        progress.evaluations.append(found)
        self._report(found)
        if patience and data.test is data.validation:
            self.reached.epochs.append(objective.row_parts(data.labels, answers))
        if patience == 0 or improves:
            progress.best, progress.worse = found.epoch, 0
            if patience:
                self.reached.best = {name: one.clone() for name, one in self.trainable.trainable_state().items()}
        else:
            progress.worse += 1
        return patience == 0 or progress.worse < patience

    def finish(self) -> tuple[float, Answers]:
        """Go back to the best epoch where there was patience, and return its loss and answers on the test set."""
        self.report_steps()
        if self.ahead is not None:
            # Of an epoch that it was stopped in.
            self.ahead.close()
        if self.reached.best:
            self.trainable.put(self.reached.best)
        self.trainable.model.eval()
        data = self.data
        step, loss, answers = self.last
        if step == self.state.global_step and not self.reached.best and data.test is data.validation:
            return loss, answers
        return self.training_objective.evaluate(self.trainable.model, data.test, data, self.recipe)

    def release(self) -> None:
        """Give back what only a further step would need: the trainer itself lives until garbage is collected."""
        if self.optimizer is not None:
            self.optimizer.state.clear()
        self.start.clear()
        self.regularizer = None
        self.trainable.model.zero_grad()

    def choice(self, answers: Answers) -> Choice | None:
        """Tell how far the result is flattered, where several epochs were compared by the rows to report on.

        Parameters
        ----------
        answers
            What `finish` returned.
        """
        epochs, objective = self.reached.epochs, self.training_objective
        # One that was begun before these were kept cannot tell.
        if len(epochs) < 2 or len(epochs) < len(self.reached.progress.evaluations):
            return None
        goodness = partial(objective.goodness, pair_weight=self.recipe.pair_weight)
        strata = objective.strata(answers["truth"])
        return cross_fit(np.stack(epochs), objective.headline, goodness, strata, self.recipe.seed)

    @property
    def snapshot_due(self) -> bool:
        """Whether the weights after this step are to be kept: the same in all processes."""
        wanted = snapshot_steps(self.recipe.snapshots, self.total_steps)
        return self.snapshots is not None and self.state.global_step in wanted

    def take_snapshot(self) -> None:
        """Write down the weights that changed, where it is time to."""
        if self.snapshots is not None and self.snapshot_due and self.args.should_save:
            scale = self.data.scale if self.data.scale != (0.0, 1.0) else None
            save_snapshot(self.trainable.changed(scale), self.snapshots, self.state.global_step)

    def should_save(self) -> bool:
        """Tell whether a checkpoint is due."""
        since = time.monotonic() - self.saved_at
        return self.saves and since > max(_BETWEEN, _SHARE * self.saving_took)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write into a checkpoint what learns, and how far it is."""
        if self.args.should_save:
            self.reached.save(self.trainable, Path(output_dir or self.args.output_dir or ""))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # No public hook: Hugging Face's own wants a whole model in the folder.
        self.reached.load(self.trainable, Path(resume_from_checkpoint))

    def out_of_patience(self, checkpoint: Path) -> bool:
        """Read a checkpoint, and tell whether the training was at its end there for want of anything better."""
        self.reached.load(self.trainable, checkpoint)
        return 0 < self.recipe.patience <= self.reached.progress.worse

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # No public hook stands around all that is written.
        begin = time.monotonic()
        folder = Path(str(self.args.output_dir))
        with whole_checkpoint(folder, self.state.global_step, self.args.should_save):
            super()._save_checkpoint(model, trial)
        self.saved_at = time.monotonic()
        self.saving_took = self.saved_at - begin


class Schedule(tf.TrainerCallback):
    """When is evaluated, saved and stopped."""

    def __init__(self, trainer: FineTuner) -> None:
        self.trainer = trainer
        # Whether a checkpoint is due after this step.
        self.due = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Evaluate a model that may know something already."""
        trainer = self.trainer
        trainer.training_objective.begin(trainer.data, trainer.current_epoch)
        if (
            trainer.training_objective.evaluates_first
            and state.global_step == 0
            and not trainer.reached.progress.evaluations
        ):
            trainer.evaluate_epoch()

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Ask whether to stop, and whether a snapshot or a checkpoint is due."""
        trainer = self.trainer
        progress = trainer.reached.progress
        last = state.global_step % trainer.steps_an_epoch == 0
        stop, self.due = agree(trainer.args, trainer.stop(), trainer.should_save())
        if stop or self.due or trainer.snapshot_due:
            # Nothing is written of weights that are no numbers any more.
            trainer.report_steps()
        trainer.take_snapshot()
        if stop:
            progress.stopped = state.global_step < trainer.total_steps
            control.should_training_stop = True
        # At an epoch's end it is saved after it was evaluated.
        if not last and (self.due or (progress.stopped and trainer.saves)):
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Evaluate, and stop where patience is at its end."""
        trainer = self.trainer
        progress = trainer.reached.progress
        if not agree(trainer.args, trainer.evaluate_epoch())[0]:
            control.should_training_stop = True
            # It is at its end, whoever asked it to stop meanwhile.
            progress.stopped = False
        if state.global_step % trainer.steps_an_epoch == 0 and (self.due or (progress.stopped and trainer.saves)):
            control.should_save = True
