"""`import bertoscope`: the library by a name that nothing else has."""

import importlib
import subprocess
import sys

import pytest

import bertoscope
import interpret
from dashboard import ROOT


def test_every_name_is_the_same_object():
    assert bertoscope.__all__ == interpret.__all__
    assert set(interpret.__all__) <= set(dir(bertoscope))
    for name in interpret.__all__:
        assert getattr(bertoscope, name) is getattr(interpret, name), name


def test_every_module_is_the_same_module_and_stays_what_it_was():
    import interpret.attention.view as real

    spec = real.__spec__
    import bertoscope.attention
    import bertoscope.attention.view
    from bertoscope.attention import view

    assert bertoscope.attention is interpret.attention
    assert bertoscope.attention.view is view is real
    assert real.__spec__ is spec
    assert spec.name == real.__name__ == "interpret.attention.view"


def test_a_module_called_like_a_public_name_does_not_hide_it(monkeypatch):
    import interpret.core as module

    monkeypatch.setattr(interpret, "core", "the public name")
    sys.modules.pop("bertoscope.core", None)
    assert importlib.import_module("bertoscope.core") is module
    assert bertoscope.core == "the public name"


def test_what_is_in_neither_is_said_by_the_name_that_was_asked():
    with pytest.raises(AttributeError, match="module 'bertoscope' has no attribute 'nonsense'"):
        _ = bertoscope.nonsense
    with pytest.raises(ModuleNotFoundError, match=r"bertoscope\.nonsense"):
        importlib.import_module("bertoscope.nonsense")
    with pytest.raises(ImportError, match="cannot import name 'nonsense' from 'bertoscope'"):
        exec("from bertoscope import nonsense")


def run(program, folder, *paths):
    """Run Python where `interpret` is looked for in ``paths``."""
    code = f"import sys; sys.path[:0] = {list(map(str, paths))!r}\n{program}"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def foreign(tmp_path):
    """Another project's package of the same name, as InterpretML's begins."""
    package = tmp_path / "foreign" / "interpret"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .glassbox import boosting\n__version__ = '0.7.8'\n", "utf-8")
    (package / "glassbox.py").write_text("boosting = 1\n", "utf-8")
    return package


@pytest.mark.parametrize("broken", [False, True])
def test_another_projects_package_of_that_name_is_said(foreign, tmp_path, broken):
    if broken:  # it asks for something that is not installed
        (foreign / "glassbox.py").write_text("import no_such_package\n", "utf-8")
    done = run("import bertoscope", tmp_path, foreign.parent, ROOT)
    sentence = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert sentence.startswith(f"ImportError: The package “interpret” that Python finds at {foreign / '__init__.py'}")
    assert "pip uninstall interpret interpret-core" in sentence


def test_a_command_says_so_without_a_traceback(foreign, tmp_path):
    for program in (
        "from bertoscope_cli.dashboard import main; sys.exit(main([]))",
        "from bertoscope_cli.commands import embed; sys.exit(embed())",
    ):
        done = run(program, tmp_path, foreign.parent, ROOT)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1, done.stderr
        assert "is not Bertoscope's" in done.stderr


def test_the_alias_loads_nothing_heavy(tmp_path):
    done = run("import bertoscope; print([one for one in ('torch', 'numpy') if one in sys.modules])", tmp_path, ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_what_can_be_run_below_the_library_can_be_run_below_the_alias(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bertoscope.embeddings", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "CORPUS" in done.stdout


def test_threads_may_ask_for_a_module_at_once(tmp_path):
    program = (
        "import threading, importlib\n"
        "found = []\n"
        "def work(name): found.append(importlib.import_module(name))\n"
        "names = [f'{one}.core.labels' for one in ['bertoscope', 'interpret'] * 8]\n"
        "some = [threading.Thread(target=work, args=(name,)) for name in names]\n"
        "[one.start() for one in some]; [one.join() for one in some]\n"
        "print(len(found), len(set(map(id, found))), found[0].__spec__.name)"
    )
    assert run(program, tmp_path, ROOT).stdout.split() == ["16", "1", "interpret.core.labels"]
