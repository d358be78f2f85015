"""Cards, without one: a make-believe management library, driver and errors."""

import contextlib
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import interpret as it
from interpret.core import device_lock, devices
from interpret.core.device_lock import lock_device, seeded, synchronize
from interpret.core.device_queue import device_queue
from interpret.core.devices import (
    available_devices,
    claim,
    find_device,
    shown_alone,
    shown_cards,
    silent_devices,
    unstarted,
)
from interpret.finetuning import run_device
from interpret.finetuning.cost import _now

CARDS = [
    {"uuid": "GPU-aaaa", "name": "Large", "total": 80 << 30, "free": 70 << 30, "since": (9, 0)},
    {"uuid": "GPU-bbbb", "name": "Old", "total": 16 << 30, "free": 15 << 30, "since": (7, 5)},
    {"uuid": "GPU-cccc", "name": "Small", "total": 24 << 30, "free": 1 << 30, "since": (8, 6)},
]


class NVMLError(Exception):
    """What NVML raises."""


class Machine:
    """A machine with these cards: what NVML and CUDA say of it, and what was called.

    The driver reads ``CUDA_VISIBLE_DEVICES`` the first time that anything asks it, were it only whether there is a
    card; PyTorch counts by NVML and the variable as it is now until CUDA has started, and later by the driver.
    """

    def __init__(self, monkeypatch, sick=(), nvml=True, starts=True):
        self.sick, self.calls, self.started, self.starts, self.nvml = set(sick), [], False, starts, nvml
        self.read = None
        for name in ("CUDA_VISIBLE_DEVICES", "PYTORCH_NVML_BASED_CUDA_CHECK"):
            # Set first: what was never there is not put back, and what is tested sets it.
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        devices._nvml.cache_clear()
        library = SimpleNamespace(
            NVMLError=NVMLError,
            nvmlInit=lambda: None,
            nvmlDeviceGetHandleByIndex=self.handle,
            nvmlDeviceGetHandleByUUID=lambda uuid: self.handle([one["uuid"] for one in CARDS].index(uuid)),
            nvmlDeviceGetMigMode=lambda card: (0, 0),
            nvmlDeviceGetMemoryInfo=lambda card: SimpleNamespace(**{key: card[key] for key in ("total", "free")}),
            nvmlDeviceGetName=lambda card: card["name"],
            nvmlDeviceGetCudaComputeCapability=lambda card: card["since"],
        )
        if nvml:
            monkeypatch.setitem(sys.modules, "pynvml", library)
        else:
            monkeypatch.setitem(sys.modules, "pynvml", None)
        for name in ("init", "mem_get_info", "get_device_name", "get_device_capability", "get_device_properties"):
            monkeypatch.setattr(torch.cuda, name, self.call(name))
        monkeypatch.setattr(torch.cuda, "is_available", self.is_available)
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: self.started)
        monkeypatch.setattr(torch.cuda, "device_count", self.device_count)
        monkeypatch.setattr(torch._C, "_cuda_getDeviceCount", self.count, raising=False)

    def shown(self, named):
        names = [one["uuid"] for one in CARDS]
        places = range(3) if named is None else [int(one) if one.isdecimal() else names.index(one) for one in named]
        return [CARDS[place] for place in places]

    @property
    def seen(self):
        """The cards that the driver has, in its order, from now on."""
        if self.read is None:
            self.read = self.shown(shown_cards())
        return self.read

    def count(self):
        return len(self.seen) if self.starts else 0

    def is_available(self):
        return (self.device_count() if os.environ.get("PYTORCH_NVML_BASED_CUDA_CHECK") == "1" else self.count()) > 0

    def device_count(self):
        return len(self.shown(shown_cards())) if self.nvml and not self.started else self.count()

    def handle(self, index):
        if index in self.sick:
            raise NVMLError("GPU is lost")
        return CARDS[index]

    def call(self, name):
        def called(index=0):
            self.calls.append(name)
            if name == "init":
                if not self.starts:
                    raise RuntimeError("system not yet initialized")
                self.started = bool(self.seen)
                return None
            card = self.seen[index]
            if CARDS.index(card) in self.sick:
                raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be …")
            return {
                "mem_get_info": (card["free"], card["total"]),
                "get_device_name": card["name"],
                "get_device_capability": card["since"],
                "get_device_properties": SimpleNamespace(uuid=card["uuid"].removeprefix("GPU-")),
            }[name]

        return called


