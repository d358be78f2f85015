"""Python processes that have everything imported when they begin, for tests that start some.

To import PyTorch and transformers takes a process five seconds. Here one does it once for a whole run of the tests, and
divides for each that is asked for. What starts the `executable` of `prepared` with ``-m MODULE`` or ``-c CODE`` and
words starts a small client, which hands these, its folder, its environment and its streams over, and ends as the
process that was made for it ends. Whoever kills the client kills that process, though a moment later. Its number and
its parent are not the client's: tests of these, and of what is imported when, start `sys.executable` itself.
"""

import gc
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What these processes would import first.
_MODULES = (
    "accelerate.commands.launch",
    "interpret.finetuning.worker",
    "interpret.embeddings",
    "interpret.attribution.row_worker",
    "mlflow",
)


@contextmanager
def prepared(folder: Path) -> Iterator[str]:
    """Keep a process ready while the block is worked on; gives what to start in place of `sys.executable`."""
    address = folder / "socket"
    client = folder / "python"
    # Without the packages that are installed, Python starts in a hundredth of a second.
    client.write_text(f'#!/bin/sh\nexec {sys.executable} -ISu {shlex.quote(__file__)} ask {address} "$@"\n')
    client.chmod(0o755)
    command = [sys.executable, "-m", "tests.prepared", "serve", str(address)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield str(client)


def serve(address: str) -> list[str]:
    """Divide for each client until the input ends; returns, in each process that was made so, what it is to run."""
    for name in _MODULES:
        __import__(name)
    # What is here stays as it is, also when a process ends: memory that is touched has to be copied first.
    gc.freeze()
    # Those that they start themselves divide from here too.
    sys.executable = str(Path(address).with_name("python"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)  # noqa: T201 - to who asked
        # Nobody asks how those ended that look after one client each.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            asked, _, _ = select.select([listener, sys.stdin], [], [])
            if listener not in asked:
                os._exit(0)
            client, _ = listener.accept()
            with client:
                if os.fork():
                    continue
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                words = _divide(client)
            return words


def _divide(client: socket.socket) -> list[str]:
    """Make the process that a client asks for, which returns what it is to run, and stay to tell how it ended."""
    head, streams, _, _ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as rest:
        words, folder, environment = json.loads(rest.read(int.from_bytes(head)))
    process = os.fork()
    if not process:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        return words
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    ended = os.pidfd_open(process)
    found, _, _ = select.select([client, ended], [], [])
    if ended not in found:
        os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    try:
        client.sendall(str(status).encode())
    finally:
        os._exit(0)


def run(words: list[str]) -> None:
    """Run a module or code as the interpreter does that is started with these words."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)
    if words[0] == "-u":
        del words[0]
    kind, what, *sys.argv[1:] = words
    sys.path[0] = os.getcwd() if kind == "-m" else ""
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        assert kind == "-c", "only modules and code are started so"
        sys.argv[0] = "-c"
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


def ask(address: str, words: list[str]) -> None:
    """Let the prepared process run something, and end as that ends."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        asked = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
        socket.send_fds(server, [len(asked).to_bytes(8)], [0, 1, 2])
        server.sendall(asked)
        status = int(server.recv(8) or b"1")
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    role, where, *asked = sys.argv[1:]
    if role == "ask":
        ask(where, asked)
    run(serve(where))
