"""Pages are run without a server, each in an app of its own."""

import json
import time
from functools import lru_cache
from types import SimpleNamespace

import plotly.io
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import local_script_runner

from dashboard import cache, jobs, ownership, state
from interpret.attribution.row_worker import work_on_rows
from tests.figures import unnamed
from tests.records import tables_are_made_once  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def _packages_are_looked_at_once():
    """Every app looks through all installed packages for components when it starts, which a server does once."""
    patch = pytest.MonkeyPatch()
    patch.setattr(manifest_scanner, "scan_component_manifests", lru_cache(manifest_scanner.scan_component_manifests))
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _collected_now_and_then():
    """After every run of a page and every model all garbage would be looked through, a third of a second each time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(script_runner, "gc", SimpleNamespace(collect=lambda *_: 0))
    patch.setattr(cache, "_settle", lambda: None)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _asked_now_and_then():
    """Whether a run has ended would be asked a thousand times a second, by a fifth of a processor."""
    patch = pytest.MonkeyPatch()
    patch.setattr(local_script_runner, "time", SimpleNamespace(time=time.time, sleep=lambda _: time.sleep(0.005)))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _files_are_explained_here(monkeypatch, tmp_path):
    """A whole file is explained by a process of its own: `tests/browser` starts those, and here it is done at once."""
    monkeypatch.setattr(ownership, "explanations_folder", lambda: tmp_path / "explanations")
    monkeypatch.setattr(jobs, "explain_rows", lambda job: work_on_rows(job.folder))


@pytest.fixture(autouse=True)
def _one_model_in_both_languages(monkeypatch, request):
    """The model that reads Chinese is large: other pages are drawn as where its package is missing."""
    if "multilingual" not in request.keywords:
        for key in state.KEYS:
            monkeypatch.setattr(key, "in_languages", {})


@pytest.fixture(autouse=True)
def _every_figure_is_named(monkeypatch):
    """Whatever figures a page draws in a test, their axes, scales of colours and traces have names."""
    found, to_json = [], plotly.io.to_json

    def write(figure, *args, **kwargs):
        text = to_json(figure, *args, **kwargs)
        found.extend(unnamed(json.loads(text)))
        return text

    monkeypatch.setattr(plotly.io, "to_json", write)
    yield
    assert found == []
