"""How well an answer agrees with those that people marked: exact match, and F1 of words, as SQuAD and MLQA count them.

Rajpurkar et al. (2016), SQuAD, section 6.1, https://aclanthology.org/D16-1264; Lewis et al. (2020), MLQA, section 3.2,
https://aclanthology.org/2020.acl-main.653, whose evaluation takes the punctuation of all scripts off, and each Chinese
character for a word.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from interpret.core.scripts import is_ideograph
from interpret.finetuning.passages import sentences_of

_ARTICLE = re.compile(r"\b(a|an|the)\b")


def answer_words(text: str) -> tuple[str, ...]:
    """Return the words of an answer by which it is compared: without case, punctuation and English articles.

    Examples
    --------
    >>> answer_words("The Bank, of 1868!"), answer_words("中国银行")
    (('bank', 'of', '1868'), ('中', '国', '银', '行'))
    """
    plain = "".join(one for one in text.lower() if not _is_punctuation(one))
    plain = _ARTICLE.sub(" ", plain)
    return tuple("".join(f" {one} " if is_ideograph(one) else one for one in plain).split())


def match(answer: str, marked: Sequence[str]) -> tuple[bool, float]:
    """Return whether an answer is one of those marked, and the best F1 of its words with one of them.

    Parameters
    ----------
    answer
        The answer; empty for “no answer”.
    marked
        What people marked; none where the passage has no answer.

    Examples
    --------
    >>> match("in March 1868", ["March 1868", "1868"])
    (False, 0.8)
    >>> match("", []), match("1868", [])
    ((True, 1.0), (False, 0.0))
    """
    words = answer_words(answer)
    true = [answer_words(one) for one in marked] or [()]
    return any(words == one for one in true), max(_f1(words, one) for one in true)


def most_alike_sentence(question: str, passage: str) -> str:
    """Return the sentence of a passage that has most of a question's words: an answer that needs no learning.

    The sliding window of Rajpurkar et al. (2016, section 5.1) in its simplest form; of two the first.
    """
    words = set(answer_words(question))
    return max(sentences_of(passage), key=lambda one: len(words & set(answer_words(one))), default=passage)


def _f1(one: Sequence[str], other: Sequence[str]) -> float:
    if not one or not other:
        return float(one == other)
    both = sum((Counter(one) & Counter(other)).values())
    return 2 * both / (len(one) + len(other))


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")
