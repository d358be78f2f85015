"""Families that are read by one line each: beside transformers' own eager code, through training, and out again."""

import re

import numpy as np
import pytest
import torch
import transformers as tf
from sentence_transformers import SentenceTransformer

import interpret as it
from interpret.attention.qkv import attention_steps
from interpret.core.families import FAMILIES
from tests.families.heads import HEADS, NONE_SUCH
from tests.tiny import MORE_FAMILIES, make_checkpoint

FIRST, SECOND = "the river bank was steep and tired", "money lent it because"
ROWS = "text,label\n" + "".join(f"the bank was {word} {i},{word}\n" for i in range(8) for word in ("rich", "steep"))
# Those that are in the tests of every subject too, and have code of their own here, besides.
SUITE = (*MORE_FAMILIES, "mpnet", "deberta-v2")

pytestmark = pytest.mark.parametrize("family", SUITE)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("families")
    return {one: make_checkpoint(one, root / one) for one in SUITE}


@pytest.fixture
def folder(folders, family):
    return folders[family]


@pytest.fixture
def encoder(folder):
    return it.load_encoder(str(folder), device="cpu")


def eager(folder, kind=tf.AutoModel):
    return kind.from_pretrained(folder, attn_implementation="eager").eval()


def test_a_trace_is_the_models_own_and_each_weight_is_computed_as_it_says(folder, encoder, family):
    trace = it.trace(encoder, FIRST, SECOND)
    with torch.no_grad():
        right = eager(folder)(**encoder.batch([trace.tokens]), output_attentions=True, output_hidden_states=True)
    np.testing.assert_allclose(trace.attention, torch.cat(right.attentions).numpy(), atol=1e-5)
    np.testing.assert_allclose(trace.hidden, torch.cat(right.hidden_states).numpy(), atol=1e-4)
    assert (trace.bias is not None) == FAMILIES[family].relative
    weights = np.einsum("lhqd,lhkd->lhqk", trace.query, trace.key) * trace.scaling[:, None, None, None]
    if trace.bias is not None:
        weights += trace.bias
    weights = np.exp(weights - weights.max(-1, keepdims=True))
    np.testing.assert_allclose(weights / weights.sum(-1, keepdims=True), trace.attention, atol=1e-5)
    # Through the projection, the residual and the norm, to what the layer has.
    for layer in range(encoder.layers):
        steps = attention_steps(encoder, trace, layer, 1, 3)
        assert max(steps.errors.values()) < 1e-4, (layer, steps.errors)
    # And with a head taken out, as where its output is nothing.
    out = it.attention.ablate(encoder, FIRST, None, [(1, 2)])
    assert out.distance[:2].max() < 1e-5 < out.distance[2:].max()


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_answers_as_transformers_does_and_is_explained(tmp_path, family, kind):
    if (family, kind) in NONE_SUCH:
        with pytest.raises(ValueError, match="Unrecognized configuration class"):
            make_checkpoint(family, tmp_path / "none", loader=HEADS[kind])
        return
    folder = make_checkpoint(family, tmp_path / kind, loader=HEADS[kind])
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.task.kind == kind
    pair = SECOND if kind == "span" else None
    tokens = encoder.tokens(FIRST, pair)
    with torch.no_grad():
        right = eager(folder, HEADS[kind])(**encoder.batch([tokens]))
        ours = encoder.forward([tokens], task=True)
    for name in ("start_logits", "end_logits") if kind == "span" else ("logits",):
        np.testing.assert_allclose(ours[name].numpy(), right[name].numpy(), atol=1e-4)
    if kind == "masked words":
        # The head by itself reads the last states, as the logit lens has it read those of every layer.
        with torch.no_grad():
            states = encoder.forward([tokens]).last_hidden_state[0]
            np.testing.assert_allclose(encoder.guess(states).numpy(), right.logits[0].numpy(), atol=1e-4)
        return
    # Integrated gradients add up to what the answer changes by (Sundararajan et al. 2017, proposition 1).
    explained = it.attribute(encoder, FIRST, pair, method="integrated_gradients")
    change = explained.output - explained.baseline_output
    assert explained.scores.sum() == pytest.approx(change, abs=max(0.02 * abs(change), 1e-3))


def test_frozen_is_frozen_and_what_was_trained_is_read_by_all(folder, encoder, tmp_path):
    recipe = it.Recipe(
        model=str(folder),
        frozen=("embeddings", "0"),
        head="own",
        epochs=2,
        learning_rate=1e-2,
        batch_size=4,
        device="cpu",
    )
    run = it.finetune(tmp_path / "run", it.runs.Request(recipe, "rows", "rows.csv"), ROWS.encode())
    assert run.state == "done", run.error
    # Every weight of the embeddings and of the first layer is as it was, bit for bit; of the last layer not one matrix.
    theirs = tf.AutoModelForSequenceClassification.from_pretrained(run.model).eval()
    before, after = encoder.model.state_dict(), theirs.base_model.state_dict()
    layers = encoder.family.layers
    frozen = re.compile(rf"{re.escape(encoder.family.embeddings)}\.|{re.escape(layers)}\.0\.")
    assert {name for name in before if frozen.match(name) and not torch.equal(before[name], after[name])} == set()
    moved = [name for name in before if name.startswith(f"{layers}.{encoder.layers - 1}.") and before[name].ndim == 2]
    # Another language's adapter sees no text.
    moved = [name for name in moved if "zh_CN" not in name]
    assert moved
    assert {name for name in moved if torch.equal(before[name], after[name])} == set()
    trained = it.load_encoder(str(run.model), device="cpu")
    tokens = trained.tokens(FIRST)
    with torch.no_grad():
        np.testing.assert_allclose(
            trained.forward([tokens], task=True).logits.numpy(),
            theirs(**trained.batch([tokens])).logits.numpy(),
            atol=1e-4,
        )
    it.embeddings.save_sentence_transformer(trained, tmp_path / "sentences")
    ours = it.embed(trained, [FIRST, SECOND], [-1]).at(trained.layers)
    peer = SentenceTransformer(str(tmp_path / "sentences"), device="cpu").encode([FIRST, SECOND])
    np.testing.assert_allclose(peer, ours, atol=1e-4)


def test_with_adapters_it_learns_too(folder, tmp_path):
    recipe = it.Recipe(model=str(folder), lora_rank=2, epochs=1, learning_rate=1e-2, batch_size=4, device="cpu")
    run = it.finetune(tmp_path / "run", it.runs.Request(recipe, "rows", "rows.csv"), ROWS.encode())
    assert run.state == "done", run.error
    assert 0 < run.facts["trainable"] < run.facts["parameters"]
