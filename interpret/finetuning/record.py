"""The record of runs in MLflow: on this machine in SQLite, or on the server that ``MLFLOW_TRACKING_URI`` names."""

import logging
import os
import queue
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from interpret.core.errors import InputError
from interpret.core.extras import needed_for
from interpret.core.files import link
from interpret.core.process_state import write_state
from interpret.core.redaction import first_line, redacted, report
from interpret.finetuning.metrics_log import LOG, Evaluation, Step, Stopped
from interpret.finetuning.runs import Run

EXPERIMENT = "bertoscope"
_DATABASE = "mlflow.db"
# Where a record on this machine has the files of its runs.
ARTIFACTS = ".artifacts"
# Where MLflow itself keeps and shows a description.
NOTE = "mlflow.note.content"
ALIAS = re.compile(r"[A-Za-z][\w-]{0,39}", re.ASCII)
_log = logging.getLogger(__name__)
# What MLflow keeps of a description, of a parameter and of a name for a model: it cuts the first, and refuses others.
LONGEST_NOTE, _LONGEST_PARAM, LONGEST_ALIAS = 8000, 6000, 40
# Metrics that go to the record together, and the longest that any waits, in seconds.
_TOGETHER = 500
_WAIT = 2.0
# How long the end of a run waits for a record that does not answer.
_PATIENCE = 30.0


def tracking_uri(root: Path) -> str:
    """Return where the runs of a folder are recorded."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / _DATABASE}"


def load_client() -> Any:
    """Return the class of MLflow's clients, which takes seconds to load."""
    # It reports its use to its makers otherwise: nothing leaves this machine unasked.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
    with needed_for("finetune"):
        from mlflow import MlflowClient

    # It sets its own level when it is loaded, and says every table that it makes.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient


def connect(root: Path) -> Any:
    """Return MLflow's client for the record of the runs in a folder."""
    client = load_client()
    uri = tracking_uri(root)
    database = root / _DATABASE
    if uri == f"sqlite:///{database}" and not database.exists():
        # Whoever is killed while MLflow makes its tables leaves half of them, which it refuses ever after.
        with FileLock(root / ".record.lock"):
            if not database.exists():
                # What one that was killed, or found the disk full, has left. Of its own name each time: MLflow takes a
                # file whose tables this process has made before for one that has them.
                for left in root.glob(f".{_DATABASE}.*"):
                    left.unlink(missing_ok=True)
                beside = root / f".{_DATABASE}.{secrets.token_hex(8)}"
                client(f"sqlite:///{beside}", f"sqlite:///{beside}").search_experiments()
                beside.replace(database)
    return client(uri, uri)


