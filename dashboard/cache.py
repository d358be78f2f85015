"""The only file that keeps results: each on one honest key, each with a bound and a release."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Hashable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import streamlit as st

import interpret as it
from dashboard.bounded import Bounded, Kept, Shared, weight
from dashboard.state import DEVICE, chosen_value, embeddings_folder, embeddings_limit, models_limit
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.files import Table, read_table
from interpret.core.hub import Progress
from interpret.core.tag_files import read_tags
from interpret.core.tagged import Tagged
from interpret.finetuning.data_source import PASSAGE_WORDS
from interpret.finetuning.splits import Split, split_rows

if TYPE_CHECKING:
    from interpret.attention.dependencies import Sentence
    from interpret.attribution.job_rows import JobRows
    from interpret.attribution.row_jobs import RowJob
    from interpret.attribution.row_results import RowReader
    from interpret.core.tokenizer_loading import Vocabulary
    from interpret.resources.configs import Config

T = TypeVar("T")

# Two of the largest files that can be uploaded as they are read, or hundreds of usual ones.
UPLOADED_BYTES = 2**30
_uploaded: Bounded[Any] = Bounded(UPLOADED_BYTES)
# A trace of 512 tokens takes 100 MB on the built-in model, 250 MB on a BERT-base and 700 MB on the largest models.
RESULT_BYTES = 2**30
_results: Bounded[Any] = Bounded(RESULT_BYTES)
# What is being computed, and is kept by who asked for it alone, if at all.
_shared = Shared()
# Models by the device that they are on, as many as fit.
_encoders: dict[str, Bounded[it.Encoder]] = {}


def _of_files(make: Callable[[], T], kind: str, *parts: object) -> T:
    """Keep what was made of uploaded files, all within one bound; the key has each file's digest, not the file."""
    key = (hashlib.blake2b(part, digest_size=16).digest() if isinstance(part, bytes) else part for part in parts)
    made: T = _uploaded.get((kind, *key), make, weight)
    return made


@st.cache_data(ttl="10m", max_entries=64, show_spinner=False)
def hub_checkpoint(name: str, revision: str | None) -> it.Checkpoint:
    """What a hub id stands for; asked again after a while, since a branch can move.

    What is typed is never a path: a shared server's files are nobody's to look at.
    """
    return it.find_checkpoint(name, revision, local=False)


@st.cache_data(ttl="10m", max_entries=64, show_spinner=False)
def hub_config(name: str, revision: str | None) -> Config:
    """The config of a hub model, of which nothing else is fetched; what is typed is never a path, as above."""
    return it.resources.find_config(name, revision, local=False)


def prediction(config: Config, about: str, work: it.resources.Workload) -> it.resources.Prediction:
    """Predict what work takes; ``about`` tells the config from any other."""
    return kept(("prediction", about, work), lambda: it.resources.predict(config, work))


@st.cache_resource(max_entries=16, ttl="1h", show_spinner=False)
def product_speed(device: str, precision: str) -> float:
    """How fast a device multiplies matrices."""
    return it.resources.product_speed(device, precision)


def encoder(spec: it.EncoderSpec, progress: Progress | None = None) -> it.Encoder:
    """Return the encoder of ``spec``, loaded once for all sessions; ``progress`` reports a download."""
    if spec.checkpoint.source == "hub":
        # Outside the cache, whose key must not hold a callable; does nothing where the files are here.
        checkpoint_folder(spec.checkpoint, progress)
    # What is put before a text changes no weight.
    plain = replace(spec, prompt=None)
    try:
        return _encoder(plain).with_prompt(spec.prompt)
    except it.CapacityError:
        # What others no longer look at is Bertoscope's own to give up before anybody is told to close something.
        let_go_of_models()
        _results.clear()
        return _encoder(plain).with_prompt(spec.prompt)


