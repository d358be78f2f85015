"""Files as programs write them, built at random: every row comes back as it was, or is counted.

The right value is what was written: by Python's own `csv` (RFC 4180), or as GLUE, MySQL and CoNLL's files are made.
"""

import csv
import io
import json
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interpret.core.files import read_table
from interpret.core.tag_files import read_tags

# The same examples at every run, few enough for seconds.
FEW = settings(derandomize=True, max_examples=60, deadline=None, database=None)
ODD = [
    '"',
    '""',
    "'",
    ",",
    ";",
    "|",
    "\t",
    "\\",
    '\\"',
    " ",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\x85",
    "=1+1",
    "#",
    "NaN",
    "é",
    "银行",
]
LINE_ENDS = ["\n", "\r\n", "\r"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"]


def cells(odd):
    """Words with something odd among them; never blank, so that no row is."""
    return st.lists(st.sampled_from([*odd, "bank", "river", "7"]), max_size=4).map(
        lambda parts: "x" + "".join(parts) + "y"
    )


def tables(odd, least=2, most=4):
    return st.integers(least, most).flatmap(
        lambda width: st.lists(st.lists(cells(odd), min_size=width, max_size=width), min_size=1, max_size=6)
    )


def header(width):
    return [f"name {place}" for place in range(width)]


@FEW
@given(
    rows=tables([*ODD, "\n", "\r\n"]),
    delimiter=st.sampled_from(",;"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(LINE_ENDS),
    blank=st.lists(st.integers(0, 6), max_size=2),
    trailing=st.sampled_from(["", "rows", "all"]),
    sep=st.booleans(),
)
def test_quoted_files(rows, delimiter, quoting, encoding, end, blank, trailing, sep):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(header(len(rows[0])) + [""] * (trailing == "all"))
    blanks = 0
    for place, row in enumerate(rows):
        if place in blank:
            out.write(end)
            blanks += 1
        writer.writerow(row + [""] * bool(trailing))
    text = (f"sep={delimiter}{end}" if sep else "") + out.getvalue()
    text = text.replace("é", "e") if encoding == "gb18030" else text
    rows = [[cell.replace("é", "e") for cell in row] for row in rows] if encoding == "gb18030" else rows
    table = read_table(text.encode(encoding), "a.csv")
    assert table.rows == tuple(map(tuple, rows))
    assert table.columns == tuple(header(len(rows[0])))
    assert len(table.skipped) == blanks
    assert sorted([*table.numbers, *(one.number for one in table.skipped)]) == list(range(1, len(rows) + blanks + 1))
    assert table.spread == sum(bool(re.search("[\r\n]", "".join(row))) for row in rows)


@FEW
@given(
    rows=tables([one for one in ODD if one not in ("\t", "|")]),
    delimiter=st.sampled_from("\t|"),
    end=st.sampled_from(LINE_ENDS),
    before=st.sampled_from(["", '"']),
    after=st.sampled_from(["", '"']),
    which=st.integers(0, 5),
)
def test_files_without_quoting(rows, delimiter, end, before, after, which):
    # A quotation mark before the first cell of one row, and behind a cell of another: balanced or not.
    rows[which % len(rows)][0] = before + rows[which % len(rows)][0]
    rows[-1][-1] += after
    text = end.join(delimiter.join(row) for row in [header(len(rows[0])), *rows])
    # What a program that quotes would have written for other cells is left to the next test.
    assume(not any(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in rows for cell in row))
    table = read_table(text.encode(), "a.tsv")
    assert table.rows == tuple(map(tuple, rows))
    assert table.dialect.quotes in ("ordinary", "")


@FEW
@given(rows=tables([*ODD, "\n"]), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_tabs_with_quoting(rows, quoting):
    out = io.StringIO()
    csv.writer(out, "excel-tab", quoting=quoting).writerows([header(len(rows[0])), *rows])
    lines = [line.count("\t") + 1 for line in out.getvalue().splitlines()]
    # Where every line is a row by itself nothing tells a cell of several lines from rows between quotation marks.
    assume(
        "\n" not in "".join(map("".join, rows))
        or set(out.getvalue().split("\r\n")[0].count("\t") + 1 for _ in [0]) != set(lines)
    )
    table = read_table(out.getvalue().encode(), "a.tsv")
    if table.dialect.quotes == "ordinary":
        # Then each line is a row, and none went missing.
        assert len(table.rows) + len(table.skipped) == len(out.getvalue().splitlines()) - 1
    else:
        assert table.rows == tuple(map(tuple, rows))


@FEW
@given(rows=tables([one for one in ODD if one != "\\"]), delimiter=st.sampled_from(",;"))
def test_backslashes_before_quotation_marks(rows, delimiter):
    rows = [[cell.replace('\\"', '"') for cell in row] for row in rows]
    rows[0][0] = 'he said "hi", then left'
    lines = [delimiter.join(f'"{one}"' for one in header(len(rows[0])))]
    lines += [delimiter.join('"' + cell.replace('"', '\\"') + '"' for cell in row) for row in rows]
    table = read_table("\n".join(lines).encode(), "a.csv")
    assert table.rows == tuple(map(tuple, rows))
    assert table.dialect.quotes == "backslash"


@FEW
@given(rows=tables([*ODD, "\n", "\ud83d", "\U0001f600"]), array=st.booleans(), escaped=st.booleans())
def test_json(rows, array, escaped):
    objects = [dict(zip(header(len(row)), row, strict=True)) for row in rows]
    lines = [json.dumps(one, ensure_ascii=escaped) for one in objects]
    text = "[" + ",\n".join(lines) + "]" if array else "\n".join(lines)
    table = read_table(text.encode("utf-8", "surrogatepass"), "a.json")
    # Half a character can be no more than a mark where it was, and is counted.
    assert table.rows == tuple(tuple(cell.replace("\ud83d", "\ufffd") for cell in row) for row in rows)
    assert table.damaged == sum(cell.count("\ud83d") for row in rows for cell in row)


WORDS = st.lists(
    st.sampled_from(
        ["Rome", "#", "#now", "10\u00a0000", "\u3000", "wait\x85", "a\u2028b", '"', "=", "-", "1", "\u00a0"]
    ),
    min_size=1,
    max_size=5,
)
TAGS = ["O", "B-LOC", "I-LOC"]


def sentences(words):
    # The last one has all tags, so that none stands on a “#” alone.
    return st.lists(words, min_size=2, max_size=5).map(
        lambda found: (
            [[(word, TAGS[(i + len(word)) % 3]) for i, word in enumerate(one)] for one in found]
            + [[("all", tag) for tag in TAGS]]
        )
    )


def conll(found, separator, extra):
    return ["\n".join(separator.join([word, *extra, tag]) for word, tag in one) for one in found]


@FEW
@given(
    found=sentences(WORDS),
    separator=st.sampled_from([" ", "\t"]),
    extra=st.sampled_from([[], ["NN"], ["_", "_"]]),
    comment=st.sampled_from(
        ["", "# id 7c1f domain=train\n", "# sent_id = 1\n# text = Anna lives\n", "-DOCSTART- -X- O\n\n"]
    ),
    end=st.sampled_from(LINE_ENDS),
    numbered=st.booleans(),
    spaced=st.booleans(),
)
def test_columns_of_words_and_tags(found, separator, extra, comment, end, numbered, spaced):
    if separator == "\t" and spaced:
        found = [[(word + " York", tag) for word, tag in one] for one in found]
    blocks = conll(found, separator, extra)
    if numbered:
        blocks = ["\n".join(f"{i}{separator}{line}" for i, line in enumerate(one.split("\n"), 1)) for one in blocks]
    text = "\n\n".join(comment + one for one in blocks) + "\n"
    tagged = read_tags(text.replace("\n", end).encode(), "a.conll")
    assert tagged.words == tuple(tuple(word for word, _ in one) for one in found)
    assert tagged.tags == tuple(tuple(tag for _, tag in one) for one in found)
    assert tagged.comments == len(found) * sum(map(bool, comment.split("\n")))


@FEW
@given(found=sentences(WORDS), tags=st.sampled_from(["", "UPOS", "XPOS", "DEPREL", "Case", "SpaceAfter"]))
def test_conllu(found, tags):
    places = {"": 3, "UPOS": 3, "XPOS": 4, "DEPREL": 7, "Case": 5, "SpaceAfter": 9}
    blocks = []
    for one in found:
        lines = ["# text = Anna lives", "1-2\tcannot" + "\t_" * 8]
        for number, (word, tag) in enumerate(one, 1):
            row = [str(number), word, *["_"] * 8]
            row[places[tags]] = f"Number=Sing|{tags}={tag}" if tags in ("Case", "SpaceAfter") else tag
            lines.append("\t".join(row))
        blocks.append("\n".join([*lines, "1.1\tghost" + "\t_" * 8]))
    tagged = read_tags("\n\n".join(blocks).encode(), "a.conllu", tags)
    assert tagged.form == "CoNLL-U"
    assert tagged.words == tuple(tuple(word for word, _ in one) for one in found)
    assert tagged.tags == tuple(tuple(tag for _, tag in one) for one in found)


@FEW
@given(found=sentences(WORDS), every=st.booleans(), suffix=st.sampled_from(["csv", "tsv"]))
def test_a_table_of_words(found, every, suffix):
    out = io.StringIO()
    writer = csv.writer(out, "excel" if suffix == "csv" else "excel-tab")
    writer.writerow(["Sentence #", "Word", "POS", "Tag"])
    for number, one in enumerate(found, 1):
        for place, (word, tag) in enumerate(one):
            writer.writerow([f"Sentence: {number}" if every or not place else "", word, "NN", tag])
    tagged = read_tags(out.getvalue().encode(), f"a.{suffix}")
    assert tagged.words == tuple(tuple(word for word, _ in one) for one in found)
    assert tagged.tags == tuple(tuple(tag for _, tag in one) for one in found)
    assert set(read_tags(out.getvalue().encode(), f"a.{suffix}", "POS").tags[0]) == {"NN"}


@FEW
@given(found=sentences(WORDS), keys=st.sampled_from([("tokens", "tags"), ("tokens", "ner_tags"), ("words", "labels")]))
def test_lists_of_words_and_tags(found, keys):
    lines = [json.dumps({keys[0]: [word for word, _ in one], keys[1]: [tag for _, tag in one]}) for one in found]
    tagged = read_tags("\n".join(lines).encode(), "a.jsonl")
    assert tagged.words == tuple(tuple(word for word, _ in one) for one in found)
    assert tagged.tags == tuple(tuple(tag for _, tag in one) for one in found)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@FEW
@given(text=st.text(alphabet='ab",;\t\n\r\\|', min_size=1, max_size=60))
def test_whatever_stands_there_is_a_table_or_one_sentence(name, text):
    from interpret import InputError

    try:
        table = read_table(text.encode(), name)
    except InputError:
        return
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert sorted([*table.numbers, *(one.number for one in table.skipped)]) == list(
        range(1, len(table.rows) + len(table.skipped) + 1)
    )
