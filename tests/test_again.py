"""Failed browser tests are tried once more, and nothing else is: on a project of a few tests, by pytest itself."""

import json
import os
import subprocess
import sys

import pytest

from dashboard import ROOT
from tests.browser import again as module

HOOK = "from tests.browser.again import pytest_sessionfinish\n"
RIGHT = "def test_right(): pass\n"
WRONG = "def test_wrong(): assert False\n"
# Fails at its first try alone.
LATE = """
import pathlib
def test_late():
    mark = pathlib.Path("seen")
    late = not mark.exists()
    mark.touch()
    assert not late
"""
STOPPED = "def test_stopped(): raise KeyboardInterrupt\n"


@pytest.fixture
def tried(tmp_path, monkeypatch, capfd):
    """Run a project's tests, then those that failed again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "conftest.py").write_text(HOOK)

    def tried(*options, **files):
        for name, text in files.items():
            file = tmp_path / "tests" / name.replace("__", "/") / f"test_{name.replace('__', '_')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        first = subprocess.run([sys.executable, "-m", "pytest", *options, "tests"]).returncode
        capfd.readouterr()
        status = module.again()
        _, flaky, names = capfd.readouterr().out.partition("flaky, to be mended next:\n")
        return first, status, names.split() if flaky else None

    return tried


def test_what_passes_when_it_is_alone_is_flaky(tried):
    first, status, flaky = tried("-p", "xdist", "-n", "2", browser=LATE + RIGHT, pages=RIGHT)
    assert (first, status) == (1, 0)
    assert flaky == ["tests/browser/test_browser.py::test_late"]


def test_what_fails_again_has_failed_and_the_flaky_are_named_all_the_same(tried):
    first, status, flaky = tried(browser=LATE + WRONG)
    assert (first, status) == (1, 1)
    assert flaky == ["tests/browser/test_browser.py::test_late"]


def test_with_any_other_failure_nothing_is_tried_again(tried):
    first, status, flaky = tried(browser=LATE, pages=WRONG)
    assert (first, status, flaky) == (1, 1, None)


def test_tests_that_never_ran_are_no_success(tried):
    first, status, flaky = tried(browser=LATE, pages=STOPPED)
    assert (first, status, flaky) == (2, 1, None)


@pytest.mark.parametrize("kept", [{}, {"bertoscope/ended": 1}, {"cache/lastfailed": {"tests/browser/test_a.py": True}}])
def test_where_no_test_has_failed_something_else_has(tmp_path, kept):
    """The linter, say."""
    for name, value in kept.items():
        (tmp_path / "v" / os.path.dirname(name)).mkdir(parents=True)
        (tmp_path / "v" / name).write_text(json.dumps(value), "utf-8")
    assert module.again(tmp_path) == 1


def test_ci_looks_at_failures_of_its_own_run_alone():
    """Those of an earlier one would hide that the linter has failed since."""
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert lines[-2:] == ["rm -rf .pytest_cache", "make test || .venv/bin/python -m tests.browser.again"]
    assert HOOK.strip() in (ROOT / "tests" / "conftest.py").read_text("utf-8")
