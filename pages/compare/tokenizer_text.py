"""One text as several vocabularies cut it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import interpret as it
from dashboard.analysis import Source
from dashboard.components.words import WordRow, token_words, word_rows
from dashboard.language import _, _n
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv
from interpret.core.tokens import Tokens, tokenize
from pages.compare.tokenizer_export import export_counts
from pages.compare.two import Two
from pages.compare.vocabularies import NamedVocabulary, summary_table

_PICTURE = "both_tokens"


def of_text(two: Two, vocabularies: Sequence[NamedVocabulary]) -> None:
    """Draw the text as each vocabulary cuts it."""
    text, pair = two.first.text, two.first.pair
    texts = (text,) if pair is None else (text, pair)
    source = Source("texts", f"texts = {list(texts)!r}\n", texts, lambda: texts)
    counts = [one.counts(source) for one in vocabularies]
    cuts = [tokenize(one.tokenizer.tokenizer, text, pair) for one in vocabularies]
    rows = [_row(one, tokens, made) for one, tokens, made in zip(vocabularies, cuts, counts, strict=True)]
    # It says the same of all.
    rows = [rows[0], *(replace(one, legend=()) for one in rows[1:])]
    stem = two.stem("tokens")
    word_rows(rows, two.title, stem, "tokens:all", _PICTURE)
    table, config = summary_table(vocabularies, counts, several=False)
    data_table(table, column_config=config, key="vocabularies")

    def tokens_table() -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {name: [] for name in ("vocabulary", "position", "token", "id", "start", "end")}
        for one, tokens in zip(vocabularies, cuts, strict=True):
            found["vocabulary"] += [one.spec.checkpoint.name] * len(tokens)
            found["position"] += range(len(tokens))
            found["token"] += tokens.strings
            found["id"] += tokens.ids.tolist()
            found["start"] += tokens.span[:, 0].tolist()
            found["end"] += tokens.span[:, 1].tolist()
        return found

    export_counts(
        vocabularies,
        counts,
        source,
        stem,
        [
            Download(
                _("Tokens (CSV)"),
                f"{stem}-tokens.csv",
                "text/csv",
                lambda: as_csv(tokens_table()),
                _("A row for each token of each vocabulary"),
            )
        ],
        _PICTURE,
    )


def _row(vocabulary: NamedVocabulary, tokens: Tokens, counts: it.TokenCounts) -> WordRow:
    """Return the tokens as they are drawn: those on a colour that go on with a word, or that are unknown."""
    scores, notes, before = [], [], -1
    for index, (name, word) in enumerate(zip(tokens.strings, tokens.word.tolist(), strict=True)):
        unknown = tokens.unknown_at(index) and not tokens.special[index]
        continues = word >= 0 and word == before
        before = word
        scores.append(-1.0 if unknown else 0.45 if continues else 0.0)
        notes.append(
            _("{token}: not in the vocabulary").format(token=name)
            if unknown
            else _("{token}: id {id}").format(token=name, id=int(tokens.ids[index]))
        )
    note = _n("{tokens} token", "{tokens} tokens", int(counts.tokens.sum())).format(tokens=int(counts.tokens.sum()))
    unknown_count = int(counts.unknown.sum())
    if unknown_count:
        note += " · " + _("{count} unknown").format(count=unknown_count)
    legend = ((_("unknown"), -1.0), (_("begins a word"), 0.0), (_("continues a word"), 0.45))
    return WordRow(vocabulary.name, note, token_words(tokens, False, scores, notes), 1.0, True, legend)
