"""Whose a run is: who sees it, who changes it, and that pages come to runs in no other way."""

import ast
import io
import json
import os
import re
import zipfile
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

import interpret as it
from dashboard import ROOT, audit, data_slot, jobs, ownership, quotas
from dashboard.sign_in.people import by_name, by_provider
from dashboard.widgets import kept_copies, models, run_actions
from interpret.attribution.row_jobs import RowRequest, make_job
from interpret.core.process_state import identity, write_state
from tests.attack.damage import damage_file

ANA, BO, CHIEF = by_name("Ana", False), by_name("Bo", False), by_name("Chief", True)
SUBJECT = by_provider("https://id.example", "1", "Ana", False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def here(monkeypatch):
    """Let somebody be here: who, or None for somebody whose sign-in has ended."""
    monkeypatch.setenv("BERTOSCOPE_PASSWORD", "a")

    def be(who):
        monkeypatch.setattr("dashboard.sign_in.session.signed_in", lambda _cookies: who)

    return be


def request(name="mine"):
    return it.runs.Request(it.Recipe(device="cpu"), name, "rows.csv")


def made(name="mine"):
    (run,) = jobs.new_runs([request(name)], b"text,label\na,b\n")
    (run.folder / "model").mkdir()
    (run.folder / "model" / "config.json").write_text("{}")
    write_state(run.folder, state="stopped")
    return it.runs.read_run(run.folder)


def seen():
    """Return the runs that are seen, by each way that leads to them."""
    found = [{run.id for run in ownership.runs()}, set(ownership.model_names())]
    found.append({name.removeprefix(models.RUN) for name in models._runs()})
    for run in it.runs.list_runs(ownership.state.runs_folder()):
        with suppress(it.InputError):
            found.append({ownership.run(run.id).id})
    ways = {frozenset().union(*found[3:]), *map(frozenset, found[:3])}
    assert len(ways) == 1
    return ways.pop()


def test_where_nobody_signs_in_everything_is_everybodys(folder):
    run = made()
    assert not (run.folder / ownership.OWNER).exists()
    assert seen() == {run.id}
    assert ownership.may_change(run.folder)
    assert ownership.runs_server()
    assert ownership.explanations_folder() == folder / "explanations"


def test_a_run_is_seen_by_its_owner_and_by_all_once_it_is_shared(folder, here):
    before = it.runs.new_run(folder, request("of the time before"), b"text,label\na,b\n")
    (before.folder / "model").mkdir()
    (before.folder / "model" / "config.json").write_text("{}")
    for who in (ANA, BO, SUBJECT):
        here(who)
        assert seen() == set()
    here(ANA)
    run = made()
    assert seen() == {run.id}
    for who, sees, changes in ((ANA, True, True), (BO, False, False), (SUBJECT, False, False), (CHIEF, True, True)):
        here(who)
        assert (run.id in seen(), ownership.may_change(run.folder)) == (sees, changes)
    here(CHIEF)
    assert seen() == {run.id, before.id}
    here(by_name("ＡＮＡ", False))
    # The same name, however it is written.
    ownership.share(run, True)
    here(BO)
    assert seen() == {run.id}
    assert not ownership.may_change(run.folder)
    here(CHIEF)
    # It stays its owner's.
    ownership.share(run, False)
    assert ownership.owner_of(run.folder) == (ANA.id, "Ana", False)
    here(BO)
    assert seen() == set()
    here(CHIEF)
    ownership.share(before, True)
    here(BO)
    assert seen() == {before.id}


def test_who_shares_a_run_whose_owner_is_damaged_does_not_become_its_owner(folder, here):
    here(ANA)
    run = made()
    content = (run.folder / ownership.OWNER).read_bytes()
    (run.folder / ownership.OWNER).write_bytes(content[:-5])
    here(CHIEF)
    with pytest.raises(it.InputError, match="is damaged"):
        ownership.share(run, True)
    assert (run.folder / ownership.OWNER).read_bytes() == content[:-5]


def test_a_model_of_a_run_that_is_not_shared_any_more_is_not_used_by_what_was_kept(folder, here):
    here(ANA)
    run = made()
    checkpoint = it.Checkpoint(str((run.folder / "model").resolve()), "", "folder")
    spec = it.EncoderSpec(checkpoint, "cpu", "float32")
    ownership.check_model(spec)
    here(BO)
    with pytest.raises(it.InputError, match="not shared with you"):
        ownership.check_model(spec)
    ownership.check_model(it.EncoderSpec(it.find_checkpoint("minilm"), "cpu", "float32"))


def test_who_gives_the_name_of_the_servers_owner_is_not_them():
    assert by_name("Chief", False).id != CHIEF.id


def test_nobody_changes_what_is_somebody_elses(folder, here, monkeypatch):
    monkeypatch.setattr(jobs, "start", lambda *_runs: pytest.fail("it was started"))
    here(ANA)
    run = made()
    ownership.share(run, True)
    here(BO)
    with pytest.raises(it.InputError, match="is not yours"):
        ownership.share(run, False)
    # Of a page that was drawn while it was one's own, or by who sends what no page has.
    said = []
    monkeypatch.setattr("streamlit.warning", lambda text, **_how: said.append(text))
    write_state(run.folder, state="running", **identity(os.getpid()))
    run_actions.stop(it.runs.read_run(run.folder))
    assert not (run.folder / "stop").exists()
    write_state(run.folder, state="stopped", process=None)
    run_actions._resume(it.runs.read_run(run.folder))
    run_actions._delete(it.runs.read_run(run.folder), lambda: pytest.fail("it was deleted"))
    assert run.folder.exists()
    assert len(said) == 3
    assert all("is not yours" in one for one in said)
    # Its owner can.
    here(ANA)
    run_actions._delete(it.runs.read_run(run.folder), lambda: None)
    assert not run.folder.exists()


@pytest.mark.parametrize("seed", range(40))
def test_one_whose_owner_is_damaged_stops_nobody(folder, here, seed):
    here(ANA)
    run, other = made(), made()
    damage_file(run.folder / ownership.OWNER, Random(seed))
    owner = ownership.owner_of(run.folder)
    assert owner is None or list(map(type, owner)) == [str, str, bool]
    assert other.id in seen()
    here(BO)
    assert seen() == ({run.id} if owner is not None and owner.shared else set())
    here(CHIEF)
    assert seen() == {run.id, other.id}


@pytest.mark.parametrize("content", ['{"id": 1, "name": "a", "shared": true}', '{"id": "a", "name": "a", "shared": 1}'])
def test_words_of_another_kind_make_nobody_an_owner(folder, here, content):
    here(ANA)
    run = made()
    (run.folder / ownership.OWNER).write_text(content)
    here(BO)
    assert seen() == set()


def test_whose_sign_in_has_ended_sees_nothing(folder, here):
    here(ANA)
    run = made()
    ownership.share(run, True)
    here(None)
    assert seen() == set()
    assert not ownership.runs_server()
    assert not ownership.may_change(run.folder)
    for work in (
        ownership.explanations_folder,
        quotas.check_runs,
        quotas.check_kept,
        quotas.check_explanations,
        jobs.explanations_to_fill,
        lambda: jobs.new_runs([request()], b"text,label\na,b\n"),
        lambda: ownership.take(run.folder),
    ):
        with pytest.raises(it.InputError, match="sign in again"):
            work()
    assert len(it.runs.list_runs(folder)) == 1


@pytest.mark.parametrize("id_", ["..", "../runs", ".", "", "a/b", "/etc"])
def test_no_id_leads_out_of_the_folder(folder, here, id_):
    here(CHIEF)
    made()
    with pytest.raises(it.InputError, match="no longer exists"):
        ownership.run(id_)


def test_what_one_waits_for_is_not_named_where_it_is_not_shared(folder, here):
    here(ANA)
    first = made("the patients of Dr. A")
    write_state(first.folder, state="running", **identity(os.getpid()))
    here(BO)
    second = made()
    write_state(second.folder, waits_for="the patients of Dr. A")
    second = it.runs.read_run(second.folder)
    assert ownership.waits_for(second) == ""
    here(ANA)
    assert ownership.waits_for(second) == "the patients of Dr. A"


def test_explanations_are_each_persons_alone(folder, here):
    found = set()
    for who in (ANA, BO, SUBJECT, CHIEF):
        here(who)
        filled = jobs.explanations_to_fill()
        assert filled == ownership.explanations_folder()
        assert ownership.owner_of(filled.parent) == (who.id, who.name, False)
        found.add(filled)
    assert len(found) == 4
    assert folder / "explanations" not in found


def test_the_files_of_a_browser_are_of_who_is_signed_in_there(here, monkeypatch):
    monkeypatch.setattr("dashboard.visitors._browser", lambda: "x" * 43)
    here(ANA)
    data_slot.SLOT.take(data_slot.visitor(), data_slot.SlotFile("patients.csv", b"text\na\n"))
    assert [one.name for one in data_slot.files()] == ["patients.csv"]
    here(BO)
    assert data_slot.files() == ()


def test_copies_of_a_file_are_not_told_of_where_they_are_somebody_elses(folder, here):
    here(ANA)
    made()
    file = data_slot.SlotFile("rows.csv", b"text,label\na,b\n")
    assert kept_copies._copies(file) == (0, 1)
    here(BO)
    assert kept_copies._copies(file) == (0, 0)


# ---- how much one person may take


def test_nobody_has_more_runs_at_once_than_they_may(folder, here, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PERSON_RUNS", "2")
    here(ANA)
    # A sweep is one, however many depths it has.
    sweep = [replace(request(str(i)), group="one") for i in range(30)]
    for run in [*jobs.new_runs(sweep, b"text,label\na,b\n"), *jobs.new_runs([request()], b"text,label\na,b\n")]:
        write_state(run.folder, state="running", **identity(os.getpid()))
    with pytest.raises(it.InputError, match="train or wait: 2 .limit: 2"):
        jobs.new_runs([request(), request()], b"text,label\na,b\n")
    # Nothing of them was made.
    assert len(it.runs.list_runs(folder)) == 31
    with pytest.raises(it.InputError, match="train or wait: 2"):
        quotas.check_runs()
    here(CHIEF)
    # It would be hers that goes on.
    with pytest.raises(it.InputError, match="train or wait: 2"):
        quotas.check_runs(ANA.id)
    quotas.check_runs()
    here(BO)
    jobs.new_runs([request()], b"text,label\na,b\n")


def test_of_runs_that_cannot_all_be_made_none_is(folder, here, monkeypatch):
    here(ANA)
    made, take = [], ownership.take

    def full(path, **how):
        made.append(path)
        if len(made) == 2:
            raise it.InputError("The disk is full.")
        take(path, **how)

    monkeypatch.setattr(ownership, "take", full)
    with pytest.raises(it.InputError, match="The disk is full"):
        jobs.new_runs([request(), request(), request()], b"text,label\na,b\n")
    assert len(made) == 2
    assert it.runs.list_runs(folder) == []


def test_nobody_has_more_explanations_at_once_than_they_may(folder, here, minilm, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PERSON_RUNS", "1")
    here(ANA)
    job = make_job(jobs.explanations_to_fill(), RowRequest(minilm.spec, "a.csv"), b"text\na\n")
    jobs.explanations_to_fill()
    write_state(job.folder, state="running", **identity(os.getpid()))
    with pytest.raises(it.InputError, match="explained or wait: 1"):
        jobs.explanations_to_fill()
    here(BO)
    jobs.explanations_to_fill()


def test_nobody_keeps_more_than_they_may(folder, here, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PERSON_GB", "0.00001")
    here(ANA)
    run = made()
    (run.folder / "model" / "weights").write_bytes(b"x" * 10_001)
    for work in (lambda: jobs.new_runs([request()], b""), jobs.explanations_to_fill):
        with pytest.raises(it.InputError, match="at most 0.00 GB are allowed"):
            work()
    here(BO)
    made()
    here(ANA)
    it.runs.delete_run(run)
    made()


def test_what_somebody_saves_is_counted_by_the_day(monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PERSON_DOWNLOAD_GB", "0.000001")
    monkeypatch.setattr(quotas, "_saved", {})
    quotas.count_saved(ANA.id, 999)
    assert quotas.may_save(ANA.id)
    quotas.count_saved(ANA.id, 1)
    assert not quotas.may_save(ANA.id)
    assert quotas.may_save(BO.id)
    # Nobody signs in.
    assert quotas.may_save("")
    monkeypatch.setattr(quotas.time, "strftime", lambda *_: "2100-01-01")
    assert quotas.may_save(ANA.id)


def test_an_old_button_saves_nothing_that_is_not_shared_any_more_or_too_much(folder, here, monkeypatch):
    monkeypatch.setattr(quotas, "_saved", {})
    here(ANA)
    run = made()
    ownership.share(run, True)
    by = {one.name: audit.Reader(one.name, "", one) for one in (ANA, BO, CHIEF)}
    content = run_actions.packed(run, run.folder, by["Bo"])
    # Whose it is here is not in it.
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert "request.json" in names
    assert ownership.OWNER not in names
    ownership.share(run, False)
    for save in (run_actions.packed, run_actions.packed_sentences):
        with pytest.raises(it.InputError, match="no longer exists"):
            save(run, run.folder, by["Bo"])
    run_actions.packed(run, run.folder, by["Chief"])
    monkeypatch.setenv("BERTOSCOPE_PERSON_DOWNLOAD_GB", "0.0000001")
    run_actions.packed(run, run.folder, by["Ana"])
    with pytest.raises(it.InputError, match="Come back tomorrow"):
        run_actions.packed(run, run.folder, by["Ana"])


@pytest.mark.parametrize("value", ["nan", "-1", "many", "1e99", ""])
def test_a_limit_that_is_no_number_is_the_usual_one(monkeypatch, value):
    monkeypatch.setenv("BERTOSCOPE_PERSON_GB", value)
    assert quotas.most_kept() == 20_000_000_000


# ---- there is no other way


def test_pages_come_to_runs_in_no_other_way():
    """Whoever lists, reads or makes runs and explanations elsewhere shows them to all."""
    guarded = {"list_runs", "read_run", "new_run", "make_job", "list_jobs", "read_job", "read_record", "runs_folder"}
    may = {
        "dashboard/ownership.py": {"list_runs", "read_run", "runs_folder"},
        # How many there are of one person; whether one is at work.
        "dashboard/quotas.py": {"list_runs", "list_jobs", "runs_folder"},
        "dashboard/jobs.py": {"list_runs", "new_run", "runs_folder"},
        # A command line.
        "dashboard/report/command.py": {"read_run"},
        # Of who runs the server; what they do is in a file there; where the picker's runs are, of which it has asked.
        "pages/server/resources.py": {"list_jobs", "runs_folder"},
        "dashboard/audit.py": {"runs_folder"},
        "dashboard/widgets/models.py": {"runs_folder"},
        "pages/finetune/setup.py": {"runs_folder"},
        # The record, of runs that are seen.
        "pages/runs/runs_view.py": {"read_record", "runs_folder"},
        "pages/runs/one_view.py": {"read_record", "runs_folder"},
        # Whether a model is one of these.
        "pages/attributions/report.py": {"runs_folder"},
        # Of folders that `ownership.explanations_folder` gives.
        "dashboard/widgets/kept_copies.py": {"list_jobs"},
        "pages/home/recent.py": {"list_jobs"},
        "pages/attributions/rows_job.py": {"make_job", "list_jobs", "read_job"},
        "dashboard/cache.py": {"read_job"},
    }
    for path in sorted([*ROOT.glob("dashboard/**/*.py"), *ROOT.glob("pages/**/*.py")]):
        name = str(path.relative_to(ROOT))
        source = path.read_text("utf-8")
        named = {
            one.attr if isinstance(one, ast.Attribute) else one.id
            for one in ast.walk(ast.parse(source))
            if isinstance(one, ast.Attribute | ast.Name)
        }
        assert named & guarded == may.get(name, set()), name
        if "list_jobs" in named or "make_job" in named:
            assert re.search(r"explanations_folder\(\)|explanations_to_fill\(\)|all_explanations\(\)", source)
        assert '"explanations"' not in source or name in {*may, "dashboard/disk.py"}


def test_what_is_written_down_of_an_owner_is_read_again(folder, here):
    here(by_name("李 <b>雷</b>", False))
    run = made()
    given = json.loads((run.folder / ownership.OWNER).read_text("utf-8"))
    assert given == {"id": "name 李 <b>雷</b>", "name": "李 <b>雷</b>", "shared": False}
