"""Rows of a file that go through the model together say what each says alone."""

import numpy as np
import pytest
import transformers as tf

import interpret as it
from interpret.core.arrays import read_only
from interpret.core.linear_head import LinearHead
from tests.tiny import FAMILIES, make_checkpoint

# Of other lengths, so that most are padded.
SOME = ("the river bank was steep", "money", "the animals said because", "river river bank money was steep and tired")


@pytest.fixture
def encoder(tiny_folders, request):
    return it.load_encoder(str(tiny_folders[request.param]), device="cpu")


@pytest.fixture
def guesser(tmp_path):
    folder = make_checkpoint("bert", tmp_path / "bert", loader=tf.AutoModelForMaskedLM)
    return it.load_encoder(str(folder), device="cpu")


@pytest.mark.parametrize("method", ["integrated_gradients", "saliency", "input_x_gradient", "occlusion"])
@pytest.mark.parametrize("encoder", FAMILIES, indirect=True)
def test_rows_of_one_pass_say_what_each_says_alone(encoder, method):
    """Texts of other lengths stand beside each, padded: a pass of many is that of one but for rounding."""
    head = LinearHead(("a", "b"), *_linear(encoder.width))
    found = it.attribution.attribute_rows(encoder, SOME, head=head, method=method)
    for row, text in zip(found.rows, SOME, strict=True):
        alone = it.attribute(encoder, text, head=head, method=method)
        assert row.attribution.target == alone.target
        assert row.attribution.steps == alone.steps
        # DeBERTa reads a word by a norm, which no factor changes: of input times gradient nothing is left but rounding.
        scale = max(np.abs(alone.scores).max(), 1e-2)
        np.testing.assert_allclose(row.attribution.scores, alone.scores, atol=1e-3 * scale)
        np.testing.assert_allclose(row.attribution.baseline_output, alone.baseline_output, atol=1e-4)


def test_targets_that_differ_from_row_to_row_are_not_read_off_each_other(guesser):
    """A mask stands elsewhere in each text, and another class is predicted for each."""
    masked = ["the [MASK] was steep", "the river bank was [MASK]", "money [MASK] said"]
    found = it.attribution.attribute_rows(guesser, masked, method="saliency")
    for row, text in zip(found.rows, masked, strict=True):
        alone = it.attribute(guesser, text, method="saliency")
        assert row.attribution.target == alone.target
        np.testing.assert_allclose(row.attribution.scores, alone.scores, rtol=1e-3, atol=1e-6)


def _linear(width):
    draw = np.random.default_rng(3)
    return read_only(draw.normal(size=(2, width)), np.float32), read_only(draw.normal(size=2), np.float32)
