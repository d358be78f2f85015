"""Faults that were planted are found, and sound data has none."""

import numpy as np
import pytest

from interpret.core.errors import InputError
from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.health import check_health, describe_health
from interpret.finetuning.splits import split_rows


def examples(rows, task="classes", skipped=0):
    texts, labels = zip(*rows, strict=True)
    return Examples(task, texts, None, labels, tuple(range(len(rows))), skipped)


def sound(count=800):
    return [(f"The river bank number {i} was steep.", "ab"[i % 2]) for i in range(count)]


def test_sound_data_has_no_findings(minilm):
    found = examples(sound())
    health = check_health(minilm, found, *split_examples(found))
    assert health.findings == ()
    assert health.classes == (("a", 400), ("b", 400))
    assert health.majority == 0.5
    assert health.rows == 800
    # Of 160 rows with nine in ten right: sqrt(0.9 * 0.1 / 160) is 2.37 %.
    assert health.uncertainty == pytest.approx(1.96 * 0.0237, rel=1e-2)


def test_what_was_planted_is_found(minilm):
    rows = sound(40)
    rows += [("the RIVER bank number 0  was steep.", "a")]  # says what row 0 says
    rows += [("The river bank number 1 was steep.", "a")]  # and this what row 1 says, otherwise labelled
    rows += [("word " * 600, "a"), ("㍿㍿㍿㍿ 㐀㐁㐂㐃 ㍿㍿㍿㍿", "a")]
    found = examples(rows, skipped=3)
    health = check_health(minilm, found, list(range(40)), list(range(40, 44)))
    assert health.duplicates == (40,)
    assert health.contradictions == ((1, 41),)
    assert health.leaks == (40, 41)
    assert health.too_long == 1
    assert health.lengths[42] == 602
    assert health.unknown > 0.002
    assert set(health.findings) >= {"leaks", "contradictions", "duplicates", "too long", "few held out", "skipped"}


def test_lengths_and_words_are_those_of_the_tokenizer(minilm):
    found = examples([("unbelievably tired animals", "a"), ("the bank", "b")] * 5)
    health = check_health(minilm, found, range(5), range(5, 10))
    tokens = [minilm.tokens(text) for text in found.texts]
    np.testing.assert_array_equal(health.lengths, [len(one) for one in tokens])
    total = sum(len(one) - 2 for one in tokens)
    assert health.tokens_per_word == pytest.approx(total / 25)
    assert health.unknown == 0


@pytest.mark.parametrize(("known", "unknown"), [(3, 0), (3, 6), (1, 40), (0, 5)])
def test_a_word_that_is_not_read_is_not_one_that_is_cut_into_a_single_token(minilm, known, unknown):
    words = ["unbelievably", "tired", "pneumonoultramicroscopicsilicovolcanoconiosis"][:known]
    # Of characters that the vocabulary lacks: each is a word, and one unknown token.
    text = " ".join(words) + " " + "㐁" * unknown
    found = examples([(f"{text}", "ab"[i % 2]) for i in range(20)])
    health = check_health(minilm, found, range(10), range(10, 20))
    tokens = [len(minilm.tokens(word)) - 2 for word in words]
    assert health.unknown == pytest.approx(unknown / (sum(tokens) + unknown))
    assert health.tokens_per_word == pytest.approx(np.mean(tokens) if tokens else np.nan, nan_ok=True)
    assert ("unknown" in health.findings) == (unknown > 0)
    if unknown:
        assert health.findings.index("unknown") < min(
            [health.findings.index(name) for name in ("few held out", "many tokens") if name in health.findings]
        )


def test_words_of_another_field_or_language_are_told(minilm):
    field = examples([(f"pneumonoultramicroscopicsilicovolcanoconiosis {i}", "ab"[i % 2]) for i in range(20)])
    assert "many tokens" in check_health(minilm, field, range(10), range(10, 20)).findings
    other = examples([(f"㐀㐁㐂 {i}", "ab"[i % 2]) for i in range(20)])
    assert "unknown" in check_health(minilm, other, range(10), range(10, 20)).findings


def test_one_class_in_many_rows_is_told(minilm):
    rows = [(f"text {i}", "a") for i in range(40)] + [(f"word {i}", "b") for i in range(10)]
    assert "unbalanced" in check_health(minilm, examples(rows), range(40), range(40, 50)).findings


def test_many_examples_are_sampled_and_counted_whole(minilm):
    found = examples(sound(500))
    health = check_health(minilm, found, range(400), range(400, 500), sample=50)
    assert health.rows == 500
    assert len(health.lengths) == 50
    # What is found in some is said of all.
    long = examples([(f"{'word ' * 600} {i}", "ab"[i % 2]) for i in range(100)])
    assert check_health(minilm, long, range(80), range(80, 100), sample=10).too_long == 100
    # Of very long ones fewer are read.
    very = examples([(f"{'word ' * 2000} {i}", "ab"[i % 2]) for i in range(600)])
    assert len(check_health(minilm, very, range(480), range(480, 600)).lengths) == 500


def test_numbers_have_no_classes(minilm):
    found = examples([(f"text {i}", str(i)) for i in range(20)], task="regression")
    health = check_health(minilm, found, range(10), range(10, 20))
    assert health.classes == ()
    assert np.isnan(health.majority)
    assert "unbalanced" not in health.findings


def test_rows_of_a_second_file_that_were_learned_from_are_left_out(minilm):
    first = examples([(f"the bank {i} lent money", "ab"[i % 2]) for i in range(20)])
    again = [(f"The BANK  {i} lent money", "ab"[i % 2]) for i in range(17)]
    second = examples([*again, *((f"a steep river {i} {'word ' * 40}", "ab"[i % 2]) for i in range(13))])
    both = first.joined(second)
    split = split_rows(both, 0.2, 0, apart=False, test_rows=len(second))
    learned, judged = split.train, split.test
    assert learned.tolist() == list(range(20))
    assert judged.tolist() == list(range(37, 50))
    health = check_health(minilm, both, learned, judged, 16)
    assert health.leaks == ()
    assert health.left_out == tuple(range(20, 37))
    assert (health.train_rows, health.held_out_rows) == (20, 13)
    said = describe_health(health, both)
    assert list(said) == list(health.findings)
    assert str(said["left out"]).startswith("17 of 30 rows")
    lengths = np.array([len(minilm.tokens(text)) for text in both.texts])
    assert health.cut == pytest.approx((lengths - lengths.clip(max=16)).sum() / lengths.sum())
    assert str(said["too long"]).startswith("13 texts are longer than 16 tokens and are truncated")
    with pytest.raises(InputError, match="All 17 rows"):
        split_rows(first.joined(examples(again)), 0.2, 0, apart=False, test_rows=17)
