"""The page of two models: every tab, siblings and fine-tunes, what the two cannot be asked, and what is taken along."""

import csv
import io
import json
import re

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, state
from pages.compare import attention, predictions, tokenizer_export, tokenizer_text
from tests.apps import charts, listed, switch
from tests.pages.test_foreign_text import HOSTILE, raw_texts
from tests.slot import hold
from tests.tiny import make_checkpoint

TABS = re.findall(r'\bTab\("(\w+)"', (ROOT / "pages/compare/page.py").read_text("utf-8"))
TEXT = "the river bank was steep, and the bank lent money"
LABELLED = "text,kind,id\n" + "".join(
    f"the bank lent {one} {other},law,{one}-1\nthe river was {one} {other},sport,{one}-2\n"
    for one in ("steep", "rich", "tired")
    for other in ("animals", "money", "because", "said")
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("two")
    names = {"id2label": {0: "law", 1: "sport"}, "label2id": {"law": 0, "sport": 1}}
    make_checkpoint("bert", root / "plain")
    make_checkpoint("xlm-roberta", root / "other", seed=1)
    make_checkpoint("bert", root / "deep", seed=2, num_hidden_layers=4, num_attention_heads=2)
    for seed, name in enumerate(("own", "own2")):
        make_checkpoint(
            "bert", root / name, seed=seed, loader=tf.AutoModelForSequenceClassification, initializer_range=0.5, **names
        )
    for family in ("bert", "xlm-roberta"):
        make_checkpoint(family, root / f"guess-{family}", loader=tf.AutoModelForMaskedLM)
    return root


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "kept"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"device": "cpu", "text": TEXT, "model": "folder:plain", "second": "folder:other"})
    return switch(page, "compare")


def opened(page, tab, **query):
    page.query_params.update({"two": tab, **query})
    page.run()
    assert not page.exception
    return page


def said(page):
    return " ".join(one.value for one in (*page.markdown, *page.caption, *page.info))


def handed(monkeypatch, module):
    """Return what a tab offers as files, by their labels, newest last."""
    seen = {}
    real = module.export_bar

    def bar(downloads, *analyses, **more):
        seen.update({one.label: one for one in downloads})
        seen.update({one.file.rpartition("-")[2]: one for one in downloads})
        return real(downloads, *analyses, **more)

    monkeypatch.setattr(module, "export_bar", bar)
    return seen


def rows_of(download):
    return list(csv.DictReader(io.StringIO(download.make().decode("utf-8-sig"))))


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_with_two_models_that_cut_texts_otherwise(page, tab):
    if tab == "masked":
        page.query_params.update({"model": "folder:guess-bert", "second": "folder:guess-xlm-roberta"})
    opened(page, tab)
    assert not page.warning
    assert not page.info
    assert listed(page, "second").value == page.query_params["second"]


def test_the_second_model_is_a_sibling_until_another_is_chosen(page):
    del page.query_params["second"]
    page.query_params["model"] = "minilm"
    opened(page, "tokenizers")
    assert listed(page, "second").value == "minilm-l3"
    assert "second" not in page.query_params
    assert "minilm" not in listed(page, "second").options
    page.button(key="swap_models").click().run()
    assert not page.exception
    assert page.session_state["model"] == "minilm-l3"
    assert listed(page, "second").value == "minilm"
    # Whoever chooses the second model in the sidebar does not see it beside itself.
    page.selectbox(key="model:en").set_value("minilm").run()
    assert listed(page, "second").value == "minilm-l3"


def test_no_model_stands_beside_itself(page):
    page.query_params["second"] = "folder:plain"
    opened(page, "overview")
    assert listed(page, "second").value == "minilm"
    assert not page.info


def test_a_model_that_is_not_there_is_said_and_another_can_be_chosen(page):
    page.query_params["second"] = "folder:never"
    page.run()
    assert not page.exception
    assert len(page.warning) == 1
    listed(page, "second").set_value("folder:other").run()
    assert not page.warning
    assert charts(page) >= {"parameters", "latency"}


