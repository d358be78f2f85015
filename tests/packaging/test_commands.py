"""The commands: what they say, and what they take, without running what they are for."""

import argparse
import ast
import builtins
import contextlib
import inspect
import os
import socket
import sys
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec

import pytest

import interpret as it
from bertoscope_cli import backup, folders
from bertoscope_cli import dashboard as opening
from bertoscope_cli.sentence import in_one_sentence
from dashboard import ROOT
from interpret.core.extras import EXTRAS, needed_for

SUBJECTS = ("embeddings", "attribution", "finetuning")
NEEDED = {"embeddings": ["corpus", "out"], "attribution": ["file", "--out", "csv"], "finetuning": []}


def parser(subject, prog="command"):
    return import_module(f"interpret.{subject}.arguments").make_parser(prog)


def options(subject):
    return {action.dest: action for action in parser(subject)._actions if action.help != argparse.SUPPRESS}


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    # Commands set what a terminal's environment lacks.
    monkeypatch.setattr(os, "environ", dict(os.environ))


@pytest.mark.parametrize(
    "make",
    [
        *(lambda subject=one: parser(subject) for one in SUBJECTS),
        opening._parser,
        backup.backup_parser,
        backup.restore_parser,
    ],
)
def test_help_says_what_it_does_what_it_takes_and_how_it_is_typed(make):
    made = make()
    text = made.format_help()
    assert made.description in text
    assert max(map(len, text.splitlines())) <= 110
    assert text.rstrip().splitlines()[-1].startswith("  ")  # an example is the last thing
    assert "\nexamples:\n" in text
    assert len(made._action_groups) >= 3
    for action in made._actions:
        assert action.help, action.dest
        assert action.help == argparse.SUPPRESS or action.nargs == 0 or action.metavar or action.choices, action.dest


@pytest.mark.parametrize("subject", SUBJECTS)
def test_defaults_stand_in_the_help_once(subject):
    made = parser(subject)
    for action in made._actions:
        switch = action.nargs == 0 and not isinstance(action, argparse.BooleanOptionalAction)
        if action.option_strings and action.default not in (None, "", argparse.SUPPRESS) and not switch:
            assert made._get_formatter()._expand_help(action).count("default:") == 1, action.dest


def test_choices_and_defaults_are_the_librarys():
    from interpret.attribution.rows import attribute_rows
    from interpret.attribution.target_function import BASELINES
    from interpret.core.files import SUFFIXES
    from interpret.core.heads import HEADS
    from interpret.core.layer_groups import PRESETS
    from interpret.core.sentence_vectors import POOLINGS
    from interpret.finetuning.data_source import PASSAGE_WORDS
    from interpret.finetuning.objective import list_objectives
    from interpret.finetuning.recipe import AUTO, OWN_HEAD, PRECISIONS, REGULARIZATIONS, Recipe

    embed, explain, train = map(options, SUBJECTS)
    assert set(embed["pooling"].choices) == {"auto", *POOLINGS}
    assert embed["corpus"].help.split(": ")[1] == " ".join(SUFFIXES)
    assert tuple(explain["baseline"].choices) == BASELINES
    asked = inspect.signature(attribute_rows).parameters
    for name in ("target", "method", "baseline", "tolerance", "seed"):
        assert explain[name].default == asked[name].default, name
    assert all(name in train["task"].help for name in list_objectives())
    assert train["passage_words"].default == PASSAGE_WORDS
    assert tuple(train["regularization"].choices) == REGULARIZATIONS
    assert tuple(train["precision"].choices) == PRECISIONS
    assert all(name in train["head"].help for name in (AUTO, OWN_HEAD, *HEADS))
    assert all(name in train["freeze"].help for name in PRESETS[2:])
    for field in fields(Recipe):
        if field.name != "frozen":
            assert train[field.name].default == field.default, field.name
            kind = type(field.default)
            assert kind is bool or (train[field.name].type or str) is kind, field.name


def test_targets_of_attribution_are_listed_but_those_of_two_texts(capsys):
    with pytest.raises(SystemExit) as ended:
        parser("attribution").parse_args(["--list-targets"])
    assert not ended.value.code
    listed = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert {"norm", "unit LAYER.UNIT"} < set(listed)
    assert "similarity" not in listed


def test_methods_of_attribution_are_listed(capsys):
    from interpret.attribution.methods import METHODS

    with pytest.raises(SystemExit) as ended:
        parser("attribution").parse_args(["--list-methods"])
    assert not ended.value.code
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(METHODS)


