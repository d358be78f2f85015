"""What is measured in a process of its own: what it says, and that nothing of it goes on."""

import os
import subprocess
import sys
import time

import psutil
import pytest

import interpret as it
from interpret.core.own_process import device_inside, measured_alone

# Modules that say something, or wait: each is run as ours are.
ECHO = "import json, sys; given = json.loads(sys.stdin.read()); print('noise'); print(json.dumps({'given': given}))"
SENTENCE = """
import json, sys
said = {"kind": "CapacityError", "sentence": "{name} has no room.", "values": {"name": "cuda:0"}}
print(json.dumps(said))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run code as a module in a process of its own."""

    def start(code, device="cpu", patience=60.0, progress=None):
        (tmp_path / "measured_here.py").write_text(code)
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
        return measured_alone("measured_here", [1, "two"], device, patience, progress)

    return start


def test_the_last_line_is_what_was_measured(run):
    assert run(ECHO) == {"given": [1, "two"]}


def test_a_card_is_said_by_the_name_that_it_has_here(run, monkeypatch):
    monkeypatch.setattr("interpret.core.own_process.shown_alone", lambda _device: "5")
    with pytest.raises(it.CapacityError, match="^cuda:3 has no room"):
        run(SENTENCE, "cuda:3")
    seen = "import json, os; print(json.dumps({'cards': os.environ['CUDA_VISIBLE_DEVICES']}))"
    assert run(seen, "cuda:3") == {"cards": "5"}
    assert [device_inside(one) for one in ("cuda:3", "cpu", "mps")] == ["cuda:0", "cpu", "mps"]


@pytest.mark.parametrize(
    "code, kind, said",
    [
        ("import os; os.kill(os.getpid(), 9)", it.CapacityError, "memory runs out"),
        ("import os; os.kill(os.getpid(), 11)", it.InputError, "could not be measured: -11"),
        ("raise RuntimeError('no such kernel')", it.InputError, "could not be measured: RuntimeError: no such kernel"),
        ("print('[1, 2]')", it.InputError, "could not be measured: 0"),
        ("pass", it.InputError, "could not be measured: 0"),
    ],
)
def test_a_process_that_says_nothing_is_said(run, code, kind, said):
    with pytest.raises(kind, match=said):
        run(code)


class Stopped(BaseException):
    """As Streamlit leaves a page."""


def test_nothing_goes_on_that_nobody_waits_for(run):
    seen = []

    def stop(spent):
        seen.append(spent)
        raise Stopped

    for kind, given in ((Stopped, {"progress": stop}), (it.InputError, {"patience": 0.3})):
        begin = time.monotonic()
        with pytest.raises(kind):
            run("import time; time.sleep(600)", **given)
        assert time.monotonic() - begin < 60
        left = [one for one in psutil.Process().children() if "measured_here" in " ".join(one.cmdline())]
        assert left == []
    assert len(seen) == 1


def test_modules_beside_an_apps_file_do_not_come_before_those_of_python(run, monkeypatch):
    """Streamlit puts the folder of the app's file before all others: `dashboard/numbers.py` is no `numbers`."""
    dashboard = os.path.join(os.path.dirname(it.__file__), os.pardir, "dashboard")
    monkeypatch.setattr(sys, "path", [os.path.abspath(dashboard), *sys.path])
    found = run(
        "import json, numbers; print(json.dumps({'file': numbers.__file__, 'has': hasattr(numbers, 'Integral')}))"
    )
    assert found["has"], found
    # Beside ours it would be found: the folder has one.
    code = f"import sys; sys.path.insert(0, {os.path.abspath(dashboard)!r}); import numbers; numbers.Integral"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode
