"""Trainings on cards, without one: on which card, how far ahead of what is told, and what is given back."""

import gc
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, PartialState

import interpret as it
from interpret import devices
from interpret.devices import Device
from interpret.finetuning import worker
from interpret.finetuning.data import split_examples
from interpret.finetuning.told import Evaluation, Step
from interpret.finetuning.trainer import Ahead, FineTuner
from interpret.finetuning.training import _arguments, train


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "cuda:1"])
def test_hugging_faces_arguments_sit_on_the_recipes_device(recipe, tmp_path, device):
    try:
        found = _arguments(recipe, device, tmp_path)
        assert found.device == torch.device(device)
        # One device, whatever else the machine has: else each batch would be spread over all cards.
        assert found.n_gpu == (0 if device == "cpu" else 1)
        assert found.train_batch_size == recipe.batch
        # What moves batches and models beside it.
        assert PartialState().device == torch.device(device)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def test_under_accelerate_each_process_takes_its_own_card(monkeypatch):
    """Also of a run that a page made with a card's name."""
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(worker, "claim", lambda _: pytest.fail("each process has one already"))
    assert worker._inside("cuda:0", own=True) == "cuda:2"
    assert worker._inside("cpu", own=True) == "cpu"


def test_a_process_keeps_to_the_card_of_its_first_run(monkeypatch):
    cards = {name: Device(name, name, 1, 1, ("float32",)) for name in ("cuda:0", "cuda:1", "cpu")}
    monkeypatch.setattr(worker, "find_device", lambda name: cards["cuda:0" if name in ("auto", "cuda") else name])
    monkeypatch.setattr(worker, "_claimed", [])
    monkeypatch.setattr(worker, "claim", lambda name: "cuda:0")
    of = worker._device_of
    assert of("cuda:1") == "cuda:1"
    # A library's caller may have plans with the other cards.
    assert worker._inside("cuda:1", own=False) == "cuda:1"
    assert of("auto") == "cuda:0"
    # In a process of its own the second card is the first from now on, and still called by its own name.
    assert worker._inside("cuda:1", own=True) == "cuda:0"
    assert [of(name) for name in ("cuda:1", "auto", "cuda")] == ["cuda:1"] * 3
    assert worker._inside("cuda:1", own=True) == "cuda:0"


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
    with pytest.raises(it.InputError, match="no number any more at step 3"):
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
        request = it.Request(replace(recipe, epochs=1), "short", "rows.csv", label="kind")
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
    devices.forget_peak("cpu")
    assert devices.peak_memory("cpu") > 10**7
    assert calls == []
    devices.forget_peak("cuda:1")
    assert devices.peak_memory("cuda:1") == 7
    assert calls == ["init", "reset cuda:1"]
