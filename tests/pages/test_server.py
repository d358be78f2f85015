"""The page for whoever runs the server: what it says is so, and each button frees what it names."""

import os
import time

import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, jobs, ownership
from dashboard.data_slot import SLOT, SlotFile
from dashboard.sign_in.people import by_name
from interpret.attribution.row_jobs import RowRequest, make_job, read_job
from interpret.core.process_state import identity, write_state

CARDS = ["sessions", "memory", "cache", "queue", "device", "disk"]


OWN_FOLDER = ownership.explanations_folder


@pytest.fixture
def folder(monkeypatch, tmp_path):
    cache.clear()
    # Of each person, and not the one that is for tests of other pages.
    monkeypatch.setattr(ownership, "explanations_folder", OWN_FOLDER)
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PASSWORD", "a")

    def be(who):
        monkeypatch.setattr("dashboard.sign_in.session.signed_in", lambda _cookies: who)

    return be


@pytest.fixture
def page():
    page = AppTest.from_file(str(ROOT / "pages" / "server" / "page.py"), default_timeout=120)
    page.query_params["lang"] = "en"
    return page


def fine(page):
    assert not page.exception
    assert not page.error
    assert not page.warning
    return page


def words(page):
    return "\n".join(one.value for one in [*page.markdown, *page.caption, *page.info])


def keys(page):
    return [one.key for one in page.button]


def new_run():
    (run,) = jobs.new_runs([it.runs.Request(it.Recipe(device="cpu"), "mine", "rows.csv")], b"text,label\na,b\n")
    return run


def old_folder(path):
    path.mkdir(parents=True)
    (path / "state.json").write_bytes(b"x" * 1000)
    os.utime(path, (time.time() - 100_000,) * 2)
    return path


def test_where_nobody_signs_in_it_is_everybodys_and_says_no_addresses(folder, page):
    fine(page.run())
    assert keys(page) == ["server_refresh", *(f"free:{one}" for one in CARDS)]
    assert "Address" not in page.dataframe[0].value.columns
    assert not page.get("download_button")


def test_who_does_not_run_it_sees_nothing_of_it(folder, page, here):
    for who in (by_name("Bo", False), None):
        here(who)
        fine(page.run())
        assert keys(page) == []
        assert len(page.info) == 1
        assert not page.markdown
        assert not page.dataframe


def test_the_disk_is_counted_for_each_person_and_what_was_never_completed_is_deleted(folder, page, here):
    here(by_name("Ana", False))
    (new_run().folder / "weights").write_bytes(b"x" * 30_000_000)
    here(by_name("Chief", True))
    gone = [old_folder(folder / "20260101-000000-1"), old_folder(folder / "people" / "a" / "explanations" / ("0" * 16))]
    stays = [old_folder(folder / name) for name in ("20260101-000000-2", "20260101-000000-3", "mine", ".artifacts")]
    (stays[0] / "model").mkdir()
    (stays[1] / "request.json").symlink_to("nowhere")
    for path in stays:
        os.utime(path, (time.time() - 100_000,) * 2)
    fresh = folder / "20260101-000000-4"
    fresh.mkdir()
    fine(page.run())
    disk = page.dataframe[1].value
    assert disk["Owner"].tolist()[0] == "Ana"
    assert disk["GB"].tolist()[0] == "0.03"
    fine(page.button(key="free:disk").click().run())
    assert page.toast[0].value == "Freed: 0.00 GB."
    assert [one.exists() for one in gone] == [False, False]
    assert all(one.exists() for one in [*stays, fresh])
    assert page.button(key="free:disk").disabled
    assert len(page.dataframe[-1].value) == 1


def test_results_models_and_files_are_freed(folder, page, here, minilm):
    here(by_name("Chief", True))
    cache.let_go_of_models()
    cache.kept("one", lambda: b"x" * 40_000_000)
    cache.encoder(minilm.spec)
    SLOT.take("somebody who left", SlotFile("a.csv", b"x" * 20_000_000))
    fine(page.run())
    assert "1, 0.04 of at most" in words(page)
    for card, size in (("memory", "0.04"), ("device", "0.09"), ("sessions", "0.02")):
        fine(page.button(key=f"free:{card}").click().run())
        assert page.toast[0].value == f"Freed: {size} GB."
    assert cache.results_kept().count == 0
    assert all(one.count == 0 for one in cache.models_kept().values())
    assert SLOT.kept.used == 0
    for card in ("memory", "device"):
        assert page.button(key=f"free:{card}").disabled


def test_long_work_is_stopped_whosever_it_is(folder, page, here, minilm):
    here(by_name("Ana", False))
    run = new_run()
    write_state(run.folder, state="running", **identity(os.getpid()))
    job = make_job(jobs.explanations_to_fill(), RowRequest(minilm.spec, "a.csv"), b"text\na\n")
    write_state(job.folder, state="running", **identity(os.getpid()))
    here(by_name("Chief", True))
    fine(page.run())
    fine(page.button(key="free:queue").click().run())
    assert page.toast[0].value == "Stopping. Long computations: 0; runs: 1; files: 1."
    assert ownership.run(run.id).state == "stopping"
    assert read_job(job.folder).state == "stopping"


def test_nobody_frees_anything_who_does_not_run_it_any_more(folder, page, here):
    """The page was drawn before."""
    here(by_name("Chief", True))
    gone = old_folder(folder / "20260101-000000-1")
    fine(page.run())
    here(by_name("Chief", False))
    page.button(key="free:disk").click().run()
    assert gone.exists()
