"""The files that a person has brought: uploaded once, read by every page, found again after a reload."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from dashboard import cache
from dashboard.bounded import Kept
from dashboard.visitors import visitor
from interpret.core.characters import whole_characters
from interpret.core.column_roles import ColumnRoles, guess_roles
from interpret.core.data_card import DataCard, make_data_card
from interpret.core.errors import InputError
from interpret.core.files import SUFFIXES, Table, decode, read_table

# Of one person: the training set, the test set and some more. The server takes 50 MB of each.
MOST_FILES = 8
# Of all people together. Who was not here for longest gives way.
MOST_BYTES = 2**30
# Since they were last looked at.
KEPT_HOURS = 12


@dataclass(frozen=True)
class SlotFile:
    """A file in the slot.

    Attributes
    ----------
    name
        What it is called.
    uploaded
        Its bytes.
    encoding
        The encoding that somebody chose for it; empty where it is found in the bytes.
    chosen_roles
        Which column somebody has given which role, in order: see `interpret.core.column_roles.ColumnRoles.chosen`.
    key
        Tells the file from any other, whatever was chosen about it. Made once: a page asks for it many times, of up to
        50 MB.
    """

    name: str
    uploaded: bytes
    encoding: str = ""
    chosen_roles: tuple[tuple[str, int | None], ...] = ()
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Make the key."""
        digest = hashlib.blake2b(self.name.encode() + b"\0", digest_size=16)
        digest.update(self.uploaded)
        object.__setattr__(self, "key", digest.hexdigest())

    @property
    def about(self) -> str:
        """Tells the file, as it is read, from any other."""
        return f"{self.key}:{self.encoding}" if self.encoding else self.key

    @property
    def suffix(self) -> str:
        """What its name ends with, such as ``.csv``."""
        return "." + self.name.rpartition(".")[2].lower()

    @property
    def content(self) -> bytes:
        """Its bytes in an encoding that is told without being chosen: UTF-8, where one was.

        Raises
        ------
        InputError
            If it is no text in the encoding that was chosen.
        """
        if not self.encoding:
            return self.uploaded
        return cache.of_upload(lambda: decode(self.uploaded, self.name, self.encoding)[0].encode(), "text", self.about)

    @property
    def table(self) -> Table:
        """Its rows.

        Raises
        ------
        InputError
            If it cannot be read as a table.
        """
        return self._read()

    @property
    def roles(self) -> ColumnRoles:
        """Which column is what, as guessed, but for what was said.

        Raises
        ------
        InputError
            If it cannot be read as a table.
        """
        roles = cache.of_upload(lambda: guess_roles(self.table), "roles", self.about)
        for role, column in self.chosen_roles:
            roles = roles.chosen(role, column)
        return roles

    @property
    def card(self) -> DataCard:
        """What is in it.

        Raises
        ------
        InputError
            If it cannot be read as a table.
        """
        roles = self.roles
        return cache.of_upload(lambda: make_data_card(self.table, roles), "card", self.about, roles.text, roles.label)

    def check(self) -> None:
        """Refuse what is called a table and cannot be read as one.

        Raises
        ------
        InputError
            If it is so.
        """
        if self.suffix in SUFFIXES:
            self._read()

    def _read(self) -> Table:
        return cache.of_upload(lambda: read_table(self.uploaded, self.name, self.encoding), "table", self.about)


