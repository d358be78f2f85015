"""Files with something odd in them, on every page that takes one: no page breaks, and what was left out is said."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, cache
from tests.apps import switch
from tests.slot import hold

# Half a character in the name, in the names of columns, in cells and in labels.
HALF = "\n".join(
    f'{{"te\\ud83dxt": "the bank \\ud83d {i}", "la\\ud83dbel": "{"ab"[i % 2]}\\ud83d"}}' for i in range(20)
).encode()
ROWS = ("text\tlabel\n" + "\n".join(f'"the bank {i}\t{["a", "b", "NaN"][i % 3]}' for i in range(30)) + "\n\n").encode()
LABELS = ("text,label\n" + "\n".join(f"the bank {i},{['a;b', 'a', 'b'][i % 3]}" for i in range(30))).encode()
PLACES = {
    "attention": {
        "source": "file",
    },
    "embeddings": {"from": "file"},
    "attributions": {"why": "rows", "example": "short"},
    "finetune": {"data": "file", "task": "classes"},
}


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_with(page, name, file, **more):
    hold(page, *file)
    for key, value in {"model": "folder:bert", "device": "cpu", **PLACES[name], **more}.items():
        page.session_state[key] = value
    page.query_params.update({"model": "folder:bert", "device": "cpu", "why": "rows", "example": "short"})
    switch(page, name).run()
    # Streamlit's own box, and what `guarded` shows of an error that nobody expected.
    assert not page.exception
    assert not any("unexpected error" in one.value for one in page.error)
    return " ".join(one.value for one in (*page.caption, *page.info, *page.warning, *page.markdown))


@pytest.mark.parametrize("name", PLACES)
def test_half_characters_break_no_page(page, name):
    said = open_with(page, name, ("na\ud83dme.jsonl", HALF))
    assert "na\ufffdme" in said
    assert "unreadable characters (�): 40" in said


@pytest.mark.parametrize("name", PLACES)
def test_how_a_file_was_read_is_said(page, name):
    said = open_with(page, name, ("rows.tsv", ROWS))
    assert "rows read: 30, blank rows skipped: 1" in said
    page.button(key="slot_card").click().run()
    card = " ".join(one.value for one in page.caption)
    assert "tab\\-separated" in card or "tab-separated" in card
    assert "quotation marks read as ordinary characters" in card


def test_missing_and_several_labels_are_said(page):
    said = open_with(page, "finetune", ("rows.tsv", ROWS))
    assert "the text or the label is missing: 10. Read as missing labels: “NaN” (10)." in said.replace("\\", "")
    assert "Many rows have the label “NaN”" in said
    said = open_with(page, "attributions", ("rows.tsv", ROWS))
    assert "Rows without a label: 10. They count as neither" in said
    assert "Read as missing labels: “NaN” (10)." in said
    said = open_with(page, "finetune", ("labels.csv", LABELS))
    assert "several labels in a cell, such as “a\\;b”" in said
    said = open_with(page, "attributions", ("labels.csv", LABELS))
    assert "several labels in a cell, such as “a\\;b”" in said


def test_words_with_tags_are_said_and_their_column_is_chosen(page):
    pairs = enumerate((("the", "DET"), ("bank", "NOUN")), 1)
    rows = "\n".join(f"{i}\t{word}\t_\t{tag}\tX\t_\t0\troot\t_\t_" for i, (word, tag) in pairs)
    text = "\n\n".join(f"# sent_id = {i}\n{rows}\n3\tbank{i}\t_\tNOUN\tY\t_\t1\tobj\t_\t_" for i in range(20)).encode()
    said = open_with(page, "finetune", ("trees.conllu", text), task="token classes")
    assert "sentences read: 20, words: 60, comment lines: 20" in said
    box = next(one for one in page.selectbox if one.label == "Column with the tags")
    assert box.options == ["UPOS", "XPOS", "DEPREL"]
    box.set_value("DEPREL").run()
    assert not page.exception
