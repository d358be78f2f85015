"""A fine-tune from beginning to end: the model, what is frozen and kept of it, the training, what came of it."""

import copy
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float32, Int
from tokenizers import Tokenizer

from interpret.arrays import read_only
from interpret.batching import batches_of
from interpret.checkpoints import checkpoint_folder
from interpret.devices import find_device, hold
from interpret.encoder import Encoder, load_encoder
from interpret.errors import InputError
from interpret.families import Family
from interpret.finetuning.data import Examples
from interpret.finetuning.prefix import kept_layers, prefix_bytes, run_prefix, without_prefix
from interpret.finetuning.reading import NO_LABEL, Collate, Item, Reader
from interpret.finetuning.recipe import OWN_HEAD, Recipe
from interpret.finetuning.tower import HEAD, POOLER, Floor, floor_parameters, freeze, frozen_prefix
from interpret.finetuning.trainer import EVALUATED_PIECES, Evaluation, FineTuner, Step, Tell, latest_checkpoint
from interpret.heads import Classifier, make_head, save_head

Model = Any  # A transformers model with a head, or a `Classifier`: called alike, and saved differently.


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a training.

    Attributes
    ----------
    model, family, pieces, head, task
        The model, whole and on its device, its tokenizer, its head's name, and what it answers.
    labels
        The classes in the order of its outputs; empty for a regression.
    floors
        The tower, and what of it was frozen.
    steps, evaluations
        What was told on the way, since it was begun or resumed; one evaluation for each epoch and where it stopped.
    logits, truth
        Its scores for the examples that were held out, and what would have been right: a row for each text, or for
        token classes each word that was read. For a regression both are values as they were given.
    rows
        Which of the examples that were held out each of these is of.
    best
        The epoch that the model is of: the one with the lowest evaluation loss where there is patience, or the last.
    kept
        How many layers' output was computed once; -1 for none.
    stopped
        Whether it was stopped before its end.
    seconds, per_second
        What it took since it was begun or resumed, and how many examples it learned from a second.
    """

    model: Model
    family: Family
    pieces: Tokenizer
    labels: tuple[str, ...]
    head: str
    task: str
    floors: tuple[Floor, ...]
    steps: tuple[Step, ...]
    evaluations: tuple[Evaluation, ...]
    logits: Float32[np.ndarray, "answer label"]
    truth: np.ndarray
    rows: Int[np.ndarray, "answer"]
    best: float
    kept: int
    stopped: bool
    seconds: float
    per_second: float


def train(
    recipe: Recipe,
    examples: Examples,
    learned: Sequence[int] | Int[np.ndarray, "learned"],
    judged: Sequence[int] | Int[np.ndarray, "judged"],
    tell: Tell | None = None,
    stop: Callable[[], bool] | None = None,
    folder: Path | None = None,
    probes: Sequence[str] = (),
) -> Trained:
    """Fine-tune a model on labelled texts, pairs of texts, or words.

    Frozen floors run as in use, without dropout, whether their output is kept or not.

    Parameters
    ----------
    learned, judged
        Places of the examples to learn from and to judge by.
    tell
        Called as ``tell(step or evaluation, steps in all)``; raising inside it ends the training there, with nothing.
    stop
        Asked after every step whether to stop: then a checkpoint is written, and what was learned so far is judged.
    folder
        Where checkpoints are written. Where it has one, the training goes on from there, as if it had never stopped.
    probes
        Texts whose answers are told with every evaluation; none for token classes.

    Raises
    ------
    InputError
        If a floor or a head is unknown or does not serve the task, or the loss is no number any more.
    CapacityError
        If the device runs out of memory, or the disk is full.
    """
    if examples.task == "token classes" and recipe.head != OWN_HEAD:
        raise InputError(
            "The head “{name}” reads whole texts, and these labels are of single words. Choose “{own}”.",
            name=recipe.head,
            own=OWN_HEAD,
        )
    encoder = load_encoder(recipe.model, recipe.device)
    labels = examples.classes
    model, family = _make_model(encoder, recipe, examples.task, labels), encoder.family
    parameters = floor_parameters(model, family)
    floors = freeze(model, family, frozen_floors(recipe, parameters))
    names = {id(one): name for name, one in model.named_parameters()}
    mean, spread = scale = _scale(examples, learned)
    read = Reader(encoder, recipe, examples, labels, scale)
    begin = time.perf_counter()
    kept = -1
    with hold(encoder.spec.device), ExitStack() as stack:
        items = {int(place): read(int(place)) for place in [*learned, *judged]}
        # Beside the examples, at places that none of them has.
        watched = range(-1, -1 - len(probes) * (examples.task != "token classes"), -1)
        items |= {place: read.watched(probes[-1 - place]) for place in watched}
        count = kept_layers(model, family, frozen_prefix(floors))
        room = prefix_bytes([len(one["input_ids"]) for one in items.values()], encoder.width)
        stack.enter_context(_at_rest(model))
        if recipe.keep_prefix and count >= 0 and room <= find_device("cpu").free // 3:
            _keep_prefix(model, family, count, items, encoder, recipe.precision)
            kept = count
            stack.enter_context(without_prefix(model, family, count))
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trainer = FineTuner(
            model,
            recipe,
            floors,
            parameters,
            names,
            examples.task,
            _weights(recipe, [items[int(i)] for i in learned], len(labels), encoder.spec.device),
            [items[int(i)] for i in learned],
            [items[int(i)] for i in judged],
            [items[i] for i in watched],
            scale,
            Collate(encoder),
            tell,
            stop,
            folder is not None,
            _arguments(recipe, encoder.spec.device, place),
        )
        before = latest_checkpoint(place)
        if before is None or not trainer.out_of_patience(before[0]):
            trainer.train(resume_from_checkpoint=str(before[0]) if before is not None else None)
        logits, truth = trainer.finish(), trainer.truth()
    if examples.task == "regression":
        logits, truth = logits * np.float32(spread) + np.float32(mean), truth * spread + mean
        _answer_in_units(parameters[HEAD], model, mean, spread)
    seconds = time.perf_counter() - begin
    return Trained(
        model,
        family,
        encoder.pieces,
        labels,
        recipe.head,
        examples.task,
        floors,
        tuple(trainer.steps),
        tuple(trainer.progress.evaluations),
        read_only(logits, np.float32),
        read_only(truth),
        read_only(trainer.rows(), np.int64),
        trainer.progress.best,
        kept,
        trainer.progress.stopped,
        seconds,
        len(trainer.steps) * recipe.batch * trainer.args.world_size / seconds,
    )


def _scale(examples: Examples, learned: Sequence[int] | np.ndarray) -> tuple[float, float]:
    """Return mean and spread of what is learned, so that any unit of measure is learned at the same rate."""
    if examples.task != "regression":
        return 0.0, 1.0
    values = np.array([float(examples.labels[int(place)]) for place in learned])
    return float(values.mean()), float(values.std()) or 1.0


def _answer_in_units(parameters: Sequence[torch.nn.Parameter], model: Model, mean: float, spread: float) -> None:
    """Let a regression's last linear map answer in the unit of its labels: ``spread · (W h + b) + mean``."""
    own = {id(one) for one in parameters}
    last = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and id(module.weight) in own and module.out_features == 1
    ][-1]
    with torch.no_grad():
        last.weight.mul_(spread)
        last.bias.mul_(spread).add_(mean)


