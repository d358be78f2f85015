"""Delimited text as programs write it, what it may cost, and CSV that nobody's spreadsheet obeys."""

import ast
import csv
import io
import json
import re
import tracemalloc

import numpy as np
import pytest

from dashboard import ROOT
from dashboard.widgets.table_caption import described
from interpret import InputError
from interpret.core.csv_output import csv_text
from interpret.core.files import MOST_BYTES, read_table
from interpret.core.table_limits import MOST_ABSENT, MOST_COLUMNS, MOST_ROWS
from interpret.finetuning.data import read_examples


def plain(count=12):
    return [f"plain row number {i}\t{'pos' if i % 2 else 'neg'}" for i in range(count)]


def tsv(rows):
    return ("text\tlabel\n" + "\n".join(rows) + "\n").encode()


@pytest.mark.parametrize(
    "changes",
    [
        {2: '"Great" was all they said\tpos'},
        {2: '"Great movie , he said\tpos', 7: 'so bad that she left "\tneg'},
        {2: '"Great movie , he said\tpos', 5: "", 7: 'so bad that she left "\tneg'},
        {2: '"Great movie , he said\tpos'},
        {7: 'so bad that she left "\tneg'},
        {2: '"Great movie"\tpos'},
        {2: '"a\tpos', 3: 'b"\tneg'},
        {2: '5" disk\tpos', 4: '""\tneg'},
    ],
)
def test_tabs_have_no_quoting_where_it_would_swallow_rows(changes):
    rows = plain()
    for place, row in changes.items():
        rows[place] = row
    table = read_table(tsv(rows), "a.tsv")
    assert table.rows == tuple(tuple(row.split("\t")) for row in rows if row)
    assert len(table.rows) + len(table.skipped) == 12
    assert "quotation marks read as ordinary characters" in described(table, "a.tsv")
    assert "tab-separated" in described(table, "a.tsv")


@pytest.mark.parametrize("cell", ["two\nlines", "a\ttab", 'she said "yes"', 'all\nof "it"'])
def test_tabs_have_quoting_where_excel_wrote_it(cell):
    out = io.StringIO()
    rows = [[cell if i == 3 else f"plain {i}", "x"] for i in range(8)]
    csv.writer(out, "excel-tab").writerows([["text", "label"], *rows])
    table = read_table(out.getvalue().encode("utf-16"), "a.csv")
    assert table.rows == tuple(map(tuple, rows))
    assert table.dialect.quotes == "doubled"
    assert table.spread == ("\n" in cell)


def test_a_broken_quotation_mark_among_excels_cells_is_said_and_breaks_nothing_apart():
    text = 'text\tlabel\n"two\nlines"\tx\n"three\nmore"\ty\n"not closed" well\tz\n'
    with pytest.raises(InputError, match="opened on line 6 and not closed properly"):
        read_table(text.encode(), "a.tsv")


@pytest.mark.parametrize("mark", ["sep=;\n", "sep=;\r\n", '"sep=;"\n', "SEP=;\n", "\ufeffsep=;\n"])
def test_excels_first_line_names_the_delimiter(mark):
    table = read_table((mark + "text;label\nwell, he said;x\nno, not;y\n").encode(), "a.csv")
    assert table.columns == ("text", "label")
    assert table.rows == (("well, he said", "x"), ("no, not", "y"))
    with pytest.raises(InputError, match="Line 4 .* has 3 columns"):
        read_table((mark + "text;label\na;x\nb;c;y\n").encode(), "a.csv")


@pytest.mark.parametrize("rows", ["a;x;\nb;y;\n", "a;x;;;\nb;y\n"])
@pytest.mark.parametrize("header", ["text;label\n", "text;label;\n", "text;label;;\n"])
def test_delimiters_at_the_end_are_no_columns(header, rows):
    table = read_table((header + rows).encode(), "a.csv")
    assert table.columns == ("text", "label")
    assert table.rows == (("a", "x"), ("b", "y"))


def test_a_name_left_out_over_values_is_still_a_column():
    assert read_table(b"a,b,\n1,2,3\n4,5,\n", "a.csv").columns == ("a", "b", "column 3")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_decimal_commas_are_numbers(delimiter):
    rows = "\n".join(f"text, number {i}{delimiter}{i},5" for i in range(20))
    found = read_examples(f"text{delimiter}score\n{rows}".encode(), "a.csv", "text", "score", task="regression")
    assert [float(one) for one in found.labels] == [i + 0.5 for i in range(20)]
    thousands = rows.replace(",5", ".000,25")
    found = read_examples(f"text{delimiter}score\n{thousands}".encode(), "a.csv", "text", "score", task="regression")
    assert float(found.labels[7]) == 7000.25


