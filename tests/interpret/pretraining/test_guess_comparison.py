"""Two models' guesses for each word: bits by the pseudo-log-likelihood, guesses by hiding the word alone."""

import numpy as np
import pytest
import transformers as tf

import interpret as it
from tests.tiny import make_checkpoint

TEXT = "the river bank was steep, and the bank lent unbelievably"


@pytest.fixture(scope="module")
def guessers(tmp_path_factory):
    root = tmp_path_factory.mktemp("guessers")
    return [
        it.load_encoder(str(make_checkpoint(family, root / family, loader=tf.AutoModelForMaskedLM)), "cpu")
        for family in ("bert", "xlm-roberta")
    ]


def test_bits_are_those_of_each_models_own_tokens(guessers):
    found = it.pretraining.compare_guesses(*guessers, TEXT)
    for encoder, bits, groups in zip(
        guessers,
        (found.first_bits, found.second_bits),
        (found.words.first_groups, found.words.second_groups),
        strict=True,
    ):
        likelihood = it.pretraining.pseudo_log_likelihood(encoder, TEXT, within=True)
        assert bits.sum() == pytest.approx(-likelihood.total / np.log(2), rel=1e-5)
        word = found.words.labels.index("steep,")
        assert bits[word] == pytest.approx(-sum(likelihood.logs[i] for i in groups[word]) / np.log(2), rel=1e-5)
        assert len(bits) == len(found.words)
    gaps = found.second_bits - found.first_bits
    assert found.difference == pytest.approx(gaps.mean())
    low, high = found.difference_interval
    assert low < found.difference < high


def test_a_guess_is_what_is_likeliest_with_the_whole_word_hidden(guessers):
    found = it.pretraining.compare_guesses(*guessers, TEXT)
    for encoder, guesses, groups in zip(
        guessers,
        (found.first_guesses, found.second_guesses),
        (found.words.first_groups, found.words.second_groups),
        strict=True,
    ):
        for word in (0, found.words.labels.index("steep,"), len(found.words) - 1):
            hidden = it.fill_mask(encoder, TEXT, hidden=groups[word], top=1)
            ids = [int(one.ids[0]) for one in hidden.guesses]
            assert guesses[word] == encoder.tokenizer.decode(ids, skip_special_tokens=False).strip()


def test_a_model_is_as_surprised_as_itself_also_by_a_pair(guessers):
    one = guessers[0]
    found = it.pretraining.compare_guesses(one, one, "the bank was rich", "it lent money")
    assert found.words.second.sum() == 3
    assert found.difference == 0
    assert found.difference_interval == (0, 0)
    assert found.first_guesses == found.second_guesses
    single = it.pretraining.compare_guesses(one, one, "rich")
    assert np.isnan(single.difference_interval).all()


def test_stages_are_told_and_models_without_a_head_refused(guessers, minilm):
    told = []
    it.pretraining.compare_guesses(*guessers, TEXT, progress=lambda *some: told.append(some))
    assert [stage for _done, _total, stage in told] == ["first", "second"]
    assert all(done == total for done, total, _stage in told)
    with pytest.raises(it.CheckpointError):
        it.pretraining.compare_guesses(guessers[0], minilm, TEXT)
    with pytest.raises(it.InputError, match="MASK"):
        it.pretraining.compare_guesses(guessers[0], guessers[0], "the [MASK] was rich")
