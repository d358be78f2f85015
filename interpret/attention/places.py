"""Whether there is such a layer, head or token."""

from interpret.errors import InputError


def check_place(name: str, place: int, count: int) -> None:
    """Refuse a place that is not there; ``name`` is what it is a place of."""
    if not 0 <= place < count:
        raise InputError(
            "There is no {name} {place}: they go from 0 to {last}.", name=name, place=place, last=count - 1
        )
