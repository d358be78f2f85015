"""Public names that are loaded when they are first used: read from the stub beside a package's `__init__.py`."""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """A package whose public names win over modules of its own that are called the same."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing `package.rollout` would put the module in the place of the function.
        if not (isinstance(value, ModuleType) and _is_shadowing(self, value, name)):
            super().__setattr__(name, value)


def _is_shadowing(package: ModuleType, module: ModuleType, name: str) -> bool:
    return module.__name__ == f"{package.__name__}.{name}" and name in package.__all__ and name not in package.rooms


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str], frozenset[str]]:
    """Return ``__getattr__``, ``__dir__``, ``__all__`` and the names of subpackages for a package's ``__init__.py``.

    The stub is the one list of its public names, for people, type checkers and this alike: lines such as
    ``from interpret.attention.flow import rollout as rollout``. Importing the package runs nothing of what they name.
    See PEP 562 (https://peps.python.org/pep-0562) and scientific Python's SPEC 1 (https://scientific-python.org/specs).

    Parameters
    ----------
    package, file
        Its ``__name__`` and ``__file__``.

    Examples
    --------
    >>> import interpret
    >>> "rollout" in dir(interpret.attention)
    True
    """
    where: dict[str, tuple[str, str]] = {}
    for line in ast.parse(Path(file).with_suffix(".pyi").read_text("utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module is not None:
            where |= {one.asname or one.name: (line.module, one.name) for one in line.names}
    rooms = frozenset(public for public, (module, _) in where.items() if module == package)

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = where[name]
        if name in rooms:
            return import_module(f"{package}.{original}")
        return getattr(import_module(module), original)

    sys.modules[package].__class__ = _Package
    return load, lambda: sorted(where), sorted(where), rooms