def test_quoted_decimal_commas_are_numbers_and_thousands_are_said():
    content = "text,score\n" + "\n".join(f't {i},"{i},{{}}"' for i in range(20))
    found = read_examples(content.replace("{}", "5").encode(), "a.csv", "text", "score", task="regression")
    assert float(found.labels[3]) == 3.5
    with pytest.raises(InputError, match="Row 1 has “0,500”, but regression needs a number"):
        read_examples(content.replace("{}", "500").encode(), "a.csv", "text", "score", task="regression")


def test_backslashes_single_quotes_and_mixed_line_ends():
    table = read_table(b'text,label\n"he said \\"hi\\", then left",a\n"C:\\\\x, y",b\n', "a.csv")
    assert table.rows == (('he said "hi", then left', "a"), ("C:\\x, y", "b"))
    assert table.dialect.quotes == "backslash"
    assert read_table(b"text,label\n'well',a\n", "a.csv").rows == (("'well'", "a"),)
    with pytest.raises(InputError, match="Line 2 .* has 3 columns"):
        read_table(b"text,label\n'well, 0',a\n", "a.csv")
    table = read_table(b"text,label\ra,1\r\nb,2\nc,3\r", "a.csv")
    assert table.rows == (("a", "1"), ("b", "2"), ("c", "3"))
    assert read_table(b'"text", "label"\n"a, b", "x"\n', "a.csv").rows == (("a, b", "x"),)


def test_a_first_row_that_looks_like_data_is_said():
    assert read_table(b"good film 0,pos\ngood film 1,neg\ngood film 2,pos\n", "a.csv").headless == "pos"
    assert read_table(b"1,good\n2,bad\n", "a.csv").headless == "1"
    assert read_table(b"text,label\ngood,pos\nbad,neg\n", "a.csv").headless is None
    assert read_table(b'{"a": "1"}\n', "a.jsonl").headless is None


def test_lists_of_objects_are_read_and_what_is_none_gets_its_cause():
    rows = [{"text": "a", "n": 1}, {"text": "b"}]
    for name in ("a.json", "a.jsonl"):
        assert read_table(json.dumps(rows, indent=1).encode(), name).rows == (("a", "1"), ("b", ""))
        assert read_table(b'{"text": "a"}\n{"text": "b"}', name).rows == (("a",), ("b",))
    for content, sentence in {
        b'{"data": [{"a": 1}],\n "version": 2}': "is a single JSON object",
        b'{"data": [{"text": "a"}, {"text": "b"}]}\n': "is a single JSON object",
        # What `DataFrame.to_json` writes.
        b'{"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}}': "is a single JSON object",
        b'[{"a": 1}, 2]': "Entry 2 of the list .* is not an object",
        b'[{"a": 1}\n{"a": 2}]': "Entry 1 of the list .* is followed by neither a comma nor the end",
        b'[{"a": 1},': "Entry 2 of the list .* is not JSON",
        b"[1, 2]": "Line 1 .* is JSON but not an object",
        b'{"a": ' + b"[" * 80 + b"]" * 80 + b"}": "Line 1 .* is nested more than 64 levels deep",
        b'[{"a": ' + b"[" * 80 + b"]" * 80 + b"}]": "nested more than 64 levels deep",
    }.items():
        with pytest.raises(InputError, match=sentence):
            read_table(content, "a.json")


def test_halves_of_characters_are_marked_and_counted():
    lone, pair = "\ud83d", "\U0001f600"
    content = f'{{"te{lone}xt": "a{lone}b {pair}", "c": ["{lone}"]}}'.encode("utf-8", "surrogatepass")
    table = read_table(content, "a.jsonl")
    assert table.columns == ("te\ufffdxt", "c")
    assert table.rows == ((f"a\ufffdb {pair}", '["\ufffd"]'),)
    assert table.damaged == 2
    assert "unreadable characters (�): 2" in described(table, "a.jsonl")
    escaped = read_table(b'{"text": "x\\ud83d \\ud83d\\ude00"}', "a.jsonl")
    assert escaped.rows == ((f"x\ufffd {pair}",),)
    cesu = b"text,label\n\xed\xa0\xbd\xed\xb8\x80 ok \xed\xa0\xbd,x\n"
    assert read_table(cesu, "a.csv").rows == ((f"{pair} ok \ufffd", "x"),)
    for encoding in ("utf-16", "utf-16-le"):
        content = f"text,label\nmuch more plain text {lone} here,x\n".encode(encoding, "surrogatepass")
        assert read_table(content, "a.csv").rows == (("much more plain text \ufffd here", "x"),)


