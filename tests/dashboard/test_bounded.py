"""What visitors' files may hold of the server's memory."""

import json
import threading
import time
from inspect import get_annotations

import pytest

import interpret as it
from dashboard import cache
from dashboard.bounded import Bounded, Shared, weight
from interpret.core.files import read_table


def test_what_was_not_asked_for_longest_gives_way_and_what_is_too_large_is_not_kept():
    made = []

    def get(key, size):
        return held.get(key, lambda: made.append(key) or key, lambda _: size)

    held = Bounded(10)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key, 4) == key
    # “b” gave way to “c”, for “a” was asked for since.
    assert made == ["a", "b", "c", "b"]
    assert (len(held), held.used) == (2, 8)
    assert get("large", 11) == "large"
    assert (len(held), held.used) == (2, 8)
    held.clear()
    assert (len(held), held.used) == (0, 0)


def test_a_values_estimate_is_no_less_than_what_it_takes():
    import tracemalloc

    for text in ("x", "银行" * 40, "much more text in a cell " * 10):
        content = "\n".join(json.dumps({"a": f"{text}{i}", "b": str(i)}) for i in range(2000)).encode()
        tracemalloc.start()
        table = read_table(content, "a.jsonl")
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert 0.7 * taken < weight(table) < 3 * taken


ROWS = "".join(f"{'bank' * 9} {i},{'law' if i % 2 else 'sport'}\n" for i in range(40))
SENTENCE = "1\tbank\tbank\tNOUN\tNN\t_\t0\troot\t_\t_\n\n"


def made_of_a_file(kind, mark, rows=ROWS):
    """Ask for one kind of what is kept of files, of a file of its own."""
    if kind == "table":
        return cache.table(f"text,label\n{mark},x\n{rows}".encode(), "a.csv")
    if kind == "tags":
        return cache.tags(f"{mark} O\nbank B-PER\n\n".encode() * 40, "a.txt")
    if kind == "trees":
        return cache.trees(SENTENCE.replace("bank", f"bank{mark}").encode() * 40, "a.conllu")
    labelled = cache.Labelled(f"text,label\n{mark},law\n{rows}".encode(), "a.csv", "text", "label", None, "classes")
    if kind == "examples":
        return cache.examples(labelled)
    return cache.run_rows(labelled, None, 0.25, 0, False)


