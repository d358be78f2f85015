"""Masked words: the model goes on with the pre-training of BERT on running text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float
from torch.nn.functional import cross_entropy

from interpret.core.adapters import Model
from interpret.core.checkpoint_files import quiet
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.device_lock import seeded
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.masking import Masking
from interpret.core.sentences import sentence
from interpret.core.tasks import logits_of
from interpret.finetuning.collator import NO_LABEL, Collator
from interpret.finetuning.data_source import PASSAGES, Columns
from interpret.finetuning.examples import Examples
from interpret.finetuning.final_evaluation import measure_pseudo_perplexity
from interpret.finetuning.masked_passages import MaskedPassages
from interpret.finetuning.masked_predictions import answers_of, log_loss, reading_at
from interpret.finetuning.model_loading import load_for_training
from interpret.finetuning.objective import Answers, Objective, register
from interpret.finetuning.passages import read_passages, split_passages
from interpret.finetuning.pretraining_results import PretrainingResults, measure_pretraining
from interpret.finetuning.recipe import OWN_HEAD, SUITED, Recipe, Settings
from interpret.finetuning.runs import Run
from interpret.finetuning.training_data import TrainingData

# The architecture's own head was trained already, and is driven from what it knows by more than this.
_HEAD_RATE = 1e-3


class Pretraining(Objective):
    """What objectives on running text have in common: passages with masked tokens."""

    about = sentence(
        "This continues the pretraining of BERT and needs no labels. A model that has been trained on texts "
        "of your domain mostly learns its labels better afterwards (Gururangan et al. 2020)."
    )
    file_hint = sentence(
        "Running text from your domain, read as one document, or a table with one document per row: {kinds}"
    )
    suffixes = (".txt", ".md", *Objective.suffixes)
    source = "text"
    unit = PASSAGES
    score_label = sentence("Top-1 accuracy")
    score_title = sentence("Held-out top-1 accuracy")
    score_name = sentence("top-1 accuracy")
    masks = True
    head_refusal = sentence("The head “{name}” reads whole texts, but this task predicts masked words. Choose “{own}”.")
    head_about = sentence("the architecture's own head, over the whole vocabulary")
    fixed_inputs = False
    evaluates_first = True

    # ---- its data

    def classes(self, examples: Examples) -> tuple[str, ...]:
        """Return none: labels tell of which document a passage is."""
        return ()

    def split(self, examples: Examples, share: float, seed: int) -> tuple[list[int], list[int]]:
        """Hold the end of each document out."""
        return split_passages(examples, share)

    def replay(self, examples: Examples) -> Examples:
        """Return passages whose documents are no part of the new ones: they are numbered in each file."""
        return replace(examples, labels=tuple(f"old {label}" for label in examples.labels))

    def contradictions(self, groups: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """Return none: the same passage may stand in several documents."""
        return ()

    def predictions(self, held_out: int, length: float) -> int:
        """Return how many tokens are predicted."""
        return round(held_out * Masking().rate * length)

    def few_held_out(self, held_out: int, predictions: int, points: str) -> InputError:
        """Say that there is little to evaluate on."""
        return InputError.counted(
            "Only {count} held-out token to predict: the accuracy can be off by ± {points} percentage points by "
            "chance. Hold out more, or use a longer text.",
            "Only {count} held-out tokens to predict: the accuracy can be off by ± {points} percentage points by "
            "chance. Hold out more, or use a longer text.",
            predictions,
            count=predictions,
            points=points,
        )

    # ---- its model

    def refuse_family(self, encoder: Encoder) -> None:
        """Refuse a model whose family has no such head."""

    def make_model(self, encoder: Encoder, recipe: Recipe, labels: tuple[str, ...]) -> tuple[Model, bool]:
        """Return the model with the head that predicts tokens, which goes on learning where the checkpoint has it."""
        self.refuse_family(encoder)
        folder = checkpoint_folder(encoder.spec.checkpoint)
        with seeded(recipe.seed), quiet():
            model, report = load_for_training(self.loader(), folder, output_loading_info=True)
        inside = f"{model.base_model_prefix}."
        new = {key for key in report["missing_keys"] if not key.startswith(inside)}
        with torch.no_grad():
            for path, module in model.named_modules():
                square = isinstance(module, torch.nn.Linear) and module.in_features == module.out_features
                if square and f"{path}.weight" in new:
                    # A new head begins by comparing each state with the word vectors themselves, which teaches in
                    # minutes what takes random weights hours.
                    torch.nn.init.eye_(module.weight)
                    if module.bias is not None:
                        module.bias.zero_()
        return model, not new

    def suit(self, found: Settings, alone: bool) -> Settings:
        """Return the architecture's own head, and a lower rate where nothing else learns."""
        found = found._replace(head=OWN_HEAD)
        return found._replace(learning_rate=_HEAD_RATE, epochs=SUITED["small"].epochs) if alone else found

    # ---- its training

    def read_training_data(
        self,
        encoder: Encoder,
        recipe: Recipe,
        examples: Examples,
        parts: Sequence[Sequence[int] | np.ndarray],
        probes: Sequence[str],
        scale: tuple[float, float],
        device: str,
    ) -> TrainingData:
        """Return passages that are masked when they are asked for."""
        train, validation = (MaskedPassages(encoder, recipe, examples, list(map(int, some))) for some in parts[:2])
        same = parts[2] is parts[1]
        return TrainingData(
            labels=(),
            train=train,
            validation=validation,
            test=validation if same else MaskedPassages(encoder, recipe, examples, list(map(int, parts[2]))),
            lengths=train.lengths(),
            probes=[],
            collate=Collator(encoder, device),
            class_weights=None,
            scale=scale,
        )

    def begin(self, data: TrainingData, epoch: Callable[[], int]) -> None:
        """Let every pass through the passages mask other tokens."""
        if isinstance(data.train, MaskedPassages):
            data.train.epoch = epoch

    def loss(self, model: Any, inputs: dict[str, Any], data: TrainingData, recipe: Recipe) -> tuple[Any, Any]:
        """Return the mean cross-entropy of the tokens that are to be predicted."""
        labels = inputs.pop("labels")
        chosen = labels != NO_LABEL
        # Several processes wrap it.
        with reading_at(getattr(model, "module", model), chosen):
            output = model(**inputs)
        total = cross_entropy(logits_of(output).float(), labels[chosen], reduction="sum")
        # A batch of few tokens may have none that is chosen.
        return total / chosen.sum().clamp_min(1), output

    def evaluate(
        self, model: Any, items: Sequence[Mapping[str, Any]], data: TrainingData, recipe: Recipe
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss, and the answers as `interpret.finetuning.masked_predictions.answers_of` has them."""
        answers = answers_of(model, items, data.collate)
        return float(log_loss(answers["chance"]).mean()), answers

    def score(self, answers: Answers) -> float:
        """Return the share of tokens that are predicted first."""
        return float((answers["rank"] == 0).mean())

    def facts(self, answers: Answers) -> Mapping[str, float]:
        """Return all that a run is listed with."""
        return measure_pretraining(answers).facts()

    # ---- its evaluation

    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return of each passage the summed surprise at the true tokens, the tokens, and those predicted first."""
        rows = answers["rows"]
        parts = [np.bincount(rows, log_loss(answers["chance"])), np.bincount(rows)]
        return np.stack([*parts, np.bincount(rows, answers["rank"] == 0)], axis=1)

    def rows(self, test: np.ndarray, answers: Answers) -> np.ndarray:
        """Return the passages themselves."""
        return test

    def measure(self, answers: Answers, labels: tuple[str, ...]) -> PretrainingResults:
        """Return accuracy, perplexity and, with pairs, how well next sentences are told."""
        return measure_pretraining(answers)

    def measure_afterwards(self, run: Run, device: str) -> dict[str, float]:
        """Return the pseudo-perplexity of some passages, before and after."""
        return measure_pseudo_perplexity(run, device)

    # ---- its cost

    def head_parameters(self, encoder: Encoder, recipe: Recipe) -> float:
        """Return what the head weighs for each token: every token of the vocabulary, for those that are masked."""
        return recipe.mask_rate * encoder.embedding_matrix.numel()

    def logit_bytes(self, encoder: Encoder, recipe: Recipe, tokens: int) -> float:
        """Return scores of the whole vocabulary as they come, in float32, and what flows back."""
        return 12 * tokens * recipe.mask_rate * encoder.embedding_matrix.shape[0]


@register
class MaskedWords(Pretraining):
    """Cross-entropy of masked tokens (Devlin et al. 2019, sec. 3.1, task 1)."""

    name = "masked words"
    order = 5
    title = sentence("Masked words (no labels)")

    def read(self, content: bytes, name: str, columns: Columns) -> Examples:
        """Read passages."""
        return read_passages(content, name, columns.text, self.name, columns.words)

    def loader(self) -> Any:
        """Return the class that loads a model with a masked-language-model head."""
        return tf.AutoModelForMaskedLM
