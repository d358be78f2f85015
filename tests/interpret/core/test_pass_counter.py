"""Each pass says its stage, and how many are done is counted."""

from interpret.core.pass_counter import pass_counter


def test_passes_are_counted_from_one_over_all_stages():
    told = []
    done = pass_counter(lambda *one: told.append(one), 3)
    for stage in ("read", "read", "prune"):
        done(stage)
    assert told == [(1, 3, "read"), (2, 3, "read"), (3, 3, "prune")]


def test_nobody_needs_to_listen():
    assert pass_counter(None, 3)("read") is None
