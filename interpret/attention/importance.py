"""Does a head matter over many labelled texts: Michel's score, the true loss, and what pruning by either does."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float32, Int

from interpret.arrays import read_only
from interpret.batching import batches
from interpret.devices import hold
from interpret.encoder import Encoder
from interpret.errors import InputError
from interpret.linear_head import LinearHead, fit_head, split_half
from interpret.places import head_gates
from interpret.tap import Tap
from interpret.tasks import logits_of

Progress = Callable[[int, int, str], None]
_LEAST_TEXTS = 20
_STEPS = 10
_RANDOM_ORDERS = 3


@dataclass(frozen=True, eq=False)
class PruneCurve:
    """What is left when heads are taken out one after another, in one order.

    Attributes
    ----------
    removed
        How many heads are out.
    loss, accuracy
        Mean cross-entropy in nats, and share of right answers.
    """

    removed: Int[np.ndarray, "step"]
    loss: Float32[np.ndarray, "step"]
    accuracy: Float32[np.ndarray, "step"]


@dataclass(frozen=True, eq=False)
class HeadImportance:
    """How much each head matters for telling labelled texts apart.

    Attributes
    ----------
    gradient
        Michel et al. 2019, eq. 2: the mean over texts of |∂L/∂ξ|, where the mask ξ multiplies the head's output.
    importance
        The same with each layer divided by its L2 norm (their sec. 4.1), which is what they prune by.
    loss_rise, accuracy_drop
        What really happens when each head alone is taken out; None where that was not asked for.
    curves
        Pruning by each order, least important first: ``"gradient"``, ``"removal"``, and ``"random 0"`` …; empty where
        not asked for. ``"removal"`` is ranked on the same texts that it is measured on, which flatters it.
    loss, accuracy, majority
        With all heads: mean cross-entropy in nats, share of right answers, and that of always naming the largest
        class.
    texts
        How many texts all this is the average over.
    fitted_on
        How many other texts a linear head was fitted on; 0 where the model's own classifier was used. Texts that are
        alone in their class are in neither.
    """

    gradient: Float32[np.ndarray, "layer head"]
    importance: Float32[np.ndarray, "layer head"]
    loss_rise: Float32[np.ndarray, "layer head"] | None
    accuracy_drop: Float32[np.ndarray, "layer head"] | None
    curves: Mapping[str, PruneCurve]
    loss: float
    accuracy: float
    majority: float
    texts: int
    fitted_on: int


def head_importance(
    encoder: Encoder,
    texts: Sequence[str],
    labels: Sequence[str],
    removals: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> HeadImportance:
    """Measure how much each head matters for a labelled set of texts.

    Where the model has a classifier of its own with these labels, it answers. Otherwise a linear head is fitted on one
    half of the texts (`fit_head`) and everything is measured on the other.

    Parameters
    ----------
    removals
        Whether each head is also taken out in truth, and pruning curves are drawn: as many passes over the texts as
        there are heads and about fifty more. Without, two passes.
    seed
        Of the halves and of the random orders.
    progress
        Called as ``progress(passes done, passes in all, stage)``, the stage being ``"fit"``, ``"gradient"``,
        ``"removal"`` or ``"pruning"``; raising inside it stops the work.

    Raises
    ------
    InputError
        If there are too few texts or classes, not as many labels, or heads cannot be taken out of this model.
    """
    if progress is not None:
        progress(0, 1, "fit")
    exam = _exam(encoder, texts, labels, seed)
    gates = head_gates(encoder, [])
    count = encoder.layers * encoder.heads
    steps = sorted({round(count * step / _STEPS) for step in range(_STEPS + 1)})
    total = 2 + removals * (count + (2 + _RANDOM_ORDERS) * (len(steps) - 1))
    done = 0

    def report(stage: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total, stage)

    gradient = exam.gradient(gates)
    report("gradient")
    loss, accuracy = exam.score(gates)
    report("gradient")
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    importance = np.divide(gradient, length, out=np.zeros_like(gradient), where=length > 0)
    loss_rise = accuracy_drop = None
    curves: dict[str, PruneCurve] = {}
    if removals:
        loss_rise, accuracy_drop = _remove_each(exam, loss, accuracy, report)
        random = np.random.default_rng(seed)
        orders = {
            "gradient": importance.ravel().argsort(kind="stable"),
            "removal": loss_rise.ravel().argsort(kind="stable"),
            **{f"random {i}": random.permutation(count) for i in range(_RANDOM_ORDERS)},
        }
        curves = {name: _prune(exam, order, steps, (loss, accuracy), report) for name, order in orders.items()}
    return HeadImportance(
        gradient=read_only(gradient, np.float32),
        importance=read_only(importance, np.float32),
        loss_rise=None if loss_rise is None else read_only(loss_rise, np.float32),
        accuracy_drop=None if accuracy_drop is None else read_only(accuracy_drop, np.float32),
        curves=MappingProxyType(curves),
        loss=loss,
        accuracy=accuracy,
        majority=float(np.bincount(exam.gold).max() / len(exam.gold)),
        texts=len(exam.gold),
        fitted_on=exam.fitted_on,
    )


@dataclass(frozen=True, eq=False)
class _Exam:
    """Labelled texts and what answers: a linear head, or with None the model's own classifier."""

    encoder: Encoder
    texts: list[str]
    gold: np.ndarray
    head: LinearHead | None
    fitted_on: int
    batches: list[list[int]]

    def losses(self, some: list[int], tap: Tap, gradients: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each text's cross-entropy, and whether it was answered right."""
        tokens = [self.encoder.tokens(self.texts[i]) for i in some]
        output = self.encoder.forward(tokens, tap, gradients, task=self.head is None)
        if self.head is None:
            logits = logits_of(output).float()
        else:
            mask = self.encoder.batch(tokens)["attention_mask"]
            logits = self.head.logits(output.last_hidden_state, mask)
        gold = torch.from_numpy(self.gold[some]).to(logits.device)
        return torch.nn.functional.cross_entropy(logits, gold, reduction="none"), logits.argmax(-1) == gold

    def score(self, gates: torch.Tensor) -> tuple[float, float]:
        """Return the mean loss and the accuracy with these gates."""
        loss = right = 0.0
        for some in self.batches:
            tap = Tap(self.encoder.layers, record=False, gates=gates)
            losses, hits = self.losses(some, tap, False)
            loss += float(losses.double().sum())
            right += float(hits.sum())
        return loss / len(self.gold), right / len(self.gold)

    def gradient(self, gates: torch.Tensor) -> np.ndarray:
        """Return the mean over texts of |∂L/∂ξ|, of shape (layer, head).

        ξ multiplies a head's contexts, so ∂L/∂ξ is their inner product with ∂L/∂contexts (Michel et al. 2019, eq. 2).
        The absolute value is taken text by text: the losses of a batch do not share a context.
        """
        total = np.zeros(tuple(gates.shape))
        for some in self.batches:
            tap = Tap(self.encoder.layers, gates=gates, gradients=True)
            with hold(self.encoder.spec.device):
                losses, _ = self.losses(some, tap, True)
                found = torch.autograd.grad(losses.sum(), tap.contexts)
                for layer, (context, slope) in enumerate(zip(tap.contexts, found, strict=True)):
                    per_text = (context.detach().double() * slope.double()).sum(dim=(2, 3)).abs()
                    total[layer] += per_text.sum(dim=0).cpu().numpy()
        return total / len(self.gold)


def _remove_each(
    exam: _Exam, loss: float, accuracy: float, report: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Take out each head alone; return how far the loss rises and the accuracy drops, of shape (layer, head)."""
    shape = exam.encoder.layers, exam.encoder.heads
    rise, drop = np.empty(shape), np.empty(shape)
    for place in np.ndindex(shape):
        without = exam.score(head_gates(exam.encoder, [place]))
        rise[place], drop[place] = without[0] - loss, accuracy - without[1]
        report("removal")
    return rise, drop


def _prune(
    exam: _Exam, order: np.ndarray, steps: list[int], whole: tuple[float, float], report: Callable[[str], None]
) -> PruneCurve:
    """Take heads out in an order, as many as each of ``steps`` says; the first of these is none."""
    points = [whole]
    heads = exam.encoder.heads
    for removed in steps[1:]:
        points.append(exam.score(head_gates(exam.encoder, [divmod(int(i), heads) for i in order[:removed]])))
        report("pruning")
    losses, accuracies = zip(*points, strict=True)
    return PruneCurve(read_only(steps, np.int64), read_only(losses, np.float32), read_only(accuracies, np.float32))


def answers_itself(encoder: Encoder, labels: Sequence[str]) -> bool:
    """Tell whether the model has a classifier of its own that names one of these labels for each text."""
    task = encoder.task
    return task is not None and task.kind == "classes" and task.exclusive and set(labels) <= set(task.labels)


def _exam(encoder: Encoder, texts: Sequence[str], labels: Sequence[str], seed: int) -> _Exam:
    if len(texts) != len(labels):
        raise InputError(
            "There are {texts} texts and {labels} labels. Give each text one.", texts=len(texts), labels=len(labels)
        )
    if len(texts) < _LEAST_TEXTS:
        raise InputError(
            "{count} labelled texts are too few to tell heads apart. Choose a file with {least} at least, better a few "
            "hundred.",
            count=len(texts),
            least=_LEAST_TEXTS,
        )
    task = encoder.task
    if task is not None and answers_itself(encoder, labels):
        head, chosen, names, fitted_on = None, list(range(len(texts))), task.labels, 0
    else:
        rare = {name for name, count in Counter(labels).items() if count < 2}
        if len(set(labels) - rare) < 2:
            raise InputError(
                "A classifier needs two classes with two texts or more each, and these labels have {count} such class. "
                "Check that the column of labels is the right one.",
                count=len(set(labels) - rare),
            )
        usable = [i for i, label in enumerate(labels) if label not in rare]
        first, second = split_half([labels[i] for i in usable], seed)
        head = fit_head(encoder, [texts[usable[i]] for i in first], [labels[usable[i]] for i in first])
        chosen = [usable[i] for i in second]
        names, fitted_on = head.labels, len(first)
    kept = [texts[i] for i in chosen]
    gold = np.array([names.index(labels[i]) for i in chosen])
    return _Exam(encoder, kept, gold, head, fitted_on, list(batches(encoder, [(text, None) for text in kept])))
