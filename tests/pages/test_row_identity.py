"""On every page, in every table and file, the row that is named k is the file's own row k, with all that it says."""

import csv
import io
import json
import random
import re
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.widgets.export import as_csv
from interpret.core.file_rows import FileRows
from interpret.core.labels import as_number
from interpret.finetuning.results import measure_results
from pages.finetune.result_views import pretraining
from pages.finetune.result_views.classification import _all_rows
from tests.apps import switch
from tests.slot import hold
from tests.tiny import make_checkpoint

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x.example","y")')
WORDS = ("river", "bank", "steep", "money", "rich", "tired", "animals", "lent", "said", "because", "was", "the", "and")
# What names the row, and what its text is called, in tables and in files.
ROW = ("row", "Row")
TEXT = {"text": "text", "Text": "text", "first": "text", "First": "text", "better": "text", "Better": "text"}
SECOND = {"second": "other", "Second": "other", "worse": "other", "Worse": "other"}


def make_rows(count, blank=7):
    """Return rows of a file; every so-manyth has no text, and every eleventh nothing at all."""
    draw = random.Random(5)
    return [
        dict.fromkeys(("code", "text", "other", "kind", "note"), "")
        if i % 11 == 5
        else {
            "code": f'=1+{i}, "{i}"',
            "text": "" if i % blank == 3 else f"{' '.join(draw.choices(WORDS, k=5))}. The {draw.choice(WORDS)} was.",
            "other": " ".join(draw.choices(WORDS, k=3)),
            "kind": draw.choice(("law", "sport")),
            "note": f"@{i}\nsecond line",
        }
        for i in range(count)
    ]


def as_file(rows):
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    make_checkpoint("bert", root / "bert", loader=tf.AutoModelForPreTraining)
    make_checkpoint("bert", root / "plain")
    # These have a token for every character, so what is typed is what their tokens are called.
    made = make_checkpoint("roberta", root / "guesser", loader=tf.AutoModelForMaskedLM)
    model, tokenizer = tf.AutoModelForMaskedLM.from_pretrained(made), tf.AutoTokenizer.from_pretrained(made)
    # It guesses nothing but what formulas begin with.
    model.lm_head.bias.data[tokenizer.convert_tokens_to_ids(list("=+-@"))] = 50.0
    model.save_pretrained(made)
    make_checkpoint(
        "roberta",
        root / "classes",
        loader=tf.AutoModelForSequenceClassification,
        id2label=dict(enumerate(FORMULAS)),
        label2id={name: place for place, name in enumerate(FORMULAS)},
    )
    return root


@pytest.fixture
def drawn(monkeypatch):
    """Every table that a page draws and every file that it offers, as columns."""
    tables, files = [], []
    frame, button = st.dataframe, st.download_button

    def dataframe(data, *args, **more):
        tables.append(data)
        return frame(data, *args, **more)

    def download_button(label, data, file_name=None, *args, **more):
        files.append((file_name, data))
        return button(label, data, file_name, *args, **more)

    monkeypatch.setattr(st, "dataframe", dataframe)
    monkeypatch.setattr(st, "download_button", download_button)

    def take():
        found = [table for table in tables if isinstance(table, dict)]
        for name, data in files:
            content = data() if callable(data) else data
            check_harmless(name, content)
            if name.endswith(".csv"):
                read = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
                found.append(
                    {plain(column): [plain(row[column]) for row in read] for column in read[0]} if read else {}
                )
        return found

    return take


def plain(cell):
    """Return a cell as it was before it was made harmless."""
    return cell[1:] if re.match(r"'[=+@\t\r\n-]", cell) else cell


def check_harmless(name, content):
    """No cell of a table is a command to the spreadsheet that opens it: text of that kind has ``'`` in front.

    Its origin: OWASP, https://owasp.org/www-community/attacks/CSV_Injection.
    """
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            for one in file.namelist():
                check_harmless(one, file.read(one))
    if name.endswith((".csv", ".tsv")):
        text = content.decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text)) if name.endswith(".csv") else (r.split("\t") for r in text.split("\n"))
        for row in rows:
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n")), (name, cell)
                # A number may be below zero.
                assert not cell.startswith("-") or as_number(cell) is not None, (name, cell)


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_kind_of_cell_is_harmless_and_numbers_stay(formula):
    columns = {formula: [formula, -1.5], "number": [-2, -0.25], "text": ["a-b", None]}
    content = as_csv(columns)
    check_harmless("a.csv", content)
    header, first, second = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert (header[0], first[0]) == (f"'{formula}",) * 2
    assert (second[0], first[1], second[1], first[2], second[2]) == ("-1.5", "-2", "-0.25", "a-b", "")


