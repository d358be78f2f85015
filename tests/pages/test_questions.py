"""The page of questions: an answer at once, in its passage; whatever is typed, brought or asked for in the address."""

import json
import re

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.language import literal
from interpret.core.builtin import reader_facts
from pages.questions.question_input import shipped
from tests.apps import switch
from tests.slot import hold
from tests.tiny import make_checkpoint

PASSAGE = "The **rich** bank lent money. [It](http://x) was `tired`, said <b>the</b> animals."


@pytest.fixture
def page(monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params["device"] = "cpu"
    return switch(page, "questions")


@pytest.fixture(scope="module")
def reader():
    return it.load_encoder("minilm-reader", device="cpu")


def answer_of(page):
    [said] = [one.value for one in page.subheader]
    return said


def says_how_good(page):
    """Tell whether the page has the figures of the shipped head."""
    facts = reader_facts()
    figures = [f"{one:.1%}" for one in (facts.f1, facts.exact, facts.baseline, facts.wikipedia_f1)]
    return any(all(one in said.value for one in figures) for said in page.caption)


def shown(found):
    best = found.answers[0]
    if found.no_answer > best.probability:
        return f"{found.no_answer:.1%}"
    return f"Answer: {literal(best.text)}, {best.probability:.1%}"


def test_an_answer_is_there_at_once_and_says_what_gave_it(page, reader):
    page.run()
    assert not page.exception
    assert not page.error
    found = shipped()
    index = found.columns["id"].index("q112")
    assert answer_of(page) == shown(it.answer_question(reader, found.questions[index], found.passages[index]))
    assert "Mannheim" in answer_of(page)
    # Every example is one that the head has not learned from.
    box = next(one for one in page.selectbox if one.label == "Question")
    assert len(box.options) == len(reader_facts().held_out) == 32
    assert says_how_good(page)
    # The table's shares are the answers', and that there is none.
    table = page.dataframe[0].value
    assert table.iloc[0, 0] == "Mannheim"
    assert 50 < table.iloc[0, 1] <= table.iloc[:, 1].sum() <= 100.1


def test_another_example_is_in_the_address(page, reader):
    page.query_params["question_id"] = "q132"
    page.run()
    assert "no lamp" in answer_of(page)
    assert page.query_params["question_id"] == "q132"
    # What it has learned from is no example; nor is nonsense.
    for name in ("q1", "nonsense"):
        page.query_params["question_id"] = name
        del page.session_state["question_id"]
        page.run()
        assert not page.exception
        assert not page.error
        assert "Mannheim" in answer_of(page)


def test_what_is_typed_is_text_and_in_the_address(page, reader):
    page.query_params.update({"question": "Who lent money?", "passage": PASSAGE})
    page.run()
    assert not page.exception
    assert not page.error
    found = it.answer_question(reader, "Who lent money?", PASSAGE)
    assert answer_of(page) == shown(found)
    [marked] = [one.value for one in page.markdown if ":orange-background[" in one.value]
    # Every character is there as it is, spaces around the answer too.
    plain = re.sub(r":orange-background\[\*\*(.*?)\*\*\]", r"\1", marked)
    plain = re.sub(r"\\(.)", r"\1", plain).replace("&lt;", "<").replace("&gt;", ">")
    # A word joiner keeps an address from becoming a link.
    assert plain.replace("\u2060", "") == PASSAGE
    assert page.query_params["question"] == "Who lent money?"


@pytest.mark.parametrize(("question", "passage"), [("", PASSAGE), ("Who?", " "), ("", "")])
def test_what_is_missing_is_said_and_what_is_there_stays(page, question, passage):
    page.query_params.update({"question": "Who lent money?", "passage": PASSAGE})
    page.run()
    page.text_input(key="question").set_value(question)
    page.text_area(key="passage").set_value(passage).run()
    assert not page.exception
    assert not page.error
    assert not page.subheader
    assert len(page.info) == 1
    assert page.text_area(key="passage").value == passage
    page.text_input(key="question").set_value("Who lent?")
    page.text_area(key="passage").set_value(PASSAGE).run()
    assert answer_of(page)


def test_a_question_without_words_or_too_long_is_one_sentence(page):
    page.query_params.update({"question": "Who?", "passage": "\u200b\u200b"})
    page.run()
    assert not page.exception
    assert not page.error
    assert not page.subheader
    assert any(one.icon == ":material/error:" for one in page.warning)
    page.query_params.update({"question": "Who?", "passage": PASSAGE})
    page.run()
    page.text_input(key="question").set_value("money " * 600)
    page.text_area(key="passage").set_value("bank " * 900).run()
    assert not page.exception
    assert not page.error
    assert len(page.warning) == 1
    assert "money money" in page.warning[0].value
    # And is no part of the address.
    assert "question" not in page.query_params


def test_a_long_passage_is_read_in_windows(page, reader):
    long = "It was steep and tired. " * 120 + "Ada lent 20 pounds to the bank. " + "It was steep and tired. " * 60
    page.query_params.update({"question": "Who?", "passage": PASSAGE})
    page.run()
    page.text_input(key="question").set_value("How much did Ada lend?")
    page.text_area(key="passage").set_value(long).run()
    assert not page.exception
    assert not page.error
    found = it.answer_question(reader, "How much did Ada lend?", long)
    assert len(found.windows) > 1
    assert answer_of(page) == shown(found)
    assert any(f" {len(found.windows)} windows" in one.value for one in page.caption)


def test_a_file_of_squads_form_is_read_row_by_row(page, reader):
    asked = [
        {"id": f"a{i}", "question": text, "answers": [{"text": "Ada", "answer_start": 0}]}
        for i, text in enumerate(("Who lent pounds?", "What did Ada lend?"))
    ]
    passage = "Ada lent 20 pounds to Ben."
    content = json.dumps({"data": [{"title": "Loans", "paragraphs": [{"context": passage, "qas": asked}]}]}).encode()
    hold(page, "loans.json", content)
    page.run()
    assert not page.exception
    assert not page.error
    assert answer_of(page) == shown(it.answer_question(reader, "Who lent pounds?", passage))
    assert any("**a0**" in one.value for one in page.caption)


def test_a_file_without_passages_leaves_the_example_and_says_what_it_lacks(page):
    hold(page, "topics.csv", b"text,label\nthe river was steep,river\nthe bank lent money,bank\n")
    page.run()
    assert "Mannheim" in answer_of(page)
    page.query_params["question_source"] = "file"
    del page.session_state["question_source"]
    page.run()
    assert not page.exception
    assert not page.error
    assert len(page.info) == 1
    assert not page.subheader


def test_a_model_of_ones_own_answers_and_one_without_such_a_head_says_so(page, tmp_path, monkeypatch):
    root = tmp_path / "models"
    make_checkpoint("bert", root / "reader", loader=tf.AutoModelForQuestionAnswering, initializer_range=0.5)
    make_checkpoint("bert", root / "tagger", loader=tf.AutoModelForTokenClassification)
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(root))
    page.query_params.update({"model": "folder:reader", "question": "who lent", "passage": PASSAGE})
    page.run()
    own = it.load_encoder(str(root / "reader"), device="cpu")
    assert answer_of(page) == shown(it.answer_question(own, "who lent", PASSAGE))
    assert not says_how_good(page)
    page.query_params["model"] = "folder:tagger"
    del page.session_state["model"]
    page.run()
    assert not page.exception
    assert not page.error
    assert not page.subheader
    assert any(one.icon == ":material/error:" for one in page.warning)


def test_it_goes_on_to_its_words_with_the_model_that_answered(page):
    page.run()
    page.button(key="open:attributions").click().run()
    assert not page.exception
    assert not page.error
    assert page.session_state["model"] == "minilm-reader"
    assert page.session_state["text"] == "Where did the teacher live?"
    assert answer_of(page).startswith("Answer: Mannheim")


def test_it_goes_on_to_a_training_of_ones_own(page):
    page.run()
    page.button(key="open:finetune").click().run()
    assert not page.exception
    assert not page.error
    assert any("168" in one.value for one in page.caption)
    assert any("136" in one.value and "32" in one.value for one in page.markdown)


@pytest.mark.multilingual
def test_in_chinese_it_says_who_answers(page):
    page.query_params["lang"] = "zh_CN"
    page.run()
    assert not page.exception
    assert not page.error
    assert "Mannheim" in answer_of(page)
    assert any("multilingual-e5-small" in one.value for one in page.caption if f"{reader_facts().f1:.1%}" in one.value)
