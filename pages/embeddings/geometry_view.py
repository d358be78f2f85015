"""Measures of a space on the page: runs, tables, files, and what the numbers mean."""

from __future__ import annotations

from typing import Any

import numpy as np

import interpret as it
from dashboard.analysis import Analysis, Source
from dashboard.figures import hidden_state_names
from dashboard.language import _, _n
from dashboard.numbers import listed, number, sentences
from dashboard.widgets.collection import SEED
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import long_work
from pages.embeddings.embeddings_view import Read

_SOON_ITEMS = 20_000


def geometry_analysis(read: Read) -> Analysis:
    """Describe how the space is measured."""
    shown = (".anisotropy", ".dimension", ".similarity")
    spec = read.embeddings.spec
    return Analysis(
        "embeddings.measure_geometry", spec, name="geometry", shows=shown, embeddings=read.analysis, seed=SEED
    )


def probe_analysis(read: Read, column: str) -> Analysis:
    """Describe how each layer is probed for a column of labels."""
    lines = f"column = table.columns.index({column!r})\nlabels = [rows[i][column].strip() for i in embeddings.text]\n"
    labels = tuple(one.strip() for one in read.column(column))
    return Analysis(
        "embeddings.probe",
        read.embeddings.spec,
        name="probe",
        shows=(".nested", ".nested_interval", ".nested_selectivity", ".selectivity_interval"),
        embeddings=read.analysis,
        labels=Source("labels", lines, (read.about, column), lambda: labels, after=(read.analysis,)),
        seed=SEED,
    )


def measured(read: Read) -> it.embeddings.Geometry | None:
    """Measure the space, showing how far it is; None before it is measured."""
    return long_work(
        "geometry",
        read.about,
        _n(
            "Measure {count} point at every layer", "Measure {count} points at every layer", len(read.embeddings)
        ).format(count=f"{len(read.embeddings):,}"),
        lambda progress: geometry_analysis(read).run(embeddings=read.embeddings, progress=progress),
        {"geometry": _("layers measured")},
        auto=len(read.embeddings) <= _SOON_ITEMS,
        keep=4,
    )


def probed(read: Read, column: str) -> it.embeddings.Probe | None:
    """Probe each layer for a column of labels, showing how far it is; None before it is done."""
    return long_work(
        "probe",
        f"{read.about}:{column}",
        _("Probe every layer"),
        lambda progress: probe_analysis(read, column).run(embeddings=read.embeddings, progress=progress),
        {"probe": _("layers probed")},
        auto=len(read.embeddings) <= 2500,
        keep=4,
    )


def probe_line(probe: it.embeddings.Probe) -> str:
    """Say in Markdown how well labels are told at the layers that the training folds choose."""
    low, high = probe.nested_interval
    said = _(
        "With the layer chosen on the training folds alone (**{layers}**), held-out accuracy is **{accuracy}** (95%, "
        "by text: {low} to {high}; majority-class baseline: {majority}). Minus the accuracy on random labels at these "
        "layers, the selectivity is {selectivity} percentage points (95%: {least} to {most}). {items} points, "
        "{classes} labels, {left} left out."
    ).format(
        layers=listed(hidden_state_names(probe.chosen)),
        accuracy=f"{probe.nested:.1%}",
        low=f"{low:.1%}",
        high=f"{high:.1%}",
        majority=f"{probe.majority:.1%}",
        selectivity=number(100 * probe.nested_selectivity, ".1f"),
        least=number(100 * probe.selectivity_interval[0], ".1f"),
        most=number(100 * probe.selectivity_interval[1], ".1f"),
        items=f"{probe.items:,}",
        classes=len(probe.classes),
        left=f"{probe.left_out:,}",
    )
    if not low > probe.majority:
        said = sentences(said, _("**This is not distinguishable from the majority-class baseline.**"))
    return said


def word_table(geometry: it.embeddings.Geometry) -> dict[str, list[Any]]:
    """Return a row for each word, those that context changes most at the last layer first."""
    last = geometry.word_similarity[-1]
    order = np.argsort(last, kind="stable")
    table: dict[str, list[Any]] = {
        _("Word"): [geometry.words[i] for i in order],
        _("Texts"): [int(geometry.word_texts[i]) for i in order],
    }
    for index, name in enumerate(hidden_state_names(geometry.layers)):
        table[name] = [round(float(geometry.word_similarity[index, i]), 3) for i in order]
    return table


def geometry_table(geometry: it.embeddings.Geometry) -> dict[str, list[Any]]:
    """Return a row for each layer."""
    table: dict[str, list[Any]] = {"layer": list(geometry.layers)}
    for name in (
        "anisotropy",
        "anisotropy_error",
        "self_similarity",
        "intra_similarity",
        "intra_baseline",
        "explained",
        "explained_baseline",
        "dimension",
    ):
        values = getattr(geometry, name)
        if values is not None:
            table[name] = values.tolist()
    for name, ends in zip(("dimension_low", "dimension_high"), geometry.dimension_interval.T, strict=True):
        table[name] = ends.tolist()
    return table


def geometry_downloads(read: Read, geometry: it.embeddings.Geometry, stem: str) -> list[Download]:
    """Offer the measures as files."""

    def numbers() -> bytes:
        rows = {name: [_or_null(one) for one in values] for name, values in geometry_table(geometry).items()}
        return as_json(
            {
                **geometry_analysis(read).about,
                "level": read.embeddings.level,
                "items": geometry.items,
                **rows,
                "cka": [
                    [None if np.isnan(one) else round(one, 6) for one in row] for row in geometry.similarity.tolist()
                ],
                "words": dict(zip(geometry.words, geometry.word_similarity.T.round(5).tolist(), strict=True)),
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(geometry_table(geometry)), _("A row for each layer")),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("The same values, with CKA and all words")),
    ]


def _or_null(value: float) -> float | None:
    # JSON knows no NaN.
    return None if np.isnan(value) else round(value, 6)


def reading_guide() -> str:
    """Explain the measures, with their sources."""
    return _(
        "- **Anisotropy**: the mean cosine of random pairs. Where it is high, all vectors point into one narrow cone, "
        "and any two texts may have a cosine of 0.6. Read every other cosine against it (Ethayarajh 2019).\n"
        "- **A word's occurrences** (self-similarity): 1 if context changes nothing, and as low as random pairs if it "
        "changes everything. Only words in at least 5 texts count.\n"
        "- **A text's words and their mean** (intra-sentence similarity): how similar the words of one text are to "
        "each other, compared with as many random words and their mean.\n"
        "- **Share of the first direction** (maximum explainable variance): how much of a word's occurrences a single "
        "static vector could explain at most, compared with as many random items.\n"
        "- **CKA** (Kornblith et al. 2019, unbiased as in Nguyen et al. 2021): 1 if two layers arrange the points "
        "alike, up to rotation; 0 by chance.\n"
        "- **Intrinsic dimension** (Facco et al. 2017): along how many directions the points spread locally, "
        "estimated from the distances to the two nearest neighbours. Error bars: 95%, by text, as points of one text "
        "are not independent; none if all points are from one text.\n"
        "- **Labels**: a linear probe, fitted on four fifths of the data and scored on the remaining fifth. The best "
        "layer is chosen within the four fifths, so the accuracy stated in words is not affected by the choice of "
        "layer; the curve shows each layer. The control task (Hewitt & Liang 2019) assigns random labels. With words "
        "or tokens as points, each distinct word gets one label, so what a probe solves of it, it solves by memory. "
        "With texts as points nothing recurs, and the control task shows chance level. The difference of the two is "
        "called selectivity."
    )
