"""The heads of two models: which does the same as which, and two of them beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis
from dashboard.components.beside import NAME, Side, beside
from dashboard.components.explorer import SCALES
from dashboard.components.maps import HeadMap, head_maps
from dashboard.language import _, _n, literal
from dashboard.numbers import known, number, sentences
from dashboard.widgets.attention_view import special_names
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.head_choice import choose_head, pick_head
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from pages.compare.two import Two

_MAP = "nearest_heads"
# What is begun without a click: pairs of heads times pairs of words, some three seconds on two cores.
_SOON_CELLS = 400_000_000


def matches_analysis(two: Two, specials: bool) -> Analysis:
    """Describe how the heads are compared."""
    return Analysis(
        "attention.match_heads",
        two.first,
        name="matches",
        shows=(".nearest", ".nearest_divergence", ".usual"),
        first=Analysis("trace", two.first, name="first"),
        second=Analysis("trace", two.second, name="second"),
        specials=specials,
    )


@guarded
def attention(two: Two) -> None:
    """One head of the first model and its most similar one of the second, and all heads' nearest."""
    state.seed(state.SPECIALS)
    specials = st.toggle(
        special_names(two.encoders[0].special),
        key=state.SPECIALS,
        persist_state="session",
        help=_(
            "When off, they are left out and each row is renormalised over the remaining words, so that it sums to 1 "
            "again."
        ),
    )
    state.publish(state.SPECIALS)
    analysis = matches_analysis(two, bool(specials))
    first, second = two.encoders
    cells = first.layers * first.heads * second.layers * second.heads * len(first.tokens(*two.texts)) ** 2

    def work(progress: Progress) -> it.attention.HeadMatches:
        found: it.attention.HeadMatches = analysis.run(progress=progress)
        return found

    found = long_work(
        "matched_heads",
        repr((two.first, two.second, specials)),
        _("Compare all heads"),
        work,
        {"heads": _("heads")},
        auto=cells <= _SOON_CELLS,
        keep=4,
    )
    if found is not None:
        _matched(two, analysis, found)


@st.fragment
@guarded
def _matched(two: Two, analysis: Analysis, found: it.attention.HeadMatches) -> None:
    with st.container(border=True):
        left, right, rest = st.columns([1, 1, 4], vertical_alignment="bottom")
        layer, head = pick_head(two.first, left, right)
        with rest:
            shown = segments(
                _("Head of the second model"),
                {"nearest": _("Most similar head"), "same": _("Same layer and head"), "chosen": _("Choose a head")},
                state.MATCH,
            )
            state.publish(state.MATCH)
    other = _other_head(two, found, (layer, head), shown)
    if other is None:
        return
    stem = two.stem("attention")
    sides = [
        _side(two, found, 0, (layer, head)),
        _side(two, found, 1, other),
    ]
    scale = st.query_params.get(state.SCALE, state.SCALE.default)
    beside(sides, None, True, str(scale if scale in SCALES else state.SCALE.default), two.title, stem)
    st.markdown(_line(two, found, (layer, head), other))
    export_bar(_downloads(analysis, found, stem), analysis, picture=NAME)
    st.subheader(
        _("Every head of {model}: how far is the nearest of {other}?").format(
            model=literal(two.names[0]), other=literal(two.names[1])
        )
    )
    most = max(found.usual, 0.01) if np.isfinite(found.usual) else 1.0
    left, right = st.columns([1, 1], gap="large")
    with left:
        clicked = head_maps(
            [
                HeadMap(
                    _("Divergence from the nearest head"),
                    _("bits; the scale ends at {most}, the median over all pairs").format(most=f"{most:.2f}"),
                    found.nearest_divergence,
                    0.0,
                    most,
                )
            ],
            (layer, head),
            two.title,
            two.stem("heads"),
            _MAP,
        )
    with right:
        data_table(
            _table(found),
            key="all_heads",
            height=300,
            column_config={_("Divergence (bits)"): st.column_config.NumberColumn(format="%.3f")},
        )
    if clicked:
        choose_head(*clicked)
        st.rerun()
    st.caption(
        _(
            "What this does not mean: heads with a small divergence spread their attention alike over this text. That "
            "says nothing about what they pass on, and with another text other heads can be nearest. Numbers of "
            "heads mean nothing across models that were not made from each other."
        )
    )


