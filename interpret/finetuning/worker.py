"""The work on a run, in a process of its own: its turn on the device, the training, what came of it."""

import gc
import logging
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import transformers
from filelock import FileLock, Timeout

from interpret.core.device_lock import forget_peak, release
from interpret.core.disk_errors import disk_reason
from interpret.core.encoder_loading import load_encoder
from interpret.core.errors import CapacityError, InputError, InterpretError
from interpret.core.files import write_whole
from interpret.core.layer_groups import layer_group_names
from interpret.core.process_state import itself, launcher, long_work, write_end, write_state
from interpret.core.redaction import Redacting, first_line, report
from interpret.finetuning.examples import Examples
from interpret.finetuning.metrics_log import (
    Callback,
    Stopped,
    examples_a_second,
)
from interpret.finetuning.metrics_writer import MetricsWriter
from interpret.finetuning.objective import find_objective
from interpret.finetuning.outcome import read_run_examples
from interpret.finetuning.recipe import AUTO, resolve
from interpret.finetuning.record import Record, load_client
from interpret.finetuning.regularization import ParentRun, replayed
from interpret.finetuning.request import Request
from interpret.finetuning.run_device import settle_device
from interpret.finetuning.run_files import damaged
from interpret.finetuning.run_results import keep_results
from interpret.finetuning.runs import LOCK, Run, make_run, read_run
from interpret.finetuning.splits import Split
from interpret.finetuning.training import Trained, settle_precision, train
from interpret.finetuning.turns import SECONDS_BETWEEN_LOOKS, turn

_log = logging.getLogger(__name__)
# Where the first process of `accelerate launch` says that it left a run to somebody else.
_LEFT = ".left"


def work(folder: Path, callback: Callback | None = None, own: bool = False) -> Run:
    """Work on a run until it is done, stopped or has failed; returns it as it is then.

    Where it was worked on before it goes on from its last checkpoint. One run works on a device at a time; others of
    the same folder wait for their turn, the one that was asked for first. SIGTERM and SIGINT ask it to stop.

    Parameters
    ----------
    callback
        Called with every step and evaluation, beside what is written down.
    own
        Whether this process is for runs alone: the card of the first one becomes the only one that it sees.

    Raises
    ------
    InputError
        If the folder is no run.
    """
    folder = folder.resolve()
    run = read_run(folder)
    if int(os.environ.get("RANK", "0")):
        return _help(folder)
    if run.state == "damaged":
        return run
    try:
        alone = FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        # Two people asked for the same run to go on: one process is enough.
        (folder / _LEFT).write_text(str(os.getppid()), "utf-8")
        return run
    except OSError as error:
        why = _unforeseen(error) if disk_reason(error) else damaged(folder / LOCK, error.strerror or error)
        write_end(folder, why, ended=time.time())
        return read_run(folder)
    with alone, _stopped_by_signals(folder):
        try:
            write_state(folder, state="waiting", **itself(), error=None)
            device, inside = settle_device(run.request.recipe.device, own)
            with long_work(folder), turn(run, device, callback) as came:
                if not came:
                    raise Stopped
                _work(_decided(run, inside), device, inside, callback)
        except Stopped:
            write_end(folder, ended=time.time())
        except InterpretError as error:
            write_end(folder, error, ended=time.time())
        except MemoryError:
            write_end(
                folder,
                CapacityError(
                    "This machine ran out of memory. Use a smaller batch size, shorter texts or a smaller model."
                ),
                ended=time.time(),
            )
        except Exception as error:
            report(_log, "a run failed")
            write_end(folder, _unforeseen(error), ended=time.time())
    # A trainer and its model hold each other: the next run of a sweep would find their memory taken.
    gc.collect()
    release()
    return read_run(folder)


