"""Where texts, words and tokens lie, layer by layer, and how far a picture of that can be trusted."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _
from dashboard.widgets.collection import collection_input
from dashboard.widgets.models import chosen_encoder
from dashboard.widgets.tabs import Tab, draw_tabs
from interpret.core.sentences import sentence
from pages.embeddings.clusters import clusters
from pages.embeddings.embeddings_view import Read, read_collection
from pages.embeddings.geometry import geometry
from pages.embeddings.layers import layers
from pages.embeddings.neighbours import neighbours
from pages.embeddings.point_map import point_map

TABS = [
    Tab("map", sentence("Map"), point_map),
    Tab("layers", sentence("All layers"), layers),
    Tab("geometry", sentence("Geometry of the space"), geometry),
    Tab("neighbours", sentence("Neighbours"), neighbours),
    Tab("clusters", sentence("Clusters"), clusters),
]


def tabs(read: Read) -> None:
    """The tabs of the page, about one collection's embeddings."""
    draw_tabs(TABS, state.SHOW, read)


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
