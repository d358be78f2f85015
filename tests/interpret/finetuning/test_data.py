"""Labelled rows in, faults named, and a split that leaks nothing."""

from collections import Counter

import numpy as np
import pytest

import interpret as it
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.examples import Examples


def csv(*rows):
    return ("text,kind\n" + "\n".join(f"{text},{label}" for text, label in rows)).encode()


def many(count, labels=("a", "b"), text="text number {i}"):
    return csv(*((text.format(i=i), labels[i % len(labels)]) for i in range(count)))


def read(content, **options):
    return read_examples(content, "rows.csv", "text", "kind", **options)


def test_rows_without_text_or_label_are_counted_and_left_out():
    content = csv(*((f"text {i}", "ab"[i % 2]) for i in range(9)), ("", "a"), ("alone", ""), ("  ", "b"))
    found = read(content)
    assert len(found) == 9
    assert found.skipped == 3
    assert found.classes == ("a", "b")
    assert found.indices == tuple(range(9))


def test_a_pair_has_both_texts():
    rows = "\n".join(f"one {i},two {i},{'ab'[i % 2]}" for i in range(10))
    found = read_examples(f"text,other,kind\n{rows}\nlonely,,a".encode(), "x.csv", "text", "kind", pair="other")
    assert found.pairs[3] == "two 3"
    assert found.skipped == 1


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (many(20, ("a",)), {}, "All rows have the label “a”"),
        (csv(*((f"t {i}", "ab"[i % 2]) for i in range(10)), ("x", "c")), {}, "“c” has only one row"),
        (csv(*((f"t {i}", i / 7) for i in range(40))), {}, "40 different numbers in 40 rows. Choose regression"),
        (csv(*((f"t {i}", f"label {i}") for i in range(40))), {}, "40 different labels in 40 rows"),
        (many(3), {}, "3 rows with a text and a label; training and evaluation need at least 8"),
        (many(20), {"task": "regression"}, "Row 1 has “a”, but regression needs a number"),
        (many(20, ("1.5",)), {"task": "regression"}, "All rows have the value 1.5"),
        (many(20, ("1", "nan")), {"task": "regression"}, "All rows have the value 1"),
        (many(20, ("1", "2.5e999")), {"task": "regression"}, "Row 2 has “2.5e999”"),
        (many(20), {"task": "ranking"}, "no task “ranking”"),
        (many(20), {"pair": "other"}, "no column “other”. It has: text, kind"),
        (b"\x80\xff\x81" * 50, {}, "not text in any of these encodings"),
    ],
)
def test_what_cannot_be_learned_from_is_one_sentence(content, options, sentence):
    with pytest.raises(it.InputError, match=sentence.replace("(", r"\(")):
        read(content, **options)


def test_words_with_tags_are_read_as_conll_has_them():
    block = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n"
    found = read_examples((block + "Peter B-PER\nslept O\n\n" * 8).encode(), "x.conll", "", "", task="token classes")
    assert found.texts[:2] == ("EU rejects", "Peter slept")
    assert found.labels[0] == "B-ORG O"
    assert found.classes == ("B-ORG", "B-PER", "O")
    with pytest.raises(it.InputError, match="Line 2 of “x.conll” has a word but no tag"):
        read_examples(b"EU B-ORG\nrejects\n", "x.conll", "", "", task="token classes")


@pytest.mark.parametrize("seed", range(5))
def test_a_split_leaks_nothing_and_every_class_is_on_both_sides(seed):
    random = np.random.default_rng(seed)
    labels = [str(one) for one in random.choice(["a", "b", "c"], 300, p=[0.7, 0.2, 0.1])]
    # Every text stands about four times, in other case and with other spaces.
    texts = [["The  text {}", "the text {}", " THE text  {} "][i % 3].format(random.integers(75)) for i in range(300)]
    found = Examples("classes", tuple(texts), None, tuple(labels), tuple(range(300)), 0)
    learned, judged = split_examples(found, 0.2, seed)
    assert sorted([*learned, *judged]) == list(range(300))
    assert {found.key(int(i)) for i in learned} & {found.key(int(i)) for i in judged} == set()
    assert 0.14 <= len(judged) / 300 <= 0.26
    for side in (learned, judged):
        assert {labels[i] for i in side} == {"a", "b", "c"}
    again = split_examples(found, 0.2, seed)
    np.testing.assert_array_equal(again[1], judged)
    assert not np.array_equal(split_examples(found, 0.2, seed + 1)[1], judged)


def test_each_class_gives_its_share():
    found = read(many(200, ("a", "a", "a", "b")))
    _, judged = split_examples(found, 0.2)
    assert Counter(found.labels[i] for i in judged) == {"a": 30, "b": 10}


def test_a_regression_is_judged_on_high_and_low_values():
    found = read(csv(*((f"t {i}", i) for i in range(100))), task="regression")
    _, judged = split_examples(found, 0.2)
    assert Counter(int(float(found.labels[i])) // 20 for i in judged) == dict.fromkeys(range(5), 4)


def test_a_class_that_says_one_thing_cannot_be_held_out():
    found = read(csv(*((f"t {i}", "a") for i in range(10)), ("same", "b"), ("Same", "b")))
    with pytest.raises(it.InputError, match="All rows of the class “b” are identical"):
        split_examples(found)
    with pytest.raises(it.InputError, match="A held-out share of 0.9 is not possible"):
        split_examples(found, 0.9)
