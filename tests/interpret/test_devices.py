"""Devices, their locks and their limits."""

import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import torch

import interpret as it
from interpret.device_lock import device_lock, hold
from interpret.devices import choose_precision, find_device


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
    assert device_lock("cpu") is device_lock("cpu")
    assert device_lock("cpu") is not device_lock("cuda:0")


def test_a_held_device_keeps_other_threads_out():
    order = []

    def other():
        with hold("test-device"):
            order.append("other")

    with hold("test-device"), hold("test-device"):
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
    with pytest.raises(it.CapacityError, match="cpu ran out of memory. Use a shorter text"), hold("cpu"):
        raise error
    with hold("cpu"):
        pass


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"), hold("cpu"):
        raise RuntimeError("shapes do not match")


def test_importing_the_library_or_the_first_page_loads_nothing_heavy():
    modules = ["models", "text_input", "windows", "attention_view", "export", "notices"]
    code = "\n".join(
        (
            "import sys, interpret, dashboard.cache, dashboard.components.explorer, dashboard.figures.attention",
            *(f"import dashboard.widgets.{name}" for name in modules),
            "print([name for name in ('torch', 'transformers', 'captum', 'scipy') if name in sys.modules])",
        )
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    for name in it.__all__:
        assert getattr(it, name) is not None
    # A module of the same name would take a function's place as soon as it is imported.
    assert not {path.stem for path in Path(it.__file__).parent.iterdir()} & set(it.__all__)
    with pytest.raises(AttributeError):
        it.nothing_of_the_kind


def test_bfloat16_is_near_float32(minilm):
    half = it.load_encoder("minilm", device="cpu", precision="bfloat16")
    text = "The animal didn't cross the street because it was too tired."
    exact, rough = it.trace(minilm, text), it.trace(half, text)
    # bfloat16 keeps 8 bits; errors of a few of its steps add up over six layers.
    assert abs(exact.attention - rough.attention).max() < 0.05
    assert abs(exact.attention - rough.attention).max() > 1e-6
    assert rough.attention.dtype == "float32"
