"""Files as people have them."""

import json

import pytest

from interpret import InputError
from interpret.core.files import decode, read_table
from interpret.core.question_files import read_questions
from interpret.core.table_limits import MOST_CHARACTERS

CHINESE = "股市今天大涨，投资者情绪高涨"


@pytest.mark.parametrize(
    "encoding, named",
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-be", "utf-16-be"),
        ("utf-16-le", "utf-16-le"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
    ],
)
def test_encodings_are_told_apart(encoding, named):
    text = f"text,label\n{CHINESE},finance and much more English so that the zero bytes can be counted\n"
    assert decode(text.encode(encoding), "a.csv") == (text, named)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_chinese_in_utf16_without_a_mark_is_told_by_its_line_ends(encoding):
    text = f"{CHINESE}\n{CHINESE}\n"
    assert decode(text.encode(encoding), "a.txt") == (text, encoding)


@pytest.mark.parametrize(
    "text",
    [
        "Der Patient fühlt sich müde, die Wärme der Höhe",
        "Le malade a été opéré à l'hôpital « Saint-Éloi »",
        "El niño señaló dónde dolía — “mañana”",
    ],
)
def test_western_files_of_before_utf8_are_not_taken_for_chinese(text):
    assert decode(text.encode("cp1252"), "a.csv") == (text, "cp1252")


def test_chinese_among_western_words_is_not_taken_for_western():
    text = "The word 银行 means bank, 河岸 the other; row 1: 医生, ok"
    assert decode(text.encode("gb18030"), "a.csv") == (text, "gb18030")


def test_gb18030_reaches_beyond_gbk():
    text = "𠀀㐀 rare characters ☺"
    assert decode(text.encode("gb18030"), "a.txt") == (text, "gb18030")


@pytest.mark.parametrize("content", [b"", b"  \n\t ", b"\0\0\0\0", b"\xef\xbb\xbf", b"\xff\xfe \0"])
def test_an_empty_file_is_said(content):
    with pytest.raises(InputError, match=r"“a\.txt” is empty"):
        read_table(content, "a.txt")


def test_a_picture_is_no_text():
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8
    with pytest.raises(InputError, match="not text in any of these encodings: UTF-8, UTF-16, GB18030, Big5"):
        read_table(png, "a.txt")


def test_paragraphs_are_passages():
    table = read_table(b"One\nline.\r\n\r\n  \r\nTwo.\n\n\nThree.", "novel.TXT")
    assert table.rows == (("One\nline.",), ("Two.",), ("Three.",))


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_the_files_own(delimiter, name):
    rows = [["id", "text"], ["1", "a bank; a river, | both"], ["2", 'she said ""yes""']]
    content = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    table = read_table(content.encode(), name)
    assert table.columns == ("id", "text")
    assert table.rows == (("1", "a bank; a river, | both"), ("2", 'she said "yes"'))


def test_line_breaks_inside_quotes_stay():
    assert read_table(b'text,label\n"two\nlines",x\n', "a.csv").rows == (("two\nlines", "x"),)


def test_one_column_needs_no_delimiter():
    assert read_table(b"text\nonly words here\nand here\n", "a.csv").rows == (("only words here",), ("and here",))


def test_a_single_column_may_hold_commas():
    table = read_table(b"text\nthe bank\nmoney, money, money\n", "a.csv")
    assert table.rows == (("the bank",), ("money, money, money",))


def test_short_rows_are_filled_and_empty_ones_left_out():
    assert read_table(b"a,b,c\n1\n\n,,\n4,5,6\n", "a.csv").rows == (("1", "", ""), ("4", "5", "6"))


def test_names_are_made_different():
    assert read_table(b"text,text,\n1,2,3\n", "a.csv").columns == ("text", "text′", "column 3")


def test_an_open_quote_is_said_with_its_line():
    with pytest.raises(InputError, match="opened on line 3 and not closed"):
        read_table(b'text,label\nfine,x\n"never closed,y\nmore,z\n', "a.csv")
    with pytest.raises(InputError, match="opened on line 2 and not closed"):
        read_table(b'text,label\n"closed" and on,y\n', "a.csv")


