"""How far a map can be trusted, in words and numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard.figures.embeddings import layer_names
from dashboard.language import _


def quality_line(projection: it.embeddings.Projection, layer: int) -> None:
    """Draw the measures of one map side by side, what they were measured on, and what must not be read off it."""
    quality = projection.quality

    def number(value: float, ends: np.ndarray, form: str = ".3f") -> str:
        # One sign for both sides: the wider one, which at 1 is the only one.
        half = np.abs(ends - value).max()
        return f"{value:{form}}" + ("" if np.isnan(half) else f" ± {half:{form}}")

    ends = quality.interval
    figures = {
        _("Trustworthiness"): (
            number(quality.trustworthiness, ends[0]),
            _("1: every neighbour on the map is one in the space. A random map has about 0.5."),
        ),
        _("Continuity"): (
            number(quality.continuity, ends[1]),
            _("1: no neighbours in the space are torn apart on the map. A random map has about 0.5."),
        ),
        _("Neighbours kept"): (
            number(100 * quality.overlap, 100 * ends[2], ".1f") + " %",
            _(
                "Of the {count} nearest in the space, the share that is among the {count} nearest on the map. By "
                "chance {chance}."
            ).format(count=quality.neighbours, chance=f"{quality.chance:.1%}"),
        ),
        _("Distances, rank correlation"): (
            number(quality.distances, np.array(quality.distances_interval), ".2f"),
            _(
                "How well distances on the map order pairs as the space does: 1 in the same order, 0 by chance. Over "
                "{pairs} pairs; ± is 95 % over points, as many others of the kind ({points} drawn with replacement)."
            ).format(pairs=f"{quality.pairs:,}", points=f"{quality.points:,}"),
        ),
    }
    if projection.method == "pca":
        dims = projection.points.shape[1]
        figures[_("Variance on the map")] = (
            f"{float(projection.variance[:dims].sum()):.0%}",
            _("The share of all variance along the axes of the map."),
        )
    elif projection.divergence is not None:
        figures[_("KL divergence")] = (
            f"{projection.divergence:.2f}",
            _(
                "In nats: what t-SNE made as small as it could. To be compared only between maps of as many points "
                "with the same perplexity."
            ),
        )
    with st.container(horizontal=True, gap="medium"):
        for name, (value, about) in figures.items():
            st.metric(name, value, help=about, width="content")
    drawn = (
        _("measured on all {points} points").format(points=f"{quality.points:,}")
        if quality.queries == quality.points
        else _("measured on {queries} of {points} points, ± 95 %").format(
            queries=f"{quality.queries:,}", points=f"{quality.points:,}"
        )
    )
    settings = {"tsne": _("perplexity {value}"), "umap": _("{value} neighbours")}
    kept = _("neighbours kept by chance: {chance}").format(chance=f"{quality.chance:.1%}")
    setting = settings.get(projection.method, "").format(value=f"{projection.setting or 0:g}")
    parts = [layer_names([layer])[0], setting, drawn, kept]
    if projection.method != "pca":
        parts.insert(2, _("seed {seed}").format(seed=projection.seed))
    st.caption(" · ".join(part for part in parts if part))
    if projection.method == "pca":
        st.caption(
            _(
                "What this does not mean: this map shows {share} of the variance. Points that lie together here can be "
                "far apart along the components that are not drawn."
            ).format(share=f"{float(projection.variance[: projection.points.shape[1]].sum()):.0%}")
        )
    else:
        st.warning(
            _(
                "Do not read the size of a group, how dense it is, or the distance between two groups off a {method} "
                "map: it evens them out. Only who is near whom is meant, and groups can come of noise. Try another "
                "seed and another setting before you believe one (Wattenberg et al. 2016)."
            ).format(method={"tsne": "t-SNE", "umap": "UMAP"}[projection.method]),
            icon=":material/warning:",
        )


def how_to_read() -> str:
    """Explain the measures, with their sources."""
    return _(
        "- **Trustworthiness** and **continuity** (Venna & Kaski 2001) look at each point's nearest neighbours. "
        "A neighbour that the map makes up lowers the first, one that it tears away lowers the second, the more so the "
        "farther away it is in truth.\n"
        "- **Neighbours kept** counts them: strict, and the number to compare maps by.\n"
        "- **Rank correlation** is about far distances too. t-SNE and UMAP are often poor at these, PCA is better.\n"
        "- **Variance** is how much of the spread of all points lies along the axes drawn; the bars show every "
        "component's share.\n"
        "- Distances in the space are between directions (cosine) or between vectors (Euclidean), as set. t-SNE and "
        "UMAP work on the first 50 principal components; these measures compare with the whole space."
    )
