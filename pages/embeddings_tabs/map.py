"""The map: points that move from layer to layer, what they are, and how far to trust where they lie."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.figures.embeddings import layer_names, scree
from dashboard.language import _
from dashboard.scatter import scatter
from dashboard.widgets.embeddings_export import map_downloads, map_lines
from dashboard.widgets.embeddings_view import Read, draw_sample, sample_line
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.maps_view import Maps, MapSettings, colour_input, colours_of, map_input, maps_of
from dashboard.widgets.notices import guarded
from dashboard.widgets.points import found_points, hover_texts, pick_layer, selection_table
from dashboard.widgets.trust import how_to_read, quality_line

KEY = "cloud"


@guarded
def point_map(read: Read) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        settings = map_input(read)
        chosen, title = colour_input(read)
        search = st.text_input(_("Find in the texts"), key="find_points", width=220, placeholder=_("words in the text"))
    places = draw_sample(read, settings.shown)
    maps = maps_of(read, places, settings)
    if maps is None:
        return
    layer = pick_layer(settings.layers)
    colours = colours_of(read, places, layer, chosen, title)
    if colours is None:
        return
    found = found_points(read, places, search)
    model = read.embeddings.spec.checkpoint.name.split("/")[-1]
    method = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}[settings.method]
    view = scatter(
        maps.alignment.points,
        layer_names(settings.layers),
        colours,
        hover_texts(read, places),
        found,
        settings.layers.index(layer),
        f"{model} · {read.collection.name} · {method}",
        file_stem(method, model, read.collection.name),
        KEY,
    )
    layer = settings.layers[view.layer]
    pick_layer(settings.layers, layer)
    stem = file_stem(settings.method, model, read.collection.name)
    export_bar(map_downloads(read, places, settings, maps, layer, stem), map_lines(read, settings, layer), picture=KEY)
    st.markdown(sample_line(read, places))
    if len(settings.layers) > 1:
        st.caption(_alignment_line(maps, settings))
    selected = view.selected or found
    selection_table(read, places[np.array(selected, dtype=int)], stem)
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
    names = layer_names(settings.layers)
    return _(
        "Axes have no unit: each layer's map is centred, brought to one size, and turned or mirrored onto the map of "
        "the layer before it (Procrustes), so that what moves is what changed. Most changes from {one} to {other}: "
        "there turning explains {share} of the shape."
    ).format(one=names[most], other=names[most + 1], share=f"{1 - float(moved[most]):.0%}")
