"""A query and its neighbours on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis, Source
from dashboard.language import _
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.export import Download, as_csv
from dashboard.widgets.sentence_view import prompt_input, query_prompt
from dashboard.widgets.typed import typed
from interpret.core.characters import beginning
from interpret.core.errors import InputError
from interpret.core.scripts import fold
from pages.embeddings.embeddings_view import Read
from pages.embeddings.export import item_table

_MOST_LISTED = 300


@dataclass(frozen=True, eq=False)
class Query:
    """What neighbours are looked for of: a text that was typed, or an item of the collection."""

    text: str
    embeddings: it.Embeddings
    analysis: Analysis
    item: int | None

    def vector(self, layer: int) -> np.ndarray:
        """Return its vector at one layer."""
        return self.embeddings.at(layer)[self.item or 0]


def query_input(read: Read) -> Query | None:
    """Draw the input; None before there is anything to look for.

    Raises
    ------
    InputError
        If what was typed cannot be read, or holds no such word.
    """
    source = segments(
        _("Neighbours of"), {"typed": _("Type a text"), "item": _("One from the collection")}, state.NEIGHBOURS_OF
    )
    return _typed(read) if source == "typed" else _item(read)


def _typed(read: Read) -> Query | None:
    embeddings = read.embeddings
    state.seed(state.QUERY)
    text = typed(st.text_input, _("Text"), state.QUERY, placeholder=_("a text of your own"))
    state.remember(state.QUERY, text or None)
    text = text.strip()
    if not text:
        return None
    word = embeddings.word
    if embeddings.level != "texts" and word is None:
        word = st.text_input(_("Word in this text"), key=f"query_word:{text}", value=text.split()[0], width=220)
    encoder = cache.encoder(embeddings.spec)
    level = "texts" if embeddings.level == "texts" else "words"
    prompt = None
    if level == "texts":
        default = query_prompt(encoder, embeddings.prompt)
        prompt = prompt_input(encoder, _("Query prompt"), state.QUERY_PROMPT, default, width=320)
    try:
        analysis = Analysis(
            "embed",
            embeddings.spec,
            name="query",
            texts=(text,),
            layers=embeddings.layers,
            pooling=embeddings.pooling,
            level=level,
            word=word if level == "words" else None,
            prompt=prompt,
        )
        found: it.Embeddings = analysis.result
    except InputError as error:
        if level == "words" and word and fold(word) not in fold(text):
            raise InputError(
                "“{word}” is not in the text that you typed. Type a text that contains it.", word=word
            ) from error
        raise
    return Query(found.item(0) if level == "words" else text, found, analysis, None)


def _item(read: Read) -> Query | None:
    embeddings = read.embeddings
    left, right = st.columns([1, 2])
    search = left.text_input(_("Find"), key="query_find", placeholder=_("words in the text"))
    wanted = fold((search or "").strip())
    listed: dict[int, str] = {}
    for index in range(len(embeddings)):
        text = embeddings.texts[embeddings.text[index]]
        if wanted in fold(text):
            name = text if embeddings.level == "texts" else f"{embeddings.item(index)} — {text}"
            name = " ".join(name.split())
            number = read.collection.origin.numbers[embeddings.text[index]]
            listed[index] = f"{number}: {beginning(name, 100)}"
        if len(listed) == _MOST_LISTED:
            break
    if not listed:
        raise InputError("No text contains “{search}”. Search for something else.", search=search or "")
    item = choose(right.selectbox, _("Text"), listed, state.QUERY_ITEM.of(read.about, wanted))
    return Query(embeddings.texts[embeddings.text[item]], embeddings, read.analysis, item)


def neighbour_table(read: Read, found: it.embeddings.Neighbours, metric: str) -> dict[str, list[Any]]:
    """Return a row for each neighbour, its score first."""
    name = _("Cosine") if metric == "cosine" else _("Distance")
    return item_table(read, found.items, {name: [float(one) for one in found.scores]})


def neighbour_downloads(table: dict[str, list[Any]], stem: str) -> list[Download]:
    """Offer the neighbours as a file."""
    return [Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(table), _("A row for each neighbour"))]


def neighbour_analysis(read: Read, query: Query, layer: int, count: int, metric: str) -> Analysis:
    """Describe how neighbours are found."""
    more: dict[str, Any] = {} if query.item is None else {"leave_out": query.item}
    index = query.item or 0
    name = query.analysis.name
    lines = f"vector = {name}.at({layer})[{index}]\n"
    key = (read.about, query.text, layer, index)
    return Analysis(
        "embeddings.nearest_neighbours",
        read.embeddings.spec,
        name="neighbours",
        shows=(".items", ".scores"),
        embeddings=read.analysis,
        layer=layer,
        vector=Source("vector", lines, key, lambda: query.vector(layer), after=(query.analysis,)),
        count=count,
        metric=metric,
        **more,
    )
