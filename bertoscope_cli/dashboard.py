"""``bertoscope``: the dashboard, from any folder."""

import argparse
import os
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from bertoscope_cli.folders import app_folder, data_folder, shown
from bertoscope_cli.sentence import in_one_sentence

PROG = "bertoscope"
# What the extra brings, by the names that it is imported by: all of it is looked for before a server starts.
EXTRA = ("streamlit", "authlib", "plotly", "pandas", "pyarrow", "babel", "bertviz", "mpld3", "xstatic")


def main(arguments: list[str] | None = None) -> int:
    """Start the dashboard, and serve it until it is interrupted, or write a report; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    command = _COMMANDS.get(given[0]) if given else None
    if command is not None:
        return in_one_sentence(f"{PROG} {given[0]}", lambda: command(given[1:]))
    return in_one_sentence(PROG, lambda: _serve(_parser().parse_args(given)))


def _report(arguments: list[str]) -> int:
    from bertoscope_cli.report import main as write

    return write(arguments)


def _backup(given: list[str]) -> int:
    from bertoscope_cli.backup import backup_main

    return backup_main(given)


def _restore(given: list[str]) -> int:
    from bertoscope_cli.backup import restore_main

    return restore_main(given)


def _resources(given: list[str]) -> int:
    from interpret.resources.__main__ import main as count

    return count(given, f"{PROG} resources")


_COMMANDS = {"report": _report, "resources": _resources, "backup": _backup, "restore": _restore}


def _parser() -> argparse.ArgumentParser:
    from interpret.core.terminal import Parser

    data = data_folder()
    parser = Parser(
        PROG,
        "Open the dashboard in the browser: see inside BERT, and change it.",
        [PROG, f"{PROG} --port 9000 --headless", f"BERTOSCOPE_HOSTS=bert.example.org {PROG} --host 0.0.0.0"],
        "commands:\n"
        f"  {PROG} report             a report on a file's predictions; see {PROG} report --help\n"
        f"  {PROG} resources          what a model takes of memory and time; see {PROG} resources --help\n"
        f"  {PROG} backup, restore    all runs with their record in one file, and back\n\n"
        "environment:\n"
        "  BERTOSCOPE_HOSTS              further names that the server answers to, with commas between;\n"
        "                                it refuses requests for any other\n"
        "  BERTOSCOPE_CACHE              folder for vectors that can be computed again (~/.cache)\n"
        "  BERTOSCOPE_CACHE_GB           how much of them is kept (5)\n"
        "  BERTOSCOPE_MODELS_GB          how much of models stays loaded on a device (half of its memory)\n"
        "  BERTOSCOPE_PASSWORD           a pass-phrase that everybody is asked for (nobody is asked)\n"
        "  BERTOSCOPE_OWNER_PASSWORD     the pass-phrase of whoever runs the server (nobody)\n"
        "  BERTOSCOPE_PEOPLE             who comes in by an identity provider (everybody whom it knows)\n"
        "  BERTOSCOPE_OWNERS             who of them runs the server (nobody)\n"
        "  MLFLOW_TRACKING_URI           server for the metrics of fine-tuning runs\n",
    )
    parser.add_argument("--version", action="version", version=f"{PROG} {_version()}")
    group = parser.add_argument_group("server")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; 0.0.0.0 lets others on your network in, who can then use your machine",
    )
    group.add_argument("--port", type=_port, default=8501, metavar="N", help="port to listen on")
    group.add_argument(
        "--headless",
        action="store_true",
        help="open no browser (as over SSH, and where there is no screen)",
    )
    group = parser.add_argument_group("folders")
    group.add_argument(
        "--models",
        type=Path,
        metavar="FOLDER",
        help=f"models of your own, a folder each (default: BERTOSCOPE_MODELS, or {shown(data / 'models')})",
    )
    group.add_argument(
        "--runs",
        type=Path,
        metavar="FOLDER",
        help=f"fine-tuning runs (default: BERTOSCOPE_RUNS, or {shown(data / 'runs')})",
    )
    return parser


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return number


def _version() -> str:
    try:
        return version("bertoscope")
    except PackageNotFoundError:
        return "(not installed: a checkout)"


def _serve(args: argparse.Namespace) -> int:
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"the dashboard needs packages that are not installed ({', '.join(missing)}). Run: "
            'pip install "bertoscope[dashboard]"'
        )
    _check_free(args.host, args.port)
    app, data = app_folder(), data_folder()
    for given, variable, folder in (
        (args.models, "BERTOSCOPE_MODELS", "models"),
        (args.runs, "BERTOSCOPE_RUNS", "runs"),
    ):
        os.environ[variable] = str(Path(given or os.environ.get(variable) or data / folder).absolute())
    if app.name != "_app":
        # Streamlit reads a checkout's settings from where it is started.
        os.chdir(app)
    sys.path.insert(0, str(app))
    options = ["--server.address", args.host, "--server.port", str(args.port)]
    if args.headless or os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        options += ["--server.headless", "true"]
    address = f"[{args.host}]" if ":" in args.host else args.host
    print(f"Bertoscope starts on http://{address}:{args.port}", flush=True)  # noqa: T201 - to its terminal

    from streamlit.web import cli

    cli.main(["run", str(app / "dashboard" / "app.py"), *options], prog_name=PROG, standalone_mode=False)
    return 0


def _check_free(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: what a server that has just ended leaves behind is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise OSError(
            f"cannot listen on {host}, port {port}: {error.strerror}; --host and --port give another"
        ) from error
