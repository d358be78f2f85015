"""Types of what `interpret` is called with and gives back, checked whenever a test calls it."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype
from beartype.claw import beartype_package

ROOT = Path(__file__).parents[1]


def check_types() -> None:
    """Check all types by beartype, and axes by jaxtyping, in whatever is imported from now on.

    What axes take of a call is for modules that say some.
    """
    beartype_package("interpret", conf=BeartypeConf(claw_is_pep526=False))
    axes = [file for file in (ROOT / "interpret").rglob("*.py") if "jaxtyping" in file.read_text("utf-8")]
    # Its hook calls by this name whatever is to check a function or a class.
    jaxtyping.jaxtyped = functools.partial(_by_name, jaxtyping.jaxtyped)
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in axes]
    jaxtyping.install_import_hook(names, "beartype.beartype")


def _by_name(jaxtyped: Callable[..., Any], *, typechecker: object) -> Callable[[Any], Any]:
    """Return what checks a function or a class, in the place of jaxtyping's own.

    That one binds all arguments to their names and has them checked twice, before a call and after it, which takes
    longer than most calls do. Here the same axes are known to the arguments, what is within and the result, and each
    is looked at once.
    """

    def checked(what: Any) -> Any:
        if inspect.isclass(what):
            if dataclasses.is_dataclass(what) and "__init__" in vars(what):
                what.__init__ = checked(what.__init__)
            return what
        looked_at = beartype(_with_hints(what))

        @functools.wraps(what)
        def call(*args: object, **named: object) -> object:
            __tracebackhide__ = True
            if jaxtyping.config.jaxtyping_disable:
                return what(*args, **named)
            with jaxtyped("context"):
                return looked_at(*args, **named)

        return call

    return checked


def _with_hints(function: Callable[..., Any]) -> Callable[..., Any]:
    """Write hints out that are strings; those that only a type checker knows stand for anything."""
    for name, hint in list(function.__annotations__.items()):
        holder = type("Holder", (), {"__annotations__": {"hint": hint}})
        try:
            function.__annotations__[name] = get_type_hints(holder, function.__globals__, include_extras=True)["hint"]
        except Exception:
            function.__annotations__[name] = Any
    return function
