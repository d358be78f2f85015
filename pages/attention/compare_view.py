"""Two heads beside each other: what each side is, how far apart they are in words and in a table, and as files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float64

import interpret as it
from dashboard.analysis import Analysis
from dashboard.components.beside import Side
from dashboard.components.maps import HeadMap
from dashboard.language import _, literal
from dashboard.numbers import interval, known, listed, number
from dashboard.subject import Subject
from dashboard.widgets.attention_view import view_analysis
from dashboard.widgets.export import Download, as_json
from dashboard.widgets.models import model_name, model_options
from interpret.attention.kinds import Unit
from interpret.core.characters import beginning
from interpret.core.csv_output import csv_rows

# So many of the tokens by which two texts differ are named.
_MOST_NAMED = 4


@dataclass(frozen=True)
class Head:
    """One side: a head, and the text and the model that it is of.

    Attributes
    ----------
    name
        “Reference” or “Current”, in the reader's language.
    model
        The model as the picker calls it.
    """

    name: str
    model: str
    subject: Subject
    layer: int
    head: int

    @property
    def number(self) -> str:
        """Layer and head in short."""
        return f"{self.layer}.{self.head}"

    @property
    def model_label(self) -> str:
        """The model's name for the reader: of a run or a folder its title, not where it lies."""
        checkpoint = self.subject.spec.checkpoint
        in_folder = checkpoint.source == "folder"
        return model_options().get(self.model, self.model) if in_folder else model_name(checkpoint.name)

    @property
    def title(self) -> str:
        """The line over it."""
        what = _("Layer {layer}, head {head}").format(layer=self.layer, head=self.head)
        return _("{side}: {what}").format(side=self.name, what=what)

    @property
    def about(self) -> str:
        """What else tells it from the other: model, revision, text, and the row of a file that the text is."""
        subject = self.subject
        text = " | ".join(beginning(one) for one in (subject.text, subject.pair) if one is not None)
        parts = [
            self.model_label,
            _("revision {revision}").format(revision=subject.spec.checkpoint.revision[:8]),
            _("“{text}”").format(text=text),
        ]
        if subject.row is not None:
            parts.append(_("{file}, row {row}").format(file=subject.row.file, row=subject.row.number))
        return " · ".join(parts)


@dataclass(frozen=True)
class Compared:
    """The reference and the current head, which of them comes first, and how their tokens are seen."""

    reference: Head
    current: Head
    swapped: bool
    unit: Unit
    specials: bool

    @property
    def first(self) -> Head:
        """The side that is subtracted."""
        return self.current if self.swapped else self.reference

    @property
    def second(self) -> Head:
        """The side that it is subtracted from."""
        return self.reference if self.swapped else self.current

    @property
    def one_head(self) -> bool:
        """Whether both sides are the same."""
        return (self.first.subject, self.first.number) == (self.second.subject, self.second.number)

    @property
    def views(self) -> tuple[Analysis, Analysis]:
        """How each side alone is made."""
        first, second = (
            view_analysis(one.subject, self.unit, self.specials, "all", ((one.layer, one.head),))
            for one in (self.first, self.second)
        )
        return first, second

    @property
    def settings(self) -> dict[str, Any]:
        """What both comparisons are called with."""
        texts = [(one.subject.text, one.subject.pair) for one in (self.first, self.second)]
        return {
            "first": Analysis("trace", self.first.subject, name="first"),
            "second": Analysis("trace", self.second.subject, name="second"),
            "unit": self.unit,
            "specials": self.specials,
            "by_position": texts[0] != texts[1],
        }


def side_of(one: Head, unit: Unit, specials: bool) -> Side:
    """Return a head as it is drawn."""
    view: it.attention.AttentionView = view_analysis(one.subject, unit, specials, "all").run()
    second = [row for row, index in enumerate(view.queries) if view.tokens.segment[view.groups[index][0]]]
    return Side(
        one.name,
        one.title,
        one.about,
        view.query_labels,
        second[0] if second and second[0] > 0 else None,
        view.head(one.layer, one.head),
    )


