"""What runs are made of: a tiny model whose weights learn, and rows that say which of two words they are about."""

import numpy as np
import pytest

from interpret.finetuning.examples import Examples
from interpret.finetuning.recipe import Recipe
from tests.records import tables_are_made_once  # noqa: F401
from tests.tiny import make_checkpoint

WORDS = {"bank": ("bank", "money", "rich", "lent"), "river": ("river", "steep", "animals", "tired")}


@pytest.fixture(scope="session")
def examples():
    random = np.random.default_rng(0)
    rows = []
    for i in range(96):
        label = ("bank", "river")[i % 2]
        rows.append((" ".join(random.choice([*WORDS[label], "the", "was", "and"], random.integers(4, 20))), label))
    texts, labels = zip(*dict(rows).items(), strict=True)
    return Examples("classes", texts, None, labels, tuple(range(len(texts))), 0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    # Weights as real ones are, so that a few steps learn something.
    return make_checkpoint("bert", tmp_path_factory.mktemp("train"), initializer_range=0.05)


@pytest.fixture
def recipe(folder):
    return Recipe(model=str(folder), epochs=2, learning_rate=5e-3, batch_size=8, device="cpu", seed=3)


@pytest.fixture(scope="session")
def rows(examples):
    """The same examples as a file's bytes, with an empty row."""
    lines = [f"{text},{label}" for text, label in zip(examples.texts, examples.labels, strict=True)]
    return "\n".join(["text,kind", *lines, ",bank"]).encode()
