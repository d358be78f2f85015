"""The Attributions page without a browser: every tab, every target, and what comes of bad input."""

import json
import random
import re

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, ownership
from dashboard.components.words import read_indices
from dashboard.subject import Subject
from dashboard.widgets.attributions_view import words_of
from dashboard.widgets.method_input import How, method_names
from dashboard.widgets.target_view import TargetChoice
from interpret.attribution.methods import METHODS, by_faithfulness
from interpret.attribution.row_jobs import TRAINING, list_jobs
from interpret.attribution.targets import TARGETS
from pages.attributions.export import as_dict, as_page, attribution_table
from tests.apps import explained_rows, listed, switch
from tests.pages.test_results_page import noise as answers_of_noise
from tests.pages.test_results_page import plant, rows_of
from tests.slot import hold
from tests.tiny import make_checkpoint

TABS = ("why", "quality", "layers", "pairs", "whatif", "rows")
EXPLAINED = ("class", "norm", "unit", "similarity")
ALL = ",".join(METHODS)
# How two sentences begin: of a classifier that tells nothing, and of a baseline that scores above the text.
NOTHING = "**Not shown to beat the majority-class baseline**"
ABOVE = "For the explained target, the baseline “"


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_page(page, **query):
    page.query_params.update(query)
    return switch(page, "attributions").run()


def said(page):
    """What is warned of, but what random weights do: a classifier that tells nothing, a baseline above the text."""
    found = [one.value for one in (*page.warning, *page.error)]
    return [one for one in found if NOTHING not in one and not one.startswith(ABOVE)]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("target", EXPLAINED)
def test_every_tab_runs_for_every_target(page, tab, target):
    open_page(page, model="folder:bert", why=tab, explain=target, example="pair")
    assert not page.exception
    assert said(page) == []


def test_every_method_is_drawn_and_offered_as_files(page):
    open_page(page, model="folder:bert", methods=ALL, example="short")
    assert not page.exception
    assert said(page) == []
    assert {one.label for one in page.get("download_button")} >= {"HTML", "CSV", "JSON"}
    kept = [name for name in METHODS if page.session_state[f"attribution:{name}"]]
    assert kept == list(METHODS)


def test_a_classifier_of_the_models_own_answers(page, tmp_path, monkeypatch):
    names = {0: "no", 1: "yes"}
    make_checkpoint(
        "bert", tmp_path / "own", loader=tf.AutoModelForSequenceClassification, num_labels=2, id2label=names
    )
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path))
    open_page(page, model="folder:own", example="short")
    assert not page.exception
    assert any("class “no”" in one.value or "class “yes”" in one.value for one in page.markdown)
    assert not any("demo classifier" in one.value for one in page.caption)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"text": " "}, "empty"),
        ({"text": "\u200b"}, "nothing that the model"),
        ({"text": "word", "why": "pairs"}, "2 to 60"),
    ],
)
def test_bad_text_is_one_sentence_and_stays_typed(page, query, sentence):
    open_page(page, model="folder:bert", **{name: value for name, value in query.items() if name != "text"})
    page.text_area[0].set_value(query["text"]).run()
    assert not page.exception
    assert len(said(page)) == 1
    assert sentence in said(page)[0]
    assert page.text_area[0].value == query["text"]


def test_nonsense_in_the_address_is_the_default(page):
    open_page(
        page, model="folder:bert", example="short", methods="x,../..", why="?", explain="<b>", baseline="9", seed="-1"
    )
    assert not page.exception
    assert said(page) == []
    assert page.session_state["methods"] == ["integrated_gradients"]


def test_similarity_asks_for_the_second_text(page):
    open_page(page, model="folder:bert", explain="similarity", example="short")
    assert len(page.info) == 1
    assert not page.get("plotly_chart")


def test_a_files_rows_are_explained_and_opened(page):
    content = "text,kind\nthe bank lent money,law\n,law\nthe river was steep,sport\nrich animals,law\n"
    hold(page, "rows.csv", content.encode())
    page.session_state["classifier"] = "starter"
    open_page(page, model="folder:bert", why="rows", example="short")
    page.button(key="rows:start").click().run()
    assert not page.exception
    assert [one.value for one in page.metric[:2]] == ["3", "1"]


