"""Which column is the text, the label, the row's own name: told as a person reading the file would."""

import pytest

from interpret import InputError
from interpret.core.column_roles import ROLES, ColumnRoles, guess_roles, text_column
from interpret.core.files import read_table

COMPLAINTS = [
    "The card was declined twice at the same shop.",
    "Nobody answered the phone for forty minutes.",
    "My transfer arrived a week late.",
    "The fee was never explained to me.",
]
CHINESE = [
    "银行卡在同一家商店被拒了两次。",
    "电话等了四十分钟没人接。",
    "转账晚了一个星期才到。",
    "没有人向我解释过这笔费用。",
]


def file_of(header, *columns, count=24):
    rows = [",".join(f'"{column(i)}"' for column in columns) for i in range(count)]
    return read_table("\n".join([header, *rows]).encode(), "a.csv")


def text(i):
    return f"{COMPLAINTS[i % 4]} Case {i}."


def shorter(i):
    return f"{COMPLAINTS[(i + 1) % 4]}"[:30] + f" {i}"


def brief(i):
    return f"{COMPLAINTS[(i + 1) % 4]}"[:15] + f" {i}"


def two(i):
    return "ab"[i % 2]


def three(i):
    return ("card", "phone", "fees")[i % 3]


def date(i):
    return f"2026-03-{i + 1:02}"


def named(table):
    roles = guess_roles(table)
    found = {role: table.columns[index] for role in ROLES if (index := getattr(roles, role)) is not None}
    return found, {role: [table.columns[i] for i in among] for role, among in roles.doubtful.items()}


@pytest.mark.parametrize(
    "header, columns, found",
    [
        ("text,label", (text, two), {"text": "text", "label": "label"}),
        ("label,text", (two, text), {"text": "text", "label": "label"}),
        # The collection of SMS spam has these names.
        ("v1,v2", (two, text), {"text": "v2", "label": "v1"}),
        (
            "id,date,complaint,product",
            (str, date, text, three),
            dict(text="complaint", label="product", id="id", time="date"),
        ),
        (
            "Case ID,Narrative,Product",
            (lambda i: f"C-{i:04}", text, three),
            dict(text="Narrative", label="Product", id="Case ID"),
        ),
        # A flag has fewer different values than the label, and is none.
        ("text,category,flagged", (text, three, two), {"text": "text", "label": "category"}),
        ("text,flagged,sentiment", (text, two, three), {"text": "text", "label": "sentiment"}),
        ("text,label,topic", (text, three, two), {"text": "text", "label": "label"}),
        ("编号,文本,标签", (str, lambda i: CHINESE[i % 4] + str(i), three), dict(text="文本", label="标签", id="编号")),
        (
            "序号,投诉内容,日期,处理结果",
            (str, lambda i: CHINESE[i % 4] + str(i), date, two),
            dict(text="投诉内容", label="处理结果", id="序号", time="日期"),
        ),
        ("premise,hypothesis,label", (text, shorter, three), dict(text="premise", pair="hypothesis", label="label")),
        ("question,answer", (text, lambda i: ("yes", "no")[i % 2]), {"text": "question", "label": "answer"}),
        (
            "text,highlights,label",
            (text, lambda i: "card; shop", two),
            dict(text="text", label="label", highlights="highlights"),
        ),
        ("claim,evidence,verdict", (shorter, text, three), {"text": "claim", "pair": "evidence", "label": "verdict"}),
        ("text,score", (text, lambda i: f"{i * 0.37:.2f}"), {"text": "text", "label": "score"}),
        # What somebody wrote beside the text.
        ("v2,notes,v1", (text, lambda i: f"ok {i}", two), {"text": "v2", "label": "v1"}),
        ("text,label,comment", (brief, two, text), {"text": "text", "label": "label"}),
        ("month,text", (lambda i: f"2026-{i % 3 + 1:02}", text), {"text": "text"}),
        ("date,text", (lambda i: f"Mar {i % 3 + 1}, 2026", text), {"text": "text"}),
        ("text,split", (text, lambda i: ("train", "test")[i % 2]), {"text": "text"}),
        ("title,body,class", (lambda i: f"Case {i}", text, two), {"text": "body", "label": "class"}),
        # The same customer calls twice: that names no row, and is no class.
        ("customer_id,text,class", (lambda i: f"K{i // 2}", text, two), {"text": "text", "label": "class"}),
        # Nothing in it: that is said, and nothing else is read in its place.
        ("text,label", (lambda i: " ", two), {"text": "text", "label": "label"}),
        ("text,price", (text, lambda i: f"{i * 7 % 23 + 0.5}"), {"text": "text"}),
        ("text", (text,), {"text": "text"}),
        ("Zip,Wert", (lambda i: f"{80000 + i * 7}", lambda i: str(i % 5)), {"text": "Zip", "label": "Wert"}),
    ],
)
def test_a_column_has_the_role_that_its_name_and_content_tell(header, columns, found):
    assert named(file_of(header, *columns)) == (found, {})


@pytest.mark.parametrize(
    "header, columns, doubtful",
    [
        ("a,b,c", (text, three, two), {"label": ["b", "c"]}),
        ("text,sentiment,topic", (text, two, three), {"label": ["sentiment", "topic"]}),
        ("sentence,comment,label", (brief, text, two), {"text": ["sentence", "comment"]}),
        ("tweet,explanation,label", (brief, text, two), {"text": ["tweet", "explanation"]}),
        ("query,reply,label", (brief, text, two), {"text": ["query", "reply"]}),
        ("v1,v2,label", (text, lambda i: text(i + 1), two), {"text": ["v1", "v2"]}),
        ("text,label,class", (text, two, three), {"label": ["label", "class"]}),
    ],
)
def test_where_two_would_do_neither_is_taken(header, columns, doubtful):
    found, among = named(file_of(header, *columns))
    assert among == doubtful
    assert not set(found) & set(doubtful)


def test_what_somebody_says_goes_and_frees_the_column():
    roles = guess_roles(file_of("a,b,c", text, three, two))
    said = roles.chosen("label", 2)
    assert (said.text, said.label, dict(said.doubtful)) == (0, 2, {})
    other = said.chosen("text", 2)
    assert (other.text, other.label) == (2, None)
    assert roles.chosen("pair", None).doubtful == roles.doubtful


@pytest.mark.parametrize(
    "content", ["text\nx\n", "a,b\n1,2\n", "a,b\n,\nx,\n", "label,id\nx,\n", "a,b\n2026-01-01,1\n"]
)
def test_a_file_with_hardly_anything_in_it_has_a_text_or_asks(content):
    roles = guess_roles(read_table(content.encode(), "a.csv"))
    assert roles.text is not None or roles.doubtful["text"]
    assert isinstance(roles, ColumnRoles)


def test_who_names_no_column_gets_the_text_or_the_names_of_those_that_could_be_it():
    assert text_column(file_of("id,complaint", str, text), "a.csv") == 1
    with pytest.raises(InputError, match=r"“a\.csv” could hold the text: v1, v2\. Name one"):
        text_column(file_of("v1,v2,label", text, lambda i: text(i + 1), two), "a.csv")
