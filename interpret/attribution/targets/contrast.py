"""One class rather than another: the difference of their scores."""

import re
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float

from interpret.attribution.targets.classifier import ByClassifier, class_names
from interpret.attribution.targets.controls import Choice, Control
from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentences import sentence
from interpret.core.tokens import Tokens

_REQUEST = re.compile(r"(?P<one>.+) rather than (?P<other>.+)", re.DOTALL)


@register
class Contrast(ByClassifier):
    """The score (logit) of a class less that of another: the log of how much likelier the one is than the other.

    What speaks for both cancels out, so that only the words remain that tell the two apart (Jacovi et al. 2021,
    "Contrastive Explanations for Model Interpretability", https://arxiv.org/abs/2103.01378; for language models Yin &
    Neubig 2022, https://arxiv.org/abs/2202.10419).
    """

    name = "contrast"
    syntax = "A rather than B, of two classes by name or number"
    title = sentence("one class rather than another")
    said = sentence("class “{name}” rather than “{other}”")
    order = 15

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return two classes, by their names or numbers with “rather than” between them."""
        found = _REQUEST.fullmatch(request) if isinstance(request, str) else None
        names = class_names(inputs.encoder, inputs.head)
        # A class may be called like that itself.
        if found is None or request in names:
            return None
        one, other = (_index(found[side], names) for side in ("one", "other"))
        if one is None or other is None:
            return None
        return Target(self.name, f"{names[one]} − {names[other]}", one, other, names[other])

    def check(self, bound: BoundTarget) -> None:
        """Refuse a class that is contrasted with itself, or that there is not."""
        super().check(bound)
        target = bound.target
        count = len(class_names(bound.encoder, bound.head))
        for index in (target.index, target.position):
            if not 0 <= index < count:
                raise InputError(
                    "There is no class {index}: this classifier has {count}, counted from 0.", index=index, count=count
                )
        if target.index == target.position:
            raise InputError("A class cannot be contrasted with itself. Choose two different classes.")

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text 1"]:
        """Return the difference of the two scores."""
        scores = super().answers(bound, seen)
        return scores[:, bound.target.index, None] - scores[:, bound.target.position, None]

    def offered(self, encoder: Encoder, text: str) -> bool:
        """Tell whether there are two classes, as far as is known before a head is fitted."""
        own = class_names(encoder, None)
        return not own or len(own) > 1

    def controls(self, encoder: Encoder, classes: Sequence[str], tokens: Tokens) -> Sequence[Control]:
        """Return the choices of both classes."""
        options = dict(enumerate(classes))
        return (
            Choice("contrast_one", sentence("Class"), options),
            Choice("contrast_other", sentence("rather than"), options, default=min(1, len(classes) - 1)),
        )

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Return both numbers."""
        return f"{values['contrast_one']} rather than {values['contrast_other']}"

    def of_another(self, target: Target) -> str | None:
        """Return both classes by their names."""
        return "{name} rather than {other}".format_map(self.values(target))

    def values(self, target: Target) -> Mapping[str, str | int]:
        """Return the names of both classes."""
        return {"name": target.name.removesuffix(f" − {target.other}"), "other": target.other}


def _index(name: str, names: Sequence[str]) -> int | None:
    """Return the index of a class by its name, or by its number."""
    if name in names:
        return names.index(name)
    return int(name) if name.isascii() and name.isdigit() and len(name) < 6 and int(name) < len(names) else None
