"""What is chosen is what was meant, whatever the options are called."""

from streamlit.testing.v1 import AppTest

from dashboard.widgets.choices import distinct_labels


def page():
    import streamlit as st

    from dashboard.state import Key
    from dashboard.widgets.choices import choose

    st.text(choose(st.selectbox, "Run", {"new": "mine", "old": "mine", "other": "mine (2)"}, Key("run"), "old"))


def test_options_of_one_name_are_told_apart():
    # Two runs of the same name, begun in the same minute: the browser sends back what it shows.
    app = AppTest.from_function(page).run()
    (box,) = app.selectbox
    assert len(set(box.options)) == 3
    assert app.text[0].value == "old"
    for place, value in enumerate(("new", "old", "other")):
        box.select_index(place).run()
        assert app.text[0].value == value


def test_a_name_that_is_taken_is_passed_over():
    assert list(distinct_labels({1: "a", 2: "a (2)", 3: "a", 4: "b"}).values()) == ["a", "a (2)", "a (3)", "b"]
