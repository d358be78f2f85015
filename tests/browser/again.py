"""Run browser tests that failed once more, alone: two processor cores under load are late for many things.

What passes then is printed under "flaky", to be mended next. Whatever else has failed stays failed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CACHE = Path(".pytest_cache")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write down how it ended: after an inner error or an interruption there are tests that never ran."""
    cache = getattr(session.config, "cache", None)
    if cache is not None and not hasattr(session.config, "workerinput"):
        cache.set("bertoscope/ended", int(exitstatus))


def again(cache: Path = CACHE) -> int:
    """Return 0 if nothing but browser tests had failed, and all of them pass now."""
    ended = _kept(cache, "bertoscope/ended")
    names = sorted(_kept(cache, "cache/lastfailed") or {})
    if ended != pytest.ExitCode.TESTS_FAILED or not names:
        return 1
    if any(not name.startswith("tests/browser/") for name in names):
        return 1
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-m", "pytest", "-o", f"cache_dir={folder}", *names])
        failed = _kept(Path(folder), "cache/lastfailed") or {}
    if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return done.returncode
    flaky = [name for name in names if name not in failed]
    if flaky:
        print("flaky, to be mended next:", *flaky, sep="\n  ", flush=True)  # noqa: T201 - to who runs the tests
    return done.returncode


def _kept(cache: Path, name: str) -> object:
    """Return what pytest has kept by a name; None where there is nothing."""
    file = cache / "v" / name
    return json.loads(file.read_text("utf-8")) if file.exists() else None


if __name__ == "__main__":
    sys.exit(again())
