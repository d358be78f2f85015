"""Questions out of files, in the forms that are about; what is not in a passage is no answer."""

import json

import pytest

import interpret as it
from dashboard import ROOT
from interpret.core.files import read_table
from interpret.core.question_files import read_questions

PASSAGE = "  Ada lent 20 pounds to Ben. Ben lent 20 francs to Cy. 中国银行 lent none."


def squad(*questions, title="Loans", context=PASSAGE):
    return {"version": "1.1", "data": [{"title": title, "paragraphs": [{"context": context, "qas": list(questions)}]}]}


def question(text, *answers, **more):
    marked = [{"text": one, "answer_start": PASSAGE.find(one) if at is None else at} for one, at in answers]
    return {"id": text[:3], "question": text, "answers": marked, **more}


def read(value, name="loans.json"):
    return read_questions(value if isinstance(value, bytes) else json.dumps(value).encode(), name)


WHO = question("Who lent pounds?", ("Ada", None))


def test_squad_is_read_with_all_that_was_marked():
    none = question("Who paid it back?", ("Cy", None), is_impossible=True)
    twice = question("What did Ada lend?", ("20 pounds", None), ("20", None), ("20 pounds", None))
    found = read(squad(WHO, none, twice))
    assert found.questions == ("Who lent pounds?", "Who paid it back?", "What did Ada lend?")
    assert set(found.passages) == {PASSAGE}
    start = PASSAGE.index("20 pounds")
    # What is impossible has no answer, whatever stands beside it; the same twice is one.
    assert found.spans == (((2, 5),), (), ((start, start + 9), (start, start + 2)))
    assert found.columns == {"id": ("Who", "Who", "Wha"), "title": ("Loans",) * 3}
    assert (found.numbers, found.skipped, found.moved) == ((1, 2, 3), 0, 0)


FLAT = {"context": PASSAGE, "question": "Who lent pounds?", "answers": {"text": ["Ada"], "answer_start": [2]}}
FORMS = {
    "a list of articles": squad(WHO)["data"],
    "a list of paragraphs": squad(WHO)["data"][0]["paragraphs"],
    "one article": squad(WHO)["data"][0],
    "datasets, a list": [FLAT],
    "datasets, lines": (json.dumps(FLAT) + "\n\n" + json.dumps(FLAT)).encode(),
    "one answer as text": [{"context": PASSAGE, "question": "Who lent pounds?", "answer": "Ada", "answer_start": 2}],
    "MRQA": b'{"header": {"split": "x"}}\n'
    + json.dumps({"context": PASSAGE, "qas": [{"question": "Who lent pounds?", "answers": ["Ada"]}]}).encode(),
    "CMRC 2018": [
        {"context_text": PASSAGE, "qas": [{"query_text": "Who lent pounds?", "query_id": "1", "answers": ["Ada"]}]}
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form):
    found = read(FORMS[form])
    assert (found.questions[0], found.passages[0], found.spans[0]) == ("Who lent pounds?", PASSAGE, ((2, 5),))
    assert found.skipped == 0


@pytest.mark.parametrize(
    ("answer", "at", "span", "moved"),
    [
        ("Ada", 2, (2, 5), 0),
        ("Ada", 40, (2, 5), 1),  # the file is wrong about where it stands
        ("lent 20", 30, (PASSAGE.index("lent 20 f"), PASSAGE.index("lent 20 f") + 7), 1),  # the nearer of two
        (" Ada ", 1, (2, 5), 0),  # the space before is in the passage, and no part of the answer
        ("银行", -1, (PASSAGE.index("银行"), PASSAGE.index("银行") + 2), 0),  # once: there is no doubt
        ("lent 20", -1, None, 0),  # twice: nobody can tell which
        ("Dora", 3, None, 0),
        ("  ", 0, (), 0),  # as if nothing had been marked
    ],
)
def test_an_answer_stands_in_its_passage_or_the_question_is_left_out(answer, at, span, moved):
    found = read(squad(question("What?", (answer, at)), WHO))
    given = [] if span is None else [(span,) if span else ()]
    assert found.spans == (*given, ((2, 5),))
    assert (found.skipped, found.moved) == (int(span is None), moved)


@pytest.mark.parametrize(
    ("given", "span"),
    [
        ({"answers": {"text": ["20"], "answer_start": [11.0]}}, (11, 13)),
        ({"answers": {"text": ["20"], "answer_start": ["11"]}}, (11, 13)),
        ({"answers": [{"text": 20, "answer_start": 11}]}, (11, 13)),
        ({"answers": [{"text": 20, "answer_start": "²"}]}, None),
        ({"answers": [{"text": 20, "answer_start": "9" * 5000}]}, None),
        ({"answers": {"text": [], "answer_start": []}}, ()),
        ({"answers": []}, ()),
        # Nothing is said of an answer, or nothing that is one: that is not to say that there is none.
        ({"answers": None}, None),
        ({"answer_text": "20"}, None),
        ({"answers": [{"text": ["20"]}]}, None),
        ({"answers": {"text": "Ada", "answer_start": float("nan")}}, (2, 5)),
    ],
)
def test_numbers_are_read_and_what_says_nothing_is_left_out(given, span):
    found = read([{"context": PASSAGE, "question": "What?", "id": None, **given}, FLAT])
    expected = [] if span is None else [(span,) if span else ()]
    assert found.spans == (*expected, ((2, 5),))
    assert found.skipped == (span is None)
    assert "id" not in found.columns


@pytest.mark.parametrize(
    "line",
    [{"text": "a", "paragraphs": ["b", "c"]}, {"text": "a", "paragraphs": [{"idx": 1}]}, {"text": "a", "qas": ["b"]}],
)
def test_what_is_only_called_so_stays_a_table(line):
    assert read_table((json.dumps(line) + "\n" + json.dumps(line)).encode(), "mine.jsonl").rows[0][0] == "a"


def test_a_number_as_an_answer_is_written_in_full():
    found = read([{"context": "It cost 31000000 or 39.25.", "question": "How much?", "answers": [31000000, 39.25]}])
    assert found.spans == (((8, 16), (20, 25)),)


def test_what_lacks_a_question_or_a_passage_is_left_out_and_counted():
    found = read([FLAT, FLAT | {"question": " "}, FLAT | {"context": None}, FLAT | {"question": 7}])
    assert (len(found.questions), found.skipped, found.numbers) == (1, 3, (1,))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"data": 3}', "no questions with passages"),
        (json.dumps({"data": [{"paragraphs": 3}]}).encode(), "no questions with passages|single JSON object"),
        (json.dumps({"data": [{"paragraphs": [{"context": "a", "qas": ["x"]}]}]}).encode(), "single JSON object"),
        (b'[{"text": "a"}]', "no questions with passages"),
        (json.dumps(squad(WHO)).encode()[:-9], "not JSON"),
        (b"", "is empty"),
        ((b'{"data": [{"paragraphs": [{"qas": [' + b"[" * 400 + b"]" * 400 + b"]}]}]}"), "no questions|nested"),
    ],
)
def test_what_is_no_file_of_questions_is_one_sentence(content, said):
    with pytest.raises(it.InputError, match=said):
        read(content)


