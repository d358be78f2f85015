"""The training itself: Hugging Face's Trainer, with frozen floors at rest, a rate for each, and every step told."""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float32, Int
from tokenizers import Tokenizer
from transformers.trainer_pt_utils import LengthGroupedSampler

from interpret.arrays import read_only
from interpret.batching import batches_of
from interpret.checkpoints import checkpoint_folder
from interpret.devices import find_device, hold
from interpret.encoder import Encoder, load_encoder
from interpret.errors import InputError
from interpret.families import Family
from interpret.finetuning.data import Examples
from interpret.finetuning.prefix import kept_layers, prefix_bytes, run_prefix, without_prefix
from interpret.finetuning.recipe import OWN_HEAD, Recipe
from interpret.finetuning.tower import Floor, floor_parameters, freeze, frozen_prefix, layer_rates
from interpret.heads import Classifier, make_head, save_head

Model = Any  # A transformers model for sequences, or a `Classifier`: called alike, and saved differently.
_EVALUATED_PIECES = 4096
_NO_DECAY = ("bias", "norm")


@dataclass(frozen=True, eq=False)
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
    """How good the model is on what was held out, after so many epochs."""

    epoch: float
    loss: float
    accuracy: float


@dataclass(eq=False)
class Trained:
    """What came of a training.

    Attributes
    ----------
    model, family, pieces, labels, head
        The model, whole and on its device, its tokenizer, the classes in the order of its outputs, and its head's
        name.
    floors
        The tower, and what of it was frozen.
    steps, evaluations
        What was told on the way.
    logits
        The best model's scores for the examples that were held out.
    best
        The epoch that the model is of: the one with the lowest evaluation loss where there is patience, or the last.
    kept
        How many layers' output was computed once; -1 for none.
    seconds, per_second
        What it took, and how many examples it learned from a second.
    """

    model: Model
    family: Family
    pieces: Tokenizer
    labels: tuple[str, ...]
    head: str
    floors: tuple[Floor, ...]
    steps: list[Step] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    logits: Float32[np.ndarray, "judged label"] | None = None
    best: float = 0.0
    kept: int = -1
    seconds: float = 0.0
    per_second: float = 0.0


Tell = Callable[[Step | Evaluation, int], None]


def train(
    recipe: Recipe,
    examples: Examples,
    learned: Sequence[int] | Int[np.ndarray, "learned"],
    judged: Sequence[int] | Int[np.ndarray, "judged"],
    tell: Tell | None = None,
) -> Trained:
    """Fine-tune a model to put texts in classes.

    Frozen floors run as in use, without dropout, whether their output is kept or not.

    Parameters
    ----------
    learned, judged
        Places of the examples to learn from and to judge by.
    tell
        Called as ``tell(step or evaluation, steps in all)``; raising inside it stops the training there.

    Raises
    ------
    InputError
        If the labels are no classes, a floor or a head is unknown, or the loss is no number any more.
    CapacityError
        If the device runs out of memory.
    """
    if examples.task != "classes":
        raise InputError(
            "What is trained here puts whole texts in classes, and these labels are of the task “{task}”. Read the "
            "file as classes.",
            task=examples.task,
        )
    encoder = load_encoder(recipe.model, recipe.device)
    labels = examples.classes
    model, family = _make_model(encoder, recipe, labels), encoder.family
    floors = freeze(model, family, recipe.frozen)
    done = Trained(model, family, encoder.pieces, labels, recipe.head, floors)
    read = _Reader(encoder, recipe, examples, labels)
    parameters = floor_parameters(model, family)
    most = frozen_prefix(floors)
    begin = time.perf_counter()
    with hold(encoder.spec.device):
        items = {int(place): read(int(place)) for place in [*learned, *judged]}
        count = kept_layers(model, family, most)
        room = prefix_bytes([len(one["input_ids"]) for one in items.values()], encoder.width)
        with ExitStack() as stack:
            stack.enter_context(_at_rest(model))
            if recipe.keep_prefix and count >= 0 and room <= find_device("cpu").free // 3:
                _keep_prefix(model, family, count, items, encoder)
                done.kept = count
                stack.enter_context(without_prefix(model, family, count))
            _run(
                done,
                recipe,
                [items[int(i)] for i in learned],
                [items[int(i)] for i in judged],
                parameters,
                encoder,
                tell,
            )
    done.seconds = time.perf_counter() - begin
    done.per_second = len(learned) * done.steps[-1].epoch / done.seconds if done.steps else 0.0
    return done


