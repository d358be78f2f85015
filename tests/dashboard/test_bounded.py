"""What visitors' files may hold of the server's memory."""

import json
from inspect import get_annotations

import pytest

from dashboard import cache
from dashboard.bounded import Bounded, weight
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