def _settle() -> None:
    """Collect garbage once, and tell the collector to leave what remains alone.

    Streamlit collects after every run of a page. With PyTorch and transformers loaded that takes a quarter of a
    second, in which no click is answered; what they loaded stays anyway.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _release(_: object = None) -> None:
    from interpret.core.device_lock import release

    _settle()
    release()


def let_go_of_models() -> None:
    """Let go of all models: what a page holds of a card is missing to a training. Who needs one loads it again."""
    for kept in list(_encoders.values()):
        kept.clear()
    _beside.clear()
    _release()


def _encoder(spec: it.EncoderSpec) -> it.Encoder:
    def load() -> it.Encoder:
        loaded = it.load_encoder(spec.checkpoint, spec.device, spec.precision)
        _settle()
        return loaded

    limit = models_limit(spec.device)
    kept = _encoders.setdefault(spec.device, Bounded(limit, _release))
    # The one that is looked at is kept however large it is: it would be loaded anew at each click.
    return kept.get(spec, load, lambda one: min(one.bytes, limit))


@st.cache_resource(max_entries=1, on_release=_release, show_spinner=False)
def _beside(spec: it.EncoderSpec) -> tuple[it.Encoder, ...]:
    return it.load_beside(_encoder(spec))


@st.cache_resource(max_entries=8, show_spinner=False)
def rounding(spec: it.EncoderSpec, texts: tuple[str, ...]) -> it.Rounding:
    """How far bfloat16 moves what an encoder makes of some texts, few: all of them are the key."""
    return it.measure_rounding(_encoder(spec), texts, _encoder(replace(spec, precision="bfloat16")))


@st.cache_resource(max_entries=8, show_spinner=False)
def tokenizer(checkpoint: it.Checkpoint) -> Vocabulary:
    """A model's tokenizer alone."""
    return it.load_tokenizer(checkpoint)


def beside(spec: it.EncoderSpec) -> tuple[it.Encoder, ...]:
    """Return the encoder of ``spec`` on all other cards, for long work; none where one device was asked for by name."""
    if chosen_value(DEVICE) == "auto" and spec.device.startswith("cuda"):
        return tuple(one.with_prompt(spec.prompt) for one in _beside(replace(spec, prompt=None)))
    # What was loaded there before serves nobody now.
    _beside.clear()
    return ()


def shared(key: Hashable, work: Callable[[Progress], T], progress: Progress | None = None) -> T:
    """Compute what nobody else is computing at this moment, and wait with who is: see `Shared.make`."""
    return _shared.make(key, work, progress)


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """Return a result, computed once for all sessions while there is room for it."""
    made: T = _results.get(key, make, weight)
    return made


@st.cache_resource(max_entries=4, show_spinner=False)
def lens(path: Path, changed: int) -> it.pretraining.TunedLens:
    """A lens that was fitted."""
    return it.pretraining.load_tuned_lens(path)


@st.cache_resource(max_entries=4, show_spinner=False)
def _job_rows(folder: Path, made: float, spec: it.EncoderSpec) -> tuple[JobRows, RowReader]:
    from interpret.attribution.job_rows import job_rows
    from interpret.attribution.row_jobs import ROWS, read_job
    from interpret.attribution.row_results import RowReader

    encoder = _encoder(spec)
    read = job_rows(read_job(folder), encoder)
    return read, RowReader(folder / ROWS, encoder, read.question)


def explained_rows(job: RowJob) -> it.attribution.RowAttributions | None:
    """Return what is done so far of a whole file; only what is new is read. None before there is a row."""
    read, reader = _job_rows(job.folder, job.made, job.request.spec)
    done = len(reader.update())
    return kept(("rows", job.folder, job.made, done), lambda: read.so_far(reader.found))


def of_upload(make: Callable[[], T], kind: str, about: str, *parts: object) -> T:
    """Keep what was made of an uploaded file, within the same bound; ``about`` tells the file from any other."""
    made: T = _uploaded.get((kind, about, *parts), make, weight)
    return made


