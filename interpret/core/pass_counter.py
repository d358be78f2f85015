"""Progress of work that is made of passes, each of which knows its stage and not its number."""

from collections.abc import Callable
from itertools import count

from interpret.core.hub import Progress


def pass_counter(progress: Progress | None, total: int) -> Callable[[str], None]:
    """Return what is called after each pass with its stage, and tells ``progress`` how many of all are done."""
    numbers = count(1)

    def done(stage: str) -> None:
        if progress is not None:
            progress(next(numbers), total, stage)

    return done