KINDS = ("table", "tags", "trees", "examples", "rows")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_of_files_is_kept_by_its_bytes_once_for_all(kind, monkeypatch):
    size = weight(made_of_a_file(kind, "first"))
    # Splitting rows keeps the rows as well.
    most = 4 * size
    monkeypatch.setattr(cache, "_uploaded", Bounded(most))
    first = made_of_a_file(kind, "first")
    assert made_of_a_file(kind, "first") is first
    for i in range(12):
        made_of_a_file(kind, f"m{i}")
        assert cache._uploaded.used <= most
        told = sum(weight(value) for value, _ in cache._uploaded._values.values())
        assert cache._uploaded.used == pytest.approx(told, rel=0.02)
    last = made_of_a_file(kind, "m11")
    assert made_of_a_file(kind, "m11") is last
    # The oldest gave way.
    assert made_of_a_file(kind, "first") is not first
    # No key holds a file: the files are let go with the values.
    for key in cache._uploaded._values:
        assert all(not isinstance(part, bytes) or len(part) == 16 for part in key)
    # What is larger than all the room is made each time and puts nothing out.
    monkeypatch.setattr(cache, "_uploaded", Bounded(size // 2))
    assert made_of_a_file(kind, "large") is not made_of_a_file(kind, "large")
    assert len(cache._uploaded) == 0
    cache.clear()


def test_kinds_share_one_bound(monkeypatch):
    sizes = [weight(made_of_a_file(kind, "a")) for kind in KINDS]
    monkeypatch.setattr(cache, "_uploaded", Bounded(max(sizes)))
    for _ in range(2):
        for kind in KINDS:
            made_of_a_file(kind, "a")
            assert cache._uploaded.used <= max(sizes)
    cache.clear()


def test_no_other_cache_takes_a_file():
    """Streamlit's own caches are bounded by a number of values, each as large as a visitor makes it."""
    caches = {
        name: one.__wrapped__
        for name, one in vars(cache).items()
        if hasattr(one, "clear") and hasattr(one, "__wrapped__")
    }
    assert {"hub_checkpoint", "rounding", "cost"} <= set(caches)
    for name, function in caches.items():
        taken = [str(kind) for part, kind in get_annotations(function).items() if part != "return"]
        assert not any("bytes" in kind or "Labelled" in kind for kind in taken), name


class Stop(Exception):
    """What a page raises where its reader has clicked something else."""


class Askers:
    """Threads that ask for the same at once."""

    def __init__(self, ask):
        self.ask, self.found, self.threads = ask, {}, []

    def start(self, name):
        def work():
            try:
                self.found[name] = self.ask(name)
            except Stop:
                self.found[name] = "stopped"

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    def wait(self):
        for one in self.threads:
            one.join(20)
        return self.found


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_asked_twice_at_once_is_made_once(kept):
    begun, go, made = threading.Event(), threading.Event(), []

    def make():
        made.append(object())
        begun.set()
        assert go.wait(20)
        return made[-1]

    # Too large to be kept, it is handed to those who wait all the same.
    held = Bounded(10)
    askers = Askers(lambda _: held.get("a", make, lambda _: 1 if kept else 11))
    askers.start(0)
    assert begun.wait(20)
    for name in range(1, 5):
        askers.start(name)
    # Another key waits for nobody.
    assert held.get("b", lambda: "other", lambda _: 1) == "other"
    go.set()
    found = askers.wait()
    late = len(made) - 1
    # Where nothing is kept, a thread that came after the end makes it anew.
    assert late == 0 if kept else late < 4
    assert set(map(id, found.values())) <= set(map(id, made))
    assert held.used == (2 if kept else 1)


def test_where_one_is_stopped_the_next_does_it_and_all_are_told_how_far_it_is():
    shared, told = Shared(), {0: [], 1: [], 2: []}
    begun, stop, go = threading.Event(), threading.Event(), threading.Event()
    by = []

    def ask(name):
        def work(progress):
            by.append(name)
            progress(1, 3, "stage")
            begun.set()
            if name == 0:
                assert stop.wait(20)
                progress(2, 3, "stage")
            assert go.wait(20)
            return name

        def progress(*far):
            told[name].append(far)
            if name == 0 and far[0] == 2:
                raise Stop

        return shared.make("key", work, progress)

    askers = Askers(ask)
    askers.start(0)
    assert begun.wait(20)
    askers.start(1)
    askers.start(2)
    limit = time.monotonic() + 20
    while not (told[1] and told[2]) and time.monotonic() < limit:
        time.sleep(0.01)
    assert told[1][0] == told[2][0] == (1, 3, "stage")
    assert by == [0]
    stop.set()
    askers.threads[0].join(20)
    while len(by) < 2 and time.monotonic() < limit:
        time.sleep(0.01)
    go.set()
    found = askers.wait()
    assert found == {0: "stopped", 1: by[1], 2: by[1]}
    # Nothing of it is left: the same asked later is done anew.
    assert shared.make("key", lambda _: "new") == "new"


def test_who_waits_can_leave():
    shared = Shared()
    begun, go = threading.Event(), threading.Event()

    def work(progress):
        progress(0, 1, "")
        begun.set()
        assert go.wait(20)
        return "made"

    def leave(*_far):
        raise Stop

    askers = Askers(lambda name: shared.make("key", work, None if name == 0 else leave))
    askers.start(0)
    assert begun.wait(20)
    askers.start(1)
    askers.threads[1].join(20)
    assert askers.found == {1: "stopped"}
    go.set()
    assert askers.wait() == {0: "made", 1: "stopped"}


def test_an_error_reaches_whoever_asked_and_nothing_is_kept_of_it():
    shared = Shared()

    def fail(_progress):
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            shared.make("key", fail)
    assert shared.make("key", lambda _: "made") == "made"


def test_what_is_wrong_with_what_was_asked_is_said_to_all_who_asked_and_tried_once():
    shared, begun, go, tries = Shared(), threading.Event(), threading.Event(), []

    def work(_progress):
        tries.append(1)
        begun.set()
        assert go.wait(20)
        raise it.InputError("The text is empty.")

    waiting = [threading.Event() for _ in range(3)]

    def ask(name):
        try:
            return shared.make("key", work, lambda *_far: waiting[name].set())
        except it.InputError as error:
            return str(error)

    askers = Askers(ask)
    askers.start(0)
    assert begun.wait(20)
    for name in (1, 2):
        askers.start(name)
        # It is told where the work is, though that is nowhere yet.
        assert waiting[name].wait(20)
    go.set()
    assert askers.wait() == dict.fromkeys(range(3), "The text is empty.")
    assert len(tries) == 1


def test_models_are_kept_by_their_size_as_many_as_fit_and_the_one_at_hand_always(tiny_folders, monkeypatch):
    first, second, third = (
        it.EncoderSpec(it.find_checkpoint(str(tiny_folders[name])), "cpu", "float32")
        for name in ("bert", "roberta", "distilbert")
    )
    sizes = {}
    for spec in (first, second, third):
        encoder = it.load_encoder(spec.checkpoint, "cpu")
        # Each tensor once, by PyTorch's own count.
        held = {one.data_ptr(): one.nbytes for one in (*encoder._whole.parameters(), *encoder._whole.buffers())}
        sizes[spec] = sum(held.values())
        assert encoder.bytes == sizes[spec]
    cache.let_go_of_models()
    for limit, kept in ((sizes[first] + sizes[second], True), (sizes[first] + sizes[second] - 1, False), (1, False)):
        monkeypatch.setattr(cache, "_encoders", {})
        monkeypatch.setenv("BERTOSCOPE_MODELS_GB", repr(limit / 1e9))
        one = cache.encoder(first)
        assert cache.encoder(first) is one
        other = cache.encoder(second)
        assert cache.encoder(second) is other
        assert (cache.encoder(first) is one) == kept
        assert cache._encoders["cpu"].used <= limit
