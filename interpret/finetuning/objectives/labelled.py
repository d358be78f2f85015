"""What objectives with labels have in common: the split, the head, logits and cross-entropy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float, Float32

from interpret.core.adapters import Model
from interpret.core.batches import batches_of
from interpret.core.checkpoint_files import quiet
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.device_lock import seeded
from interpret.core.encoder import Encoder
from interpret.core.layer_groups import HEAD, layer_group_parameters
from interpret.core.tasks import MULTI_LABEL
from interpret.finetuning.collator import NO_LABEL, Collator, Item, Reader
from interpret.finetuning.examples import Examples
from interpret.finetuning.model_loading import load_for_training
from interpret.finetuning.objective import Answers, Objective
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.training_data import TrainingData


class Labelled(Objective):
    """An objective whose examples are labelled.

    Attributes
    ----------
    architecture
        How transformers ends the names of architectures that have such a head.
    outputs
        What the head answers where labels name no classes.
    """

    architecture: ClassVar[str] = "ForSequenceClassification"
    outputs: ClassVar[tuple[str, ...]] = ("value",)

    # ---- its data

    def classes(self, examples: Examples) -> tuple[str, ...]:
        """Return the labels' names in order."""
        return tuple(sorted(set(examples.labels)))

    def groups_to_balance(self, examples: Examples) -> list[str]:
        """Return for each example the group that gives its share of what is held out."""
        return [""] * len(examples)

    def refuse_identical(self, group: str) -> None:
        """Refuse, where it must be on both sides of a split, a group whose examples all say the same."""

    def first_held_out(self, members: list[list[int]], wanted: float) -> list[list[int]]:
        """Return groups of examples in the order in which they are held out, until about so many examples are."""
        return members

    def split(self, examples: Examples, share: float, seed: int) -> tuple[list[int], list[int]]:
        """Hold examples of every group out; those that say the same stay together, whatever their labels."""
        same: dict[tuple[str, str], list[int]] = {}
        for index in range(len(examples)):
            same.setdefault(self.kept_together(examples, index), []).append(index)
        strata: dict[str, list[list[int]]] = {}
        names = self.groups_to_balance(examples)
        for group in same.values():
            # Where texts that say the same are labelled differently, the first label speaks for all.
            strata.setdefault(names[group[0]], []).append(group)
        random = np.random.default_rng(seed)
        out: list[int] = []
        for name in sorted(strata):
            members = [strata[name][i] for i in random.permutation(len(strata[name]))]
            if len(members) == 1 and len(strata) > 1:
                self.refuse_identical(name)
            wanted = share * sum(map(len, members))
            count = 0
            for group in self.first_held_out(members, wanted)[:-1]:
                # Nearest to the share, and one group at least.
                if count and count + len(group) / 2 > wanted:
                    break
                out += group
                count += len(group)
        held_out = set(out)
        return [index for index in range(len(examples)) if index not in held_out], sorted(out)

    # ---- its model

    def loader(self) -> Any:
        """Return the class that loads a model with such a head."""
        return tf.AutoModelForSequenceClassification

    def output_count(self, classes: int) -> int:
        """Return the number of classes, or of what it answers without any."""
        return classes or len(self.outputs)

    def make_model(self, encoder: Encoder, recipe: Recipe, labels: tuple[str, ...]) -> tuple[Model, bool]:
        """Return the model with the architecture's head, which goes on from one that was trained for these labels."""
        folder = checkpoint_folder(encoder.spec.checkpoint)
        names = labels or self.outputs
        with seeded(recipe.seed), quiet():
            model = load_for_training(
                self.loader(),
                folder,
                num_labels=len(names),
                id2label=dict(enumerate(names)),
                label2id={name: index for index, name in enumerate(names)},
                problem_type=self.problem_type,
                ignore_mismatched_sizes=True,
            )
            trained = self._trained_labels(folder)
            if trained is not None and trained != names:
                # As many classes by chance, and of another meaning.
                own = {id(one) for one in layer_group_parameters(model, encoder.family)[HEAD]}
                for module in model.modules():
                    if id(getattr(module, "weight", None)) in own and isinstance(module, torch.nn.Linear):
                        module.reset_parameters()
        return model, trained == names

    def _trained_labels(self, folder: Path) -> tuple[str, ...] | None:
        """Return what a folder's own head answers; None where it has no such head."""
        config = tf.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        if not any(str(name).endswith(self.architecture) for name in getattr(config, "architectures", None) or []):
            return None
        if (config.problem_type == MULTI_LABEL) != (self.problem_type == MULTI_LABEL):
            # Whatever they are called, they were learned for another question.
            return ()
        return tuple(str(config.id2label.get(index)) for index in range(config.num_labels))

    # ---- its training

    def reader(self, encoder: Encoder, recipe: Recipe, examples: Examples, scale: tuple[float, float]) -> Reader:
        """Return what cuts examples into tokens, and turns labels into numbers."""
        return Reader(encoder, recipe, examples, examples.classes)

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
        """Return examples as the model takes them."""
        read = self.reader(encoder, recipe, examples, scale)
        train, validation = ([read(int(index)) for index in some] for some in parts[:2])
        return TrainingData(
            labels=examples.classes,
            train=train,
            validation=validation,
            test=validation if parts[2] is parts[1] else [read(int(index)) for index in parts[2]],
            lengths=[len(one["input_ids"]) for one in train],
            probes=[read.text(one) for one in probes] if self.tracks_answers else [],
            collate=Collator(encoder, device),
            class_weights=_class_weights(recipe, train, len(examples.classes), device) if self.classifies else None,
            scale=scale,
        )

    def criterion(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None, smoothing: float = 0.0
    ) -> torch.Tensor:
        """Return the mean loss of logits."""
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, -2), labels.flatten(), weight=weights, label_smoothing=smoothing
        )

    def loss(self, model: Any, inputs: dict[str, Any], data: TrainingData, recipe: Recipe) -> tuple[Any, Any]:
        """Return cross-entropy with the recipe's weights and smoothing."""
        labels = inputs.pop("labels")
        output = model(**inputs)
        return self.criterion(output.logits.float(), labels, data.class_weights, recipe.label_smoothing), output

    def evaluate(
        self, model: Any, items: Sequence[Mapping[str, Any]], data: TrainingData, recipe: Recipe
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the mean loss, and the answers.

        ``logits`` has a row for each answer, ``truth`` the number of its class, or a number; ``rows`` tells which of
        the examples each is of.
        """
        loss, logits = self.predict(model, items, data.collate)
        labels = [one["labels"] if isinstance(one["labels"], list) else [one["labels"]] for one in items]
        kept = [[number for number in row if number != NO_LABEL] for row in labels]
        return loss, {
            "logits": logits,
            "truth": np.array([number for row in kept for number in row]),
            "rows": np.repeat(np.arange(len(kept)), [len(row) for row in kept]),
        }

    def predict(
        self, model: Any, items: Sequence[Mapping[str, Any]], collate: Collator
    ) -> tuple[float, Float32[np.ndarray, "answer label"]]:
        """Return the mean loss of some examples, and the logits of each answer in their order."""
        rows = [np.empty(0)] * len(items)
        model.eval()
        total = count = 0.0
        with torch.no_grad():
            for batch in batches_of([len(one["input_ids"]) for one in items], collate.tokens_per_batch):
                inputs = collate.on_device([items[i] for i in batch])
                labels = inputs.pop("labels")
                logits = model(**inputs).logits.float()
                per_token = isinstance(items[0]["labels"], list)
                answers = int((labels != NO_LABEL).sum()) if per_token else len(batch)
                total += float(self.criterion(logits, labels)) * answers if answers else 0.0
                count += answers
                for index, found, label in zip(batch, logits.cpu().numpy(), labels.cpu().numpy(), strict=True):
                    rows[index] = found[label != NO_LABEL] if per_token else found[None]
        return total / count, np.concatenate(rows).astype(np.float32)

    def probe(self, model: Any, data: TrainingData) -> tuple[tuple[float, ...], ...]:
        """Return the answers to each text that is tracked."""
        if not data.probes:
            return ()
        logits = torch.from_numpy(self.predict(model, data.probes, data.collate)[1])
        return tuple(tuple(row) for row in self.probabilities(logits, data.scale).tolist())

    def probabilities(self, logits: torch.Tensor, scale: tuple[float, float]) -> torch.Tensor:
        """Return what is recorded of a text's logits."""
        return logits.softmax(-1)

    def score(self, answers: Answers) -> float:
        """Return the share of right answers."""
        return float((answers["logits"].argmax(axis=1) == answers["truth"]).mean())

    # ---- its evaluation

    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return of each example the summed loss at the true classes, the answers, and the right ones."""
        logits, truth, rows = answers["logits"].astype(float), answers["truth"], answers["rows"]
        top = logits.max(axis=1, keepdims=True)
        own = np.take_along_axis(logits - top, truth[:, None], axis=1)[:, 0]
        loss, right = np.log(np.exp(logits - top).sum(axis=1)) - own, logits.argmax(axis=1) == truth
        return np.stack([np.bincount(rows, loss), np.bincount(rows), np.bincount(rows, right)], axis=1)

    def truth(self, examples: Examples, answers: Answers, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the true classes' names."""
        return tuple(labels[int(index)] for index in answers["truth"])


def _class_weights(recipe: Recipe, train: Sequence[Item], classes: int, device: str) -> torch.Tensor | None:
    if not recipe.balanced or not classes:
        return None
    labels = [one["labels"] if isinstance(one["labels"], list) else [one["labels"]] for one in train]
    counts = np.bincount([index for row in labels for index in row if index != NO_LABEL], minlength=classes).clip(1)
    return torch.tensor(counts.sum() / (classes * counts), dtype=torch.float32, device=device)
