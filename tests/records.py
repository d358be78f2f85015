"""The record of runs, whose tables MLflow makes in more than a second each time: made once, and copied."""

import shutil

import pytest

from interpret.finetuning import record


@pytest.fixture(scope="session", autouse=True)
def tables_are_made_once(tmp_path_factory):
    """Let a folder without a record begin with a copy of an empty one, as `connect` itself makes it."""
    connect, first = record.connect, tmp_path_factory.mktemp("record")

    def connected(root):
        place = root / record._DATABASE
        if record.tracking_uri(root) == f"sqlite:///{place}" and not place.exists():
            connect(first)
            # Others see all of it or nothing.
            shutil.copyfile(first / record._DATABASE, root / ".copied.db")
            (root / ".copied.db").replace(place)
        return connect(root)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "connect", connected)
        yield
