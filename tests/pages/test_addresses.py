"""Every page opens by its own name, and by the names that people give it."""

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboard import ROOT, cache

TITLES = {
    "attention": "Attention",
    "embeddings": "Embeddings",
    "attributions": "Attributions",
    "pretraining": "Pretraining",
    "finetune": "Fine-tun",
    "fine-tune": "Fine-tun",
    "runs": "Runs",
}


def test_no_page_is_forgotten():
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} <= set(TITLES)


@pytest.mark.parametrize("address", TITLES)
def test_a_page_opens_by_its_name_with_all_that_a_link_asks_for(address, tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    app.query_params.update({"model": "folder:bert", "example": "pair", "lang": "en"})
    # What a browser's address comes to: a page is known by the hash of its path.
    app._page_hash = calc_hash(address)
    app.run()
    assert not app.exception
    assert app.title[0].value.startswith(TITLES[address])
    assert app.query_params["model"] == ["folder:bert"] or app.query_params["model"] == "folder:bert"
    assert app.session_state["model"] == "folder:bert"
