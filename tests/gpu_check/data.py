"""What the check's models learn from and read."""

import numpy as np

import interpret as it
from interpret.finetuning.examples import Examples

SENTENCE = "the bank said it was rich"
_WORDS = {"bank": ("bank", "money", "rich", "lent"), "river": ("river", "steep", "animals", "tired")}
_PLAIN = ("the", "was", "and")


def classes(count: int, words: int = 8) -> Examples:
    """Make rows of so many words that are about one of two things, each another."""
    draw = np.random.default_rng(0)
    labels = tuple(list(_WORDS)[i % 2] for i in range(count))
    texts = tuple(f"{' '.join(draw.choice([*_WORDS[one], *_PLAIN], words))} {i}" for i, one in enumerate(labels))
    return Examples("classes", texts, None, labels, tuple(range(count)), 0)


def numbers(count: int) -> Examples:
    """Make rows whose label is the share of words that are about the first of the two."""
    draw = np.random.default_rng(1)
    rows = [draw.choice([*_WORDS["bank"], *_WORDS["river"]], 6).tolist() for _ in range(count)]
    labels = tuple(f"{sum(word in _WORDS['bank'] for word in row) / 6:.3f}" for row in rows)
    texts = tuple(f"{' '.join(row)} {i}" for i, row in enumerate(rows))
    return Examples("regression", texts, None, labels, tuple(range(count)), 0)


def tags(count: int) -> Examples:
    """Make sentences whose every word is tagged with what it is about."""
    draw = np.random.default_rng(2)
    kinds = {word: kind for kind, words in _WORDS.items() for word in words} | dict.fromkeys(_PLAIN, "O")
    rows = [draw.choice(list(kinds), draw.integers(4, 9)).tolist() for _ in range(count)]
    labels = tuple(" ".join(kinds[word] for word in row) for row in rows)
    return Examples("token classes", tuple(map(" ".join, rows)), None, labels, tuple(range(count)), 0)


def passages(task: str) -> Examples:
    """Make a running text in which the second word of a sentence tells the fourth."""
    draw = np.random.default_rng(3)
    words = draw.choice(["river", "bank"], 400)
    text = " ".join(f"the {word} was {'steep' if word == 'river' else 'rich'}." for word in words)
    return it.finetuning.read_examples(text.encode(), "book.txt", "text", "", None, task, 32)


def mixed_texts(count: int, most: int) -> list[str]:
    """Make texts of 5 words and more, most of them short, as corpora are."""
    draw = np.random.default_rng(4)
    lengths = np.clip(draw.lognormal(3, 0.9, count).astype(int), 5, most)
    words = [word for some in _WORDS.values() for word in some] + list(_PLAIN)
    return [" ".join(draw.choice(words, length)) for length in lengths]


def text_of(tokens: int) -> str:
    """Make a text of exactly so many tokens, special ones counted, for the tokenizer of the tiny BERTs."""
    return " ".join((SENTENCE.split() * tokens)[: tokens - 2])
