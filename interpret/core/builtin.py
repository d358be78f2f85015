"""The built-in model with heads of its own: for masked words and next sentences, and for questions about a passage.

all-MiniLM-L6-v2 was published without any head. `python -m interpret.finetuning` gave it some; what was learned ships
with Bertoscope as PEFT adapters (LoRA on the layers, the heads whole), and how is told in the README.md of each.
"""

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from interpret.core.assembled_models import assembled_folder
from interpret.core.checkpoint_files import files_sha256, quiet
from interpret.core.extras import needed_for

ADAPTER = Path(__file__).parent / "minilm_guesser"
READER = Path(__file__).parent / "minilm_reader"
WEIGHTS = "adapter_model.safetensors"
# What of the base model is not its weights.
_COPIED = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


@dataclass(frozen=True)
class Figure:
    """One number that says how good the shipped heads are on texts of one kind.

    Attributes
    ----------
    domain, source
        The kind of text (``"novels"``, ``"everyday"``, ``"encyclopaedia"``), and which it was.
    origin
        ``"project"``, or ``"outside"``: measured by others, who gave neither rows nor interval.
    measure
        ``"first"``, ``"five"``: the share of masked tokens that are the first guess, and among the first five;
        ``"content first"``, ``"content five"``: the same of content words; ``"perplexity"``: the pseudo-perplexity;
        ``"next"``, ``"next hidden"``: of passages, the share of second halves that are told to follow or not, as they
        are written and with the masked tokens hidden; ``"sentence shuffled"``, ``"sentence swapped"``: the share of
        single sentences told from others, and from the same two swapped.
    value, low, high
        The number and its 95% interval, by cluster where rows come in some.
    rows, unit, clusters, cluster
        How many there were of what, in how many clusters of what kind.
    """

    domain: str
    source: str
    origin: str
    measure: str
    value: float
    low: float | None
    high: float | None
    rows: int | None
    unit: str | None
    clusters: int | None
    cluster: str | None


@dataclass(frozen=True)
class GuesserFacts:
    """How good the shipped heads are on whole books that they were never trained on.

    Attributes
    ----------
    first, five
        The share of masked tokens that are the first guess, and among the first five.
    following, following_hidden
        The share of pairs classified correctly: half of them consecutive, half with the second text from elsewhere in
        the book. As they are written, and with the masked tokens hidden.
    tokens, pairs
        How many of each were evaluated.
    words
        How long the passages were, at most, that they stood in.
    training_books, books
        How many books they were trained on, and the titles of those that they are evaluated on.
    figures
        The same and more with their intervals, of texts of other kinds too.
    """

    first: float
    five: float
    following: float
    following_hidden: float
    tokens: int
    pairs: int
    words: int
    training_books: int
    books: tuple[str, ...]
    figures: tuple[Figure, ...] = ()


@cache
def pretraining_facts() -> GuesserFacts:
    """Return how good the shipped heads are."""
    found = json.loads((ADAPTER / "facts.json").read_text("utf-8"))
    figures = tuple(Figure(**one) for one in found.get("figures", ()))
    found |= {"training_books": found.pop("learned"), "books": tuple(found["books"]), "figures": figures}
    return GuesserFacts(**found)


@dataclass(frozen=True)
class ReaderFacts:
    """How well the shipped head answers questions that it was never trained on.

    Attributes
    ----------
    f1, exact
        Mean F1 of words, and the share of exact answers: see `interpret.finetuning.answer_match.match`.
    f1_interval, exact_interval
        Their 95% intervals, by bootstrap over passages.
    baseline
        The F1 of the sentence that has most of a question's words.
    questions, passages
        How many were evaluated.
    training_questions
        How many it was trained on.
    held_out
        Which of the shipped questions it was evaluated on, by their ids.
    wikipedia_f1, wikipedia_interval, wikipedia_baseline, wikipedia_questions
        The same on articles of Wikipedia: XQuAD's English questions (Artetxe et al. 2020).
    """

    f1: float
    f1_interval: tuple[float, float]
    exact: float
    exact_interval: tuple[float, float]
    baseline: float
    questions: int
    passages: int
    training_questions: int
    held_out: tuple[str, ...]
    wikipedia_f1: float
    wikipedia_interval: tuple[float, float]
    wikipedia_baseline: float
    wikipedia_questions: int


@cache
def reader_facts() -> ReaderFacts:
    """Return how well the shipped head answers questions."""
    found: dict[str, Any] = json.loads((READER / "facts.json").read_text("utf-8"))
    for name in ("f1_interval", "exact_interval", "wikipedia_interval", "held_out"):
        found[name] = tuple(found[name])
    return ReaderFacts(**found)


def guesser_revision() -> str:
    """Return the SHA-256 of the adapter's weights."""
    return files_sha256(ADAPTER / WEIGHTS)


def reader_revision() -> str:
    """Return the SHA-256 of the weights of the adapter that answers questions."""
    return files_sha256(READER / WEIGHTS)


def guesser_folder(base: Path) -> Path:
    """Return a folder with the whole model, made once from the built-in one and the adapter, and kept.

    Raises
    ------
    CheckpointError
        If it cannot be made.
    """
    return assembled_folder("minilm-guesser", guesser_revision(), lambda folder: merge_adapter(base, ADAPTER, folder))


def reader_folder(base: Path) -> Path:
    """Return a folder with the whole model that answers questions, as `guesser_folder` does.

    Raises
    ------
    CheckpointError
        If it cannot be made.
    """
    kind = "AutoModelForQuestionAnswering"
    return assembled_folder(
        "minilm-reader", reader_revision(), lambda folder: merge_adapter(base, READER, folder, kind)
    )


def merge_adapter(base: Path, adapter: Path, folder: Path, kind: str = "AutoModelForPreTraining") -> None:
    """Write the model in ``base``, with new heads and what an adapter has learned, as one folder.

    Parameters
    ----------
    kind
        The class of transformers that has such heads.
    """
    # Their import takes seconds, which only who guesses should wait for.
    with needed_for("pretraining"):
        from peft import PeftModel
    import transformers

    with quiet():
        whole = getattr(transformers, kind).from_pretrained(
            base, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    merged = PeftModel.from_pretrained(whole, str(adapter)).merge_and_unload()
    merged.save_pretrained(folder)
    for name in _COPIED:
        if (base / name).exists():
            shutil.copy(base / name, folder / name)
    if (adapter / "README.md").exists():
        shutil.copy(adapter / "README.md", folder / "README.md")
