"""Two heads beside each other on the Attention page, without a browser: kept, aligned, refused and taken out."""

import csv
import io
import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.analysis import python_lines
from dashboard.components import beside as component
from dashboard.subject import Row, Subject
from pages.attention import compare, compare_view
from pages.attention.reference import Reference
from tests.apps import offered, switch
from tests.pages.test_foreign_text import HOSTILE, raw_texts
from tests.tiny import make_checkpoint

TIRED = "The animal didn't cross the street because it was too tired."
WIDE = "The animal didn't cross the street because it was too wide."


@pytest.fixture
def page(tiny_folders, monkeypatch):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    page = switch(AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60), "attention")
    page.query_params["tab"] = "compare"
    page.query_params["text"] = TIRED
    page.query_params["heads"] = "3.5"
    return page


@pytest.fixture
def drawn(monkeypatch):
    """What was handed to the picture, newest last."""
    seen = []
    real = compare.beside

    def draw(sides, difference, linked, *more, **named):
        seen.append((sides, difference, linked))
        return real(sides, difference, linked, *more, **named)

    monkeypatch.setattr(compare, "beside", draw)
    return seen


def said(page):
    return [one.value for one in (*page.warning, *page.error)]


def keep(page):
    page.run().button(key="keep_reference").click().run()
    assert not page.exception
    return page


def pick(page, layer, head):
    page.selectbox(key="layer:en").set_value(layer).run()
    page.selectbox(key="head:en").set_value(head).run()
    assert not page.exception


def test_without_a_reference_one_head_is_drawn_and_can_be_kept(page, drawn):
    page.run()
    assert not page.exception
    assert len(page.info) == 1
    ((one,), difference, linked) = drawn[-1]
    assert (difference, linked) == (None, False)
    assert "3" in one.title
    assert offered(page, "keep_reference")
    assert not offered(page, "forget_reference")


def test_two_heads_of_one_text_stand_beside_each_other_and_apart(page, drawn, minilm):
    pick(keep(page), 4, 7)
    sides, difference, linked = drawn[-1]
    trace = it.trace(minilm, TIRED)
    assert np.array_equal(sides[0].weights, trace.attention[3, 5])
    assert np.array_equal(sides[1].weights, trace.attention[4, 7])
    assert (difference, linked) == (None, True)
    found = it.attention.compare_heads(trace, trace, 3, 5, 4, 7)
    assert sum(f"{found.mean_total_variation:.3f}" in one.value for one in page.markdown) == 1
    page.segmented_control(key="compared:en").set_value("difference").run()
    assert page.query_params["compared"] in ("difference", ["difference"])
    assert np.array_equal(drawn[-1][1].weights, found.difference)
    # Turned round, the sign turns; the distance stays.
    page.toggle(key="swapped").set_value(True).run()
    assert np.array_equal(drawn[-1][1].weights, -found.difference)
    assert sum(f"{found.mean_total_variation:.3f}" in one.value for one in page.markdown) == 1
    table = next(one.value for one in page.dataframe if len(one.value) == len(trace.tokens))
    assert table.iloc[:, 2].is_monotonic_decreasing
    assert said(page) == []


def test_one_head_twice_is_said_and_has_no_distance(page, drawn):
    keep(page)
    assert len(page.info) == 1
    assert drawn[-1][2]
    assert not any("0.000" in one.value for one in page.markdown)
    pick(page, 3, 6)
    assert not page.info


@pytest.mark.parametrize("unit", ["token", "word"])
def test_hostile_texts_beside_each_other_are_texts(page, drawn, unit):
    page.query_params["model"] = "folder:roberta"
    page.query_params["heads"] = "1.2"
    page.query_params["unit"] = unit
    page.query_params["text"] = HOSTILE[0]
    keep(page)
    page.text_area(key="text").set_value(HOSTILE[0].replace("*x*", "*y*")).run()
    assert not page.exception
    assert drawn[-1][2]
    assert len(page.info) == 1
    assert raw_texts(page) == []


