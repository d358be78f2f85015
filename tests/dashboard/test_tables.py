"""Tables are drawn in one place: no row indices, a dash for what is not known, and no choice of a row that is gone."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import ROOT
from dashboard.widgets import data_table

OWN = Path(data_table.__file__)


def test_nobody_else_draws_a_table():
    """What Streamlit draws by itself has a column of indices, and says “None” in every language."""
    files = [file for folder in ("dashboard", "pages") for file in (ROOT / folder).rglob("*.py") if file != OWN]
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "dataframe"
    ]
    assert found == []


def _table():
    import streamlit as st

    from dashboard.widgets.data_table import choose_row

    st.text(choose_row({"share": [0.5, None]}, 2, "rows"))


@pytest.mark.parametrize(("chosen", "said"), [([], "None"), ([1], "1"), ([7], "None"), ([7, 0], "0")])
def test_a_row_is_chosen_while_it_is_there(chosen, said):
    page = AppTest.from_function(_table)
    page.session_state["rows"] = {"selection": {"rows": chosen, "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    assert page.text[0].value == said
    drawn = page.dataframe[0].proto
    assert drawn.placeholder == "–"
