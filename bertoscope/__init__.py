"""The library `interpret` by a name that nothing else has: ``import bertoscope as it``.

Each name here is the very object that `interpret` has by it, and each module below it the very module. On PyPI there
is another project whose package is called ``interpret`` (InterpretML). Where Python finds that one, importing this one
says so.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interpret import *  # noqa: F403


def _library() -> ModuleType:
    spec = find_spec("interpret")
    if spec is None:
        raise ImportError(
            "Bertoscope's package “interpret” is not there: run `pip install --force-reinstall --no-deps bertoscope`."
        )
    cause = None
    try:
        module = import_module("interpret")
    except ImportError as error:
        module, cause = None, error
    if module is None or not hasattr(module, "InterpretError"):
        raise ImportError(
            f"The package “interpret” that Python finds at {spec.origin} is not Bertoscope's: the project InterpretML "
            "on PyPI has one of that name. Install Bertoscope into an environment of its own, or run `pip uninstall "
            "interpret interpret-core`, then `pip install --force-reinstall --no-deps bertoscope`."
        ) from cause
    return module


class _Alias(MetaPathFinder, Loader):
    """Finds ``bertoscope.attention`` where `interpret.attention` is, and gives that module itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module below this package is, or None."""
        package, _, rest = fullname.partition(".")
        # What is run, and not imported, is run from its file.
        if package != __name__ or rest.endswith("__main__"):
            return None
        found = find_spec(f"interpret.{rest}")
        if found is None:
            return None
        spec = ModuleSpec(fullname, self)
        spec.submodule_search_locations = found.submodule_search_locations
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module of `interpret`."""
        module = import_module(f"interpret{spec.name.removeprefix(__name__)}")
        # Whoever imports a module writes into it where it was found: it keeps what it had.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it is: it has run already."""
        alias = module.__spec__
        if alias is not None and alias.loader is self:
            module.__spec__ = alias.loader_state


class _Face(ModuleType):
    """Keeps modules below it where they are, in `interpret`, which knows when a public name is called like one."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and value.__name__ == f"interpret.{name}"):
            super().__setattr__(name, value)


_interpret = _library()
sys.modules[__name__].__class__ = _Face
# Before all others: they would find a module's file below the package that it lies in, and load it a second time.
sys.meta_path.insert(0, _Alias())


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(_interpret, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*_interpret.__all__, *dir(_interpret)})
