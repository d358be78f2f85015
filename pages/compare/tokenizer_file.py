"""The texts of a file as several vocabularies cut them, and the words that each breaks most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Source
from dashboard.language import _, _n
from dashboard.widgets.choices import choose
from dashboard.widgets.collection import Collection, collection_input
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv
from dashboard.widgets.long_work import Progress, long_work
from pages.compare.tokenizer_export import export_counts
from pages.compare.two import Two
from pages.compare.vocabularies import NamedVocabulary, summary_table

# Some seconds of tokenising.
_SOON_CHARACTERS = 300_000


def of_file(two: Two, vocabularies: Sequence[NamedVocabulary]) -> None:
    """Draw what a collection costs in each vocabulary, and the words that one breaks most."""
    collection = collection_input()
    if collection is None:
        st.info(_("Provide texts, one per line or one per row of a file, to see which of their words are broken."))
        return
    source = collection.source
    counts = _counted(collection, vocabularies, source)
    if counts is None:
        return
    table, config = summary_table(vocabularies, counts, several=True)
    data_table(table, column_config=config, key="vocabularies")
    names = {str(i): one.name for i, one in enumerate(vocabularies)}
    chosen = int(choose(st.selectbox, _("Words broken by"), names, state.BROKEN_BY, width=320))
    broken = counts[chosen].broken
    data_table(
        {
            _("Word"): [one.word for one in broken],
            _("Count"): [one.count for one in broken],
            _("Tokens"): [len(one.tokens) for one in broken],
            _("Cut into"): [" ".join(one.tokens) for one in broken],
            _("Unknown"): [one.unknown for one in broken],
        },
        key="broken",
        height=420,
    )
    st.caption(
        _n(
            "The word that costs most tokens in all its occurrences; cut as where it stands first.",
            "The {count} words that cost most tokens in all their occurrences; each cut as where it stands first.",
            len(broken),
        ).format(count=len(broken))
    )
    stem = two.stem("words")

    def words() -> bytes:
        found: dict[str, list[Any]] = {name: [] for name in ("vocabulary", "word", "count", "tokens", "unknown")}
        for one, made in zip(vocabularies, counts, strict=True):
            for word in made.broken:
                row = (one.spec.checkpoint.name, word.word, word.count, " ".join(word.tokens), word.unknown)
                for name, cell in zip(found, row, strict=True):
                    found[name].append(cell)
        return as_csv(found)

    export_counts(
        vocabularies,
        counts,
        source,
        stem,
        [Download(_("Words (CSV)"), f"{stem}-words.csv", "text/csv", words, _("A row for each broken word"))],
    )


def _counted(
    collection: Collection, vocabularies: Sequence[NamedVocabulary], source: Source
) -> list[it.TokenCounts] | None:
    def work(progress: Progress) -> list[it.TokenCounts]:
        found = []
        for number, one in enumerate(vocabularies):

            def of_one(done: int, total: int, stage: str, number: int = number) -> None:
                progress(number * total + done, len(vocabularies) * total, stage)

            with collection.origin.naming():
                found.append(one.analysis(source).run(encoder=one.tokenizer, progress=of_one))
        return found

    done: list[it.TokenCounts] | None = long_work(
        "token_counts",
        f"{[one.spec.checkpoint for one in vocabularies]}:{collection.about}:{len(collection.texts)}",
        _n("Tokenise {count} text", "Tokenise {count} texts", len(collection.texts)).format(
            count=f"{len(collection.texts):,}"
        ),
        work,
        {"tokens": _("tokenising")},
        auto=collection.characters <= _SOON_CHARACTERS,
        keep=4,
    )
    return done
