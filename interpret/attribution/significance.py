"""How often chance alone does as well."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

# What is called told from chance would come of chance once in twenty times, however many things are told together.
LEVEL = 0.05


def permutation_p(value: float, others: Float[np.ndarray, " other"] | Sequence[float], slack: float = 0.0) -> float:
    """Return the one-sided p-value of a number among those that chance gives; high is good.

    The number itself counts as one that does as well (Phipson & Smyth 2010: never 0, and right at its level), others
    within ``slack`` of it count half.

    Examples
    --------
    >>> permutation_p(3.0, [1.0, 2.0, 3.0])
    0.375
    """
    others = np.asarray(others, float)
    above = int((others > value + slack).sum())
    alike = int((np.abs(others - value) <= slack).sum())
    return (1 + above + alike / 2) / (1 + len(others))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values of several claims made together (Holm 1979): those at or under a level then hold together at it.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03])
    (0.06, 0.03, 0.06)
    """
    order = np.argsort(p_values, kind="stable")
    found = [0.0] * len(p_values)
    highest = 0.0
    for step, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * float(p_values[index])))
        found[index] = highest
    return tuple(found)
