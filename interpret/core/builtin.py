"""The built-in model with heads that guess masked words and next sentences: an adapter that ships with Bertoscope.

all-MiniLM-L6-v2 was published without the heads of its pre-training. `python -m interpret.finetuning` gave it new ones;
what was learned is a PEFT adapter (LoRA on the layers and on the vectors of words, the heads whole), and how is told in
its README.md.
"""

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from interpret.core.assembled_models import assembled_folder
from interpret.core.checkpoint_files import files_sha256, quiet
from interpret.core.extras import needed_for

ADAPTER = Path(__file__).parent / "minilm_guesser"
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


def guesser_revision() -> str:
    """Return the SHA-256 of the adapter's weights."""
    return files_sha256(ADAPTER / WEIGHTS)


def guesser_folder(base: Path) -> Path:
    """Return a folder with the whole model, made once from the built-in one and the adapter, and kept.

    Raises
    ------
    CheckpointError
        If it cannot be made.
    """
    return assembled_folder("minilm-guesser", guesser_revision(), lambda folder: merge_adapter(base, ADAPTER, folder))


def merge_adapter(base: Path, adapter: Path, folder: Path) -> None:
    """Write the model in ``base``, with new pre-training heads and what an adapter has learned, as one folder."""
    # Their import takes seconds, which only who guesses should wait for.
    with needed_for("pretraining"):
        from peft import PeftModel
    from transformers import AutoModelForPreTraining

    with quiet():
        whole = AutoModelForPreTraining.from_pretrained(
            base, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    merged = PeftModel.from_pretrained(whole, str(adapter)).merge_and_unload()
    merged.save_pretrained(folder)
    for name in _COPIED:
        if (base / name).exists():
            shutil.copy(base / name, folder / name)
    if (adapter / "README.md").exists():
        shutil.copy(adapter / "README.md", folder / "README.md")
