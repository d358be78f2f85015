"""Runs: whatever happens to the process, the record is whole, and what was stopped goes on as if it never had been."""

import gc
import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
import transformers as tf
from filelock import FileLock
from safetensors.torch import load_file

import interpret as it
from interpret.core.process_state import identity, write_state
from interpret.finetuning import metrics_writer, turns, worker
from interpret.finetuning.__main__ import main
from interpret.finetuning.metrics_log import Evaluation, Step, Waiting, read_metrics
from interpret.finetuning.outcome import read_outcome
from interpret.finetuning.record import EXPERIMENT, connect
from interpret.finetuning.regression_results import RegressionResults
from interpret.finetuning.request import Request
from interpret.finetuning.run_control import delete_run, resume_run, stop_run
from interpret.finetuning.runs import list_runs, make_run, new_run, read_run
from interpret.finetuning.trainer import FineTuner, Schedule
from interpret.finetuning.trainer_state import TrainerState
from interpret.finetuning.worker import work

ROOT = __file__.split("/tests/")[0]


@pytest.fixture
def request_for(recipe):
    return Request(replace(recipe, frozen=("embeddings", "0")), "first", "rows.csv", label="kind")


def weights(run):
    return load_file(run.folder / "model" / "model.safetensors")


def assert_same(run, other):
    first, second = weights(run), weights(other)
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-6, rtol=0)
    np.testing.assert_array_equal(read_metrics(run.folder).loss, read_metrics(other.folder).loss)
    assert [one["score"] for one in read_metrics(run.folder).evaluations] == [
        one["score"] for one in read_metrics(other.folder).evaluations
    ]


def test_a_run_tells_everything_and_its_model_opens(request_for, rows, examples, tmp_path):
    request = replace(request_for, probes=("the bank lent money", "a steep river"))
    run = work(new_run(tmp_path, request, rows).folder)
    assert run.state == "done", run.error
    assert (run.step, run.steps) == (20, 20)
    told = read_metrics(run.folder)
    assert told.number.tolist() == list(range(1, 21))
    assert told.layer_groups == ("embeddings", "0", "1", "2", "pooler", "head")
    assert (told.norms[:, :2] == 0).all()
    assert (told.norms[:, 2:] > 0).all()
    assert (np.diff(told.seconds) >= 0).all()
    assert (told.memory > 1e7).all()
    assert len(told.evaluations) == 2
    last = told.evaluations[-1]
    assert set(last["moved"]) == {"1", "2", "pooler", "head"}
    assert all(value > 0 for value in last["moved"].values())
    outcome = read_outcome(run)
    assert outcome.results.accuracy == run.facts["accuracy"] == last["score"]
    # What is watched is answered by the model as it is in the end.
    encoder = it.load_encoder(str(run.folder / "model"), device="cpu")
    for text, chances in zip(request.probes, last["probes"], strict=True):
        logits = encoder.run(encoder.batch([encoder.tokens(text)]), task=True).logits[0]
        np.testing.assert_allclose(logits.softmax(-1), chances, atol=1e-5)
    model = tf.AutoModelForSequenceClassification.from_pretrained(run.folder / "model")
    tokenizer = tf.AutoTokenizer.from_pretrained(run.folder / "model")
    for text, truth, given in zip(outcome.texts, outcome.truth, outcome.results.answers, strict=True):
        assert examples.labels[examples.texts.index(text)] == truth
        with torch.no_grad():
            assert int(model(**tokenizer(text, return_tensors="pt")).logits.argmax()) == given
    assert not (run.folder / "checkpoints").exists()
    assert [one.id for one in list_runs(tmp_path)] == [run.id]


def test_it_is_in_the_record(request_for, rows, tmp_path):
    run = work(new_run(tmp_path, request_for, rows).folder)
    client = connect(tmp_path)
    kept = client.get_run(run.record)
    assert kept.info.status == "FINISHED"
    assert client.get_experiment(kept.info.experiment_id).name == EXPERIMENT
    assert kept.data.params["frozen"] == "embeddings, 0"
    assert kept.data.metrics["final_accuracy"] == run.facts["accuracy"]
    curve = client.get_metric_history(run.record, "loss")
    np.testing.assert_allclose(
        [one.value for one in sorted(curve, key=lambda one: one.step)], read_metrics(run.folder).loss, atol=1e-6
    )
    place = client.download_artifacts(run.record, "model")
    tf.AutoModelForSequenceClassification.from_pretrained(place)
    # The same files, not copies of them.
    assert (run.folder / "model" / "model.safetensors").stat().st_nlink == 2


