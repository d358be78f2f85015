"""Failed browser tests are tried once more, and nothing else is."""

import json
import subprocess

import pytest

from tests.browser import again as module

BROWSER = "tests/browser/test_attention.py::test_a"


@pytest.mark.parametrize(
    ("failed", "passes", "status"),
    [
        ([BROWSER], True, 0),
        ([BROWSER], False, 1),
        ([BROWSER, "tests/pages/test_attention.py::test_b"], True, 1),
        ([], True, 1),
        (None, True, 1),
    ],
)
def test_only_browser_tests_are_tried_again(tmp_path, monkeypatch, capsys, failed, passes, status):
    asked = []

    def run(command):
        asked.append(command[command.index("no:cacheprovider") + 1 :])
        return subprocess.CompletedProcess(command, 0 if passes else 1)

    monkeypatch.setattr(module.subprocess, "run", run)
    # As pytest writes it.
    if failed is not None:
        (tmp_path / "lastfailed").write_text(json.dumps(dict.fromkeys(failed, True)), "utf-8")
    assert module.again(tmp_path / "lastfailed") == status
    assert asked == ([[BROWSER]] if failed == [BROWSER] else [])
    assert ("flaky" in capsys.readouterr().out) == (status == 0)
