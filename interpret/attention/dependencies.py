"""Do heads find grammar: each head's strongest link against the dependency trees of a CoNLL-U file."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from interpret.attention.held_out import HeldOut, held_out
from interpret.core.arrays import read_only
from interpret.core.batches import batches
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.files import decode
from interpret.core.tokens import Tokens
from interpret.core.trace import trace_batch

Seeking = Literal["head", "dependent"]


class Sentence(NamedTuple):
    """One tree: words where they stand in the text, each with its head and relation.

    Attributes
    ----------
    text
        The sentence as it is written.
    spans
        Each word's characters in it, ``start <= i < end``. In a written form that several words share, a word that is
        not written there as such has the span of the whole ("du" for "de" and "le").
    heads
        The index of each word's head among the words; -1 for the root.
    relations
        The universal part of each word's relation (``"nsubj"`` for ``"nsubj:pass"``).
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    heads: tuple[int, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DependencyScores:
    """How often each head's strongest link is a given dependency, beside a fixed offset (Clark et al. 2019, sec. 4).

    Two ways are scored: a dependent that looks at its head (``seeking = "head"``, first) and a head that looks at its
    dependent (``"dependent"``).

    Attributes
    ----------
    relations
        Those that occur, the most frequent first.
    counts
        How often each was tried.
    accuracy
        The share where the head's strongest link, self and special tokens left out, was the right word. The best of
        so many heads is flattered by being picked on the sentences that it is scored on; ``held_out`` is not.
    offset
        The fixed offset that is right most often: the head so many words to the right of its dependent (negative:
        left). Seen from the head it is the same, the other way round.
    held_out
        For each relation what the best head and the best fixed offset get right on sentences that neither was chosen
        on, with 95% intervals by bootstrap over sentences.
    sentences, skipped
        How many sentences were read, and how many the model cannot read: too long, or nothing in them.
    unread
        Dependencies left out because a word had no token of its own.
    seed
        Of the folds and of the bootstrap.
    """

    relations: tuple[str, ...]
    counts: Int[np.ndarray, " relation"]
    accuracy: Float32[np.ndarray, "relation seeking layer head"]
    offset: Int[np.ndarray, " relation"]
    held_out: tuple[HeldOut, ...]
    sentences: int
    skipped: int
    unread: int
    seed: int

    def best(self, relation: str) -> tuple[int, int, Seeking, float]:
        """Return the layer, head and direction that find a relation best, and how often they do, on all sentences."""
        block = self.accuracy[self.relations.index(relation)]
        seeking, layer, head = (int(i) for i in np.unravel_index(int(block.argmax()), block.shape))
        return layer, head, ("head", "dependent")[seeking], float(block[seeking, layer, head])


def read_conllu(content: bytes, name: str) -> tuple[Sentence, ...]:
    r"""Read the trees of a CoNLL-U file (https://universaldependencies.org/format.html).

    Multi-word tokens are read as they are written, with their words inside them; empty nodes, which only enhanced
    graphs have, are left out.

    Raises
    ------
    InputError
        If the file is not CoNLL-U; the sentence names the line.

    Examples
    --------
    >>> import interpret as it
    >>> tree = b"1\tDogs\t_\t_\t_\t_\t2\tnsubj\t_\t_\n2\tbark\t_\t_\t_\t_\t0\troot\t_\t_\n\n"
    >>> (sentence,) = it.attention.read_conllu(tree, "trees.conllu")
    >>> sentence
    Sentence(text='Dogs bark', spans=((0, 4), (5, 9)), heads=(1, -1), relations=('nsubj', 'root'))
    """
    text, _ = decode(content, name)
    sentences, rows = [], []
    # Not splitlines(): a form may hold other characters that Python takes for the end of a line.
    for number, line in enumerate([*re.split(r"\r\n|\r|\n", text), ""], 1):
        if line.strip() and not line.startswith("#"):
            fields = line.split("\t")
            if len(fields) != 10 or not re.fullmatch(r"[0-9]{1,6}([-.][0-9]{1,6})?", fields[0]):
                raise InputError(
                    "Line {line} of “{name}” is not CoNLL-U: each word needs ten tab-separated columns, the first of "
                    "them its number. Choose a file from universaldependencies.org or one like it.",
                    line=number,
                    name=name,
                )
            rows.append(fields)
        elif not line.strip() and rows:
            if any(fields[0].isdecimal() for fields in rows):
                sentences.append(_sentence(rows, number, name))
            rows = []
    if not sentences:
        raise InputError("“{name}” contains no sentences. Choose a CoNLL-U file that has some.", name=name)
    return tuple(sentences)


def _sentence(rows: Sequence[Sequence[str]], line: int, name: str) -> Sentence:
    def refuse(what: str) -> InputError:
        return InputError(
            "The sentence that ends on line {line} of “{name}” is not a tree: {what}. Choose a file with dependency "
            "trees.",
            line=line,
            name=name,
            what=what,
        )

    words = sum(fields[0].isdecimal() for fields in rows)
    text = ""
    spans: list[tuple[int, int]] = []
    heads: list[int] = []
    relations = []
    inside = (0, 0, 0)  # a multi-word token: its last word, and its characters
    start = 0
    for fields in rows:
        number, form = fields[0], fields[1]
        after = "" if "SpaceAfter=No" in fields[9].split("|") else " "
        if "." in number:
            continue
        if "-" in number:
            first, last = (int(one) for one in number.split("-"))
            if first != len(heads) + 1 or not first < last <= words or first <= inside[0]:
                raise refuse(f"{number} is no range of its words")
            inside = (last, len(text), len(text) + len(form))
            start = len(text)
            text += form + after
            continue
        if int(number) != len(heads) + 1:
            raise refuse(f"{number} is not the number of word {len(heads) + 1}")
        if not re.fullmatch(r"[0-9]{1,6}", fields[6]) or int(fields[6]) > words or fields[6] == number:
            raise refuse(f"“{fields[6][:20]}” is no head for word {number}")
        if len(heads) < inside[0]:
            if text[start : start + len(form)] == form and start + len(form) <= inside[2]:
                spans.append((start, start + len(form)))
                start += len(form)
            else:
                spans.append(inside[1:])
        else:
            spans.append((len(text), len(text) + len(form)))
            text += form + after
        heads.append(int(fields[6]) - 1)
        relations.append(fields[7].split(":")[0])
    return Sentence(text.rstrip(), tuple(spans), tuple(heads), tuple(relations))


def dependency_scores(
    encoder: Encoder,
    sentences: Sequence[Sentence],
    progress: Callable[[int, int, str], None] | None = None,
    seed: int = 0,
) -> DependencyScores:
    r"""Score each head's strongest link on dependency trees.

    Weights to a word's tokens are added up and weights from them averaged (Clark et al. 2019, sec. 4.1). Punctuation
    and the root are no dependencies here, as there.

    Parameters
    ----------
    progress
        Called as ``progress(sentences done, sentences in all, "")``; raising inside it stops the work.
    seed
        Of the folds of sentences, on which a head is chosen or scored, and of the bootstrap.

    Raises
    ------
    InputError
        If the model can read none of the sentences.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> tree = b"1\tDogs\t_\t_\t_\t_\t2\tnsubj\t_\t_\n2\tbark\t_\t_\t_\t_\t0\troot\t_\t_\n\n"
    >>> sentences = it.attention.read_conllu(tree + tree.replace(b"Dogs", b"Cats"), "trees.conllu")
    >>> scores = it.attention.dependency_scores(encoder, sentences)
    >>> scores.relations, scores.counts.tolist()
    (('nsubj',), [2])
    >>> scores.accuracy.shape  # relation seeking layer head
    (1, 2, 6, 12)
    """
    fitting = [one for one in sentences if _readable(encoder, one.text)]
    if not fitting:
        raise InputError("This model can read none of the sentences. Choose another file, or another model.")
    found, unread = _read_links(encoder, fitting, progress)
    if not found:
        raise InputError("These sentences contain no dependencies. Choose a file with dependency trees.")
    names = np.concatenate([one.relations for one in found])
    owner = np.repeat([one.sentence for one in found], [len(one.relations) for one in found])
    offsets, packed = (np.concatenate([getattr(one, part) for one in found]) for part in ("offsets", "right"))
    counts = Counter(names.tolist())
    relations = tuple(name for name, _ in counts.most_common())
    shape = 2, encoder.layers, encoder.heads
    fixed_offsets = [_frequent_offsets(offsets[names == name]) for name in relations]
    accuracy, scores = [], []
    for name, fixed in zip(relations, fixed_offsets, strict=True):
        rows = names == name
        right = np.unpackbits(packed[rows], axis=1, count=int(np.prod(shape))).astype(bool)
        accuracy.append(right.mean(axis=0).reshape(shape))
        scores.append(held_out(right, offsets[rows, None] == fixed, owner[rows], seed))
    return DependencyScores(
        relations=relations,
        counts=read_only([counts[name] for name in relations], np.int64),
        accuracy=read_only(np.stack(accuracy), np.float32),
        offset=read_only([fixed[0] for fixed in fixed_offsets], np.int64),
        held_out=tuple(scores),
        sentences=len(fitting),
        skipped=len(sentences) - len(fitting),
        unread=unread,
        seed=seed,
    )


class _Links(NamedTuple):
    """The dependencies of one sentence; which heads found each is packed into bits, or a treebank takes gigabytes."""

    sentence: int
    relations: np.ndarray
    offsets: Int[np.ndarray, " link"]
    right: np.ndarray


def _read_links(
    encoder: Encoder, sentences: Sequence[Sentence], progress: Callable[[int, int, str], None] | None
) -> tuple[list[_Links], int]:
    """Read sentences; return the dependencies of each that has some, and how many lack a token of their own."""
    # A sentence that comes twice is one: it may not choose a head and score it too.
    numbers: dict[str, int] = {}
    found: list[_Links] = []
    done = unread = 0
    if progress is not None:
        progress(0, len(sentences), "")
    for some in batches(encoder, texts := [(one.text, None) for one in sentences]):
        for index, trace in zip(some, trace_batch(encoder, [texts[i] for i in some]), strict=True):
            tree = sentences[index]
            groups = _tokens_of(trace.tokens, tree)
            linked = [
                word
                for word, (head, relation) in enumerate(zip(tree.heads, tree.relations, strict=True))
                if head >= 0 and relation != "punct"
            ]
            kept = [word for word in linked if groups[word] and groups[tree.heads[word]]]
            unread += len(linked) - len(kept)
            if kept:
                found.append(
                    _links(numbers.setdefault(tree.text, len(numbers)), tree, kept, _strongest(trace.attention, groups))
                )
        done += len(some)
        if progress is not None:
            progress(done, len(sentences), "")
    return found, unread


def _links(
    sentence: int, tree: Sentence, words: Sequence[int], strongest: Int[np.ndarray, "layer head word"]
) -> _Links:
    heads = np.array([tree.heads[word] for word in words])
    # Seeking × layer × head × link.
    right: Bool[np.ndarray, "seeking layer head link"] = np.stack(
        [strongest[:, :, words] == heads, strongest[:, :, heads] == np.array(words)]
    )
    return _Links(
        sentence,
        np.array([tree.relations[word] for word in words], object),
        heads - np.array(words),
        np.packbits(right.reshape(-1, len(words)).T, axis=1),
    )


def _frequent_offsets(offsets: Int[np.ndarray, " link"]) -> Int[np.ndarray, " offset"]:
    """Return the offsets that occur, the most frequent first and of two as frequent the nearer one."""
    values, often = np.unique(offsets, return_counts=True)
    return values[np.lexsort((-values, np.abs(values), -often))]


def _readable(encoder: Encoder, text: str) -> bool:
    try:
        encoder.tokens(text)
    except InputError:
        return False
    return True


def _tokens_of(tokens: Tokens, tree: Sentence) -> list[list[int]]:
    """The tokens of each word: those that begin inside it. What two words share belongs to the first of them."""
    groups: list[list[int]] = [[] for _ in tree.spans]
    for token in np.flatnonzero(~tokens.special):
        start, end = tokens.span[token]
        for word, (first, last) in enumerate(tree.spans):
            if first <= start < last and start < end:
                groups[word].append(int(token))
                break
    return groups


def _strongest(
    attention: Float32[np.ndarray, "layer head query key"], groups: Sequence[Sequence[int]]
) -> Int[np.ndarray, "layer head word"]:
    """Each word's strongest link to another word, in every head; words without a token are never one."""
    n = attention.shape[-1]
    collect = np.zeros((n, len(groups)), np.float32)
    for word, tokens in enumerate(groups):
        collect[list(tokens), word] = 1
    sizes = np.maximum(collect.sum(axis=0), 1)
    links = np.einsum("qw,lhqk,kv->lhwv", collect / sizes, attention, collect, optimize=True)
    links[:, :, np.arange(len(groups)), np.arange(len(groups))] = -1
    links[..., [not tokens for tokens in groups]] = -1
    return links.argmax(axis=-1)