def _weights(recipe: Recipe, learned: Sequence[Item], classes: int, device: str) -> torch.Tensor | None:
    if not recipe.balanced or not classes:
        return None
    labels = [one["labels"] if isinstance(one["labels"], list) else [one["labels"]] for one in learned]
    counts = np.bincount([place for row in labels for place in row if place != NO_LABEL], minlength=classes).clip(1)
    return torch.tensor(counts.sum() / (classes * counts), dtype=torch.float32, device=device)


def _arguments(recipe: Recipe, device: str, folder: Path) -> tf.TrainingArguments:
    return tf.TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.batch,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warm_up,
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
        dataloader_pin_memory=False,
    )


def skeleton(encoder: Encoder, recipe: Recipe, task: str, classes: int) -> Model:
    """Return the model that would be trained, all of its shapes and none of its numbers."""
    config = copy.deepcopy(encoder.model.config)
    with torch.device("meta"), _quiet():
        if recipe.head != OWN_HEAD:
            return Classifier(tf.AutoModel.from_config(config), make_head(recipe.head, encoder.width, max(1, classes)))
        config.num_labels = max(1, classes)
        return _loader(task).from_config(config)


def frozen_floors(recipe: Recipe, names: Iterable[str]) -> list[str]:
    """Return which floors of a model stay as they are.

    A head that answers for single words leaves the pooler out of the model, and one that reads all states out of use.
    """
    wanted = {one for one in recipe.frozen if one != POOLER}
    there = POOLER in names
    if there and (recipe.head != OWN_HEAD or POOLER in recipe.frozen):
        wanted.add(POOLER)
    return sorted(wanted)


def _loader(task: str) -> Any:
    return tf.AutoModelForTokenClassification if task == "token classes" else tf.AutoModelForSequenceClassification


def _make_model(encoder: Encoder, recipe: Recipe, task: str, labels: tuple[str, ...]) -> Model:
    if recipe.head != OWN_HEAD:
        head = make_head(recipe.head, encoder.width, max(1, len(labels)), recipe.seed)
        return Classifier(encoder.model, head).to(encoder.spec.device).requires_grad_(True)
    names = labels or ("value",)
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(recipe.seed)
        return (
            _loader(task)
            .from_pretrained(
                checkpoint_folder(encoder.spec.checkpoint),
                num_labels=len(names),
                id2label=dict(enumerate(names)),
                label2id={name: place for place, name in enumerate(names)},
                problem_type="regression" if task == "regression" else None,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                ignore_mismatched_sizes=True,
            )
            .to(encoder.spec.device)
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from reporting that the head is new, which is known."""
    before = tf.logging.get_verbosity()
    tf.logging.set_verbosity_error()
    try:
        yield
    finally:
        tf.logging.set_verbosity(before)


def _keep_prefix(
    model: Model, family: Family, count: int, items: Mapping[int, Item], encoder: Encoder, precision: str
) -> None:
    """Put what the floors below make of each example in the place of its pieces."""
    places = list(items)
    for batch in batches_of([len(items[place]["input_ids"]) for place in places], EVALUATED_PIECES):
        some = [items[places[i]] for i in batch]
        inputs = Collate(encoder)(some)
        del inputs["labels"]
        # As the trainer runs the floors above.
        with torch.autocast(torch.device(encoder.spec.device).type, torch.bfloat16, precision == "bfloat16"):
            hidden = run_prefix(model, family, count, inputs).float().cpu()
        for item, states in zip(some, hidden, strict=True):
            item["hidden"] = states[: len(item["input_ids"])].clone()


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
