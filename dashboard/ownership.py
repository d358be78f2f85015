"""Whose a run is, and who may see and change it, where people sign in; elsewhere everything is everybody's.

A run is seen by its owner, by all where it is shared, and by who runs the server. Who sees one can use its model, go on
from it and save it; its owner alone, and who runs the server, stop, resume, rename, share and delete it. One without an
owner, as of the time before people signed in, is seen by who runs the server.

This is the only way by which pages come to runs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import interpret as it
from dashboard import state
from dashboard.language import _
from dashboard.sign_in.people import Person
from dashboard.sign_in.session import needs_sign_in, person
from interpret.core.errors import InputError
from interpret.core.files import write_whole
from interpret.core.regular_files import read_regular
from interpret.core.saved_values import BROKEN, as_object

OWNER = "owner.json"


class Owner(NamedTuple):
    """Whose a folder is: their `Person.id`, what they were called then, and whether all may see what is in it."""

    id: str
    name: str
    shared: bool


def owner_of(folder: Path) -> Owner | None:
    """Return whose a folder is; None where that is not known, or cannot be read."""
    try:
        given = as_object(read_regular(folder / OWNER))
        id_, name, shared = given["id"], given["name"], given["shared"]
    except BROKEN:
        return None
    known = isinstance(id_, str) and isinstance(name, str) and isinstance(shared, bool)
    return Owner(id_, name, shared) if known else None


def known_person() -> Person | None:
    """Return who is here; None where nobody signs in.

    Raises
    ------
    InputError
        If it is not known any more who is here: a tab may be open for longer than a sign-in is good for.
    """
    who = person()
    if who is None and needs_sign_in():
        raise InputError("Your sign-in has ended. Reload the page and sign in again.")
    return who


def take(folder: Path, shared: bool = False) -> None:
    """Write down that a folder is of who is here; nothing where nobody signs in.

    Raises
    ------
    InputError
        If it cannot be written, or it is not known any more who is here.
    """
    who = known_person()
    if who is not None:
        _write(folder, Owner(who.id, who.name, shared))


def share(run: it.runs.Run, shared: bool) -> None:
    """Let all see a run, or its owner alone.

    Raises
    ------
    InputError
        If it is somebody else's, or that cannot be written.
    """
    check_change(run)
    owner, who = owner_of(run.folder), known_person()
    if who is None:
        return
    if owner is None and os.path.lexists(run.folder / OWNER):
        raise InputError(
            "Whose the run “{name}” is cannot be read: its file “{file}” is damaged. Mend it, or delete it and whoever "
            "shares the run owns it.",
            name=run.request.name,
            file=OWNER,
        )
    # Nobody's so far: whoever shares it answers for it.
    owner = owner or Owner(who.id, who.name, shared)
    _write(run.folder, owner._replace(shared=shared))


def _write(folder: Path, owner: Owner) -> None:
    with _writing(folder):
        write_whole(folder / OWNER, json.dumps(owner._asdict(), ensure_ascii=False))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            "Whose “{name}” is cannot be written: {error}. Free some disk space, or allow writing there.",
            name=folder.name,
            error=error.strerror or str(error),
        ) from error


# ---- who may what


def may_be_seen(folder: Path, who: Person | None) -> bool:
    """Tell whether somebody may see a run; None is nobody that is known."""
    if who is None or who.owns_server:
        # A session whose person is not known any more sees nothing.
        return who is not None or not needs_sign_in()
    owner = owner_of(folder)
    return owner is not None and (owner.shared or owner.id == who.id)


def may_see(folder: Path) -> bool:
    """Tell whether who is here may see a run."""
    return may_be_seen(folder, person())


def may_change(folder: Path) -> bool:
    """Tell whether who is here may stop, resume, rename, share and delete a run."""
    who = person()
    if who is None or who.owns_server:
        return who is not None or not needs_sign_in()
    owner = owner_of(folder)
    return owner is not None and owner.id == who.id


def check_change(run: it.runs.Run) -> None:
    """Refuse to change what is somebody else's: a page may have been drawn long ago.

    Raises
    ------
    InputError
        If it is so.
    """
    if not may_change(run.folder):
        raise InputError(
            "The run “{name}” is not yours. Its owner, or whoever runs this server, can change it.",
            name=run.request.name,
        )


def runs_server() -> bool:
    """Tell whether who is here runs this server, as everybody does where nobody signs in."""
    who = person()
    return not needs_sign_in() if who is None else who.owns_server


def check_model(spec: it.EncoderSpec) -> None:
    """Refuse a model of a run that who is here may not see, or not any more.

    Raises
    ------
    InputError
        If it is so.
    """
    root = state.runs_folder().resolve()
    folder = Path(spec.checkpoint.name)
    if spec.checkpoint.source != "folder" or root not in folder.parents:
        return
    if not may_see(root / folder.relative_to(root).parts[0]):
        raise InputError("The model of this is of a run that is not shared with you, or no longer exists.")


# ---- runs


def runs() -> list[it.runs.Run]:
    """Return the runs that who is here may see, the newest first."""
    who = person()
    return [run for run in it.runs.list_runs(state.runs_folder()) if may_be_seen(run.folder, who)]


def run(run_id: str) -> it.runs.Run:
    """Return a run by its id.

    Raises
    ------
    InputError
        If there is none, or it is not for who is here to see: which of the two is not said.
    """
    folder = state.runs_folder() / run_id
    if folder.parent != state.runs_folder() or not may_see(folder):
        raise InputError("“{folder}” is not a run, or no longer exists.", folder=folder.name)
    return it.runs.read_run(folder)


def model_names() -> dict[str, str]:
    """Name the runs that have a model and may be seen, by their ids, the newest first."""
    root, who = state.runs_folder(), person()
    found = {}
    for folder in sorted(root.iterdir(), reverse=True) if root.is_dir() else ():
        if (folder / "model" / "config.json").exists() and may_be_seen(folder, who):
            with suppress(*BROKEN):
                found[folder.name] = str(as_object(read_regular(folder / "request.json"))["name"])
    return found


def waits_for(one: it.runs.Run) -> str:
    """Return the name of the run that one waits for, where it may be seen; empty elsewhere."""
    if not needs_sign_in():
        return one.waits_for
    return one.waits_for if any(other.request.name == one.waits_for for other in runs() if other.active) else ""


# ---- what is one person's alone


def own_folder() -> Path:
    """Return the folder for what is of who is here and of nobody else; that of all runs where nobody signs in.

    Raises
    ------
    InputError
        If it is not known any more who is here.
    """
    who = known_person()
    if who is None:
        return state.runs_folder()
    return people_folder() / hashlib.blake2b(who.id.encode(), digest_size=12).hexdigest()


def people_folder() -> Path:
    """Return the folder with a folder for each person."""
    return state.runs_folder() / "people"


def all_explanations() -> list[Path]:
    """Return the folders with explanations of all people, and of the time before they signed in."""
    return [state.runs_folder() / "explanations", *sorted(people_folder().glob("*/explanations"))]


def explanations_folder() -> Path:
    """Return the folder where whole files that were explained are kept, of who is here alone; see `own_folder`."""
    return own_folder() / "explanations"


def take_own_folder() -> None:
    """Make `own_folder`, and write down whose it is; nothing where nobody signs in.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    folder = own_folder()
    if known_person() is not None and owner_of(folder) is None:
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        take(folder)


def owner_name(folder: Path) -> str:
    """Return what the owner of a run is called; what a reader calls themselves where it is theirs."""
    owner, who = owner_of(folder), person()
    if owner is None:
        return _("nobody")
    return _("you") if who is not None and owner.id == who.id else owner.name
