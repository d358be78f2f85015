"""Run browser tests that failed once more, alone: two processor cores under load are late for many things.

What passes then is printed under "flaky", to be mended next. Whatever else has failed stays failed.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")


def again(failed: Path = FAILED) -> int:
    """Return 0 if only browser tests had failed, and all of them pass now."""
    names = sorted(json.loads(failed.read_text("utf-8"))) if failed.exists() else []
    if not names or any(not name.startswith("tests/browser/") for name in names):
        return 1
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *names])
    if done.returncode == 0:
        print("flaky, to be mended next:", *names, sep="\n  ", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(again())
