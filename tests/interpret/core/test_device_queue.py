"""Who has a device next."""

import threading
import time

import pytest

import interpret as it
from interpret.core import device_queue as queues
from interpret.core.device_queue import (
    DeviceQueue,
    batch_work,
    give_way,
    others_at_long_work,
    request,
    stop_long_work,
)
from tests.tiny import FAMILIES


class Others:
    """Threads that each ask for a queue once, as requests of their own, and write down when they have it."""

    def __init__(self, queue: DeviceQueue) -> None:
        self.queue, self.order, self.threads = queue, [], []

    def ask(self, name: str, long: bool = False, seconds: float = 0.0) -> None:
        """Let one wait, behind those that wait already."""
        before = sum(self.queue.waiting)

        def work() -> None:
            with request() as one:
                one.batch, one.seconds = long, seconds
                with self.queue:
                    self.order.append(name)

        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()
        limit = time.monotonic() + 20
        while sum(self.queue.waiting) == before:
            assert time.monotonic() < limit, "it does not wait"
            time.sleep(0.001)

    def wait(self) -> list[str]:
        """Return who had it, in order."""
        for one in self.threads:
            one.join(20)
            assert not one.is_alive(), "it waits for ever"
        return self.order


@pytest.fixture
def patient(monkeypatch):
    """Long work that never runs out of patience."""
    monkeypatch.setattr(queues, "PATIENCE", 1000.0)


@pytest.mark.usefixtures("patient")
def test_what_is_short_goes_first_and_in_its_own_order():
    queue = DeviceQueue()
    others = Others(queue)
    with queue:
        others.ask("long 1", long=True)
        others.ask("short 1")
        # Nothing says that it is long, but it has had devices for so long.
        others.ask("long 2", seconds=queues.LEVELS[-1] + 0.001)
        others.ask("longer", seconds=queues.LEVELS[1])
        others.ask("no longer short", seconds=queues.LEVELS[0])
        others.ask("short 2", seconds=queues.LEVELS[0] - 0.001)
        assert queue.waiting == (2, 4)
    assert others.wait() == ["short 1", "short 2", "no longer short", "longer", "long 1", "long 2"]
    assert queue.waiting == (0, 0)


@pytest.mark.usefixtures("patient")
def test_a_request_that_began_first_goes_first_whenever_it_asks():
    """Its passes follow one another: two pages are not both as late as the later one."""
    queue, order = DeviceQueue(), []
    begun = threading.Event()
    asks = threading.Event()

    def first() -> None:
        with request():
            begun.set()
            asks.wait(20)
            with queue:
                order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait(20)
    others = Others(queue)
    with queue:
        others.ask("second")
        asks.set()
        while sum(queue.waiting) < 2:
            time.sleep(0.001)
    thread.join(20)
    others.wait()
    assert [*order, *others.order] == ["first", "second"]


def test_long_work_has_its_turn_though_others_ask_for_ever(monkeypatch):
    monkeypatch.setattr(queues, "PATIENCE", 0.0)
    queue = DeviceQueue()
    others = Others(queue)
    with queue:
        others.ask("long", long=True)
        others.ask("short 1")
        others.ask("short 2")
    assert others.wait()[0] == "long"


def test_nobody_is_passed_over_where_time_alone_makes_it_their_turn(monkeypatch):
    """Who waits longest is due while nobody has the device, and nobody is there to say so."""
    monkeypatch.setattr(queues, "PATIENCE", 0.3)
    monkeypatch.setattr(queues, "GAP", 1000.0)
    queue = DeviceQueue()
    others = Others(queue)
    # For its sake all that is long leaves the device alone.
    with request():
        with queue:
            others.ask("level 3", long=True)
            others.ask("level 2", seconds=queues.LEVELS[1])
        # By rank the second is first, by patience the first: both get it, one after the other.
        assert sorted(others.wait()) == ["level 2", "level 3"]


