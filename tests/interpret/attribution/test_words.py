"""Chinese characters joined to words."""

from dataclasses import replace

import numpy as np
import pytest

import interpret as it
from interpret.attribution.attribution import explain
from interpret.attribution.find_target import target_function
from interpret.attribution.words import join_words

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
    kept = np.array([0, 1, 2, 4, 5, 6, 7])
    span = np.array(plain.span[kept])
    span[2] = 1, 3
    tokens = replace(
        plain,
        ids=plain.ids[kept],
        strings=tuple(plain.strings[i] for i in kept),
        labels=tuple(plain.labels[i] for i in kept),
        word=np.array([-1, 0, 1, 2, 3, 4, -1]),
        span=span,
        segment=plain.segment[kept],
        type_ids=plain.type_ids[kept],
        special=plain.special[kept],
    )
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
