"""Every page and tab opens with a model of every family, without a head and with each head, chosen in the picker."""

from urllib.parse import parse_qsl

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, cache, state
from interpret.core.families import FAMILIES as KNOWN
from tests.apps import switch
from tests.browser.everywhere import views
from tests.families.heads import HEADS, NONE_SUCH
from tests.tiny import FAMILIES, MORE_FAMILIES, make_checkpoint

FIRST = "the river bank was steep and tired"
ALL = [*FAMILIES, *MORE_FAMILIES]
KINDS = {"none": tf.AutoModel, **HEADS}
# What says that something went wrong; the verdict that a model of random weights is no better than chance does not.
VERDICT = ":material/do_not_disturb_on:"


PAGES = list(dict.fromkeys(view.partition("?")[0] for view in views()))


def head_of(family: str, view: str) -> str:
    """Return the head that a family brings to a page: each by turns, so that every view meets each head."""
    kinds = [kind for kind in KINDS if (family, kind) not in NONE_SUCH]
    return kinds[(PAGES.index(view.partition("?")[0]) + ALL.index(family)) % len(kinds)]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    # One folder for all families: what a page has of the models that come with us is not read again for each.
    cache.clear()
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("family", ALL)
def test_every_page_and_tab_opens(family, models, monkeypatch, tmp_path):
    for kind in {head_of(family, view) for view in views()}:
        make_checkpoint(family, models / f"{family}-{kind}", loader=KINDS[kind])
    make_checkpoint(family, models / f"{family}-second", seed=1)
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    for view in views():
        page, _mark, asked = view.partition("?")
        spec = f"folder:{family}-{head_of(family, view)}"
        app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
        more = {"explain": "norm"} if page == "attributions" else {"second": f"folder:{family}-second"}
        app.query_params.update({"model": spec, "device": "cpu", "text": FIRST, **dict(parse_qsl(asked)), **more})
        switch(app, page).run()
        assert not app.exception, (view, spec)
        assert not [one.value for one in app.error if one.icon != VERDICT], (view, spec)
        assert app.session_state[state.MODEL] == spec, view


def test_every_view_meets_every_head():
    for view in views():
        assert {head_of(family, view) for family in ALL} == set(KINDS), view


def test_no_family_is_left_out():
    assert set(KNOWN) == set(ALL)
