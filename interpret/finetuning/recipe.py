"""Everything that a fine-tune needs to be told, as plain values that can be written down."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

from interpret.core.checkpoints import BUILT_IN
from interpret.core.errors import InputError
from interpret.core.heads import HEADS
from interpret.core.layer_groups import HEAD, POOLER
from interpret.finetuning.objective import find_objective
from interpret.finetuning.run_files import todays_names

# What is left to what suits: the head, as a rate and epochs of 0 are, to what is frozen (see `resolve`); the precision
# to the device (see `interpret.finetuning.training.settle_precision`).
AUTO = "auto"
PRECISIONS = (AUTO, "float32", "bfloat16")
# What holds weights near where they began: nothing; all alike; the more the old task needs them.
REGULARIZATIONS = ("none", "l2", "ewc")
# The head that the architecture has in transformers: what is trained with it opens anywhere.
OWN_HEAD = "own"
# Below this width a model is a compact one.
SMALL_WIDTH = 512


class Settings(NamedTuple):
    """A head, its learning rate, and passes through the examples, which go well together."""

    head: str
    learning_rate: float
    epochs: int


# Rates of the BERT paper where layers learn (Devlin et al. 2019, appendix A.3), of Turc et al. 2019 for compact models,
# and far higher ones, many times over, where a head alone does. A new linear head on the mean of all tokens learns
# where the pooler, which stays as it is, was trained for something else.
SUITED = {
    "head": Settings("linear", 2e-2, 20),
    "layers": Settings(OWN_HEAD, 5e-5, 3),
    "small": Settings(OWN_HEAD, 2e-4, 4),
}
# Hu et al. 2021, table 9: 2e-4 to 5e-4 for RoBERTa; compact models take more.
_ADAPTED_RATES = {"layers": 5e-4, "small": 2e-3}


# What settings were called in files of before, and what they are called now.
NAMES_BEFORE = {
    "layer_decay": "layerwise_lr_decay",
    "batch": "batch_size",
    "max_tokens": "max_length",
    "warm_up": "warmup",
    "share": "held_out",
    "hold": "regularization",
    "hold_strength": "regularization_strength",
    "masked": "mask_rate",
    "short": "short_rate",
}


@dataclass(frozen=True)
class Recipe:
    """How a model is to be fine-tuned.

    Attributes
    ----------
    model
        ``"minilm"``, a hub id, or a folder.
    head
        A name in `interpret.core.heads.HEADS`, or ``"own"`` for the one that the architecture has in transformers;
        ``"auto"`` for the one that suits what is frozen.
    frozen
        Layer groups that stay as they are: see `interpret.core.layer_groups`.
    learning_rate, layerwise_lr_decay
        The head's rate, 0 for the one that suits what is frozen; and what it is multiplied by for each layer below.
    epochs, batch_size, max_length
        Passes through the examples, 0 for as many as suit; examples a step; tokens read of each.
    warmup
        The share of steps in which the rate rises to its height; then it falls to nothing on a line.
    weight_decay, label_smoothing
        As AdamW and cross-entropy take them; biases, layer norms and weights that are held never decay.
    balanced
        Whether rarer classes count for more, in inverse proportion to their rows.
    patience
        After how many epochs without a better evaluation loss to stop; 0 for never.
    held_out, seed
        The share of examples that are held out; of everything that is drawn at random.
    device, precision
        A device as `interpret.load_encoder` takes it; ``"bfloat16"`` is mixed precision: weights stay in float32.
        ``"auto"`` is that on cards which multiply it, where it moves the model little: see `interpret.core.rounding`.
    keep_prefix
        Whether what the frozen layer groups below make of a text is computed once.
    lora_rank
        The rank of adapters that learn in place of the layers' linear maps (Hu et al. 2021); 0 for the maps themselves.
    replay
        The share of what is learned from that comes from the examples which the model's own run learned from.
    regularization, regularization_strength
        What keeps the layers near where they began, and how strongly: see `interpret.finetuning.regularization`.
        ``"l2"`` needs nothing else; ``"ewc"`` needs the run that the model is of, as ``replay`` does.
    snapshots
        How many times on the way what has changed is written down, to be looked into.
    dropout
        Whether the dropout layers of what learns drop states, as the model's config says. A small model that reads
        much text a few times learns more without.
    mask_rate
        Of each passage the share of tokens that are to be guessed, where it learns from running text.
    short_rate
        The share of passages of which, at one time or another, a few sentences are read only: Devlin et al.'s own code
        shortens one in ten, so that the model meets short texts too.
    pair_weight
        How much the loss of whether the second text follows counts, beside that of the words. Devlin et al. 2019 count
        both alike; a short training learns the words alone then.
    """

    model: str = BUILT_IN
    head: str = AUTO
    frozen: tuple[str, ...] = ()
    learning_rate: float = 0.0
    layerwise_lr_decay: float = 1.0
    epochs: int = 0
    batch_size: int = 16
    max_length: int = 128
    warmup: float = 0.1
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    balanced: bool = False
    patience: int = 0
    held_out: float = 0.2
    seed: int = 0
    device: str = "auto"
    precision: str = AUTO
    keep_prefix: bool = True
    lora_rank: int = 0
    replay: float = 0.0
    regularization: str = "none"
    regularization_strength: float = 0.1
    snapshots: int = 3
    dropout: bool = True
    mask_rate: float = 0.15
    short_rate: float = 0.1
    pair_weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises
        ------
        InputError
            If a value is out of its range.
        """
        if self.head not in (AUTO, OWN_HEAD, *HEADS):
            raise InputError(
                "There is no head “{name}”. Choose one of: {known}.",
                name=self.head,
                known=", ".join((AUTO, OWN_HEAD, *HEADS)),
            )
        if self.precision not in PRECISIONS:
            raise InputError(
                "There is no training precision “{name}”. Choose one of: {known}.",
                name=self.precision,
                known=", ".join(PRECISIONS),
            )
        if self.regularization not in REGULARIZATIONS:
            raise InputError(
                "There is no method “{name}” to prevent forgetting. Choose one of: {known}.",
                name=self.regularization,
                known=", ".join(REGULARIZATIONS),
            )
        if self.lora_rank and self.regularization != "none":
            raise InputError(
                "Adapters leave the model's own weights unchanged, so no regularization is needed to prevent "
                "forgetting. Choose adapters (LoRA) or “{regularization}”, not both.",
                regularization=self.regularization,
            )
        ranges: dict[str, tuple[float, float]] = {
            "learning_rate": (1e-8, 100.0),
            "layerwise_lr_decay": (0.1, 1.0),
            "epochs": (1, 1000),
            "batch_size": (1, 1024),
            "max_length": (3, 8192),
            "warmup": (0.0, 0.9),
            "weight_decay": (0.0, 1.0),
            "label_smoothing": (0.0, 0.9),
            "patience": (0, 1000),
            "lora_rank": (0, 1024),
            "replay": (0.0, 0.9),
            "regularization_strength": (0.0, 1e6),
            "snapshots": (0, 20),
            "mask_rate": (0.01, 0.9),
            "short_rate": (0.0, 1.0),
            "pair_weight": (0.01, 100.0),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not least <= value <= most and not (name in ("learning_rate", "epochs") and value == 0):
                raise InputError(
                    "“{name}” is {value}, but must be between {least} and {most}.",
                    name=name,
                    value=value,
                    least=least,
                    most=most,
                )

    @property
    def decided(self) -> bool:
        """Whether nothing in it is left to what suits."""
        return AUTO not in (self.head, self.precision) and bool(self.learning_rate) and bool(self.epochs)

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it is no recipe.
        """
        known = {field.name: type(field.default) for field in fields(cls)}
        try:
            given: dict[str, Any] = todays_names(json.loads(text), NAMES_BEFORE)
            unknown = sorted(set(given) - set(known))
            if not unknown:
                given |= {name: float(one) for name, one in given.items() if known[name] is float and type(one) is int}
                given["frozen"] = tuple(given.get("frozen", ()))
                wrong = [name for name, one in given.items() if type(one) is not known[name]]
                if wrong or not all(isinstance(one, str) for one in given["frozen"]):
                    raise TypeError(f"“{(*wrong, 'frozen')[0]}” is of another kind")
                return replace(cls(), **given)
        except InputError:
            raise
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError("This is not a valid recipe: {error}.", error=str(error)[:200]) from error
        raise InputError(
            "A recipe has no setting “{name}”. Its settings are: {known}.",
            name=unknown[0],
            known=", ".join(sorted(known)),
        )


def head_alone(frozen: Iterable[str], layer_groups: Iterable[str]) -> bool:
    """Tell whether nothing but the head (and what is between it and the layers) learns.

    Parameters
    ----------
    layer_groups
        All layer groups of the model: see `interpret.core.layer_groups.layer_group_names`.
    """
    return set(layer_groups) - {POOLER, HEAD} <= set(frozen)


def suited(alone: bool, width: int, task: str = "classes", adapted: bool = False) -> Settings:
    """Return the head, the rate and the epochs that suit.

    Parameters
    ----------
    alone
        Whether nothing but the head learns.
    width
        Numbers of a hidden state.
    adapted
        Whether adapters learn in the layers' place.
    """
    kind = "head" if alone else "small" if width < SMALL_WIDTH else "layers"
    found = SUITED[kind]
    if adapted:
        found = found._replace(learning_rate=_ADAPTED_RATES.get(kind, found.learning_rate))
    return find_objective(task).suit(found, alone)


def resolve(recipe: Recipe, layer_groups: Iterable[str], width: int, task: str) -> Recipe:
    """Return a recipe in which what was left to what suits is decided, by what is frozen, the width and the task.

    The precision, which depends on the device, is left.

    Parameters
    ----------
    layer_groups
        All layer groups of the model: see `interpret.core.layer_groups.layer_group_names`.
    width
        Numbers of a hidden state.
    """
    found = suited(head_alone(recipe.frozen, layer_groups), width, task, bool(recipe.lora_rank))
    return replace(
        recipe,
        head=found.head if recipe.head == AUTO else recipe.head,
        learning_rate=recipe.learning_rate or found.learning_rate,
        epochs=recipe.epochs or found.epochs,
    )
