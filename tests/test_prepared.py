"""A process that divides from the prepared one runs, prints, reads and ends as one of its own does."""

import os
import subprocess
import sys

import psutil
import pytest

# Before any fixture puts another in its place.
REAL = sys.executable
pytestmark = pytest.mark.slow
LOOK = """
import atexit, os, sys
atexit.register(print, "the end")
print(sys.argv, os.getcwd(), sorted(os.environ), sys.stdin.read())
print("aside", file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.usefixtures("prepared_python")
def test_it_is_as_a_process_of_its_own(tmp_path):
    environment = {"PATH": os.environ["PATH"], "PWD": str(tmp_path), "WORD": "a word"}

    def start(executable, *words):
        done = subprocess.run(
            [executable, *words], input="read", capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        return done.returncode, done.stdout, done.stderr.splitlines()[-1:]

    (tmp_path / "module.py").write_text(LOOK, "utf-8")
    for words in (("-c", LOOK, "one", "two"), ("-u", "-m", "module", "one"), ("-c", "1 / 0")):
        assert start(sys.executable, *words) == start(REAL, *words)
    assert start(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")[0] == -9


@pytest.mark.usefixtures("prepared_python")
def test_it_has_everything_imported_and_ends_with_its_client():
    code = "import os, sys, time; print(os.getpid(), 'torch' in sys.modules, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as client:
        number, imported = client.stdout.readline().split()
        assert imported == "True"
        process = psutil.Process(int(number))
        client.kill()
    # Nobody's child: it is gone, or a zombie that its parent is about to ask for.
    psutil.wait_procs([process], timeout=60)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