def difference_analysis(what: Compared) -> Analysis:
    """Describe how the two are compared."""
    return Analysis(
        "attention.compare_heads",
        what.first.subject,
        name="heads",
        shows=(".difference", ".total_variation", ".mean_total_variation"),
        layer=what.first.layer,
        head=what.first.head,
        second_layer=what.second.layer,
        second_head=what.second.head,
        **what.settings,
    )


def distances_analysis(what: Compared) -> Analysis:
    """Describe how far each head is from the same head of the other side."""
    return Analysis("attention.head_distances", what.first.subject, name="distances", **what.settings)


def difference_side(what: Compared, result: it.attention.HeadDifference, sides: list[Side]) -> Side:
    """Return the difference as it is drawn."""
    names = {
        "first": f"{what.first.name} ({what.first.number})",
        "second": f"{what.second.name} ({what.second.number})",
    }
    title = _("Difference of weights: {second} − {first}").format(**names)
    meaning = _("Above 0, {second} gives the key more weight than {first}; below 0, less.").format(**names)
    sides_about = (_("{side}: {what}").format(side=one.name, what=one.about) for one in (what.first, what.second))
    about = "\n".join((meaning, *sides_about))
    labels = tuple(pair_label(*labels) for labels in zip(result.first_labels, result.second_labels, strict=True))
    return Side(title, title, about, labels, sides[0].border, result.difference)


def pair_label(first: str, second: str) -> str:
    """Name a row that stands for a token of each side."""
    return first if first == second else f"{first}/{second}"


def aligned_line(result: it.attention.HeadDifference) -> str:
    """Say in Markdown where two texts differ, and what a cell there compares."""
    changed = [int(row) for row in np.flatnonzero(result.changed)]
    named = [
        f"{row} “{literal(result.first_labels[row])}” / “{literal(result.second_labels[row])}”"
        for row in changed[:_MOST_NAMED]
    ]
    more = " …" if len(changed) > _MOST_NAMED else ""
    return _(
        "Two texts, aligned by position. Rows that differ: {changed} of {rows} ({names}). A cell there compares what "
        "stands at the same position, not the same token."
    ).format(changed=len(changed), rows=len(result.changed), names=listed(named) + more)


def difference_line(result: it.attention.HeadDifference) -> str:
    """Say in Markdown how far apart the two are."""
    rows = result.total_variation
    there = np.flatnonzero(np.isfinite(rows))
    if not len(there):
        return _("No row has attention weight left outside the special tokens, so there is no distance to measure.")
    largest = int(there[rows[there].argmax()])
    return _(
        "**Total variation distance, mean over all query rows: {mean}** (rows: {rows}; {range}; largest: “{token}”). "
        "It is the share of a row's weight that would have to go to other keys to make one side the other: 0 for equal "
        "rows, 1 for rows without a key in common. It describes these texts alone, so it has no interval."
    ).format(
        rows=len(there),
        mean=number(result.mean_total_variation),
        range=interval((float(rows[there].min()), float(rows[there].max())), ".3f"),
        token=literal(pair_label(result.first_labels[largest], result.second_labels[largest])),
    )