def test_a_record_that_cannot_be_reached_ends_no_run(request_for, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("interpret.finetuning.record._PATIENCE", 2.0)
    run = work(new_run(tmp_path, request_for, rows).folder)
    assert run.state == "done"
    assert run.record == ""


def test_stopped_by_its_file_and_resumed_is_as_never_stopped(request_for, rows, tmp_path):
    whole = work(new_run(tmp_path, request_for, rows).folder)
    run = new_run(tmp_path, request_for, rows)

    def stop_at_seven(what, _steps):
        if isinstance(what, Step) and what.number == 7:
            stop_run(run)

    stopped = work(run.folder, stop_at_seven)
    assert stopped.state == "stopped"
    assert stopped.step == 7
    assert stopped.model is not None
    assert read_outcome(stopped).results.accuracy == read_metrics(run.folder).evaluations[-1]["score"]
    with pytest.raises(it.InputError, match="is done: there is nothing to resume"):
        resume_run(whole)
    resumed = work(resume_run(stopped).folder)
    assert resumed.state == "done"
    assert_same(resumed, whole)


def test_what_fails_for_a_number_keeps_both_forms_of_its_sentence(request_for, rows, tmp_path):
    few = b"\n".join(rows.splitlines()[:2])
    run = work(new_run(tmp_path, request_for, few).folder)
    assert run.state == "failed"
    assert str(run.error).startswith("The file has 1 row with a text and a label")
    one, many, number = run.error.plural
    assert ("{count} row " in one, "{count} rows " in many, number) == (True, True, 1)


def test_what_fails_says_why_and_keeps_what_there_is(request_for, rows, tmp_path):
    run = work(new_run(tmp_path, replace(request_for, label="sort"), rows).folder)
    assert run.state == "failed"
    assert str(run.error).startswith("The file has no column “sort”")
    assert run.resumable
    rate = replace(request_for, recipe=replace(request_for.recipe, learning_rate=100.0, frozen=(), epochs=3))
    wild = work(new_run(tmp_path, rate, rows).folder)
    # A rate of 100 either ends in no number or learns nothing; it is never a crash.
    assert wild.state in ("failed", "done")
    one = b"text,kind\n" + b"".join(b"word %d,same\n" % i for i in range(20))
    assert "A classifier needs at least two classes" in str(work(new_run(tmp_path, request_for, one).folder).error)


def test_a_regression_and_words_run_too(request_for, tmp_path):
    lines = [f"{'money ' * (i % 7 + 1)}bank {i},{i % 7}.5" for i in range(70)]
    run = work(
        new_run(tmp_path, replace(request_for, task="regression"), "\n".join(["text,kind", *lines]).encode()).folder
    )
    assert run.state == "done", run.error
    outcome = read_outcome(run)
    assert isinstance(outcome.results, RegressionResults)
    assert outcome.results.r2 == pytest.approx(run.facts["r2"])
    words = "\n\n".join(
        "\n".join(f"{word} {'B' if word == 'bank' else 'O'}" for word in ("the", "bank", f"was{i}")) for i in range(30)
    )
    run = work(new_run(tmp_path, replace(request_for, task="token classes", data="tags.txt"), words.encode()).folder)
    assert run.state == "done", run.error
    outcome = read_outcome(run)
    assert set(outcome.truth) == {"B", "O"}
    # Of a sentence that is cut off only what was read is judged, and every row is still of its own sentence.
    short = replace(
        request_for, task="token classes", data="tags.txt", recipe=replace(request_for.recipe, max_length=4)
    )
    cut = read_outcome(work(new_run(tmp_path, short, words.encode()).folder))
    assert len(cut.truth) == len(cut.texts) < len(outcome.truth)
    assert [text.split(" ")[1] for text in cut.texts] == ["bank"] * len(cut.texts)
    assert cut.truth[:2] == ("O", "B")
    assert cut.texts[0] == cut.texts[1] != cut.texts[2]


def test_a_second_file_is_judged_by(request_for, rows, tmp_path):
    other = b"text,kind\n" + b"rich bank lent,bank\n" * 5 + b"tired animals,river\n" * 4
    run = work(new_run(tmp_path, replace(request_for, test_data="other.csv"), rows, other).folder)
    assert run.facts["judged"] == 9
    assert run.facts["learned"] == 96
    strange = work(new_run(tmp_path, replace(request_for, test_data="other.csv"), rows, other + b"x,lake\n" * 2).folder)
    assert ", which the training file lacks" in str(strange.error)


@pytest.fixture
def start():
    """Start a process that calls a function with a run's folder, and has imported what it needs."""
    # Imports once, for all of them; nothing of PyTorch has run in it when it divides.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["interpret.finetuning.worker", "mlflow"])
    started = []

    def start(function, folder):
        started.append(context.Process(target=function, args=(folder,)))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.join()


def command(folder):
    sys.exit(main([str(folder)]))


def until(check, seconds=90):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_two_starts_on_one_device_take_turns_and_a_killed_one_goes_on(request_for, rows, tmp_path, start):
    recipe = replace(request_for.recipe, epochs=200)
    first, second = (new_run(tmp_path, replace(request_for, recipe=recipe, name=name), rows) for name in ("a", "b"))
    processes = [start(command, one.folder) for one in (first, second)]
    until(lambda: read_run(first.folder).step > 20)
    assert read_run(second.folder).state == "waiting"
    assert read_run(second.folder).step == 0
    # Who comes second for a run that is worked on leaves it alone.
    assert work(first.folder).state == "running"
    processes[0].kill()
    processes[0].join()
    assert read_run(first.folder).state == "interrupted"
    until(lambda: read_run(second.folder).step > 5)
    # The polite way: it judges what it has, and keeps it.
    processes[1].terminate()
    processes[1].join(60)
    assert processes[1].exitcode == 0
    assert read_run(second.folder).state == "stopped"
    short = replace(recipe, epochs=2)
    (first.folder / "request.json").write_text(replace(request_for, recipe=short).to_json(), "utf-8")
    delete_run(read_run(second.folder))
    assert [one.id for one in list_runs(tmp_path)] == [first.id]


def test_waiting_for_another_is_no_training_time(request_for, rows, tmp_path, monkeypatch):
    """By a clock that only this test sets: a look takes 1000 s, a step half a second, an evaluation one."""
    first, run = (new_run(tmp_path, replace(request_for, name=name), rows) for name in ("the other", "mine"))
    process = psutil.Process()
    write_state(first.folder, state="running", device="cpu", **identity(process.pid))
    lock = FileLock(tmp_path / ".cpu.lock").acquire()
    clock, waited, heard = [0.0], [], []

    def look(_seconds):
        clock[0] += 1000.0
        waited.append(read_run(run.folder).state)
        if len(waited) == 3:
            write_state(first.folder, state="stopped")
            lock.lock.release()

    def callback(what, _steps):
        heard.append(what)
        clock[0] += {Step: 0.5, Evaluation: 1.0}.get(type(what), 0.0)

    for module in (worker, turns, metrics_writer):
        times = SimpleNamespace(sleep=look, monotonic=lambda: clock[0], time=lambda: clock[0])
        monkeypatch.setattr(module, "time", times)
    done = work(run.folder, callback)
    assert done.state == "done", done.error
    assert waited == ["waiting"] * 3
    # Before anything else it is said for whom.
    assert heard[0] == Waiting("the other", first.id)
    steps, evaluations = (sum(isinstance(one, kind) for one in heard) for kind in (Step, Evaluation))
    told = read_metrics(run.folder)
    # Each line is written before its own step was added.
    assert told.seconds[0] < told.seconds[-1] < done.facts["seconds"] == steps * 0.5 + evaluations
    assert done.facts["per_second"] == 2 * done.facts["learned"] / done.facts["seconds"]
    # Three thousand seconds more had passed.
    assert clock[0] == 3000.0 + done.facts["seconds"]


def test_what_a_further_run_forgets_of_the_first_is_said(request_for, rows, examples, tmp_path):
    first = work(new_run(tmp_path, replace(request_for, recipe=replace(request_for.recipe, epochs=6)), rows).folder)
    # The same words under the other label: what was learned is unlearned.
    other = {"bank": "river", "river": "bank"}
    lines = [f"{text},{other[label]}" for text, label in zip(examples.texts, examples.labels, strict=True)]
    recipe = replace(request_for.recipe, model=str(first.model), epochs=6, frozen=())
    request = replace(request_for, recipe=recipe, parent=first.id)
    second = work(new_run(tmp_path, request, "\n".join(["text,kind", *lines]).encode()).folder)
    assert second.state == "done", second.error
    assert second.facts["parent_accuracy_before"] == first.facts["accuracy"] > 0.8
    assert second.facts["parent_loss_before"] == pytest.approx(first.facts["loss"])
    assert second.facts["parent_accuracy"] <= 0.6
    assert second.facts["parent_rows"] == first.facts["judged"]
    assert second.facts["parent_loss"] > first.facts["loss"]
    assert "parent_loss" not in first.facts
    # Nothing learned anew with the head that it came with: it knows what it knew.
    again = work(new_run(tmp_path, replace(request, recipe=replace(recipe, learning_rate=1e-8, epochs=1)), rows).folder)
    assert again.facts["parent_accuracy"] == first.facts["accuracy"]
    assert again.facts["parent_loss"] == pytest.approx(first.facts["loss"], abs=1e-3)


def test_asked_to_stop_before_the_first_step_it_is_stopped_and_can_go_on(request_for, rows, tmp_path, monkeypatch):
    monkeypatch.setattr("interpret.finetuning.metrics_writer._BETWEEN", 0.0)
    monkeypatch.setattr("interpret.finetuning.collator.tokens_per_batch", lambda *_: 64)
    run = new_run(tmp_path, request_for, rows)
    seen = []

    def callback(what, _steps):
        seen.append(what)
        stop_run(run)

    found = work(run.folder, callback)
    assert (found.state, found.model, found.step) == ("stopped", None, 0)
    assert 0 < found.read < 1
    assert connect(tmp_path).get_run(found.record).info.status == "KILLED"
    found = work(resume_run(found).folder)
    assert found.state == "done"


def test_stopped_again_before_a_step_it_keeps_what_it_had(request_for, rows, tmp_path, monkeypatch):
    monkeypatch.setattr("interpret.finetuning.collator.tokens_per_batch", lambda *_: 64)
    run = new_run(tmp_path, replace(request_for, recipe=replace(request_for.recipe, epochs=4)), rows)
    first = work(run.folder, lambda what, _steps: stop_run(run) if getattr(what, "number", 0) == 4 else None)
    told = (run.folder / "told.jsonl").read_text("utf-8")
    assert first.state == "stopped"
    assert first.facts["accuracy"] > 0
    resume_run(first)
    again = work(run.folder, lambda *_: stop_run(run))
    assert again.state == "stopped"
    assert again.facts == first.facts
    assert (run.folder / "told.jsonl").read_text("utf-8") == told
    done = work(resume_run(again).folder)
    assert_same(done, work(new_run(tmp_path / "whole", run.request, rows).folder))


@pytest.mark.slow
def test_two_processes_train_one_model(folder, rows, tmp_path):
    # Started by the interpreter itself: they know each other by the process that launched them.
    (tmp_path / "rows.csv").write_bytes(rows)
    # With `--cpu` accelerate starts a single process, whatever number it is given; these find no GPU and use gloo.
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--num_machines", "1", "--main_process_port", "0", "--dynamo_backend", "no", "--mixed_precision", "no"]
    command += ["-m", "interpret.finetuning", "--data", str(tmp_path / "rows.csv"), "--label", "kind", "--epochs", "6"]
    command += ["--out", str(tmp_path / "run"), "--model", str(folder), "--device", "cpu", "--freeze", "embeddings,0"]
    command += ["--batch", "8", "--learning-rate", "0.005"]
    # Both are here: they need not find each other by the machine's name, which a network may know otherwise.
    loopback = next(
        name for name, some in psutil.net_if_addrs().items() if any(one.address == "127.0.0.1" for one in some)
    )
    environment = os.environ | {"GLOO_SOCKET_IFNAME": loopback}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-9000:]
    run = read_run(tmp_path / "run")
    assert run.state == "done", (run.error, done.stderr[-9000:])
    # Ten batches an epoch for one process, five for each of two; told once, judged on everything.
    assert run.steps == run.step == 6 * 5
    assert read_metrics(run.folder).number.tolist() == list(range(1, 31))
    assert run.facts["judged"] == len(read_outcome(run).truth)
    assert run.facts["accuracy"] > 0.8


