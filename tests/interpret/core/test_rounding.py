"""How far bfloat16 moves a model, beside the vectors themselves; and when it is used without being asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import interpret as it
from interpret.core.devices import Device, find_device
from interpret.core.rounding import LEAST_COSINE, Rounding, fast_precision, measure_rounding
from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.training import settle_precision, train

TEXTS = ["the bank said it was rich", "the river", "it was tired " * 40, "a bank"]
CARD = Device("cuda:1", "new", 1, 1, ("float32", "bfloat16"))


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2"])
def test_cosines_are_those_of_the_vectors_in_either_precision(tiny_folders, family):
    exact, rough = (it.load_encoder(str(tiny_folders[family]), "cpu", one) for one in ("float32", "bfloat16"))
    texts = [text for text in TEXTS if len(text) < 100]
    found = measure_rounding(exact, texts, rough)
    # By NumPy, of what embedding them gives.
    one, other = (it.embed(each, texts, pooling="mean", prompt="").vectors for each in (exact, rough))
    wanted = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    np.testing.assert_allclose(found.cosines, wanted, atol=2e-4)
    assert found.lowest == pytest.approx(wanted.min(), abs=2e-4)
    assert found.lowest < 1 - 1e-7


def test_mixed_precision_is_measured_as_it_is_trained_in(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), "cpu")
    found = measure_rounding(encoder, TEXTS[:2])
    tokens = [encoder.tokens(TEXTS[0])]
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder.forward(tokens).last_hidden_state.float().mean(1)
    exact = encoder.forward(tokens).last_hidden_state.mean(1)
    assert found.cosines[-1, 0] == pytest.approx(float(torch.cosine_similarity(exact, rough)), abs=1e-5)
    # Embeddings are looked up, and no product is made of them.
    np.testing.assert_allclose(found.cosines[0], 1, atol=1e-6)


def test_long_texts_and_many_are_read_in_part(minilm):
    found = measure_rounding(minilm, ["a river " * 400] + [f"text {i}" for i in range(200)])
    assert found.cosines.shape == (7, 32)


@pytest.mark.parametrize(("lowest", "small"), [(LEAST_COSINE, True), (LEAST_COSINE - 1e-3, False)])
def test_what_is_small(lowest, small):
    assert Rounding(np.array([[1.0, lowest + 1e-6]], np.float32)).small == small


def test_only_cards_that_multiply_it_are_fast_in_it():
    assert fast_precision(CARD) == "bfloat16"
    # PyTorch emulates it on older cards, and on processors float32 is as fast for a few texts and exact.
    assert fast_precision(replace(CARD, precisions=("float32", "float16"))) == "float32"
    assert fast_precision(find_device("cpu")) == "float32"
    assert fast_precision(Device("mps", "Apple GPU", 1, 1, ("float32", "float16"))) == "float32"


@pytest.mark.parametrize(("lowest", "wanted"), [(0.9999, "bfloat16"), (0.9, "float32")])
def test_a_training_on_a_card_is_mixed_where_that_moves_little(tiny_folders, monkeypatch, lowest, wanted):
    seen = []

    def load(model, device):
        seen.append(device)
        return it.load_encoder(model, "cpu")

    def measured(_encoder, texts):
        seen.append(tuple(texts))
        return Rounding(np.array([[lowest]], np.float32))

    place = "interpret.finetuning.training"
    monkeypatch.setattr(f"{place}.find_device", lambda name: CARD if name == "cuda:1" else find_device(name))
    monkeypatch.setattr(f"{place}.load_encoder", load)
    monkeypatch.setattr(f"{place}.measure_rounding", measured)
    recipe = it.Recipe(str(tiny_folders["bert"]), device="cuda:1")
    assert settle_precision(recipe, TEXTS) == wanted
    assert seen == ["cuda:1", tuple(TEXTS)]
    # What is asked for is done, and on the CPU nothing is measured.
    seen.clear()
    assert settle_precision(replace(recipe, precision="float32"), TEXTS) == "float32"
    assert settle_precision(replace(recipe, precision="bfloat16"), TEXTS) == "bfloat16"
    assert settle_precision(replace(recipe, device="cpu"), TEXTS) == "float32"
    assert seen == []


def test_left_open_a_training_on_the_cpu_is_that_in_float32(tiny_folders):
    texts = tuple(f"{('the bank', 'a river')[i % 2]} {i}" for i in range(12))
    examples = Examples("classes", texts, None, tuple("ab"[i % 2] for i in range(12)), tuple(range(12)), 0)
    recipe = it.Recipe(str(tiny_folders["bert"]), epochs=1, learning_rate=1e-3, batch_size=4, device="cpu")
    assert recipe.precision == "auto"
    done = [
        train(one, examples, *split_examples(examples)).steps for one in (recipe, replace(recipe, precision="float32"))
    ]
    assert done[0] == done[1]
