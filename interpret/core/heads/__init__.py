"""Heads that read an encoder's last hidden states, one file each: every module that registers one is loaded."""

from importlib import import_module
from pkgutil import iter_modules

from interpret.core.heads.head import HEADS, TaskHead, mean_states, register

__all__ = ["HEADS", "TaskHead", "mean_states", "register"]


def load_all() -> None:
    """Import every module of this folder."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")


load_all()
