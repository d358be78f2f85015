"""The Embeddings page without a browser: every tab, every level, every family, and what comes of bad input."""

import io
import json
import re
import zipfile

import numpy as np
import pyarrow.parquet as parquet
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.widgets.collection import Collection, as_numbers
from interpret.core.devices import Device, find_device
from interpret.core.file_rows import FileRows
from pages.embeddings.embeddings_view import Read
from pages.embeddings.export import as_parquet, as_projector, item_table, map_downloads
from pages.embeddings.maps_view import Maps, MapSettings, grouped
from tests.apps import charts, listed, offered, switch
from tests.slot import hold, upload
from tests.tiny import FAMILIES

TABS = ("map", "layers", "geometry", "neighbours", "clusters")
LINES = (
    "the river bank\tplace\nthe bank lent money\tmoney\nit was tired\tother\nsaid the animals\tother\nrich river\tplace"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Where vectors are kept: each collection is read by the first test that opens it at a level."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def page(tiny_folders, monkeypatch, store):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(store))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_page(page, **query):
    page.query_params.update(query)
    return switch(page, "embeddings").run()


def said(page):
    return [one.value for one in (*page.warning, *page.error)]


def kept(page):
    """The vectors that the page has read, the last ones first."""
    return list(page.session_state["embeddings"].values())[::-1]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("level", ["texts", "words", "tokens"])
def test_every_tab_runs_at_every_level(page, tab, level):
    open_page(page, show=tab, level=level, map="pca", corpus="senses", model="folder:bert")
    assert not page.exception
    assert said(page) == []
    assert kept(page)[0].level == level
    assert len(kept(page)[0].layers) == 4


@pytest.mark.parametrize("tab", TABS)
def test_one_word_in_context(page, tab):
    open_page(page, show=tab, level="word", word="bank", corpus="senses")
    assert not page.exception
    assert said(page) == []
    found = kept(page)[0]
    assert len(found) == 10
    assert {found.item(i) for i in range(10)} == {"bank"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_mapped(page, family):
    open_page(page, model=f"folder:{family}", corpus="senses")
    assert not page.exception
    assert [one for one in said(page) if "not in this model's vocabulary" not in one] == []
    assert any(one.label == "Trustworthiness" for one in page.metric)
    assert kept(page)[0].spec.checkpoint.source == "folder"
    assert len(kept(page)[0].layers) == 4


@pytest.mark.parametrize(("method", "warns"), [("pca", False), ("tsne", True), ("umap", True)])
def test_a_map_says_how_far_to_trust_it(page, method, warns):
    open_page(page, map=method, corpus="chinese", kept="last")
    assert not page.exception
    labels = [one.label for one in page.metric]
    assert {"Trustworthiness", "Continuity", "Neighbours kept", "Distances, rank correlation"} <= set(labels)
    assert ("KL divergence" in labels) == (method == "tsne")
    assert ("Explained variance" in labels) == ("scree" in charts(page)) == (method == "pca")
    assert any("Do not read a cluster's size" in one for one in said(page)) == warns
    assert any("All 60 points shown" in one.value for one in page.markdown)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", None),
        ("one line", "A map needs at least 4 points; found: 1."),
        ("same\nsame\nsame\nsame\nsame", "All 5 vectors are identical"),
        ("a fine text\n\u200b\u200b", "Row 2 .* cannot be read: A text contains nothing"),
    ],
)
def test_bad_lines_are_one_sentence_and_stay_typed(page, text, sentence):
    open_page(page, **{"from": "pasted"})
    page.text_area[0].set_value(text).run()
    assert not page.exception
    assert len(said(page)) == (sentence is not None)
    if sentence is not None:
        assert re.search(sentence, said(page)[0].replace("\\", ""))
    assert page.text_area[0].value == text


def test_pasted_lines_with_labels_are_read_and_probed(page):
    open_page(page, **{"from": "pasted"}, show="geometry")
    page.text_area[0].set_value(LINES).run()
    assert not page.exception
    assert sum("0 of 3" in one for one in said(page)) == 1
    assert len(kept(page)[0]) == 5


def test_nonsense_in_the_address_is_the_default(page):
    open_page(page, map="<b>", dims="9", seed="x", level="?", at="99", colour="nothing", shown="-3", show="q")
    assert not page.exception
    assert said(page) == []
    assert kept(page)[0].level == "texts"


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("text", ["one line", "two\nlines", "same\nsame\nsame\nsame\nsame", LINES])
@pytest.mark.parametrize("level", ["texts", "words"])
def test_few_or_like_texts_work_or_are_one_sentence_in_every_tab(page, tab, text, level):
    open_page(page, **{"from": "pasted"}, show=tab, level=level)
    page.text_area[0].set_value(text).run()
    assert not page.exception
    assert not page.error
    assert len(page.warning) <= 1


