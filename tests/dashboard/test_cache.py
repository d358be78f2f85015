"""Which models a page's process keeps, and when it lets them go."""

import gc
import weakref
from dataclasses import replace
from functools import wraps
from types import SimpleNamespace

import pytest

import interpret as it
from dashboard import ROOT, cache, jobs
from dashboard.analysis import Analysis
from dashboard.subject import Subject
from interpret.core.devices import Device, find_device
from pages.embeddings.maps_view import _still_there


@pytest.fixture
def spec(tiny_folders):
    cache.let_go_of_models()
    yield it.EncoderSpec(it.find_checkpoint(str(tiny_folders["bert"])), "cpu", "float32")
    cache.let_go_of_models()


def test_one_model_in_two_precisions_and_another_stand_side_by_side(spec, tiny_folders, monkeypatch):
    loaded, load = [], it.load_encoder
    monkeypatch.setattr(it, "load_encoder", lambda *given: (loaded.append(given), load(*given))[1])
    other = replace(spec, checkpoint=it.find_checkpoint(str(tiny_folders["albert"])))
    for _ in range(3):
        for one in (spec, replace(spec, precision="bfloat16"), other):
            cache.encoder(one)
    assert len(loaded) == 3


@pytest.mark.parametrize(("device", "kept"), [("cpu", True), ("cuda:1", False)])
def test_a_training_on_a_card_finds_what_pages_had_there(spec, monkeypatch, tmp_path, device, kept):
    model = weakref.ref(cache.encoder(spec).model)
    card = Device("cuda:1", "A card", 1, 1, ("float32",))
    monkeypatch.setattr(
        "interpret.core.devices.find_device", lambda name: card if name == "cuda:1" else find_device(name)
    )
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path))
    process = SimpleNamespace(pid=1)
    monkeypatch.setattr(jobs, "_spawn", lambda *_module: process)
    monkeypatch.setattr(jobs, "_take", lambda: None)
    told = []
    # Before the process hears of the run.
    monkeypatch.setattr(jobs, "_send", lambda _process, _folders: told.append(model() is not None))
    run = SimpleNamespace(folder=tmp_path, request=SimpleNamespace(name="mine", recipe=it.Recipe(device=device)))
    jobs.start(run)
    gc.collect()
    assert told == [kept]


def test_models_on_further_cards_go_where_one_device_is_asked_for(spec, monkeypatch):
    beside = cache.encoder(spec).copy()
    gone = weakref.ref(beside.model)
    held = [(beside,)]
    monkeypatch.setattr(it, "load_beside", lambda _encoder: held.pop())
    monkeypatch.setattr(cache, "_encoder", lambda spec: None)
    on_card = replace(spec, device="cuda:0")
    monkeypatch.setattr(cache, "chosen_value", lambda *_: "auto")
    assert cache.beside(on_card) == (beside,)
    del beside
    monkeypatch.setattr(cache, "chosen_value", lambda *_: "cuda:0")
    assert cache.beside(on_card) == ()
    gc.collect()
    assert gone() is None


def test_vectors_of_a_card_that_is_gone_have_their_map_on_the_cpu(monkeypatch):
    assert _still_there("cuda:7") == "cpu"
    assert _still_there("cpu") == "cpu"
    card = Device("cuda:7", "A card", 1, 1, ("float32",))
    monkeypatch.setattr("pages.embeddings.maps_view.find_device", lambda _: card)
    assert _still_there("cuda:7") == "cuda:7"


def test_one_file_alone_keeps_results():
    files = [*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    assert [file.name for file in files if "st.cache_" in file.read_text("utf-8")] == ["cache.py"]


def test_a_result_is_computed_once_and_let_go(spec, monkeypatch):
    read, trace = [], it.trace
    monkeypatch.setattr(it, "trace", wraps(trace)(lambda **given: (read.append(given), trace(**given))[1]))
    cache.clear()
    subject = Subject(spec, "the river bank")
    one, other = Analysis("attention.rollout", subject), Analysis("attention.head_statistics", subject)
    for _ in range(2):
        first, again = one.result, one.result
        assert first is again
        assert other.result["entropy"].shape == (*one.result.shape[:1], 4)
    assert len(read) == 1
    cache.clear()
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, it.Trace) and one.spec == spec]


def test_a_process_is_given_the_records_password_and_not_the_gates(monkeypatch):
    given = []
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda *_args, **how: given.append(how["env"]))
    for name in ("BERTOSCOPE_PASSWORD", "BERTOSCOPE_OWNER_PASSWORD", "MLFLOW_TRACKING_PASSWORD", "HF_TOKEN"):
        monkeypatch.setenv(name, "a")
    jobs._spawn("a.module")
    (found,) = given
    assert {"MLFLOW_TRACKING_PASSWORD", "HF_TOKEN"} <= set(found)
    assert not {"BERTOSCOPE_PASSWORD", "BERTOSCOPE_OWNER_PASSWORD"} & set(found)
