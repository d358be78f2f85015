"""What tests call is checked: types everywhere, and axes where a module says them."""

import sys
from dataclasses import dataclass

import jaxtyping
import numpy as np
import pytest
from jaxtyping import AbstractArray, Float

from interpret.core.rank_correlation import weighted_spearman
from interpret.core.scripts import is_mark


def test_a_wrong_type_is_refused():
    with pytest.raises(Exception, match="is_mark") as refused:
        is_mark(3)
    assert type(refused.value).__module__.startswith("beartype")


def test_axes_that_do_not_fit_are_refused():
    rows, once = np.arange(3.0), np.ones((1, 3))
    assert weighted_spearman(rows, rows, once) == pytest.approx(1)
    with pytest.raises(Exception, match=r"weighted_spearman.*size of dimension row is 4") as refused:
        weighted_spearman(rows, np.arange(4.0), once)
    assert type(refused.value).__module__.startswith("beartype")


def test_axes_of_what_comes_back_and_of_a_results_fields_are_those_of_the_rest():
    # As the hook has it in a module that says axes.
    checked = jaxtyping.jaxtyped(typechecker=None)

    @checked
    def shortened(rows: Float[np.ndarray, " row"], count: int) -> Float[np.ndarray, " row"]:
        return rows[count:]

    @checked
    @dataclass
    class Result:
        rows: Float[np.ndarray, " row"]
        of_rows: Float[np.ndarray, "row width"]

    assert len(shortened(np.zeros(3), 0)) == len(Result(np.zeros(3), np.zeros((3, 2))).rows) == 3
    # Each call has its own axes.
    assert len(shortened(np.zeros(4), 0)) == 4
    for work in (lambda: shortened(np.zeros(3), 1), lambda: Result(np.zeros(3), np.zeros((2, 3)))):
        with pytest.raises(Exception, match="size of dimension row is 2"):
            work()


def test_no_module_takes_an_array_type_from_another():
    """It would say axes without a word of jaxtyping in it, and share those of whoever calls it."""
    from interpret.finetuning import trainer  # with nearly all others

    assert trainer.FineTuner
    found = [
        f"{name}.{what}"
        for name, module in sorted(sys.modules.items())
        if name.startswith("interpret.")
        for what, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, AbstractArray) and not _names_jaxtyping(module)
    ]
    assert found == []


def _names_jaxtyping(module) -> bool:
    with open(module.__file__, encoding="utf-8") as file:
        return "jaxtyping" in file.read()