class Second(FineTuner):
    """The second of two processes, which would stop at once and save nothing."""

    def __init__(self):
        self.args = SimpleNamespace(world_size=2, device="cpu")
        self.data, self.recipe = SimpleNamespace(lengths=[1] * 16), it.Recipe(batch_size=2, epochs=3)
        self.saves, self.reached, self.snapshots = True, TrainerState(), None

    def take_snapshot(self):
        pass

    def report_steps(self, but=0):
        pass

    def stop(self):
        return True

    def should_save(self):
        return False

    def evaluate_epoch(self):
        return False


def test_in_the_midst_of_a_step_of_several_processes_nothing_is_collected(monkeypatch):
    """A collector in the thread that makes batches would end the weak reference that the backward pass goes by."""
    seen = []

    class EnoughError(Exception):
        pass

    def step(*_):
        seen.append(gc.isenabled())
        raise EnoughError

    monkeypatch.setattr(tf.Trainer, "training_step", step)
    trainer = Second()
    for trainer.args.world_size in (1, 2):
        with pytest.raises(EnoughError):
            trainer.training_step(None, {})
        assert gc.isenabled()
    assert seen == [True, False]


def test_of_several_processes_the_first_one_decides(monkeypatch):
    """Their clocks and their rounding differ, and one that stops or saves alone leaves the others waiting."""
    firsts = [[0, 1], [0, 0], [1]]

    def broadcast(told, src):
        assert src == 0
        told.copy_(torch.tensor(firsts.pop(0)))

    monkeypatch.setattr(torch.distributed, "broadcast", broadcast)
    calls = Schedule(Second())
    control = tf.TrainerControl()
    calls.on_step_end(None, SimpleNamespace(global_step=3), control)
    assert control.should_save
    control.should_save = False
    calls.on_step_end(None, SimpleNamespace(global_step=4), control)
    calls.on_epoch_end(None, SimpleNamespace(global_step=4), control)
    assert not firsts
    assert not control.should_save
    assert not control.should_training_stop
    assert not calls.trainer.reached.progress.stopped


