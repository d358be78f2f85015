"""Two models' vectors of one collection: how alike their layers are, and whose nearest neighbours differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.language import _, _n, literal
from dashboard.numbers import between, known, number, sentences
from dashboard.widgets.choices import choose
from dashboard.widgets.collection import Collection, collection_input
from dashboard.widgets.data_table import choose_row, data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from pages.compare.figures import similarity_map
from pages.compare.two import Two

# What is read by itself, without a click: some seconds on two cores.
_SOON_CHARACTERS = 30_000
# Of fewer texts `layer_similarity` gives no error.
_LEAST_FOR_ERROR = 40


@dataclass(frozen=True, eq=False)
class _Read:
    """A collection through both models.

    Attributes
    ----------
    both
        The vectors.
    analyses
        How each model reads the texts.
    similarity
        How alike their layers are.
    """

    collection: Collection
    both: tuple[it.Embeddings, it.Embeddings]
    analyses: tuple[Analysis, Analysis]
    similarity: it.embeddings.LayerSimilarity

    @property
    def similarity_analysis(self) -> Analysis:
        """How the layers are compared."""
        first, second = self.analyses
        return Analysis(
            "embeddings.layer_similarity", first.of, name="similarity", shows=(".cka",), first=first, second=second
        )


@guarded
def embeddings(two: Two) -> None:
    """Similarity of layers (CKA), and the texts of which the two models have other neighbours."""
    collection = collection_input()
    if collection is None:
        st.info(_("Provide texts, one per line or one per row of a file: both models read them."))
        return
    read = _read(two, collection)
    if read is None:
        return
    found = read.similarity
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader(_("Similarity of layers (CKA)"))
        st.plotly_chart(similarity_map(found, two.names), key="similarity")
        st.caption(_similarity_line(two, found))
    overlap, analysis = _neighbours(two, read, right)
    stem = two.stem("embeddings")
    export_bar(_downloads(two, read, overlap, analysis, stem), read.similarity_analysis, analysis)


def _read(two: Two, collection: Collection) -> _Read | None:
    """Read the texts with both models; None before they are read."""
    analyses = tuple(
        Analysis("embed", subject.spec, name=name, texts=collection.source)
        for subject, name in ((two.first, "first"), (two.second, "second"))
    )

    def work(progress: Progress) -> tuple[it.Embeddings, it.Embeddings, it.embeddings.LayerSimilarity]:
        with collection.origin.naming():
            first, second = (
                cache.store().embed(encoder, collection.texts, progress=progress, beside=cache.beside(encoder.spec))
                for encoder in two.encoders
            )
        return first, second, it.embeddings.layer_similarity(first, second, progress=progress)

    done = long_work(
        "both_embeddings",
        f"{two.first.spec}:{two.second.spec}:{collection.about}:{len(collection.texts)}",
        _n("Embed {count} text with both", "Embed {count} texts with both", len(collection.texts)).format(
            count=f"{len(collection.texts):,}"
        ),
        work,
        {"cut": _("tokenising"), "read": _("tokens"), "layers": _("comparing layers")},
        auto=collection.characters <= _SOON_CHARACTERS,
        keep=4,
    )
    if done is None:
        return None
    first, second, similarity = done
    return _Read(collection, (first, second), (analyses[0], analyses[1]), similarity)


def _similarity_line(two: Two, found: it.embeddings.LayerSimilarity) -> str:
    last = float(found.cka[-1, -1])
    parts = [_("1: two layers arrange the texts in the same way. 0: no more similar than by chance.")]
    if np.isnan(found.cka).any():
        parts.append(_("An empty cell is of a layer that gives all texts one vector: there is nothing to compare."))
    if np.isfinite(last):
        parts.append(
            _("The last layers of both: {cka} ({interval}).").format(
                cka=number(last), interval=between(found.interval[-1, -1], ".3f")
            )
        )
    if found.items < _LEAST_FOR_ERROR:
        parts.append(
            _("How sure that is cannot be told from fewer than {least} different texts.").format(least=_LEAST_FOR_ERROR)
        )
    return sentences(
        *parts,
        _n("Measured on {items} of {total} text.", "Measured on {items} of {total} texts.", found.total).format(
            items=f"{found.items:,}", total=f"{found.total:,}"
        ),
        _("0 on an axis is the embedding output of {first}, or of {second}.").format(
            first=literal(two.names[0]), second=literal(two.names[1])
        ),
    )


def _neighbours(two: Two, read: _Read, right: DeltaGenerator) -> tuple[it.embeddings.NeighbourOverlap, Analysis]:
    """Draw on the right whose neighbours differ, and below both lists of a chosen text."""
    with right:
        overlap, analysis, item = _overlaps(two, read)
    text = int(overlap.items[item])
    st.markdown(_("**Nearest to:** {text}").format(text=literal(read.collection.texts[text])))
    for column, name, own, other in zip(
        st.columns(2),
        two.names,
        (overlap.first[item], overlap.second[item]),
        (overlap.second[item], overlap.first[item]),
        strict=True,
    ):
        table = {_("Both"): [bool(i in other) for i in own], name: [read.collection.texts[i] for i in own]}
        with column:
            data_table(read.collection.origin.some(own).beside(table), key=f"nearest:{name}")
    return overlap, analysis


def _overlaps(two: Two, read: _Read) -> tuple[it.embeddings.NeighbourOverlap, Analysis, int]:
    """Draw how many neighbours each text keeps, and return the text that is chosen."""
    st.subheader(_("Nearest neighbours that differ"))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layers = [
            choose(
                st.selectbox,
                _("Layer of {model}").format(model=literal(name)),
                {layer: str(layer) for layer in found.layers},
                key.of(name),
                found.layers[-1],
                width=200,
            )
            for name, found, key in zip(two.names, read.both, (state.FIRST_AT, state.SECOND_AT), strict=True)
        ]
        count = choose(st.selectbox, _("Number of neighbours"), {5: "5", 10: "10", 25: "25"}, state.OVERLAP, width=90)
    analysis = Analysis(
        "embeddings.neighbour_overlap",
        read.analyses[0].of,
        name="overlap",
        shows=(".shared", ".share", ".interval"),
        first=read.analyses[0],
        second=read.analyses[1],
        layer=layers[0],
        other_layer=layers[1],
        count=count,
    )
    overlap: it.embeddings.NeighbourOverlap = analysis.run(first=read.both[0], second=read.both[1])
    st.markdown(
        _(
            "**Both models share {share} of a text's nearest neighbours** ({interval}; by chance: {chance}; "
            "neighbours: {count})."
        ).format(
            count=overlap.count,
            share=f"{overlap.share:.1%}",
            interval=between(overlap.interval),
            chance=f"{overlap.by_chance:.1%}",
        )
    )
    order = np.argsort(overlap.shared, kind="stable")
    picked = choose_row(
        _overlap_table(read.collection, overlap, order),
        len(order),
        key="overlap_rows",
        height=280,
        column_config={
            _("Shared"): st.column_config.ProgressColumn(format="%d", min_value=0, max_value=overlap.count, width=90),
        },
    )
    item = int(order[picked or 0])
    if picked is None:
        st.caption(_("Choose a row to see both lists; here is the first."))
    return overlap, analysis, item


def _overlap_table(
    collection: Collection, overlap: it.embeddings.NeighbourOverlap, order: np.ndarray
) -> dict[str, list[Any]]:
    texts = overlap.items[order]
    table: dict[str, list[Any]] = {
        _("Row"): [collection.origin.numbers[i] for i in texts],
        _("Shared"): [int(overlap.shared[i]) for i in order],
        _("Text"): [collection.texts[i] for i in texts],
    }
    return collection.origin.some(texts).beside(table)


def _downloads(
    two: Two, read: _Read, overlap: it.embeddings.NeighbourOverlap, analysis: Analysis, stem: str
) -> list[Download]:
    origin = read.collection.origin

    def rows() -> bytes:
        return as_csv(
            origin.some(overlap.items).beside(
                {
                    "row": [origin.numbers[i] for i in overlap.items],
                    "text": [read.collection.texts[i] for i in overlap.items],
                    "shared": overlap.shared.tolist(),
                    "of": [overlap.count] * len(overlap.items),
                    "first_neighbours": [" ".join(map(str, one)) for one in _numbered(read, overlap.first)],
                    "second_neighbours": [" ".join(map(str, one)) for one in _numbered(read, overlap.second)],
                }
            )
        )

    def numbers() -> bytes:
        found = read.similarity
        return as_json(
            {
                **analysis.about,
                "models": list(two.names),
                "cka": known(found.cka),
                "standard_error": known(found.error),
                "items": found.items,
                "shared_neighbours": overlap.shared.tolist(),
                "share": overlap.share,
                "interval": overlap.interval,
                "by_chance": overlap.by_chance,
            }
        )

    return [
        Download(
            "CSV", f"{stem}.csv", "text/csv", rows, _("A row for each text, with its neighbours' rows by both models")
        ),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("Similarities of layers and overlaps, with settings")
        ),
    ]


def _numbered(read: _Read, neighbours: np.ndarray) -> list[list[int]]:
    numbers = read.collection.origin.numbers
    return [[numbers[i] for i in row] for row in neighbours.tolist()]