def row_table(
    result: it.attention.HeadDifference, first: str, second: str
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return a row for each query, those furthest apart first, as columns, and how these are written."""
    order = np.argsort(-np.nan_to_num(result.total_variation, nan=-1.0), kind="stable")
    labels = [pair_label(*one) for one in zip(result.first_labels, result.second_labels, strict=True)]

    def moved(row: int, sign: int) -> str:
        key = int((sign * result.difference[row]).argmax())
        by = float(result.difference[row, key])
        return f"{labels[key]} {number(by, '+.3f')}" if sign * by > 0.0005 else "–"

    distance, divergence = _("Total variation distance"), _("Jensen–Shannon divergence (bits)")
    table = {
        "#": [int(row) for row in order],
        _("query"): [labels[row] for row in order],
        distance: known(result.total_variation[order]),
        divergence: known(result.jensen_shannon[order]),
        _("most gained, {first} → {second}").format(first=first, second=second): [moved(row, 1) for row in order],
        _("most lost, {first} → {second}").format(first=first, second=second): [moved(row, -1) for row in order],
    }
    config = {
        distance: st.column_config.ProgressColumn(
            format="%.3f",
            min_value=0,
            max_value=1,
            help=_("½ Σ |p − q| over the keys of a row (Levin & Peres 2017, proposition 4.2)"),
        ),
        divergence: st.column_config.NumberColumn(
            format="%.3f", help=_("As Clark et al. (2019), section 6, measure the distance of two heads; 0 to 1")
        ),
    }
    return table, config


def distance_map(distances: Float64[np.ndarray, "layer head"]) -> HeadMap:
    """Return the distances of all heads as a map."""
    most = max(float(np.nanmax(distances, initial=0)), 0.01)
    about = _("mean over the query rows · colour scale 0 to {most}").format(most=f"{most:.2g}")
    return HeadMap(_("Total variation distance"), about, distances.astype(np.float32), 0.0, most)


def difference_downloads(what: Compared, analysis: Analysis, stem: str) -> list[Download]:
    """Offer the difference as files."""

    def rows() -> bytes:
        result: it.attention.HeadDifference = analysis.result
        labels = [pair_label(*one) for one in zip(result.first_labels, result.second_labels, strict=True)]
        header = ["query (first)", "query (second)", "total_variation", "jensen_shannon_bits", *labels]
        return csv_rows(
            header,
            [
                [
                    result.first_labels[row],
                    result.second_labels[row],
                    *(one for one in known(np.array([result.total_variation[row], result.jensen_shannon[row]]))),
                    *(float(f"{value:.8g}") for value in result.difference[row]),
                ]
                for row in range(len(labels))
            ],
        ).encode("utf-8-sig")

    def numbers() -> bytes:
        result: it.attention.HeadDifference = analysis.result
        return as_json(
            {
                **_about(what),
                "by_position": what.settings["by_position"],
                "tokens": {"first": result.first_labels, "second": result.second_labels},
                "changed": np.flatnonzero(result.changed).tolist(),
                "weights": {"first": result.first.tolist(), "second": result.second.tolist()},
                "difference": result.difference.tolist(),
                "total_variation": known(result.total_variation),
                "mean_total_variation": known(np.array([result.mean_total_variation]))[0],
                "jensen_shannon_bits": known(result.jensen_shannon),
            }
        )

    return [
        Download(
            "CSV",
            f"{stem}.csv",
            "text/csv",
            rows,
            _("A row for each query: its distance, and the difference for each key"),
        ),
        Download(
            "JSON",
            f"{stem}.json",
            "application/json",
            numbers,
            _("Both heads' weights, the difference and the distances, with models, texts and settings"),
        ),
    ]


def beside_downloads(what: Compared, stem: str) -> list[Download]:
    """Offer what stands side by side, where there is no difference, as a file."""

    def numbers() -> bytes:
        sides = {"first": what.first, "second": what.second}
        drawn = {name: side_of(one, what.unit, what.specials) for name, one in sides.items()}
        return as_json(
            {
                **_about(what),
                "tokens": {name: side.labels for name, side in drawn.items()},
                "weights": {name: side.weights.tolist() for name, side in drawn.items()},
            }
        )

    about = _("Both heads' weights, with models, texts and settings")
    return [Download("JSON", f"{stem}.json", "application/json", numbers, about)]


def _about(what: Compared) -> dict[str, Any]:
    """Return what JSON says of both sides; each has a model, a text and a head of its own."""
    sides = {"first": what.first, "second": what.second}
    return {
        **{
            name: Analysis("trace", one.subject).about | {"layer": one.layer, "head": one.head}
            for name, one in sides.items()
        },
        "unit": what.unit,
        "specials": what.specials,
    }
