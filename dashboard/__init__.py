"""How results look, and how a person steers."""

import os
from pathlib import Path

from dashboard.imports import load_whole

# Before PyTorch is loaded. Its threads would go on turning while they wait for each other, which keeps the browser that
# draws on the same few cores from its work, and then itself: on two cores a guess took 45 ms in the place of 150.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

load_whole()

ROOT = Path(__file__).resolve().parent.parent


def page_file(name: str) -> Path:
    """Return the file of a page, by the name of its folder."""
    return ROOT / "pages" / name / "page.py"
