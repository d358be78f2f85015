"""The table of keys: what a link can say, and that links of before say it still."""

import ast
import re

import pytest

from dashboard import ROOT, state
from dashboard.state import KEYS, Key

FILES = [*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
# What addresses have been made of: none of these may go.
ADDRESS = """
adapter after as at base baseline beside beside_model beside_text classifier colour compared corpus cut data device
dims direction example explain explanation for from game_hidden game_rate game_replaced game_whole global goal
grouping groups heads hidden hide kept kernel lang least length lens level map match measure method methods metric
minimum model neighbours_seen numbers off over pair passage pooling pre precision prompt query query_prompt
question question_id question_source recomputed reference reference_head reference_layer resources revision room
row run scale second seed shape show shown source specials stage surprise_other surprise_over tab target
temperature text texts token tolerance two unit view why window window_b within word work
"""


def constants():
    """Return the name of each key in the code."""
    return {name: value for name, value in vars(state).items() if isinstance(value, Key)}


def test_each_key_is_there_once():
    assert len(set(KEYS)) == len(KEYS) == len(constants())
    assert set(constants().values()) == set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_default_is_allowed_and_comes_back_from_a_link(key):
    if key.default is None:
        assert key.renamed == {}
        return
    assert key.allowed is None or key.default in key.allowed
    # A number below zero is only ever the default, which no link has.
    assert state._parsed(str(key.default), key.default) == key.default
    for value in key.allowed or ():
        if key.in_address and (not isinstance(value, int) or value < 10**6):
            assert state._parsed(str(value), key.default) == value
    for before, now in key.renamed.items():
        assert now in key.allowed
        assert before not in key.allowed


def test_addresses_have_the_names_that_they_had():
    assert sorted(key for key in KEYS if key.in_address) == sorted(ADDRESS.split())


def written():
    """Return the keys that pages write into the address, by their names in the code."""
    names, calls = set(), {"publish", "remember", "draw_tabs", "pick_token", "_pick", "prompt_input"}
    for file in FILES:
        tree = ast.parse(file.read_text("utf-8"))
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
        for node in ast.walk(tree):
            called = isinstance(node, ast.Call) and (getattr(node.func, "attr", "") or getattr(node.func, "id", ""))
            if called in calls:
                names |= {one.attr for part in node.args for one in ast.walk(part) if isinstance(one, ast.Attribute)}
        # Several at once, by a loop over them or over a name that they have.
        for loop in loops:
            if any(getattr(getattr(one, "func", None), "attr", "") == "publish" for one in ast.walk(loop)):
                named = {one.id for one in ast.walk(loop.iter) if isinstance(one, ast.Name)}
                assigned = [
                    one.value
                    for one in ast.walk(tree)
                    if isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") in named
                ]
                for part in (loop.iter, *assigned):
                    names |= {one.attr for one in ast.walk(part) if isinstance(one, ast.Attribute)}
    return names


def test_what_is_said_to_be_in_the_address_is_written_there_and_nothing_else():
    keys = constants()
    # What `pick_token` writes where it is given no other.
    found = {keys[name] for name in {*written(), "TOKEN"} if name in keys}
    assert {key for key in KEYS if key.in_address} == found


def test_every_key_is_of_use():
    code = "".join(file.read_text("utf-8") for file in FILES if file.name != "state.py")
    assert [name for name in constants() if not re.search(rf"\b{name}\b", code)] == []


def test_a_link_of_before_opens_the_same_view(monkeypatch):
    asked = {"unit": "piece", "hide": "piece", "as": "piece", "level": "words", "model": "piece"}
    monkeypatch.setattr("streamlit.query_params", asked)
    state.renew()
    assert asked == {"unit": "token", "hide": "token", "as": "token", "level": "words", "model": "piece"}


def test_what_is_not_allowed_becomes_the_default(monkeypatch):
    session = {}
    monkeypatch.setattr("streamlit.session_state", session)
    monkeypatch.setattr("streamlit.query_params", {"unit": "syllable", "dims": "3", "seed": "x"})
    assert [state.seed(one) for one in (state.UNIT, state.DIMS, state.SEED)] == [True, False, False]
    assert session == {"unit": "token", "dims": 3, "seed": 0}
    # The data at hand may allow less.
    assert state.seed(state.DIMS, allowed=(2,))
    assert session["dims"] == 2


def test_a_key_of_one_file_is_in_no_address():
    key = state.CORPUS_ROWS.of("abc", "texts")
    assert key == "most:abc:texts"
    assert not key.in_address
    assert state.UNIT.of(1).allowed == state.UNIT.allowed
