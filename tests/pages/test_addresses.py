"""Every page opens by its own name, and by the names that people give it."""

import pytest
from streamlit.commands import navigation
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from dashboard import ROOT, cache

TITLES = {
    # With what a link of before asks for, which is for the page that was here.
    "home": "Attention",
    "attention": "Attention",
    "embeddings": "Embeddings",
    "attributions": "Attributions",
    "pretraining": "Pretraining",
    "questions": "Question",
    "compare": "Compare",
    "finetune": "Fine-tun",
    "fine-tune": "Fine-tun",
    "resources": "Resources",
    "runs": "Runs",
    "server": "Server",
}


def test_no_page_is_forgotten():
    assert {path.parent.name for path in (ROOT / "pages").glob("*/page.py")} <= set(TITLES)


@pytest.mark.parametrize("address", TITLES)
def test_a_page_opens_by_its_name_with_all_that_a_link_asks_for(address, tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    app.query_params.update({"model": "folder:bert", "example": "pair", "lang": "en"})
    missed = []
    monkeypatch.setattr(navigation, "send_page_not_found", lambda _context: missed.append(address))
    # A browser that opens an address tells the page's name, and knows no page by its hash yet.
    monkeypatch.setattr(
        local_script_runner, "RerunData", lambda page_script_hash="", **more: RerunData(page_name=address, **more)
    )
    app.run()
    assert missed == []
    assert not app.exception
    assert app.title[0].value.startswith(TITLES[address])
    assert app.session_state["model"] == "folder:bert"
