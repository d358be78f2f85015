"""Words and their tags, in the forms that files have, and what is none of them."""

import numpy as np
import pytest

import interpret as it
from interpret.core.tag_files import read_tags
from interpret.finetuning.collator import NO_LABEL
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.objective import find_objective
from interpret.finetuning.recipe import Recipe

SENTENCE = "Anna\tB-PER\nlives\tO\nin\tO\nRome\tB-LOC\n.\tO\n\n"
UNIVERSAL = (
    "# sent_id = 1\n# text = Anna can't\n1\tAnna\tAnna\tPROPN\tNNP\tNumber=Sing\t2\tnsubj\t_\t_\n"
    "2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_\n2\tca\tcan\tAUX\tMD\t_\t0\troot\t_\t_\n3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t"
    "_\n3.1\tghost\t_\t_\t_\t_\t_\t_\t_\t_\n\n"
)


@pytest.mark.parametrize(
    "line",
    [
        "New York\tB-LOC",
        "10 000\tB-NUM",
        "10\u00a0000\tB-NUM",
        "\u3000\tO",
        "\x85\tO",
        "wait\u2028\tO",
        "#\tO",
        "#now\tO",
        " \tO",
    ],
)
def test_odd_words_are_whole(line):
    found = read_examples((line + "\n" + SENTENCE).encode() * 10, "a.conll", "text", "label", task="token classes")
    word, tag = line.split("\t")
    assert found.words[3] == (word, "Anna", "lives", "in", "Rome", ".")
    assert found.tags[3] == (tag, "B-PER", "O", "O", "B-LOC", "O")
    assert len(found) == 10
    assert found.some([3]).words == (found.words[3],)
    assert found.followed_by(found).tags == found.tags * 2


@pytest.mark.parametrize(
    "comment",
    [
        "# id 7c1f domain=train",
        "# sent_id = 1",
        "#\thttps://example.org [2009-10-17]\tx",
        "# text = So what O",
        "-DOCSTART-\t(1)\n",
        "-DOCSTART- -X- -X- O\n",
    ],
)
def test_comments_are_no_words(comment):
    for block in (SENTENCE, "Anna _ _ B-PER\nlives _ _ O\n\n", "1 Anna NNP B-PER\n2 lives VBZ O\n\n"):
        found = read_tags((comment + "\n" + block).encode() * 10, "a.txt")
        assert found.words[4][:2] == ("Anna", "lives")
        assert found.comments == 10
        assert {tag for row in found.tags for tag in row} <= {"B-PER", "B-LOC", "O"}


def test_universal_columns():
    found = read_tags(UNIVERSAL.encode() * 3, "a.conllu")
    assert found.words[2] == ("Anna", "ca", "n't")
    assert found.tags[2] == ("PROPN", "AUX", "PART")
    assert found.choices == ("UPOS", "XPOS", "DEPREL", "Number")
    assert read_tags(UNIVERSAL.encode(), "a.txt", "deprel").tags == (("nsubj", "root", "advmod"),)
    assert read_tags(UNIVERSAL.encode(), "a.txt", "Number").tags == (("Sing", "_", "_"),)
    examples = read_examples(UNIVERSAL.encode() * 8, "a.conllu", "", "", task="token classes", tags="XPOS")
    assert examples.classes == ("MD", "NNP", "RB")


