"""Write the reference of the public names into `docs/api/`: ``python -m tests.api_reference``, or ``make reference``.

It reads stubs and docstrings in the source and imports nothing, so that types stand as they are written. A page is
one room.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/api"
TOP = "interpret"
ROOMS = (TOP, "attention", "embeddings", "attribution", "pretraining", "finetuning", "runs", "resources")
WIDTH = 88
PROPERTIES = {"property", "cached_property"}
# Sections of NumPy's style whose entries are a name, and below it what it is.
LISTED = ("Parameters", "Attributes", "Raises")
HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
NOTICE = "<!-- `make reference` writes this page from the docstrings: change those. -->"

Node = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Public:
    """A public name: its page, what it is called, and where it is written."""

    room: str
    name: str
    module: str
    node: Node
    note: str

    @property
    def path(self) -> str:
        return self.module.replace(".", "/")

    @property
    def title(self) -> str:
        return f"class `{self.name}`" if isinstance(self.node, ast.ClassDef) else f"`{self.name}`"

    @property
    def link(self) -> str:
        """Where a forge puts it: a heading in small letters, with `-` for a space."""
        anchor = self.title.replace("`", "").replace(" ", "-").lower()
        return f"{self.room}.md#{anchor}"

    @property
    def doc(self) -> str:
        if isinstance(self.node, ast.FunctionDef | ast.ClassDef):
            return ast.get_docstring(self.node) or ""
        return self.note


def source_of(module: str) -> Path:
    """Return a module's file."""
    folder = ROOT / module.replace(".", "/")
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _defined(module: str, name: str) -> tuple[str, Node, str]:
    """Find where a name is written, with the comment above it: the module itself, or one that it is imported from."""
    text = source_of(module).read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, node, ""
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in [getattr(one, "id", None) for one in targets]:
            above = []
            for line in reversed(text.splitlines()[: node.lineno - 1]):
                if not line.startswith("# "):
                    break
                above.insert(0, line[2:])
            return module, node, " ".join(above)
        if isinstance(node, ast.ImportFrom) and node.module and name in [one.asname or one.name for one in node.names]:
            return _defined(node.module, name)
    raise LookupError(f"{module} has no {name}")


def public_names(room: str) -> list[Public]:
    """Return what a room's stub lists, in its order."""
    stub = ROOT / TOP / ("" if room == TOP else room) / "__init__.pyi"
    found = []
    for line in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module and line.module != TOP:
            for one in line.names:
                found.append(Public(room, one.asname or one.name, *_defined(line.module, one.name)))
    return found


def written(node: ast.expr | None) -> str:
    """Return an annotation or a default as people write it: double quotes, and no blank before a single axis."""
    return "" if node is None else re.sub(r"'\s*([^'\"]*)'", r'"\1"', ast.unparse(node))


def parameters(node: ast.FunctionDef, bound: bool = False) -> dict[str, str]:
    """Return each parameter as it is written, by its name; with what stands alone, as `*`, under itself."""
    given = node.args
    places = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(places) - len(given.defaults)) + list(given.defaults)
    found = {one.arg: _parameter(one, default) for one, default in zip(places, defaults, strict=True)}
    if bound:
        found = dict(list(found.items())[1:])
    if given.vararg:
        found["*" + given.vararg.arg] = "*" + _parameter(given.vararg, None)
    elif given.kwonlyargs:
        found["*"] = "*"
    for one, keyword in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found[one.arg] = _parameter(one, keyword)
    if given.kwarg:
        found["**" + given.kwarg.arg] = "**" + _parameter(given.kwarg, None)
    return found


def _parameter(one: ast.arg, default: ast.expr | None) -> str:
    kind = f": {written(one.annotation)}" if one.annotation else ""
    equals = "" if default is None else (" = " if kind else "=") + written(default)
    return one.arg + kind + equals


def signature(name: str, node: ast.FunctionDef, bound: bool = False) -> str:
    """Return how a function is called, broken where it is long."""
    parts = list(parameters(node, bound).values())
    after = f" -> {written(node.returns)}" if node.returns else ""
    line = f"{name}({', '.join(parts)}){after}"
    if len(line) <= WIDTH:
        return line
    return "\n".join((f"{name}(", *(f"    {part}," for part in parts), f"){after}"))


