"""The record of runs in MLflow: on this machine in SQLite, or on the server that ``MLFLOW_TRACKING_URI`` names."""

import logging
import os
import queue
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from interpret.core.errors import InputError
from interpret.core.extras import needed_for
from interpret.core.files import link
from interpret.core.redaction import first_line, redacted, report
from interpret.finetuning.metrics_log import LOG, Evaluation, Step, Stopped
from interpret.finetuning.runs import Run, write_state

EXPERIMENT = "bertoscope"
_DATABASE = "mlflow.db"
# Where MLflow itself keeps and shows a description.
_NOTE = "mlflow.note.content"
_ALIAS = re.compile(r"[A-Za-z][\w-]{0,39}", re.ASCII)
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
    place = root / _DATABASE
    if uri == f"sqlite:///{place}" and not place.exists():
        # Whoever is killed while MLflow makes its tables leaves half of them, which it refuses ever after.
        with FileLock(root / ".record.lock"):
            if not place.exists():
                beside = root / f".{_DATABASE}.{os.getpid()}"
                beside.unlink(missing_ok=True)
                client(f"sqlite:///{beside}", f"sqlite:///{beside}").search_experiments()
                beside.replace(place)
    return client(uri, uri)


def find_experiment(client: Any, root: Path) -> str:
    """Return the id of the experiment, made where there is none yet."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    from mlflow.exceptions import MlflowException

    local = tracking_uri(root).startswith("sqlite:")
    try:
        return str(client.create_experiment(EXPERIMENT, (root / ".artifacts").as_uri() if local else None))
    except MlflowException:
        # Another process was faster.
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            raise
        return str(found.experiment_id)


class Record:
    """A run's place in the record, written by a thread of its own.

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

    def tell(self, what: Step | Evaluation) -> None:
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
        place = client.get_run(self.id).info.artifact_uri
        if not place.startswith("file:"):
            client.log_artifacts(self.id, str(model), "model")
            return
        from urllib.parse import urlparse
        from urllib.request import url2pathname

        # On this machine the record holds the same files, not copies of them.
        target = Path(url2pathname(urlparse(place).path)) / "model"
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


@dataclass(frozen=True)
class RunRecord:
    """A run as the record has it.

    Attributes
    ----------
    id, run
        Its id in MLflow, and the name of its folder.
    name, status
        What it is called, and MLflow's word for its state.
    note, aliases
        What a person wrote about it, and what they call its model, such as ``"champion"``.
    params, metrics
        What it was asked, and its last numbers.
    begun
        Seconds since 1970.
    """

    id: str
    run: str
    name: str
    status: str
    note: str
    aliases: tuple[str, ...]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    begun: float


def read_record(root: Path, most: int = 500) -> list[RunRecord]:
    """Return the runs in the record, the newest first.

    Raises
    ------
    InputError
        If the record cannot be reached.
    """
    with _reached(root) as client:
        experiment = find_experiment(client, root)
        aliases = _aliases(client)
        found = client.search_runs([experiment], max_results=most, order_by=["attributes.start_time DESC"])
        return [
            RunRecord(
                one.info.run_id,
                one.data.tags.get("bertoscope.run", ""),
                one.info.run_name,
                one.info.status,
                one.data.tags.get(_NOTE, ""),
                aliases.get(one.info.run_id, ()),
                dict(one.data.params),
                dict(one.data.metrics),
                one.info.start_time / 1000,
            )
            for one in found
        ]


def write_note(root: Path, record: str, note: str) -> None:
    """Write what a person says about a run.

    Raises
    ------
    InputError
        If it is longer than the record keeps, or the record cannot be reached.
    """
    if len(note) > LONGEST_NOTE:
        raise InputError(
            "A note can have at most {most} characters; this one has {count}. Shorten it.",
            most=f"{LONGEST_NOTE:,}",
            count=f"{len(note):,}",
        )
    with _reached(root) as client:
        client.set_tag(record, _NOTE, note)


def set_alias(root: Path, record: str, alias: str) -> None:
    """Call a run's model by a name of its own, such as ``"champion"``; whichever had the name before loses it.

    Raises
    ------
    InputError
        If the name is none that MLflow allows, the run has no model in the record, or the record cannot be reached.
    """
    if not _ALIAS.fullmatch(alias):
        raise InputError(
            "“{name}” cannot be an alias. Use up to 40 letters, digits, “-” and “_”, starting with a letter.",
            name=alias,
        )
    with _reached(root) as client:
        version = _version(client, record)
        client.set_registered_model_alias(EXPERIMENT, alias, version)


def drop_alias(root: Path, alias: str) -> None:
    """Take a name away from whichever model has it.

    Raises
    ------
    InputError
        If the record cannot be reached.
    """
    with _reached(root) as client:
        client.delete_registered_model_alias(EXPERIMENT, alias)


def delete_record(root: Path, record: str) -> None:
    """Delete a run from the record, with the names of its model.

    Raises
    ------
    InputError
        If the record cannot be reached.
    """
    with _reached(root) as client:
        for alias in _aliases(client).get(record, ()):
            client.delete_registered_model_alias(EXPERIMENT, alias)
        client.delete_run(record)


def _version(client: Any, record: str) -> str:
    """Return the version of a run's model in the registry, made where there is none yet."""
    run = client.get_run(record)
    if not any(one.path == "model" for one in client.list_artifacts(record)):
        raise InputError("The run “{name}” has no model in the MLflow record yet.", name=run.info.run_name)
    if not client.search_registered_models(f"name = '{EXPERIMENT}'"):
        client.create_registered_model(EXPERIMENT)
    versions = client.search_model_versions(f"name = '{EXPERIMENT}'")
    found = next((one for one in versions if one.run_id == record), None)
    if found is None:
        found = client.create_model_version(EXPERIMENT, f"{run.info.artifact_uri}/model", record)
    return str(found.version)


def _aliases(client: Any) -> dict[str, tuple[str, ...]]:
    """Return the names of each run's model."""
    models = client.search_registered_models(f"name = '{EXPERIMENT}'")
    if not models:
        return {}
    runs = {str(one.version): one.run_id for one in client.search_model_versions(f"name = '{EXPERIMENT}'")}
    found: dict[str, tuple[str, ...]] = {}
    for alias, version in models[0].aliases.items():
        record = runs.get(str(version), "")
        found[record] = (*found.get(record, ()), alias)
    return found


@contextmanager
def _reached(root: Path) -> Iterator[Any]:
    """Give the client, and turn a record that does not answer into a sentence."""
    with needed_for("finetune"):
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

    try:
        yield connect(root)
    # An address may name a driver that is not installed.
    except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
        raise InputError(
            "The MLflow record at {place} does not respond: {error}. Check that the server is running and that "
            "MLFLOW_TRACKING_URI is right.",
            place=redacted(tracking_uri(root)),
            error=first_line(error, 200),
        ) from error
