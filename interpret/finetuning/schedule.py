"""When a training is evaluated, saved and stopped."""

from typing import TYPE_CHECKING, Any

import transformers as tf

if TYPE_CHECKING:
    from interpret.finetuning.trainer import FineTuner


class Schedule(tf.TrainerCallback):
    """When is evaluated, saved and stopped."""

    def __init__(self, trainer: "FineTuner") -> None:
        self.trainer = trainer
        # Whether a checkpoint is due after this step.
        self.due = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Evaluate a model that may know something already."""
        trainer = self.trainer
        trainer.trained_for.begin(trainer.data, trainer.current_epoch)
        if trainer.trained_for.evaluates_first and state.global_step == 0 and not trainer.reached.progress.evaluations:
            trainer.evaluate_epoch()

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Ask whether to stop, and whether a snapshot or a checkpoint is due."""
        trainer = self.trainer
        progress = trainer.reached.progress
        last = state.global_step % trainer.steps_an_epoch == 0
        stop, self.due = trainer.agree(trainer.asked_to_stop(), trainer.should_save())
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
        if not trainer.agree(trainer.evaluate_epoch())[0]:
            control.should_training_stop = True
            # It is at its end, whoever asked it to stop meanwhile.
            progress.stopped = False
        if state.global_step % trainer.steps_an_epoch == 0 and (self.due or (progress.stopped and trainer.saves)):
            control.should_save = True
