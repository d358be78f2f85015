"""The reference in `docs/api/` says what stubs and docstrings say, and its links lead somewhere."""

import ast
import re

import pytest

import interpret as it
from tests import api_reference
from tests.api_reference import FOLDER, ROOMS, Pages, all_pages, entries, sections, signature, written

PAGES = all_pages()


def test_the_pages_are_up_to_date():
    """Where this fails, `make reference` writes them anew."""
    assert {file.name for file in FOLDER.iterdir()} == set(PAGES)
    stale = [name for name, text in PAGES.items() if (FOLDER / name).read_text("utf-8") != text]
    assert stale == [], "run `make reference`"


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_its_entry_with_a_source(room):
    names = set((it if room == "interpret" else getattr(it, room)).__all__) - (
        it.rooms if room == "interpret" else set()
    )
    page = PAGES[f"{room}.md"]
    shown = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert {re.search(r"`(\w+)`", one)[1] for one in shown} == names
    for one in shown:
        title, signed, *_ = one.split("\n\n")
        assert signed.startswith("```python\n"), title
        assert "\n\nSource: [interpret/" in one, title
        # What it is, beside its name and signature.
        assert not one.split("```\n\n", 1)[1].startswith("Source"), title


def test_functions_say_what_comes_in_and_out_and_show_an_example():
    pages = Pages()
    for one in pages.all():
        if isinstance(one.node, ast.FunctionDef):
            text = "\n\n".join(pages.entry(one))
            assert "**Example**\n\n```pycon\n>>> " in text, one.name
            assert ("**Returns** " in text) == (written(one.node.returns) != "None"), one.name


def test_links_lead_to_entries():
    anchors = {
        name: {
            line.lstrip("# ").replace("`", "").replace(" ", "-").lower()
            for line in text.splitlines()
            if line.startswith("## ")
        }
        for name, text in PAGES.items()
    }
    looked_at = 0
    for name, text in PAGES.items():
        for page, anchor in re.findall(r"\]\((\w*(?:\.md)?)#([\w-]+)\)", text):
            assert anchor in anchors[page or name], (name, page, anchor)
            looked_at += 1
    assert looked_at > 300


def test_a_signature_stands_as_it_is_written():
    node = ast.parse("def f(a: Int[np.ndarray, ' row'], b: int = 1, *, c: str = 'x', **d: Any) -> None: ...").body[0]
    assert signature("f", node) == ('f(a: Int[np.ndarray, "row"], b: int = 1, *, c: str = "x", **d: Any) -> None')
    assert written(ast.parse("{'a': (1,)}").body[0].value) == '{"a": (1,)}'


def test_a_docstring_is_cut_into_its_sections():
    found = sections(
        "First.\n\nMore.\n\nParameters\n----------\na, b\n    Both.\n\n    Twice.\nc\n    One.\n\n"
        "Raises\n------\nE\n    If."
    )
    assert found[""] == "First.\n\nMore."
    assert entries(found["Parameters"]) == [("a, b", "Both.\n\nTwice."), ("c", "One.")]
    assert list(found) == ["", "Parameters", "Raises"]


def test_a_docstring_that_changes_is_seen(monkeypatch):
    monkeypatch.setattr(api_reference, "sections", lambda doc: {"": "Something else."})
    assert all_pages()["runs.md"] != PAGES["runs.md"]
