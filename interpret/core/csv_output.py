"""Tables written as CSV that spreadsheets read as text, and never as formulas."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

# Also the separators of languages that write decimals with a comma.
_SPECIAL = re.compile(r'[",;\t|\r\n]')


def csv_text(columns: Mapping[str, Sequence[object]]) -> str:
    """Write columns as CSV: see `csv_rows`."""
    return csv_rows(list(columns), zip(*columns.values(), strict=True))


def csv_rows(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV (RFC 4180) that no spreadsheet takes commands from.

    Text that begins with what spreadsheets take for a formula gets ``'`` in front, which they show as nothing
    (OWASP, CSV injection: https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers.
    """
    return "".join(",".join(map(_field, row)) + "\r\n" for row in (header, *rows))


def _field(cell: object) -> str:
    """Write a cell, in quotes where any list separator of spreadsheets is in it: behind one, a cell would begin."""
    text = "" if cell is None else str(harmless(cell))
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes commands from: see `csv_rows`."""
    if cell is None or isinstance(cell, bool | int | float | np.number | np.bool_):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) else text
