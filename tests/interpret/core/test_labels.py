"""What a column of labels holds: nothing, numbers, or several labels in a cell."""

import json

import numpy as np
import pytest

import interpret as it
from dashboard.widgets.collection import as_numbers
from dashboard.widgets.corpus_input import multi_labels
from interpret.core.labels import MISSING, as_number, has_decimal_commas, is_missing
from interpret.finetuning.data import read_examples


def test_missing_are_pandas_own():
    # A package that a core install lacks; the list is copied from it.
    parsers = pytest.importorskip("pandas._libs.parsers")
    assert parsers.STR_NA_VALUES == MISSING


@pytest.mark.parametrize("label", sorted(MISSING - {""}))
def test_a_missing_label_is_none_and_counted(label):
    content = "text,label\n" + "\n".join(f"t{i},{[label, 'a', 'b'][i % 3]}" for i in range(30))
    found = read_examples(content.encode(), "a.csv", "text", "label")
    assert found.classes == ("a", "b")
    assert found.skipped == 10
    assert found.missing == ((label, 10),)


@pytest.mark.parametrize("label", ["none", "NONE", "Nan", "nil", "-", "0", "unknown"])
def test_what_is_only_like_it_is_a_class(label):
    assert not is_missing(label)
    content = "text,label\n" + "\n".join(f"t{i},{[label, 'a', 'b'][i % 3]}" for i in range(30))
    assert label in read_examples(content.encode(), "a.csv", "text", "label").classes


@pytest.mark.parametrize("value", [None, float("nan"), "NaN", ""])
def test_json_has_missing_labels_too(value):
    lines = [json.dumps({"text": f"t{i}", "label": value if i < 4 else "ab"[i % 2]}) for i in range(20)]
    found = read_examples("\n".join(lines).encode(), "a.jsonl", "text", "label")
    assert (found.classes, found.skipped) == (("a", "b"), 4)


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", "NULL", ""])
def test_a_regression_leaves_out_what_is_no_number_by_name(value):
    content = "text,label\n" + "\n".join(f"t{i},{value if i < 4 else i}" for i in range(20))
    found = read_examples(content.encode(), "a.csv", "text", "label", task="regression")
    assert (len(found), found.skipped) == (16, 4)


@pytest.mark.parametrize(
    "cells",
    [
        ['["a","b"]', '["a"]', '["b"]'],
        ["['a', 'b']", "['c']", "['a']"],
        ["[1, 2]", "[2]", "[]"],
        ["a;b", "a", "b;c"],
        ["a|b", "b", "c|a|b"],
        ["a, b", "a", "b"],
        ["a;b", "b;c", "c;a"],
        ["1;2", "1", "2"],
    ],
)
def test_cells_of_several_labels_are_told(cells):
    assert multi_labels(cells * 10) in cells
    rows = [json.dumps({"text": f"t{i}", "label": cells[i % 3]}) for i in range(30)]
    with pytest.raises(it.InputError, match="several labels in a cell, such as"):
        read_examples("\n".join(rows).encode(), "a.jsonl", "text", "label")


@pytest.mark.parametrize(
    "cells",
    [
        ["yes, very", "no, not at all"],
        ["Portland, ME", "Portland, OR", "Seattle, WA"],
        ["food;positive", "food;negative", "service;positive", "service;negative"],
        ["C++|", ";-)", ";-("],
        ["[PER]", "[LOC]"],
        ["a", "b"],
        [],
    ],
)
def test_cells_that_only_look_like_it_are_labels(cells):
    assert multi_labels(cells * 5) is None


def test_lists_in_json_are_told():
    rows = [json.dumps({"text": f"t{i}", "label": [["a"], ["a", "b"], ["b"]][i % 3]}) for i in range(30)]
    with pytest.raises(it.InputError, match="several labels in a cell"):
        read_examples("\n".join(rows).encode(), "a.jsonl", "text", "label")


def test_words_with_several_tags_are_told_and_features_with_several_values_are_one():
    content = "Rome\tB-LOC,B-ORG\nlives\tO\nAnna\tB-ORG\nhere\tB-LOC\n\n" * 8
    with pytest.raises(it.InputError, match="several labels in a cell, such as “B-LOC,B-ORG”"):
        read_examples(content.encode(), "a.conll", "", "", task="token classes")
    found = read_examples(content.replace("B-", "").encode(), "a.conll", "", "", task="token classes")
    assert found.classes == ("LOC", "LOC,ORG", "O", "ORG")


def test_numbers():
    assert [as_number(one) for one in ("1", " -2.5 ", "1e3", ".5", "inf", "nan", "1_000", "1,5", "")] == [
        *(1, -2.5, 1000, 0.5),
        *[None] * 5,
    ]
    assert has_decimal_commas(["0,5", "1", "2.000,75"])
    assert not has_decimal_commas(["0,5", "1.5"])
    assert not has_decimal_commas(["1", "2"])
    assert not has_decimal_commas(["1,000", "2,500"], ",")
    assert has_decimal_commas(["1,000", "2,500"], ";")
    np.testing.assert_array_equal(as_numbers(["0,5", "NA", "1"]), np.array([0.5, np.nan, 1], np.float32))


def test_explained_rows_know_what_is_missing(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    head = it.LinearHead(("NA", "no"), np.ones((2, encoder.width), np.float32), np.zeros(2, np.float32))
    texts = ["the river", "the bank"]
    found = it.attribution.attribute_rows(encoder, texts, ["nan", "NA"], method="input_x_gradient", head=head)
    # A class of that name is one.
    assert [row.label for row in found.rows] == ["", "NA"]
    assert len(found.evaluated) == 1
