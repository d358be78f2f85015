"""How far a map can be trusted, in words and numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard.figures import hidden_state_names
from dashboard.language import _
from dashboard.numbers import number


def quality_line(projection: it.embeddings.Projection, layer: int) -> None:
    """Draw the measures of one map side by side, what they were measured on, and what must not be read off it."""
    quality = projection.quality
    with st.container(horizontal=True, gap="medium"):
        for name, (value, about) in _measures(projection).items():
            st.metric(name, value, help=about, width="content")
    drawn = (
        _("measured on all {points} points").format(points=f"{quality.points:,}")
        if quality.queries == quality.points
        else _("measured on {queries} of {points} points, ± 95%").format(
            queries=f"{quality.queries:,}", points=f"{quality.points:,}"
        )
    )
    settings = {"tsne": _("perplexity {value}"), "umap": _("{value} neighbours")}
    kept = _("chance level of neighbours kept: {chance}").format(chance=f"{quality.chance:.1%}")
    setting = settings.get(projection.method, "").format(value=f"{projection.setting or 0:g}")
    parts = [hidden_state_names([layer])[0], setting, drawn, kept]
    if projection.method != "pca":
        parts.insert(2, _("seed {seed}").format(seed=projection.seed))
    st.caption(" · ".join(part for part in parts if part))
    if projection.method == "pca":
        st.caption(
            _(
                "What this does not mean: this map shows {share} of the variance. Points that are close here can be "
                "far apart along the components that are not drawn."
            ).format(share=f"{float(projection.variance[: projection.points.shape[1]].sum()):.1%}")
        )
    else:
        st.warning(
            _(
                "Do not read a cluster's size, its density or the distance between two clusters off a {method} map: "
                "the method evens them out. The map shows only which points are near each other, and noise can form "
                "clusters too. Try another seed and other settings before you trust one (Wattenberg et al. 2016)."
            ).format(method={"tsne": "t-SNE", "umap": "UMAP"}[projection.method]),
            icon=":material/warning:",
        )


def _measures(projection: it.embeddings.Projection) -> dict[str, tuple[str, str]]:
    """Return the measures of one map: what each is called, its value, and what it means."""
    quality = projection.quality

    def bounded(value: float, ends: np.ndarray, form: str = ".3f") -> str:
        # One sign for both sides: the wider one, which at 1 is the only one.
        half = np.abs(ends - value).max()
        return number(value, form) + ("" if np.isnan(half) else f" ± {half:{form}}")

    ends = quality.interval
    figures = {
        _("Trustworthiness"): (
            bounded(quality.trustworthiness, ends[0]),
            _("1: every neighbour on the map is also a neighbour in the space. A random map scores about 0.5."),
        ),
        _("Continuity"): (
            bounded(quality.continuity, ends[1]),
            _("1: every neighbour in the space is also a neighbour on the map. A random map scores about 0.5."),
        ),
        _("Neighbours kept"): (
            bounded(100 * quality.overlap, 100 * ends[2], ".1f") + "%",
            _(
                "Share of the {count} nearest points in the space that are also among the {count} nearest on the map. "
                "Chance level: {chance}."
            ).format(count=quality.neighbours, chance=f"{quality.chance:.1%}"),
        ),
        _("Distances, rank correlation"): (
            bounded(quality.distances, np.array(quality.distances_interval), ".2f"),
            _(
                "How well the distances on the map rank pairs of points as those in the space do: 1 is the same "
                "order, 0 is chance level. Over {pairs} pairs; ± is a 95% interval by bootstrap over points "
                "({points} drawn with replacement)."
            ).format(pairs=f"{quality.pairs:,}", points=f"{quality.points:,}"),
        ),
    }
    if projection.method == "pca":
        dims = projection.points.shape[1]
        figures[_("Explained variance")] = (
            f"{float(projection.variance[:dims].sum()):.1%}",
            _("Share of the total variance along the axes of the map."),
        )
    elif projection.divergence is not None:
        figures[_("KL divergence")] = (
            f"{projection.divergence:.2f}",
            _(
                "In nats: the quantity that t-SNE minimises. Compare it only between maps with the same number of "
                "points and the same perplexity."
            ),
        )
    return figures


def how_to_read() -> str:
    """Explain the measures, with their sources."""
    return _(
        "- **Trustworthiness** and **continuity** (Venna & Kaski 2001) compare each point's nearest neighbours. A "
        "neighbour that exists only on the map lowers the first; one that is lost on the map lowers the second; the "
        "farther away it really is, the more.\n"
        "- **Neighbours kept** counts the shared neighbours: it is strict, and the number to compare maps by.\n"
        "- **Rank correlation** also covers large distances. t-SNE and UMAP are often poor at these; PCA is better.\n"
        "- **Explained variance** is the share of the variance of all points along the axes drawn; the bars show the "
        "share of each component.\n"
        "- Distances in the space are cosine (between directions) or Euclidean (between vectors), as set. t-SNE and "
        "UMAP use the first 50 principal components; these measures compare with the whole space."
    )
