"""Does a head matter over many labelled texts: Michel's score, the true loss, and what pruning by either does."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32, Int

from interpret.attention.head_evaluator import HeadEvaluator
from interpret.core.arrays import read_only
from interpret.core.batches import batches
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.indices import head_gates
from interpret.core.linear_head import fit_head, split_half
from interpret.core.pass_counter import pass_counter

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
    loss_interval, accuracy_interval
        Their 95% intervals over texts.
    """

    removed: Int[np.ndarray, " step"]
    loss: Float32[np.ndarray, " step"]
    accuracy: Float32[np.ndarray, " step"]
    loss_interval: Float32[np.ndarray, "step 2"]
    accuracy_interval: Float32[np.ndarray, "step 2"]


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
    importance_interval, loss_rise_interval, accuracy_drop_interval
        Of each number its 95% interval over texts: Student's t of the differences text by text, with and without the
        head, and texts that read the same are one (Cochran 1977, eq. 6.13). Of an accuracy that no text changes, what
        as many texts that are all alike leave open (Clopper & Pearson 1934). An importance's layer norm stays as it is.
    curves
        Pruning by each order, least important first: ``"gradient"``, ``"removal"``, and ``"random 0"`` …; empty where
        not asked for. ``"removal"`` is ranked on the same texts that it is measured on, which flatters it.
    loss, loss_interval, accuracy, majority
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
    importance_interval: Float32[np.ndarray, "layer head 2"]
    loss_rise_interval: Float32[np.ndarray, "layer head 2"] | None
    accuracy_drop_interval: Float32[np.ndarray, "layer head 2"] | None
    curves: Mapping[str, PruneCurve]
    loss: float
    loss_interval: tuple[float, float]
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

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> words = ("bank", "fund", "lender", "broker", "state", "investor", "trader", "owner", "court", "firm")
    >>> texts = [f"The {word} lent us money." for word in words] + [f"We saw the {word} by the sea." for word in words]
    >>> found = it.attention.head_importance(encoder, texts, ["money"] * 10 + ["sea"] * 10, removals=False)
    >>> found.importance.shape  # layer head
    (6, 12)
    >>> found.texts, found.fitted_on  # on how many it is measured, and on how many others a head was fitted
    (10, 10)
    """
    if progress is not None:
        progress(0, 1, "fit")
    evaluator = _evaluator(encoder, texts, labels, seed)
    gates = head_gates(encoder, [])
    count = encoder.layers * encoder.heads
    steps = sorted({round(count * step / _STEPS) for step in range(_STEPS + 1)})
    total = 2 + removals * (count + (2 + _RANDOM_ORDERS) * (len(steps) - 1))
    report = pass_counter(progress, total)
    slopes = evaluator.gradients(gates)
    gradient = slopes.mean(axis=0)
    report("gradient")
    whole = evaluator.score(gates)
    report("gradient")
    importance, interval = _layer_normed(gradient, evaluator.interval(slopes))
    loss_rise = accuracy_drop = loss_rise_interval = accuracy_drop_interval = None
    curves: dict[str, PruneCurve] = {}
    if removals:
        (loss_rise, loss_rise_interval), (accuracy_drop, accuracy_drop_interval) = _remove_each(
            evaluator, whole, report
        )
        orders = _orders(importance, loss_rise, seed)
        curves = {name: _prune(evaluator, order, steps, whole, report) for name, order in orders.items()}
    over_texts = evaluator.interval(whole[0])
    return HeadImportance(
        gradient=read_only(gradient, np.float32),
        importance=read_only(importance, np.float32),
        loss_rise=_frozen(loss_rise),
        accuracy_drop=_frozen(accuracy_drop),
        importance_interval=read_only(interval, np.float32),
        loss_rise_interval=_frozen(loss_rise_interval),
        accuracy_drop_interval=_frozen(accuracy_drop_interval),
        curves=MappingProxyType(curves),
        loss=float(whole[0].mean()),
        loss_interval=(float(over_texts[0]), float(over_texts[1])),
        accuracy=float(whole[1].mean()),
        majority=float(np.bincount(evaluator.gold).max() / len(evaluator.gold)),
        texts=len(evaluator.gold),
        fitted_on=evaluator.fitted_on,
    )


def _frozen(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else read_only(values, np.float32)


def _layer_normed(gradient: np.ndarray, interval: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide each layer, and its intervals, by the layer's L2 norm (Michel et al. 2019, sec. 4.1), where it has one."""
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    importance, ends = (
        np.divide(one, by, out=np.zeros_like(one), where=by > 0)
        for one, by in ((gradient, length), (interval, length[..., None]))
    )
    return importance, ends


