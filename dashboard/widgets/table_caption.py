"""What a file was read as: one line under its uploader, so that no row goes missing without a word."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from dashboard.language import _, literal
from interpret.core.files import Table
from interpret.core.labels import is_missing
from interpret.core.tag_files import Tagged

# A class of so large a share that it may be meant, though it is called as what is missing.
_LARGE, _LEAST = 0.1, 3


def table_caption(table: Table, name: str) -> None:
    """Say how a file was read, how many of its rows were, and what became of the others."""
    st.caption(described(table, name))
    if table.headless is not None:
        st.warning(
            _(
                "The first row was taken for the names of the columns, though “{cell}” looks like a value: if it is "
                "one, put a row of names above it."
            ).format(cell=literal(table.headless)),
            icon=":material/table_rows:",
        )


def described(table: Table, name: str) -> str:
    """Return that line, as Markdown in which the file's name is only text."""
    read = [literal(name), table.encoding.upper()]
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
            "doubled": [_("quotation marks enclose cells")],
            "backslash": [_("quotation marks enclose cells, a backslash stands before those inside")],
            "ordinary": [_("quotation marks are ordinary characters")],
        }
        separated = separators.get(table.dialect.delimiter) or _("separated by “{character}”").format(
            character=literal(table.dialect.delimiter)
        )
        read += [separated, *quotes[table.dialect.quotes], _("the first row has the names of the columns")]
    prose = name.lower().endswith((".txt", ".md"))
    rows = [(_("paragraphs read: {count}") if prose else _("rows read: {count}")).format(count=f"{len(table.rows):,}")]
    counted = {
        _("of them filled up with empty cells: {count}"): table.short,
        _("of them over several lines: {count}"): table.spread,
        _("blank ones skipped: {count}"): len(table.skipped),
        _("characters that could not be read (�): {count}"): table.damaged,
    }
    rows += [said.format(count=f"{count:,}") for said, count in counted.items() if count]
    return _("{what}; {rows}.").format(what=", ".join(read), rows=", ".join(rows))


def tags_caption(found: Tagged, name: str) -> None:
    """Say how a file of words and tags was read."""
    forms = {
        "columns": _("a word and its tag in each line"),
        "CoNLL-U": "CoNLL-U",
        "table": _("a table with a word in each row"),
        "lists": _("JSON with lists of words and tags"),
    }
    rows = [_("sentences read: {count}").format(count=f"{len(found.words):,}")]
    counted = {
        _("words: {count}"): sum(map(len, found.words)),
        _("sentences without words skipped: {count}"): found.skipped,
        _("lines of comments: {count}"): found.comments,
        _("characters that could not be read (�): {count}"): found.damaged,
    }
    rows += [said.format(count=f"{count:,}") for said, count in counted.items() if count]
    read = [literal(name), found.encoding.upper(), forms[found.form]]
    st.caption(_("{what}; {rows}.").format(what=", ".join(read), rows=", ".join(rows)))


def labels_caption(labels: Sequence[str], left_out: int) -> None:
    """Say how many rows are left out for want of a text or a label, and what stood in the label's place."""
    if not left_out:
        return
    said = _("Rows without a text or a label, left out: {count}.").format(count=f"{left_out:,}")
    missing = Counter(label.strip() for label in labels if label.strip() and is_missing(label)).most_common()
    st.caption(" ".join([said, missing_line(missing)]) if missing else said)
    large_missing(missing, len(labels))


def unlabelled_caption(labels: Sequence[str]) -> None:
    """Say how many rows have no label where they are read all the same, and what stood in its place."""
    count = sum(not label.strip() or is_missing(label) for label in labels)
    if not count:
        return
    said = _("Rows without a label: {count}. They count as neither right nor wrong.").format(count=f"{count:,}")
    missing = Counter(label.strip() for label in labels if label.strip() and is_missing(label)).most_common()
    st.caption(" ".join([said, missing_line(missing)]) if missing else said)


def missing_line(missing: Sequence[tuple[str, int]]) -> str:
    """Say what stood in place of labels."""
    names = ", ".join(f"“{literal(label)}” ({count:,})" for label, count in missing)
    return _("Taken for no label: {names}.").format(names=names)


def large_missing(missing: Sequence[tuple[str, int]], rows: int) -> None:
    """Say it plainly where so many rows are called so that a class may be meant."""
    large = [label for label, count in missing if count >= max(_LEAST, rows * _LARGE)]
    if large:
        st.warning(
            _(
                "Many rows have “{label}” for a label, which is how programs write that none is there: they are left "
                "out. If it is a class, give it another name."
            ).format(label=literal(large[0])),
            icon=":material/label_off:",
        )
