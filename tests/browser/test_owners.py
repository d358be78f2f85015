"""What one person has is nowhere on the pages of another."""

import json
import shutil
import time
import urllib.parse
import urllib.request

import pytest

import interpret as it
from dashboard import jobs, ownership
from dashboard.sign_in import pass_phrase
from dashboard.sign_in.people import by_name
from interpret.attribution.row_jobs import RowRequest, make_job
from interpret.core.process_state import write_state
from tests.browser.conftest import start_server
from tests.browser.everywhere import views
from tests.sockets import Reader

PHRASE, OWNERS = "river bank", "money bank"
# In names of runs, files and explanations, and in what they hold.
SECRET = "Xanthippe"


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory, tiny_folders):
    """The address of a server that is Ana's too, and her run: stopped, with a model, and an explanation beside."""
    folder = tmp_path_factory.mktemp("owners")
    environment = {
        "BERTOSCOPE_PASSWORD": PHRASE,
        "BERTOSCOPE_OWNER_PASSWORD": OWNERS,
        "BERTOSCOPE_RUNS": str(folder / "runs"),
        "BERTOSCOPE_CACHE": str(folder / "cache"),
        "BERTOSCOPE_MODELS": str(folder / "models"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr("dashboard.sign_in.session.signed_in", lambda _cookies: by_name("Ana", False))
        recipe = it.Recipe(device="cpu")
        request = it.runs.Request(recipe, f"{SECRET} run", f"{SECRET}.csv", group="one", probes=(SECRET,))
        rows = f"text,label\n{SECRET} slept.,a\nA nurse slept.,b\n".encode()
        (run,) = jobs.new_runs([request], rows)
        shutil.copytree(tiny_folders["bert"], run.folder / "model")
        write_state(run.folder, state="stopped")
        spec = it.EncoderSpec(it.find_checkpoint("minilm"), "cpu", "float32")
        make_job(jobs.explanations_to_fill(), RowRequest(spec, f"{SECRET}.csv"), rows)
    process, address = start_server(**environment)
    yield address, run
    process.terminate()
    process.wait(30)


def cookie(name, phrase=PHRASE):
    return f"{pass_phrase.cookie_name(phrase)}={pass_phrase.cookie_for(name, phrase, time.time())}"


def everything(reader):
    """Return all that the server has sent of a page, as bytes."""
    return b"\n".join(one.SerializeToString() for one in reader.elements.values())


def opened(reader, view, **query):
    page, _question, given = view.partition("?")
    reader.open(page, **dict(urllib.parse.parse_qsl(given)), **query)
    return everything(reader)


def test_what_is_not_shared_is_on_no_page_of_others(shared_server):
    address, run = shared_server
    with Reader(address, cookie=cookie("Ana")) as ana, Reader(address, cookie=cookie("Bo")) as bo:
        # It is where it would be: else nothing below could be missing.
        for view in ("", "runs", "finetune?stage=watch"):
            assert SECRET.encode() in opened(ana, view)
        for view in [*views(), "finetune?stage=watch", "finetune?stage=sweep", "attributions?why=rows"]:
            found = opened(bo, view)
            assert found
            assert SECRET.encode() not in found, view
            assert run.id.encode() not in found, view
        # By an address that somebody was sent.
        for query in (
            {"run": run.id},
            {"model": f"run:{run.id}"},
            {"base": f"run:{run.id}"},
            {"second": f"run:{run.id}"},
        ):
            for view in ("finetune?stage=watch", "attention", "finetune", "compare"):
                found = opened(bo, view, **query)
                assert SECRET.encode() not in found, (view, query)
    # Once it is shared, it is there.
    owner = ownership.owner_of(run.folder)
    (run.folder / "owner.json").write_text(json.dumps(owner._replace(shared=True)._asdict()))
    with Reader(address, cookie=cookie("Bo")) as bo:
        assert SECRET.encode() in opened(bo, "runs")
        for button in ("runs_delete", "runs_resume"):
            with pytest.raises(LookupError):
                bo.widget(button)
        # What was explained is nobody else's.
        assert f"{SECRET}.csv".encode() not in opened(bo, "")
    with Reader(address, cookie=cookie("Chief", OWNERS)) as chief:
        assert SECRET.encode() in opened(chief, "runs")
        chief.widget("runs_delete")
        assert b"Ana" in opened(chief, "server")


def test_the_page_of_the_server_is_nobody_elses(shared_server):
    address, _run = shared_server
    with Reader(address, cookie=cookie("Bo")) as bo:
        found = opened(bo, "server")
        for key in ("free:sessions", "free:memory", "free:device", "free:queue", "free:disk", "free:cache"):
            with pytest.raises(LookupError):
                bo.widget(key)
        assert b"Ana" not in found
    # With the other pass-phrase's cookie under the owner's name nobody is more than they are.
    name = pass_phrase.cookie_name(OWNERS)
    forged = f"{name}={pass_phrase.cookie_for('Chief', PHRASE, time.time())}"
    with pytest.raises(urllib.request.HTTPError):
        Reader(address, cookie=forged)
