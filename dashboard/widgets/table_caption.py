"""What a file was read as: one line under its uploader, so that no row goes missing without a word."""

import streamlit as st

from dashboard.language import _, literal
from interpret.files import Table


def table_caption(table: Table, name: str) -> None:
    """Say how a file was read, how many of its rows were, and what became of the others."""
    st.caption(described(table, name))


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
        read += [separators[table.dialect.delimiter], *quotes[table.dialect.quotes]]
    prose = name.lower().endswith((".txt", ".md"))
    rows = [(_("paragraphs read: {count}") if prose else _("rows read: {count}")).format(count=f"{len(table.rows):,}")]
    if table.short:
        rows.append(_("of them filled up with empty cells: {count}").format(count=f"{table.short:,}"))
    if table.skipped:
        rows.append(_("blank ones skipped: {count}").format(count=f"{len(table.skipped):,}"))
    return _("{what}; {rows}.").format(what=", ".join(read), rows=", ".join(rows))
