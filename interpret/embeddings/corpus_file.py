"""The file that a corpus is embedded from. It loads nothing, so that what is wrong with the file is said at once."""

from pathlib import Path

from interpret.core.column_roles import text_column
from interpret.core.errors import InputError
from interpret.core.files import read_table


def corpus_texts(file: Path, column: str | None, out: Path) -> list[str]:
    """Return the texts of a file, where their vectors can be written.

    Parameters
    ----------
    file
        A file that `interpret.core.files.read_table` reads.
    column
        The column with the texts; None for the one with the longest.
    out
        The folder that the vectors are to go into.

    Raises
    ------
    InputError
        If the file cannot be read or has no texts there, or the folder exists.
    """
    if out.exists():
        raise InputError("“{out}” already exists. Give a new folder.", out=str(out))
    try:
        table = read_table(file.read_bytes(), file.name)
    except OSError as error:
        raise InputError(
            "“{file}” cannot be read: {error}.", file=str(file), error=str(error.strerror or error)
        ) from error
    if column is None:
        index = text_column(table, file.name)
    elif column in table.columns:
        index = table.columns.index(column)
    else:
        raise InputError(
            "“{file}” has no column “{column}”. It has: {columns}.",
            file=file.name,
            column=column,
            columns=", ".join(table.columns),
        )
    texts = [row[index] for row in table.rows if row[index].strip()]
    if not texts:
        raise InputError("The column “{column}” of “{file}” is empty.", column=table.columns[index], file=file.name)
    return texts
