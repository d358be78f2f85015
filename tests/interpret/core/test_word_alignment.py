"""Words of one text through two vocabularies: every token in one word, every word begun and ended by both."""

from itertools import combinations, product

import numpy as np
import pytest

import interpret as it
from interpret.core.tokens import tokenize
from interpret.core.word_alignment import align_words
from tests.tiny import KINDS, make_tokenizer

TEXTS = (
    "the river bank was steep, and the bank (it was rich) lent money.",
    "unbelievably tired animals",
    "中文模型 didn't cost 8.4%!",
    "a\u200bb \ufeffc 😀 naïve café",
    "हिन्दी में नमस्ते",
    "x",
)


def written(tokens, groups):
    return [index for group in groups for index in group if not tokens.special[index]]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kinds", list(product(KINDS, KINDS)), ids="-".join)
@pytest.mark.parametrize("pair", [None, "money was rich, he said"])
def test_each_token_is_in_one_word_and_words_are_cut_nowhere(text, kinds, pair):
    first, second = (tokenize(make_tokenizer(kind), text, pair) for kind in kinds)
    found = align_words(first, second)
    for tokens, groups in ((first, found.first_groups), (second, found.second_groups)):
        assert written(tokens, groups) == np.flatnonzero(~tokens.special).tolist()
        assert all(groups)
        for group, special, behind in zip(groups, found.special, found.second, strict=True):
            assert bool(tokens.special[list(group)].all()) == bool(special)
            assert pair is None or special or bool((tokens.segment[list(group)] == int(behind)).all())
    # What a word stands for ends in both models before the next begins.
    ends = {}
    for one, other, behind, special in zip(
        found.first_groups, found.second_groups, found.second, found.special, strict=True
    ):
        if not special:
            spans = np.concatenate([first.span[list(one)], second.span[list(other)]])
            spans = spans[spans[:, 1] > spans[:, 0]]
            if len(spans):
                assert spans[:, 0].min() >= ends.get(bool(behind), 0)
                ends[bool(behind)] = int(spans[:, 1].max())
    without = align_words(first, second, specials=False)
    assert without.labels == tuple(
        label for label, special in zip(found.labels, found.special, strict=True) if not special
    )
    # With itself, a vocabulary's words are its own.
    if kinds[0] == kinds[1]:
        assert found.first_groups == found.second_groups


def test_words_are_the_shortest_that_both_have(minilm):
    text = "He paid, unbelievably."
    other = it.load_encoder("e5", device="cpu")
    first, second = minilm.tokens(text), other.tokens(text)
    found = align_words(first, second)
    # MiniLM has a word for each sign, the other one none: "paid,".
    assert found.labels == ("[CLS]/<s>", "He", "paid,", "unbelievably.", "[SEP]/</s>")
    assert [first.strings[i] for i in found.first_groups[2]] == ["paid", ","]
    assert [second.strings[i] for i in found.second_groups[1]] == ["▁He"]
    # A prompt is nobody's word.
    asked = other.with_prompt("query: ").tokens(text)
    again = align_words(first, asked)
    assert again.labels == found.labels
    assert {asked.prompt[i] for group in again.second_groups for i in group} == {np.False_}


def test_special_tokens_of_a_pair_stand_before_between_and_behind():
    first, second = (tokenize(make_tokenizer(kind), "the bank", "was rich") for kind in ("wordpiece", "bytes"))
    found = align_words(first, second)
    assert [label for label, special in zip(found.labels, found.special, strict=True) if special] == [
        "[CLS]/<s>",
        "[SEP]/</s></s>",
        "[SEP]/</s>",
    ]
    # The one between them is the first text's, as everywhere.
    border = found.second.argmax()
    assert found.labels[border - 1] == "[SEP]/</s></s>"
    assert found.labels[border] == "was"


def test_sums_keep_what_there_is():
    random = np.random.default_rng(0)
    for one, other in combinations(KINDS, 2):
        first, second = (tokenize(make_tokenizer(kind), TEXTS[2]) for kind in (one, other))
        found = align_words(first, second, specials=False)
        values = random.normal(size=len(first)), random.normal(size=len(second))
        sums = found.sums(*values)
        assert sums[0].sum() == pytest.approx(values[0][~first.special].sum())
        assert sums[1].sum() == pytest.approx(values[1][~second.special].sum())


def test_two_texts_have_no_words_in_common():
    tokenizer = make_tokenizer("wordpiece")
    with pytest.raises(it.InputError, match="different texts"):
        align_words(tokenize(tokenizer, "the bank"), tokenize(tokenizer, "the river"))
    with pytest.raises(it.InputError, match="different texts"):
        align_words(tokenize(tokenizer, "the bank"), tokenize(tokenizer, "the bank", "was rich"))
