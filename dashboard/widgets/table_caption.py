"""What a file was read as: one line under its uploader, so that no row goes missing without a word."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from dashboard.language import _, literal
from dashboard.numbers import clauses, listed, sentences
from interpret.core.encodings import encoding_name
from interpret.core.files import Table
from interpret.core.labels import is_missing
from interpret.core.tagged import Tagged

# A class of so large a share that it may be meant, though it is called as what is missing.
_LARGE, _LEAST = 0.1, 3


def table_caption(table: Table, name: str) -> None:
    """Say how a file was read, how many of its rows were, and what became of the others."""
    st.caption(described(table, name))
    warn_of_names(table)


def warn_of_names(table: Table) -> None:
    """Say so where the first row looks like one that is no header."""
    if table.headless is not None:
        st.warning(
            _(
                "The first row was read as column names, but “{cell}” looks like a value. If it is one, add a row of "
                "names above it."
            ).format(cell=literal(table.headless)),
            icon=":material/table_rows:",
        )


def described(table: Table, name: str) -> str:
    """Return that line, as Markdown in which the file's name is only text."""
    read = [literal(name), encoding_name(table.encoding)]
    if table.dialect is not None:
        separators = {
            "\t": _("tab-separated"),
            ",": _("comma-separated"),
            ";": _("semicolon-separated"),
            "|": _("separated by vertical bars"),
            "": _("a single column"),
        }
        quotes = {
            "": [],
            "doubled": [_("cells enclosed in quotation marks")],
            "backslash": [_("cells enclosed in quotation marks, inner ones escaped by a backslash")],
            "ordinary": [_("quotation marks read as ordinary characters")],
        }
        separated = separators.get(table.dialect.delimiter) or _("separated by “{character}”").format(
            character=literal(table.dialect.delimiter)
        )
        read += [separated, *quotes[table.dialect.quotes], _("column names in the first row")]
    return _("{what}; {rows}.").format(what=clauses(read), rows=rows_read(table, name))


def rows_read(table: Table, name: str) -> str:
    """Return how many rows were read, and what became of the others."""
    prose = name.lower().endswith((".txt", ".md"))
    rows = [(_("paragraphs read: {count}") if prose else _("rows read: {count}")).format(count=f"{len(table.rows):,}")]
    counted = {
        _("of these, padded with empty cells: {count}"): table.short,
        _("of these, spanning several lines: {count}"): table.spread,
        _("blank rows skipped: {count}"): len(table.skipped),
        _("unreadable characters (�): {count}"): table.damaged,
    }
    return clauses([*rows, *(said.format(count=f"{count:,}") for said, count in counted.items() if count)])


def tags_caption(found: Tagged, name: str) -> None:
    """Say how a file of words and tags was read."""
    forms = {
        "columns": _("one word and its tag per line"),
        "CoNLL-U": "CoNLL-U",
        "table": _("a table with one word per row"),
        "lists": _("JSON with lists of words and tags"),
    }
    rows = [_("sentences read: {count}").format(count=f"{len(found.words):,}")]
    counted = {
        _("words: {count}"): sum(map(len, found.words)),
        _("sentences without words skipped: {count}"): found.skipped,
        _("comment lines: {count}"): found.comments,
        _("unreadable characters (�): {count}"): found.damaged,
    }
    rows += [said.format(count=f"{count:,}") for said, count in counted.items() if count]
    read = [literal(name), encoding_name(found.encoding), forms[found.form]]
    st.caption(_("{what}; {rows}.").format(what=clauses(read), rows=clauses(rows)))


def labels_caption(labels: Sequence[str], left_out: int) -> None:
    """Say how many rows are left out for want of a text or a label, and what stood in the label's place."""
    if not left_out:
        return
    said = _("Rows left out because the text or the label is missing: {count}.").format(count=f"{left_out:,}")
    missing = Counter(label.strip() for label in labels if label.strip() and is_missing(label)).most_common()
    st.caption(sentences(said, missing_line(missing)) if missing else said)
    large_missing(missing, len(labels))


def unlabelled_caption(labels: Sequence[str]) -> None:
    """Say how many rows have no label where they are read all the same, and what stood in its place."""
    count = sum(not label.strip() or is_missing(label) for label in labels)
    if not count:
        return
    said = _("Rows without a label: {count}. They count as neither correct nor wrong.").format(count=f"{count:,}")
    missing = Counter(label.strip() for label in labels if label.strip() and is_missing(label)).most_common()
    st.caption(sentences(said, missing_line(missing)) if missing else said)


def missing_line(missing: Sequence[tuple[str, int]]) -> str:
    """Say what stood in place of labels."""
    names = listed(
        _("“{label}” ({count})").format(label=literal(label), count=f"{count:,}") for label, count in missing
    )
    return _("Read as missing labels: {names}.").format(names=names)


def large_missing(missing: Sequence[tuple[str, int]], rows: int) -> None:
    """Say it plainly where so many rows are called so that a class may be meant."""
    large = [label for label, count in missing if count >= max(_LEAST, rows * _LARGE)]
    if large:
        st.warning(
            _(
                "Many rows have the label “{label}”, which programs write for a missing value: these rows are left "
                "out. If it is a class, rename it."
            ).format(label=literal(large[0])),
            icon=":material/label_off:",
        )
