"""Types and axes are checked in every call; models that tests have in common."""

from importlib.util import find_spec

# A machine that only checks its GPU (`make gpu-check`) may lack it.
if find_spec("beartype"):
    from tests.checked import check_types

    check_types()

import os

# Nothing in the tests may reach a network, least of all by accident.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import gc
import sys
from pathlib import Path

import pytest

from tests.browser.again import pytest_sessionfinish  # noqa: F401
from tests.full_disk import disk  # noqa: F401
from tests.prepared import prepared
from tests.tiny import FAMILIES, make_checkpoint


@pytest.fixture(autouse=True)
def _own_main():
    """Keep the main module: AppTest leaves its script in that place, which processes started later would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="module", autouse=True)
def _collect_little():
    """Leave alone what is there: to look through PyTorch and transformers takes a third of a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory):
    with prepared(tmp_path_factory.mktemp("prepared")) as executable:
        yield executable


@pytest.fixture
def prepared_python(_prepared, monkeypatch):
    """Let processes that are started by the interpreter's name have everything imported when they begin."""
    monkeypatch.setattr(sys, "executable", _prepared)


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory) -> dict[str, Path]:
    """A folder with a tiny random checkpoint for each family."""
    root = tmp_path_factory.mktemp("tiny")
    return {family: make_checkpoint(family, root / family) for family in FAMILIES}


@pytest.fixture(scope="session")
def _minilm():
    import interpret as it

    return it.load_encoder("minilm", device="cpu")


@pytest.fixture
def minilm(_minilm):
    """The built-in model on the CPU. Tests do not change it."""
    return _minilm
