"""Chinese characters joined to words, wherever words are seen."""

from dataclasses import replace

import numpy as np
import pytest

import interpret as it
from interpret.attribution.attribution import explain
from interpret.attribution.find_target import target_function
from interpret.core.tokens import cut
from interpret.core.words import join_words

COURT = "法院驳回了上诉,😀医生建议化疗。"


@pytest.fixture
def chinese(minilm):
    """The built-in vocabulary has these characters one by one."""
    return join_words(minilm.tokens(COURT, "Das Gericht 法院"))


def test_characters_of_a_word_are_one_group(chinese):
    assert chinese.words == (
        *("[CLS]", "法院", "驳回", "了", "上诉", ",", "😀", "医生", "建议", "化疗", "。", "[SEP]"),
        *("Das", "Gericht", "法院", "[SEP]"),
    )


def test_words_are_counted_on_and_nothing_else_changes(minilm, chinese):
    plain = minilm.tokens(COURT, "Das Gericht 法院")
    free = ~chinese.special
    assert np.all(np.diff(chinese.word[free]) >= 0)
    assert set(chinese.word[free]) == set(range(chinese.word.max() + 1))
    assert np.all(chinese.word[~free] == -1)
    np.testing.assert_array_equal(chinese.ids, plain.ids)
    np.testing.assert_array_equal(chinese.span, plain.span)


@pytest.mark.parametrize("text", ["The court spoke.", "裁判所は控訴を棄却した。", "法원은 항소를 기각했다."])
def test_what_is_not_chinese_stays(minilm, text):
    plain = minilm.tokens(text)
    assert join_words(plain).groups == plain.groups


def test_a_token_across_two_words_stays_alone(minilm):
    # As if the vocabulary had 文模 as one token, the end of 中文 and the beginning of 模型.
    plain = minilm.tokens("中文模型法院")
    shorter = cut(plain, np.arange(8) != 3)
    span = np.array(shorter.span)
    span[2] = 1, 3
    tokens = replace(shorter, word=np.array([-1, 0, 1, 2, 3, 4, -1]), span=span)
    assert join_words(tokens).words == ("[CLS]", "中", "文模", "型", "法院", "[SEP]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It didn't work.", ("It", "didn't", "work", ".")),
        ("From 8.4% to 1,000.5 at 10:30", ("From", "8.4%", "to", "1,000.5", "at", "10:30")),
        ("so 'it' is, 5 %", ("so", "'", "it", "'", "is", ",", "5", "%")),
        ("法院's 3.5 天", ("法院", "'", "s", "3.5", "天")),
        ("end. Next, yes,no", ("end", ".", "Next", ",", "yes", ",", "no")),
    ],
)
def test_apostrophes_and_numbers_stay_in_one_word(minilm, text, words):
    joined = join_words(minilm.tokens(text))
    assert joined.words[1:-1] == words


def test_a_words_score_is_the_sum_of_its_characters(minilm):
    question = target_function(minilm, COURT, target="norm")
    found = explain(question, "input_x_gradient")
    assert len(found.word_scores()) == len(question.tokens.groups) < len(question.tokens)
    place = question.tokens.words.index("法院")
    both = found.scores[list(question.tokens.groups[place])]
    assert found.word_scores()[place] == pytest.approx(both.sum(), abs=1e-6)


def test_exchanges_take_a_word_apart(minilm):
    rows = ["法院驳回上诉", "球队赢了比赛", "法官判决", "球员进球"]
    head = it.fit_head(minilm, rows, ["law", "sport"] * 2)
    found = it.attribution.find_counterfactuals(target_function(minilm, "法院驳回上诉", head=head), "nearest")
    assert all(len(change.before) == 1 for changes in found.variants.changes for change in changes)


# What jieba makes of it, as in `COURT`, and what people write with signs inside.
SIGNS = "医生建议化疗,it isn't 8.4%"
WORDS = ("医生", "建议", "化疗", ",", "it", "isn't", "8.4%")


def test_attention_is_seen_by_word(minilm):
    trace = it.trace(minilm, SIGNS)
    view = it.attention.attention_view(trace, "word")
    assert view.key_labels == ("[CLS]", *WORDS, "[SEP]")
    # 医 and 生 stand behind [CLS]: weights to them are added up, weights from them averaged.
    first, court = view.head(4, 2)[1], trace.attention[4, 2, 1:3]
    np.testing.assert_allclose(first[0], court[:, 0].mean(), atol=1e-6)
    np.testing.assert_allclose(first[1], court[:, 1:3].sum(1).mean(), atol=1e-6)
    assert it.attention.attention_view(trace).key_labels == trace.tokens.labels


def test_two_heads_are_compared_by_word(minilm):
    trace = it.trace(minilm, SIGNS)
    found = it.attention.compare_heads(trace, trace, 1, 2, 4, 3, unit="word")
    assert found.first_labels == found.second_labels == ("[CLS]", *WORDS, "[SEP]")


def test_each_word_has_one_vector(minilm):
    found = it.embed(minilm, [SIGNS], [-1], level="words")
    hidden = it.trace(minilm, SIGNS).hidden[-1]
    assert tuple(SIGNS[start:end] for start, end in found.span) == WORDS
    np.testing.assert_allclose(found.vectors[0][0], hidden[1:3].mean(0), atol=1e-5)
