"""Trainings on cards, without one: on which card, how far ahead of what is told, and what is given back."""

import gc
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, PartialState

import interpret as it
from interpret.core import device_lock
from interpret.core.devices import Device
from interpret.finetuning import command, run_device, training, worker
from interpret.finetuning.data import split_examples
from interpret.finetuning.look_ahead import Ahead
from interpret.finetuning.metrics_log import Evaluation, Step
from interpret.finetuning.trainer import FineTuner
from interpret.finetuning.training import settle_precision, train
from interpret.finetuning.training_arguments import training_arguments

CARDS = {name: Device(name, name, 1, 1, ("float32",)) for name in ("cuda:0", "cuda:1", "cpu")}


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "cuda:1"])
def test_hugging_faces_arguments_sit_on_the_recipes_device(recipe, tmp_path, device):
    try:
        found = training_arguments(recipe, device, tmp_path)
        assert found.device == torch.device(device)
        # One device, whatever else the machine has: else each batch would be spread over all cards.
        assert found.n_gpu == (0 if device == "cpu" else 1)
        assert found.train_batch_size == recipe.batch_size
        # What moves batches and models beside it.
        assert PartialState().device == torch.device(device)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def test_under_accelerate_each_process_takes_its_own_card(monkeypatch):
    """Also of a run that a page made with a card's name."""
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(run_device, "claim", lambda _: pytest.fail("each process has one already"))
    monkeypatch.setattr(run_device, "find_device", CARDS.__getitem__)
    assert run_device.settle_device("cuda:0", own=True) == ("cuda:0", "cuda:2")
    assert run_device.settle_device("cpu", own=False) == ("cpu", "cpu")


def test_a_process_keeps_to_the_card_of_its_first_run(monkeypatch):
    monkeypatch.setattr(run_device, "find_device", lambda name: CARDS["cuda:0" if name in ("auto", "cuda") else name])
    monkeypatch.setattr(run_device, "_claimed", [])
    monkeypatch.setattr(run_device, "claim", lambda name: "cuda:0")
    settle = run_device.settle_device
    # A library's caller may have plans with the other cards.
    assert settle("cuda:1", own=False) == ("cuda:1", "cuda:1")
    assert settle("auto", own=False) == ("cuda:0", "cuda:0")
    # In a process of its own the second card is the first from now on, and still called by its own name.
    assert settle("cuda:1", own=True) == ("cuda:1", "cuda:0")
    assert [settle(name, own=True) for name in ("cuda:1", "auto", "cuda")] == [("cuda:1", "cuda:0")] * 3


def test_of_runs_on_several_cards_each_process_sees_them_all_until_it_takes_its_own(monkeypatch):
    devices = {"a": "cuda:0", "b": "cuda:1", "c": "cuda:0"}

    def read(folder):
        return SimpleNamespace(request=SimpleNamespace(recipe=it.Recipe(device=devices[folder.name])))

    def go_on(folder):
        # As the first run of a process does.
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
        here.append(folder.name)
        return 0

    def run(words, env):
        apart.append((Path(words[-1]).name, env["CUDA_VISIBLE_DEVICES"]))
        return SimpleNamespace(returncode=2)

    here, apart = [], []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    monkeypatch.setattr(command, "read_run", read)
    monkeypatch.setattr(command, "_go_on", go_on)
    monkeypatch.setattr(command.subprocess, "run", run)
    assert list(command._go_on_all([Path(name) for name in devices])) == [0, 2, 0]
    assert (here, apart) == (["a", "c"], [("b", "3,5")])


