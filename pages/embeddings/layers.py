"""Every layer's map beside the others."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.components.scatter import Cloud, scatter
from dashboard.figures import hidden_state_names
from dashboard.language import _
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.notices import guarded
from interpret.core.sentence_pipeline import OWN
from pages.embeddings.embeddings_view import Read, draw_sample, sample_line
from pages.embeddings.export import map_downloads
from pages.embeddings.maps_view import MOST_IN_MULTIPLES, colour_input, colours_of, map_analysis, map_input, maps_of
from pages.embeddings.points import pick_layer

KEY = "clouds"


@guarded
def layers(read: Read) -> None:
    """The maps of all layers side by side, aligned with each other."""
    if len(read.embeddings.layers) < 2:
        if read.embeddings.pooling == OWN:
            st.info(
                _(
                    "Only the last layer is available. Keep all layers, above under “Embedding options”; or, if the "
                    "model's own vectors differ in width from its layers, choose another pooling."
                )
            )
        else:
            st.info(_("Only one layer was kept. Keep all layers, above under “Embedding options”."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        settings = map_input(read, most=MOST_IN_MULTIPLES, every_layer=True)
        chosen, title = colour_input(read)
    indices = draw_sample(read, settings.shown)
    maps = maps_of(read, indices, settings)
    if maps is None:
        return
    layer = pick_layer(settings.layers)
    colours = colours_of(read, indices, layer, chosen, title)
    if colours is None:
        return
    names = [
        f"{name}\n" + _("{share} of neighbours kept").format(share=f"{one.quality.overlap:.0%}")
        for name, one in zip(hidden_state_names(settings.layers), maps.projections, strict=True)
    ]
    model = read.embeddings.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("layers", settings.method, model, Path(read.collection.name).stem)
    cloud = Cloud(maps.alignment.points, tuple(names), ("",) * len(indices))
    scatter(cloud, colours, (), 0, f"{model} · {read.collection.name}", stem, KEY, multiples=True)
    analysis = map_analysis(read, indices, settings, layer)
    export_bar(map_downloads(read, indices, settings, maps, layer, stem), analysis, picture=KEY)
    st.markdown(sample_line(read, indices))
    st.caption(
        _(
            "Each map is rotated or mirrored onto the one before it (Procrustes), and all have one size. How far to "
            "trust each map is stated above it; the Map tab says more."
        )
    )