def bounded(content, name):
    """Read, and return what came of it and the most memory that it took."""
    tracemalloc.start()
    try:
        found = str(read_table(content, name).columns)
    except InputError as error:
        found = str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, peak


@pytest.mark.parametrize(
    "content, name, sentence",
    [
        (b"a," * 2999 + b"a\n" + b"1," * 2999 + b"1\n", "a.csv", "has 3000 columns; at most 1000 are"),
        (b"a," * 199_999 + b"a\n" + b"x,y\n" * 15_000, "a.csv", "has 200000 columns; at most 1000 are"),
        (b"a," * 999 + b"a\n" + b"x,y\n" * 20_000, "a.csv", "cells are missing|far fewer cells"),
        ("\n".join(f'{{"k{i}": 1}}' for i in range(12_000)).encode(), "a.jsonl", "has 1001 columns"),
        (json.dumps([{f"k{i}": 1} for i in range(12_000)]).encode(), "a.json", "has 1001 columns"),
        (
            "\n".join(f'{{"k{i % 900}": 1}}' for i in range(20_000)).encode(),
            "a.jsonl",
            "far fewer cells than its",
        ),
        (b"[" * 200_000, "a.json", "Line 1 .*not JSON"),
        (b'{"a": [' + b"[]," * 1_100_000 + b"1]}", "a.json", "has more than 1000000 values"),
        (b"\n" * 2_000_001 + b"x", "a.csv", "has 2000001 lines; at most 2000000"),
        (b"\r" * 2_000_001 + b"x", "a.txt", "has 2000001 lines; at most 2000000"),
        (b"," * 11_000_000, "a.csv", "columns; at most 1000|cells are read"),
    ],
)
def test_what_a_small_file_asks_for_is_refused_before_it_costs(content, name, sentence):
    found, peak = bounded(content, name)
    assert re.search(sentence, found), found[:300]
    # Some copies of the file, and the cells that are allowed to be filled up.
    assert peak < 40 * len(content) + 3 * 8 * MOST_ABSENT + 2**24


def test_as_many_equal_names_as_are_allowed_are_made_different_in_few_steps():
    table = read_table(b",".join([b"a"] * MOST_COLUMNS) + b"\n" + b",".join([b"1"] * MOST_COLUMNS), "a.csv")
    assert len(set(table.columns)) == MOST_COLUMNS
    assert table.columns[:3] == ("a", "a′", "a′′")


def test_bytes_rows_and_cells_have_a_most(monkeypatch):
    with pytest.raises(InputError, match="has 51 MB; at most 50 MB are read"):
        read_table(b"x" * (MOST_BYTES + 1), "a.txt")
    assert MOST_ROWS == 1_000_000
    monkeypatch.setattr("interpret.core.table_limits.MOST_ROWS", 10)
    for name, text in {
        "a.csv": "t\n" + "x\n" * 11,
        "b.csv": "t\nx\n" + "\n" * 11,
        "a.txt": "x\n\n" * 11,
        "a.jsonl": '{"a": 1}\n' * 11,
        "a.json": json.dumps([{"a": 1}] * 11),
    }.items():
        with pytest.raises(InputError, match="has more than 10 rows"):
            read_table(text.encode(), name)
    monkeypatch.setattr("interpret.core.table_limits.MOST_ROWS", 1000)
    monkeypatch.setattr("interpret.core.table_limits.MOST_CELLS", 20)
    with pytest.raises(InputError, match="has more than 10 rows of 2 columns"):
        read_table(b"a,b\n" + b"1,2\n" * 11, "a.csv")


HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    '=HYPERLINK("http://x","y")',
    "-",
    "a=b",
    "'=1",
    "",
]


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers():
    numbers = [-1.5, 3, np.float32(-0.25), np.int64(-7), True, None, float("nan"), -1e-9, *[0] * 5]
    text = csv_text({"=title": HOSTILE, "number": numbers})
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["'=title", "number"]
    # OWASP's list: what begins with one of these gets an apostrophe, all else stands as it was.
    assert [row[0] for row in rows[1:]] == [
        f"'{one}" if one[:1] in tuple("=+-@\t\r\n＝") and one else one for one in HOSTILE
    ]
    assert [row[1] for row in rows[1:9]] == ["-1.5", "3", "-0.25", "-7", "True", "", "nan", "-1e-09"]


def test_nobody_else_writes_csv():
    for folder in ("interpret", "dashboard", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            used = {
                node.attr
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "csv"
            }
            assert not used & {"writer", "DictWriter"} or path.name == "csv_output.py", path
            assert "to_csv" not in path.read_text("utf-8"), path
