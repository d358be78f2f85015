"""Token classification: a tag for each word of a sentence."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import transformers as tf
from jaxtyping import Float

from interpret.core import tag_files
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.finetuning.collator import NO_LABEL, Item, Reader, first_tokens
from interpret.finetuning.data_source import SENTENCES, Columns
from interpret.finetuning.entities import by_sentence, count_entities, name_entities
from interpret.finetuning.examples import Examples
from interpret.finetuning.labelled_rows import MOST_CLASSES, refuse_few, refuse_one_class, refuse_several
from interpret.finetuning.objective import Answers, register
from interpret.finetuning.objectives.labelled import Labelled
from interpret.finetuning.recipe import OWN_HEAD, Recipe, Settings
from interpret.finetuning.results import ClassificationResults, measure_results
from interpret.finetuning.training_data import TrainingData

_SPANS = ("B-", "I-", "E-", "S-")


@register
class TokenClassification(Labelled):
    """Cross-entropy of a tag for each word, at its first token (Devlin et al. 2019, sec. 5.3)."""

    name = "token classes"
    order = 3
    title = sentence("Token classification (a tag per word)")
    file_hint = sentence(
        "A file with a tag for each word: one word and its tag per line with a blank line between sentences "
        "(CoNLL), CoNLL-U, a table with one word per row, or JSON with lists: {kinds}"
    )
    suffixes = tag_files.SUFFIXES
    source = "tags"
    unit = SENTENCES
    score_label = sentence("Word accuracy")
    score_title = sentence("Held-out word accuracy")
    score_name = sentence("word accuracy")
    classifies = True
    head_refusal = sentence(
        "The head “{name}” reads whole texts, but these labels are for single words. Choose “{own}”."
    )
    head_about = sentence("the architecture's own head, on each word")
    tracks_answers = False
    architecture = "ForTokenClassification"

    # ---- its data

    def read(self, content: bytes, name: str, columns: Columns) -> Examples:
        """Read words with tags, in one of the forms of `interpret.core.tag_files.read_tags`."""
        found = tag_files.read_tags(content, name, columns.tags)
        examples = Examples(
            self.name,
            tuple(" ".join(row) for row in found.words),
            None,
            tuple(" ".join(row) for row in found.tags),
            tuple(number - 1 for number in found.numbers),
            found.skipped,
            (),
            found.words,
            found.tags,
            comments=found.comments,
        )
        refuse_few(examples)
        # Of tags those that begin a span or go on with one: a feature's value such as “Int,Rel” is one.
        refuse_several([tag for row in found.tags for tag in row if tag.startswith(_SPANS)], "tags", True)
        refuse_one_class(examples)
        if len(examples.classes) > MOST_CLASSES:
            raise InputError(
                "The words have {count} different tags; at most {most} are supported. Choose another column of tags.",
                count=len(examples.classes),
                most=MOST_CLASSES,
            )
        return examples

    def classes(self, examples: Examples) -> tuple[str, ...]:
        """Return the tags in order."""
        return tuple(sorted({tag for row in examples.tags or () for tag in row}))

    def labels_of(self, examples: Examples) -> Counter[str]:
        """Count the tags."""
        return Counter(tag for row in examples.tags or () for tag in row)

    def few_held_out(self, held_out: int, predictions: int, points: str) -> InputError:
        """Say that there is little to evaluate on."""
        return InputError.counted(
            "Only {count} held-out sentence: a word accuracy near 90% can be off by ± {points} percentage points by "
            "chance, a lower one by more. Hold out more, or add sentences, before you trust a smaller difference.",
            "Only {count} held-out sentences: a word accuracy near 90% can be off by ± {points} percentage points "
            "by chance, a lower one by more. Hold out more, or add sentences, before you trust a smaller difference.",
            held_out,
            count=held_out,
            points=points,
        )

    def left_out(self, count: int) -> InputError:
        """Say how many sentences were left out."""
        return InputError("Sentences left out because they have no words: {count}.", count=f"{count:,}")

    # ---- its model and its training

    def loader(self) -> Any:
        """Return the class that loads a model with a head for tokens."""
        return tf.AutoModelForTokenClassification

    def suit(self, found: Settings, alone: bool) -> Settings:
        """Return the architecture's own head: others read whole texts."""
        return found._replace(head=OWN_HEAD)

    def reader(self, encoder: Encoder, recipe: Recipe, examples: Examples, scale: tuple[float, float]) -> Reader:
        """Return what puts tags on first tokens."""
        return _TagReader(encoder, recipe, examples, examples.classes)

    def evaluate(
        self, model: Any, items: Sequence[Mapping[str, Any]], data: TrainingData, recipe: Recipe
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the mean loss, and the answers; ``words`` tells which of its sentence's words each is of."""
        loss, answers = super().evaluate(model, items, data, recipe)
        return loss, answers | {"words": np.concatenate([one["words"] for one in items]).astype(np.int64)}

    # ---- its evaluation

    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return also what F1 of entities is made of, where tags name entities."""
        parts = super().row_parts(labels, answers)
        if not name_entities(labels):
            return parts
        rows = answers["rows"]
        numbers = answers["truth"], answers["logits"].argmax(axis=1)
        names = [by_sentence([labels[one] for one in some], rows) for some in numbers]
        counts = np.zeros((len(parts), 3))
        counts[np.unique(rows)] = count_entities(*names)[1].sum(axis=1)
        return np.concatenate([parts, counts], axis=1)

    def headline(self, sums: Float[np.ndarray, "*draw part"]) -> Float[np.ndarray, "*draw"]:
        """Return F1 of entities where tags name entities, else the share of right words."""
        if sums.shape[-1] == 3:
            return super().headline(sums)
        return np.asarray(2 * sums[..., 3] / (sums[..., 4] + sums[..., 5]))

    def measure(self, answers: Answers, labels: tuple[str, ...]) -> ClassificationResults:
        """Return what classification has, with intervals by sentence, and entities."""
        truth = [labels[index] for index in answers["truth"]]
        return measure_results(answers["logits"], truth, labels, answers["rows"])

    def in_words(self, facts: Mapping[str, float], interval: Callable[[Mapping[str, float], str], str]) -> list[str]:
        """Say F1 of entities first, where there are any."""
        lines = super().in_words(facts, interval)
        if "entity_f1" in facts:
            ends = interval({"low": facts["entity_low"], "high": facts["entity_high"]}, ".1%")
            found = f"precision {facts['entity_precision']:.1%}, recall {facts['entity_recall']:.1%}"
            lines.insert(0, f"entities: F1 {facts['entity_f1']:.1%} {ends}, {found}")
        return lines

    def baseline(self, facts: Mapping[str, float]) -> str:
        """Name the baseline that always predicts one tag."""
        return f"the majority-tag baseline, whose accuracy is {facts.get('majority', 0):.1%}"


class _TagReader(Reader):
    def __call__(self, index: int) -> Item:
        words, tags = (self.examples.words or ())[index], (self.examples.tags or ())[index]
        # As the whole sentence, which is how it is read afterwards: byte-level vocabularies tell a word behind a
        # space from one that begins a text.
        found = self.tokenizer.encode(" ".join(words))
        first = first_tokens(found, words)
        numbers = [NO_LABEL] * len(found.ids)
        for word, token in first.items():
            numbers[token] = int(self.label(tags[word]))
        return {"input_ids": found.ids, "token_type_ids": found.type_ids, "labels": numbers, "words": list(first)}
