"""The targets of attributions, one file each: every module of this folder that registers one is loaded with it."""

from importlib import import_module
from pkgutil import iter_modules

from interpret.attribution.targets.target import (
    TARGETS,
    BoundTarget,
    Target,
    TargetInputs,
    TargetKind,
    in_order,
    register,
)

__all__ = ["TARGETS", "BoundTarget", "Target", "TargetInputs", "TargetKind", "in_order", "register"]


def load_all() -> None:
    """Import every module of this folder."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")


load_all()