KILLS = int(os.environ.get("KILLS", "5"))


def work_and_save_often(folder):
    """What a killed process does: every step is a checkpoint, so most moments are in the middle of one."""
    from interpret.finetuning import trainer

    trainer._BETWEEN = trainer._SHARE = 0.0
    work(folder)


@pytest.mark.slow
def test_killed_at_any_moment_the_record_is_whole_and_the_end_the_same(request_for, rows, tmp_path, start):
    # Long enough that the last kill finds it at work.
    request = replace(request_for, recipe=replace(request_for.recipe, epochs=3 * KILLS, patience=3 * KILLS))
    whole = work(new_run(tmp_path / "whole", request, rows).folder)
    run = new_run(tmp_path / "killed", request, rows)
    random = np.random.default_rng(0)
    states, killed = set(), 0
    for turn in range(KILLS):
        process = start(work_and_save_often, run.folder)
        # Every other one is killed at work, however long the machine takes to start it; the rest at any moment.
        while turn % 2 and process.is_alive() and read_run(run.folder).state != "running":
            process.join(0.01)
        process.join(random.uniform(0.05, 2.0 - turn % 2))
        if process.is_alive():
            process.kill()
            killed += 1
        process.join()
        run = read_run(run.folder)
        states.add(run.state)
        told = read_metrics(run.folder).number
        # No step twice, none left out.
        assert told.tolist() == list(range(1, len(told) + 1))
        if run.state == "done":
            break
        assert run.state in ("interrupted", "waiting")
        if run.state == "interrupted":
            run = resume_run(run)
    assert "interrupted" in states
    assert killed >= KILLS - 1
    if run.state != "done":
        run = work(run.folder)
    assert run.state == "done", run.error
    assert_same(run, whole)
    assert connect(tmp_path / "killed").get_run(run.record).info.status == "FINISHED"


