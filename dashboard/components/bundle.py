"""One script out of JavaScript modules, with nothing but Python: what Streamlit and an exported file take.

Each module becomes a function that is called at once, so no module sees another's names but those that it imports.
Understood is a part of the standard's syntax, each statement at the beginning of a line::

    import { one, two } from "./file.js";
    export function one() {}      export async function one() {}      export class One {}
    export const one = 1;         export default <expression>;

Whatever else imports or exports is refused here, so that it is not first found by a browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent

_NAME = r"[A-Za-z_$][\w$]*"
_NAMES = rf"\{{\s*(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)\s*,?\s*\}}"
# Of what is masked only the quotes are left of a string.
_IMPORT = re.compile(rf"^import {_NAMES} from (?P<source>\"[ ]*\");", re.MULTILINE)
_EXPORT = re.compile(rf"^export (?=(?:async function|function|class|const) (?P<name>{_NAME})\b)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default (?!(?:async )?function\*? *[\w$]|class (?!extends\b)[\w$])", re.MULTILINE)
_ANY = re.compile(r"(?<![\w$.])(?:import|export)(?![\w$])(?!\s*:)")
# Before one of these a slash begins a regular expression; after a name, a number or a bracket it divides.
_BEFORE_PATTERN = re.compile(r"(?:^|[-+*%=<>!&|^~?:;,({\[}]|(?<![\w$.])(?:return|typeof|case|in|of|void))\s*$")
_TOKENS = {
    '"': re.compile(r'"(?:[^\\\n"]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^\\\n']|\\.)*'", re.DOTALL),
    "//": re.compile(r"//[^\n]*"),
    "/*": re.compile(r"/\*.*?\*/", re.DOTALL),
    "/": re.compile(r"/(?:[^\\\n/\[]|\\.|\[(?:[^\\\n\]]|\\.)*\])+/"),
    "": re.compile(r"[^\"'/`{}]+|."),
}
_DEFAULT_NAME = "default_"


class BundleError(Exception):
    """JavaScript that cannot be put together."""


@dataclass(frozen=True)
class _Module:
    """One file: its text with import and export statements rewritten, what it imports and what it exports."""

    path: Path
    body: str
    imports: tuple[tuple[Path, tuple[str, ...]], ...]
    exports: tuple[str, ...]


@cache
def bundle(entry: Path, root: Path = ROOT) -> str:
    """Return one script: every module that ``entry`` needs, those that are imported before those that import.

    Parameters
    ----------
    entry
        The module to begin at. Its default export is the script's; without one the script is no module, and may stand
        in any script element.
    root
        The folder that all modules are in.

    Raises
    ------
    BundleError
        Where a module is missing, imports what is not exported, imports itself by way of others, or is written in
        syntax that is not understood here.
    """
    modules: dict[Path, _Module] = {}
    _collect(entry.resolve(), root.resolve(), modules, ())
    numbers = {path: f"module${number}" for number, path in enumerate(modules)}
    texts = [_wrapped(module, modules, numbers, root.resolve()) for module in modules.values()]
    last = next(reversed(modules.values()))
    if _DEFAULT_NAME in last.exports:
        texts.append(f"export default {numbers[last.path]}.{_DEFAULT_NAME};\n")
    return "\n".join(texts)


def _collect(path: Path, root: Path, modules: dict[Path, _Module], above: tuple[Path, ...]) -> None:
    """Read a module after all that it imports; ``above`` are those that asked for it."""
    if path in above:
        circle = (*above[above.index(path) :], path)
        raise BundleError("Modules import each other: " + " → ".join(_shown(one, root) for one in circle))
    if path in modules:
        return
    module = _read(path, root)
    for source, _names in module.imports:
        _collect(source, root, modules, (*above, path))
    modules[path] = module


def _read(path: Path, root: Path) -> _Module:
    name = _shown(path, root)
    source = path.read_text("utf-8")
    try:
        code = masked(source)
    except BundleError as error:
        raise BundleError(f"{name}, {error}") from None
    imports: list[tuple[Path, tuple[str, ...]]] = []
    exports: list[str] = []
    understood: set[int] = set()
    changes: list[tuple[int, int, str]] = []
    for found in _IMPORT.finditer(code):
        wanted = source[found.start("source") + 1 : found.end("source") - 1]
        target = (path.parent / wanted).resolve()
        if not wanted.startswith(("./", "../")) or not target.is_relative_to(root) or not target.is_file():
            raise BundleError(f'{name}: no module "{wanted}" here; expected a path from this file, as "./other.js"')
        imports.append((target, tuple(re.findall(_NAME, found["names"]))))
        changes.append((found.start(), found.end(), "\n" * code.count("\n", *found.span())))
        understood.add(found.start())
    for found in _EXPORT.finditer(code):
        exports.append(found["name"])
        changes.append((*found.span(), ""))
        understood.add(found.start())
    for found in _DEFAULT.finditer(code):
        exports.append(_DEFAULT_NAME)
        changes.append((*found.span(), f"const {_DEFAULT_NAME} = "))
        understood.add(found.start())
    for found in _ANY.finditer(code):
        if found.start() not in understood:
            line = _line(source, found.start())
            text = source.split("\n")[line - 1].strip()
            raise BundleError(f"{name}:{line}: not understood: {text}")
    if len(set(exports)) < len(exports):
        raise BundleError(f"{name}: a name is exported twice, of {', '.join(exports)}")
    body = source
    for start, end, text in sorted(changes, reverse=True):
        body = body[:start] + text + body[end:]
    return _Module(path, body, tuple(imports), tuple(exports))


def _wrapped(module: _Module, modules: dict[Path, _Module], numbers: dict[Path, str], root: Path) -> str:
    name = _shown(module.path, root)
    lines = [f"// {name}", f"const {numbers[module.path]} = (() => {{", '"use strict";']
    for source, names in module.imports:
        for one in names:
            if one not in modules[source].exports:
                raise BundleError(f"{name}: {_shown(source, root)} does not export {one}")
        lines.append(f"const {{ {', '.join(names)} }} = {numbers[source]};")
    return "\n".join([*lines, module.body, f"return {{ {', '.join(module.exports)} }};", "})();\n"])


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def masked(source: str) -> str:
    """Return source with comments, and what is inside strings and regular expressions, as spaces: every place kept.

    What a template literal puts in, between ``${`` and ``}``, is code and stays.
    """
    out = ""
    # For each template literal that is open, how many braces are open in what it puts in.
    braces: list[int] = []
    at = 0
    while at < len(source):
        closes = bool(braces) and braces[-1] == 0 and source[at] == "}"
        end = _template_end(source, at + 1) if closes else _token_end(source, at, out)
        token = source[at:end]
        if closes:
            braces.pop()
        elif braces and token in ("{", "}"):
            braces[-1] += 1 if token == "{" else -1
        if token[0] in "`}" and token.endswith("${"):
            braces.append(0)
        blank = re.sub(r"[^\n]", " ", token)
        if token.startswith(("//", "/*")):
            out += blank
        elif len(token) > 1 and token[0] in "\"'`}/":
            out += token[0] + blank[1:-1] + token[-1]
        else:
            out += token
        at = end
    return out


def _token_end(source: str, at: int, before: str) -> int:
    """Where what begins at a place ends: a comment, a string, a regular expression, or plain text."""
    if source[at] == "`":
        return _template_end(source, at + 1)
    begin = next(begin for begin in _TOKENS if source.startswith(begin, at))
    if begin == "/" and not _BEFORE_PATTERN.search(before[-40:]):
        return at + 1
    found = _TOKENS[begin].match(source, at)
    if found is None:
        raise BundleError(f"line {_line(source, at)}: what begins with {begin} does not end")
    return found.end()


def _template_end(source: str, at: int) -> int:
    """Where the text of a template literal ends: after its last backtick, or after the next ``${``."""
    found = re.compile(r"(?:[^\\`$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL).match(source, at)
    if found is None:
        raise BundleError(f"line {_line(source, at)}: a template literal does not end")
    return found.end()


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1
