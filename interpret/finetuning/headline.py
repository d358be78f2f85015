"""What a run is reported with first, and what all kinds of results have."""

from typing import NamedTuple, Protocol, runtime_checkable


class Headline(NamedTuple):
    """What a run is reported with first: what it is called, its value, and whether that is a share."""

    name: str
    value: float
    is_share: bool


@runtime_checkable
class Results(Protocol):
    """How good a model is on what was held out; each kind of results has a view of its own on the page."""

    @property
    def headline(self) -> Headline:
        """What a run is reported with first."""

    def facts(self) -> dict[str, float]:
        """Return the numbers that a run is listed with."""