@pytest.fixture(autouse=True)
def _library():
    yield
    devices._nvml.cache_clear()


def test_cards_are_listed_without_a_context_on_any(monkeypatch):
    machine = Machine(monkeypatch)
    found = available_devices()
    assert [one.name for one in found] == ["cuda:0", "cuda:1", "cuda:2", "cpu"]
    assert [(one.description, one.total, one.free) for one in found[:3]] == [
        (one["name"], one["total"], one["free"]) for one in CARDS
    ]
    # bfloat16 is multiplied from compute capability 8.0 on; emulated on older ones, it is no faster.
    assert ["bfloat16" in one.precisions for one in found] == [True, False, True, True]
    assert find_device("cuda").name == find_device("auto").name == "cuda:0"
    assert machine.calls == []


def test_without_nvml_pytorch_is_asked(monkeypatch):
    machine = Machine(monkeypatch, nvml=False)
    assert [one.free for one in available_devices()[:3]] == [one["free"] for one in CARDS]
    assert "mem_get_info" in machine.calls


@pytest.mark.parametrize("nvml", [True, False])
def test_a_sick_card_is_left_out_and_named_and_all_others_work(monkeypatch, nvml):
    Machine(monkeypatch, sick=[0], nvml=nvml)
    assert [one.name for one in available_devices()] == ["cuda:1", "cuda:2", "cpu"]
    assert find_device("auto").name == "cuda:1"
    with pytest.raises(
        it.InputError, match="“cuda:0” does not respond: CUDA error: unspecified launch failure. Choose"
    ):
        find_device("cuda")
    assert list(silent_devices()) == ["cuda:0"]


def test_a_machine_whose_cards_are_all_sick_has_its_cpu(monkeypatch, tiny_folders):
    machine = Machine(monkeypatch, sick=[0, 1, 2])
    assert find_device("auto").name == "cpu"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1 / 0)
    assert [one.name for one in available_devices()] == ["cpu"]
    machine.calls.clear()
    assert it.trace(it.load_encoder(str(tiny_folders["bert"]), "cpu"), "the bank").attention.shape[0] == 3
    assert machine.calls == []


