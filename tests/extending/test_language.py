"""A language is one catalogue: the picker, the address and the browser's wish know it, and no code is touched."""

import shutil
import subprocess

import pytest
from babel.messages.pofile import read_po
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, language
from tests.apps import switch


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The one file: a catalogue of a sentence or two, with a plural rule that is not English's."""
    folder = tmp_path / "locale"
    shutil.copytree(language.CATALOGUES, folder)
    (folder / "pl.po").write_text(
        '# Polski\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n'
        'msgid "Attention"\nmsgstr "Uwaga"\n\n'
        'msgid "{count} head"\nmsgid_plural "{count} heads"\n'
        'msgstr[0] "{count} głowa"\nmsgstr[1] "{count} głowy"\nmsgstr[2] "{count} głów"\n',
        "utf-8",
    )
    monkeypatch.setattr(language, "CATALOGUES", folder)
    language.languages.cache_clear()
    yield "pl"
    monkeypatch.undo()
    language.languages.cache_clear()


def test_it_is_spoken_with_its_own_plurals(added):
    with language.speaking(added):
        assert language._("Attention") == "Uwaga"
        # What it lacks is said in English.
        assert language._("Embeddings") == "Embeddings"
        forms = [language._n("{count} head", "{count} heads", count).format(count=count) for count in (1, 2, 5, 22)]
        assert forms == ["1 głowa", "2 głowy", "5 głów", "22 głowy"]
        assert language._n("{count} word", "{count} words", 1) == "{count} word"


def test_it_is_offered_and_the_address_chooses_it(added):
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"lang": "pl-PL"})
    switch(page, "runs").run()
    assert not page.exception
    assert page.session_state["lang"] == "pl"
    assert "Polski" in page.get("selectbox")[0].options


def test_make_catalogue_brings_every_language_up_to_date_and_keeps_what_it_says(added):
    """As it is typed, but into another folder; what is installed is left as it is."""
    folder = language.CATALOGUES
    mine = folder / "pl.po"
    mine.write_text(mine.read_text("utf-8") + '\nmsgid "Nobody says this"\nmsgstr "Nikt"\n', "utf-8")
    with (folder / "zh_CN.po").open("rb") as file:
        wanted = {one.id: one.string for one in read_po(file) if one.id}
    command = ["make", "--silent", "--old-file=.venv/.installed-tests", "catalogue", f"CATALOGUES={folder}"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    found = {}
    for code, name in (("pl", "Polski"), ("zh_CN", "简体中文")):
        assert (folder / f"{code}.po").read_text("utf-8").startswith(f"# {name}\n")
        with (folder / f"{code}.po").open("rb") as file:
            found[code] = {one.id: one.string for one in read_po(file) if one.id}
        assert found[code].keys() == wanted.keys(), code
    assert found["zh_CN"] == wanted
    assert (found["pl"]["Attention"], found["pl"]["Embeddings"]) == ("Uwaga", "")
    # As many forms as the language has.
    assert {len(one) for one in found["pl"].values() if isinstance(one, tuple)} == {3}
