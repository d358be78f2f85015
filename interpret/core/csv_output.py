"""Tables written as CSV that spreadsheets read as text, and never as formulas."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def csv_text(columns: Mapping[str, Sequence[object]]) -> str:
    """Write columns as CSV: see `csv_rows`."""
    return csv_rows(list(columns), zip(*columns.values(), strict=True))


def csv_rows(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV (RFC 4180) that no spreadsheet takes commands from.

    Text that begins with what spreadsheets take for a formula gets ``'`` in front, which they show as nothing
    (OWASP, CSV injection: https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(map(harmless, header))
    writer.writerows(map(harmless, row) for row in rows)
    return out.getvalue()


def harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes commands from: see `csv_rows`."""
    if cell is None or isinstance(cell, bool | int | float | np.number | np.bool_):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) else text