@pytest.mark.parametrize(("shown", "wanted"), [("2,0", ["Small", "Large"]), ("GPU-bbbb", ["Old"]), ("", [])])
def test_what_is_shown_of_the_machine_is_what_is_asked(monkeypatch, shown, wanted):
    Machine(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert [one.description for one in available_devices()[:-1]] == wanted


def test_once_cuda_runs_cards_are_known_by_their_number_alone(monkeypatch):
    machine = Machine(monkeypatch)
    machine.started = True
    # CUDA read the variable when it started: what it says now is nobody's to know.
    machine.read = [CARDS[2], CARDS[0]]
    assert [one.description for one in available_devices()[:-1]] == ["Small", "Large"]


def test_a_process_sees_its_one_card_alone(monkeypatch):
    machine = Machine(monkeypatch)
    unstarted()
    # What a process of its own asks before: which cards there are, what they have free, and whether they serve.
    assert [one.name for one in available_devices()] == ["cuda:0", "cuda:1", "cuda:2", "cpu"]
    assert find_device("cuda:2").free == CARDS[2]["free"]
    assert machine.read is None
    assert claim("cuda:2") == "cuda:0"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2"
    assert find_device("cuda:0").description == "Small"
    # Nothing to choose any more, and from now on it is CUDA that says whether it works.
    assert claim("cuda:0") == "cuda:0"
    assert "PYTORCH_NVML_BASED_CUDA_CHECK" not in os.environ


def test_a_process_for_the_cpu_starts_nothing(monkeypatch):
    machine = Machine(monkeypatch)
    unstarted()
    assert claim("cpu") == "cpu"
    assert (machine.calls, machine.read) == ([], None)


def test_of_cards_that_are_shown_the_one_that_is_meant_is_kept(monkeypatch):
    Machine(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-cccc, GPU-aaaa")
    assert claim("cuda:1") == "cuda:0"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-aaaa"


@pytest.mark.parametrize("before", [None, "1,2"])
def test_where_the_driver_has_read_the_variable_the_card_keeps_its_name(monkeypatch, before):
    Machine(monkeypatch)
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    # As a page does, or any library that asks whether there is a card.
    assert find_device("cuda:1").description == ("Old" if before is None else "Small")
    assert claim("cuda:1") == "cuda:1"
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == before


@pytest.mark.parametrize("shown", [None, "1"])
def test_cuda_that_does_not_start_is_said_of_many_cards_and_of_one(monkeypatch, shown):
    """NVML answers, and CUDA does not: a fabric manager that is down, a container without its devices."""
    Machine(monkeypatch, starts=False)
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    with pytest.raises(it.InputError, match="“cuda:0” does not respond: the driver does not start"):
        find_device("cuda:0")
    unstarted()
    assert find_device("cuda:0").name == "cuda:0"
    with pytest.raises(it.InputError, match="“cuda:0” does not respond: system not yet initialized. Choose"):
        claim("cuda:0")


@pytest.mark.parametrize("shown", [None, "2, GPU-aaaa"])
@pytest.mark.parametrize("started", [False, True])
def test_another_process_is_shown_one_card_alone(monkeypatch, shown, started):
    machine = Machine(monkeypatch)
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    machine.started = started
    alone = shown_alone("cuda:1")
    # By its own number where this process may count otherwise than the next.
    assert alone == ("GPU-aaaa" if shown else "GPU-bbbb" if started else "1")
    other = Machine(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", alone)
    assert [one["name"] for one in other.seen] == ["Large" if shown else "Old"]


def test_a_run_that_takes_what_suits_goes_on_the_cpu_where_cuda_does_not_start(monkeypatch):
    Machine(monkeypatch, starts=False)
    monkeypatch.setattr(run_device, "_claimed", [])
    unstarted()
    assert run_device.settle_device("auto", own=True) == ("cpu", "cpu")
    unstarted()
    with pytest.raises(it.InputError, match="does not respond"):
        run_device.settle_device("cuda:1", own=True)


def test_a_process_that_has_begun_or_is_one_of_several_keeps_its_cards(monkeypatch):
    machine = Machine(monkeypatch)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert claim("cuda:1") == "cuda:1"
    monkeypatch.delenv("WORLD_SIZE")
    machine.started = True
    assert claim("cuda:1") == "cuda:1"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDA error: out of memory",
        "MPS backend out of memory (MPS allocated: 8 GB)",
        "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_every_allocator_that_fails_is_a_sentence(said):
    with pytest.raises(it.CapacityError, match="here ran out of memory"), lock_device("here"):
        raise RuntimeError(said)


@pytest.mark.parametrize("free", [10 << 20, 10 << 30])
@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
        "GET was unable to find an engine: Unable to find an engine to execute this computation",
    ],
)
def test_what_may_have_another_cause_is_one_of_memory_only_where_none_is_left(monkeypatch, said, free):
    Machine(monkeypatch)
    monkeypatch.setitem(CARDS[1], "free", free)
    monkeypatch.setattr(device_lock, "_current", lambda name: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    wanted = it.CapacityError if free < 256 << 20 else RuntimeError
    with pytest.raises(wanted) as raised, lock_device("cuda:1"):
        raise RuntimeError(said)
    assert type(raised.value) is wanted


def test_failed_work_gives_back_what_its_frames_and_circles_held(monkeypatch):
    alive = []

    class Held:
        def __init__(self):
            alive.append(1)
            self.me = self

        def __del__(self):
            alive.pop()

    def work():
        mine = Held()
        with lock_device("here"):
            deeper()
        return mine

    def deeper():
        mine = Held()
        raise torch.OutOfMemoryError(f"CUDA out of memory {type(mine)}")

    released = []
    monkeypatch.setattr(device_lock, "release", lambda: released.append(len(alive)))
    try:
        with lock_device("here"):
            work()
    except it.CapacityError as error:
        # Whoever keeps the error keeps nothing of the work.
        kept = error
    assert alive == [], kept
    # What stood further out was given back too, by the outermost.
    assert released == [1, 0]


def test_the_sentence_is_the_works_own_where_it_has_one():
    with pytest.raises(it.CapacityError, match="fewer rows"), lock_device("here", it.CapacityError("Take fewer rows.")):
        raise MemoryError


def test_drawing_leaves_every_generator_as_it_was(monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda *_: pytest.fail("the cards' generators are seeded"))
    monkeypatch.setattr(torch.cuda, "_lazy_call", lambda *_, **__: pytest.fail("cards are seeded once they start"))
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    with seeded(7):
        drawn, numbers = torch.rand(3), np.random.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)
    # The oracles are PyTorch's and NumPy's generators of that seed.
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(7)))
    assert np.array_equal(numbers, np.random.RandomState(7).rand(3))


