"""Running text for the pre-training of BERT: cut into passages of whole sentences, in their order."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of
from interpret.core.files import read_table
from interpret.finetuning.data_source import PASSAGE_WORDS
from interpret.finetuning.examples import LEAST_ROWS, Examples

# From a sentence or two to what the longest BERT reads.
LEAST_WORDS, MOST_WORDS = 10, 400
# Not after initials and the commonest titles.
_SENTENCE_END = re.compile(
    r"(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)(?<!\bProf\.)"
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)\]]))\s+|(?<=[。！？])(?![”’」』）。！？])|(?<=[。！？][”’」』）])"
)
_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\s぀-ヿ㐀-鿿가-힯]+\s*|\s+")


def read_passages(
    content: bytes, name: str, text: str, task: str, words: int = PASSAGE_WORDS, halves: bool = False
) -> Examples:
    """Read running text: passages in its order, each labelled with its document's row, from 1.

    Parameters
    ----------
    content, name
        A plain text, which is one document; or a table, each row of which is one.
    text
        The table's column.
    task
        The objective that the examples are for.
    words
        How many words a passage has at most: whole sentences, up to there.
    halves
        Whether each passage has two halves, the second of which follows the first.

    Raises
    ------
    InputError
        If the file cannot be read, has no such column, or too little text; or passages cannot have so many words.
    """
    if not LEAST_WORDS <= words <= MOST_WORDS:
        raise InputError(
            "Words per passage cannot be {words}: choose {least} to {most}. Three words are about four tokens.",
            words=words,
            least=LEAST_WORDS,
            most=MOST_WORDS,
        )
    table = read_table(content, name)
    if table.columns == ("text",) and not name.lower().endswith((".csv", ".tsv", ".jsonl")):
        documents, origin = ["\n".join(row[0] for row in table.rows)], FileRows((1,))
    elif text in table.columns:
        column = table.columns.index(text)
        documents = [row[column] for row in table.rows]
        origin = rows_of(table, range(len(documents)), [text])
    else:
        raise InputError(
            "The file has no column “{name}”. It has: {known}.", name=text, known=", ".join(table.columns[:20])
        )
    texts: list[str] = []
    seconds: list[str] = []
    owners: list[int] = []
    for number, document in enumerate(documents):
        for passage in passages_of(sentences_of(document, words), words):
            if halves and len(passage) < 2:
                continue
            cut = _middle(passage) if halves else len(passage)
            texts.append(" ".join(passage[:cut]))
            seconds.append(" ".join(passage[cut:]))
            owners.append(number)
    if len(texts) < LEAST_ROWS:
        raise InputError.counted(
            "The text yields only {count} passage of about {words} words, but training and evaluation need at least "
            "{least}. Choose a longer text.",
            "The text yields only {count} passages of about {words} words, but training and evaluation need at "
            "least {least}. Choose a longer text.",
            len(texts),
            count=len(texts),
            words=words,
            least=LEAST_ROWS,
        )
    return Examples(
        task,
        tuple(texts),
        tuple(seconds) if halves else None,
        tuple(str(origin.numbers[number]) for number in owners),
        tuple(range(len(texts))),
        sum(not one.strip() for one in documents),
        columns=origin.some(owners).columns,
        blank=len(table.skipped),
    )


def sentences_of(text: str, most: int = PASSAGE_WORDS) -> list[str]:
    """Cut a text after its sentences; a sentence of more words than ``most`` is cut at words."""
    found = []
    for sentence in _SENTENCE_END.split(text):
        words = _WORD.findall(sentence.strip())
        found += ["".join(words[begin : begin + most]).strip() for begin in range(0, len(words), most)]
    return [" ".join(one.split()) for one in found if one]


def passages_of(sentences: Iterable[str], words: int = PASSAGE_WORDS) -> list[list[str]]:
    """Put sentences together, in their order, up to so many words."""
    found: list[list[str]] = []
    room = 0
    for sentence in sentences:
        length = len(_WORD.findall(sentence))
        if length > room:
            found.append([])
            room = words
        found[-1].append(sentence)
        room -= length
    return found


def _middle(passage: Sequence[str]) -> int:
    """Return after how many sentences a passage is cut in two halves as alike as can be."""
    lengths = np.cumsum([len(one) for one in passage])
    return 1 + int(np.argmin(np.abs(lengths[:-1] - lengths[-1] / 2)))


def split_passages(examples: Examples, share: float) -> tuple[list[int], list[int]]:
    """Hold the end of each document out: neighbouring passages would tell of each other."""
    documents: dict[str, list[int]] = {}
    for index, label in enumerate(examples.labels):
        documents.setdefault(label, []).append(index)
    held_out: list[int] = []
    for indices in documents.values():
        held_out += indices[len(indices) - round(len(indices) * share) :]
    if not held_out:
        # Documents of a passage or two: every so-manyth.
        held_out = list(range(0, len(examples), max(2, round(1 / share))))
    ends = set(held_out)
    return [index for index in range(len(examples)) if index not in ends], sorted(held_out)
