"""The Attention page without a browser: what it says, and that nothing gets lost."""

import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.widgets.text_input import examples
from tests.apps import switch


@pytest.fixture
def page():
    cache.clear()
    return switch(AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60), "attention")


def said(page):
    return [one.value for one in (*page.warning, *page.error, *page.info)]


def test_it_opens_with_an_example_drawn(page):
    page.run()
    assert not page.exception
    assert said(page) == []
    assert page.text_area(key="text").value.startswith("The animal didn't cross")
    assert any("layers × heads: 6 × 12" in one.value for one in page.caption)


def test_the_readers_language_is_found_once_and_follows_the_picker(page, monkeypatch):
    """A page asks for hundreds of sentences, and each of them looked through the session and the address."""
    asked, chosen_language = [], state.chosen_language
    monkeypatch.setattr(state, "chosen_language", lambda: (asked.append(1), chosen_language())[1])
    page.run()
    # The titles of the pages and the sidebar come before.
    assert 0 < len(asked) < 120
    english = {one.label for one in page.segmented_control}
    page.selectbox(key=state.LANGUAGE).set_value("zh_CN").run()
    assert not page.exception
    assert english.isdisjoint(one.label for one in page.segmented_control)


@pytest.mark.parametrize("text", ["", "   \n "])
def test_an_empty_text_is_said_and_can_be_mended(page, text):
    page.run().text_area(key="text").set_value(text).run()
    assert len(said(page)) == 1
    assert page.text_area(key="text").value == text
    page.text_area(key="text").set_value("mended").run()
    assert said(page) == []


@pytest.mark.parametrize("text", ["nul\0byte", "🙂🙃", "مرحبا بالعالم", "中文 and English", "<b>&amp;</script>"])
def test_odd_texts_work(page, text):
    page.run().text_area(key="text").set_value(text).run()
    assert not page.exception
    assert not page.error
    assert any(one.value.startswith("Tokens: ") for one in page.caption)


def test_a_long_text_is_read_in_windows_and_says_so(page):
    page.run().text_area(key="text").set_value("river bank " * 700).run()
    assert "1,400 tokens; 512 are read at once" in page.info[0].value
    page.slider(key="window").set_value(3).run()
    assert any(one.value.startswith("Window 3 of 3") for one in page.caption)
    assert "text" not in page.query_params


def test_a_second_text_has_directions(page):
    page.run().toggle(key="with_pair").set_value(True).run()
    assert len(said(page)) == 1
    page.text_area(key="pair").set_value("It was steep.").run()
    assert said(page) == []
    assert page.segmented_control(key="direction:en").options == ["All", "A→A", "A→B", "B→A", "B→B"]


def test_text_typed_stays_while_an_example_is_looked_at(page):
    page.run().text_area(key="text").set_value("my own words").run()
    page.segmented_control(key="source:en").set_value("example").run()
    assert "text" not in page.query_params
    page.segmented_control(key="source:en").set_value("typed").run()
    assert page.text_area(key="text").value == "my own words"


def test_every_example_is_drawn(page):
    page.run().segmented_control(key="source:en").set_value("example").run()
    for name in examples():
        page.pills(key="example:en").set_value(name).run()
        assert not page.exception
        assert not page.error


def test_the_url_says_what_is_looked_at(page):
    page.query_params["text"] = "shared words"
    page.query_params["heads"] = "4.7"
    page.query_params["unit"] = "word"
    page.query_params["lang"] = "zh_CN"
    page.run()
    assert page.text_area(key="text").value == "shared words"
    assert page.title[0].value == "注意力：各注意力头在看哪里？"
    assert page.segmented_control(key="unit:zh_CN").value == "word"
    assert "4.7" in page.query_params["heads"]


@pytest.mark.parametrize("code", ["zh", "zh-CN", "zh-Hans"])
def test_chinese_is_known_by_its_other_names(page, code):
    page.query_params["lang"] = code
    page.run()
    assert page.title[0].value == "注意力：各注意力头在看哪里？"


@pytest.mark.parametrize(
    "name, value",
    [
        ("heads", "99.99,x"),
        ("unit", "letter"),
        ("scale", "x"),
        ("minimum", "much"),
        ("lang", "xx"),
        ("window", "9" * 30),
    ],
)
def test_nonsense_in_the_url_is_ignored(page, name, value):
    page.query_params[name] = value
    page.run()
    assert not page.exception
    assert said(page) == []


@pytest.mark.parametrize("model", ["no such model!", "/etc", "owner/model"])
def test_a_model_that_cannot_be_had_is_one_sentence_and_the_text_stays(page, model):
    page.query_params["model"] = model
    page.query_params["text"] = "my own words"
    page.run()
    assert not page.exception
    assert [model in one.replace("\\", "") for one in said(page)] == [True]
    assert page.text_area(key="text").value == "my own words"


def test_a_folder_of_the_models_directory_can_be_picked(page, tiny_folders, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["roberta"].parent))
    page.run().selectbox(key="model:en").set_value("folder:roberta").run()
    assert not page.exception
    assert any("layers × heads: 3 × 4" in one.value for one in page.caption)


def test_an_unexpected_error_is_a_notice_and_no_traceback(page, monkeypatch):
    page.run()
    monkeypatch.setattr(it, "trace", lambda *_given, **_more: 1 / 0)
    page.text_area(key="text").set_value("something else").run()
    assert not page.exception
    assert len(page.error) == 1
    assert "ZeroDivision" not in str(said(page))


def test_the_device_and_its_memory_are_shown(page):
    page.run()
    assert any(one.value.startswith("CPU: ") and "GB free" in one.value for one in page.caption)
    assert page.selectbox(key="device:en").options[0] == "automatic"


def test_switching_the_language_keeps_everything_and_the_next_click_works(page):
    page.query_params["precision"] = "bfloat16"
    page.run().selectbox(key="lang").set_value("zh_CN").run()
    assert said(page) == []
    page.segmented_control(key="source:zh_CN").set_value("example").run()
    page.pills(key="example:zh_CN").set_value("law").run()
    assert said(page) == []
    assert page.selectbox(key="model:zh_CN").value == "minilm"
    assert page.selectbox(key="precision:zh_CN").value == "bfloat16"


def test_a_device_that_is_not_here_is_given_up_at_once(page):
    page.query_params["device"] = "cuda:7"
    page.query_params["precision"] = "float16"
    page.run()
    assert said(page) == []
    assert "device" not in page.query_params


def test_another_text_begins_with_its_first_window(page):
    page.run().text_area(key="text").set_value("river bank " * 700).run()
    page.slider(key="window").set_value(3).run()
    page.text_area(key="text").set_value("money lent " * 700).run()
    assert page.slider(key="window").value == 1


def test_text_in_a_notice_is_no_markdown(page):
    page.query_params["model"] = "![x](https://evil.example/p.png)"
    page.run()
    assert "![x](" not in said(page)[0]
    assert r"\!\[x\]\(https" in said(page)[0]