def test_who_has_waited_long_has_all_of_its_turn(monkeypatch):
    monkeypatch.setattr(queues, "PATIENCE", 0.0)
    queue, order = DeviceQueue(), []
    others = Others(queue)
    others.order = order
    begun, ready = threading.Event(), threading.Event()

    def long() -> None:
        with request(), batch_work(), queue, queue.giving_way():
            order.append("layer 1")
            begun.set()
            ready.wait(20)
            give_way()
            order.append("layer 2")

    others.threads.append(threading.Thread(target=long, daemon=True))
    with queue:
        others.threads[0].start()
        limit = time.monotonic() + 20
        while not sum(queue.waiting) and time.monotonic() < limit:
            time.sleep(0.001)
        others.ask("short")
    assert begun.wait(20)
    monkeypatch.setattr(queues, "PATIENCE", 1000.0)
    ready.set()
    assert others.wait() == ["layer 1", "layer 2", "short"]


@pytest.mark.usefixtures("patient")
def test_long_work_leaves_the_device_alone_while_a_page_is_drawn(monkeypatch):
    monkeypatch.setattr(queues, "GAP", 1000.0)
    queue = DeviceQueue()
    others = Others(queue)
    with request():
        for _ in range(3):
            with queue:
                if not others.threads:
                    others.ask("long", long=True)
            # Between two passes of the page.
            assert not others.order
            assert queue.waiting == (0, 1)
    # The page is drawn: nobody waits any longer.
    assert others.wait() == ["long"]


@pytest.mark.usefixtures("patient")
def test_a_page_that_leaves_devices_alone_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(queues, "GAP", 0.0)
    queue = DeviceQueue()
    others = Others(queue)
    with request():
        others.queue.acquire()
        others.ask("long", long=True)
        others.queue.release()
        assert others.wait() == ["long"]