def _help(folder: Path) -> Run:
    """Train as one of the further processes of `accelerate launch`: the first one keeps the books."""
    # It has its turn on the device when the first one has; what the state says before that one came is an old story.
    parent, left = os.getppid(), folder / _LEFT
    while True:
        run = read_run(folder)
        if launcher(folder) == parent and run.state != "waiting":
            break
        if os.getppid() != parent or (left.exists() and left.read_text("utf-8") == str(parent)):
            return run
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if run.state in ("running", "stopping"):
        with suppress(Stopped):
            # The first one has said which kind of device it is; each has a card of its own.
            _train(run, settle_device(run.device, own=True)[1], None)
    return read_run(folder)


def finetune(
    folder: Path, request: Request, data: bytes, test_data: bytes | None = None, callback: Callback | None = None
) -> Run:
    r"""Fine-tune a model here and now, and return the run as it ended.

    Parameters
    ----------
    folder
        Where the run and its model are written; it must not exist yet.
    data, test_data
        The labelled files.
    callback
        Called with every step and evaluation.

    Raises
    ------
    InputError
        If there is something in the folder's place.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> rows = [f"The {word} lent us money.,money" for word in ("bank", "fund", "state", "firm", "broker", "king")]
    >>> rows += [f"The {word} lay in the sun.,nature" for word in ("river", "hill", "lake", "wood", "valley", "field")]
    >>> recipe = it.Recipe("minilm", frozen=("embeddings", "0", "1", "2", "3"), epochs=4, batch_size=4, held_out=0.34)
    >>> request = it.runs.Request(recipe, "topics", "topics.csv", text="text", label="topic")
    >>> run = it.finetune(Path("runs/topics"), request, "\n".join(["text,topic", *rows]).encode())
    >>> run.state, run.step
    ('done', 8)
    >>> it.finetuning.read_outcome(run).results.accuracy
    1.0
    >>> it.load_encoder(str(run.model)).task.labels
    ('money', 'nature')
    """
    return work(make_run(folder, request, data, test_data).folder, callback)


def _unforeseen(error: Exception) -> InterpretError:
    """Return the sentence for an error that nobody has turned into one where it arose."""
    if reason := disk_reason(error):
        return CapacityError(
            "A file of the run could not be read or written: {error}. What was saved before is kept. Free some disk "
            "space, or allow writing there, then resume.",
            error=reason,
        )
    return InputError(
        "The run ended with an unexpected error: {error}. Its log has the details.", error=first_line(error)
    )