@pytest.mark.parametrize(
    "content, name, sentence",
    [
        ("EU B-ORG\nrejects\n", "a.txt", "Line 2 of “a.txt” has a word but no tag"),
        ("EU\tB-ORG\nrejects\t\n", "a.txt", "Line 2 of “a.txt” has a word but no tag"),
        ("EU\tB-ORG\n\tO\n", "a.txt", "Line 2 of “a.txt” has a tag but no word"),
        ("lives O\nNew York B-LOC\nin O\n", "a.txt", "Line 2 of “a.txt” has 3 columns, but other lines have 2"),
        (
            "This is prose of a kind.\n\nAnd more.\n\nIt has all widths, as prose has.\n\nSo it is refused here.\n",
            "a.txt",
            "columns, but other lines have",
        ),
        (
            "#begin document (x); part 000\nx 0 0 The DT O\n",
            "a.txt",
            "Line 1 of “a.txt” starts a document in the CoNLL-2012 format",
        ),
        ("# only\n# comments\n", "a.txt", "contains no sentences"),
        ("text,label\nx,y\n", "a.csv", "The columns of “a.csv” are text, label. A table of tags needs"),
        ("Sentence #,Word,Tag\n1,Anna,B\n,lives,\n", "a.csv", "Row 2 of “a.csv” has no value in the column “Tag”"),
        ("Sentence #,Word,Tag\n,Anna,B\n", "a.csv", "Row 1 of “a.csv” has no value in the column “Sentence #”"),
        (
            '{"tokens": ["a", "b"], "tags": ["O"]}',
            "a.jsonl",
            r"line 1 of “a.jsonl”, the number of words \(2\) differs from the number of tags in “tags” \(1\)",
        ),
        ('{"text": "a b"}', "a.jsonl", "Line 1 of “a.jsonl” has no lists of words and tags"),
        ('{"tokens": ["a"], "tags": [null]}', "a.jsonl", "Line 1 of “a.jsonl” has None in place of a word or a tag"),
        (UNIVERSAL, "a.conllu", None),
    ],
)
def test_what_is_in_no_form_is_refused_with_its_line(content, name, sentence):
    if sentence is None:
        with pytest.raises(it.InputError, match="no tag column “NER”. It has: UPOS, XPOS, DEPREL, Number"):
            read_tags(content.encode(), name, "NER")
    else:
        with pytest.raises(it.InputError, match=sentence):
            read_tags(content.encode(), name)


def test_columns_can_be_chosen_and_numbers_are_names():
    found = read_tags(b"EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n", "a.txt", "column 2")
    assert found.choices == ("column 4", "column 3", "column 2")
    assert found.tags == (("NNP", "VBZ"),)
    assert read_tags(b'{"tokens": ["EU"], "ner_tags": [3], "pos_tags": [22]}', "a.json").tags == (("3",),)
    assert read_tags(b'{"tokens": ["EU"], "ner_tags": [3], "pos_tags": [22]}', "a.json", "pos_tags").tags == (("22",),)


def test_a_word_with_a_space_is_learned_as_one(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    content = b"the river\tB\nbank\tO\n\n" * 8
    found = read_examples(content, "a.conll", "", "", task="token classes")
    item = find_objective("token classes").reader(encoder, Recipe(model="x"), found, (0.0, 1.0))(0)
    labels = [one for one in item["labels"] if one != NO_LABEL]
    assert labels == [0, 1]
    assert len(item["input_ids"]) > 4


@pytest.mark.parametrize("task", ["classes", "regression", "token classes"])
def test_a_side_that_would_be_empty_is_refused(task):
    labels = {"classes": ("a",), "regression": ("1",), "token classes": ("O",)}[task] * 10
    same = Examples(task, ("same",) * 10, None, labels, tuple(range(10)), 0)
    with pytest.raises(it.InputError, match="leaves 10 for training and 0 for evaluation"):
        split_examples(same)


def test_sentences_that_are_all_the_same_are_refused():
    found = read_examples(SENTENCE.encode() * 10, "a.conll", "", "", task="token classes")
    with pytest.raises(it.InputError, match="leaves 10 for training and 0 for evaluation"):
        split_examples(found)


def test_a_second_text_from_elsewhere_needs_two_on_either_side():
    halves = Examples("masked words and next sentences", ("a",) * 8, ("b",) * 8, ("0",) * 8, tuple(range(8)), 0)
    with pytest.raises(it.InputError, match="leaves 7 for training and 1 for evaluation"):
        split_examples(halves, 0.05)
    assert len(split_examples(halves, 0.25)[1]) == 2


def test_the_split_of_words_keeps_equal_sentences_together():
    found = read_examples(
        (SENTENCE * 5 + SENTENCE.replace("Anna", "Peter") * 5).encode(), "a.txt", "", "", task="token classes"
    )
    learned, judged = split_examples(found, 0.5)
    assert {found.key(int(i)) for i in learned}.isdisjoint(found.key(int(i)) for i in judged)
    assert sorted(np.concatenate([learned, judged])) == list(range(10))
