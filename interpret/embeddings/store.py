"""Vectors kept on disk under a hash of what they are vectors of, so that a second look costs nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from interpret.core.arrays import read_only
from interpret.core.encoder import Encoder, EncoderSpec
from interpret.core.errors import CapacityError, InputError
from interpret.core.hub import Progress
from interpret.core.multi_device import all_encoders
from interpret.core.units import gigabytes
from interpret.embeddings.corpus import Embeddings, fill_together
from interpret.embeddings.reading_plan import Plan, chosen_reading, plan_corpus, readable_layers

# Counted up whenever the same choices come to mean other vectors.
_FORMAT = 2
_VECTORS, _ABOUT = "vectors.npy", "about.json"
_ARRAYS = ("text", "span", "token_counts", "windows")
# What folders call it that were written before these arrays had their names.
_BEFORE = {"token_counts": "pieces"}
# Not in folders of before texts could be cut off.
_CUT = "cut"


class Store:
    """A folder of embeddings with a limit on its size; what was used longest ago goes first.

    Only numbers are kept, and a word that was looked for, never the texts. Parts of a page or of two processes may use
    one folder at the same time: what is not whole has another name until it is.

    Parameters
    ----------
    folder
        Made when something is first put into it.
    limit
        In bytes.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def find(self, key: str, spec: EncoderSpec, texts: Sequence[str]) -> Embeddings | None:
        """Return what is kept under ``key``, its vectors left on disk until they are looked at; None if nothing is."""
        path = self.folder / key
        try:
            found = load_embeddings(path, spec, texts)
            os.utime(path)
        except (OSError, InputError):
            return None
        return found

    def embed(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        layers: str | Sequence[int] = "all",
        pooling: str = "auto",
        progress: Progress | None = None,
        *,
        level: str = "texts",
        word: str | None = None,
        prompt: str | None = None,
        beside: Sequence[Encoder] = (),
    ) -> Embeddings:
        """Do what `interpret.embed` does, or find it done; the vectors are on disk and not in memory.

        Raises
        ------
        CapacityError
            If the vectors do not fit into the folder's limit or the disk's free space.
        """
        texts, encoders = tuple(texts), all_encoders(encoder, beside)
        key = key_of(encoder, texts, layers, pooling, level, word, prompt)
        found = self.find(key, encoder.spec, texts)
        if found is not None:
            return found
        plan = plan_corpus(encoder, texts, layers, pooling, level, word, progress, prompt)
        self._make_room(plan.bytes)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=self.folder, prefix=".unfinished-"))
        try:
            vectors = create_vectors(path, plan)
            begin = time.perf_counter()
            fill_together(encoders, plan, vectors, progress)
            vectors.flush()
            del vectors
            describe(path, encoder, texts, plan, time.perf_counter() - begin)
            # Opened first: what is open stays readable, whoever deletes or replaces the folder meanwhile.
            found = load_embeddings(path, encoder.spec, texts)
            self._give_name(path, key, encoder.spec, texts)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return found

    def _give_name(self, path: Path, key: str, spec: EncoderSpec, texts: tuple[str, ...]) -> None:
        try:
            path.rename(self.folder / key)
        except OSError:
            if self.find(key, spec, texts) is None:
                # What is there is damaged.
                shutil.rmtree(self.folder / key, ignore_errors=True)
                path.rename(self.folder / key)
            else:
                # Another session or process was faster with the very same.
                shutil.rmtree(path, ignore_errors=True)

    def used(self) -> int:
        """Return the size of everything kept, in bytes."""
        return sum(size for _path, size, _time in self._kept())

    def clear(self) -> None:
        """Delete everything kept. What is being looked at stays readable until nobody looks at it."""
        for path, _size, _time in self._kept():
            shutil.rmtree(path, ignore_errors=True)

    def _kept(self) -> list[tuple[Path, int, float]]:
        """List what is kept, and what a killed process has left unfinished, with sizes and times of last use."""
        found = []
        for path in self.folder.glob("*") if self.folder.is_dir() else ():
            try:
                stat = path.stat()
                if path.name.startswith(".unfinished-") and time.time() - stat.st_mtime < 86_400:
                    continue
                size = sum(file.stat().st_size for file in path.iterdir())
            except OSError:  # another process has just deleted it
                continue
            found.append((path, size, stat.st_mtime))
        return found

    def _make_room(self, needed: int) -> None:
        there = self.folder if self.folder.is_dir() else next(one for one in self.folder.parents if one.is_dir())
        kept = sorted(self._kept(), key=lambda one: one[2])
        used = sum(size for _path, size, _time in kept)
        room = min(self.limit, shutil.disk_usage(there).free + used)
        if needed > room:
            raise CapacityError(
                "The vectors need {needed} GB on disk, but only {room} GB are free. Read fewer texts, or keep fewer "
                "layers.",
                needed=gigabytes(needed),
                room=gigabytes(room),
            )
        for path, size, _time in kept:
            if used + needed <= room:
                break
            shutil.rmtree(path, ignore_errors=True)
            used -= size


