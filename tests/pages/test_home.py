"""The first page: each door leads to a page whose first step is drawn; links to what was there before open it."""

import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, ownership
from interpret.attribution.row_jobs import RowRequest, make_job, resume_job
from interpret.attribution.row_worker import work_on_rows
from tests.apps import offered
from tests.pages.test_addresses import TITLES
from tests.slot import hold, upload

HOME, WHY = "See", TITLES["attributions"]
ROWS = "complaint,product\n" + "".join(f"the bank lent money {i},{'ab'[i % 2]}\n" for i in range(24))


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.query_params.update({"model": "folder:bert", "device": "cpu"})
    return page


def titles(page):
    return [one.value for one in page.title]


def fine(page):
    assert not page.exception
    assert not page.error
    return page


@pytest.mark.parametrize(
    "door, title, tab",
    [
        ("learn", "Attention", ("tab", "where")),
        ("steps", "Attention", ("tab", "steps")),
        ("guess", "Pretraining", None),
        ("question", "Question", None),
        ("demo", "Attributions", ("why", "why")),
        ("heads", "Attention", ("tab", "heads")),
        ("ablation", "Attention", ("tab", "ablation")),
        ("layers", "Embeddings", ("show", "layers")),
    ],
)
def test_a_door_leads_to_a_page_whose_first_step_is_drawn(page, door, title, tab):
    fine(page.run())
    assert titles(page)[0].startswith(HOME)
    fine(page.button(key=f"door_{door}").click().run())
    assert titles(page)[0].startswith(title)
    if tab is not None:
        assert page.session_state[tab[0]] == tab[1]
    # The model that was chosen is still the one.
    assert page.session_state["model"] == "folder:bert"


def test_a_file_that_is_brought_here_is_explained_at_once(page):
    fine(page.run())
    upload(page, "home", "mine.csv", ROWS.encode())
    assert not page.exception
    assert titles(page)[0].startswith(WHY)
    assert any("**mine\\.csv**" in one.value for one in page.caption)
    assert page.session_state["classifier"] == "file"


def test_a_file_that_was_brought_before_has_a_door_of_its_own(page):
    hold(page, "mine.csv", ROWS.encode())
    fine(page.run())
    assert titles(page)[0].startswith(HOME)
    assert page.button(key="door_explain").label == "Explain mine\\.csv"
    assert not offered(page, "door_demo")
    assert not page.button(key="door_explain").click().run().exception
    assert titles(page)[0].startswith(WHY)


def test_a_file_that_cannot_be_read_is_said_here_and_nothing_opens(page):
    fine(page.run())
    upload(page, "home", "mine.csv", b"text,label\n")
    assert any("“mine\\.csv”" in one.value for one in page.warning)
    assert titles(page)[0].startswith(HOME)


def test_links_to_what_was_here_before_open_it(page):
    page.query_params.update({"tab": "heads", "example": "short"})
    fine(page.run())
    assert titles(page)[0].startswith("Attention")
    assert page.session_state["tab"] == "heads"


def test_the_newest_runs_are_listed_and_open(page, tmp_path, monkeypatch):
    assert not any(one.key.startswith("recent:") for one in fine(page.run()).button)
    recipe = it.Recipe("minilm", device="cpu")
    for number in range(7):
        monkeypatch.setattr("interpret.finetuning.runs.time.time", lambda number=number: 1e9 + number)
        it.runs.new_run(tmp_path / "runs", it.runs.Request(recipe, f"r<b>{number}", "rows.csv"), ROWS.encode())
    fine(page.run())
    found = [one.key for one in page.button if one.key.startswith("recent:")]
    assert len(found) == 5
    assert "r<b>6" in " ".join(one.value for one in page.markdown).replace("\\", "")
    fine(page.button(key=found[0]).click().run())
    assert titles(page)[0].startswith("Fine-tune")


def test_the_newest_explained_files_are_listed_and_open(page, minilm):
    head = it.fit_head(minilm, ["a bank", "a river"] * 5, ["a", "b"] * 5)
    for number in range(6):
        data = f"text\nthe bank lent money {number}\nthe river\n".encode()
        job = make_job(
            ownership.explanations_folder(), RowRequest(minilm.spec, f"f<b>{number}.csv", method="saliency"), data, head
        )
        work_on_rows(resume_job(job).folder)
    fine(page.run())
    found = [one.key for one in page.button if one.key.startswith("recent:")]
    assert len(found) == 5
    assert "f<b>5" in " ".join(one.value for one in page.markdown).replace("\\", "")
    # A classifier of noise is said to be one.
    assert not page.button(key=found[0]).click().run().exception
    assert titles(page)[0].startswith(WHY)
    assert job.folder.name in page.query_params["explanation"]
    # Its rows are there, and the report that can be made of them; of another classifier there is no word.
    assert offered(page, "report:rows:start")
    assert not [one.key for one in page.selectbox if one.key.startswith("classifier")]
    page.button(key="rows:back").click().run()
    assert [one.key for one in page.selectbox if one.key.startswith("classifier")]
    assert "explanation" not in page.query_params


def test_what_opens_first_loads_no_model(page, monkeypatch):
    monkeypatch.setattr("dashboard.cache._encoder", lambda *_: pytest.fail("a model was loaded"))
    fine(page.run())
    assert titles(page)[0].startswith(HOME)
