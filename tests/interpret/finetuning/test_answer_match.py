"""Exact match and F1 beside SQuAD's own definition, written out anew from its paper and its script."""

import re
import string
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpret.finetuning.answer_match import answer_words, match, most_alike_sentence


def plain(text):
    """Rajpurkar et al. (2016), the evaluation script of SQuAD 1.1: lower case, no punctuation, no articles."""
    text = "".join(one for one in text.lower() if one not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def f1(answer, true):
    words, others = plain(answer).split(), plain(true).split()
    if not words or not others:
        return float(words == others)
    same = sum((Counter(words) & Counter(others)).values())
    if not same:
        return 0.0
    precision, recall = same / len(words), same / len(others)
    return 2 * precision * recall / (precision + recall)


TEXTS = st.lists(
    st.sampled_from(["the", "A", "bank", "Bank", "bank's", "lent", "20", "$20", "an", "theory", "—x", ""]), max_size=6
).map(" ".join)


@settings(deadline=None)
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_it_is_squads_of_english(answer, marked):
    marked = [one.replace("—", "") for one in marked]
    answer = answer.replace("—", "")
    exact, share = match(answer, marked)
    assert exact == any(plain(answer) == plain(one) for one in marked)
    assert share == pytest.approx(max(f1(answer, one) for one in marked))


def test_a_chinese_character_is_a_word_and_its_punctuation_is_none():
    assert answer_words("《中国银行》，1912年") == ("中", "国", "银", "行", "1912", "年")
    # Three of four characters: precision 1, recall 3/4.
    assert match("国银行", ["中国银行"]) == (False, pytest.approx(6 / 7))
    assert match("中国银行。", ["中国银行"]) == (True, 1.0)


def test_no_answer_is_right_only_where_there_is_none():
    assert match("", []) == (True, 1.0)
    assert match("bank", []) == (False, 0.0)
    assert match("", ["bank"]) == (False, 0.0)


def test_the_most_alike_sentence_has_most_of_the_questions_words():
    passage = "The bank lent money. The river was steep. It was the river that the bank feared."
    assert most_alike_sentence("Was the river steep?", passage) == "The river was steep."
    # Of two the first; and of none that has a word in common too.
    assert most_alike_sentence("Cats?", passage) == "The bank lent money."