def _other_head(
    two: Two, found: it.attention.HeadMatches, chosen: tuple[int, int], shown: str
) -> tuple[int, int] | None:
    """Return the head of the second model that is drawn; None where there is none, which is said."""
    layers, heads = found.divergence.shape[2:]
    if shown == "nearest":
        layer, head = found.nearest[chosen]
        return int(layer), int(head)
    if shown == "same":
        if chosen[0] < layers and chosen[1] < heads:
            return chosen
        st.info(
            _(
                "{model} has no layer {layer}, head {head} (layers × heads: {layers} × {heads}). Choose another one."
            ).format(model=literal(two.names[1]), layer=chosen[0], head=chosen[1], layers=layers, heads=heads)
        )
        return None
    with st.container(horizontal=True, gap="small"):
        layer = choose(
            st.selectbox, _("Layer (second)"), {i: str(i) for i in range(layers)}, state.MATCH_LAYER, width=140
        )
        head = choose(st.selectbox, _("Head (second)"), {i: str(i) for i in range(heads)}, state.MATCH_HEAD, width=140)
    return layer, head


def _side(two: Two, found: it.attention.HeadMatches, index: int, head: tuple[int, int]) -> Side:
    weights = (found.first_heads, found.second_heads)[index][head]
    behind = np.flatnonzero(found.words.second)
    return Side(
        two.names[index],
        _("Layer {layer}, head {head}").format(layer=head[0], head=head[1]),
        two.names[index],
        found.words.labels,
        int(behind[0]) if len(behind) else None,
        weights,
    )


def _line(two: Two, found: it.attention.HeadMatches, head: tuple[int, int], other: tuple[int, int]) -> str:
    """Say how far apart two heads are, and what that is to be read against."""
    value = float(found.divergence[(*head, *other)])
    if np.isnan(value):
        return _("No word has attention weight left outside the special tokens, so there is no divergence to measure.")
    # How many heads of the second model are nearer.
    row = found.divergence[head].ravel()
    rank = int((row < value).sum()) + 1
    said = _(
        "**Jensen–Shannon divergence of {first} and {second}: {value} bits**, rank {rank} of {count}; the median over "
        "all pairs of heads is {usual}."
    ).format(
        first=f"{head[0]}.{head[1]}",
        second=f"{other[0]}.{other[1]}",
        value=number(value),
        rank=rank,
        count=row.size,
        usual=number(found.usual),
    )
    back = tuple(int(one) for one in found.nearest_of_second[other])
    return sentences(
        said,
        _("Each is the other's nearest.")
        if back == head and rank == 1
        else _("The head of {model} that is nearest to {second} is {back}.").format(
            model=literal(two.names[0]), second=f"{other[0]}.{other[1]}", back=f"{back[0]}.{back[1]}"
        ),
        _n(
            "Averaged over {count} word that looks at others; it describes this text alone, so it has no interval.",
            "Averaged over {count} words that look at others; it describes this text alone, so it has no interval.",
            len(found.words),
        ).format(count=len(found.words)),
    )


def _table(found: it.attention.HeadMatches) -> dict[str, list[Any]]:
    heads = list(np.ndindex(*found.nearest_divergence.shape))
    heads.sort(key=lambda one: float(found.nearest_divergence[one]))
    return {
        _("Head"): [f"{layer}.{head}" for layer, head in heads],
        _("Nearest head"): ["{}.{}".format(*found.nearest[one]) for one in heads],
        _("Divergence (bits)"): [float(found.nearest_divergence[one]) for one in heads],
        _("Each the other's nearest"): [found.is_mutual(*one) for one in heads],
    }


def _downloads(analysis: Analysis, found: it.attention.HeadMatches, stem: str) -> list[Download]:
    def pairs() -> bytes:
        indices = list(np.ndindex(*found.divergence.shape))
        return as_csv(
            {
                name: [index[axis] for index in indices]
                for axis, name in enumerate(("layer", "head", "second_layer", "second_head"))
            }
            | {"jensen_shannon_bits": [float(f"{one:.6g}") for one in found.divergence.ravel()]}
        )

    def numbers() -> bytes:
        return as_json(
            {
                **analysis.about,
                "words": found.words.labels,
                "nearest": found.nearest.tolist(),
                "nearest_of_second": found.nearest_of_second.tolist(),
                "median_bits": found.usual,
                "jensen_shannon_bits": known(found.divergence),
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", pairs, _("A row for each pair of heads")),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with both models and settings")
        ),
    ]
