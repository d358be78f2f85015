"""What the MLflow record says of runs, and what is written into it from a page."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interpret.core.errors import InputError
from interpret.finetuning.recipe import NAMES_BEFORE
from interpret.finetuning.record import ALIAS, ARTIFACTS, EXPERIMENT, LONGEST_NOTE, NOTE, find_experiment, reached


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

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> (record,) = it.runs.read_record(Path("runs"))
    >>> record.run, record.status
    ('topics', 'FINISHED')
    >>> record.metrics["final_accuracy"]
    1.0
    """
    with reached(root) as client:
        experiment = find_experiment(client, root)
        aliases = _aliases(client)
        found = client.search_runs([experiment], max_results=most, order_by=["attributes.start_time DESC"])
        return [
            RunRecord(
                one.info.run_id,
                one.data.tags.get("bertoscope.run", ""),
                one.info.run_name,
                one.info.status,
                one.data.tags.get(NOTE, ""),
                aliases.get(one.info.run_id, ()),
                {NAMES_BEFORE.get(name, name): value for name, value in one.data.params.items()},
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

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> it.runs.write_note(Path("runs"), run.record, "The first one.")
    >>> it.runs.read_record(Path("runs"))[0].note
    'The first one.'
    """
    if len(note) > LONGEST_NOTE:
        raise InputError(
            "A note can have at most {most} characters; this one has {count}. Shorten it.",
            most=f"{LONGEST_NOTE:,}",
            count=f"{len(note):,}",
        )
    with reached(root) as client:
        client.set_tag(record, NOTE, note)


def set_alias(root: Path, record: str, alias: str) -> None:
    """Call a run's model by a name of its own, such as ``"champion"``; whichever had the name before loses it.

    Raises
    ------
    InputError
        If the name is none that MLflow allows, the run has no model in the record, or the record cannot be reached.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> it.runs.set_alias(Path("runs"), run.record, "champion")
    >>> it.runs.read_record(Path("runs"))[0].aliases
    ('champion',)
    """
    if not ALIAS.fullmatch(alias):
        raise InputError(
            "“{name}” cannot be an alias. Use up to 40 letters, digits, “-” and “_”, starting with a letter.",
            name=alias,
        )
    with reached(root) as client:
        version = _version(client, record)
        client.set_registered_model_alias(EXPERIMENT, alias, version)


def drop_alias(root: Path, alias: str) -> None:
    """Take a name away from whichever model has it.

    Raises
    ------
    InputError
        If the record cannot be reached.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> it.runs.set_alias(Path("runs"), run.record, "champion")
    >>> it.runs.drop_alias(Path("runs"), "champion")
    >>> it.runs.read_record(Path("runs"))[0].aliases
    ()
    """
    with reached(root) as client:
        client.delete_registered_model_alias(EXPERIMENT, alias)


def delete_record(root: Path, record: str) -> None:
    """Delete a run from the record, with its model there and the names of it.

    Raises
    ------
    InputError
        If the record cannot be reached.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> run = it.runs.read_run(Path("runs/topics"))
    >>> it.runs.delete_record(Path("runs"), run.record)
    >>> run.record in [record.id for record in it.runs.read_record(Path("runs"))]
    False
    """
    with reached(root) as client:
        for alias in _aliases(client).get(record, ()):
            client.delete_registered_model_alias(EXPERIMENT, alias)
        client.delete_run(record)
    # MLflow marks it as deleted, and keeps the files: the disk has the model as long as it has one name for it.
    if re.fullmatch("[0-9a-f]{32}", record):
        shutil.rmtree(root / ARTIFACTS / record, ignore_errors=True)


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
