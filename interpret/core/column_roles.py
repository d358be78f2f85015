"""What each column of a file is for: its text, its label, its rows' own names and times, told by name and content."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from interpret.core.errors import InputError
from interpret.core.files import Table
from interpret.core.labels import as_number, is_missing
from interpret.core.scripts import IDEOGRAPHS


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


# What people call such columns, in English and Chinese; the surest first, and words of one line as sure as each other.
_NAMES: Mapping[str, tuple[frozenset[str], ...]] = MappingProxyType(
    {
        "text": (
            _words("text texts 文本 正文 原文"),
            _words("sentence review utterance document message complaint narrative question query tweet post statement")
            | _words("premise 句子 评论 投诉 病历 留言 问题"),
            _words("content body comment comments description note notes report feedback summary abstract")
            | _words("內容 内容 描述 摘要 反馈"),
        ),
        "label": (
            _words("label labels class target gold y 标签 类别 類別 標籤 真实标签"),
            _words("category sentiment intent topic polarity emotion outcome decision verdict diagnosis")
            | _words("rating stars score 分类 分類 情感 意图 主题 主題 话题 结论 诊断 评分"),
        ),
        "id": (
            _words("id uid uuid guid identifier key 编号 編號 序号 序號 流水号 病历号 工单号 订单号 案号"),
            _words("index idx no nr number row case ticket"),
        ),
        "time": (
            _words("date time datetime timestamp 日期 时间 時間"),
            _words("created updated year month day created_at updated_at published 年份 创建时间"),
        ),
        # No role of its own: it says which rows are for training.
        "split": (_words("split fold set partition subset 划分 折"),),
        "highlights": (_words("highlights highlight rationale rationales evidence 标注 依据 高亮"),),
    }
)
# First and second text of a row.
_PAIRS = (
    ("text_a", "text_b"),
    ("texta", "textb"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("question", "answer"),
    ("question", "passage"),
    ("question", "context"),
    ("query", "document"),
    ("query", "passage"),
    ("text", "text_pair"),
    ("claim", "evidence"),
    ("better", "worse"),
    ("文本1", "文本2"),
    ("文本a", "文本b"),
    ("句子1", "句子2"),
    ("问题", "回答"),
    ("问题", "答案"),
)
_TIME = re.compile(
    r"\d{4}([-/.年])\d{1,2}([-/.月])\d{1,2}日?([ T]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})([ T]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}:\d{2}(:\d{2})?"
)
# A letter or some and digits, or what programs draw at random: “C-0412”, “9f86d081-…”.
_CODE = re.compile(r"[A-Za-z]{0,6}[-_/#]?\d+([-_/]\d+)*|[0-9a-f]{8,}(-[0-9a-f]{4,})*", re.IGNORECASE)
_EAST_ASIAN = re.compile(rf"[{IDEOGRAPHS}\u3040-\u30ff\uac00-\ud7af]")
# Rows that are looked at: the kind of a column shows in fewer.
_SAMPLE = 2000
# A text has this many times the characters of the next longest column, or which of the two it is is asked.
_CLEARLY_LONGER = 1.5
# Classes of a label, at most: a column with more is rather of names.
_MOST_CLASSES = 500
ROLES = ("text", "pair", "label", "id", "time", "highlights")


@dataclass(frozen=True)
class ColumnRoles:
    """Which column has which role in a file.

    Attributes
    ----------
    text, pair, label, id, time, highlights
        Indices of the columns: the text, a second text of the same row, its label, what names the row, when it is
        from, and words that people marked in it. None where no column has the role, or where two would do.
    doubtful
        For ``"text"`` and ``"label"`` the columns of which each would do, where they are several.
    """

    text: int | None = None
    pair: int | None = None
    label: int | None = None
    id: int | None = None
    time: int | None = None
    highlights: int | None = None
    doubtful: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def chosen(self, role: str, column: int | None) -> "ColumnRoles":
        """Return the roles once somebody has said which column has one of them; another role that it had is free.

        Examples
        --------
        >>> ColumnRoles(text=0, label=1).chosen("text", 1)
        ColumnRoles(text=1, pair=None, label=None, id=None, time=None, highlights=None, doubtful=mappingproxy({}))
        """
        columns = {name: getattr(self, name) for name in ROLES}
        if column is not None:
            columns = {name: None if index == column else index for name, index in columns.items()}
        columns[role] = column
        doubtful = {name: among for name, among in self.doubtful.items() if name != role and columns[name] is None}
        return ColumnRoles(**columns, doubtful=MappingProxyType(doubtful))


@dataclass(frozen=True)
class _Column:
    """What is in a column: of the cells that are not missing, how they look."""

    index: int
    name: str
    filled: int
    different: int
    length: float
    spaced: float
    numeric: float
    timed: float
    coded: bool

    def rank(self, role: str) -> int | None:
        """Return how sure the name says that it has a role, 0 for the surest; None where it does not say so."""
        name = self.name.strip().casefold()
        last = re.split(r"[\s_\-.]+", name)[-1] if role == "id" else name
        return next((rank for rank, names in enumerate(_NAMES[role]) if name in names or last in names), None)


def guess_roles(table: Table) -> ColumnRoles:
    """Tell which column of a table is its text, its label and so on, from their names and what is in them.

    Where two columns would do as the text or the label, neither is taken: see `ColumnRoles.doubtful`. That a column
    has the fewest different values makes it no label.

    Examples
    --------
    >>> rows = tuple((f"C-{i:03}", f"The card was declined {i} times.", "ab"[i % 2]) for i in range(8))
    >>> guess_roles(Table(("case", "complaint", "product"), rows, "utf-8", tuple(range(1, 9))))
    ColumnRoles(text=1, pair=None, label=2, id=0, time=None, highlights=None, doubtful=mappingproxy({}))
    """
    rows = table.rows[:_SAMPLE]
    columns = [_described(index, name, [row[index] for row in rows]) for index, name in enumerate(table.columns)]
    free = {column.index: column for column in columns}
    found: dict[str, int] = {}
    doubtful: dict[str, tuple[int, ...]] = {}

    def take(role: str, index: int | None) -> None:
        if index is not None:
            found[role] = index
            free.pop(index, None)

    pair = _pair(free.values())
    if pair is not None:
        take("text", pair[0])
        take("pair", pair[1])
    else:
        texts = _texts([one for one in free.values() if one.rank("highlights") is None] or columns)
        if len(texts) == 1:
            take("text", texts[0])
        elif texts:
            doubtful["text"] = tuple(texts)
    take("highlights", next((one.index for one in _surest(free.values(), "highlights")), None))
    take("time", _time(free.values()))
    take("id", _id(free.values()))
    labels = _labels([one for one in free.values() if one.index not in doubtful.get("text", ())])
    if len(labels) == 1:
        take("label", labels[0])
    elif labels:
        doubtful["label"] = tuple(labels)
    return ColumnRoles(**found, doubtful=MappingProxyType(doubtful))


def text_column(table: Table, name: str) -> int:
    """Return the index of the column with the text, for who asked for none.

    Raises
    ------
    InputError
        If several would do.
    """
    roles = guess_roles(table)
    if roles.text is None:
        raise InputError(
            "Several columns of “{name}” could hold the text: {columns}. Name one of them.",
            name=name,
            columns=", ".join(table.columns[index] for index in roles.doubtful["text"]),
        )
    return roles.text


def _described(index: int, name: str, cells: Sequence[str]) -> _Column:
    given = [cell.strip() for cell in cells if not is_missing(cell)]
    filled = max(1, len(given))
    numbers = [number for number in map(as_number, given) if number is not None]
    return _Column(
        index,
        name,
        len(given),
        len(set(given)),
        sum(map(_breadth, given)) / filled,
        sum(" " in cell or _breadth(cell) > len(cell) for cell in given) / filled,
        len(numbers) / filled,
        sum(_TIME.fullmatch(cell) is not None for cell in given) / filled,
        _counted(numbers) if len(numbers) == len(given) else all(map(_CODE.fullmatch, given)),
    )


def _counted(numbers: Sequence[float]) -> bool:
    """Tell whether numbers go up by one, as an index does."""
    return all(after - before == 1 for before, after in pairwise(numbers))


def _breadth(text: str) -> int:
    """Return a text's length where a character of Chinese, Japanese or Korean counts as three letters of a word."""
    return len(text) + 2 * len(_EAST_ASIAN.findall(text))


