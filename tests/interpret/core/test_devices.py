"""Devices, their locks and their limits."""

import subprocess
import sys
import threading

import psutil
import pytest
import torch

import interpret as it
from interpret.core.device_lock import lock_device
from interpret.core.device_queue import device_queue
from interpret.core.devices import choose_precision, find_device


def test_the_cpu_is_listed_with_the_machines_memory():
    cpu = it.available_devices()[-1]
    assert cpu.name == "cpu"
    assert cpu.total == psutil.virtual_memory().total
    assert abs(cpu.free - psutil.virtual_memory().available) < 0.2 * cpu.total


def test_names_of_devices_and_precisions_are_checked():
    with pytest.raises(it.InputError, match="no device “cuda:9” on this machine. It has: .*cpu"):
        find_device("cuda:9")
    cpu = find_device("cpu")
    assert choose_precision("auto", cpu) == "float32"
    with pytest.raises(it.InputError, match="cpu does not compute in “float16”"):
        choose_precision("float16", cpu)


def test_one_lock_for_a_device_and_another_for_another():
    assert device_queue("cpu") is device_queue("cpu")
    assert device_queue("cpu") is not device_queue("cuda:0")


def test_a_held_device_keeps_other_threads_out():
    order = []

    def other():
        with lock_device("test-device"):
            order.append("other")

    with lock_device("test-device"), lock_device("test-device"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"),
    ],
)
def test_running_out_of_memory_is_a_sentence_and_the_lock_is_free_again(error):
    with pytest.raises(it.CapacityError, match="cpu ran out of memory. Use a shorter text"), lock_device("cpu"):
        raise error
    with lock_device("cpu"):
        pass


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"), lock_device("cpu"):
        raise RuntimeError("shapes do not match")


def test_importing_the_library_or_the_first_page_loads_nothing_heavy():
    modules = ["models", "text_input", "windows", "attention_view", "export", "notices"]
    code = "\n".join(
        (
            "import sys, interpret, dashboard.cache, dashboard.components.explorer, pages.attention.attention_figures",
            *(f"import dashboard.widgets.{name}" for name in modules),
            "print([name for name in ('torch', 'transformers', 'captum', 'scipy') if name in sys.modules])",
        )
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ROOMS = ("attention", "attribution", "embeddings", "finetuning", "pretraining", "runs")


@pytest.mark.parametrize("package", [it, *(getattr(it, name) for name in ROOMS)], ids=lambda one: one.__name__)
def test_every_public_name_is_there(package):
    assert len(package.__all__) > 10
    assert dir(package) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = package.nothing_of_the_kind


def test_no_name_is_public_twice():
    names = [name for package in (it, *(getattr(it, room) for room in ROOMS)) for name in package.__all__]
    assert len(set(names)) == len(names)


def test_a_module_takes_no_function_s_place():
    """Whichever comes first: the module that is called like the function in it, or the function."""
    code = (
        "import interpret as it, interpret.pretraining.next_sentence\n"
        "from interpret.attribution.interactions import interactions\n"
        "assert it.attribution.interactions is interactions\n"
        "assert it.next_sentence.__module__ == 'interpret.pretraining.next_sentence'\n"
        "assert it.attention is interpret.attention and it.attention.rollout\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_bfloat16_is_near_float32(minilm):
    half = it.load_encoder("minilm", device="cpu", precision="bfloat16")
    text = "The animal didn't cross the street because it was too tired."
    exact, rough = it.trace(minilm, text), it.trace(half, text)
    # bfloat16 keeps 8 bits; errors of a few of its steps add up over six layers.
    assert abs(exact.attention - rough.attention).max() < 0.05
    assert abs(exact.attention - rough.attention).max() > 1e-6
    assert rough.attention.dtype == "float32"
