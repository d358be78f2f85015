"""Words with their tags, whatever file they come from."""

from collections.abc import Sequence
from dataclasses import dataclass

from interpret.core.errors import InputError

# What the columns are called in tables and lists, in small letters.
WORDS = ("word", "words", "token", "tokens", "form")
TAGS = ("tag", "tags", "ner_tags", "ner_tag", "ner", "label", "labels", "pos", "pos_tag", "pos_tags", "chunk_tags")
SENTENCES = ("sentence #", "sentence", "sentence_id", "sentence id", "sent_id", "sentence_idx", "sentence#")


@dataclass(frozen=True)
class Tagged:
    """Sentences with a tag for each word.

    Attributes
    ----------
    form
        How the file is written: ``"columns"``, ``"CoNLL-U"``, ``"table"`` or ``"lists"``.
    encoding
        The encoding that the bytes were read in.
    choices
        The columns that hold tags, the one that is taken unless told first.
    words, tags
        Of each sentence its words, exactly as they stand there, and as many tags.
    numbers
        The number of each sentence in the file, from 1; those without words count.
    skipped
        How many sentences have no words.
    comments
        How many lines are none of words: comments, and marks where documents begin.
    damaged
        How many characters could not be read, or were damaged before: each stands as U+FFFD.
    """

    form: str
    encoding: str
    choices: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    skipped: int = 0
    comments: int = 0
    damaged: int = 0


def chosen_column(requested: str, choices: Sequence[str], name: str) -> int:
    """Return the index of the column asked for among those there are."""
    if not requested:
        return 0
    for index, one in enumerate(choices):
        if one.casefold() == requested.casefold():
            return index
    raise InputError(
        "“{name}” has no tag column “{column}”. It has: {known}.",
        name=name,
        column=requested,
        known=", ".join(choices[:20]),
    )


def tagged(
    form: str,
    encoding: str,
    choices: Sequence[str],
    words: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
    numbers: Sequence[int] | None = None,
    skipped: int = 0,
    comments: int = 0,
) -> Tagged:
    """Return sentences with their tags, and how many of their characters are damaged."""
    return Tagged(
        form,
        encoding,
        tuple(choices),
        tuple(map(tuple, words)),
        tuple(map(tuple, tags)),
        tuple(range(1, len(words) + 1)) if numbers is None else tuple(numbers),
        skipped,
        comments,
        sum(word.count("\ufffd") for row in words for word in row),
    )
