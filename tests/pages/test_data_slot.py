"""One upload, read on every page: columns that are asked for, encodings, rows with their id, label and columns."""

import json

import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, ownership, state
from dashboard.data_slot import SLOT
from dashboard.widgets import export
from interpret.attribution.row_jobs import RowRequest, make_job
from tests.apps import listed, offered, switch
from tests.slot import files_of, hold, upload

CLEAR = "case_id,received,complaint,product\n" + "".join(
    f"C-{i:03},2026-01-{i + 1:02},the bank lent {word} money {i},{'law' if i % 2 else 'sport'}\n"
    for i, word in enumerate(("rich", "steep", "the", "river", "it", "was") * 4)
)
# Two columns could be the label.
UNCLEAR = "text,flag,kind\n" + "".join(f"the bank lent money {i},{'xy'[i % 2]},{'abc'[i % 3]}\n" for i in range(24))
BIG5 = "text,label\n" + "這家餐廳的服務非常好,正面\n我再也不會買這個產品了,負面\n" * 8
PAGES = ("attention", "embeddings", "attributions", "pretraining", "finetune")


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "device": "cpu"})
    return page


def go(page, name, **session):
    for key, value in session.items():
        page.session_state[key] = value
    switch(page, name).run()
    assert not page.exception
    assert not any(one.icon == ":material/bug_report:" for one in page.error)
    return page


def said(page):
    return " ".join(one.value for one in (*page.caption, *page.info, *page.warning, *page.markdown)).replace("\\", "")


def asked(page):
    """Whether there is a choice of a column."""
    return any((one.key or "").startswith("role:") for one in page.selectbox)


@pytest.mark.parametrize("name", PAGES)
def test_what_is_uploaded_once_is_read_on_every_page(page, name):
    go(page, "runs")
    upload(page, "sidebar", "cases.csv", CLEAR.encode())
    go(page, name)
    line = "**cases.csv** · UTF-8 · rows read: 24"
    assert line in said(page)
    assert "text: **complaint**" in said(page)
    # Nobody is asked what is clear, or for the file again.
    assert not page.file_uploader or all("more" in one.key for one in page.file_uploader)
    assert not asked(page)


def test_a_row_is_the_same_row_everywhere_with_its_id_label_and_columns(page, monkeypatch):
    hold(page, "cases.csv", CLEAR.encode())
    abouts = []
    monkeypatch.setattr(export, "python_lines", lambda *some: (abouts.extend(one.about for one in some), "")[1])
    go(page, "pretraining")
    listed(page, "row:").select_index(5).run()
    for name in ("attributions", "attention"):
        abouts.clear()
        go(page, name)
        assert "Row 6 · case_id: **C-005** · received: **2026-01-06** · product: **law**" in said(page)
        found = json.loads(export.as_json(next(one for one in abouts if "row" in one)))
        assert (found["file"], found["row"], found["label"]) == ("cases.csv", 6, "law")
        assert found["columns"] == {"case_id": "C-005", "received": "2026-01-06", "product": "law"}
        assert found["text"] == "the bank lent was money 5"
    # Among all rows on a map it is the one that is set off, and listed under it.
    go(page, "embeddings")
    assert "**1 point selected**" in said(page)
    table = next(one.value for one in page.dataframe if "case_id" in one.value)
    assert list(table["case_id"]) == ["C-005"]


def test_a_tab_that_reads_the_pages_file_says_only_what_is_new(page):
    cells = CLEAR.splitlines()
    marked = "\n".join([f"{cells[0]},highlights", *(f"{line},money" for line in cells[1:])])
    hold(page, "cases.csv", marked.encode())
    go(page, "attributions", source="file", why="rows")
    lines = [one.value.replace("\\", "") for one in page.caption]
    assert sum("**cases.csv** · UTF-8" in one for one in lines) == 1
    assert [one for one in lines if "**highlights**" in one] == ["highlights: **highlights**"]
    assert (offered(page, "card:text"), offered(page, "card:rows")) == (True, False)
    # With a text that was typed the classifier is the first that reads it, and says so in full.
    go(page, "attributions", source="typed")
    lines = [one.value.replace("\\", "") for one in page.caption]
    assert sum("**cases.csv** · UTF-8" in one for one in lines) == 1
    assert not offered(page, "card:text")


