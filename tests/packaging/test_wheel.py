"""The wheel, built as `pip` builds it, and used where nothing else of this project is.

The environment is new and has the wheel alone. To be there in seconds and without a network it looks for what the wheel
depends on among the packages of the environment that the tests run in: a `.pth` file names their folders, which hold no
part of this project. That those are in the wheel's ranges is `test_requirements`' matter.
"""

import csv
import os
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dashboard import ROOT
from tests.browser.conftest import free_port

pytestmark = pytest.mark.slow

COMMANDS = ("bertoscope", "bertoscope-embed", "bertoscope-attribute", "bertoscope-finetune")


def pip(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel: without an environment of its own to build in, which would need a network."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder with the commands of a new environment that has the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    paths = {"base": str(folder), "platbase": str(folder)}
    pip("--python", str(programs / "python"), "install", str(wheel))
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    assert others
    (packages / "dependencies.pth").write_text("\n".join(others) + "\n", "utf-8")
    return programs


@pytest.fixture
def elsewhere(tmp_path):
    """A folder that is no part of the project, and has modules called like its own."""
    folder = tmp_path / "elsewhere"
    for name in ("dashboard", "pages"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit('not this one')\n", "utf-8")
    return folder


@pytest.fixture
def environment(tmp_path):
    """Nobody's: no network, no settings of who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BERTOSCOPE", "XDG"))}
    return kept | {"HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "COLUMNS": "100", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run(installed, elsewhere, environment):
    """Run a program of the new environment there."""

    def run(program, *arguments, **more):
        return subprocess.run(
            [installed / program, *arguments],
            cwd=elsewhere,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=240,
        )

    return run


def test_the_wheel_holds_what_is_run_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    # `dashboard` and `pages` are everybody's names.
    assert {top for top in tops if not top.endswith(".dist-info")} == {"interpret", "bertoscope", "bertoscope_cli"}
    places = {"dashboard": "bertoscope/_app/dashboard", "pages": "bertoscope/_app/pages", "interpret": "interpret"}
    listed = subprocess.run(
        ["git", "ls-files", "-z", *places, "bertoscope", "bertoscope_cli"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = {
        "/".join([places.get(top, top), rest])
        for name in filter(None, listed.split("\0"))
        for top, _, rest in [name.partition("/")]
    }
    assert len(wanted) > 200
    assert wanted - names == set()
    settings = "bertoscope/_app/dashboard/.streamlit/config.toml"
    assert {name for name in names - wanted if ".dist-info/" not in name} == {settings}
    assert {
        "interpret/py.typed",
        "bertoscope/py.typed",
        "interpret/core/minilm_guesser/adapter_model.safetensors",
    } <= names


def test_its_metadata_names_the_licence_and_no_address(wheel):
    with zipfile.ZipFile(wheel) as file:
        (name,) = (one for one in file.namelist() if one.endswith("/METADATA"))
        head = file.read(name).decode().partition("\n\n")[0]
        assert [one for one in file.namelist() if one.endswith("/licenses/LICENSE")]
    assert "License-Expression: Apache-2.0" in head
    assert "Requires-Python: >=3.11" in head
    assert "-URL:" not in head


def test_the_library_is_there_by_both_names(run):
    done = run(
        "python",
        "-c",
        "import bertoscope as it, interpret\n"
        "from pathlib import Path\n"
        "assert it.trace is interpret.trace\n"
        "encoder = it.load_encoder('minilm', device='cpu')\n"
        "print(it.trace(encoder, 'The bank of the river.').attention.shape)\n"
        "print(Path(interpret.__file__).parent, Path(it.__file__).parent, sep='\\n')\n"
        "import os, sys; print(*map(os.path.abspath, sys.path), sep='\\n')\n",
    )
    assert done.returncode == 0, done.stderr
    shape, library, alias, *paths = done.stdout.splitlines()
    assert shape == "(6, 12, 8, 8)"
    assert Path(library).parent == Path(alias).parent
    assert Path(library).parent.name == "site-packages"
    # It would be a test of the checkout otherwise.
    assert not any((Path(path) / "interpret").exists() for path in paths if Path(path) != Path(library).parent)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_takes(run, command):
    done = run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {command} ")
    assert "\nexamples:\n" in done.stdout
    assert loaded(run, command, "--help") & {"torch", "transformers", "streamlit", "numpy"} == set()


def loaded(run, *words):
    """The packages that a command imports: PyTorch takes five seconds, and nobody who has mistyped a name needs it."""
    # A module that is imported is a line.
    told = run(*words, PYTHONPROFILEIMPORTTIME="1").stderr
    found = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()}
    assert "argparse" in found
    return found


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("bertoscope-embed", ["nowhere.txt", "out"]),
        ("bertoscope-attribute", ["nowhere.csv", "--out", "why.csv"]),
        ("bertoscope-finetune", ["nowhere"]),
        ("bertoscope-finetune", ["--data", "nowhere.csv", "--out", "mine"]),
    ],
)
def test_what_goes_wrong_is_one_sentence(run, command, arguments):
    done = run(command, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(f"{command}: ")
    assert "nowhere" in done.stderr
    assert loaded(run, command, *arguments) & {"torch", "transformers"} == set()


def test_a_file_is_embedded(run, elsewhere):
    (elsewhere / "texts.txt").write_text("The bank of the river.\n\nA doctor came.\n", "utf-8")
    done = run("bertoscope-embed", "texts.txt", "vectors", "--layers", "0,6", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("vectors: 2 layers × 2 × 384")
    assert np.load(elsewhere / "vectors" / "vectors.npy").shape == (2, 2, 384)


def test_a_file_is_explained(run, elsewhere):
    (elsewhere / "texts.txt").write_text("The bank of the river.\n\nA doctor came.\n", "utf-8")
    done = run("bertoscope-attribute", "texts.txt", "--out", "why.csv", "--target", "norm", "--method", "saliency")
    assert done.returncode == 0, done.stderr
    assert "2 rows explained" in done.stderr
    rows = list(csv.reader((elsewhere / "why.csv").open(encoding="utf-8-sig")))
    assert len(rows) > 2


def test_a_model_is_fine_tuned(run, elsewhere):
    texts = [
        f"{text} {number}."
        for number in range(8)
        for text in ("The court ruled on appeal", "The goal was scored in minute")
    ]
    lines = [f"{text},{('law', 'sport')[place % 2]}" for place, text in enumerate(texts)]
    (elsewhere / "rows.csv").write_text("\n".join(["text,label", *lines]) + "\n", "utf-8")
    options = ["--freeze", "head only", "--epochs", "2", "--batch-size", "8", "--max-length", "16", "--device", "cpu"]
    done = run("bertoscope-finetune", "--data", "rows.csv", "--out", "mine", *options)
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "mine" / "model" / "config.json").exists()
    again = run("bertoscope-finetune", "mine")
    assert (again.returncode, again.stderr) == (0, "“mine” is done already\n")


def status(address, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_dashboard_starts_and_answers_to_its_own_name_alone(installed, elsewhere, environment, run):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = elsewhere / "log.txt"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [installed / "bertoscope", "--headless", "--port", str(port)],
            cwd=elsewhere,
            env=environment,
            stdout=file,
            stderr=file,
        )
    try:
        for _ in range(600):
            try:
                assert status(f"{address}/_stcore/health") == 200
                break
            except OSError:
                assert process.poll() is None, log.read_text("utf-8")
                time.sleep(0.1)
        assert status(f"{address}/") == 200
        assert status(f"{address}/", Host="elsewhere.example") == 403
        assert status(f"{address}/_stcore/health", Host=f"elsewhere.example:{port}") == 403
        taken = run("bertoscope", "--headless", "--port", str(port))
        assert taken.returncode == 2
        assert f"port {port}: Address already in use" in taken.stderr
    finally:
        process.terminate()
        process.wait(20)
    assert f"Bertoscope starts on {address}" in log.read_text("utf-8")
