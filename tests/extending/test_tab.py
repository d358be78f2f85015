"""A tab is a view and one entry in its page's list: its label, its address and its language come with the entry."""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from dashboard import state
    from dashboard.widgets.tabs import Tab, draw_tabs

    tabs = [
        Tab("first", "Attention", lambda subject: st.text(f"first of {subject}")),
        Tab("mine", "Embeddings", lambda subject: st.text(f"mine of {subject}")),
    ]
    draw_tabs(tabs, state.TAB, "a text")


def test_the_first_is_open_and_the_address_opens_another():
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert [one.label for one in app.tabs] == ["Attention", "Embeddings"]
    # Of a tab that is shut nothing is run.
    assert [one.value for one in app.text] == ["first of a text"]
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["tab"] = "mine"
    app.run()
    assert [one.value for one in app.text] == ["mine of a text"]


def test_nonsense_in_the_address_opens_the_first():
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["tab"] = "nothing of the kind"
    app.run()
    assert not app.exception
    assert [one.value for one in app.text] == ["first of a text"]
