"""Every page that depends on the model opens with a model of every family, chosen in the picker."""

from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, cache, state
from interpret.core.families import FAMILIES as KNOWN
from tests.apps import switch
from tests.browser.everywhere import views
from tests.tiny import FAMILIES, MORE_FAMILIES, make_checkpoint

FIRST = "the river bank was steep and tired"
# What does not depend on the model, or has nothing of it to show before somebody has trained it.
ALIKE = {"", "runs", "finetune?stage=watch", "finetune?stage=inside", "finetune?stage=sweep"}
# Compare reads models as the other pages do; heads are matched there alone.
VIEWS = [one for one in views() if one not in ALIKE and (not one.startswith("compare") or one.endswith("attention"))]


@pytest.mark.parametrize("family", [*FAMILIES, *MORE_FAMILIES])
def test_every_page_opens(family, monkeypatch, tmp_path):
    make_checkpoint(family, tmp_path / "models" / family)
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    cache.clear()
    for view in VIEWS:
        page, _mark, asked = view.partition("?")
        app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
        more = {"explain": "norm"} if page == "attributions" else {}
        app.query_params.update(
            {"model": f"folder:{family}", "device": "cpu", "text": FIRST, **dict(parse_qsl(asked)), **more}
        )
        switch(app, page).run()
        assert not app.exception, view
        assert not app.error, view
        assert app.session_state[state.MODEL] == f"folder:{family}"


def test_no_family_is_left_out():
    assert set(KNOWN) == {*FAMILIES, *MORE_FAMILIES}
