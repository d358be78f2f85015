"""A family is one line: where its parts are called as BERT's are, a checkpoint of it is read whole."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.families import FAMILIES, Family
from tests import tiny

TEXT = "the river bank was steep"


@pytest.fixture
def added(monkeypatch):
    """The one line."""
    parts = ("embeddings", "encoder.layer", "attention.output.dense", "attention.output.LayerNorm")
    monkeypatch.setitem(FAMILIES, "layoutlm", Family("LayoutLM", *parts))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setitem(tiny.FAMILIES, "layoutlm", (tf.LayoutLMConfig, "wordpiece", {}))
    return str(tiny.make_checkpoint("layoutlm", tmp_path / "layoutlm"))


def test_without_it_the_architecture_is_refused_by_its_name(folder):
    with pytest.raises(it.CheckpointError, match="layoutlm"):
        it.load_encoder(folder, "cpu")


def test_with_it_a_trace_has_the_model_s_own_attention_and_what_it_is_made_of(added, folder):
    trace = it.trace(it.load_encoder(folder, "cpu"), TEXT)
    model = tf.LayoutLMModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = tf.AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")
    with torch.no_grad():
        right = model(**inputs, output_attentions=True, output_hidden_states=True)
    np.testing.assert_allclose(trace.attention, torch.cat(right.attentions).numpy(), atol=1e-5)
    np.testing.assert_allclose(trace.hidden, torch.cat(right.hidden_states).numpy(), atol=1e-4)
    # Queries and keys are there, and are not each other: softmax(q · k / √d) is the attention.
    weights = np.einsum("lhqd,lhkd->lhqk", trace.query, trace.key) / np.sqrt(trace.query.shape[-1])
    weights = np.exp(weights - weights.max(-1, keepdims=True))
    np.testing.assert_allclose(weights / weights.sum(-1, keepdims=True), trace.attention, atol=1e-5)