@pytest.mark.parametrize(
    ("old", "new", "dest"),
    [
        ("--judged", "--test-data", "test_data"),
        ("--share", "--held-out", "held_out"),
        ("--words", "--passage-words", "passage_words"),
        ("--batch", "--batch-size", "batch_size"),
        ("--max-tokens", "--max-length", "max_length"),
        ("--layer-decay", "--layerwise-lr-decay", "layerwise_lr_decay"),
        ("--warm-up", "--warmup", "warmup"),
        ("--hold-strength", "--regularization-strength", "regularization_strength"),
        ("--masked", "--mask-rate", "mask_rate"),
        ("--short", "--short-rate", "short_rate"),
        ("--tags", "--tag-column", "tag_column"),
    ],
)
def test_names_that_options_had_before_go_on_working(old, new, dest):
    made = parser("finetuning")
    first, second = (getattr(made.parse_args([name, "7"]), dest) for name in (old, new))
    assert first == second != made.get_default(dest)
    assert f" {old} " not in made.format_help()
    assert f" {new} " in made.format_help()


def test_a_hold_goes_by_both_names():
    made = parser("finetuning")
    assert {made.parse_args([name, "ewc"]).regularization for name in ("--hold", "--regularization")} == {"ewc"}
    assert made.parse_args([]).regularization == "none"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_usage_error_is_one_sentence(subject, capsys):
    with pytest.raises(SystemExit) as ended:
        parser(subject).parse_args([*NEEDED[subject], "--no-such-option"])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == ("command: unrecognized arguments: --no-such-option. “command --help” shows what there is.\n")


def raising(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (it.InputError("No {thing}.", thing="text"), 2, "No text."),
        (FileNotFoundError(2, "No such file or directory", "a.csv"), 2, "a.csv: No such file or directory"),
        (ImportError("“x” is missing.\nRun: y"), 2, "“x” is missing. Run: y"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("by 0"), 2, "unexpected ZeroDivisionError: by 0; BERTOSCOPE_TRACEBACK=1"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(error, status, sentence, capsys):
    assert in_one_sentence("command", raising(error)) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"command: {sentence}")


def test_an_unforeseen_error_can_be_looked_into(monkeypatch):
    os.environ["BERTOSCOPE_TRACEBACK"] = "1"
    with pytest.raises(ZeroDivisionError):
        in_one_sentence("command", raising(ZeroDivisionError()))
    assert in_one_sentence("command", raising(it.InputError("Foreseen."))) == 2


@pytest.mark.parametrize(("extra", "package"), [(extra, name) for extra, names in EXTRAS.items() for name in names])
def test_a_package_that_is_missing_says_how_to_install_it(extra, package):
    with pytest.raises(it.InputError) as raised, needed_for(extra):
        raise ModuleNotFoundError(f"No module named '{package}.part'", name=f"{package}.part")
    assert f'pip install "bertoscope[{extra}]"' in str(raised.value)
    assert f"“{package}”" in str(raised.value)


def test_what_is_no_part_of_an_extra_is_raised_as_it_is():
    with pytest.raises(ModuleNotFoundError, match="elsewhere"), needed_for("finetune"):
        raise ModuleNotFoundError("No module named 'elsewhere'", name="elsewhere")


def test_no_file_imports_an_extra_s_package_before_it_can_say_what_is_missing():
    """An import at the top comes before the one that says how to install it."""
    packages = {name for names in EXTRAS.values() for name in names}
    guarded, bare = set(), set()
    for file in sorted((ROOT / "interpret").rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            names = {one.partition(".")[0] for one in imported(node)}
            (bare if isinstance(node, ast.Import | ast.ImportFrom) else guarded).update(
                (file.relative_to(ROOT).as_posix(), name) for name in names & packages
            )
    assert ("interpret/embeddings/command.py", "accelerate") in guarded
    assert bare == set()


def imported(node):
    """The modules that a statement imports, and those inside it."""
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            yield one.module or ""


@contextlib.contextmanager
def without(*packages):
    """Import nothing of these packages, whether loaded or not."""
    real = builtins.__import__

    def missing(name, *rest, **named):
        if name.partition(".")[0] in packages and (len(rest) < 4 or rest[3] == 0):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **named)

    builtins.__import__ = missing
    try:
        yield
    finally:
        builtins.__import__ = real


@pytest.mark.parametrize(
    ("package", "extra", "work"),
    [
        ("captum", "attributions", lambda encoder: it.attribution.explain(question(encoder), "lime")),
        ("captum", "attributions", lambda encoder: it.attribution.diagnose(*explained(encoder))),
        (
            "captum",
            "attributions",
            lambda encoder: it.attribution.layer_attribution(explained(encoder)[0], "integrated_gradients"),
        ),
        ("openTSNE", "embeddings", lambda encoder: it.embeddings.project(points(), "tsne")),
        ("umap", "embeddings", lambda encoder: it.embeddings.project(points(), "umap")),
    ],
)
def test_work_that_needs_an_extra_says_so(minilm, package, extra, work):
    with without(package), pytest.raises(it.InputError, match=rf"bertoscope\[{extra}\]"):
        work(minilm)


def question(encoder, text="A doctor came."):
    return it.attribution.target_function(encoder, text, target="norm")


def explained(encoder):
    asked = question(encoder)
    return asked, it.attribution.explain(asked, "saliency")


def points():
    import numpy as np

    return np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)


