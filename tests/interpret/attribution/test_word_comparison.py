"""Two models' attributions word by word: sums by hand, the order by SciPy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import interpret as it
from interpret.core.rank_correlation import spearman_interval
from tests.tiny import make_checkpoint

TEXT = "the river bank was steep, and the bank lent money because it was rich"


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    root = tmp_path_factory.mktemp("words")
    return {
        (family, method): it.attribute(
            it.load_encoder(str(make_checkpoint(family, root / family / method)), "cpu"),
            TEXT,
            target="norm",
            method=method,
        )
        for family in ("bert", "xlm-roberta")
        for method in ("input_x_gradient", "rollout")
    }


def test_a_word_has_the_sum_of_its_tokens(explained):
    first, second = explained["bert", "input_x_gradient"], explained["xlm-roberta", "input_x_gradient"]
    found = it.attribution.compare_words(first, second)
    # “steep,” is two tokens of a word each in the one vocabulary, and one word in the other.
    word = found.words.labels.index("steep,")
    assert found.first[word] == pytest.approx(sum(first.scores[i] for i in found.words.first_groups[word]), abs=1e-6)
    assert found.first.sum() == pytest.approx(first.scores.sum(), abs=1e-5)
    assert found.second.sum() == pytest.approx(second.scores.sum(), abs=1e-5)
    assert found.agreement == pytest.approx(spearmanr(found.first, found.second).statistic)
    assert found.agreement_interval == pytest.approx(spearman_interval(found.agreement, len(found.words)))
    for shares in (found.first_shares, found.second_shares):
        assert np.abs(shares).sum() == pytest.approx(1)
    assert np.array_equal(np.sign(found.first_shares), np.sign(found.first))


def test_a_model_agrees_with_itself(explained):
    one = explained["bert", "input_x_gradient"]
    found = it.attribution.compare_words(one, one)
    assert found.agreement == pytest.approx(1)
    assert found.words.labels == tuple(
        word
        for word, group in zip(one.tokens.words, one.tokens.groups, strict=True)
        if not one.tokens.special[group[0]]
    )


def test_without_a_sign_sizes_are_compared(explained):
    signed, unsigned = explained["bert", "input_x_gradient"], explained["bert", "rollout"]
    found = it.attribution.compare_words(signed, unsigned)
    assert found.agreement == pytest.approx(spearmanr(np.abs(found.first), np.abs(found.second)).statistic)
    assert found.agreement != pytest.approx(spearmanr(found.first, found.second).statistic)


def test_a_single_word_has_no_order(explained, minilm):
    one = it.attribute(minilm, "bank", target="norm", method="input_x_gradient")
    found = it.attribution.compare_words(one, one)
    assert np.isnan(found.agreement)
    assert np.isnan(found.agreement_interval).all()
    with pytest.raises(it.InputError, match="different texts"):
        it.attribution.compare_words(one, explained["bert", "rollout"])
