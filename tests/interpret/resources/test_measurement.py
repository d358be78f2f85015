"""Work that is done in a process of its own, and what it took."""

import subprocess
from types import SimpleNamespace

import pytest

import interpret as it
from interpret.resources.measurement import Measurement, measure, work_here
from interpret.resources.prediction import predict
from interpret.resources.workload import Workload
from tests.interpret.resources.test_prediction import BERT, config_of

# Large enough beside what Python itself takes and gives back.
WORK = Workload(8, 128, training=True)


def test_it_takes_about_what_was_counted(monkeypatch):
    # Large blocks go back to the system at once: glibc keeps them otherwise.
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "131072")
    config = config_of("bert", hidden_size=512, num_hidden_layers=3, intermediate_size=2048)
    found, counted = measure(config, WORK), predict(config, WORK)
    assert isinstance(found, Measurement)
    assert counted.peak * 0.9 < found.peak < counted.peak * 1.5
    assert 1e8 < found.before < 2e9
    assert len(found.seconds) == 2
    assert found.typical > 0


def test_what_cannot_be_done_there_is_said_here():
    with pytest.raises(it.InputError, match="positions of this model: 300"):
        measure(BERT, Workload(length=301))
    with pytest.raises(it.InputError, match="no device"):
        measure(BERT, WORK, "cuda:7")
    with pytest.raises(it.InputError, match="could not be measured in 0.01 seconds"):
        measure(BERT, WORK, patience=0.01)


def test_what_has_no_room_is_not_begun(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_a, **_b: pytest.fail("begun"))
    with pytest.raises(it.CapacityError, match=r"needs [\d.]+ GB, and cpu has [\d.]+ GB free"):
        measure(
            config_of("bert", num_hidden_layers=24, hidden_size=1024, max_position_embeddings=4096), Workload(512, 4096)
        )


@pytest.mark.parametrize(
    "code, kind, said", [(-9, it.CapacityError, "memory runs out"), (-11, it.InputError, "could not be measured: -11")]
)
def test_a_process_that_was_ended_is_told_from_one_that_fell(monkeypatch, code, kind, said):
    ended = SimpleNamespace(returncode=code, communicate=lambda *_a, **_b: ("", ""), poll=lambda: code)
    monkeypatch.setattr(subprocess, "Popen", lambda *_a, **_b: ended)
    with pytest.raises(kind, match=said):
        measure(BERT, WORK)


def test_work_here_gives_what_is_printed():
    before, peak, seconds = work_here(BERT, Workload(2, 16), "cpu")
    assert before > 1e8
    assert peak >= 0
    assert len(seconds) == 2
