"""JavaScript modules put together: each keeps its names to itself, and what cannot be put together is refused."""

import json
import os
import shutil
import subprocess

import pytest

from dashboard.components.bundle import ROOT, BundleError, bundle, masked

NODE = shutil.which("node")
# Where everything has to be tried, node has to be there.
needs_node = pytest.mark.skipif(NODE is None and not os.environ.get("CI"), reason="no node on this machine")
ENTRIES = sorted(file for file in ROOT.glob("*/*.js") if "\nexport default " in file.read_text("utf-8"))


@pytest.fixture
def write(tmp_path):
    """Write modules, and return the first as an entry with its folder."""

    def write(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.js").write_text(text, "utf-8")
        return tmp_path / f"{next(iter(modules))}.js", tmp_path

    return write


def default_of(script):
    """The default export of a script, run by node."""
    assert NODE is not None
    program = f"{script}\n".replace("export default ", "const answer = ") + "console.log(JSON.stringify(answer));"
    run = subprocess.run(
        [NODE, "--input-type=module", "-"], input=program, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(run.stdout)


@needs_node
def test_names_of_one_module_are_none_of_another(write):
    script = bundle(
        *write(
            main='import { one } from "./one.js";\nimport { two } from "./two.js";\n'
            'const size = 1;\nfunction helper() { return "main"; }\nexport default [one(), two(), helper(), size];\n',
            one='const size = 2;\nfunction helper() { return "one"; }\n'
            "export function one() { return helper() + size; }\n",
            two='const size = 3;\nfunction helper() { return "two"; }\n'
            "export function two() { return helper() + size; }\n",
        )
    )
    assert default_of(script) == ["one2", "two3", "main", 1]


@needs_node
def test_what_is_imported_runs_first_and_once(write):
    script = bundle(
        *write(
            main='import { left } from "./left.js";\nimport { right } from "./right.js";\n'
            "export default left + right;\n",
            left='import { base } from "./base.js";\nexport const left = base + 1;\n',
            right='import { base } from "./base.js";\nexport const right = base + 2;\n',
            base="export const base = 10;\n",
        )
    )
    places = [script.index(f"// {name}.js") for name in ("base", "left", "right", "main")]
    assert places == sorted(places)
    assert script.count("const base = 10") == 1
    assert default_of(script) == 23


def test_the_same_modules_give_the_same_script(write):
    modules = {
        "main": 'import { one } from "./one.js";\nexport default one;\n',
        "one": "export const one = 1;\n",
    }
    first = bundle(*write(**modules))
    bundle.cache_clear()
    assert bundle(*write(**modules)) == first


@needs_node
def test_all_kinds_of_exports_can_be_imported_on_several_lines(write):
    script = bundle(
        *write(
            main='import {\n  One,\n  two,\n  three,\n} from "./one.js";\n'
            "export default [new One().x, two, three.name];\n",
            one="export class One {\n  x = 1;\n}\nexport const two = 2;\nexport async function three() {}\n",
        )
    )
    assert default_of(script) == [1, 2, "three"]


def test_without_a_default_export_it_is_no_module(write):
    script = bundle(*write(main='import { one } from "./one.js";\nwindow.one = one;\n', one="export const one = 1;\n"))
    assert not [line for line in script.splitlines() if line.startswith(("import", "export"))]


def test_modules_that_import_each_other_are_refused(write):
    entry, root = write(
        main='import { one } from "./one.js";\n',
        one='import { two } from "./two.js";\nexport const one = 1;\n',
        two='import { one } from "./one.js";\nexport const two = 2;\n',
    )
    with pytest.raises(BundleError, match=r"one\.js → two\.js → one\.js"):
        bundle(entry, root)


def test_a_name_that_is_not_exported_is_refused(write):
    entry, root = write(main='import { none } from "./one.js";\n', one="export const one = 1;\nconst none = 2;\n")
    with pytest.raises(BundleError, match=r"main\.js: one\.js does not export none"):
        bundle(entry, root)


@pytest.mark.parametrize("source", ["./none.js", "one.js", "https://example.org/one.js", "../outside.js", "./"])
def test_a_module_that_is_not_here_is_refused(write, source):
    entry, root = write(main=f'import {{ one }} from "{source}";\n', one="export const one = 1;\n")
    (root.parent / "outside.js").write_text("export const one = 1;\n", "utf-8")
    with pytest.raises(BundleError, match=r"main\.js: no module"):
        bundle(entry, root)


@pytest.mark.parametrize(
    "line",
    [
        'import one from "./one.js";',
        'import * as one from "./one.js";',
        'import { one as two } from "./one.js";',
        'import "./one.js";',
        "import { one } from './one.js';",
        '  import { one } from "./one.js";',
        'const one = await import("./one.js");',
        "const here = import.meta.url;",
        'export { one } from "./one.js";',
        'export * from "./one.js";',
        "const a = 1;\nexport { a };",
        "export let a = 1;",
        "export const { a } = { a: 1 };",
        "export const [a] = [1];",
        "export default function name() {}",
        "export default class Name {}",
        "  export const a = 1;",
        "const text = `${await import(`./one.js`)}`;",
    ],
)
def test_other_syntax_is_refused_with_its_line(write, line):
    entry, root = write(main=f"// A comment.\n{line}\n", one="export const one = 1;\n")
    with pytest.raises(BundleError, match=rf"main\.js:{2 + line.count(chr(10))}: not understood: "):
        bundle(entry, root)


def test_a_name_exported_twice_is_refused(write):
    with pytest.raises(BundleError, match="twice"):
        bundle(*write(main="export const a = 1;\nexport const a = 2;\n"))


@pytest.mark.parametrize("text", ['const a = "open;\n', "/* open", "const a = `open ${1}"])
def test_what_does_not_end_is_refused(write, text):
    with pytest.raises(BundleError, match=r"main\.js, line 1: .*does not end"):
        bundle(*write(main=text))


@needs_node
def test_words_in_comments_strings_and_patterns_are_no_statements(write):
    text = (
        '/** @type {import("./none.js").None} */\nconst a = "import";\n'
        "const b = `\nimport { x } from 'y';\nexport ${[`}`, { c: 1 }.c].join(`${a}`)}\nexport const z = 1;\n`;\n"
        "const c = /[/\"'`]import\\//.test(a);\nconst d = 6 / 2 / 1; // export const e = 1;\n"
        "export default [a, b.length, c, d];\n"
    )
    script = bundle(*write(main=text))
    assert default_of(script) == [
        "import",
        len("\nimport { x } from 'y';\nexport }import1\nexport const z = 1;\n"),
        False,
        3,
    ]


def test_what_is_masked_keeps_every_place():
    text = "let a = 'x\\'y' / 2; // z\nlet b = `p${ {c: '}'} }q`;\n"
    assert masked(text) == "let a = '    ' / 2;     \nlet b = `  { {c: ' '} } `;\n"


@needs_node
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.stem)
def test_every_component_is_one_script_that_node_reads(entry):
    script = bundle(entry)
    run = subprocess.run([NODE, "--check", "--input-type=module", "-"], input=script, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert script.count("\nexport default ") == 1