def test_rows_of_one_answer_alone_are_listed(page):
    content = "text,kind\nthe bank lent money,law\nthe river was steep,sport\nrich animals,law\n"
    hold(page, "rows.csv", content.encode())
    page.session_state["classifier"] = "starter"
    open_page(page, model="folder:bert", why="rows", example="short")
    page.button(key="rows:start").click().run()
    answers = next(one for one in page.dataframe if "Row" in one.value.columns).value["Model output"]
    chosen = answers[0]
    listed(page, "rows_answer").set_value(chosen).run()
    assert not page.exception
    shown = next(one for one in page.dataframe if "Row" in one.value.columns).value["Model output"]
    assert list(shown) == [one for one in answers if one == chosen]


def test_a_path_rule_is_used_and_said(page):
    page.session_state["path_rule"] = "trapezoid"
    open_page(page, model="folder:bert", methods="integrated_gradients", example="short")
    assert not page.exception
    (kept,) = page.session_state["attribution:integrated_gradients"].values()
    assert kept.rule == "trapezoid"
    # Evenly: a power of two of intervals.
    assert (kept.steps - 1) & (kept.steps - 2) == 0
    assert any("rule='trapezoid'" in one.value for one in page.code)


def test_the_second_texts_words_can_be_asked_for(page):
    open_page(page, model="folder:bert", methods="input_x_gradient", explain="similarity", example="pair")
    first = next(iter(page.session_state["attribution:input_x_gradient"].values()))
    page.session_state["similarity_side"] = "second"
    page.run()
    assert not page.exception
    second = list(page.session_state["attribution:input_x_gradient"].values())[-1]
    assert second.target.name == first.tokens.text
    assert second.tokens.text == first.target.name
    assert second.output == pytest.approx(first.output, abs=1e-5)


def run_lines(page, tmp_path, monkeypatch, lines):
    """Run lines of Python that a page offers, and return what they leave."""
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile("\n".join(lines) if isinstance(lines, list) else lines, "lines", "exec"), names)
    return names


def test_the_lines_of_python_give_the_same_scores(page, tmp_path, monkeypatch):
    rows = b"text,kind\nthe bank lent money,law\n,law\nthe river was steep,sport\nrich animals,law\nsteep bank,sport\n"
    hold(page, "mine.csv", rows)
    (tmp_path / "mine.csv").write_bytes(rows)
    open_page(
        page, model="folder:bert", classifier="file", methods="feature_ablation,input_x_gradient", example="short"
    )
    assert not page.exception
    lines = next(one.value for one in page.code if "it.attribution.explain(" in one.value)
    names = run_lines(page, tmp_path, monkeypatch, lines)
    for one in (names["attribution"], names["attribution_2"]):
        kept = next(iter(page.session_state[f"attribution:{one.method}"].values()))
        np.testing.assert_allclose(one.scores, kept.scores, atol=1e-6)
    # Of four rows nothing can be told, and that is said in plain sight.
    assert any(NOTHING in one.value and "out-of-fold" in one.value for one in page.error)


def test_the_lines_of_python_explain_the_same_rows(page, tmp_path, monkeypatch):
    content = (
        b"text,kind,highlights\nthe bank lent money,law,bank\n,law,\nthe river was steep,sport,\nrich animals,law,no\n"
    )
    hold(page, "rows.csv", content)
    page.session_state["classifier"] = "starter"
    (tmp_path / "rows.csv").write_bytes(content)
    page.session_state["rows_method"] = "input_x_gradient"
    monkeypatch.chdir(ROOT)
    open_page(page, model="folder:bert", why="rows", example="short")
    page.button(key="rows:start").click().run()
    assert not page.exception
    lines = next(one.value for one in page.code if "attribute_rows(" in one.value)
    (tmp_path / "dashboard").symlink_to(ROOT / "dashboard")
    found = run_lines(page, tmp_path, monkeypatch, lines)["found"]
    kept = explained_rows()
    assert [row.index for row in found.rows] == [row.index for row in kept.rows] == [0, 2, 3]
    for one, other in zip(found.rows, kept.rows, strict=True):
        np.testing.assert_allclose(one.attribution.scores, other.attribution.scores, atol=1e-6)
    # A column with this name is taken for what people marked; what cannot be used is said.
    assert kept.rows[0].human is not None
    assert [place for place, _ in kept.unmarked] == [3]


def test_labels_that_are_no_classes_are_said_and_not_counted(page):
    content = "text,kind\n" + "the bank lent money,cardiac\nthe river was steep,neuro\nrich animals,law\n" * 3
    hold(page, "rows.csv", content.encode())
    page.session_state["classifier"] = "starter"
    page.session_state["rows_method"] = "input_x_gradient"
    open_page(page, model="folder:bert", why="rows", example="short")
    page.button(key="rows:start").click().run()
    assert any("2 labels in the file are not classes" in one.value for one in page.warning)
    assert any(one.value.endswith("of 3") for one in page.metric)