def test_long_work_takes_turns():
    queue, order = DeviceQueue(), []
    gate = threading.Barrier(3)

    def work(name: str) -> None:
        with request(), batch_work():
            gate.wait(20)
            for _ in range(20):
                with queue:
                    order.append(name)
                    # The others are waiting by then: only so is there an order to keep.
                    limit = time.monotonic() + 20
                    while sum(queue.waiting) < min(2, len(left) - 1) and time.monotonic() < limit:
                        time.sleep(0.0005)
            left.discard(name)

    left = {"a", "b", "c"}
    threads = [threading.Thread(target=work, args=[name]) for name in sorted(left)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    # Nobody has it twice while both others wait.
    assert all(len(set(order[at : at + 3])) == 3 for at in range(0, 45, 3)), order


def test_a_thread_takes_it_again_and_lets_go_once():
    queue = DeviceQueue()
    taken = []

    def other() -> None:
        if got := queue.acquire(blocking=False):
            queue.release()
        taken.append(got)

    def ask() -> bool:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
        return taken[-1]

    with queue:
        with queue:
            assert not ask()
        assert not ask()
    assert ask()
    with pytest.raises(RuntimeError, match="does not hold"):
        queue.release()


def test_the_time_that_a_request_has_had_it_counts_and_a_pause_ends_what_a_thread_does_by_itself():
    queue = DeviceQueue()
    with request() as one:
        with queue:
            begin = time.monotonic()
            while time.monotonic() - begin < 0.02:
                pass
        assert one.seconds >= 0.02
        assert one.level == 0
        with batch_work():
            assert one.level == len(queues.LEVELS)
        assert one.level == 0
    own = queues._current()
    assert queues._current() is own
    own.touched -= 2
    assert queues._current() is not own


def test_others_are_counted_that_do_something_long():
    others_before = others_at_long_work()
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        with request(), batch_work():
            ready.set()
            done.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(20)
    with request(), batch_work():
        assert others_at_long_work() == others_before + 1
    done.set()
    thread.join(20)
    assert others_at_long_work() == others_before


def test_a_pass_gives_way_between_two_layers_and_goes_on_before_other_long_work():
    queue, order = DeviceQueue(), []
    others = Others(queue)
    others.order = order
    with request(), batch_work(), queue:
        with queue.giving_way():
            # As `Encoder.run` takes it within.
            with queue:
                order.append("layer 1")
                give_way()
                order.append("layer 2")
                others.ask("long", long=True)
                others.ask("short")
                give_way()
                order.append("layer 3")
            assert queue._depth == 1
        order.append("end")
    assert others.wait() == ["layer 1", "layer 2", "short", "layer 3", "end", "long"]


def test_nothing_is_interrupted_that_did_not_say_so():
    queue = DeviceQueue()
    others = Others(queue)
    # Short work gives way to nobody, nor what holds a device for more than passes, even where a part of it would.
    with request(), queue, queue.giving_way():
        others.ask("short 1")
        give_way()
        assert others.order == []
    others.wait()
    with request(), batch_work(), queue:
        others.ask("short 2")
        give_way()
        with queue, queue.giving_way():
            give_way()
        assert others.order == ["short 1"]
    assert others.wait() == ["short 1", "short 2"]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_computed_beside_others_is_what_is_computed_alone(family, tiny_folders, monkeypatch):
    """To the last bit: a pass stops between its layers while somebody else traces, explains and ablates with the model.

    In each gap that a pass leaves, and not in those alone in which somebody happened to wait.
    """
    encoder = it.load_encoder(str(tiny_folders[family]), "cpu")
    text = "The bank of the river was steep."
    texts = [f"{text} {'So they said. ' * i}" for i in range(3)]

    def short() -> list[bytes]:
        function = it.attribution.target_function(encoder, text, "It was a bank.", "similarity")
        seen = it.trace(encoder, text)
        found = it.attribution.explain(function, "input_x_gradient")
        gone = it.attention.ablate(encoder, text, heads=[(0, 0)])
        return [seen.attention.tobytes(), seen.hidden.tobytes(), found.scores.tobytes(), gone.after.tobytes()]

    def long() -> bytes:
        with batch_work():
            return it.embed(encoder, texts).vectors.tobytes()

    with request():
        alone = short(), long()
    beside: list[list[bytes]] = []

    def pause(queue: DeviceQueue) -> None:
        assert queue._holder is not None
        if not queue._holder.level or len(beside) == 4:
            return
        depth, queue._depth = queue._depth, 1
        queue.release()
        thread = threading.Thread(target=lambda: beside.append(short()))
        thread.start()
        thread.join(60)
        queue._wait(queues._PAUSED, 0.0)
        queue._depth = depth

    monkeypatch.setattr(DeviceQueue, "_pause", pause)
    with request():
        assert long() == alone[1]
    assert beside == [alone[0]] * min(4, encoder.layers)


def test_a_pass_that_has_had_the_device_for_long_has_not_waited(monkeypatch):
    """What it has computed for is no patience: it gives way at its first pause however long that took."""
    monkeypatch.setattr(queues, "PATIENCE", 5.0)
    queue = DeviceQueue()
    others = Others(queue)
    order = others.order
    clock = time.monotonic
    with request() as mine, queue, queue.giving_way():
        mine.batch = True
        others.ask("short")
        # Ten seconds of computing.
        monkeypatch.setattr(queues.time, "monotonic", lambda: clock() + 10.0)
        give_way()
        order.append("the pass")
    assert others.wait() == ["short", "the pass"]


def test_who_runs_the_server_stops_what_takes_long_and_nothing_else():
    queue = DeviceQueue()
    said, begun, go_on = [], threading.Event(), threading.Event()

    def long() -> None:
        with request(), batch_work():
            begun.set()
            go_on.wait(20)
            for _ in range(2):
                try:
                    with queue:
                        said.append("worked")
                except it.Cancelled:
                    said.append("stopped")

    threads = [threading.Thread(target=long, daemon=True) for _ in range(2)]
    with request():
        with queue:
            for one in threads:
                begun.clear()
                one.start()
                assert begun.wait(20)
            # One waits for the device already, or will.
            assert stop_long_work() == 2
        go_on.set()
        for one in threads:
            one.join(20)
        with queue:
            said.append("short")
    # Once each: what a page does after it is other work.
    assert sorted(said) == ["short", "stopped", "stopped", "worked", "worked"]


def test_a_pass_is_stopped_between_two_layers_and_lets_the_device_go():
    queue = DeviceQueue()
    with request() as mine, queue, queue.giving_way():
        mine.stopped = True
        with pytest.raises(it.Cancelled):
            give_way()
    with queue:
        assert queue.mine
