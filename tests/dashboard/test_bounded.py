"""What visitors' files may hold of the server's memory."""

import json

from dashboard import cache
from dashboard.bounded import Bounded
from interpret.files import read_table


def test_what_was_not_asked_for_longest_gives_way_and_what_is_too_large_is_not_kept():
    made = []

    def get(key, size):
        return held.get(key, lambda: made.append(key) or key, lambda _: size)

    held = Bounded(10)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key, 4) == key
    # “b” gave way to “c”, for “a” was asked for since.
    assert made == ["a", "b", "c", "b"]
    assert (len(held), held.held) == (2, 8)
    assert get("large", 11) == "large"
    assert (len(held), held.held) == (2, 8)
    held.clear()
    assert (len(held), held.held) == (0, 0)


def test_a_tables_estimate_is_no_less_than_what_it_takes():
    import tracemalloc

    for text in ("x", "银行" * 40, "much more text in a cell " * 10):
        content = "\n".join(json.dumps({"a": f"{text}{i}", "b": str(i)}) for i in range(2000)).encode()
        tracemalloc.start()
        table = read_table(content, "a.jsonl")
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert 0.7 * taken < table.memory < 3 * taken


def test_tables_are_kept_by_their_bytes_once_for_all(monkeypatch):
    monkeypatch.setattr(cache, "_tables", Bounded(3000))
    first = cache.table(b"a,b\n1,2\n", "a.csv")
    assert cache.table(b"a,b\n1,2\n", "a.csv") is first
    assert cache.table(b"a,b\n1,2\n", "b.csv") is not first
    for i in range(100):
        cache.table(b"a,b\n%d,2\n" % i, "c.csv")
        assert cache._tables.held <= 3000
    assert cache.table(b"a,b\n1,2\n", "a.csv") is not first