def test_sizes_are_those_of_the_models(page, models):
    opened(page, "overview")
    table = page.dataframe[0].value.set_index("")
    for name, column in (("plain", 0), ("other", 1)):
        encoder = it.load_encoder(str(models / name), "cpu")
        counted = sum(one.numel() for one in encoder.model.parameters())
        assert table.iloc[:, column]["Parameters"] == f"{counted:,}"
        assert {str(len(encoder.tokens(TEXT))), str(encoder.max_tokens)} <= set(table.iloc[:, column])
    [line] = [one.value for one in page.markdown if "95%" in one.value]
    assert re.search(r"\*\*.* \d+\.\d\d .*\*\* \(95%: \d+\.\d\d to \d+\.\d\d; .*\b15\b", line)


def test_heads_are_matched_and_another_can_be_chosen(page, models, monkeypatch):
    drawn = []
    real = attention.beside
    monkeypatch.setattr(attention, "beside", lambda sides, *more, **named: (drawn.append(sides), real(sides, *more))[1])
    files = handed(monkeypatch, attention)
    opened(page, "attention", heads="1.2")
    first, second = (it.trace(it.load_encoder(str(models / name), "cpu"), TEXT) for name in ("plain", "other"))
    found = it.attention.match_heads(first, second)
    layer, head = found.nearest[1, 2]
    assert np.array_equal(drawn[-1][0].weights, found.first_heads[1, 2])
    assert np.array_equal(drawn[-1][1].weights, found.second_heads[layer, head])
    assert drawn[-1][0].labels == found.words.labels
    assert f"{found.divergence[1, 2, layer, head]:.3f} bits" in said(page)
    rows = rows_of(files["CSV"])
    assert len(rows) == 144
    assert float(rows[7]["jensen_shannon_bits"]) == pytest.approx(found.divergence[0, 0, 1, 3], rel=1e-4)
    assert json.loads(files["JSON"].make())["nearest"] == found.nearest.tolist()
    page.segmented_control(key="match:en").set_value("same").run()
    assert np.array_equal(drawn[-1][1].weights, found.second_heads[1, 2])
    page.segmented_control(key="match:en").set_value("chosen").run()
    page.selectbox(key="match_layer:en").set_value(2).run()
    page.selectbox(key="match_head:en").set_value(3).run()
    assert np.array_equal(drawn[-1][1].weights, found.second_heads[2, 3])
    page.toggle(key="specials").set_value(False).run()
    assert len(drawn[-1][0].labels) == len(found.words) - 2
    # A head that the other model does not have is said, and nothing is drawn in its place.
    page.selectbox(key="second:en").set_value("folder:deep").run()
    page.segmented_control(key="match:en").set_value("same").run()
    count = len(drawn)
    page.selectbox(key="head:en").set_value(3).run()
    assert len(page.info) == 1
    assert len(drawn) == count


def test_layers_and_neighbours_are_those_of_both_models(page, models):
    hold(page, "mine.csv", LABELLED.encode(), label=1)
    page.session_state["from"] = "file"
    opened(page, "embeddings")
    texts = [row["text"] for row in csv.DictReader(io.StringIO(LABELLED))]
    first, second = (it.embed(it.load_encoder(str(models / name), "cpu"), texts) for name in ("plain", "other"))
    similarity = it.embeddings.layer_similarity(first, second)
    assert f"{similarity.cka[-1, -1]:.3f}" in said(page)
    overlap = it.embeddings.neighbour_overlap(first, second)
    assert f"share {overlap.share:.1%} " in said(page)
    table = next(one.value for one in page.dataframe if "Shared" in one.value)
    assert sorted(table["Shared"]) == sorted(overlap.shared)
    assert table["Shared"].is_monotonic_increasing
    assert texts[int(table["Row"].iloc[0]) - 1] == table["Text"].iloc[0]
    listed(page, "first_at").set_value(0).run()
    assert not page.exception
    other = it.embeddings.neighbour_overlap(first, second, layer=0)
    assert f"share {other.share:.1%} " in said(page)


