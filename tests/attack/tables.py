"""Hostile files for every reader of what is uploaded, and for what is made of the rows that come of them."""

from collections.abc import Callable
from random import Random

import interpret as it
from interpret.core.column_roles import guess_roles
from interpret.core.data_card import make_data_card
from interpret.core.encodings import ENCODINGS
from interpret.core.files import read_table
from interpret.core.question_files import read_questions
from interpret.core.tag_files import read_tags
from tests.attack.damage import VALUES, damaged_bytes, damaged_json, deep, dumped

_ROWS = [
    {"text": f"the bank was steep, {number}", "label": "ab"[number % 2], "id": number, "score": number / 7}
    for number in range(12)
]
_SQUAD = {
    "version": "2.0",
    "data": [
        {
            "title": "bank",
            "paragraphs": [
                {
                    "context": "The bank lent us money because the river was steep.",
                    "qas": [
                        {
                            "id": f"q{number}",
                            "question": "Who lent money?",
                            "answers": [{"text": "The bank", "answer_start": 0}],
                            "is_impossible": False,
                        }
                        for number in range(3)
                    ],
                }
            ],
        }
    ],
}
_CSV = "text,label,id\r\n" + "".join(f'"the bank, {n}",{"ab"[n % 2]},{n}\r\n' for n in range(40))
_TAGS = "-DOCSTART- -X- O O\n\n" + "The DT B-NP O\nbank NN I-NP B-ORG\nlent VBD B-VP O\n\n" * 20
_TREES = "# text = the bank\n1\tthe\tthe\tDET\tDT\t_\t2\tdet\t_\t_\n2\tbank\tbank\tNOUN\tNN\t_\t0\troot\t_\t_\n\n" * 10
_TEXT = "The bank lent us money.\n\nThe river bank was steep.\n" * 20


def table_file(random: Random) -> tuple[str, Callable[[], object]]:
    """Return a name and what reads a hostile file as a page does: rows, roles of columns, a card, and examples."""
    name, content = hostile_table(random)
    encoding = "" if random.random() < 0.8 else random.choice((*ENCODINGS, "no-such"))

    def work() -> None:
        table = read_table(content, name, encoding)
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert len(set(table.columns)) == len(table.columns)
        "".join(cell for row in table.rows for cell in row).encode()
        roles = guess_roles(table)
        make_data_card(table, roles)
        text, label = table.columns[0], table.columns[-1]
        task = random.choice(("classes", "regression", "multi_label"))
        it.finetuning.read_examples(content, name, text, label, None, task)

    return name, work


def other_file(random: Random) -> tuple[str, Callable[[], object]]:
    """Return what reads a hostile file in a form of its own: tags, trees, questions."""
    name, content = hostile_other(random)
    if name.endswith(".json"):
        return name, lambda: read_questions(content, name)
    if name.endswith(".conllu"):
        return name, lambda: it.attention.read_conllu(content, name)
    return name, lambda: read_tags(content, name)


def hostile_table(random: Random) -> tuple[str, bytes]:
    """Return the name and the bytes of a hostile file that says that it is a table."""
    suffix = random.choice(("csv", "tsv", "json", "jsonl", "txt", "md", "JSON"))
    content = _content(suffix.lower(), random)
    names = (
        f"../{suffix}.{suffix}",
        f"\ud800.{suffix}",
        f"{'x' * 3000}.{suffix}",
        f"{suffix}.gz",
        ".",
        "",
        "rows.xlsx",
    )
    return f"rows.{suffix}" if random.random() < 0.8 else random.choice(names), content


def hostile_other(random: Random) -> tuple[str, bytes]:
    """Return the name and the bytes of a hostile file of tags, trees or questions."""
    kind = random.choice(("tags", "trees", "questions"))
    if kind == "questions":
        value = damaged_json(_SQUAD, random)
        return "questions.json", random.choice((dumped(value), damaged_bytes(dumped(_SQUAD), random), deep(random)))
    whole = (_TAGS if kind == "tags" else _TREES).encode()
    content = damaged_bytes(whole, random) if random.random() < 0.9 else whole * 1000
    endings = ("conll", "txt", "tsv", "jsonl") if kind == "tags" else ("conllu",)
    return f"{kind}.{random.choice(endings)}", content


def _content(suffix: str, random: Random) -> bytes:
    if random.random() < 0.3:
        return random.choice(_SHAPES)(random)
    if suffix == "json":
        value = random.choice((_ROWS, _SQUAD, {"data": _ROWS}, [_ROWS]))
        return random.choice((dumped(damaged_json(value, random)), damaged_bytes(dumped(value), random)))
    if suffix == "jsonl":
        rows = damaged_json(_ROWS, random) if random.random() < 0.7 else _ROWS
        lines = b"\n".join(map(dumped, rows)) if isinstance(rows, list) else dumped(rows)
        return lines if rows is not _ROWS else damaged_bytes(lines, random)
    return damaged_bytes((_TEXT if suffix in ("txt", "md") else _CSV).encode(), random)


def _same_names(random: Random) -> bytes:
    count = random.choice((900, 3000, 100_000))
    return random.choice((b"a,", b",", b"a 2,", b'"",')) * count + b"\n" + b"1," * min(count, 3000) + b"\n"


def _ragged(random: Random) -> bytes:
    return b",".join(b"%d" % one for one in range(random.choice((900, 5000)))) + b"\n" + b"x\n" * 200_000


def _new_keys(random: Random) -> bytes:
    count = random.choice((900, 20_000))
    return b"\n".join(b'{"k%d": %d}' % (one, one) for one in range(count))


def _blank(random: Random) -> bytes:
    return b"text\n" + random.choice((b"\n", b" \n", b"\t\n", b"\r", b"\0\n")) * 2_000_000 + b"x\n"


def _quotes(random: Random) -> bytes:
    return b'a,b\n"' + random.choice((b'""', b'"', b"\n", b'",', b'"\n')) * 500_000


def _one_cell(random: Random) -> bytes:
    return b"text,label\n" + random.choice((b"a", b"a ", b"\xe9\x93\xb6", b"<b>", b"\\")) * 5_000_000 + b",x\n"


def _wide_object(_random: Random) -> bytes:
    return b"[{" + b",".join(b'"k%d":0' % one for one in range(200_000)) + b"}]"


def _numbers(random: Random) -> bytes:
    many = random.choice((b"1e999", b"NaN", b"9" * 4400, b"0x7f", b"-inf", "٣".encode(), b"1_000"))
    return b"text,label\n" + b"\n".join(b"a%d," % one + many for one in range(300))


def _any_value(random: Random) -> bytes:
    return b"\n".join(dumped({"text": random.choice(VALUES), "label": random.choice(VALUES)}) for _ in range(30))


def _large(random: Random) -> bytes:
    """Return rows that are as they should be, and many: what reads a row is not to look at all of them."""
    return random.choice((b'{"text": "the bank", "label": "law"}\n', b"the bank,law\n", b'"the", bank\n\n')) * 100_000


_SHAPES: tuple[Callable[[Random], bytes], ...] = (
    deep,
    _same_names,
    _ragged,
    _new_keys,
    _blank,
    _quotes,
    _one_cell,
    _wide_object,
    _numbers,
    _any_value,
    _large,
)