TYPED = "=1+1 @x +1 -1"
# Every tab whose files hold tokens, words or classes: page, model, the tab's address, and whether its text is a pair.
EXPORTS = [
    ("attention", "classes", {"tab": "where", "unit": "word"}),
    ("attention", "classes", {"tab": "where"}),
    ("attention", "classes", {"tab": "flow"}),
    ("attention", "classes", {"tab": "steps"}),
    ("attention", "classes", {"tab": "ablation", "off": "0.0"}),
    ("pretraining", "guesser", {"pre": "guess", "text": f"{TYPED} <mask>"}),
    ("pretraining", "guesser", {"pre": "game"}),
    ("pretraining", "guesser", {"pre": "surprise"}),
    ("attributions", "classes", {"why": "why"}),
    ("attributions", "classes", {"why": "layers"}),
    ("attributions", "classes", {"why": "pairs"}),
    ("attributions", "classes", {"why": "whatif"}),
]


@pytest.mark.parametrize(("name", "model", "query"), EXPORTS)
def test_tokens_words_and_classes_are_no_formulas_in_any_file(page, drawn, name, model, query):
    page.session_state["rate"] = 0.9
    open_page(page, name, **{"model": f"folder:{model}", "text": TYPED, "target": "class"} | query)
    for one in [one for one in page.button if re.search(r"Search|Find|Try|Compute|Measure", one.label)]:
        one.click().run()
    assert not page.exception
    cells = {str(cell) for table in drawn() for cell in (*table, *(one for row in table.values() for one in row))}
    # What was typed is there, as it was before it was made harmless.
    assert cells & {"=", "=1", "=1+1", "@", "@x", "+", "+1", "-", "-1", "·@", "·+", "·-"}, sorted(cells)[:80]


def test_guesses_of_a_run_are_no_formulas(drawn, monkeypatch):
    tokens = dict(enumerate(FORMULAS))
    monkeypatch.setattr(it.finetuning, "token_names", lambda _run, _ids: tokens)
    count = len(FORMULAS)
    places = np.arange(count)
    found = SimpleNamespace(
        truth=places, guess=places[::-1], rank=places, probability=places / count, passage=np.zeros(count, int)
    )
    origin = FileRows((1,), {FORMULAS[0]: (FORMULAS[1],)})
    pretraining._words(
        SimpleNamespace(id="run"), SimpleNamespace(origin=origin, truth=("1",), texts=("the bank",), pairs=None), found
    )
    tables = drawn()
    assert {"hidden", "guessed", FORMULAS[0]} <= set(tables[-1])
    assert set(FORMULAS) == set(tables[-1]["hidden"])


