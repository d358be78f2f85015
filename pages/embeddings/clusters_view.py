"""Groups on the page: a table of them, and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import interpret as it
from dashboard.analysis import Analysis, Source
from dashboard.language import _, _n, literal
from dashboard.numbers import between, listed, number
from dashboard.widgets.export import Download, as_csv
from dashboard.widgets.long_work import long_work
from interpret.core.intervals import share_interval
from interpret.embeddings.vectors import unit_rows
from pages.embeddings.embeddings_view import Read
from pages.embeddings.export import item_table
from pages.embeddings.maps_view import cluster_analysis, group_settings


def cluster_line(read: Read, indices: np.ndarray, clusters: it.embeddings.Clusters) -> str:
    """Say how many groups there are, and what speaks for them and against."""
    parts = [_n("**{count} cluster**", "**{count} clusters**", clusters.count).format(count=clusters.count)]
    outside = int((clusters.cluster < 0).sum())
    if outside:
        parts.append(_("{share} of the points in no cluster").format(share=f"{outside / len(indices):.0%}"))
    if np.isfinite(clusters.silhouette):
        parts.append(
            _(
                "silhouette {value} (1 = far apart, 0 = not separated; {interval} over {texts} texts, {points} points)"
            ).format(
                value=number(clusters.silhouette),
                interval=between(clusters.silhouette_interval, ".3f"),
                texts=f"{clusters.silhouette_texts:,}",
                points=f"{clusters.silhouette_points:,}",
            )
        )
    if clusters.stability is not None:
        parts.append(
            _("stability over three seeds {value} (1 = identical, 0 = as good as random; {interval})").format(
                value=number(clusters.stability, ".2f"), interval=between(clusters.stability_interval, ".2f")
            )
        )
    label = read.label
    if label and clusters.count:
        values = read.column(label)
        compared = clusters, [values[i] for i in indices], read.embeddings.text[indices]
        value, chance = it.embeddings.cluster_agreement(*compared)
        parts.append(
            _(
                "agreement with “{label}” {value} (adjusted Rand index; {interval}; with shuffled labels, 95 of 100 "
                "values stay below {chance})"
            ).format(
                label=literal(label),
                value=number(value, ".2f"),
                interval=between(it.embeddings.cluster_agreement_interval(*compared), ".2f"),
                chance=number(chance, ".2f"),
            )
        )
    return _("{facts}.").format(facts=" · ".join(parts))


def keyword_analysis(read: Read, layer: int, method: str, texts: Sequence[str]) -> Analysis:
    """Describe how the words that mark each group are found."""
    clusters = cluster_analysis(read, layer, method)
    of_points = dict(clusters.arguments)["texts"]
    lines = "texts = [embeddings.texts[i] for i in text]\n"
    source = Source("texts", lines, of_points.key, lambda: texts, after=(of_points,))
    return Analysis(
        "embeddings.keywords", read.embeddings.spec, name="keywords", shows=(".words",), texts=source, clusters=clusters
    )


def marks_of(
    read: Read, layer: int, method: str, texts: Sequence[str], clusters: it.embeddings.Clusters
) -> it.embeddings.Keywords | None:
    """Find the words that mark each group, once for these groups; None where that was stopped."""
    setting = ":".join(map(str, group_settings(len(texts))))
    return long_work(
        "marks",
        f"{read.about}:{layer}:{method}:{setting}",
        _("Find keywords"),
        lambda progress: keyword_analysis(read, layer, method, texts).run(clusters=clusters, progress=progress),
        {"words": _("shuffles")},
        auto=True,
        keep=8,
    )


def words_line(found: it.embeddings.Keywords) -> str:
    """Say what a word needed to be shown, and how many words reach a score of 3 by chance alone, as measured."""
    if not found.tested:
        return _("No word occurs in two texts, so no cluster has keywords.")
    shuffles, over = len(found.by_chance), int(found.by_chance.sum())
    # The words of one shuffle hang together.
    low, high = share_interval(found.by_chance, np.full(shuffles, found.tested))
    rate = (
        _("one in {count} (95%: {low} to {high})").format(
            count=f"{shuffles * found.tested / over:,.0f}", low=f"{1 / high:,.0f}", high=f"{1 / max(low, 1e-9):,.0f}"
        )
        if over
        else _("so at most {share} of shuffles contain any (95%)").format(share=f"{high:.1%}")
    )
    return _(
        "With these texts shuffled among the clusters {shuffles} times, {over} of {tested} words scored 3 or more: "
        "{rate}. Keywords shown score at least {least}, which no word of any cluster reaches in 95 of 100 shuffles."
    ).format(
        shuffles=shuffles,
        over=f"{over:,}",
        tested=f"{shuffles * found.tested:,}",
        rate=rate,
        least=f"{found.least:.2f}",
    )


def cluster_table(
    read: Read,
    indices: np.ndarray,
    layer: int,
    clusters: it.embeddings.Clusters,
    words: Sequence[Sequence[tuple[str, float]]],
) -> dict[str, list[Any]]:
    """Return a row for each group: its size, its words, the text nearest to its middle, its most frequent label."""
    vectors = unit_rows(read.embeddings.at(layer)[indices])
    members = [np.flatnonzero(clusters.cluster == index) for index in range(clusters.count)]
    middle = [int(one[(vectors[one] @ vectors[one].mean(axis=0)).argmax()]) for one in members]
    table: dict[str, list[Any]] = {
        _("Cluster"): [index + 1 for index in range(clusters.count)],
        _("Points"): [len(one) for one in members],
        _("Share"): [100 * len(one) / len(indices) for one in members],
        _("Keywords"): [listed(word for word, _score in row) or "–" for row in words],
        _("Row"): [read.collection.origin.numbers[read.embeddings.text[indices[i]]] for i in middle],
        _("Nearest to the centroid"): [read.embeddings.texts[read.embeddings.text[indices[i]]] for i in middle],
    }
    if read.label:
        values = read.column(read.label)
        most = [Counter(values[indices[i]] for i in one).most_common(1)[0] for one in members]
        table[_("Most frequent label")] = [
            f"{name} ({count / len(one):.0%})" for (name, count), one in zip(most, members, strict=True)
        ]
    return table


def cluster_downloads(
    read: Read, indices: np.ndarray, clusters: it.embeddings.Clusters, table: dict[str, list[Any]], stem: str
) -> list[Download]:
    """Offer the groups, and each point's group, as files."""

    def points() -> bytes:
        numbers = [int(one) + 1 if one >= 0 else "" for one in clusters.cluster]
        return as_csv(item_table(read, indices, {_("Cluster"): numbers}))

    return [
        Download(_("Clusters (CSV)"), f"{stem}.csv", "text/csv", lambda: as_csv(table), _("A row for each cluster")),
        Download(
            _("Points (CSV)"), f"{stem}-points.csv", "text/csv", points, _("A row for each point, with its cluster")
        ),
    ]