def test_flips_are_listed_and_can_be_read_on(page, models, monkeypatch):
    page.query_params.update({"model": "folder:own", "second": "folder:own2"})
    hold(page, "mine.csv", LABELLED.encode(), label=1)
    page.session_state["from"] = "file"
    files = handed(monkeypatch, predictions)
    opened(page, "predictions")
    table = list(csv.DictReader(io.StringIO(LABELLED)))
    texts, labels = [row["text"] for row in table], [row["kind"] for row in table]
    first, second = (
        it.attribution.predict_classes(it.load_encoder(str(models / name), "cpu"), texts, labels)
        for name in ("own", "own2")
    )
    found = it.attribution.compare_predictions(first, second, texts, labels)
    assert f"**{len(found.flipped)} of {len(texts)} " in said(page)
    rows = rows_of(files["CSV"])
    assert [row["first"] for row in rows] == list(first.said)
    assert [row["second"] for row in rows] == list(second.said)
    assert [row["id"] for row in rows] == [row["id"] for row in table]
    assert [row["flipped"] == "True" for row in rows] == [
        one != other for one, other in zip(first.said, second.said, strict=True)
    ]
    shown = next((one.value for one in page.dataframe if "Row" in one.value), None)
    assert (0 if shown is None else len(shown)) == len(found.flipped)
    if shown is not None:
        assert shown["Row"].tolist() == [int(i) + 1 for i in found.flipped]


def test_models_without_these_classes_are_answered_by_linear_heads(page, models):
    hold(page, "mine.csv", LABELLED.encode(), label=1)
    page.session_state["from"] = "file"
    opened(page, "predictions")
    texts, labels = zip(*((row["text"], row["kind"]) for row in csv.DictReader(io.StringIO(LABELLED))), strict=True)
    for name in ("plain", "other"):
        head = it.fit_head(it.load_encoder(str(models / name), "cpu"), texts, labels)
        assert any(f"{head.held_out.share:.1%}" in one.value for one in (*page.markdown, *page.error))
    # Texts without any label say what they need.
    hold(page, "plain.txt", b"the bank was rich.\n\nthe river was steep.")
    page.run()
    assert not page.exception
    assert len(page.info) == 1


def test_words_are_explained_by_both_for_the_class_of_the_first(page, models):
    hold(page, "mine.csv", LABELLED.encode(), label=1)
    page.query_params["classifier"] = "file"
    opened(page, "attributions")
    table = list(csv.DictReader(io.StringIO(LABELLED)))
    texts, labels = [row["text"] for row in table], [row["kind"] for row in table]
    found = []
    target = "predicted"
    for name in ("plain", "other"):
        encoder = it.load_encoder(str(models / name), "cpu")
        head = it.fit_head(encoder, texts, labels)
        function = it.attribution.target_function(encoder, TEXT, target=target, head=head)
        target = function.target.name
        found.append(it.attribution.explain(function, "integrated_gradients"))
    compared = it.attribution.compare_words(*found)
    assert f"scores: {compared.agreement:.2f}".replace("-", "−") in said(page)
    assert said(page).count(f"“{target}”") >= 2
    assert charts(page) >= {"both_bars"}


def test_what_only_one_of_them_can_be_asked_is_said(page):
    page.query_params.update({"model": "folder:own", "second": "folder:plain"})
    opened(page, "attributions")
    assert len(page.info) == 1
    assert "both_bars" not in charts(page)
    # Both have heads: the class of the first is explained in both.
    page.selectbox(key="second:en").set_value("folder:own2").run()
    assert not page.exception
    assert not page.info
    assert "both_bars" in charts(page)
    page.selectbox(key="explain:en").set_value("unit").run()
    assert not page.exception
    assert len(page.info) == 1


def test_two_texts_can_be_compared_for_their_likeness(page):
    page.query_params["pair"] = "money was rich"
    opened(page, "attributions", explain="similarity")
    assert not page.info
    assert "both_bars" in charts(page)
    opened(page, "attention")
    assert not page.warning


def test_guesses_are_compared_where_both_have_a_head_for_them(page, models):
    page.query_params.update({"model": "folder:guess-bert", "second": "folder:guess-xlm-roberta"})
    opened(page, "masked")
    first, second = (it.load_encoder(str(models / f"guess-{name}"), "cpu") for name in ("bert", "xlm-roberta"))
    found = it.pretraining.compare_guesses(first, second, TEXT)
    table = page.dataframe[0].value
    assert sorted(table["Word"]) == sorted(found.words.labels)
    assert f"{found.first_bits.mean():.2f} bits" in said(page)
    for model, why in (("folder:plain", "plain"), ("minilm", "MiniLM")):
        second = "minilm-l3" if model == "minilm" else "folder:guess-bert"
        page.query_params.update({"model": model, "second": second})
        for key in (state.MODEL, state.SECOND):
            page.session_state[key] = page.query_params[key]
        page.run()
        assert not page.exception
        assert why in page.info[0].value
        assert "surprisal" not in charts(page)