def open_file(page, name, content, **query):
    """Open the page as it is once a file has been uploaded."""
    hold(page, name, content)
    return open_page(page, **{"from": "file"}, **query)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", b"", "is empty. Choose one with text in it"),
        ("header.csv", b"text,label\n", "has column names but no rows below them"),
        ("blank.csv", b'text,label\n" ",a\n" ",b\n', "has no rows with text in these columns"),
        ("one.csv", b"text,label\nonly one row,a\n", "A map needs at least 4 points; found: 1."),
        ("quote.csv", b'text,label\n"open,a\n', "is opened on line"),
        ("picture.csv", bytes(range(256)) * 8, "is not text in any of these encodings"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(page, name, content, sentence):
    open_page(page, **{"from": "file"})
    upload(page, "collection", name, content)
    assert not page.exception
    assert len(said(page)) == 1
    assert sentence in said(page)[0].replace("\\", "")


@pytest.mark.parametrize("tab", TABS)
def test_a_file_with_labels_and_numbers_of_every_kind(page, tab):
    rows = [f"text number {i},label {i},{'nan' if i % 3 else i},{'inf' if i == 5 else ''},same" for i in range(60)]
    content = "\n".join(["text,id,number,odd,constant", *rows]).encode()
    open_file(page, "odd.csv", content, show=tab, colour="column:number")
    assert not page.exception
    assert [one for one in said(page) if "labels that have that many" not in one] == []
    assert kept(page)[0].texts[3] == "text number 3"


@pytest.mark.parametrize("tab", TABS)
def test_a_column_of_ten_thousand_values_goes_through_every_tab(page, tab):
    words = ["river", "bank", "money", "rich", "animals", "tired", "street", "water"]
    rows = [f"the {words[i % 8]} by the {words[i // 8 % 8]} said {words[i // 64 % 8]}\tname {i}" for i in range(10_000)]
    content = "\n".join(["text\tname", *rows]).encode()
    open_file(page, "names.tsv", content, show=tab, model="folder:bert", colour="column:name")
    listed(page, "collection_most:").select("all").run()
    if offered(page, "embeddings:start"):
        page.button(key="embeddings:start").click().run()
    assert not page.exception
    assert len(kept(page)[0].texts) == 10_000
    assert [one for one in said(page) if "labels" not in one] == []


def test_a_word_that_is_nowhere_is_one_sentence(page):
    open_page(page, level="word", word="qwertz")
    assert not page.exception
    assert len(said(page)) == 1
    assert "qwertz" in said(page)[0]


def test_a_text_longer_than_the_model_takes_is_averaged_and_said(page):
    open_page(page, **{"from": "pasted"}, model="folder:bert")
    long = "the river bank was steep " * 40
    page.text_area[0].set_value(f"{LINES}\n{long}").run()
    assert not page.exception
    assert any("the 66 tokens that this model reads at once: 1." in one.value for one in page.info)
    assert kept(page)[0].windows.tolist()[:5] == [1] * 5


def test_another_collection_begins_with_a_word_that_it_has(page):
    open_page(page, level="word", word="cell", corpus="senses")
    page.session_state["corpus"] = "topics"
    page.run()
    assert said(page) == []
    assert kept(page)[0].word != "cell"


def test_markup_in_names_is_only_text(page):
    open_page(page, show="clusters", **{"from": "pasted"})
    page.text_area[0].set_value("\n".join(f"text {i}\t![x](http://evil/p.png) {i % 2}" for i in range(8))).run()
    assert not page.exception
    assert not any("![x](http" in one.value for one in (*page.markdown, *page.caption))


def test_neighbours_of_a_typed_text_are_those_of_the_library(page, minilm):
    open_page(page, show="neighbours", query="the judge sent him to prison")
    assert said(page) == []
    table = page.dataframe[0].value
    found = kept(page)[0]
    query = it.embed(minilm, ["the judge sent him to prison"], [-1])
    expected = it.embeddings.nearest_neighbours(found, 6, query.at(6)[0], 10)
    assert table["Text"].tolist() == [found.texts[i] for i in expected.items]
    np.testing.assert_allclose(table["Cosine"], expected.scores, atol=1e-5)


def test_all_layers_need_more_than_one(page):
    open_page(page, show="layers", kept="last")
    assert len(page.info) == 1
    assert said(page) == []


@pytest.fixture
def read(minilm):
    texts = ("a\tb <i>", "river bank", "money =1+1", "fourth")
    columns = {"Text": ("x", "y", "z", ""), "score": ("1", "2", "", "4.5")}
    collection = Collection("file.csv", "about", texts, FileRows((2, 3, 5, 8), columns), 4, ("", 0))
    return Read(collection, it.embed(minilm, texts), "about")


def test_files_hold_every_column_and_the_very_vectors(read, tmp_path):
    places = np.array([0, 2, 3])
    table = item_table(read, places)
    # A column of the file does not take the place of the text itself.
    assert table["Text"] == ["a\tb <i>", "money =1+1", "fourth"]
    assert table["Text′"] == ["x", "z", ""]
    assert table["Row"] == [2, 5, 8]
    back = parquet.read_table(io.BytesIO(as_parquet(read, places, 6))).to_pydict()
    np.testing.assert_array_equal(np.array(back["vector 6"], np.float32), read.embeddings.at(6)[places])
    assert back["score"] == ["1", "", "4.5"]
    with zipfile.ZipFile(io.BytesIO(as_projector(read, places, 6))) as file:
        vectors = np.loadtxt(io.BytesIO(file.read("vectors.tsv")), delimiter="\t")
        lines = file.read("metadata.tsv").decode().rstrip("\n").split("\n")
    np.testing.assert_allclose(vectors, read.embeddings.at(6)[places], rtol=1e-6, atol=1e-7)
    assert lines[0] == "Row\tText\tText′\tscore"
    assert [len(line.split("\t")) for line in lines] == [4] * 4
    assert lines[1].startswith("2\ta b <i>\t")


def test_vectors_say_how_they_were_made(read):
    settings = MapSettings("tsne", 2, "cosine", 5, 3, 4, read.embeddings.layers)
    maps = Maps((), it.embeddings.align([read.embeddings.at(6)[:, :2]]))
    npz = next(one for one in map_downloads(read, np.arange(4), settings, maps, 6, "stem") if one.file.endswith("npz"))
    about = json.loads(np.load(io.BytesIO(npz.make()))["about"].tobytes())
    wanted = {
        "model": "minilm",
        "level": "texts",
        "pooling": read.embeddings.pooling,
        "prompt": "",
        "word": None,
        "file": "file.csv",
        "texts": 4,
        "shown": 4,
        "method": "tsne",
        "perplexity": 5.0,
        "seed": 3,
    }
    assert {name: about[name] for name in wanted} == wanted


def test_a_column_of_thousands_is_cut_to_the_frequent():
    many = tuple(str(i) for i in range(10_000))
    colours = grouped("id", (every := ["common"] * 5 + list(many)), every)
    assert len(colours.groups) == 21
    assert colours.groups[0] == "common"
    assert colours.groups[-1] == "9,981 others"
    assert colours.others
    # A group keeps its colour whichever points are shown.
    some = grouped("kind", ["b", "c"], ["a", "a", "a", "b", "b", "c"])
    assert (some.groups, some.ranks, some.others) == (("b", "c"), (1, 2), False)
    assert grouped("x", ["a", "", "b"], "ab").groups == ("a", "b", "(empty)")


def test_numbers_are_told_from_words():
    np.testing.assert_array_equal(as_numbers(["1", "", "2.5"]), np.array([1, np.nan, 2.5], np.float32))
    assert as_numbers(["1", "two"]) is None
    assert as_numbers(["", ""]) is None
    assert as_numbers(["nan", "inf"]) is None


@pytest.mark.parametrize(("least", "precision"), [(0.5, "bfloat16"), (1.1, "float32")])
def test_on_a_card_a_collection_is_read_in_bfloat16_where_that_moves_little(page, monkeypatch, least, precision):
    monkeypatch.setattr("interpret.core.rounding.fast_precision", lambda _device: "bfloat16")
    monkeypatch.setattr("interpret.core.rounding.LEAST_COSINE", least)
    rounding, keys = cache.rounding, []
    monkeypatch.setattr(cache, "rounding", lambda spec, texts: (keys.append(len(texts)), rounding(spec, texts))[1])
    open_page(page, show="map", map="pca", corpus="senses", model="folder:bert")
    assert not page.exception
    assert kept(page)[0].spec.precision == precision
    (told,) = [one.value for one in page.caption if one.value.startswith("Computed in")]
    assert told.startswith(f"Computed in {precision}:")
    # A key of all texts would be made of a large file at each click.
    assert set(keys) == {32}


def test_who_asks_for_a_precision_has_it_on_a_card_too(page, monkeypatch):
    monkeypatch.setattr("interpret.core.rounding.fast_precision", lambda _device: "bfloat16")
    open_page(page, show="map", map="pca", corpus="senses", model="folder:bert", precision="float32")
    assert kept(page)[0].spec.precision == "float32"
    assert not [one.value for one in page.caption if one.value.startswith("Computed in")]


def test_cards_that_do_not_answer_and_what_all_others_do_are_said_at_the_side(page, monkeypatch):
    cards = [Device(f"cuda:{place}", "Large", 80 << 30, 70 << 30, ("float32",)) for place in range(2)]
    cpu = find_device("cpu")
    monkeypatch.setattr("interpret.core.devices.available_devices", lambda: (*cards, cpu))
    monkeypatch.setattr("interpret.core.devices.find_device", lambda _name: cpu)
    lost = it.InputError(
        "The device “{name}” does not respond: {error}. Choose another device.", name="cuda:2", error="GPU is lost"
    )
    monkeypatch.setattr("interpret.core.devices.silent_devices", lambda: {"cuda:2": lost})
    open_page(page, show="map", map="pca", corpus="senses", model="folder:bert")
    assert not page.exception
    said_at_the_side = [one.value for one in page.sidebar.caption]
    assert any("on all 2 GPUs" in one for one in said_at_the_side)
    assert any("does not respond: GPU is lost" in one for one in said_at_the_side), said_at_the_side