def _surest(columns: Iterable[_Column], role: str) -> list[_Column]:
    """Return the columns that are surest by their names, or none."""
    ranked = [(rank, one) for one in columns if (rank := one.rank(role)) is not None]
    best = min((rank for rank, _one in ranked), default=0)
    return [one for rank, one in ranked if rank == best]


def _pair(columns: Iterable[_Column]) -> tuple[int, int] | None:
    # A column of one word in each cell, such as an answer that is yes or no, is no text.
    prose = {one.name.strip().casefold(): one.index for one in columns if one.spaced > 0.5}
    return next(((prose[first], prose[second]) for first, second in _PAIRS if {first, second} <= prose.keys()), None)


def _texts(columns: Sequence[_Column]) -> list[int]:
    """Return the columns that would do as the text: one, where that is clear."""
    prose = [one for one in columns if one.numeric < 0.5 and one.timed < 0.5]
    words = [one for one in prose if one.filled] or list(columns)
    longest = max((one.length for one in words), default=0.0)
    pool = _surest(prose, "text")
    if pool and not pool[0].rank("text"):
        return [one.index for one in pool]
    if pool and pool[0].rank("text") == 1 and all(one.length * _CLEARLY_LONGER < longest for one in pool):
        # The longer one may be a reply to it, or what somebody wrote beside it.
        return [one.index for one in (*pool, *(one for one in words if one.length == longest))]
    # Of a name that is less sure, “notes”, may be what somebody wrote beside the text.
    pool = [one for one in pool if one.length * _CLEARLY_LONGER >= longest]
    if not pool:
        pool = [one for one in words if one.different * 2 > one.filled] or words
    most = max((one.length for one in pool), default=0.0)
    return [one.index for one in pool if one.length * _CLEARLY_LONGER > most or one.length == most]


def _time(columns: Iterable[_Column]) -> int | None:
    named = [one for one in _surest(columns, "time") if one.timed > 0.8 or one.numeric > 0.8]
    return next((one.index for one in named or columns if one.filled and (one.timed > 0.95 or one in named)), None)


def _id(columns: Iterable[_Column]) -> int | None:
    unique = [one for one in columns if one.filled > 1 and one.different == one.filled and one.rank("label") is None]
    named = _surest(unique, "id")
    return next((one.index for one in [*named, *(one for one in unique if one.coded)]), None)


def _labels(columns: Sequence[_Column]) -> list[int]:
    """Return the columns that would do as the label: one, where that is clear."""
    named = _surest(columns, "label")
    if named:
        return [one.index for one in named]
    named_otherwise = [one for one in columns if any(one.rank(role) is not None for role in ("id", "time", "split"))]
    some = [one for one in columns if one.different > 1 and one not in named_otherwise]
    return [
        one.index for one in some if one.different <= min(_MOST_CLASSES, max(2, one.filled // 2)) and one.length < 80
    ]