def _remove_each(
    evaluator: HeadEvaluator, whole: tuple[np.ndarray, np.ndarray], report: Callable[[str], None]
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Take out each head alone; return how far the loss rises and the accuracy drops, each with its intervals.

    Of shapes (layer, head) and (layer, head, 2).
    """
    shape = evaluator.encoder.layers, evaluator.encoder.heads
    rise, drop = np.empty((2, len(evaluator.gold), *shape))
    for index in np.ndindex(shape):
        loss, right = evaluator.score(head_gates(evaluator.encoder, [index]))
        rise[:, *index], drop[:, *index] = loss - whole[0], whole[1] - right
        report("removal")
    return (rise.mean(axis=0), evaluator.interval(rise)), (drop.mean(axis=0), evaluator.share_interval(drop))


def _orders(importance: np.ndarray, loss_rise: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return the heads in the orders in which they are pruned: see `HeadImportance.curves`."""
    random = np.random.default_rng(seed)
    return {
        "gradient": importance.ravel().argsort(kind="stable"),
        "removal": loss_rise.ravel().argsort(kind="stable"),
        **{f"random {i}": random.permutation(importance.size) for i in range(_RANDOM_ORDERS)},
    }


def _prune(
    evaluator: HeadEvaluator,
    order: np.ndarray,
    steps: list[int],
    whole: tuple[np.ndarray, np.ndarray],
    report: Callable[[str], None],
) -> PruneCurve:
    """Ablate heads in an order, as many as each of ``steps`` says; the first of these is none."""
    points = [whole]
    heads = evaluator.encoder.heads
    for removed in steps[1:]:
        points.append(evaluator.score(head_gates(evaluator.encoder, [divmod(int(i), heads) for i in order[:removed]])))
        report("pruning")
    loss, right = (np.stack(one, axis=1) for one in zip(*points, strict=True))
    return PruneCurve(
        removed=read_only(steps, np.int64),
        loss=read_only(loss.mean(axis=0), np.float32),
        accuracy=read_only(right.mean(axis=0), np.float32),
        loss_interval=read_only(evaluator.interval(loss), np.float32),
        accuracy_interval=read_only(evaluator.share_interval(right).clip(0, 1), np.float32),
    )


def answers_itself(encoder: Encoder, labels: Sequence[str]) -> bool:
    """Tell whether the model has a classifier of its own that names one of these labels for each text."""
    task = encoder.task
    return task is not None and task.kind == "classes" and task.exclusive and set(labels) <= set(task.labels)


def _evaluator(encoder: Encoder, texts: Sequence[str], labels: Sequence[str], seed: int) -> HeadEvaluator:
    if len(texts) != len(labels):
        raise InputError(
            "The number of texts ({texts}) differs from the number of labels ({labels}). Give each text one label.",
            texts=len(texts),
            labels=len(labels),
        )
    if len(texts) < _LEAST_TEXTS:
        raise InputError.counted(
            "{count} labelled text is too few to tell heads apart. Choose a file with at least {least}, better a "
            "few hundred.",
            "{count} labelled texts are too few to tell heads apart. Choose a file with at least {least}, better a "
            "few hundred.",
            len(texts),
            count=len(texts),
            least=_LEAST_TEXTS,
        )
    task = encoder.task
    if task is not None and answers_itself(encoder, labels):
        head, chosen, names, fitted_on = None, list(range(len(texts))), task.labels, 0
    else:
        rare = {name for name, count in Counter(labels).items() if count < 2}
        if len(set(labels) - rare) < 2:
            raise InputError.counted(
                "A classifier needs two classes with at least two texts each, and these labels have {count} such "
                "class. Check that the right label column is chosen.",
                "A classifier needs two classes with at least two texts each, and these labels have {count} such "
                "classes. Check that the right label column is chosen.",
                len(set(labels) - rare),
                count=len(set(labels) - rare),
            )
        usable = [i for i, label in enumerate(labels) if label not in rare]
        first, second = split_half([labels[i] for i in usable], seed)
        head = fit_head(encoder, [texts[usable[i]] for i in first], [labels[usable[i]] for i in first])
        chosen = [usable[i] for i in second]
        names, fitted_on = head.labels, len(first)
    kept = [texts[i] for i in chosen]
    gold = np.array([names.index(labels[i]) for i in chosen])
    return HeadEvaluator(encoder, kept, gold, head, fitted_on, list(batches(encoder, [(text, None) for text in kept])))