@contextmanager
def _stopped_by_signals(folder: Path) -> Iterator[None]:
    """While the block runs, SIGTERM and SIGINT ask for a polite stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request_stop(_number: int, _frame: object) -> None:
        (folder / "stop").touch()

    before = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)


def _decided(run: Run, device: str) -> Run:
    """Decide what a recipe leaves to what suits, and write it down: the record says what was done."""
    recipe = run.request.recipe
    if recipe.decided:
        return run
    encoder = load_encoder(run.base, "cpu")
    decided = resolve(recipe, layer_group_names(encoder.model, encoder.family), encoder.width, run.request.task)
    if recipe.precision == AUTO:
        texts = read_run_examples(run.folder, run.request)[0].texts if device != "cpu" else ()
        here = replace(decided, model=run.base, device=device)
        decided = replace(decided, precision=settle_precision(here, texts))
    write_whole(run.folder / "request.json", replace(run.request, recipe=decided).to_json())
    return read_run(run.folder)


def _work(run: Run, outside: str, device: str, callback: Callback | None) -> None:
    folder = run.folder
    write_state(folder, state="running", device=outside, begun=run.begun or time.time(), ended=0.0, read=0.0)
    # What the run before it in this process took is nothing of this one's.
    forget_peak(device)
    with Record(run) as record:
        metrics_writer = MetricsWriter(folder, record, device, callback)
        trained, split = _train(run, device, metrics_writer)
        seconds = metrics_writer.seconds
        metrics_writer.open().close()
        objective = find_objective(trained.task)
        found = objective.measure(trained.answers, trained.labels)
        keep_results(run, trained)
        facts = found.facts() | {
            "loss": trained.loss,
            "epochs": trained.best,
            "trainable": float(sum(one.learns for one in trained.layer_groups)),
            "parameters": float(sum(one.parameters for one in trained.layer_groups)),
            "kept": float(trained.kept),
            "seconds": seconds,
            "per_second": examples_a_second(trained.evaluations[-1].epoch, len(split.train), seconds),
            "learned": float(len(split.train)),
            "judged": float(len(split.test)),
        }
        if split.apart:
            facts["validated"] = float(len(split.validation))
        elif run.request.recipe.patience:
            facts["among"] = float(len(trained.evaluations))
            if trained.choice is not None and math.isfinite(trained.choice.honest):
                facts["honest"] = trained.choice.honest
        begun = trained.evaluations[0]
        facts |= {f"{name}_before": one for name, one in begun.facts.items() if begun.step == 0}
        try:
            facts |= objective.measure_afterwards(run, device)
        except Exception:
            # The training itself is done, and its model saved.
            report(_log, "what is measured after the training could not be")
        state = "stopped" if trained.stopped else "done"
        record.end(facts, state, folder / "model")
    last = trained.evaluations[-1].step
    write_state(folder, state=state, step=last, ended=time.time(), facts=facts)
    if not trained.stopped:
        # Only now: who is killed in between has them still. They are three times the size of the model.
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _train(run: Run, device: str, callback: Callback | None) -> tuple[Trained, Split]:
    """Train, and tell which examples served for what."""
    request = run.request
    examples, split = read_run_examples(run.folder, request)
    recipe = replace(request.recipe, device=device, model=run.base)
    parent_run = read_parent(run) if recipe.replay or recipe.regularization == "ewc" else None
    if recipe.replay and parent_run is not None:
        examples, train_rows = replayed(examples, split.train, parent_run, recipe.replay, recipe.seed)
        split = replace(split, train=train_rows)
    if not int(os.environ.get("RANK", "0")):
        write_state(run.folder, rows=_rows(examples, split))
    checkpoints = run.folder / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    stop_file = run.folder / "stop"
    trained = train(
        recipe,
        examples,
        split.train,
        split.validation,
        callback,
        stop_file.exists,
        checkpoints,
        request.probes,
        parent_run,
        split.test if split.apart else None,
    )
    return trained, split


def _rows(examples: Examples, split: Split) -> dict[str, float]:
    """Return what a page says of a run's data while it goes on: it must not read the data for it again and again."""
    found = {"learned": float(len(split.train)), "judged": float(len(split.test))}
    # Of the rows that each epoch is evaluated on; of words some may be beyond what is read.
    counts = find_objective(examples.task).labels_of(examples.some(split.validation))
    if counts and examples.tags is None and find_objective(examples.task).classifies:
        found["majority"] = max(counts.values()) / counts.total()
    return found


def read_parent(run: Run) -> ParentRun:
    """Return what the run had learned from whose model a run goes on from."""
    parent_run = run.parent_run
    if parent_run is None:
        raise InputError(
            "Replay and EWC need a parent run: they work only when training continues from another run's model. "
            "Choose such a model, or set the share of old examples to 0 and use L2-SP (“l2”) to prevent "
            "forgetting."
        )
    examples, split = read_run_examples(parent_run.folder, parent_run.request)
    return ParentRun(run.base, examples, np.asarray(split.train))


def get_ready() -> None:
    """Load now what a training loads when it comes to it: seconds that nobody should wait for after a click."""
    # The commonest architecture's code, which transformers loads by name.
    _ = transformers.BertModel
    # The record is written by a thread of its own: a run that is asked for meanwhile need not wait for it.
    threading.Thread(target=load_client, daemon=True).start()


def main(folder: Path) -> int:
    """Work on a run as a process of its own; returns the exit status."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(logging.BASIC_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    run = work(folder, own=True)
    return 0 if run.state in ("done", "stopped", "waiting", "running") else 1