def _make_model(encoder: Encoder, recipe: Recipe, labels: tuple[str, ...]) -> Model:
    if recipe.head != OWN_HEAD:
        head = make_head(recipe.head, encoder.width, len(labels), recipe.seed)
        return Classifier(encoder.model, head).to(encoder.spec.device).requires_grad_(True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return tf.AutoModelForSequenceClassification.from_pretrained(
            checkpoint_folder(encoder.spec.checkpoint),
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={name: place for place, name in enumerate(labels)},
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=True,
        ).to(encoder.spec.device)


class _Reader:
    """Cuts examples into pieces, and turns labels into numbers."""

    def __init__(self, encoder: Encoder, recipe: Recipe, examples: Examples, labels: tuple[str, ...]) -> None:
        self.examples = examples
        self.labels = {name: place for place, name in enumerate(labels)}
        self.pieces = Tokenizer.from_str(encoder.pieces.to_str())
        self.pieces.enable_truncation(min(recipe.max_tokens, encoder.max_tokens))

    def __call__(self, place: int) -> dict[str, Any]:
        pair = self.examples.pairs[place] if self.examples.pairs is not None else None
        found = self.pieces.encode(self.examples.texts[place], pair)
        return {
            "input_ids": found.ids,
            "token_type_ids": found.type_ids,
            "labels": self.labels[self.examples.labels[place]],
        }


def _keep_prefix(
    model: Model, family: Family, count: int, items: Mapping[int, dict[str, Any]], encoder: Encoder
) -> None:
    """Put what the floors below make of each example in the place of its pieces."""
    places = list(items)
    for batch in batches_of([len(items[place]["input_ids"]) for place in places], _EVALUATED_PIECES):
        some = [items[places[i]] for i in batch]
        inputs = _Collate(encoder)(some)
        del inputs["labels"]
        hidden = run_prefix(model, family, count, inputs).cpu()
        for item, states in zip(some, hidden, strict=True):
            item["hidden"] = states[: len(item["input_ids"])].clone()


class _Collate:
    """Puts examples side by side, padded to the longest."""

    def __init__(self, encoder: Encoder) -> None:
        self.pad = int(encoder.model.config.pad_token_id or 0)
        self.segments = (getattr(encoder.model.config, "type_vocab_size", 0) or 0) > 1
        self.device = encoder.spec.device

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        longest = max(len(item["input_ids"]) for item in items)
        mask = torch.zeros(len(items), longest, dtype=torch.long)
        found: dict[str, torch.Tensor] = {}
        if "hidden" in items[0]:
            states = torch.zeros(len(items), longest, items[0]["hidden"].shape[-1])
            found["inputs_embeds"] = states
        else:
            found["input_ids"] = torch.full((len(items), longest), self.pad)
            if self.segments:
                found["token_type_ids"] = torch.zeros(len(items), longest, dtype=torch.long)
        for row, item in enumerate(items):
            length = len(item["input_ids"])
            mask[row, :length] = 1
            if "hidden" in item:
                found["inputs_embeds"][row, :length] = item["hidden"]
            else:
                for name in found:
                    found[name][row, :length] = torch.tensor(item[name])
        found |= {"attention_mask": mask, "labels": torch.tensor([item["labels"] for item in items])}
        return {name: one.to(self.device) for name, one in found.items()}


@contextmanager
def _at_rest(model: Model) -> Iterator[None]:
    """While the block runs, what is frozen stays in evaluation mode whatever mode the model is put in."""
    modules = [
        module
        for module in model.modules()
        if (own := list(module.parameters())) and not any(one.requires_grad for one in own)
    ]

    def rest(module: torch.nn.Module, _given: object) -> None:
        module.eval()

    hooks = [module.register_forward_pre_hook(rest) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _run(
    done: Trained,
    recipe: Recipe,
    learned: Sequence[dict[str, Any]],
    judged: Sequence[dict[str, Any]],
    parameters: Mapping[str, list[torch.nn.Parameter]],
    encoder: Encoder,
    tell: Tell | None,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        arguments = tf.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=recipe.batch,
            num_train_epochs=recipe.epochs,
            learning_rate=recipe.learning_rate,
            warmup_steps=recipe.warm_up,
            seed=recipe.seed,
            data_seed=recipe.seed,
            bf16=recipe.precision == "bfloat16",
            use_cpu=encoder.spec.device == "cpu",
            report_to=[],
            save_strategy="no",
            eval_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )
        trainer = _Trainer(done, recipe, learned, judged, parameters, encoder, tell, arguments)
        trainer.train()
    trainer.finish()


class _Trainer(tf.Trainer):
    """Hugging Face's Trainer on examples of like length, which tells every step and judges after every epoch."""

    def __init__(
        self,
        done: Trained,
        recipe: Recipe,
        learned: Sequence[dict[str, Any]],
        judged: Sequence[dict[str, Any]],
        parameters: Mapping[str, list[torch.nn.Parameter]],
        encoder: Encoder,
        tell: Tell | None,
        arguments: tf.TrainingArguments,
    ) -> None:
        self.done, self.recipe, self.judged, self.tell = done, recipe, judged, tell
        self.lengths = [len(one["input_ids"]) for one in learned]
        self.collate = _Collate(encoder)
        # By the tower of the whole model: its lower floors may be away.
        self.floors = parameters
        counts = np.bincount([one["labels"] for one in learned], minlength=len(done.labels)).clip(1)
        weights = counts.sum() / (len(counts) * counts) if recipe.balanced else np.ones(len(counts))
        self.weights = torch.tensor(weights, dtype=torch.float32, device=encoder.spec.device)
        self.best_state: dict[str, torch.Tensor] | None = None
        self.worse = 0
        super().__init__(
            model=done.model,
            args=arguments,
            train_dataset=list(learned),
            data_collator=self.collate,
            optimizers=(self._optimizer(), None),
            callbacks=[_AfterEpoch(self)],
        )
        # It would print what is told already.
        self.remove_callback(tf.PrinterCallback)

    def _optimizer(self) -> torch.optim.Optimizer:
        rates = layer_rates(self.done.floors, self.recipe.learning_rate, self.recipe.layer_decay)
        names = {id(one): name.lower() for name, one in self.done.model.named_parameters()}
        groups = []
        for floor, parameters in self.floors.items():
            free = [one for one in parameters if one.requires_grad]
            for decays in (True, False):
                some = [one for one in free if any(part in names[id(one)] for part in _NO_DECAY) != decays]
                if some:
                    decay = self.recipe.weight_decay if decays else 0.0
                    groups.append({"params": some, "lr": rates[floor], "weight_decay": decay})
        return torch.optim.AdamW(groups, lr=self.recipe.learning_rate)

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        return LengthGroupedSampler(self.recipe.batch, lengths=self.lengths)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return cross-entropy with the recipe's weights and smoothing."""
        labels = inputs.pop("labels")
        output = model(**inputs)
        loss = torch.nn.functional.cross_entropy(
            output.logits.float(), labels, weight=self.weights, label_smoothing=self.recipe.label_smoothing
        )
        return (loss, output) if return_outputs else loss

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Make a step's gradients, look at them, and tell."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        number = self.state.global_step + 1
        if not math.isfinite(float(loss)):
            raise InputError(
                "The loss was no number any more at step {step}, with a learning rate of {rate}. Choose a smaller one, "
                "such as 5e-5.",
                step=number,
                rate=self.recipe.learning_rate,
            )
        norms = {
            name: math.sqrt(sum(float(one.grad.float().square().sum()) for one in found if one.grad is not None))
            for name, found in self.floors.items()
        }
        rate = self.lr_scheduler.get_last_lr()[-1] if self.lr_scheduler is not None else self.recipe.learning_rate
        step = Step(number, number / self.steps_an_epoch, float(loss), float(rate), norms)
        self.done.steps.append(step)
        self._say(step)
        return loss

    @property
    def steps_an_epoch(self) -> int:
        """How many steps go once through the examples."""
        return math.ceil(len(self.lengths) / self.recipe.batch)

    def _say(self, what: Step | Evaluation) -> None:
        if self.tell is not None:
            self.tell(what, self.steps_an_epoch * self.recipe.epochs)

    def judge(self) -> tuple[float, Float32[np.ndarray, "judged label"]]:
        """Return the mean loss on what was held out, and the scores."""
        model, rows = self.done.model, np.empty((len(self.judged), len(self.done.labels)), np.float32)
        model.eval()
        losses = []
        with torch.no_grad():
            for batch in batches_of([len(one["input_ids"]) for one in self.judged], _EVALUATED_PIECES):
                inputs = self.collate([self.judged[i] for i in batch])
                labels = inputs.pop("labels")
                logits = model(**inputs).logits.float()
                losses.append(float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum")))
                rows[batch] = logits.cpu().numpy()
        return sum(losses) / len(self.judged), rows

    def after_epoch(self) -> bool:
        """Judge, keep the best, and tell whether to go on."""
        epoch = len(self.done.steps) / self.steps_an_epoch
        loss, logits = self.judge()
        right = logits.argmax(axis=1) == [one["labels"] for one in self.judged]
        before = [one.loss for one in self.done.evaluations]
        found = Evaluation(epoch, loss, float(right.mean()))
        self.done.evaluations.append(found)
        self._say(found)
        if self.recipe.patience == 0 or not before or loss < min(before):
            self.done.best, self.done.logits, self.worse = epoch, read_only(logits), 0
            if self.recipe.patience:
                model = self.done.model
                self.best_state = {n: p.detach().cpu().clone() for n, p in model.named_parameters() if p.requires_grad}
        else:
            self.worse += 1
        return self.recipe.patience == 0 or self.worse < self.recipe.patience

    def finish(self) -> None:
        """Go back to the best epoch where there was patience."""
        if self.best_state is not None:
            own = dict(self.done.model.named_parameters())
            with torch.no_grad():
                for name, value in self.best_state.items():
                    own[name].copy_(value)
        self.done.model.eval()


class _AfterEpoch(tf.TrainerCallback):
    def __init__(self, trainer: _Trainer) -> None:
        self.trainer = trainer

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if not self.trainer.after_epoch():
            control.should_training_stop = True


def save_trained(done: Trained, source: Path, folder: Path) -> None:
    """Write a model as `save_pretrained` does, with the tokenizer's files of where it came from.

    With a head of the architecture's own, `AutoModelForSequenceClassification` opens the folder; with another,
    `AutoModel` opens the encoder, and `interpret.load_encoder` both.
    """
    tf.AutoTokenizer.from_pretrained(source, local_files_only=True).save_pretrained(folder)
    if isinstance(done.model, Classifier):
        done.model.body.save_pretrained(folder)
        save_head(done.model.head, done.head, done.labels, folder)
    else:
        done.model.save_pretrained(folder)
