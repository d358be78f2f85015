"""What a page computes, described once: its result, the Python that gives the same, and what files say of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import reduce
from typing import Any

import interpret as it
from dashboard import cache
from dashboard.bounded import Progress
from dashboard.subject import Subject


@dataclass(frozen=True)
class Source:
    """A value that is not written out, such as the texts of a file, with the lines of Python that make it.

    Attributes
    ----------
    name
        What the lines call it.
    lines
        They end with its assignment.
    key
        Tells the value from others that the same lines make, such as those of another file of this name.
    make
        Returns the value.
    file
        The file that it is from; empty for none.
    after
        What the lines build on.
    """

    name: str
    lines: str
    key: Hashable
    make: Callable[[], Any] = field(compare=False, repr=False)
    file: str = ""
    after: tuple[Source | Analysis, ...] = ()

    @property
    def result(self) -> Any:
        """The value."""
        return self.make()

    @property
    def about(self) -> dict[str, Any]:
        """What JSON says of it: the file, and what it builds on."""
        found = {name: value for before in self.after for name, value in before.about.items()}
        return found | ({"file": self.file} if self.file else {})


@dataclass(frozen=True, init=False)
class Analysis:
    """A call of a public function of `interpret`.

    Parameters
    ----------
    call
        The function, as its name stands behind ``it.``.
    of
        The subject, or the encoder where what is read is an argument. The function's parameters ``encoder``, ``trace``,
        ``text`` and ``pair`` are filled from it.
    name
        What the lines of Python call the result; the function's own name unless given.
    shows
        What stands behind the result's name for each part of it that the page shows, such as ``".scores"``.
    keep
        Whether the result may be kept for all: not one that holds a model.
    **arguments
        The other arguments. Other analyses and sources come as they are.
    """

    call: str
    of: Subject | it.EncoderSpec
    name: str = field(compare=False)
    shows: tuple[str, ...] = field(compare=False)
    keep: bool = field(compare=False)
    arguments: tuple[tuple[str, Any], ...]

    def __init__(
        self,
        call: str,
        of: Subject | it.EncoderSpec,
        *,
        name: str = "",
        shows: tuple[str, ...] = (),
        keep: bool = True,
        **arguments: Any,
    ) -> None:
        known = (call, of, name or call.rpartition(".")[2], shows, keep, tuple(arguments.items()))
        for attribute, value in zip(("call", "of", "name", "shows", "keep", "arguments"), known, strict=True):
            object.__setattr__(self, attribute, value)

    @property
    def spec(self) -> it.EncoderSpec:
        """The encoder."""
        return self.of.spec if isinstance(self.of, Subject) else self.of

    @property
    def result(self) -> Any:
        """What the call returns, computed once while there is room for it: see `dashboard.cache.kept`."""
        return cache.kept(self, self.run) if self.keep else self.run()

    def run(self, progress: Progress | None = None, **more: Any) -> Any:
        """Call the function anew; where somebody else waits for the same at this moment, wait with them.

        Parameters
        ----------
        progress
            Told how far it is, where the function tells.
        **more
            Arguments that do not change the result: those whose values are at hand.
        """

        def call(report: Progress) -> Any:
            given = {
                parameter.name: _value(argument) for parameter, argument in self._given() if parameter.name not in more
            }
            reports = {} if progress is None else {"progress": report}
            return self._function()(**given, **more, **reports)

        return cache.shared(self, call, progress) if self.keep else call(progress or _silent)

    @property
    def about(self) -> dict[str, Any]:
        """What JSON says of the result: the model, what was read, and the settings by their names in Python."""
        found = _about_model(self.spec)
        if isinstance(self.of, Subject):
            found |= {"text": self.of.text, "pair": self.of.pair}
            if self.of.row is not None:
                found |= self.of.row.about
        for name, value in self.arguments:
            if isinstance(value, Analysis) and self._is_of_another(value):
                # Under the argument's own name, or it would pass for this one's.
                found[name] = value.about
            elif isinstance(value, it.EncoderSpec):
                found[name] = _about_model(value)
            elif isinstance(value, tuple) and any(map(_is_made, value)):
                found[name] = [_about_model(part) if isinstance(part, it.EncoderSpec) else part.about for part in value]
            elif isinstance(value, Analysis | Source):
                found |= value.about
            else:
                found |= asdict(value) if is_dataclass(value) and not isinstance(value, type) else {name: value}
        return found

    def _is_of_another(self, other: Analysis) -> bool:
        """Tell whether another analysis is of another model, or of another text."""
        return other.spec != self.spec or (isinstance(other.of, Subject) and other.of != self.of)

    def _function(self) -> Callable[..., Any]:
        found: Any = reduce(getattr, self.call.split("."), it)
        return found

    def _given(self) -> Iterator[tuple[inspect.Parameter, Any]]:
        """Yield each parameter that is given, in the function's order, with its value."""
        subject: dict[str, Any] = {"encoder": self.spec}
        if isinstance(self.of, Subject):
            subject |= {"text": self.of.text, "pair": self.of.pair}
        for name, parameter in inspect.signature(self._function()).parameters.items():
            if name == "trace" and isinstance(self.of, Subject):
                yield parameter, Analysis("trace", self.of)
            elif name in (given := subject | dict(self.arguments)):
                yield parameter, given[name]