def test_the_reference_stays_while_tab_and_text_change_and_goes_when_it_is_removed(page, drawn):
    keep(page)
    page.session_state["tab"] = "heads"
    page.run()
    page.text_area(key="text").set_value(WIDE).run()
    page.session_state["tab"] = "compare"
    page.run()
    sides, _difference, linked = drawn[-1]
    assert linked
    assert [one.labels[-3] for one in sides] == ["tired", "wide"]
    # What is compared is said: two texts, by position.
    assert any("“tired” / “wide”" in one.value for one in page.info)
    page.button(key="forget_reference").click().run()
    assert len(drawn[-1][0]) == 1
    assert not offered(page, "forget_reference")


def test_of_texts_of_different_lengths_no_difference_is_drawn(page, drawn):
    keep(page)
    page.segmented_control(key="compared:en").set_value("difference").run()
    assert drawn[-1][1] is not None
    page.text_area(key="text").set_value("The street was too wide.").run()
    assert not page.exception
    sides, difference, linked = drawn[-1]
    assert len(sides) == 2
    assert difference is None
    assert not linked
    assert len(said(page)) == 1
    assert not any(one.key and one.key.startswith("download:CSV") for one in page.get("download_button"))


def test_two_models_are_compared_by_words_and_their_heads_one_by_one(page, drawn, tmp_path, monkeypatch):
    for name, seed in (("base", 0), ("tuned", 1)):
        make_checkpoint("bert", tmp_path / name, seed=seed)
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path))
    page.query_params["model"] = "folder:tuned"
    page.query_params["text"] = "the bank said it was rich"
    page.query_params["heads"] = "1.2"
    keep(page)
    page.selectbox(key="model:en").set_value("folder:base").run()
    assert not page.exception
    assert said(page) == []
    sides, _difference, linked = drawn[-1]
    assert linked
    assert "tuned" in sides[0].about
    assert "base" in sides[1].about
    assert str(tmp_path) not in sides[0].about + sides[1].about
    assert not np.array_equal(sides[0].weights, sides[1].weights)
    # The reference follows when it is told to, and not before.
    pick(page, 2, 3)
    assert "1" in drawn[-1][0][0].title
    page.toggle(key="same_head").set_value(True).run()
    assert [one.title.split(":")[1] for one in drawn[-1][0]] == [" Layer 2, head 3"] * 2
    assert {one.key for one in page.get("bidi_component")} >= {"beside", "distance_maps"}


def test_a_model_that_cuts_otherwise_needs_words(page, drawn):
    page.query_params["text"] = "the animals said it was unbelievably steep"
    page.query_params["heads"] = "1.2"
    keep(page)
    page.selectbox(key="model:en").set_value("folder:roberta").run()
    assert not page.exception
    assert not drawn[-1][2]
    page.segmented_control(key="unit:en").set_value("word").run()
    assert drawn[-1][2]
    assert said(page) == []


def test_a_model_that_is_gone_is_said_and_the_reference_can_be_removed(page, tmp_path, monkeypatch):
    folder = make_checkpoint("bert", tmp_path / "mine")
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path))
    page.query_params["model"] = "folder:mine"
    page.query_params["heads"] = "0.1"
    keep(page)
    folder.rename(tmp_path / ".gone")
    page.session_state[state.MODEL] = "minilm"
    page.run()
    assert not page.exception
    assert len(said(page)) == 1
    page.button(key="forget_reference").click().run()
    assert said(page) == []


def test_what_is_kept_is_said_with_model_text_and_row(minilm):
    row = Row("cases.csv", 7, "yes", (("id", "p1"),))
    one = compare_view.Head("Reference", "minilm", Subject(minilm.spec, TIRED, "It slept.", row), 3, 5)
    for part in ("MiniLM", minilm.spec.checkpoint.revision[:8], TIRED, "It slept.", "cases.csv", "7"):
        assert part in one.about
    assert "3" in one.title
    assert "5" in one.title