def test_the_report_says_in_a_sentence_whether_it_can_be_believed(page):
    open_page(page, model="folder:bert", why="quality", example="short")
    assert not page.exception
    said = next(one.value for one in page.markdown if "ties count half" in one.value)
    assert said.startswith("Explained: class")
    (kept,) = page.session_state["quality:faithfulness"].values()
    worded = {
        "both": "Better than random on both measures",
        "comprehensiveness": "Better than random on comprehensiveness only",
        "sufficiency": "Better than random on sufficiency only",
        "neither": "Not distinguishable from chance",
    }
    assert worded[kept.verdict] in said
    # A bug would be a verdict beside numbers that do not carry it.
    assert f"p = {kept.comprehensiveness_p:.3f} and {kept.sufficiency_p:.3f}" in said


def test_too_few_words_have_no_verdict(page):
    open_page(page, model="folder:bert", why="quality")
    page.text_area[0].set_value("the river bank").run()
    assert not page.exception
    said = next(one.value for one in page.markdown if "ties count half" in one.value)
    assert "**Too few words**" in said
    assert "with 3 words" in said
    assert "Better than random" not in said


def test_a_baseline_above_the_text_is_warned_of_and_another_is_a_click_away(page):
    page.session_state["unit_number"] = 0
    open_page(page, model="folder:bert", example="short", explain="unit", methods="feature_ablation")
    seen, others = set(), []
    # Of some units of a random model the baseline scores above, and of others it does not; of some all baselines do.
    for unit in range(24):
        page.session_state["unit_number"] = unit
        page.run()
        assert not page.exception
        kept = list(page.session_state["attribution:feature_ablation"].values())[-1]
        assert any(one.value.startswith(f"{ABOVE}[PAD]") for one in page.warning) is kept.baseline_above
        seen.add(kept.baseline_above)
        others = [one for one in page.button if one.key and one.key.startswith("baseline_instead:why")]
        assert kept.baseline_above or not others
        if len(seen) == 2 and others:
            break
    chosen = others[0].key.rsplit(":", 1)[1]
    others[0].click().run()
    assert not page.exception
    kept = list(page.session_state["attribution:feature_ablation"].values())[-1]
    assert kept.baseline == chosen
    assert not kept.baseline_above
    assert not any(one.value.startswith(ABOVE) for one in page.warning)


def test_methods_are_offered_by_measured_faithfulness(page):
    open_page(page, model="folder:bert", example="short", methods="input_x_gradient")
    options = page.multiselect[0].options
    assert [one.split(" · ")[0] for one in options] == list(method_names().values())
    for name, option in zip(by_faithfulness(), options, strict=True):
        assert ("not shown to beat random" in option) is not METHODS[name].measured.beats_random
    assert any("How faithful are they?" in one.value for one in page.markdown)


def test_sampled_methods_show_their_error_and_export_it(minilm):
    found = it.attribute(minilm, "The court spoke.", target="norm", method="gradient_shap")
    word = words_of(found, True)[1]
    assert f"± {found.word_uncertainty[1]:.4f}" in word.note
    table = attribution_table([found], True)
    np.testing.assert_allclose(table["± GradientSHAP (95%)"], found.word_uncertainty)
    choice = TargetChoice(Subject(found.spec, "The court spoke."), TARGETS["norm"], "norm", None, "")
    assert as_dict(choice, found)["word_uncertainty"] == pytest.approx(found.word_uncertainty.tolist(), abs=1e-6)
    exact = it.attribute(minilm, "The court spoke.", target="norm", method="input_x_gradient")
    assert words_of(exact, True)[1].note == ""
    assert not any("±" in name for name in attribution_table([exact], True))
    assert as_dict(choice, exact)["uncertainty"] is None


def test_a_page_to_keep_has_what_was_asked_and_every_number(minilm):
    found = it.attribute(minilm, "The court spoke.", target="norm")
    html = as_page([found], How(("integrated_gradients",), "pad"), "t", {"Probability": "0.9412"}).decode()
    assert "<th>Probability</th><td>0.9412</td>" in html
    for word, score in zip(found.tokens.words, found.word_scores(), strict=True):
        assert f"<td>{word}</td><td>{score:+.4f}</td>" in html


