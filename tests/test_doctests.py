"""The examples of all docstrings run, and every public function has one."""

import doctest
import functools
import inspect
import pkgutil
from importlib import import_module
from types import FunctionType

import pytest
import transformers as tf

import interpret as it
from tests.tiny import make_checkpoint

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What these do, others look at; and what others look at is gone after the last two.
FIRST = ("interpret.finetuning.worker.finetune",)
LAST = (
    "interpret.finetuning.run_control.resume_run",
    "interpret.finetuning.run_records.delete_record",
    "interpret.finetuning.run_control.delete_run",
)
ROOMS = (it, *(getattr(it, name) for name in sorted(it.rooms)))


def _documented():
    """Every example of the library, by the name of what it is in."""
    found = {}
    for module in (it, *(import_module(one.name) for one in pkgutil.walk_packages(it.__path__, "interpret."))):
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__):
            if test.examples:
                found[test.name] = test
    return found


EXAMPLES = _documented()
# They look at the run in `runs/topics` that the example of `finetune` makes.
OF_A_RUN = [
    *FIRST,
    *sorted(name for name in EXAMPLES if 'Path("runs' in EXAMPLES[name].docstring and name not in FIRST + LAST),
]
OF_A_RUN += LAST


def _public_functions():
    for package in ROOMS:
        for name in package.__all__:
            one = getattr(package, name)
            if isinstance(inspect.unwrap(one), FunctionType):
                yield f"{one.__module__}.{one.__qualname__}"


# Before the fixtures below put something in a name's place.
PUBLIC = sorted(_public_functions())


def _failures(name):
    """What an example prints where it fails; nothing if it does not."""
    told = []
    doctest.DocTestRunner(optionflags=FLAGS).run(EXAMPLES[name], out=told.append, clear_globs=False)
    return "".join(told)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the examples run: an empty folder with a tiny BERT, which has both heads of pre-training."""
    root = tmp_path_factory.mktemp("examples")
    make_checkpoint("bert", root / "tiny-bert", loader=tf.AutoModelForPreTraining)
    return root


@pytest.fixture(autouse=True)
def _here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    # Half of the time would be spent on reading the built-in model.
    monkeypatch.setattr(it, "load_encoder", _loaded)


@functools.cache
def _load_once(name, device):
    from interpret.core.encoder_loading import load_encoder

    return load_encoder(name, device)


def _loaded(name="minilm", device="auto"):
    return _load_once(name, device)


def test_every_public_function_has_an_example():
    assert len(PUBLIC) > 80
    assert [name for name in PUBLIC if name not in EXAMPLES] == []


def test_every_example_says_what_comes_out_and_none_is_skipped():
    """An example without a result cannot fail."""
    for name in PUBLIC:
        assert any(one.want for one in EXAMPLES[name].examples), name
        assert not any(doctest.SKIP in one.options for one in EXAMPLES[name].examples), name


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - set(OF_A_RUN)))
def test_examples(name):
    assert _failures(name) == ""


@pytest.mark.slow
def test_examples_of_a_run():
    """One after the other, on one run: MLflow keeps a connection to a record by its path."""
    assert {name: failed for name in OF_A_RUN if (failed := _failures(name))} == {}


def test_an_example_that_is_wrong_fails():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    told = []
    doctest.DocTestRunner(optionflags=FLAGS).run(wrong, out=told.append)
    assert "Expected:\n    3\nGot:\n    2\n" in "".join(told)