def table(content: bytes, name: str) -> Table:
    """A file's rows, read once for all sessions while there is room for them."""
    return _of_files(lambda: read_table(content, name), "table", content, name)


def tags(content: bytes, name: str) -> Tagged:
    """An uploaded file's words and their tags, in the form's own column."""
    return _of_files(lambda: read_tags(content, name), "tags", content, name)


def trees(content: bytes, name: str) -> tuple[Sentence, ...]:
    """An uploaded file's dependency trees."""
    return _of_files(lambda: it.attention.read_conllu(content, name), "trees", content, name)


@dataclass(frozen=True)
class Labelled:
    """A labelled file and its columns: see `interpret.finetuning.read_examples`."""

    content: bytes
    name: str
    text: str
    label: str
    pair: str | None
    task: str
    words: int = PASSAGE_WORDS
    tags: str = ""


def examples(data: Labelled) -> it.finetuning.Examples:
    """A file's labelled rows."""
    columns = (data.text, data.label, data.pair, data.task, data.words, data.tags)
    return _of_files(lambda: it.finetuning.read_examples(data.content, data.name, *columns), "examples", *astuple(data))


def split(
    data: Labelled, test: Labelled | None, share: float, seed: int
) -> tuple[it.finetuning.Examples, np.ndarray, np.ndarray]:
    """A file's rows, with those of the test file behind them, and which are the training set and which are held out."""
    found, parts = run_rows(data, test, share, seed, chooses=False)
    return found, parts.train, parts.test


def run_rows(
    data: Labelled, test: Labelled | None, share: float, seed: int, chooses: bool
) -> tuple[it.finetuning.Examples, Split]:
    """A run's rows, and which of them serve for what."""

    def make() -> tuple[it.finetuning.Examples, Split]:
        found, other = examples(data), None if test is None else examples(test)
        every = found if other is None else found.joined(other)
        return every, split_rows(every, share, seed, chooses, 0 if other is None else len(other))

    return _of_files(make, "rows", *_parts(data, test), share, seed, chooses)


def health(
    spec: it.EncoderSpec, data: Labelled, test: Labelled | None, share: float, seed: int, most: int
) -> it.finetuning.DataHealth:
    """What is wrong with them."""

    def make() -> it.finetuning.DataHealth:
        return it.finetuning.check_health(_encoder(spec), *split(data, test, share, seed), most)

    return _of_files(make, "health", spec, *_parts(data, test), share, seed, most)


def _parts(data: Labelled, test: Labelled | None) -> tuple[object, ...]:
    return (*astuple(data), *(() if test is None else astuple(test)))


@st.cache_data(max_entries=32, show_spinner=False)
def cost(spec: it.EncoderSpec, tokens: int, precision: str, batch: int, device: str) -> it.finetuning.StepCost:
    """What a step of training takes on a device, measured."""
    return it.finetuning.measure_cost(_encoder(spec), tokens, precision, batch, device)


@st.cache_resource(max_entries=1, show_spinner=False)
def store() -> it.embeddings.Store:
    """The folder on disk where vectors are kept."""
    return it.embeddings.Store(embeddings_folder(), embeddings_limit())


def results_kept() -> Kept:
    """Tell how much of results and of files as they were read is kept."""
    one, other = _results.kept, _uploaded.kept
    return Kept(one.count + other.count, one.used + other.used, one.most + other.most)


def models_kept() -> dict[str, Kept]:
    """Tell which devices have models, and how much of them."""
    return {device: kept.kept for device, kept in list(_encoders.items())}


def clear() -> None:
    """Forget every result. The models stay, whose keys say all that they are."""
    for forgotten in (
        _results,
        _job_rows,
        _uploaded,
        hub_checkpoint,
        hub_config,
        product_speed,
        lens,
        cost,
        rounding,
        store,
    ):
        forgotten.clear()