def find_experiment(client: Any, root: Path) -> str:
    """Return the id of the experiment, made where there is none yet."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    from mlflow.exceptions import MlflowException

    local = tracking_uri(root).startswith("sqlite:")
    try:
        return str(client.create_experiment(EXPERIMENT, (root / ARTIFACTS).as_uri() if local else None))
    except MlflowException:
        # Another process was faster.
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            raise
        return str(found.experiment_id)


class Record:
    """A run's entry in the record, written by a thread of its own.

    A training must not wait for a server, nor end because one does not answer: what cannot be recorded is logged, and
    the run's own folder has everything anyway.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.id = run.record
        self._queue: queue.Queue[Any] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="record", daemon=True)

    def __enter__(self) -> "Record":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._queue.put(("KILLED" if issubclass(kind, Stopped) else "FAILED", {}, None))
        self._thread.join(_PATIENCE)

    def log(self, what: Step | Evaluation) -> None:
        """Record a step or an evaluation, some time soon."""
        self._queue.put(what)

    def end(self, facts: Mapping[str, float], state: str, model: Path) -> None:
        """Record what came of it, and the model."""
        self._queue.put(("FINISHED" if state == "done" else "KILLED", dict(facts), model))

    def _write(self) -> None:
        try:
            self._record()
        except Exception:
            report(_log, "the run could not be recorded in MLflow")

    def _record(self) -> None:
        root = self.run.folder.parent
        client = connect(root)
        experiment = find_experiment(client, root)
        if self.id:
            client.update_run(self.id, status="RUNNING")
        else:
            self.id = self._begin(client, experiment)
            write_state(self.run.folder, record=self.id)
        from mlflow.entities import Metric

        ended = None
        while ended is None:
            some = [self._queue.get()]
            until = time.monotonic() + _WAIT
            while len(some) < _TOGETHER and (left := until - time.monotonic()) > 0:
                try:
                    some.append(self._queue.get(timeout=left))
                except queue.Empty:
                    break
                if isinstance(some[-1], tuple):
                    break
            ended = next((one for one in some if isinstance(one, tuple)), None)
            now = int(time.time() * 1000)
            metrics = [
                Metric(name, value, now, step)
                for one in some
                if not isinstance(one, tuple)
                for name, value, step in _metrics(one)
            ]
            try:
                for first in range(0, len(metrics), _TOGETHER):
                    client.log_batch(self.id, metrics=metrics[first : first + _TOGETHER])
            except Exception:
                # These are lost to the record; what comes after them need not be.
                report(_log, "some of the run could not be recorded in MLflow")
        status, facts, model = ended
        now = int(time.time() * 1000)
        if facts:
            client.log_batch(self.id, metrics=[Metric(f"final_{name}", value, now, 0) for name, value in facts.items()])
        for name in (LOG, "request.json"):
            # Nothing was told where it was stopped before its first step.
            if (self.run.folder / name).exists():
                client.log_artifact(self.id, str(self.run.folder / name))
        if model is not None:
            self._keep_model(client, model)
        client.set_terminated(self.id, status)

    def _begin(self, client: Any, experiment: str) -> str:
        request = self.run.request
        tags = {"bertoscope.run": self.run.id, "bertoscope.parent": request.parent, "bertoscope.group": request.group}
        begun = client.create_run(experiment, tags=tags, run_name=request.name)
        client.log_batch(
            begun.info.run_id,
            params=[_param(name, value) for name, value in request.params().items()],
        )
        return str(begun.info.run_id)

    def _keep_model(self, client: Any, model: Path) -> None:
        uri = client.get_run(self.id).info.artifact_uri
        if not uri.startswith("file:"):
            client.log_artifacts(self.id, str(model), "model")
            return
        from urllib.parse import urlparse
        from urllib.request import url2pathname

        # On this machine the record holds the same files, not copies of them.
        target = Path(url2pathname(urlparse(uri).path)) / "model"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(model, target, copy_function=link)


def _param(name: str, value: str) -> Any:
    from mlflow.entities import Param

    # It refuses all of a batch for one that is longer.
    return Param(name, (value if len(value) <= _LONGEST_PARAM else f"{value[: _LONGEST_PARAM - 1]}…") or "–")


def _metrics(what: Step | Evaluation) -> list[tuple[str, float, int]]:
    # Gradients of every layer group at every step would be ten times as many: they are in the file that is kept beside.
    if isinstance(what, Step):
        return [("loss", what.loss, what.number), ("learning_rate", what.rate, what.number)]
    found = {"evaluation_loss": what.loss, "evaluation_score": what.score}
    found |= {f"evaluation_{name}": value for name, value in what.facts.items()}
    found |= {f"moved_{name}": value for name, value in what.moved.items()}
    return [(name, value, what.step) for name, value in found.items()]


@contextmanager
def reached(root: Path) -> Iterator[Any]:
    """Give the client, and turn a record that does not answer into a sentence."""
    with needed_for("finetune"):
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

    try:
        yield connect(root)
    # An address may name a driver that is not installed.
    except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
        raise InputError(
            "The MLflow record at {address} does not respond: {error}. Check that the server is running and that "
            "MLFLOW_TRACKING_URI is right.",
            address=redacted(tracking_uri(root)),
            error=first_line(error, 200),
        ) from error