def test_a_page_drawn_long_ago_harms_no_run(request_for, rows, tmp_path):
    stale = new_run(tmp_path, request_for, rows)
    write_state(stale.folder, state="stopped")
    stale = read_run(stale.folder)
    # Meanwhile somebody else had it resumed.
    write_state(stale.folder, state="running", **identity(os.getpid()))
    with pytest.raises(it.InputError, match="is running: there is nothing to resume"):
        resume_run(stale)
    with pytest.raises(it.InputError, match="still running"):
        delete_run(stale)
    assert read_run(stale.folder).state == "running"


def test_a_run_whose_process_never_began_or_is_another_is_interrupted(request_for, rows, tmp_path):
    run = new_run(tmp_path, request_for, rows)
    assert run.state == "waiting"
    write_state(run.folder, asked=time.time() - 1000)
    assert read_run(run.folder).state == "interrupted"
    write_state(run.folder, state="running", process=os.getpid(), born=psutil.Process().create_time())
    assert read_run(run.folder).state == "running"
    stop_run(run)
    assert read_run(run.folder).state == "stopping"
    # The same number, given to another process since.
    write_state(run.folder, born=psutil.Process().create_time() - 100)
    assert read_run(run.folder).state == "interrupted"
    # States are told by the kernel's own count now, which the clock on the wall has no part in.
    write_state(run.folder, **identity(os.getpid()))
    assert read_run(run.folder).state == "stopping"
    boot, tick = identity(os.getpid())["started"].split()
    for other in (f"{boot} {int(tick) + 1}", f"another {tick}"):
        write_state(run.folder, started=other)
        assert read_run(run.folder).state == "interrupted"
    (run.folder / "request.json").write_text("{", "utf-8")
    assert [one.state for one in list_runs(tmp_path)] == ["damaged"]
    (run.folder / "request.json").unlink()
    with pytest.raises(it.InputError, match="is not a run, or no longer exists"):
        read_run(run.folder)
    assert list_runs(tmp_path) == []