def test_the_record_and_adapters_say_so_too(tmp_path, minilm):
    from interpret.core.adapters import add_adapters
    from interpret.core.builtin import merge_adapter
    from interpret.finetuning.record import load_client

    for package, extra, work in (
        ("mlflow", "finetune", load_client),
        ("peft", "pretraining", lambda: merge_adapter(tmp_path, tmp_path, tmp_path)),
        ("peft", "finetune", lambda: add_adapters(minilm.model, {}, 1, (), 0)),
    ):
        with without(package), pytest.raises(it.InputError, match=rf"bertoscope\[{extra}\]"):
            work()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "many", "8501.5"])
def test_a_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit) as ended:
        opening._parser().parse_args(["--port", port])
    assert ended.value.code == 2
    assert "give a number from 1 to 65535" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_anything_starts(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert opening.main(["--headless", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in capsys.readouterr().err


def test_an_address_that_is_not_this_machines_is_said(capsys):
    assert opening.main(["--headless", "--host", "192.0.2.1"]) == 2
    assert "bertoscope: cannot listen on 192.0.2.1, port 8501: " in capsys.readouterr().err


def test_the_dashboard_says_what_it_lacks(monkeypatch, capsys):
    monkeypatch.setattr(
        "bertoscope_cli.dashboard.find_spec", lambda name: None if name in ("plotly", "babel") else find_spec(name)
    )
    assert opening.main(["--headless"]) == 2
    assert capsys.readouterr().err == (
        "bertoscope: the dashboard needs packages that are not installed (plotly, babel). Run: "
        'pip install "bertoscope[dashboard]"\n'
    )


@pytest.fixture
def started(monkeypatch):
    """What Streamlit is told, and where from, in the place of a server."""
    from streamlit.web import cli

    found = {}

    def main(arguments, **named):
        found.update(named, arguments=arguments, folder=os.getcwd(), path=sys.path[0])

    monkeypatch.setattr(cli, "main", main)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(os.getcwd())
    for name in ("CI", "SSH_CONNECTION", "BERTOSCOPE_MODELS", "BERTOSCOPE_RUNS"):
        os.environ.pop(name, None)
    return found


def port_of_nobody():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_streamlit_is_told_address_port_and_screen(started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    port = port_of_nobody()
    assert opening.main(["--host", "localhost", "--port", port, "--headless", "--runs", "mine"]) == 0
    told = ["--server.address", "localhost", "--server.port", port]
    root = opening.app_folder()
    assert started["arguments"] == ["run", str(root / "dashboard" / "app.py"), *told, "--server.headless", "true"]
    assert started["path"] == str(root)
    # A checkout's settings are read from its root.
    assert started["folder"] == str(root)
    assert os.environ["BERTOSCOPE_RUNS"] == str(tmp_path / "mine")
    assert os.environ["BERTOSCOPE_MODELS"] == str(root / "models")


def test_a_browser_is_opened_but_over_ssh(started, monkeypatch):
    assert opening.main(["--port", port_of_nobody()]) == 0
    assert "--server.headless" not in started["arguments"]
    os.environ["SSH_CONNECTION"] = "10.0.0.1 5000 10.0.0.2 22"
    assert opening.main(["--port", port_of_nobody()]) == 0
    assert started["arguments"][-2:] == ["--server.headless", "true"]


def test_in_a_checkout_models_and_runs_lie_in_it():
    assert opening.app_folder() == folders.data_folder() == ROOT
