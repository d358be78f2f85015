"""Where attention has moved: nothing, everything, and SciPy's own divergence in between."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

import interpret as it
from tests.tiny import TEXT, make_checkpoint


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    encoders = [
        it.load_encoder(str(make_checkpoint("bert", tmp_path_factory.mktemp(f"m{seed}"), seed=seed)), device="cpu")
        for seed in (0, 1)
    ]
    return [it.trace(encoder, TEXT) for encoder in encoders]


def test_it_is_the_square_of_scipys_distance(traces):
    one, other = traces
    expected = jensenshannon(one.attention, other.attention, base=2, axis=-1) ** 2
    np.testing.assert_allclose(it.finetuning.attention_drift(one, other), expected.mean(axis=-1), atol=1e-6)
    np.testing.assert_allclose(it.finetuning.attention_drift(one, one), 0, atol=1e-6)
    # To and fro is the same.
    np.testing.assert_allclose(
        it.finetuning.attention_drift(other, one), it.finetuning.attention_drift(one, other), atol=1e-6
    )


def test_looking_at_nothing_that_was_looked_at_is_one_bit(traces):
    one = traces[0]
    count = one.attention.shape[-1]
    left, right = np.zeros_like(one.attention), np.zeros_like(one.attention)
    left[..., 0] = right[..., 1] = 1
    assert count > 2
    np.testing.assert_allclose(
        it.finetuning.attention_drift(replace(one, attention=left), replace(one, attention=right)), 1
    )


def test_other_texts_are_refused(traces, tmp_path):
    encoder = it.load_encoder(str(make_checkpoint("bert", tmp_path)), device="cpu")
    for text in ("the river", TEXT.replace("river", "bank")):
        with pytest.raises(it.InputError, match="the same text by two models of the same shape"):
            it.finetuning.attention_drift(traces[0], it.trace(encoder, text))