def test_the_command_trains_and_what_it_writes_opens(folder, examples, rows, tmp_path, capsys):
    data, out = tmp_path / "rows.csv", tmp_path / "run"
    data.write_bytes(rows)
    asked = ["--data", str(data), "--label", "kind", "--out", str(out), "--model", str(folder), "--device", "cpu"]
    more = ["--freeze", "embeddings,0-1", "--epochs", "3", "--learning-rate", "0.005", "--batch", "8"]
    assert main([*asked, *more]) == 0
    said = capsys.readouterr()
    assert "accuracy" in said.err
    assert said.out == ""
    run = read_run(out)
    assert run.request.recipe.frozen == ("embeddings", "0", "1")
    assert json.loads((out / "request.json").read_text("utf-8"))["recipe"]["epochs"] == 3
    tf.AutoModelForSequenceClassification.from_pretrained(out / "model")
    for wrong, sentence in (
        ([*asked, *more], "already exists"),
        ([*asked[:4], "--out", str(tmp_path / "x"), "--freeze", "0-9", *asked[6:]], "no layer “3”"),
        (["--data", str(tmp_path / "none.csv"), *asked[2:4], "--out", str(tmp_path / "y")], "No such file"),
        ([str(tmp_path / "nothing")], "is not a run, or no longer exists"),
        ([], "Name a run's folder"),
    ):
        assert main(wrong) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_command_chooses_and_says_what_the_page_does(folder, rows, tmp_path, capsys):
    """Head alone, a second file that holds 17 rows of the first, and texts beyond what is read."""
    first = rows.decode().splitlines()
    new = [f"{'rich bank ' * 30}{i},{('bank', 'river')[i % 2]}" for i in range(9)]
    (tmp_path / "rows.csv").write_bytes(rows)
    (tmp_path / "more.csv").write_text("\n".join([first[0], *first[1:18], *new]), "utf-8")
    asked = ["--data", str(tmp_path / "rows.csv"), "--judged", str(tmp_path / "more.csv"), "--label", "kind"]
    more = ["--model", str(folder), "--device", "cpu", "--freeze", "head only", "--max-tokens", "16"]
    assert main([*asked, *more, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert "96 training rows, 9 held-out rows; majority-class baseline: " in said
    assert "17 of 26 rows of the test file also occur in the training file" in said
    assert "texts are longer than 16 tokens and are truncated" in said
    assert "head linear, learning rate 0.02, 20 epochs" in said
    run = read_run(tmp_path / "run")
    assert (run.request.recipe.head, run.request.recipe.learning_rate, run.request.recipe.epochs) == (
        "linear",
        0.02,
        20,
    )
    assert (run.facts["judged"], run.rows["judged"], len(read_outcome(run).truth)) == (9, 9, 9)
    # One number, on the terminal, in the record and of what was told.
    speed = 20 * 96 / run.facts["seconds"]
    assert run.facts["per_second"] == pytest.approx(speed)
    assert f"{speed:.0f} examples a second" in said
    assert read_outcome(run).overlap == 0
    # A run of before such rows were left out: its answers are of all rows, and still open.
    with np.load(run.folder / "answers.npz") as kept:
        answers = {name: kept[name] for name in kept.files}
    old = {name: np.concatenate([one[:1].repeat(17, 0), one]) for name, one in answers.items()}
    np.savez(run.folder / "answers.npz", **(old | {"rows": np.arange(26)}))
    write_state(run.folder, facts={**run.facts, "judged": 26.0})
    before = read_outcome(read_run(run.folder))
    assert before.texts[0] == first[1].split(",")[0]
    assert before.overlap == 17
    low = [*asked[:2], "--label", "kind", *more, "--learning-rate", "5e-5", "--epochs", "1", "--head", "own"]
    assert main([*low, "--out", str(tmp_path / "low")]) == 0
    assert "A head alone trains slowly at a learning rate of 5e-5" in capsys.readouterr().err


def test_the_command_goes_on_from_a_run_and_replays_what_it_learned(folder, rows, tmp_path, capsys):
    (tmp_path / "rows.csv").write_bytes(rows)
    common = ["--data", str(tmp_path / "rows.csv"), "--label", "kind", "--epochs", "1", "--device", "cpu"]
    assert main([*common, "--model", str(folder), "--out", str(tmp_path / "a"), "--lora-rank", "2"]) == 0
    first = read_run(tmp_path / "a")
    assert first.adapter is not None
    more = ["--model", str(first.model), "--out", str(tmp_path / "b"), "--replay", "0.5", "--hold", "ewc"]
    assert main([*common, *more]) == 0, capsys.readouterr().err
    second = read_run(tmp_path / "b")
    assert second.facts["learned"] == 2 * first.facts["learned"]
    assert second.facts["parent_accuracy_before"] == first.facts["accuracy"]
    # A model that nobody knows the past of.
    assert main([*common, "--model", str(folder), "--out", str(tmp_path / "c"), "--replay", "0.5"]) == 2
    assert "only when training continues from another run's model" in capsys.readouterr().err


def test_moments_of_a_run_are_opened_as_models_a_few_at_a_time(request_for, rows, tmp_path):
    recipe = replace(request_for.recipe, snapshots=6, lora_rank=2, epochs=3)
    run = work(new_run(tmp_path, replace(request_for, recipe=recipe), rows).folder)
    moments = it.finetuning.list_snapshots(run)
    assert len(moments) == 6
    texts, found = ["the bank lent money", "a steep river"], []
    for moment in moments:
        folder = it.finetuning.open_snapshot(run, moment)
        found.append(it.embed(it.load_encoder(str(folder), "cpu"), texts).vectors[-1])
    assert len([one for one in folder.parent.iterdir() if one.is_dir()]) == 4
    last = it.embed(it.load_encoder(str(run.model), "cpu"), texts).vectors[-1]
    ways = [float(np.abs(one - last).max()) for one in found]
    # The nearer to the end the nearer to it, all in all; and none the same.
    assert ways[0] > ways[-1] > 0
    # What was frozen is as it is in the end.
    frozen = load_file(folder / "model.safetensors")
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(frozen[name], weights(run)[name])
    again = it.finetuning.open_snapshot(run, moments[0])
    np.testing.assert_array_equal(it.embed(it.load_encoder(str(again), "cpu"), texts).vectors[-1], found[0])


def test_requests_are_written_and_read(request_for, rows, tmp_path):
    request = replace(request_for, probes=("a", "b"), pair="second")
    assert Request.from_json(request.to_json()) == request
    with pytest.raises(it.InputError, match="This is not a valid run"):
        Request.from_json('{"name": "x"}')
    make_run(tmp_path / "own", request, rows)
    with pytest.raises(it.InputError, match="already exists"):
        make_run(tmp_path / "own", request, rows)


TERMINAL = {
    # 24 rows, of which two have no label, one of them “nan”, and two lines with nothing in them.
    "rows.csv": (
        "classes",
        "text,label\n" + "".join(f"the bank {i},{'ab'[i % 2]}\n" for i in range(22)) + "x,nan\n\ny,\n,\n",
        ("“rows.csv” read: 22 rows; left out, without a text or a label: 2; blank: 2",),
        (
            "Rows left out because the text or the label is missing: 2. Read as missing labels: “nan” (1).",
            " training rows, ",
        ),
    ),
    # 24 sentences, one without words, and two lines of comments.
    "tags.conllu": (
        "token classes",
        "".join(
            f"# text {i}\n" * (i < 2) + f"1\tbank{i}\t_\t{'ABN'[i % 3]}\t_\t_\t0\troot\t_\t_\n\n" for i in range(24)
        )
        + "1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n\n",
        ("“tags.conllu” read: 24 sentences; lines of comments: 2; left out, without words: 1",),
        ("Sentences left out because they have no words: 1.", " training sentences, "),
    ),
}


@pytest.mark.parametrize("name", TERMINAL)
def test_the_command_says_what_was_read_and_what_was_not(folder, tmp_path, capsys, monkeypatch, name):
    task, content, lines, said = TERMINAL[name]
    (tmp_path / name).write_text(content, "utf-8")
    # What is said stands before any training.
    monkeypatch.setattr("interpret.finetuning.command.work", lambda folder, _tell, own: read_run(folder))
    asked = ["--data", str(tmp_path / name), "--judged", str(tmp_path / name).replace(name, f"other-{name}")]
    (tmp_path / f"other-{name}").write_text(content.replace("bank", "river"), "utf-8")
    more = ["--task", task, "--model", str(folder), "--device", "cpu", "--out", str(tmp_path / "run")]
    assert main([*asked, *more]) == 0
    told = capsys.readouterr().err
    for line in lines:
        assert line in told
        assert line.replace("“", "“other-") in told
    for sentence in said:
        assert sentence.replace(": 2.", ": 4.").replace("(1)", "(2)").replace(": 1.", ": 2.") in told


@pytest.mark.parametrize("other", ["of a run", "unknown"])
def test_the_command_says_for_whom_it_waits(folder, rows, tmp_path, capsys, monkeypatch, other):
    def waits(folder, callback, own):
        callback(Waiting("the other", "20260101-000000-1") if other == "of a run" else Waiting("", ""), 0)
        return read_run(folder)

    monkeypatch.setattr("interpret.finetuning.command.work", waits)
    (tmp_path / "rows.csv").write_bytes(rows)
    asked = ["--data", str(tmp_path / "rows.csv"), "--label", "kind", "--model", str(folder), "--device", "cpu"]
    main([*asked, "--out", str(tmp_path / "run")])
    name = "“the other” (20260101-000000-1)" if other == "of a run" else "another process"
    said = capsys.readouterr().err
    assert f"waiting: {name} uses this device or was queued first; waiting does not count as training time" in said
