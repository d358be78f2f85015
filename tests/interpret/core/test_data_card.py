"""What is counted in a file, beside pandas."""

import io

import numpy as np
import pandas as pd

from interpret.core.column_roles import ColumnRoles, guess_roles
from interpret.core.data_card import make_data_card
from interpret.core.files import read_table

WORDS = ("bank", "river", "money", "rain", "card")


def rows(count, seed=0):
    draw = np.random.default_rng(seed)
    found = ["text,label"]
    for _ in range(count):
        text = " ".join(draw.choice(WORDS, draw.integers(0, 3)))
        found.append(f"{text},{draw.choice(['a', 'b', 'c', '', 'NA'], p=[0.5, 0.2, 0.1, 0.1, 0.1])}")
    return "\n".join(found) + "\n"


def test_counts_are_those_of_pandas():
    content = rows(400)
    card = make_data_card(table := read_table(content.encode(), "a.csv"), guess_roles(table))
    every = pd.read_csv(io.StringIO(content), keep_default_na=False)
    # A row of empty cells alone is skipped.
    frame = every[(every.text != "") | (every.label != "")]
    given = frame[~frame.label.isin(["", "NA"])]
    full = frame[frame.text != ""]
    assert card.skipped == len(every) - len(frame) > 0
    assert (card.rows, card.without_text) == (len(frame), int((frame.text == "").sum()))
    assert card.without_label == len(frame) - len(given)
    assert card.repeated == int(full.text.duplicated().sum())
    assert dict(card.classes) == given.label.value_counts().to_dict()
    assert card.majority == given.label.value_counts(normalize=True).iloc[0]
    labelled = given[given.text != ""]
    several = labelled.groupby("text").label.nunique()
    assert card.contradicting == int(labelled.text.isin(several[several > 1].index).sum())
    lengths = full.text.str.split().str.len()
    assert card.words == (int(lengths.median()), int(np.percentile(lengths, 95)), int(lengths.max()))


def test_characters_of_chinese_are_counted_one_by_one():
    table = read_table("text\n银行 bank 很好\n雨\n".encode(), "a.csv")
    assert make_data_card(table, ColumnRoles(text=0)).words == (3, 4, 5)


def test_numbers_are_no_classes_and_a_file_without_labels_has_none():
    table = read_table(("text,score\n" + "".join(f"day {i},{i / 7}\n" for i in range(20))).encode(), "a.csv")
    card = make_data_card(table, guess_roles(table))
    assert (dict(card.classes), card.labelled) == ({}, 20)
    assert np.isnan(card.majority)
    card = make_data_card(table, ColumnRoles(text=0))
    assert (card.without_label, card.labelled, card.contradicting) == (20, 0, 0)


def test_classes_that_are_told_apart_by_how_they_are_written_alone_are_named():
    labels = ("Law", "law", " law", "sport", "1", "1.0", "Sport  news", "sport news", "2")
    content = "text,label\n" + "".join(f"text {i},{label}\n" for i, label in enumerate(labels * 3))
    card = make_data_card(read_table(content.encode(), "a.csv"), ColumnRoles(text=0, label=1))
    assert {frozenset(one) for one in card.alike} == {
        frozenset({"Law", "law"}),
        frozenset({"1", "1.0"}),
        frozenset({"Sport  news", "sport news"}),
    }