def sections(doc: str) -> dict[str, str]:
    """Cut a docstring into its sections; what stands before them is under an empty name."""
    parts = HEADING.split(doc)
    found = {"": parts[0].strip()}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        found[heading] = text.strip("\n").rstrip()
    return found


def entries(text: str) -> list[tuple[str, str]]:
    """Cut a section into names and what is said of each."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line and not line.startswith(" "):
            found.append((line, []))
        else:
            found[-1][1].append(line.removeprefix("    "))
    return [(name, "\n".join(lines).strip()) for name, lines in found]


class Pages:
    """All pages, which link to each other."""

    def __init__(self) -> None:
        self.rooms = {room: public_names(room) for room in ROOMS}
        self.by_name: dict[str, list[Public]] = {}
        for one in self.all():
            self.by_name.setdefault(one.name, []).append(one)

    def all(self) -> Iterator[Public]:
        """Go through all public names."""
        for names in self.rooms.values():
            yield from names

    def _linked(self, name: str) -> Public | None:
        """Return the public name that a docstring means by `name`, if it is one."""
        *before, last = name.split(".")
        for one in self.by_name.get(last, ()):
            if ".".join(before) in ("", TOP, one.module, one.room, f"{TOP}.{one.room}"):
                return one
        return None

    def prose(self, text: str) -> str:
        """Turn text of a docstring into Markdown: code stays code, and a name that has an entry leads there."""
        blocks = []
        for block in re.split(r"\n\s*\n", text):
            if block.lstrip().startswith("==="):
                blocks.append(f"```text\n{block}\n```")
                continue
            flat = re.sub(r"\s*\n\s*", " ", block.strip())
            blocks.append(re.sub(r"``(.+?)``|`([^`]+)`", self._code, flat))
        return "\n\n".join(blocks)

    def _code(self, match: re.Match[str]) -> str:
        if match[1] is not None:
            return f"`{match[1]}`"
        one = self._linked(match[2])
        return f"`{match[2]}`" if one is None else f"[`{match[2]}`]({one.link})"

    def listed(self, text: str, types: dict[str, str]) -> str:
        """Turn entries into a list, with the types and defaults that the source has for them."""
        lines = []
        for names, said in entries(text):
            shown = []
            for name in names.split(", "):
                kind = types.get(name.lstrip("*"), "")
                one = self._linked(name) if name[:1].isupper() else None
                code = f"`{name}: {kind}`" if kind else f"`{name}`"
                shown.append(code if one is None else f"[{code}]({one.link})")
            lines.append(f"- {', '.join(shown)}  \n  " + self.prose(said).replace("\n\n", "\n\n  "))
        return "\n".join(lines)

    def documented(self, doc: str, types: dict[str, str], returns: str = "") -> Iterator[str]:
        """Turn a docstring into paragraphs."""
        parts = sections(doc)
        yield self.prose(parts.pop(""))
        if returns not in ("", "None") and "Returns" not in parts:
            # Before what it raises, as in a docstring.
            order = [name for name in parts if name == "Parameters"]
            rest = {name: text for name, text in parts.items() if name not in order}
            parts = {**{name: parts[name] for name in order}, "Returns": "", **rest}
        for heading, text in parts.items():
            if heading == "Examples":
                yield f"**Example**\n\n```pycon\n{text}\n```"
            elif heading == "Returns":
                kind = f"`{returns}`" if (one := self._linked(returns)) is None else f"[`{returns}`]({one.link})"
                yield f"**Returns** {kind}" + (f": {self.prose(text)}" if text else "")
            elif heading in LISTED:
                yield f"**{heading}**\n\n{self.listed(text, types)}"
            else:
                yield f"**{heading}**\n\n{self.prose(text)}"

    def entry(self, one: Public) -> Iterator[str]:
        """Write all that there is to a public name."""
        yield f"## {one.title}"
        node = one.node
        if isinstance(node, ast.FunctionDef):
            yield f"```python\n{signature(one.name, node)}\n```"
            yield from self.documented(one.doc, _types(node), written(node.returns))
        elif isinstance(node, ast.ClassDef):
            yield from self._class(one, node)
        else:
            value = written(node.value)
            kind = written(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            yield f"```python\n{one.name}{': ' + kind if kind else ''} = {value}\n```"
            if one.note:
                yield self.prose(one.note)
        yield f"Source: [{source_of(one.module).relative_to(ROOT)}](../../{source_of(one.module).relative_to(ROOT)})"

    def _class(self, one: Public, node: ast.ClassDef) -> Iterator[str]:
        bases = [written(base) for base in node.bases]
        shown = f"class {one.name}({', '.join(bases)})" if bases else f"class {one.name}"
        fields = {}
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                default = f" = {written(part.value)}" if part.value is not None else ""
                fields[part.target.id] = written(part.annotation) + default
        methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
        for part in methods:
            if part.name == "__init__":
                shown = signature(f"class {one.name}", part, bound=True).removesuffix(" -> None")
                fields = fields or _types(part)
            if _marks(part) & PROPERTIES:
                fields.setdefault(part.name, written(part.returns))
        yield f"```python\n{shown}\n```"
        yield from self.documented(one.doc, fields)
        for part in methods:
            if part.name.startswith("_"):
                continue
            if _marks(part) & PROPERTIES:
                yield f"### `{one.name}.{part.name}`\n\n`{written(part.returns)}`"
                yield from self.documented(ast.get_docstring(part) or "", {})
                continue
            bound = "staticmethod" not in _marks(part)
            yield f"### `{one.name}.{part.name}()`"
            yield f"```python\n{signature(part.name, part, bound)}\n```"
            yield from self.documented(ast.get_docstring(part) or "", _types(part), written(part.returns))

    def page(self, room: str) -> str:
        """Write the page of a room."""
        name = TOP if room == TOP else f"{TOP}.{room}"
        about = ast.get_docstring(ast.parse(source_of(name).read_text("utf-8"))) or ""
        names = self.rooms[room]
        table = ["| name | |", "|---|---|"]
        for one in names:
            first = self.prose(one.doc.partition("\n\n")[0]).replace("|", "\\|")
            table.append(f"| [`{one.name}`](#{one.link.partition('#')[2]}) | {first} |")
        blocks = [NOTICE, f"# `{name}`", "[All rooms](README.md)", *self.documented(about, {}), "\n".join(table)]
        for one in names:
            blocks += self.entry(one)
        return "\n\n".join(block for block in blocks if block) + "\n"

    def index(self) -> str:
        """Write the page that leads to the others."""
        lines = ["| room | names |", "|---|---|"]
        for room, names in self.rooms.items():
            shown = ", ".join(f"[`{one.name}`]({one.link})" for one in names)
            lines.append(f"| [`{room if room == TOP else f'{TOP}.{room}'}`]({room}.md) | {shown} |")
        return "\n\n".join((NOTICE, "# API reference", INTRODUCTION, "\n".join(lines))) + "\n"


INTRODUCTION = """\
Every public name of the library, from its docstring. What they are for, subject by subject:
[As a library](../library.md); how to go about it: [the notebooks](../notebooks/README.md).

Array types have their axes in order: `Float32[np.ndarray, "layer head query key"]`. `tests/test_doctests.py` runs all
examples, in one folder. There `tiny-bert` is a tiny BERT with random weights and the heads of pre-training, where the
built-in model has none, and `runs/topics` is the run that the example of [`finetune`](interpret.md#finetune) makes."""


def _marks(node: ast.FunctionDef) -> set[str]:
    """Return the names of a function's decorators."""
    return {written(mark).split(".")[-1] for mark in node.decorator_list}


def _types(node: ast.FunctionDef) -> dict[str, str]:
    """Return what stands behind each parameter's name: its type and default."""
    return {
        name.lstrip("*"): part.lstrip("*").removeprefix(name.lstrip("*")).removeprefix(":").strip()
        for name, part in parameters(node).items()
    }


def all_pages() -> dict[str, str]:
    """Return every page by the name of its file."""
    pages = Pages()
    return {"README.md": pages.index(), **{f"{room}.md": pages.page(room) for room in ROOMS}}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in all_pages().items():
        (FOLDER / file).write_text(text, "utf-8")
