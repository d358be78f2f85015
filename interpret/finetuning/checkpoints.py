"""Where a training goes on from, and the snapshots of it on the way."""

from pathlib import Path

from interpret.finetuning.run_files import BROKEN, as_text, number, read_object

LATEST = "latest.json"


SNAPSHOT = ".safetensors"


def snapshot_steps(count: int, steps: int) -> tuple[int, ...]:
    """Return after which steps of a training so many snapshots are taken: at even distances, the end not among them."""
    return tuple(sorted({round(steps * part / (count + 1)) for part in range(1, count + 1)} - {0, steps}))


def latest_checkpoint(folder: Path) -> tuple[Path, int] | None:
    """Return the last whole checkpoint in a folder and its step; None where there is none."""
    try:
        given = read_object(folder / LATEST)
        place = folder / as_text(given["checkpoint"])
        return (place, int(number(given["step"]))) if (place / "learned.safetensors").exists() else None
    except BROKEN:
        return None