def test_nothing_asks_the_driver_before_a_run_takes_its_card(folder, rows, tmp_path):
    """Importing all of it, reading the file, planning: whoever asks first has CUDA see every card for good."""
    (tmp_path / "rows.csv").write_bytes(rows)
    code = f"""
import os, sys
import torch

def refuse(*_):
    raise AssertionError("the driver was asked")

def is_available():
    if os.environ.get("PYTORCH_NVML_BASED_CUDA_CHECK") != "1":
        refuse()
    # Others would go on to a card that this PyTorch has no code for.
    return "interpret" in sys._getframe(1).f_code.co_filename

torch.cuda.is_available, torch.cuda.device_count, torch.cuda.mem_get_info = is_available, lambda: 2, refuse
from interpret.core import devices
from interpret.finetuning import __main__ as terminal, command, run_device, worker

devices._by_nvml = lambda index: ("A card", 1 << 34, 1 << 33, (9, 0))
worker.get_ready()

def claim(name):
    print("claimed", name)
    os._exit(3)

run_device.claim = claim
terminal.main(["--data", {str(tmp_path / "rows.csv")!r}, "--label", "kind", "--out", {str(tmp_path / "run")!r},
               "--model", {str(folder)!r}, "--device", "cuda:1", "--epochs", "1"])
"""
    done = subprocess.run([sys.executable, "-u", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "claimed cuda:1\n"), done.stderr[-3000:]


def test_one_process_under_accelerate_needs_no_group(recipe, tmp_path, monkeypatch):
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *_, **__: pytest.fail("a group of one"))
    try:
        assert training_arguments(recipe, "cpu", tmp_path).device == torch.device("cpu")
        assert training_arguments(recipe, "cuda:0", tmp_path).device == torch.device("cuda:0")
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def test_a_loss_that_is_no_number_in_one_process_is_none_in_all(folder, recipe, examples, monkeypatch):
    """Else the others would wait for the one that has ended."""
    reduced = []

    def all_reduce(loss):
        reduced.append(float(loss))
        # The second process has as much, until its third step.
        loss.mul_(2 if len(reduced) < 3 else float("nan"))

    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    step = FineTuner.training_step

    def of_two(self, *given):
        with monkeypatch.context() as patch:
            patch.setattr(type(self.args), "world_size", 2)
            return step(self, *given)

    monkeypatch.setattr(FineTuner, "training_step", of_two)
    told = []
    with pytest.raises(it.InputError, match="became NaN or infinite at step 3"):
        train(recipe, examples, *split_examples(examples), lambda what, _steps: told.append(what))
    np.testing.assert_allclose([one.loss for one in told], reduced[:2], rtol=1e-6)


def test_no_snapshot_is_taken_of_what_is_no_number(folder, recipe, examples, monkeypatch, tmp_path, told_late):
    learned, judged = split_examples(examples)
    loss = FineTuner.compute_loss

    def breaks(self, model, inputs, *more, **named):
        found = loss(self, model, inputs, *more, **named)
        return found * (np.nan if self.state.global_step == 2 else 1.0)

    monkeypatch.setattr(FineTuner, "compute_loss", breaks)
    monkeypatch.setattr("interpret.finetuning.trainer.snapshot_steps", lambda *_: (2, 3))
    place = tmp_path / "checkpoints"
    place.mkdir()
    with pytest.raises(it.InputError, match="became NaN or infinite at step 3"):
        train(replace(recipe, snapshots=2), examples, learned, judged, None, None, place)
    assert [one.name for one in (tmp_path / "snapshots").iterdir()] == ["2.safetensors"]


def test_what_bfloat16_was_measured_with_is_given_back(folder, recipe, monkeypatch):
    card = Device("cuda:1", "new", 1, 1, ("float32", "bfloat16"))
    monkeypatch.setattr(training, "find_device", lambda _: card)
    loaded, released = [], []

    def load(name, device):
        encoder = it.load_encoder(name, "cpu")
        loaded.append(weakref.ref(encoder.model))
        # As modules do that know each other.
        encoder.model.itself = encoder
        return encoder

    monkeypatch.setattr(training, "load_encoder", load)
    monkeypatch.setattr(training, "release", lambda: released.append([one() for one in loaded]))
    settle_precision(replace(recipe, precision="auto", device="cuda:1"), ["the bank", "the river"])
    assert released == [[None]]