def test_too_many_columns_are_said_with_their_line():
    with pytest.raises(InputError, match="Line 3 .* has 3 columns, but the first line has 2"):
        read_table(b"text,label\nfine,x\nnot, fine,y\n", "a.csv")


def test_only_names_of_columns_is_said():
    with pytest.raises(InputError, match="no rows below them"):
        read_table(b"{}\n{}\n", "a.jsonl")
    with pytest.raises(InputError, match="no rows below them"):
        read_table(b"text,label\n", "a.csv")


def test_json_lines():
    content = '{"text": "一", "n": 1}\n\n{"text": "b", "more": {"x": [1]}}\n'.encode()
    table = read_table(content, "a.jsonl")
    assert table.columns == ("text", "n", "more")
    assert table.rows == (("一", "1", ""), ("b", "", '{"x": [1]}'))
    with pytest.raises(InputError, match="Line 2 of .* is not JSON"):
        read_table(b'{"a": 1}\n{"a": \n', "a.jsonl")
    with pytest.raises(InputError, match="Line 1 of .* is JSON but not an object"):
        read_table(b"[1, 2]\n", "a.jsonl")


def test_json_may_hold_what_python_takes_for_line_ends_and_not_what_is_nested_too_deep():
    assert read_table('{"text": "a\u2028b\u0085c"}\r\n'.encode(), "a.jsonl").rows == (("a\u2028b\u0085c",),)
    with pytest.raises(InputError, match="Line 1 of .* is not JSON"):
        read_table(b"[" * 200_000, "a.jsonl")


def test_nul_bytes_are_left_out():
    assert (
        read_table(b"text,label\nwith\0nul and much more text,x\n", "a.csv").rows[0][0] == "withnul and much more text"
    )


def test_other_kinds_are_said():
    with pytest.raises(InputError, match=r"The file type of “a\.pdf” is not supported"):
        read_table(b"x", "a.pdf")


def test_five_megabytes():
    content = ("text,label\n" + f'"{CHINESE * 5}",x\n' * 25_000).encode()
    assert len(content) > 5_000_000
    assert len(read_table(content, "a.csv").rows) == 25_000


TOO_LONG = "\\" * (MOST_CHARACTERS + 1)


@pytest.mark.parametrize(
    "read, content, name, row",
    [
        (read_table, f"text,label\nthe bank,a\n{TOO_LONG},b\n", "rows.csv", 2),
        (read_table, f"the bank\n\n{TOO_LONG}", "rows.txt", 2),
        (read_table, json.dumps([{"text": "the bank"}, {"text": TOO_LONG}]), "rows.json", 2),
        (
            read_questions,
            "\n".join(
                json.dumps({"context": passage, "question": "who", "answers": {"text": [], "answer_start": []}})
                for passage in ("the bank", TOO_LONG)
            ),
            "questions.jsonl",
            2,
        ),
    ],
)
def test_a_text_that_would_take_the_memory_of_others_is_refused_with_its_row(read, content, name, row):
    # Of 5 MB of backslashes each is a token, and all of them together took a gigabyte; 50 MB would take ten.
    with pytest.raises(InputError, match=rf"Row {row} of “{name}” .*1,000,001 characters; at most 1,000,000"):
        read(content.encode(), name)
    read(content.replace(TOO_LONG, TOO_LONG[1:]).replace(json.dumps(TOO_LONG), json.dumps(TOO_LONG[1:])).encode(), name)


def test_so_is_a_column_whose_name_is_a_book():
    with pytest.raises(InputError, match="column of “rows.csv” has a name of 10,001 characters; at most 10,000"):
        read_table(f"text,{'x' * 10_001}\nthe bank,b\n".encode(), "rows.csv")


def test_so_is_one_that_was_typed(minilm):
    for given in ((TOO_LONG,), ("the bank", TOO_LONG)):
        with pytest.raises(InputError, match="1,000,001 characters; at most 1,000,000"):
            minilm.tokens(*given)
