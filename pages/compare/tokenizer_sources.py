"""What is tokenised: the text, terms of a field, the same sentences in many languages, or a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache as keep_forever
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, state
from dashboard.analysis import Source
from dashboard.components.words import WordRow, token_words, word_rows
from dashboard.language import _, _n, language
from dashboard.widgets.choices import choose
from dashboard.widgets.collection import Collection, collection_input
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from interpret.core.intervals import cluster_bootstrap
from interpret.core.tokens import Tokens, tokenize
from pages.compare.figures import cost_bars
from pages.compare.two import Two
from pages.compare.vocabularies import NamedVocabulary, summary_rows, summary_table

_FILE = "dashboard/examples/vocabulary.json"
_PICTURE = "both_tokens"
# Some seconds of tokenising.
_SOON_CHARACTERS = 300_000
_ENGLISH = "en"


@keep_forever
def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / _FILE).read_text("utf-8"))
    return found


def _source(kind: str, *names: str) -> Source:
    """Return some of the shipped texts, with the lines of Python that read them."""
    texts = _shipped()[kind]
    for name in names:
        texts = texts[name]
    part = "".join(f"[{name!r}]" for name in (kind, *names))
    lines = f"import json\nfrom pathlib import Path\n\ntexts = json.loads(Path({_FILE!r}).read_text('utf-8')){part}\n"
    return Source("texts", lines, (kind, *names), lambda: tuple(texts))


# ---- one text


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
    table, config = summary_table(vocabularies, counts)
    st.dataframe(table, hide_index=True, column_config=config, key="vocabularies")

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

    _export(
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


# ---- terms of a field


def of_terms(two: Two, vocabularies: Sequence[NamedVocabulary]) -> None:
    """Draw how each vocabulary cuts terms of medicine, finance and law, and numbers."""
    fields = {"medicine": _("Medicine"), "finance": _("Finance"), "law": _("Law"), "numbers": _("Numbers")}
    code = "zh" if language() == "zh_CN" else "en"
    sources = {field: _source("terms", code, field) for field in fields}
    counts = {field: [one.counts(source) for one in vocabularies] for field, source in sources.items()}
    st.plotly_chart(
        cost_bars(
            list(fields.values()),
            [
                [(float(made[i].tokens.mean()), _mean_interval(made[i].tokens)) for made in counts.values()]
                for i in range(len(vocabularies))
            ],
            [one.name for one in vocabularies],
            _("field"),
            _("tokens per term"),
        ),
        key="terms",
    )
    st.caption(
        _n(
            "{count} term of each field, written for Bertoscope; bars are means, lines their 95% intervals over terms "
            "(bootstrap). Other terms give other numbers.",
            "{count} terms of each field, written for Bertoscope; bars are means, lines their 95% intervals over terms "
            "(bootstrap). Other terms give other numbers.",
            len(sources["law"].result),
        ).format(count=len(sources["law"].result))
    )
    table: dict[str, list[Any]] = {_("Field"): [], _("Term"): []}
    for field, source in sources.items():
        table[_("Field")] += [fields[field]] * len(source.result)
        table[_("Term")] += source.result
    for one in vocabularies:
        table[one.name] = [" ".join(_pieces_of(one, term)) for source in sources.values() for term in source.result]
    st.dataframe(table, hide_index=True, key="term_rows", height=420)
    stem = two.stem("terms")
    everything = Source(
        "texts",
        "import json\nfrom pathlib import Path\n\n"
        f"fields = json.loads(Path({_FILE!r}).read_text('utf-8'))['terms'][{code!r}]\n"
        "texts = [term for terms in fields.values() for term in terms]\n",
        ("terms", code),
        lambda: tuple(term for source in sources.values() for term in source.result),
    )
    _export(
        vocabularies,
        [one.counts(everything) for one in vocabularies],
        everything,
        stem,
        [Download(_("Terms (CSV)"), f"{stem}-terms.csv", "text/csv", lambda: as_csv(table), _("A row for each term"))],
    )


def _pieces_of(one: NamedVocabulary, term: str) -> list[str]:
    """Return the tokens of a term as the vocabulary writes them."""
    found = tokenize(one.tokenizer.tokenizer, term)
    return [name for name, special in zip(found.labels, found.special.tolist(), strict=True) if not special]


def _mean_interval(values: np.ndarray) -> tuple[float, float]:
    return cluster_bootstrap(np.stack([values, np.ones(len(values))], axis=1), lambda sums: sums[:, 0] / sums[:, 1])


# ---- languages


def _languages() -> dict[str, str]:
    return {
        "en": _("English"),
        "zh": _("Chinese"),
        "es": _("Spanish"),
        "fr": _("French"),
        "de": _("German"),
        "pt": _("Portuguese"),
        "ru": _("Russian"),
        "ar": _("Arabic"),
        "hi": _("Hindi"),
        "ja": _("Japanese"),
        "ko": _("Korean"),
        "tr": _("Turkish"),
        "vi": _("Vietnamese"),
    }


def of_languages(two: Two, vocabularies: Sequence[NamedVocabulary]) -> None:
    """Draw what the same sentences cost in each language, beside English."""
    names = _languages()
    sources = {code: _source("languages", code) for code in names}
    counts = {code: [one.counts(source) for one in vocabularies] for code, source in sources.items()}
    values = [[_premium(counts[code][i], counts[_ENGLISH][i]) for code in names] for i in range(len(vocabularies))]
    st.plotly_chart(
        cost_bars(
            list(names.values()),
            values,
            [one.name for one in vocabularies],
            _("language"),
            _("tokens, as many times those of English"),
        ),
        key="languages",
    )
    count = len(sources[_ENGLISH].result)
    st.caption(
        _n(
            "{count} sentence, translated for Bertoscope into each language: as many times the tokens of its "
            "English form in the same vocabulary (Petrov et al. 2023). Lines: 95% over sentences (bootstrap), rough "
            "with so few. Few tokens are no good sign where most are unknown: see the table.",
            "{count} sentences, translated for Bertoscope into each language: as many times the tokens of their "
            "English form in the same vocabulary (Petrov et al. 2023). Lines: 95% over sentences (bootstrap), rough "
            "with so few. Few tokens are no good sign where most are unknown: see the table.",
            count,
        ).format(count=count)
    )
    table: dict[str, list[Any]] = {_("Language"): list(names.values())}
    config = {}
    for i, one in enumerate(vocabularies):
        tokens, unknown = _("Tokens: {model}").format(model=one.name), _("Unknown: {model}").format(model=one.name)
        table[tokens] = [int(counts[code][i].tokens.sum()) for code in names]
        table[unknown] = [100 * counts[code][i].unknown_share for code in names]
        config[unknown] = st.column_config.NumberColumn(format="%.1f%%")
    st.dataframe(table, hide_index=True, column_config=config, key="language_rows", height=35 * (len(names) + 1) + 3)
    stem = two.stem("languages")
    reader = language()
    chosen = "zh" if reader == "zh_CN" else _ENGLISH
    _export(
        vocabularies,
        counts[chosen],
        sources[chosen],
        stem,
        [
            Download(
                _("Languages (CSV)"),
                f"{stem}-languages.csv",
                "text/csv",
                lambda: as_csv(_language_rows(vocabularies, counts, values, list(names))),
                _("A row for each language and vocabulary"),
            )
        ],
    )


def _premium(counts: it.TokenCounts, english: it.TokenCounts) -> tuple[float, tuple[float, float]]:
    """Return how many times the tokens of English a language takes, and its 95% interval over sentences."""
    pairs = np.stack([counts.tokens, english.tokens], axis=1)
    return float(pairs[:, 0].sum() / pairs[:, 1].sum()), cluster_bootstrap(pairs, lambda sums: sums[:, 0] / sums[:, 1])


def _language_rows(
    vocabularies: Sequence[NamedVocabulary],
    counts: dict[str, list[it.TokenCounts]],
    values: list[list[tuple[float, tuple[float, float]]]],
    codes: list[str],
) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        name: [] for name in ("vocabulary", "language", "tokens", "unknown", "times_english", "low", "high")
    }
    for i, one in enumerate(vocabularies):
        for code, (value, ends) in zip(codes, values[i], strict=True):
            made = counts[code][i]
            row = (one.spec.checkpoint.name, code, int(made.tokens.sum()), int(made.unknown.sum()), value, *ends)
            for name, cell in zip(found, row, strict=True):
                found[name].append(cell)
    return found


# ---- a file


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
    table, config = summary_table(vocabularies, counts)
    st.dataframe(table, hide_index=True, column_config=config, key="vocabularies")
    names = {str(i): one.name for i, one in enumerate(vocabularies)}
    chosen = int(choose(st.selectbox, _("Words broken by"), names, state.BROKEN_BY, width=320))
    broken = counts[chosen].broken
    st.dataframe(
        {
            _("Word"): [one.word for one in broken],
            _("Count"): [one.count for one in broken],
            _("Tokens"): [len(one.tokens) for one in broken],
            _("Cut into"): [" ".join(one.tokens) for one in broken],
            _("Unknown"): [one.unknown for one in broken],
        },
        hide_index=True,
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

    _export(
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


def _export(
    vocabularies: Sequence[NamedVocabulary],
    counts: Sequence[it.TokenCounts],
    source: Source,
    stem: str,
    more: list[Download],
    picture: str | None = None,
) -> None:
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
