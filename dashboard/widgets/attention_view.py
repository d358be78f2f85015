"""How attention is looked at: the switches over the explorer, and its numbers as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from jaxtyping import Float32

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis, trace_of
from dashboard.components.explorer import Look, standalone
from dashboard.language import _, literal
from dashboard.numbers import number
from dashboard.subject import Subject
from dashboard.widgets.choices import segments
from dashboard.widgets.export import Download, as_json
from dashboard.widgets.text_input import known_link
from interpret.attention.kinds import Direction, Unit
from interpret.core.csv_output import csv_rows

if TYPE_CHECKING:
    from interpret.core.vocabulary import SpecialTokens

Heads = Sequence[tuple[int, int]]


def view_controls(pair: bool, special: SpecialTokens) -> tuple[Unit, bool, Direction]:
    """Draw the switches: unit, special tokens and, where there are two texts, direction."""
    units: dict[Unit, str] = {"token": _("Tokens"), "word": _("Words")}
    directions: dict[Direction, str] = {"all": _("All"), "A→A": "A→A", "A→B": "A→B", "B→A": "B→A", "B→B": "B→B"}
    state.seed(state.SPECIALS)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        unit = segments(
            _("Unit"),
            units,
            state.UNIT,
            help=_(
                "Words: weights to a word's tokens are summed, weights from them are averaged (Clark et al. 2019). "
                "Where Chinese words begin and end, jieba says."
            ),
        )
        direction: Direction = segments(_("Direction"), directions, state.DIRECTION) if pair else "all"
        specials = st.toggle(
            special_names(special),
            key=state.SPECIALS,
            persist_state="session",
            help=_(
                "When off, they are left out and each row is renormalised over the remaining tokens, so that it "
                "sums to 1 again."
            ),
        )
    state.publish(state.UNIT)
    state.publish(state.SPECIALS)
    state.remember(state.DIRECTION, None if direction == state.DIRECTION.default else direction)
    return unit, specials, direction


def special_names(special: SpecialTokens) -> str:
    """Name the tokens that a tokenizer puts around a text, as Markdown."""
    named = [literal(one) for one in dict.fromkeys((special.first, special.separator)) if one]
    return (
        _("{first} and {last}").format(first=named[0], last=named[1])
        if len(named) == 2
        else "".join(named) or _("special tokens")
    )


def reading_guide(special: SpecialTokens) -> str:
    """Explain the picture to somebody who meets attention for the first time, in Markdown."""
    points = (
        _(
            "**A row is a token that attends (the query), a column is a token that is attended to (the key).** Each "
            "whole row sums to 1: it shows how the head distributes that token's attention."
        ),
        _(
            "**A strong cell** (dark on a light page, bright on a dark one) means that the row's token takes most of "
            "what this head passes on from the column's token. A diagonal is a head that attends to the token itself, "
            "or to its neighbour; a vertical stripe is one token that all tokens attend to."
        ),
        _(
            "**{special}** often get most of the weight. Clark et al. (2019) interpret this as a head's way of doing "
            "nothing; switch them off to see what else the head does."
        ).format(special=special_names(special)),
        _(
            "**Colours mean the same in every picture**: 0 to 1, whatever the head. Square root and log make small "
            "weights visible; the scale under the heat map shows how."
        ),
        _(
            "**What this does not mean**: an attention weight is not an explanation (Jain & Wallace 2019). Later "
            "layers mix what earlier layers have already mixed, and the size of the values matters as well as the "
            "weights (Kobayashi et al. 2020)."
        ),
    )
    return "\n".join(f"- {point}" for point in points)


def heads_of_url() -> Mapping[str, object] | None:
    """Return what the URL says is looked at, unchecked; None where it says nothing."""
    text = st.query_params.get(state.HEADS)
    scale, minimum = st.query_params.get(state.SCALE), st.query_params.get(state.MINIMUM)
    if text is None and scale is None and minimum is None:
        return None
    # Whole numbers of a few digits; what else there is falls away when the look is checked.
    heads = [[int(part) for part in re.findall(r"[0-9]+", one[:8])] for one in (text or "").split(",")]
    try:
        least = float(minimum or 0)
    except ValueError:
        least = 0.0
    return {"heads": heads, "scale": scale, "minimum": least}


def first_head(subject: Subject) -> tuple[int, int]:
    """Return the head to show before anybody has chosen one."""
    link = shown_link(subject)
    if link is None:
        layer, head = Analysis("attention.most_active_head", subject).result
    else:
        layer, head = Analysis("attention.strongest_head", subject, query=link[0], key=link[1]).result
    return layer, head


def shown_link(subject: Subject) -> tuple[str, str] | None:
    """Return the two tokens of an example whose link the first head is chosen for; None where no such link is."""
    link = known_link(subject.text, subject.pair)
    return link if link is not None and None not in map(trace_of(subject).tokens.find, link) else None


def link_line(subject: Subject, head: tuple[int, int]) -> None:
    """Say why the first head is shown."""
    link = shown_link(subject)
    if link is None:
        return
    trace = trace_of(subject)
    query, key = map(trace.tokens.find, link)
    st.markdown(
        _(
            "Opened on **layer {layer}, head {head}**: of all heads the one in which “{query}” looks most at “{key}” "
            "(weight {weight})."
        ).format(
            layer=head[0],
            head=head[1],
            query=literal(link[0]),
            key=literal(link[1]),
            weight=number(float(trace.attention[head[0], head[1], query, key])),
        )
    )


def heads_in_words(heads: Heads) -> str:
    """Name what is chosen."""
    if len(heads) == 1:
        return _("Layer {layer}, head {head}").format(layer=heads[0][0], head=heads[0][1])
    return _("Average of {count} heads").format(count=len(heads))


def view_analysis(subject: Subject, unit: Unit, specials: bool, direction: Direction, heads: Heads = ()) -> Analysis:
    """Describe what the explorer shows; ``heads`` are those that its weights are of."""
    shown = (f".average({list(heads)})",) if heads else ()
    return Analysis(
        "attention.attention_view",
        subject,
        name="view",
        shows=shown,
        unit=unit,
        specials=specials,
        direction=direction,
    )


@dataclass(frozen=True)
class Looked:
    """Everything that decides what is seen, and nothing that is large: a download made of it keeps no trace alive."""

    subject: Subject
    unit: Unit
    specials: bool
    direction: Direction
    look: Look
    title: str
    stem: str

    @property
    def analysis(self) -> Analysis:
        """How it is made."""
        return view_analysis(self.subject, self.unit, self.specials, self.direction, self.look.heads)

    def view(self) -> it.attention.AttentionView:
        """Return the view, from the trace in the cache or read anew: kept, it would keep its trace alive with it."""
        found: it.attention.AttentionView = self.analysis.run()
        return found


def attention_downloads(what: Looked) -> list[Download]:
    """Offer what is seen as files."""

    def rows() -> bytes:
        view = what.view()
        return weights_csv(view, view.average(what.look.heads))

    def numbers() -> bytes:
        view = what.view()
        return as_json(
            {
                **what.analysis.about,
                "heads": what.look.heads,
                "queries": view.query_labels,
                "keys": view.key_labels,
                "weights": view.average(what.look.heads).tolist(),
            }
        )

    def arrays() -> bytes:
        return trace_of(what.subject).npz()

    def page() -> bytes:
        return standalone(what.view(), what.look, what.title, what.stem)

    binary = "application/octet-stream"
    return [
        Download("CSV", f"{what.stem}.csv", "text/csv", rows, _("The attention weights of the selected heads")),
        Download(
            "JSON",
            f"{what.stem}.json",
            "application/json",
            numbers,
            _("The same values, with model, text and settings"),
        ),
        Download(
            "NPZ",
            f"{what.stem}.npz",
            binary,
            arrays,
            _("The whole trace for NumPy: attention, queries, keys, values, context vectors and hidden states"),
        ),
        Download(
            "HTML",
            f"{what.stem}.html",
            "text/html",
            page,
            _("The explorer with all heads, in one file that works offline: at most {size} MB").format(size=12),
        ),
    ]


def weights_csv(view: it.attention.AttentionView, weights: Float32[np.ndarray, "query key"]) -> bytes:
    """Write weights as a table: a row for each query, a column for each key, with a mark that spreadsheets know."""
    rows = [
        [label, *(float(f"{weight:.8g}") for weight in row)]
        for label, row in zip(view.query_labels, weights, strict=True)
    ]
    return csv_rows(["query \\ key", *view.key_labels], rows).encode("utf-8-sig")