def compared(minilm, text, other, **changes):
    heads = [
        compare_view.Head(name, "minilm", Subject(minilm.spec, one), layer, head)
        for name, one, (layer, head) in (("Reference", text, (3, 5)), ("Current", other, (4, 7)))
    ]
    return compare_view.Compared(*heads, **{"swapped": False, "unit": "token", "specials": True, **changes})


def test_the_files_hold_what_is_shown_and_what_each_side_is(minilm):
    what = compared(minilm, TIRED, WIDE)
    analysis = compare_view.difference_analysis(what)
    table, numbers = (one.make() for one in compare_view.difference_downloads(what, analysis, "stem"))
    found = it.attention.compare_heads(it.trace(minilm, TIRED), it.trace(minilm, WIDE), 3, 5, 4, 7, by_position=True)
    header, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert header[-3] == "tired/wide"
    assert rows[-3][:2] == ["tired", "wide"]
    np.testing.assert_allclose([[float(one) for one in row[4:]] for row in rows], found.difference, atol=1e-6)
    np.testing.assert_allclose([float(row[2]) for row in rows], found.total_variation, atol=1e-6)
    held = json.loads(numbers)
    assert (held["first"]["text"], held["second"]["text"]) == (TIRED, WIDE)
    assert (held["first"]["layer"], held["second"]["head"]) == (3, 7)
    assert held["by_position"] is True
    np.testing.assert_allclose(held["difference"], found.difference, atol=1e-6)
    assert held["mean_total_variation"] == pytest.approx(found.mean_total_variation)
    names = {}
    exec(compile(python_lines(analysis, compare_view.distances_analysis(what)), "lines", "exec"), names)
    np.testing.assert_allclose(names["heads"].difference, found.difference, atol=1e-6)
    assert names["first"].tokens.text == TIRED
    assert names["distances"].shape == (6, 12)
    # What the analysis says of itself keeps the two texts apart too.
    about = analysis.about
    assert about["text"] == TIRED
    assert about["second"]["text"] == WIDE
    (alone,) = compare_view.beside_downloads(what, "stem")
    np.testing.assert_allclose(json.loads(alone.make())["weights"]["second"], found.second, atol=1e-6)


def test_a_scale_around_zero_holds_every_difference():
    for most in (1e-9, 0.004, 0.0101, 0.123, 0.5, 0.987, 1.0):
        values = np.array([[most, -most / 3]], np.float32)
        end = component.widest(values)
        assert max(0.01, float(values.max())) <= end + 1e-9 <= 1.0 + 1e-9
        assert end <= max(0.01, most) * 1.1 + 1e-9
    assert component.widest(np.array([[-0.371, 0.1]], np.float32)) == 0.38


def test_a_link_has_the_reference_and_its_head(page, drawn):
    page.run()
    page.button(key="keep_reference").click().run()
    page.text_area(key="text").set_value(WIDE).run()
    before = drawn[-1][0]
    query = dict(page.query_params)
    opened = switch(AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60), "attention")
    opened.query_params.update(query)
    opened.run()
    assert not opened.exception
    after = drawn[-1][0]
    assert [one.title for one in after] == [one.title for one in before]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
    opened.button(key="forget_reference").click().run()
    assert not {"reference", "reference_layer", "reference_head"} & set(opened.query_params)


def test_a_row_of_somebodys_file_is_in_no_link():
    row = Row("cases.csv", 1, "law", (("id", "C-1"),))
    assert Reference("minilm", "", TIRED, None).in_address is not None
    assert Reference("minilm", "", TIRED, None, row).in_address is None


@pytest.mark.parametrize("given", ["[]", "{", '{"model": "minilm"}', '{"model":1,"revision":{},"text":[],"pair":""}'])
def test_nonsense_in_a_link_is_no_reference_or_one_sentence(page, given):
    page.query_params["reference"] = given
    page.run()
    assert not page.exception
    assert not any(one.icon == ":material/bug_report:" for one in page.error)


def test_what_else_stands_in_the_session_is_no_reference(page):
    page.session_state[state.REFERENCE] = "nonsense"
    page.run()
    assert not page.exception
    assert not offered(page, "forget_reference")
