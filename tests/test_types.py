"""What tests call is checked: types everywhere, and axes where a module says them."""

import sys

import numpy as np
import pytest
from jaxtyping import AbstractArray

from interpret.core.rank_correlation import weighted_spearman
from interpret.core.scripts import is_mark


def test_a_wrong_type_is_refused():
    with pytest.raises(Exception, match="is_mark") as refused:
        is_mark(3)
    assert type(refused.value).__module__.startswith("beartype")


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(Exception, match="weighted_spearman") as refused:
        weighted_spearman(np.zeros(3), np.zeros(4), np.ones(3))
    assert type(refused.value).__module__.startswith("jaxtyping")


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