def key_of(
    encoder: Encoder,
    texts: Sequence[str],
    layers: str | Sequence[int] = "all",
    pooling: str = "auto",
    level: str = "texts",
    word: str | None = None,
    prompt: str | None = None,
) -> str:
    """Return the hash of everything that decides the vectors: the weights, the precision, the texts, the choices."""
    spec = encoder.spec
    reading = chosen_reading(encoder, pooling, prompt, level)
    about = [
        _FORMAT,
        spec.checkpoint.name,
        spec.checkpoint.revision,
        spec.precision,
        spec.device.partition(":")[0],
        # Words have been those of `join_words` since this was its name.
        "joined words" if level == "words" else level,
        reading.name,
        reading.prompt,
        None if word is None else " ".join(word.split()),
        readable_layers(reading, layers),
    ]
    digest = hashlib.sha256(json.dumps(about).encode())
    digest.update(fingerprint(texts).encode())
    return digest.hexdigest()[:32]


def fingerprint(texts: Sequence[str]) -> str:
    """Return a hash of texts and of their order."""
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()


def create_vectors(folder: Path, plan: Plan) -> np.memmap:
    """Make the file of a plan's vectors, filled with zeros."""
    return np.lib.format.open_memmap(folder / _VECTORS, "w+", np.float32, plan.shape)


def open_vectors(folder: Path) -> np.memmap:
    """Open what `create_vectors` has made, to read it."""
    return np.lib.format.open_memmap(folder / _VECTORS, "r")


def describe(folder: Path, encoder: Encoder, texts: Sequence[str], plan: Plan, seconds: float) -> None:
    """Write, beside the vectors, where each item is and what made them."""
    for name in (*_ARRAYS, _CUT):
        np.save(folder / f"{name}.npy", getattr(plan, name), allow_pickle=False)
    about = {
        "model": encoder.spec.checkpoint.name,
        "revision": encoder.spec.checkpoint.revision,
        "device": encoder.spec.device,
        "precision": encoder.spec.precision,
        "level": plan.level,
        "pooling": plan.pooling,
        "prompt": plan.prompt,
        "word": plan.word,
        "layers": plan.layers,
        "texts": len(texts),
        "fingerprint": fingerprint(texts),
        "seconds": seconds,
    }
    (folder / _ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1), "utf-8")


def _file_of(folder: Path, name: str) -> Path:
    file = folder / f"{name}.npy"
    return file if file.exists() else folder / f"{_BEFORE.get(name, name)}.npy"


def load_embeddings(folder: str | Path, spec: EncoderSpec, texts: Sequence[str]) -> Embeddings:
    """Open a folder of vectors, which stay on disk until they are looked at.

    Parameters
    ----------
    folder
        One that `Store` or ``python -m interpret.embeddings`` wrote.
    spec, texts
        What the vectors were made with and of; the folder does not hold the texts.

    Raises
    ------
    InputError
        If the folder is none, or holds the vectors of other texts.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["The court heard the appeal.", "The team won."]
    >>> store = it.embeddings.Store(Path("vectors"), limit=10**9)
    >>> _ = store.embed(encoder, texts)
    >>> (folder,) = Path("vectors").iterdir()
    >>> it.load_embeddings(folder, encoder.spec, texts).vectors.shape  # layer text width
    (7, 2, 384)
    """
    path = Path(folder)
    try:
        about = json.loads((path / _ABOUT).read_text("utf-8"))
        vectors = np.load(path / _VECTORS, mmap_mode="r", allow_pickle=False)
        arrays = {name: np.load(_file_of(path, name), allow_pickle=False) for name in _ARRAYS}
        cut = path / f"{_CUT}.npy"
        arrays[_CUT] = np.load(cut, allow_pickle=False) if cut.exists() else np.zeros(len(arrays["windows"]), bool)
        shapes = [len(arrays[name]) for name in ("text", "span", "token_counts")]
        whole = vectors.shape[:2] == (len(about["layers"]), shapes[0]) and len(set(shapes)) == 1
    except (OSError, ValueError, EOFError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise InputError(
            "The folder “{folder}” contains no complete embeddings. Compute them with `python -m "
            "interpret.embeddings`.",
            folder=str(folder),
        )
    if about["fingerprint"] != fingerprint(texts):
        raise InputError.counted(
            "The folder “{folder}” contains the vectors of {count} other text. Give the text that they were "
            "computed from.",
            "The folder “{folder}” contains the vectors of {count} other texts. Give the texts that they were "
            "computed from.",
            about["texts"],
            folder=str(folder),
            count=about["texts"],
        )
    return Embeddings(
        spec=spec,
        texts=tuple(texts),
        level=about["level"],
        pooling=about["pooling"],
        word=about["word"],
        prompt=about.get("prompt", ""),
        layers=tuple(about["layers"]),
        vectors=vectors,
        seconds=about["seconds"],
        **{name: read_only(array) for name, array in arrays.items()},
    )
