"""What tests call is checked: types everywhere, and axes where a module says them."""

import numpy as np
import pytest

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
