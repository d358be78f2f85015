"""Where texts, words and tokens lie, layer by layer, and how far a picture of that can be trusted."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.collection import collection_input
from dashboard.widgets.embeddings_view import Read, read_collection
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.tabs import lazy_tabs
from pages.embeddings_tabs.clusters import clusters
from pages.embeddings_tabs.geometry import geometry
from pages.embeddings_tabs.layers import layers
from pages.embeddings_tabs.map import point_map
from pages.embeddings_tabs.neighbours import neighbours


def tabs(read: Read) -> None:
    tab, place = lazy_tabs(
        {
            "map": _("Map"),
            "layers": _("All layers"),
            "geometry": _("Geometry of the space"),
            "neighbours": _("Neighbours"),
            "clusters": _("Clusters"),
        },
        state.SHOW,
    )
    views = {"map": point_map, "layers": layers, "geometry": geometry, "neighbours": neighbours, "clusters": clusters}
    with place:
        views[tab](read)


st.title(_("Embeddings: where do texts lie?"))
collection = collection_input()
if collection is None:
    st.info(
        _(
            "Provide texts, one per line or one per row of a file, to see how the model arranges them at each layer. "
            "Other columns of a file can colour the points."
        )
    )
else:
    found = read_collection(chosen_encoder(), collection)
    if found is not None:
        tabs(found)
