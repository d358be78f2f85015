"""The make-believe cards themselves: they refuse what CUDA refuses, count, and leave no trace."""

import threading

import numpy as np
import pytest
import torch

import interpret as it
import interpret.core.devices
from interpret.core.device_lock import lock_device
from tests.device.believe import NAMES, Cards, MixedError, OnCard, believing

A, B = NAMES


@pytest.fixture
def ours(cards):
    """Cards on which the test itself computes."""
    with cards.unwatched():
        yield cards


def test_what_cuda_refuses_is_refused(ours):
    here, there = torch.ones(3).to(A), torch.ones(3).to(B)
    for mixed in (
        lambda: here + torch.ones(3),
        lambda: here + there,
        lambda: here * torch.ones((), device=B),
        lambda: torch.ones(3)[torch.zeros(2, dtype=torch.int64, device=A)],
        lambda: torch.cat([here, torch.ones(3)]),
        lambda: here + torch.ones(3, device="meta"),
    ):
        with pytest.raises(MixedError):
            mixed()
    for to_numpy in (here.numpy, lambda: np.asarray(here)):
        with pytest.raises(TypeError, match="numpy"):
            to_numpy()


def test_what_cuda_takes_is_taken(ours):
    here = torch.arange(6.0, device=A).reshape(2, 3)
    assert (here + torch.tensor(1.0)).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert here[torch.tensor([1])].tolist() == [[3, 4, 5]]
    assert here[:, [2]].tolist() == [[2], [5]]
    assert here.to(B).device == torch.device(B)
    assert here.cpu().device.type == "cpu"
    model = torch.nn.Linear(3, 1).to(A)
    model(here).sum().backward()
    assert model.weight.grad.tolist() == [[3, 5, 7]]
    assert isinstance(model.weight, torch.nn.Parameter)


def test_tied_weights_stay_tied(ours):
    first, second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    second.weight = first.weight
    both = torch.nn.ModuleList([first, second]).to(A)
    assert both[0].weight is both[1].weight


def test_copies_and_waits_are_counted(ours):
    ours.reset()
    pinned = torch.ones(3).pin_memory()
    here = pinned.to(A, non_blocking=True)
    torch.ones(3).to(A)
    here.sum().item()
    here.cpu()
    here[here > 0]
    later = here.to("cpu", non_blocking=True)
    assert later.isnan().all(), "who does not wait has nothing"
    here.tolist()
    assert later.tolist() == [1, 1, 1]
    counts = {name: count for name, count in ours.counts.items() if name not in ("allocations", "kernels")}
    assert counts == {"to card": 2, "pinned": 1, "item": 1, "to host": 1, "sizes": 1, "to host later": 1, "tolist": 1}
    assert ours.waits == 4


def test_memory_is_counted_once_for_all_views_and_runs_out(ours):
    before = ours.live[A]
    here = torch.zeros(1000, device=A)
    view = here[10:]
    assert ours.live[A] - before == 4000
    del here
    assert ours.live[A] - before == 4000
    del view
    assert ours.live[A] == before
    ours.limit = before + 3999
    with pytest.raises(torch.OutOfMemoryError):
        torch.zeros(1000, device=A)
    assert ours.live[A] == before


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("memory", "out of memory"), ("cublas", "CUBLAS_STATUS_ALLOC_FAILED"), ("cudnn", "CUDNN_STATUS_ALLOC_FAILED")],
)
def test_what_is_to_fail_fails_once(ours, fault, sentence):
    here, kernel = torch.ones(3, 3, device=A), torch.ones(1, 1, 1, 1, device=A)

    def work():
        return (here @ here), torch.nn.functional.conv2d(here[None, None], kernel)

    ours.fail(0, fault)
    with pytest.raises(RuntimeError, match=sentence):
        work()
    work()


def test_work_without_the_lock_is_seen(cards):
    with lock_device(A):
        here = torch.ones(3, device=A)
    assert not cards.outside
    here + here
    assert cards.outside == {"outside of interpret": 1}


def test_threads_that_are_started_meanwhile_have_the_cards_too(ours):
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.ones(2).to(A)))
    thread.start()
    thread.join()
    assert isinstance(found[0], OnCard)


def test_no_trace_is_left():
    def look():
        return (
            interpret.core.devices.available_devices,
            interpret.core.devices.find_device,
            torch.tensor,
            torch.autocast,
            torch.inference_mode,
            threading.Thread.run,
            torch.__future__.get_swap_module_params_on_conversion(),
        )

    before = look()
    with believing(Cards()):
        assert [one.name for one in it.available_devices()][:2] == [A, B]
        assert all(one is not other for one, other in zip(look(), before, strict=True))
    assert look() == before
    assert torch.ones(2).to(A).is_meta
    assert not isinstance(torch.ones(2).to(A), OnCard)