def test_a_row_that_is_opened_from_the_whole_file_is_that_row_on_the_page(page):
    hold(page, "cases.csv", CLEAR.encode())
    go(page, "attributions", why="rows", rows_method="saliency")
    page.button(key="rows:start").click().run()
    from pages.attributions.rows_view import _open

    file = SLOT.files(page.session_state["visitor"])[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.session_state", page.session_state)
        patch.setattr("dashboard.data_slot.visitor", lambda: page.session_state["visitor"])
        _open(file, 9, "the bank lent the money 8")
    page.run()
    assert "Row 9 · case_id: **C-008**" in said(page)
    assert page.session_state["why"] == "why"


@pytest.mark.parametrize("name", ["attributions", "finetune"])
def test_where_two_columns_would_do_as_the_label_it_is_asked_once_for_all_pages(page, name):
    hold(page, "rows.csv", UNCLEAR.encode())
    go(page, name)
    assert "rows.csv" in page.warning[-1].value.replace("\\", "")
    box = listed(page, "role:")
    # What would do stands first, and none of it is chosen.
    assert (box.value, box.options[:3]) == (None, ["(none)", "flag", "kind"])
    box.select_index(2).run()
    assert not asked(page)
    for other in ("attributions", "finetune"):
        go(page, other)
        assert "label: **kind**" in said(page)
        assert not asked(page)


@pytest.mark.parametrize("name", ["embeddings", "attributions"])
def test_where_the_only_column_was_said_to_be_the_label_the_text_is_asked(page, name):
    hold(page, "one.csv", b"words\nthe bank\nthe river\nmoney\nit was rich\n", label=0)
    go(page, name)
    box = listed(page, "role:")
    assert box.options == ["words"]
    box.select_index(0).run()
    assert not page.exception
    assert "text: **words**" in said(page)


def test_a_wrong_guess_is_corrected_on_the_card(page):
    hold(page, "cases.csv", CLEAR.encode())
    go(page, "embeddings")
    page.button(key="slot_card").click().run()
    assert "median 6, most 6" in said(page)
    assert ": 50.0%" in said(page)
    box = listed(page, "role:card:" + files_of_key(page) + ":label")
    assert box.value == 3
    box.select_index(box.options.index("received")).run()
    assert "label: **received**" in said(go(page, "embeddings"))


def files_of_key(page):
    return SLOT.files(page.session_state["visitor"])[0].key


def test_the_encoding_can_be_chosen_by_hand(page):
    hold(page, "reviews.csv", BIG5.encode("big5"))
    go(page, "embeddings")
    assert "reviews.csv** · Big5 · rows read: 16" in said(page)
    page.button(key="slot_card").click().run()
    box = listed(page, "encoding:")
    assert box.options[0] == "found: Big5"
    box.select("utf-8").run()
    assert "�" in said(go(page, "embeddings"))
    page.button(key="slot_card").click().run()
    listed(page, "encoding:").select("cp950").run()
    assert files_of(page)[0][1].decode("utf-8") == BIG5


def test_what_cannot_be_read_is_refused_and_what_was_there_stays(page):
    go(page, "embeddings")
    upload(page, "sidebar", "cases.csv", CLEAR.encode())
    upload(page, "more", "picture.csv", bytes(range(256)) * 8)
    assert "“picture.csv”" in page.warning[0].value.replace("\\", "")
    assert [name for name, _content in files_of(page)] == ["cases.csv"]
    assert "**cases.csv**" in said(page)


def test_of_several_files_the_chosen_one_is_read_and_another_is_the_test_set(page):
    hold(page, "train.csv", CLEAR.encode())
    go(page, "finetune")
    upload(page, "more", "other.csv", UNCLEAR.encode())
    assert "**other.csv**" in said(page)
    box = page.selectbox(key="slot_in_use")
    box.select_index([*box.options].index("train.csv")).run()
    assert "**train.csv**" in said(page)
    page.toggle(key="second_file").set_value(True).run()
    assert not page.exception
    second = listed(page, "second:")
    assert list(second.options) == ["other.csv"]
    go(page, "embeddings")
    assert "**train.csv**" in said(page)


def test_a_file_that_is_removed_is_gone(page):
    hold(page, "cases.csv", CLEAR.encode())
    go(page, "attributions")
    page.button(key="slot_card").click().run()
    page.button(key="slot_remove").click().run()
    assert SLOT.files(page.session_state["visitor"]) == ()
    go(page, "embeddings")
    assert "cases.csv" not in said(page)
    assert any(one.key.startswith("slot:sidebar") for one in page.file_uploader)


@pytest.mark.parametrize("label, warned", [("Law", True), ("law", False)])
def test_the_card_says_which_labels_differ_by_how_they_are_written_alone(page, label, warned):
    hold(page, "cases.csv", (CLEAR + f"C-900,2026-02-01,a case before the court,{label}\n").encode())
    go(page, "attributions")
    page.button(key="slot_card").click().run()
    assert any("“law”" in one.value and "“Law”" in one.value for one in page.warning) == warned


def test_the_card_says_where_copies_stay(page, tiny_folders):
    hold(page, "cases.csv", CLEAR.encode())
    go(page, "attributions")
    page.button(key="slot_card").click().run()
    assert offered(page, "slot_remove")
    assert "copies" not in said(page)
    page.run()
    spec = it.load_encoder(str(tiny_folders["bert"]), device="cpu").spec
    make_job(ownership.explanations_folder(), RowRequest(spec, "cases.csv"), CLEAR.encode())
    make_job(ownership.explanations_folder(), RowRequest(spec, "cases.csv"), UNCLEAR.encode())
    request = it.runs.Request(it.Recipe("minilm"), "mine", "cases.csv", text="message", label="topic")
    it.runs.new_run(state.runs_folder(), request, CLEAR.encode())
    page.button(key="slot_card").click().run()
    assert "copies of the file with 1 explanation of it, 1 run with it." in said(page)


def test_the_demo_does_not_answer_for_somebodys_own_file(page):
    go(page, "attributions")
    assert page.session_state["classifier"] == "starter"
    hold(page, "cases.csv", CLEAR.encode())
    page.session_state["source"] = "file"
    del page.session_state["classifier"]
    go(page, "attributions")
    assert page.session_state["classifier"] == "file"


def test_another_visitor_sees_nothing_of_it(page):
    hold(page, "cases.csv", CLEAR.encode())
    other = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    other.query_params.update({"model": "folder:bert", "device": "cpu"})
    go(other, "embeddings")
    assert "cases.csv" not in said(other)
    assert offered(go(page, "embeddings"), "slot_card")
    assert not offered(other, "slot_card")