def test_a_file_that_would_take_all_memory_is_refused_before_it_does():
    few = json.dumps(squad(WHO))[:-6] + ", {}" * 1_000_000 + "]}]}]}"
    with pytest.raises(it.InputError, match="more than 1,000,000 objects"):
        read(few.encode())


def test_where_an_answer_stands_is_found_in_no_time():
    """A passage of a million characters in which the answer begins everywhere: by looking at each it took minutes."""
    passage, where = "a" * 999_999, {"answer_start": 500_000}
    given = [
        (passage, [{"text": "a" * 500_000, "answer_start": 1}]),
        (passage + "b", [{"text": "a" * 9 + "b", **where}, {"text": "ca" + "a" * 500_000, **where}]),
        # Its last letter is everywhere, its first nowhere: by comparing from the end it took hours.
        (passage, [{"text": "ab" + "a" * 500_000, **where}]),
    ]
    found = read([{"context": context, "question": "What?", "answers": answers} for context, answers in given])
    assert found.spans == (((1, 500_001),), ((999_990, 1_000_000),))
    assert (found.moved, found.skipped) == (1, 1)


def test_as_a_table_each_question_is_a_row():
    table = read_table(json.dumps(squad(WHO, question("Where?"))).encode(), "loans.json")
    assert table.columns == ("question", "context", "answer", "id", "title")
    assert table.rows[0] == ("Who lent pounds?", PASSAGE, "Ada", "Who", "Loans")
    assert table.rows[1][:3] == ("Where?", PASSAGE, "")
    assert table.numbers == (1, 2)


def test_the_shipped_questions_are_answered_in_their_passages():
    found = read((ROOT / "dashboard/examples/questions.json").read_bytes())
    assert (len(found.questions), len(set(found.passages)), found.skipped, found.moved) == (168, 42, 0, 0)
    assert all(len(spans) == 1 for spans in found.spans)
    assert len(set(found.questions)) > 160