def test_the_text_is_cut_by_every_vocabulary(page, monkeypatch):
    rows = []
    real = tokenizer_text.word_rows
    monkeypatch.setattr(tokenizer_text, "word_rows", lambda some, *more: (rows.append(some), real(some, *more))[1])
    files = handed(monkeypatch, tokenizer_export)
    page.query_params["text"] = "unbelievably 银行"
    opened(page, "tokenizers")
    assert [one.title for one in rows[-1]] == ["folder: plain", "folder: other", "MiniLM", "multilingual-e5-small"]
    minilm = it.load_encoder("minilm", "cpu").tokens("unbelievably 银行")
    words = rows[-1][2].words
    assert [one.text for one in words] == list(minilm.labels)
    # “[UNK]” is against, what goes on with a word is lighter than what is known.
    unknown = [one.score for one, index in zip(words, minilm.ids, strict=True) if index == minilm.unknown_id]
    assert set(unknown) == {-1.0}
    assert words[1].score == 0 < words[2].score
    tokens = rows_of(files["tokens.csv"])
    assert [row["token"] for row in tokens if row["vocabulary"] == "minilm"] == list(minilm.strings)
    summary = rows_of(files["CSV"])
    assert int(summary[2]["unknown_tokens"]) == minilm.unknown
    # Models with one vocabulary are one row.
    page.query_params["model"] = "folder:plain"
    page.selectbox(key="second:en").set_value("folder:deep").run()
    assert rows[-1][0].title == "folder: plain, folder: deep"
    assert len(rows[-1]) == 3
    next(one for one in page.multiselect).set_value([]).run()
    assert not page.exception
    assert len(page.info) == 1


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("over", ["terms", "languages", "file"])
def test_terms_languages_and_files_are_counted(page, over, language, monkeypatch):
    files = handed(monkeypatch, tokenizer_export)
    page.query_params["lang"] = language
    page.session_state["from"] = "example"
    opened(page, "tokenizers", cut=over)
    assert not page.warning
    vocabulary = it.load_tokenizer("e5")
    summary = next(row for row in rows_of(files["CSV"]) if row["vocabulary"] == "e5")
    if over == "languages":
        shipped = json.loads((ROOT / "dashboard/examples/vocabulary.json").read_text("utf-8"))["languages"]
        rows = {row["language"]: row for row in rows_of(files["languages.csv"]) if row["vocabulary"] == "e5"}
        for code, texts in shipped.items():
            assert int(rows[code]["tokens"]) == it.count_tokens(vocabulary, texts).tokens.sum()
        english = int(rows["en"]["tokens"])
        assert float(rows["ru"]["times_english"]) == pytest.approx(int(rows["ru"]["tokens"]) / english)
        assert float(rows["en"]["low"]) == float(rows["en"]["high"]) == 1
        assert float(rows["ru"]["low"]) < float(rows["ru"]["times_english"]) < float(rows["ru"]["high"])
    texts = json.loads(files["JSON"].make())["texts"]
    assert int(summary["tokens"]) == it.count_tokens(vocabulary, texts).tokens.sum()


def test_a_model_is_compared_with_what_it_was_fine_tuned_from(page, tmp_path, minilm):
    recipe = it.Recipe(model="minilm", epochs=1, seed=0)
    assert recipe.model == "minilm"
    run = tmp_path / "runs" / "20260101-000000-1"
    (run / "model").mkdir(parents=True)
    make_checkpoint("bert", run / "model", seed=5)
    from interpret.finetuning.request import Request

    (run / "request.json").write_text(Request(recipe, "mine", "topics.csv").to_json(), "utf-8")
    page.query_params["model"] = f"run:{run.name}"
    del page.query_params["second"]
    opened(page, "tokenizers")
    box = listed(page, "second")
    assert box.value == f"base:run:{run.name}"
    assert any("MiniLM" in one for one in box.options[:1])
    assert page.button(key="swap_models").disabled
    assert not page.warning