def test_words_stand_as_they_were_written_and_a_page_escapes_them(minilm):
    found = it.attribute(minilm, 'He said: <b>"don\'t"</b> & left.', target="norm")
    drawn = "".join(f"{' ' if one.spaced else ''}{one.text}" for one in words_of(found, True) if not one.fixed)
    assert drawn.strip() == found.tokens.text
    html = as_page([found], How(("integrated_gradients",), "pad"), "<script>", {"Text": "<script>"}).decode()
    assert "<script>" not in html
    assert "http" not in html
    assert "&lt;" in html


def test_what_a_browser_says_is_off_is_checked():
    assert read_indices([3, 1, 1, 99, -1, "2", True, None, 1.5], 5) == (1, 3)
    assert read_indices({"a": 1}, 5) == read_indices(None, 5) == ()
    assert json.dumps(read_indices([0], 1)) == "[0]"


def noise(count=40):
    """A file whose labels a coin has drawn."""
    draw = random.Random(0)
    words = ("the", "river", "bank", "was", "steep", "and", "lent", "money", "it", "rich", "said", "tired", "animals")
    return "text,kind\n" + "".join(
        f"{' '.join(draw.choices(words, k=6))},{draw.choice(('law', 'sport'))}\n" for _ in range(count)
    )


@pytest.mark.parametrize("tab", TABS)
def test_a_classifier_that_tells_nothing_is_said_to_before_any_picture(page, tab):
    hold(page, "mine.csv", noise().encode())
    page.session_state["rows_method"] = "saliency"
    open_page(page, model="folder:bert", classifier="file", why=tab, methods="saliency", example="short")
    assert not page.exception
    assert [NOTHING in one.value and "on 40 rows" in one.value for one in page.error] == [True]
    if tab == "rows":
        page.button(key="rows:start").click().run()
        # Again over the file, which is the one that it was fitted on; and the tile says by which answers.
        assert sum(NOTHING in one.value and "out-of-fold" in one.value for one in page.error) == 2
        (wrong,) = (one for one in page.metric if one.delta == "out-of-fold")
        kept = explained_rows()
        assert wrong.value == f"{kept.accuracies['out-of-fold'].count - kept.accuracies['out-of-fold'].right} of 40"
        assert kept.accuracies["out-of-fold"].right < sum(row.answer == row.label for row in kept.rows)
        table = next(one.value for one in page.dataframe if "Row" in one.value.columns)
        assert [row.out_of_fold for row in kept.rows] in [list(table[name]) for name in table]


def test_rows_that_a_run_learned_from_are_told_apart(page, monkeypatch):
    from interpret.core.accuracy import text_key
    from pages.attributions import rows_view

    content = "text,kind\nthe bank lent money,law\nthe river was steep,sport\nrich animals,law\n"
    hold(page, "rows.csv", content.encode())
    page.session_state["classifier"] = "starter"
    page.session_state["rows_method"] = "saliency"
    monkeypatch.setattr(
        "pages.attributions.rows_job.trained_texts", lambda: frozenset({text_key("The  BANK lent money")})
    )
    open_page(page, model="folder:bert", why="rows", example="short")
    page.button(key="rows:start").click().run()
    assert not page.exception
    (job,) = list_jobs(ownership.explanations_folder())
    assert json.loads((job.folder / TRAINING).read_text()) == {"texts": ["the bank lent money"]}
    assert rows_view.trained_texts() is None


def test_where_a_past_is_damaged_nobody_knows_what_was_learned(monkeypatch, tmp_path):
    """It is not said then, and takes no tab down."""
    from pages.attributions import rows_view

    run = plant(tmp_path, "r", rows_of(("a", "b"), 20), answers_of_noise)
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    monkeypatch.setattr(rows_view, "chosen_run", lambda: "r")
    assert len(rows_view.trained_texts()) == run.facts["learned"]
    (run.folder / "past").mkdir()
    assert rows_view.trained_texts() is None
    (run.folder / "past" / "request.json").write_text("[]", "utf-8")
    assert rows_view.trained_texts() is None


def test_words_on_any_score_of_an_exported_page_can_be_read():
    """By WCAG's formula, with its own example: #777777 on white has 4.48 to 1."""
    from pages.attributions.export import _luminance, _style

    def contrast(one, other):
        high, low = sorted((_luminance(*one), _luminance(*other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert contrast((0x77,) * 3, (255,) * 3) == pytest.approx(4.48, abs=0.005)
    for score in np.linspace(-1, 1, 201):
        ground, ink = re.fullmatch(r"background:rgb\((.*)\);color:#(.*)", _style(score, 1.0)).groups()
        assert contrast(map(int, ground.split(",")), bytes.fromhex(ink)) >= 4.5