def test_batches_are_made_ahead_in_their_order_by_one_thread():
    made, threads = [], set()

    def source():
        for number in range(6):
            made.append(number)
            threads.add(threading.get_ident())
            yield number

    ahead = Ahead(source())
    taken = []
    for number in ahead:
        taken.append(number)
        # At most so many are ready beside the one in hand.
        assert len(made) <= len(taken) + 2
    assert taken == made == list(range(6))
    assert threads == {next(iter(threads))} != {threading.get_ident()}
    with pytest.raises(StopIteration):
        next(Ahead(iter([])))


def test_what_goes_wrong_in_a_batch_is_raised_where_it_is_asked_for():
    def source():
        yield 1
        raise it.InputError("A row is damaged.")

    ahead = Ahead(source())
    assert next(ahead) == 1
    with pytest.raises(it.InputError, match="damaged"):
        next(ahead)


@pytest.fixture
def told_late(monkeypatch):
    monkeypatch.setattr(FineTuner, "behind", 1)


def test_what_is_told_late_is_what_is_told_at_once(folder, recipe, examples, monkeypatch):
    learned, judged = split_examples(examples)
    recipe = replace(recipe, epochs=2)
    said: dict[int, list] = {0: [], 1: []}
    for behind in said:
        monkeypatch.setattr(FineTuner, "behind", behind)
        train(recipe, examples, learned, judged, lambda what, _steps, told=said[behind]: told.append(what))
    assert said[1] == said[0]
    # An epoch's evaluation comes when all of its steps were told.
    kinds = [type(what) for what in said[1]]
    steps = kinds.index(Evaluation)
    assert kinds == [*[Step] * steps, Evaluation] * 2


def test_late_or_not_no_checkpoint_holds_what_is_no_number(folder, recipe, examples, monkeypatch, tmp_path, told_late):
    learned, judged = split_examples(examples)
    monkeypatch.setattr(FineTuner, "should_save", lambda self: True)
    loss = FineTuner.compute_loss

    def breaks(self, model, inputs, *more, **named):
        found = loss(self, model, inputs, *more, **named)
        return found * (np.nan if self.state.global_step == 2 else 1.0)

    monkeypatch.setattr(FineTuner, "compute_loss", breaks)
    told = []
    with pytest.raises(it.InputError, match="became NaN or infinite at step 3"):
        train(recipe, examples, learned, judged, lambda what, _steps: told.append(what), None, tmp_path)
    assert [one.number for one in told if isinstance(one, Step)] == [1, 2]
    assert [one.name for one in tmp_path.glob("checkpoint-*")] == ["checkpoint-2"]


def test_a_run_leaves_no_trainer_behind(recipe, rows, tmp_path, monkeypatch):
    """A sweep's next run would find the memory of the one before taken."""
    trainers = []
    made = FineTuner.__init__

    def seen(self, *given, **named):
        trainers.append(weakref.ref(self))
        made(self, *given, **named)

    monkeypatch.setattr(FineTuner, "__init__", seen)
    released = []
    monkeypatch.setattr(worker, "release", lambda: released.append(sum(one() is not None for one in trainers)))
    gc.disable()
    try:
        request = it.runs.Request(replace(recipe, epochs=1), "short", "rows.csv", label="kind")
        assert it.finetune(tmp_path / "run", request, rows).state == "done"
    finally:
        gc.enable()
    assert released == [0]


def test_the_peak_of_a_run_is_its_own_and_of_its_own_device(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "init", lambda: calls.append("init"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda name: calls.append(f"reset {name}"))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda name: {"cuda:1": 7}[name])
    # A run on the CPU of a machine whose card is at work tells of the process.
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    device_lock.forget_peak("cpu")
    assert device_lock.peak_memory("cpu") > 10**7
    assert calls == []
    device_lock.forget_peak("cuda:1")
    assert device_lock.peak_memory("cuda:1") == 7
    assert calls == ["init", "reset cuda:1"]
