"""What a card copies to the host, without one: into which memory, and what is handed on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interpret.core import host_copies as module
from interpret.core.devices import find_device
from interpret.core.host_copies import copy_to_host, host_buffer

CARD = torch.device("cuda:1")


@pytest.fixture
def pinned(monkeypatch):
    """Sizes in bytes of what was asked to stay in its place; of the card's driver there is nothing here."""
    sizes, empty = [], torch.empty

    def made(*shape, pin_memory=False, **named):
        found = empty(*shape, **named)
        if pin_memory:
            sizes.append(found.nbytes)
        return found

    monkeypatch.setattr(torch, "empty", made)
    return sizes


def test_a_card_copies_into_memory_that_stays_and_what_is_handed_on_is_elsewhere(pinned):
    found = host_buffer((3, 4), torch.float32, CARD)
    assert pinned == [48]
    found.tensor.fill_(1)
    array = found.array()
    found.tensor.fill_(2)
    # PyTorch gives such memory to the next copy.
    np.testing.assert_array_equal(array, np.ones((3, 4)))


def test_on_a_processor_nothing_is_copied_twice(pinned):
    found = host_buffer((3, 4), torch.float32, torch.device("cpu"))
    assert pinned == []
    assert np.shares_memory(found.array(), found.tensor.numpy())


@pytest.mark.parametrize("free", [1 << 40, 1 << 20])
def test_of_the_hosts_memory_only_a_small_part_is_kept_in_its_place(monkeypatch, pinned, free):
    monkeypatch.setattr(module, "find_device", lambda _: replace(find_device("cpu"), free=free))
    # 512 MiB at most, and a quarter of what is free.
    most = min(1 << 29, free // 4)
    monkeypatch.setattr(module.np, "empty", lambda *_: np.zeros(0, np.uint8))
    assert not host_buffer((most + 1,), torch.uint8, CARD).fixed
    assert host_buffer((most,), torch.uint8, CARD).fixed
    assert pinned == [most]


def test_where_the_system_has_no_more_of_it_usual_memory_serves(monkeypatch):
    def full(*_shape, pin_memory=False, **named):
        if pin_memory:
            raise RuntimeError("CUDA error: out of memory")
        return torch.zeros(0, **named)

    monkeypatch.setattr(torch, "empty", full)
    found = host_buffer((2, 3), torch.bool, CARD)
    assert (found.fixed, found.tensor.shape, found.tensor.dtype) == (False, (2, 3), torch.bool)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_layers_land_one_after_another_in_float32(dtype):
    layers = [torch.randn(2, 3).to(dtype).requires_grad_() for _ in range(4)]
    found = copy_to_host(layers).array()
    # The oracle is PyTorch's own conversion.
    np.testing.assert_array_equal(found, torch.stack(layers).detach().float().numpy())
    assert found.dtype == np.float32