def test_drawing_on_a_card_restores_that_cards_generator(monkeypatch):
    states, seeds = {1: "as it was"}, []
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.tensor([device]))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: states.update({device: int(state)}))
    cards = [SimpleNamespace(manual_seed=lambda seed, place=place: seeds.append((place, seed))) for place in range(2)]
    monkeypatch.setattr(torch.cuda, "default_generators", cards)
    with seeded(5, "cuda:1"):
        pass
    assert seeds == [(1, 5)]
    assert states == {1: 1}


def test_a_held_card_is_the_current_one_and_multiplies_in_float32(monkeypatch):
    cudnn, current = torch.backends.cudnn, []

    @contextlib.contextmanager
    def device(name):
        current.append(name)
        yield

    monkeypatch.setattr(torch.cuda, "device", device)
    with lock_device("cpu"):
        assert current == []
    settings = (cudnn.conv, cudnn.rnn, torch.backends.cuda.matmul)
    before = [one.fp32_precision for one in settings]
    try:
        for one in settings:
            one.fp32_precision = "tf32"
        with lock_device("cuda:1"):
            assert current == ["cuda:1"]
            assert [one.fp32_precision for one in settings] == ["ieee"] * 3
            # Others ask in the words of before, such as whoever sets cuDNN's flags for a while.
            assert not cudnn.allow_tf32
            with cudnn.flags(enabled=True, benchmark=False):
                pass
    finally:
        cudnn.allow_tf32 = True
        for one, value in zip(settings, before, strict=True):
            one.fp32_precision = value


def test_a_card_without_room_for_its_context_is_said_to_have_none(monkeypatch):
    def full(name):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "device", full)
    with pytest.raises(it.CapacityError, match="cuda:1 ran out of memory"), lock_device("cuda:1"):
        pytest.fail("it was entered")
    # And it is free again.
    assert device_queue("cuda:1").acquire(blocking=False)
    device_queue("cuda:1").release()


def test_memory_that_copies_landed_in_goes_back_too(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("card"))
    monkeypatch.setattr(torch._C, "_host_emptyCache", lambda: calls.append("host"), raising=False)
    device_lock.release()
    assert calls == ["card", "host"]


def test_what_nvml_says_in_another_age_is_read_or_pytorch_is_asked(monkeypatch):
    machine = Machine(monkeypatch)
    monkeypatch.setattr(sys.modules["pynvml"], "nvmlDeviceGetName", lambda card: card["name"].encode())
    assert find_device("cuda:1").description == "Old"
    assert machine.calls == []
    for error in (KeyError("a field"), ValueError("a size"), IndexError("a card")):

        def refuse(_, error=error):
            raise error

        monkeypatch.setattr(sys.modules["pynvml"], "nvmlDeviceGetName", refuse)
        assert find_device("cuda:1").description == "Old"
    assert "get_device_name" in machine.calls


def test_a_clock_waits_for_the_device_that_is_timed(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    for name in ("cuda:1", "cpu", "cuda:0"):
        synchronize(name)
        _now(name)
    assert waited == ["cuda:1", "cuda:1", "cuda:0", "cuda:0"]


def test_nothing_on_the_cpu_starts_cuda(tiny_folders):
    # In a process of its own: whatever other tests have patched is not there.
    code = f"""
import torch
def refusing(name):
    def refuse(*_, **__):
        raise AssertionError("CUDA was asked: " + name)
    return refuse
for name in ("init", "_lazy_init", "mem_get_info", "get_device_name", "get_device_properties", "current_device",
             "device_count", "is_available", "get_rng_state", "get_rng_state_all", "synchronize", "empty_cache"):
    setattr(torch.cuda, name, refusing(name))
import interpret as it
encoder = it.load_encoder({str(tiny_folders["bert"])!r}, "cpu")
it.trace(encoder, "the bank said it was rich")
it.embed(encoder, ["the bank", "the river"])
it.attribution.explain(it.attribution.target_function(encoder, "the bank was rich", target="norm"), "gradient_shap")
it.finetuning.measure_cost(encoder, 16)
it.fit_head(encoder, ["the bank", "the river"] * 4, ["a", "b"] * 4)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
