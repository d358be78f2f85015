"""Coordinates and vectors as files, and the Python that gives the same."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dashboard.language import _
from dashboard.numbers import listed
from dashboard.widgets.export import Download, as_csv
from interpret.core.csv_output import harmless
from interpret.core.file_rows import free_name
from pages.embeddings.embeddings_view import Read, draw_sample
from pages.embeddings.maps_view import Maps, MapSettings, map_analysis

_MOST_BYTES = 400_000_000


def item_table(read: Read, indices: np.ndarray, first: Mapping[str, list[Any]] | None = None) -> dict[str, list[Any]]:
    """Return a row for each of some items: its text's row in the file, what it is, its text, and what the file says.

    Parameters
    ----------
    first
        Columns that stand before these.
    """
    embeddings = read.embeddings
    rows = read.collection.origin.some(embeddings.text[indices])
    table: dict[str, list[Any]] = {**(first or {}), _("Row"): list(rows.numbers)}
    if embeddings.level != "texts":
        table[_("Word") if embeddings.level == "words" else _("Token")] = [embeddings.item(int(i)) for i in indices]
        table[_("From character")] = embeddings.span[indices, 0].tolist()
    table[_("Text")] = [embeddings.texts[embeddings.text[i]] for i in indices]
    return rows.beside(table)


def map_downloads(
    read: Read, indices: np.ndarray, settings: MapSettings, maps: Maps, layer: int, stem: str
) -> list[Download]:
    """Offer the coordinates of all layers drawn, and the vectors of the points shown."""

    def coordinates() -> bytes:
        table = item_table(read, indices)
        for projection, level in zip(maps.projections, settings.layers, strict=True):
            for dim in range(settings.dims):
                name = free_name(table, f"{settings.method} {level}.{dim + 1}")
                table[name] = projection.points[:, dim].tolist()
        return as_csv(table)

    # In memory there are three of it for a moment: the array, the file, and what is sent.
    every = 4 * len(read.embeddings.layers) * len(indices) * read.embeddings.vectors.shape[2]
    chosen = read.embeddings.layers if every <= _MOST_BYTES else (layer,)

    def numbers() -> bytes:
        buffer = io.BytesIO()
        np.savez(
            buffer,
            vectors=np.stack([read.embeddings.at(one)[indices] for one in chosen]),
            layers=np.array(chosen),
            text=read.embeddings.text[indices],
            row=np.array(read.collection.origin.some(read.embeddings.text[indices]).numbers),
            span=read.embeddings.span[indices],
            about=np.frombuffer(json.dumps(_about(read, settings, layer), ensure_ascii=False).encode(), dtype=np.uint8),
        )
        return buffer.getvalue()

    return [
        Download(
            "CSV",
            f"{stem}.csv",
            "text/csv",
            coordinates,
            _("A row for each point: its text, its columns, and its coordinates at each layer"),
        ),
        Download(
            "NPZ",
            f"{stem}.npz",
            "application/octet-stream",
            numbers,
            _(
                "The vectors of the points shown, for NumPy: hidden state × point × width. Hidden states (0 = "
                "embeddings): {layers}"
            ).format(layers=listed(map(str, chosen))),
        ),
        Download(
            "Parquet",
            f"{stem}-{layer}.parquet",
            "application/octet-stream",
            lambda: as_parquet(read, indices, layer),
            _("The points shown with their vectors at the current layer, for pandas and other tools"),
        ),
        Download(
            "TensorBoard",
            f"{stem}-{layer}.zip",
            "application/zip",
            lambda: as_projector(read, indices, layer),
            _("vectors.tsv and metadata.tsv for the Embedding Projector, at the current layer"),
        ),
    ]


def as_parquet(read: Read, indices: np.ndarray, layer: int) -> bytes:
    """Write a row for each item, with its vector as a list, as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    vectors = np.ascontiguousarray(read.embeddings.at(layer)[indices], np.float32)
    columns: dict[str, Any] = {name: pa.array(values) for name, values in item_table(read, indices).items()}
    flat = pa.array(vectors.ravel())
    columns[free_name(columns, f"vector {layer}")] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def as_projector(read: Read, indices: np.ndarray, layer: int) -> bytes:
    """Write TensorBoard's pair of tab-separated files: vectors without a header, metadata with one."""
    table = item_table(read, indices)

    def row_of(cells: Iterable[object]) -> str:
        # A tab or the end of a line inside a text would cut its row; and spreadsheets open these files too.
        return "\t".join(str(harmless(" ".join(one.split()) if isinstance(one, str) else one)) for one in cells)

    rows = [row_of(row) for row in zip(*table.values(), strict=True)]
    head = row_of(table)
    lines = ("\t".join(f"{value:.7g}" for value in vector) for vector in read.embeddings.at(layer)[indices])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("vectors.tsv", "\n".join(lines) + "\n")
        file.writestr("metadata.tsv", "\n".join([head, *rows]) + "\n")
    return buffer.getvalue()


def _about(read: Read, settings: MapSettings, layer: int) -> dict[str, Any]:
    about = map_analysis(read, draw_sample(read, settings.shown), settings, layer).about
    found = read.embeddings
    # Of words and tokens too, which are read without either.
    read_by = {"pooling": found.pooling, "prompt": found.prompt}
    return {**about, **read_by, "texts": len(read.collection.texts), "shown": settings.shown}
