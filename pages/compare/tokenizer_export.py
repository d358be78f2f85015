"""What vocabularies made of texts, to take away."""

from __future__ import annotations

from collections.abc import Sequence

import interpret as it
from dashboard.analysis import Source
from dashboard.language import _
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from pages.compare.vocabularies import NamedVocabulary, summary_rows


def export_counts(
    vocabularies: Sequence[NamedVocabulary],
    counts: Sequence[it.TokenCounts],
    source: Source,
    stem: str,
    more: list[Download],
    picture: str | None = None,
) -> None:
    """Draw the bar under what is shown; ``more`` are its other files."""
    export_bar(
        [
            Download(
                "CSV",
                f"{stem}.csv",
                "text/csv",
                lambda: as_csv(summary_rows(vocabularies, counts)),
                _("A row for each vocabulary"),
            ),
            *more,
            Download(
                "JSON",
                f"{stem}.json",
                "application/json",
                lambda: as_json({"texts": list(source.result), "vocabularies": summary_rows(vocabularies, counts)}),
                _("The counts, with the texts"),
            ),
        ],
        *(one.analysis(source) for one in vocabularies),
        picture=picture,
    )
