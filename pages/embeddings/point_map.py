"""The map: points that move from layer to layer, what they are, and how far to trust where they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.components.scatter import Cloud, cloud_view, scatter
from dashboard.figures import hidden_state_names
from dashboard.language import _
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded
from pages.embeddings.embeddings_view import Read, draw_sample, sample_line
from pages.embeddings.export import map_downloads
from pages.embeddings.figures import scree
from pages.embeddings.map_quality_view import how_to_read, quality_line
from pages.embeddings.maps_view import Maps, MapSettings, colour_input, colours_of, map_analysis, map_input, maps_of
from pages.embeddings.points import hover_texts, marked_points, pick_layer, search_input, selection_table

KEY = "cloud"


@guarded
def point_map(read: Read) -> None:
    """The map of one layer, how much of the neighbourhoods it keeps, and the points that are selected."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        settings = map_input(read)
        chosen, title = colour_input(read)
        search = search_input()
    indices = draw_sample(read, settings.shown)
    maps = maps_of(read, indices, settings)
    if maps is None:
        return
    cloud = Cloud(maps.alignment.points, tuple(hidden_state_names(settings.layers)), hover_texts(read, indices))
    view = cloud_view(cloud, settings.layers.index(pick_layer(settings.layers)), KEY)
    layer = pick_layer(settings.layers, settings.layers[view.layer])
    colours = colours_of(read, indices, layer, chosen, title)
    if colours is None:
        return
    marked = marked_points(read, indices, search, view.selected, cloud.key)
    model = read.embeddings.spec.checkpoint.name.split("/")[-1]
    method = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}[settings.method]
    stem = file_stem(settings.method, model, Path(read.collection.name).stem)
    scatter(cloud, colours, marked, view.layer, f"{model} · {read.collection.name} · {method}", stem, KEY)
    analysis = map_analysis(read, indices, settings, layer)
    export_bar(map_downloads(read, indices, settings, maps, layer, stem), analysis, picture=KEY)
    st.markdown(sample_line(read, indices))
    if len(settings.layers) > 1:
        st.caption(_alignment_line(maps, settings))
    selection_table(read, indices[np.array(marked, dtype=int)], stem, search)
    st.subheader(_("How far to trust this map"))
    projection = maps.projections[view.layer]
    quality_line(projection, layer)
    if settings.method == "pca":
        st.plotly_chart(scree(projection.variance, settings.dims), key="scree")
    with st.expander(_("What these numbers mean")):
        st.markdown(how_to_read())


def _alignment_line(maps: Maps, settings: MapSettings) -> str:
    moved = maps.alignment.moved
    most = int(moved.argmax())
    names = hidden_state_names(settings.layers)
    return _(
        "The axes have no unit: each layer's map is centred, scaled to one size, and rotated or mirrored onto the map "
        "of the layer before it (Procrustes), so that what moves is what changed. The largest change is from {one} to "
        "{other}: after alignment, only {share} of the shape is still the same."
    ).format(one=names[most], other=names[most + 1], share=f"{1 - float(moved[most]):.0%}")