def test_no_table_is_written_by_anything_else():
    """Whatever is offered as CSV is written by the one function that makes cells harmless."""
    for folder in ("interpret", "dashboard", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            code = file.read_text("utf-8")
            if file.name != "csv_output.py":
                assert not re.search(r"csv\.(writer|DictWriter)|\.to_csv\(|writerows?\(", code), file
            if '"text/csv"' in code or re.search(r"\.csv\b.{0,9}\.open\(.w", code):
                assert re.search(r"\bas_csv\(|\bcsv_text\(|\bcsv_rows\(", code), file
            # Every table with tabs too.
            if '.tsv",' in code and "writestr" in code:
                assert "harmless(" in code, file


def check(tables, rows):
    """Compare every table that names rows with the file; returns how many did, and the highest row seen."""
    seen, highest = 0, 0
    for table in tables:
        names = [name for name in ROW if name in table]
        texts = [name for name in TEXT if name in table]
        if not names or not texts:
            # A table of something else: of words, of groups; where it names a row, with that row's text.
            assert not (names and "Text" in table)
            continue
        seen += 1
        for place, number in enumerate(int(one) for one in table[names[0]]):
            row = rows[number - 1]
            highest = max(highest, number)
            for name in texts:
                # A pair of sentences of a row, or all of it.
                assert table[name][place] in row[TEXT[name]], (number, name)
            for name in SECOND.keys() & table:
                assert table[name][place] in (row["other"], row["text"].split(". ")[-1])
            for name in ("code", "note", "kind"):
                assert table[name][place] == row[name], (number, name)
    return seen, highest


def open_page(page, name, **query):
    page.query_params.update({"model": "folder:bert", **query})
    switch(page, name).run()
    assert not page.exception
    assert [one.value for one in page.error if "cannot be read" in one.value] == []
    return page


def test_a_whole_file_explained(page, drawn, forty):
    rows = make_rows(60)
    hold(page, "rows.csv", as_file(rows))
    page.session_state["rows_method"] = "saliency"
    open_page(page, "attributions", model="folder:plain", why="rows", example="short")
    page.button(key="rows:start").click().run()
    assert not page.exception
    seen, highest = check(drawn(), rows)
    assert seen >= 2
    # A rank among 40 never gets there.
    assert highest > 40
    # What was left out is named by its row too.
    left = [one.value for one in page.markdown if one.value.startswith("Row ")]
    assert left
    assert all(rows[int(one.split(":")[0].removeprefix("Row ")) - 1]["text"] == "" for one in left)


@pytest.fixture
def forty(monkeypatch):
    """As many rows as a tiny model reads in no time, drawn from more."""
    from dashboard.widgets import collection
    from pages.attributions import rows_view

    choose = collection.choose

    def some(draw, label, options, *args, **more):
        return 40 if options.keys() >= {300, 0} else choose(draw, label, options, *args, **more)

    monkeypatch.setattr(collection, "choose", some)
    monkeypatch.setattr(rows_view, "choose", some)


@pytest.mark.parametrize(("tab", "more"), [("map", 2), ("neighbours", 2), ("clusters", 1)])
@pytest.mark.parametrize("level", ["texts", "words"])
def test_embeddings(page, drawn, forty, tab, more, level):
    rows = make_rows(60)
    page.session_state["from"] = "file"
    hold(page, "rows.csv", as_file(rows))
    page.session_state["find_points"] = "bank"
    page.session_state["neighbours_of"] = "item"
    open_page(page, "embeddings", show=tab, level=level, map="pca", kept="last", groups="3")
    seen, highest = check(drawn(), rows)
    assert seen >= more
    # More than there are in the sample; of a word's few neighbours none may be of a late row.
    assert highest > 40 or (tab, level) == ("neighbours", "words")
    if tab == "neighbours":
        listed = next(one for one in page.selectbox if one.label == "Text").options
        for one in listed:
            number, _, text = one.partition(": ")
            # Texts that are cut to the same are numbered.
            begun = re.sub(r" \(\d+\)$", "", text.split(" — ")[-1]).rstrip("…")
            assert begun in rows[int(number) - 1]["text"]
    if tab == "clusters":
        groups = next(one.value for one in page.dataframe if "Nearest to the centroid" in one.value.columns)
        for number, text in zip(groups["Row"], groups["Nearest to the centroid"], strict=True):
            assert rows[number - 1]["text"] == text


@pytest.mark.parametrize("second", [False, True])
def test_next_sentences(page, drawn, second):
    rows = make_rows(50)
    page.session_state["following_source"] = "file"
    hold(page, "rows.csv", as_file(rows), **({"pair": 2} if second else {}))
    open_page(page, "pretraining", pre="following", text="the river", pair="it was rich")
    asked = [one for one in page.button if one.key == "following:start"]
    for one in asked:
        one.click().run()
    assert not page.exception
    seen, highest = check(drawn(), rows)
    assert seen >= 2
    assert highest > 43
    given = next(one.value for one in page.dataframe if "Second" in one.value.columns)
    assert (given["Second"][0] == rows[given["Row"][0] - 1]["other"]) == second


def test_minimal_pairs(page, drawn):
    rows = make_rows(50)
    page.session_state["preference_source"] = "file"
    hold(page, "rows.csv", as_file(rows), pair=2)
    open_page(page, "pretraining", pre="surprise", surprise_over="pairs", text="the river")
    for one in [one for one in page.button if one.key == "preferences:start"]:
        one.click().run()
    assert not page.exception
    seen, highest = check(drawn(), rows)
    assert seen >= 2
    assert highest > 43


def test_a_fine_tunes_rows():
    rows = make_rows(60)
    content = as_file(rows)
    examples = it.finetuning.read_examples(content, "rows.csv", "text", "kind")
    _learned, judged = it.finetuning.split_examples(examples, 0.3)
    some = examples.some(judged)
    logits = np.random.default_rng(0).normal(size=(len(judged), 2)).astype(np.float32)
    found = measure_results(logits, some.labels, examples.classes)
    outcome = it.finetuning.Outcome(
        found, some.texts, None, some.labels, some.origin, None, examples.classes, 1, 0, False, np.nan, 0
    )
    seen, highest = check([outcome.origin.beside(_all_rows(outcome, found))], rows)
    assert (seen, highest) == (1, max(some.origin.numbers))
    assert highest > len(examples)
    # A second file keeps its own numbers.
    both = examples.joined(it.finetuning.read_examples(as_file(rows[::-1]), "other.csv", "text", "kind"))
    other = both.some(range(len(examples), len(both)))
    for number, text, code in zip(other.origin.numbers, other.texts, other.columns["code"], strict=True):
        assert (rows[::-1][number - 1]["text"], rows[::-1][number - 1]["code"]) == (text, code)
    # Passages of running text name the row that their document is in.
    told = it.finetuning.read_examples(content, "rows.csv", "text", "", None, "masked words", 10)
    for text, number, code in zip(told.texts, told.labels, told.columns["code"], strict=True):
        assert text in rows[int(number) - 1]["text"]
        assert rows[int(number) - 1]["code"] == code
    assert json.dumps(both.columns["note"][0]) == json.dumps(rows[both.indices[0]]["note"])


def test_a_long_text_is_found_and_opened_whole(page):
    tail = " ".join(["steep"] * 80) + " lastword"
    content = f"text\nthe bank\nthe river {tail}\nrich animals\n".encode()
    hold(page, "rows.csv", content)
    page.session_state["classifier"] = "starter"
    page.session_state["rows_method"] = "saliency"
    page.session_state["rows_find"] = "LASTWORD"
    open_page(page, "attributions", model="folder:plain", why="rows", example="short")
    page.button(key="rows:start").click().run()
    table = next(one.value for one in page.dataframe if "Row" in one.value.columns)
    assert list(table["Row"]) == [2]
    assert table["Text"][0] == f"the river {tail}"