class Slot:
    """The files of everybody who is here, in memory, within a bound.

    Parameters
    ----------
    most
        Bytes of all of them together.
    hours
        How long files are kept that nobody looks at.
    """

    def __init__(self, most: int = MOST_BYTES, hours: float = KEPT_HOURS) -> None:
        self.most, self.seconds = most, hours * 3600
        self._files: OrderedDict[str, tuple[float, tuple[SlotFile, ...]]] = OrderedDict()
        self._lock = Lock()

    def files(self, who: str) -> tuple[SlotFile, ...]:
        """Return somebody's files, the one that is in use first."""
        with self._lock:
            self._forget_old()
            found = self._files.get(who, (0.0, ()))[1]
            if found:
                self._put(who, found)
            return found

    def take(self, who: str, file: SlotFile, first: bool = True) -> None:
        """Take a file in: first, or behind the one in use. The same file again is the one that was there.

        Raises
        ------
        InputError
            If it is larger than all files together may be.
        """
        if len(file.uploaded) > self.most:
            raise InputError("There is no room for “{name}” beside what is open. Use a part of it.", name=file.name)
        with self._lock:
            before = self._files.get(who, (0.0, ()))[1]
            same = next((one for one in before if one.key == file.key), file)
            others = [one for one in before if one.key != file.key]
            others.insert(0 if first or not others else 1, same)
            self._put(who, tuple(others[:MOST_FILES]))
            while self._used() > self.most and len(self._files) > 1:
                self._files.popitem(last=False)
            while self._used() > self.most:
                self._put(who, self._files[who][1][:-1])

    def change(self, who: str, key: str, file: SlotFile | None) -> None:
        """Put another reading of a file in its place, or nothing."""
        with self._lock:
            found = self._files.get(who, (0.0, ()))[1]
            changed = tuple(file if one.key == key else one for one in found)
            self._put(who, tuple(one for one in changed if one is not None))

    def free(self, present: Collection[str]) -> int:
        """Let go of the files of all who are not here, and return how many bytes these took."""
        with self._lock:
            before = self._used()
            for who in [who for who in self._files if who not in present]:
                del self._files[who]
            return before - self._used()

    @property
    def kept(self) -> Kept:
        """How many files are kept, and how many bytes they take."""
        with self._lock:
            return Kept(sum(len(files) for _when, files in self._files.values()), self._used(), self.most)

    def _put(self, who: str, files: tuple[SlotFile, ...]) -> None:
        self._files.pop(who, None)
        if files:
            self._files[who] = time.monotonic(), files

    def _used(self) -> int:
        return sum(len(one.uploaded) for _when, files in self._files.values() for one in files)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for who in [who for who, (when, _files) in self._files.items() if now - when > self.seconds]:
            del self._files[who]


SLOT = Slot()


def files(suffixes: Sequence[str] = ()) -> tuple[SlotFile, ...]:
    """Return the reader's files whose names end so, the one that is in use first; all of them without suffixes."""
    return tuple(one for one in SLOT.files(visitor()) if not suffixes or one.suffix in suffixes)


def find_file(key: str) -> SlotFile | None:
    """Return one of the reader's files."""
    return next((one for one in files() if one.key == key), None)


def take_file(name: str, content: bytes, first: bool = True) -> SlotFile:
    """Take in a file that was uploaded.

    Raises
    ------
    InputError
        If it is called a table but cannot be read as one; what was there stays in use.
    """
    # A name may hold half a character, which neither a key nor a message can.
    file = SlotFile(whole_characters(name), content)
    file.check()
    SLOT.take(visitor(), file, first)
    return file


def use_file(key: str) -> None:
    """Let one of the reader's files be the one that pages read."""
    found = find_file(key)
    if found is not None:
        SLOT.take(visitor(), found)


def drop_file(key: str) -> None:
    """Forget one of the reader's files."""
    SLOT.change(visitor(), key, None)


def say_role(key: str, role: str, column: int | None) -> None:
    """Note that a column of one of the reader's files has a role, or that none has."""
    found = find_file(key)
    if found is not None:
        SLOT.change(visitor(), key, replace(found, chosen_roles=(*found.chosen_roles, (role, column))))


def say_encoding(key: str, encoding: str) -> None:
    """Read one of the reader's files in another encoding; what was said of its columns is asked anew.

    Raises
    ------
    InputError
        If it is no text in it; it is then read as before.
    """
    found = find_file(key)
    if found is not None:
        other = replace(found, encoding=encoding, chosen_roles=())
        other.check()
        SLOT.change(visitor(), key, other)
