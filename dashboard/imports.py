"""transformers is there whole for each of several threads that load it at the same moment.

While it is loaded it puts another module into its own place in `sys.modules`, which looks its names up when they are
asked for. A thread that asks for it meanwhile waits, and is given what was in that place before: a module in which
nothing is, so that a page fails with “cannot import name”. A server's first readers do that to each other.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_NAME = "transformers"


class _Whole(Loader):
    """Loads a module which puts another into its place: whoever has the first finds all of the second in it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return the module to load into."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load it."""
        self._loader.exec_module(module)
        there = sys.modules[_NAME]
        if there is not module:

            def look_up(name: str) -> Any:
                return getattr(there, name)

            # See PEP 562.
            vars(module)["__getattr__"] = look_up


class Finder(MetaPathFinder):
    """Finds transformers first, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how it is loaded; None for all else."""
        found = PathFinder.find_spec(fullname, path) if fullname == _NAME else None
        if found is not None and found.loader is not None:
            found.loader = _Whole(found.loader)
        return found


def load_whole() -> None:
    """Let this process load transformers so, whenever it does."""
    if not any(isinstance(one, Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, Finder())
