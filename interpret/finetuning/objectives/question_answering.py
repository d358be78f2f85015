"""Question answering: where a passage answers a question."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from jaxtyping import Float
from torch.nn.functional import cross_entropy

from interpret.core.arrays import read_only
from interpret.core.batches import batches_of
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.question_answering import Edges, rank_spans
from interpret.core.question_files import SUFFIXES, read_questions
from interpret.core.sentences import sentence
from interpret.finetuning.answer_match import match
from interpret.finetuning.answer_results import AnswerResults, measure_answers
from interpret.finetuning.collator import Collator
from interpret.finetuning.data_source import QUESTIONS, Columns
from interpret.finetuning.examples import Examples
from interpret.finetuning.labelled_rows import refuse_few
from interpret.finetuning.objective import Answers, register
from interpret.finetuning.objectives.labelled import Labelled
from interpret.finetuning.passage_windows import PassageWindows
from interpret.finetuning.recipe import OWN_HEAD, Recipe, Settings
from interpret.finetuning.training_data import TrainingData

# What a plan counts for a question with the special tokens, and how many tokens two windows share.
_QUESTION_TOKENS, _OVERLAP = 16, 64


@register
class QuestionAnswering(Labelled):
    """Cross-entropy of the answer's first and last token (Devlin et al. 2019, sec. 4.2 and 4.3).

    A passage that is longer than what is read is cut into windows that overlap. Where the answer is not in a window,
    or the passage has none, both are the first token.
    """

    name = "question answering"
    order = 4
    title = sentence("Question answering (a stretch of a passage)")
    about = sentence(
        "The model learns where a passage answers a question. Questions on one passage stay on one side of the split."
    )
    file_hint = sentence("Questions with their passages, in the form of SQuAD: {kinds}")
    suffixes = SUFFIXES
    source = "questions"
    unit = QUESTIONS
    score_label = sentence("Answer F1")
    score_title = sentence("Held-out answer F1")
    score_name = sentence("answer F1")
    fact = "f1"
    head_refusal = sentence(
        "The head “{name}” reads whole texts, but an answer is a stretch of the passage. Choose “{own}”."
    )
    head_about = sentence("the architecture's own head, on each token")
    tracks_answers = False
    in_windows = True
    architecture = "ForQuestionAnswering"
    outputs = ("start", "end")

    # ---- its data

    def read(self, content: bytes, name: str, columns: Columns) -> Examples:
        """Read questions, in one of the forms of `interpret.core.question_files.read_questions`."""
        found = read_questions(content, name)
        examples = Examples(
            self.name,
            found.questions,
            found.passages,
            tuple(
                passage[spans[0][0] : spans[0][1]] if spans else ""
                for passage, spans in zip(found.passages, found.spans, strict=True)
            ),
            tuple(number - 1 for number in found.numbers),
            found.skipped,
            columns=found.columns,
            spans=found.spans,
            moved=found.moved,
        )
        refuse_few(examples)
        if not any(found.spans):
            raise InputError(
                "None of the questions in “{name}” has an answer in its passage, so there is nothing to learn. Mark "
                "some.",
                name=name,
            )
        return examples

    def classes(self, examples: Examples) -> tuple[str, ...]:
        """Return none: an answer is no class."""
        return ()

    def kept_together(self, examples: Examples, index: int) -> tuple[str, str]:
        """Return the passage: all questions on it are on one side."""
        return "", examples.key(index)[1]

    def split(self, examples: Examples, share: float, seed: int) -> tuple[list[int], list[int]]:
        """Hold all questions on some passages out."""
        if len(set(examples.pairs or ())) < 2:
            raise InputError(
                "All questions are about one passage, which cannot be on both sides of the split. Add questions about "
                "others, or use a second file as the test set."
            )
        return super().split(examples, share, seed)

    def first_held_out(self, members: list[list[int]], wanted: float) -> list[list[int]]:
        """Return passages in their order, but that one of many questions is not the first to be held out."""
        small = [one for one in members if len(one) <= max(1, 2 * wanted)]
        first = small[0] if small else min(members, key=len)
        return [first, *(one for one in members if one is not first)]

    def read_lengths(self, lengths: np.ndarray, most: int) -> np.ndarray:
        """Return the lengths of the windows that passages are read in, with a question of some tokens before each."""
        step = max(1, (most - _QUESTION_TOKENS) // 2, most - _QUESTION_TOKENS - _OVERLAP)
        more = np.ceil(np.maximum(lengths - most, 0) / step).astype(np.int64)
        return np.concatenate([np.minimum(lengths, most), np.full(int(more.sum()), most)])

    def contradictions(self, groups: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """Return none: several people may mark the same answer in several ways."""
        return ()

    def few_held_out(self, held_out: int, predictions: int, points: str) -> InputError:
        """Say that there is little to evaluate on."""
        return InputError.counted(
            "Only {count} held-out question: F1 can be off by ± {points} percentage points by chance. Hold out more, "
            "or add questions, before you trust a smaller difference.",
            "Only {count} held-out questions: F1 can be off by ± {points} percentage points by chance. Hold out more, "
            "or add questions, before you trust a smaller difference.",
            held_out,
            count=held_out,
            points=points,
        )

    def left_out(self, count: int) -> InputError:
        """Say how many questions were left out."""
        return InputError(
            "Questions left out because the question, the passage or the answer in it is missing: {count}.",
            count=f"{count:,}",
        )

    # ---- its model and its training

    def loader(self) -> Any:
        """Return the class that loads a model with a head for the two ends of an answer."""
        return tf.AutoModelForQuestionAnswering

    def suit(self, found: Settings, alone: bool) -> Settings:
        """Return the architecture's own head, others read whole texts, and more epochs."""
        # Every token begins at chance, and files of one's own have few questions: with as many epochs as for classes
        # the F1 of the shipped questions is 27%, with three times as many 75%.
        return found._replace(head=OWN_HEAD, epochs=3 * found.epochs)

    def _trained_labels(self, folder: Path) -> tuple[str, ...] | None:
        """Return the two ends, whatever a folder calls them: their order is the same in all."""
        return None if super()._trained_labels(folder) is None else self.outputs

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
        """Return the windows of the passages, each behind its question."""
        read = PassageWindows(encoder, recipe, examples)
        train, validation = (read.all(some) for some in parts[:2])
        return TrainingData(
            labels=(),
            train=train,
            validation=validation,
            test=validation if parts[2] is parts[1] else read.all(parts[2]),
            lengths=[len(one["input_ids"]) for one in train],
            probes=[],
            collate=Collator(encoder, device),
            class_weights=None,
            scale=scale,
        )

    def loss(self, model: Any, inputs: dict[str, Any], data: TrainingData, recipe: Recipe) -> tuple[Any, Any]:
        """Return the mean of the cross-entropies of both ends."""
        labels = inputs.pop("labels")
        output = model(**inputs)
        return _losses(output, labels, inputs["attention_mask"]).mean(), output

    def evaluate(
        self, model: Any, items: Sequence[Mapping[str, Any]], data: TrainingData, recipe: Recipe
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the mean loss of the windows, and the answers.

        For each question: ``span`` has the characters of its answer (-1, -1: none), ``probability`` how sure that is,
        ``f1`` and ``exact`` how well it agrees with those marked, ``baseline`` the F1 of the most alike sentence,
        ``truth`` the first answer that was marked, ``passage`` which passage it is on, ``loss`` and ``windows`` the
        summed loss of its windows and how many they are.
        """
        edges, losses = _edges_of(model, items, data.collate)
        of: dict[int, list[int]] = {}
        for index, item in enumerate(items):
            of.setdefault(item["example"], []).append(index)
        rows = [_answer([(items[i], edges[i]) for i in some]) for some in of.values()]
        numbers = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        loss = np.array([losses[some].sum() for some in of.values()])
        counts = np.array([len(some) for some in of.values()])
        answers = {"rows": np.arange(len(of)), "loss": loss, "windows": counts, **numbers}
        return float(losses.mean()), answers

    def score(self, answers: Answers) -> float:
        """Return the mean F1."""
        return float(answers["f1"].mean())

    def facts(self, answers: Answers) -> Mapping[str, float]:
        """Return the share of exact answers."""
        return {"exact": float(answers["exact"].mean())}

    # ---- its evaluation

    def row_parts(self, labels: Sequence[str], answers: Answers) -> Float[np.ndarray, "row part"]:
        """Return of each question the summed loss of its windows, their number, its F1, and 1."""
        parts = [answers["loss"], answers["windows"], answers["f1"], np.ones(len(answers["f1"]))]
        return np.stack([one.astype(float) for one in parts], axis=1)

    def headline(self, sums: Float[np.ndarray, "*draw part"]) -> Float[np.ndarray, "*draw"]:
        """Return the mean F1."""
        return np.asarray(sums[..., 2] / sums[..., 3])

    def measure(self, answers: Answers, labels: tuple[str, ...]) -> AnswerResults:
        """Return exact match and F1, with intervals by passage."""
        names = ("span", "f1", "exact", "probability", "truth", "baseline", "passage")
        return measure_answers(*(answers[name] for name in names))

    def truth(self, examples: Examples, answers: Answers, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the first answer that was marked, as the passage has it."""
        return examples.labels

    def in_words(self, facts: Mapping[str, float], interval: Callable[[Mapping[str, float], str], str]) -> list[str]:
        """Say F1 and the share of exact answers."""
        ends = interval({"low": facts["exact_low"], "high": facts["exact_high"]}, ".1%")
        lines = [f"answer F1 {facts['f1']:.1%} {interval(facts, '.1%')}, exact match {facts['exact']:.1%} {ends}"]
        if "unanswerable_accuracy" in facts:
            lines.append(
                f"of questions with an answer F1 {facts.get('answerable_f1', float('nan')):.1%}; of those without one "
                f"{facts['unanswerable_accuracy']:.1%} are told"
            )
        return lines

    def baseline(self, facts: Mapping[str, float]) -> str:
        """Name what needs no learning."""
        return (
            f"the sentence with most of the question's words (or “no answer”), whose F1 is {facts['baseline_f1']:.1%}"
        )


def _losses(output: Any, labels: torch.Tensor, mask: torch.Tensor) -> Float[torch.Tensor, " window"]:
    """Return each window's mean cross-entropy of the first and of the last token, among all that are no padding."""
    logits = (output.start_logits.float(), output.end_logits.float())
    some = [one.masked_fill(mask == 0, torch.finfo(one.dtype).min) for one in logits]
    first, last = (cross_entropy(one, labels[:, side], reduction="none") for side, one in enumerate(some))
    return (first + last) / 2


def _edges_of(model: Any, items: Sequence[Mapping[str, Any]], collate: Collator) -> tuple[list[Edges], np.ndarray]:
    """Return what the head says of each window, and the window's loss."""
    edges: list[Edges | None] = [None] * len(items)
    losses = np.zeros(len(items))
    model.eval()
    with torch.no_grad():
        for batch in batches_of([len(one["input_ids"]) for one in items], collate.tokens_per_batch):
            inputs = collate.on_device([items[i] for i in batch])
            labels = inputs.pop("labels")
            output = model(**inputs)
            losses[batch] = _losses(output, labels, inputs["attention_mask"]).cpu().numpy()
            starts, ends = (one.float().cpu().numpy() for one in (output.start_logits, output.end_logits))
            for i, start, end in zip(batch, starts, ends, strict=True):
                size = len(items[i]["input_ids"])
                first, last = (read_only(one[:size], np.float32) for one in (start, end))
                span, within = read_only(items[i]["span"], np.int64), read_only(items[i]["within"], bool)
                edges[i] = Edges(first, last, span, within)
    return [one for one in edges if one is not None], losses


def _answer(windows: Sequence[tuple[Mapping[str, Any], Edges]]) -> dict[str, Any]:
    """Return a question's answer out of its windows, and how well it agrees with those that were marked."""
    item = windows[0][0]
    spans = rank_spans([(one["offset"], edges) for one, edges in windows])
    text, marked = item["text"], [item["text"][a:b] for a, b in item["marked"]]
    none = not len(spans) or (item["may_be_none"] and spans.no_answer_score > spans.score[0])
    start, end = (-1, -1) if none else spans.characters[0].tolist()
    exact, f1 = match("" if none else text[start:end], marked)
    return {
        "span": (start, end),
        "probability": spans.no_answer if none else float(spans.probability[0]),
        "f1": f1,
        "exact": exact,
        "baseline": item["baseline"],
        "truth": item["marked"][0] if item["marked"] else (-1, -1),
        "passage": item["passage"],
    }
