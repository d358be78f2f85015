"""The image and the unit: what they start is what there is, as nobody in particular, and tells whether it is well."""

import ast
import configparser
import re
import shlex
import subprocess
import sys

import pytest

from bertoscope_cli.dashboard import _parser
from dashboard import ROOT
from tests.browser.conftest import start_server

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
VARIABLES = set(re.findall(r"^\| `([A-Z_`, ]+)`", (ROOT / "docs/install.md").read_text("utf-8"), re.MULTILINE))
KNOWN = {name.strip("` ") for one in VARIABLES for name in one.split(",")}


def steps(word):
    """Return what stands behind a word of the Dockerfile, each time."""
    return [line.removeprefix(word).strip() for line in DOCKERFILE.splitlines() if line.startswith(word)]


def unit():
    """Return the service of the systemd unit; a name may come several times."""
    read = configparser.RawConfigParser(strict=False, dict_type=dict, comment_prefixes="#")
    read.optionxform = str
    read.read_string((ROOT / "docs/bertoscope.service").read_text("utf-8"))
    lines = (ROOT / "docs/bertoscope.service").read_text("utf-8").splitlines()
    environment = [line.removeprefix("Environment=") for line in lines if line.startswith("Environment=")]
    return dict(read["Service"]), dict(one.split("=", 1) for one in environment)


def test_what_is_copied_into_the_image_is_there_and_nothing_else_of_the_folder_goes_to_the_daemon():
    copied = {name for step in steps("COPY") if "--from" not in step for name in step.split()[:-1]}
    assert copied >= {"interpret", "dashboard", "pages", "bertoscope", "bertoscope_cli", "requirements.txt"}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    sent = {line[1:].partition("/")[0] for line in ignored if line.startswith("!")}
    assert sent == copied
    # Secrets lie beside the settings.
    assert "!.streamlit/config.toml" in ignored


def test_the_image_starts_what_there_is_as_nobody_in_particular():
    (command,) = steps("CMD")
    program, *given = ast.literal_eval(command)
    assert program == "bertoscope"
    args = _parser().parse_args(given)
    assert (args.host, args.port, args.headless) == ("0.0.0.0", 8501, True)
    assert steps("EXPOSE") == [str(args.port)]
    (user,) = steps("USER")
    assert int(user) > 0
    assert steps("VOLUME") == ["/data"]
    (environment,) = steps("ENV")
    given = dict(one.split("=", 1) for one in shlex.split(environment))
    assert set(given) - {"PATH"} <= KNOWN
    # What people make is in the volume, and outlives the container.
    assert all(value.startswith("/data/") for name, value in given.items() if name != "PATH")


def test_the_unit_starts_what_there_is_and_lets_fine_tunes_go_on():
    service, environment = unit()
    program, *given = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/bertoscope")
    assert _parser().parse_args(given).headless
    assert set(environment) <= KNOWN
    state = f"/var/lib/{service['StateDirectory']}/"
    assert all(value.startswith(state) for value in environment.values())
    assert service["KillMode"] == "process"
    assert service["User"] not in ("root", "")
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "yes")


@pytest.mark.slow
def test_the_image_tells_a_server_that_is_well_from_one_that_is_not(tmp_path):
    """Also where it asks for a pass-phrase."""
    (check,) = steps("HEALTHCHECK")
    _python, flag, program = ast.literal_eval(check.partition("CMD ")[2])

    def status(port):
        made = program.replace(":8501/", f":{port}/")
        assert made != program
        return subprocess.run([sys.executable, flag, made], stderr=subprocess.DEVNULL, timeout=60).returncode

    process, address = start_server(
        BERTOSCOPE_PASSWORD="a", BERTOSCOPE_RUNS=str(tmp_path / "runs"), BERTOSCOPE_CACHE=str(tmp_path / "cache")
    )
    port = address.rpartition(":")[2]
    try:
        assert status(port) == 0
    finally:
        process.terminate()
        process.wait(30)
    assert status(port) != 0