def _silent(_done: int, _total: int, _stage: str) -> None:
    """Tell nobody."""


def trace_of(subject: Subject) -> it.Trace:
    """Return the trace of a subject, which most of what is shown is made of."""
    found: it.Trace = Analysis("trace", subject).result
    return found


def python_lines(*analyses: Analysis) -> str:
    """Write the lines of Python that give the same results, each under a name of its own."""
    names: dict[Hashable, str] = {}
    lines = ["import interpret as it\n\n"]

    def write(one: Analysis | Source | it.EncoderSpec) -> None:
        if one in names:
            return
        if isinstance(one, Source):
            for before in one.after:
                write(before)
            names[one] = one.name
            lines.append(one.lines)
            return
        if isinstance(one, Analysis):
            write(one.spec)
            values = list(one._given())
            # What other analyses read comes first: their files' texts have the same name as this one's.
            for kind in (it.EncoderSpec, Analysis, Source):
                for _parameter, value in values:
                    for part in _parts(value):
                        if isinstance(part, kind):
                            write(part)
            room = f"it.{one.call}".rpartition(".")[0]
            written = [_argument(*given, names, room) for given in values if not _usual(*given)]
            made = f"it.{one.call}({', '.join(written)})"
        else:
            made = _loading(one)
        wanted = "encoder" if isinstance(one, it.EncoderSpec) else one.name
        taken, number = set(names.values()), 2
        names[one] = wanted
        while names[one] in taken:
            names[one], number = f"{wanted}_{number}", number + 1
        lines.append(f"{names[one]} = {made}\n")

    for one in analyses:
        write(one)
    shown = [f"{names[one]}{part}" for one in analyses for part in one.shows]
    return "".join(lines) + (", ".join(shown) + "\n" if shown else "")


def table_lines(path: str, encoding: str = "") -> str:
    """Write the lines of Python that read a table; ``encoding`` is one that was chosen by hand."""
    more = f", encoding={encoding!r}" if encoding else ""
    return (
        "from pathlib import Path\n\nfrom interpret.core.files import read_table\n\n"
        f"table = read_table(Path({path!r}).read_bytes(), {path.rpartition('/')[2]!r}{more})\n"
    )


def _about_model(spec: it.EncoderSpec) -> dict[str, Any]:
    """Return what JSON says of a model."""
    found: dict[str, Any] = {
        "model": spec.checkpoint.name,
        "revision": spec.checkpoint.revision,
        "device": spec.device,
        "precision": spec.precision,
    }
    return found | ({"prompt": spec.prompt} if spec.prompt else {})


def _parts(argument: Any) -> tuple[Any, ...]:
    """Return the arguments that stand in one argument: those of a list of models, or of texts' vectors."""
    return argument if isinstance(argument, tuple) else (argument,)


def _is_made(argument: Any) -> bool:
    """Tell whether an argument stands for what lines of Python make before the call."""
    return isinstance(argument, Analysis | Source | it.EncoderSpec)


def _value(argument: Any) -> Any:
    """Return what a function gets for an argument."""
    if isinstance(argument, it.EncoderSpec):
        return cache.encoder(argument)
    if isinstance(argument, Analysis | Source):
        return argument.result
    return tuple(map(_value, argument)) if isinstance(argument, tuple) and any(map(_is_made, argument)) else argument


def _loading(spec: it.EncoderSpec) -> str:
    checkpoint = spec.checkpoint
    name = repr(checkpoint.name)
    if checkpoint.source == "hub":
        name = f"it.find_checkpoint({checkpoint.name!r}, revision={checkpoint.revision!r})"
    prompt = "" if spec.prompt is None else f", prompt={spec.prompt!r}"
    return f"it.load_encoder({name}, device={spec.device!r}, precision={spec.precision!r}{prompt})"


def _usual(parameter: inspect.Parameter, value: Any) -> bool:
    """Tell whether an argument is what the function takes anyway."""
    usual = parameter.default
    return type(usual) is type(value) and bool(usual == value)


def _argument(parameter: inspect.Parameter, value: Any, names: dict[Hashable, str], room: str) -> str:
    if _is_made(value):
        written = names[value]
    elif isinstance(value, tuple) and any(map(_is_made, value)):
        written = f"[{', '.join(names[one] for one in value)}]"
    elif is_dataclass(value):
        # What a function takes is public in the function's own room.
        written = f"{room}.{value!r}"
    else:
        written = repr(list(value) if isinstance(value, tuple) else value)
    alone = parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    return written if alone else f"{parameter.name}={written}"
