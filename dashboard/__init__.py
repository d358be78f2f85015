"""How results look, and how a person steers."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