def test_a_model_is_compared_with_itself_without_its_adapter(page, models, tmp_path, monkeypatch):
    root = tmp_path / "models"
    base = make_checkpoint("bert", root / "base")
    make_checkpoint("bert", root / "plain")
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(
        tf.AutoModel.from_pretrained(base),
        peft.LoraConfig(target_modules=["query"], r=2, init_lora_weights=False, base_model_name_or_path=str(base)),
    )
    model.save_pretrained(root / "adapter")
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(root))
    page.query_params["model"] = "folder:adapter"
    del page.query_params["second"]
    opened(page, "overview")
    assert listed(page, "second").value == "base:folder:adapter"
    names = list(page.dataframe[0].value.columns[1:])
    assert "adapter" in names[0]
    assert "base" in names[1]
    # The switch is of the sidebar's model alone, and says what is looked at.
    page.toggle(key="adapter").set_value(False).run()
    assert not page.exception
    assert listed(page, "second").value == "folder:adapter"
    assert [("base" in one, "adapter" in one.split(":")[0]) for one in page.dataframe[0].value.columns[1:]] == [
        (True, True),
        (False, False),
    ]
    # Without its adapter it is that base: there is nothing to compare.
    listed(page, "second").set_value("folder:base").run()
    assert len(page.info) == 1
    assert not page.dataframe
    listed(page, "second").set_value("folder:adapter").run()
    # With another first model, nothing stays that only belonged to the one before.
    page.selectbox(key="model:en").set_value("folder:plain").run()
    assert not page.exception
    assert listed(page, "second").value == "minilm"
    assert "second" not in page.query_params
    # As the second model it has its adapter, whatever the switch was.
    listed(page, "second").set_value("folder:adapter").run()
    specs = [one for one in cache._results._values if getattr(one, "call", "") == "model_card"]
    assert any(one.spec.checkpoint.name.endswith("adapter") for one in specs)


def test_a_long_text_is_read_in_windows_that_both_can_read(page):
    # Upper case is all unknown to one vocabulary and long in the other; what follows is the other way round.
    page.query_params["text"] = "UNBELIEVABLY " * 60 + "the bank was rich " * 90
    opened(page, "attention")
    assert not page.warning
    assert page.slider
    assert {one.key for one in page.get("bidi_component")} >= {"beside", "nearest_heads"}


def test_what_another_model_guesses_is_under_its_own_name(page):
    page.query_params.update({"model": "minilm-l3", "second": "folder:guess-bert"})
    opened(page, "masked")
    columns = " ".join(page.dataframe[0].value.columns)
    assert "MiniLM-L3" not in columns
    assert "MiniLM" in columns
    assert any("L3" in one.value for one in page.caption)


def test_too_few_rows_and_rows_without_labels_are_said_as_they_are(page):
    page.session_state["from"] = "pasted"
    page.session_state["pasted"] = "good film\tpos\nbad film\tneg"
    opened(page, "predictions")
    assert len(page.info) == 1
    assert "nan" not in said(page)
    hold(page, "mine.csv", LABELLED.replace(",law,", ",,").replace(",sport,", ",,").encode(), label=1)
    page.session_state["from"] = "file"
    page.run()
    assert not page.exception
    assert len(page.info) == 1


def test_copies_of_a_text_are_no_proof(page):
    page.session_state["from"] = "pasted"
    page.session_state["pasted"] = "the bank was rich\nthe river was steep\nmoney was lent\nanimals said it\n" * 5
    opened(page, "embeddings")
    assert "by chance: 66.7%" in said(page)
    assert "nan" not in said(page)


def test_hostile_names_and_texts_are_text(page, models, tmp_path, monkeypatch):
    name = "*x* :red[x] $x^2$"
    for folder in ("a", "b"):
        make_checkpoint("bert", tmp_path / "models" / f"{name}{folder}", seed=ord(folder))
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path / "models"))
    page.query_params.update({"model": f"folder:{name}a", "second": f"folder:{name}b", "text": HOSTILE[0]})
    hold(page, "x.csv", f"text,kind\n{HOSTILE[1]},a\n{HOSTILE[0]},b\nmoney,a\nrich,b\n".encode(), label=1)
    page.session_state["source"] = "typed"
    for tab in TABS:
        opened(page, tab)
        page.session_state["two"] = tab
        page.run()
        assert not page.exception
        assert raw_texts(page) == []
