"""Types of what `interpret` is called with and gives back, checked whenever a test calls it."""

from pathlib import Path

from beartype import BeartypeConf
from beartype.claw import beartype_package
from jaxtyping import install_import_hook

ROOT = Path(__file__).parents[1]


def check_types() -> None:
    """Check all types by beartype, and axes by jaxtyping, in whatever is imported from now on.

    jaxtyping's own part of a call takes longer than most calls do: it is for modules that say axes.
    """
    beartype_package("interpret", conf=BeartypeConf(claw_is_pep526=False))
    axes = [file for file in (ROOT / "interpret").rglob("*.py") if "jaxtyping" in file.read_text("utf-8")]
    install_import_hook([".".join(file.relative_to(ROOT).with_suffix("").parts) for file in axes], "beartype.beartype")
