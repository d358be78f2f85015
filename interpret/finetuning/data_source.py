"""What of a file is read, and what is counted of it."""

from dataclasses import dataclass

from interpret.core.sentences import sentence

# Words of a passage, unless given: what 128 tokens hold of English, with some room.
PASSAGE_WORDS = 90


@dataclass(frozen=True)
class Columns:
    """What of a file is read.

    Attributes
    ----------
    text, label, pair
        Names of columns; ``pair`` is None where texts stand alone.
    words
        Of running text how many words a passage has at most.
    tags
        Of words with tags which column, or feature, is the tag; the form's own where it is empty.
    """

    text: str = "text"
    label: str = "label"
    pair: str | None = None
    words: int = PASSAGE_WORDS
    tags: str = ""


@dataclass(frozen=True)
class Unit:
    """What is counted where data are spoken of.

    Attributes
    ----------
    name
        Its plural, as a terminal has it.
    training_set
        A sentence with ``{count}``.
    """

    name: str
    training_set: str


ROWS = Unit("rows", sentence("Training set: {count} rows"))


SENTENCES = Unit("sentences", sentence("Training set: {count} sentences"))


PASSAGES = Unit("passages", sentence("Training set: {count} passages"))


QUESTIONS = Unit("questions", sentence("Training set: {count} questions"))
