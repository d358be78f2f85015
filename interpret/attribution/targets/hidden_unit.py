"""A hidden unit: one number of a level's mean state."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float

from interpret.attribution.targets.controls import Choice, Control, Number
from interpret.attribution.targets.target import BoundTarget, Pass, Target, TargetInputs, TargetKind, register
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.heads import mean_states
from interpret.core.sentences import sentence
from interpret.core.tokens import Tokens


@register
class HiddenUnit(TargetKind):
    """A unit of the mean over tokens of a level's hidden states; level 0 is the embedding output."""

    name = "unit"
    syntax = "unit LAYER.UNIT"
    title = sentence("a hidden unit")
    said = sentence("unit {unit} of hidden state {level}")
    order = 40
    at_level = True
    by_levels = True

    def find(self, request: str | int, inputs: TargetInputs) -> Target | None:
        """Return the unit of ``"unit LAYER.UNIT"``."""
        if not (isinstance(request, str) and request.startswith("unit ")):
            return None
        level, _, unit = request.removeprefix("unit ").partition(".")
        numbers = all(one.isascii() and one.isdigit() for one in (level, unit))
        return Target(self.name, request, int(unit), int(level)) if numbers else None

    def check(self, bound: BoundTarget) -> None:
        """Refuse a unit or a level that there is not."""
        target, encoder = bound.target, bound.encoder
        if not (0 <= target.position <= encoder.layers and 0 <= target.index < encoder.width):
            raise InputError(
                "There is no unit {unit} in hidden state {level}. This model has hidden states 0 to {layers} with "
                "{width} units each.",
                unit=target.index,
                level=target.position,
                layers=encoder.layers,
                width=encoder.width,
            )

    def answers(self, bound: BoundTarget, seen: Pass) -> Float[torch.Tensor, "text answer"]:
        """Return the unit's mean over tokens."""
        return mean_states(seen.levels[bound.target.position], seen.mask)[:, [bound.target.index]]

    def top(self, bound: BoundTarget) -> int:
        """Return its own level: it knows nothing of those above."""
        return bound.target.position

    def controls(self, encoder: Encoder, classes: Sequence[str], tokens: Tokens) -> Sequence[Control]:
        """Return the choice of a level, and the unit's number."""
        levels = {level: str(level) for level in range(encoder.layers + 1)}
        return (
            Choice("unit_level", sentence("Hidden state"), levels, default=encoder.layers, width=110),
            Number("unit_number", sentence("Unit"), encoder.width - 1),
        )

    def requested(self, values: Mapping[str, int]) -> str | int:
        """Return its level and number."""
        return f"unit {values['unit_level']}.{values['unit_number']}"

    def values(self, target: Target) -> Mapping[str, str | int]:
        """Return its number and level."""
        return {"unit": target.index, "level": target.position}
