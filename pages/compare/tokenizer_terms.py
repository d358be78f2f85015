"""Terms of a field, and the same sentences in many languages, as several vocabularies cut them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache as keep_forever
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT
from dashboard.analysis import Source
from dashboard.language import _, _n, language
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv
from interpret.core.intervals import cluster_bootstrap
from interpret.core.tokens import tokenize
from pages.compare.figures import cost_bars
from pages.compare.tokenizer_export import export_counts
from pages.compare.two import Two
from pages.compare.vocabularies import NamedVocabulary

_FILE = "dashboard/examples/vocabulary.json"
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
    data_table(table, key="term_rows", height=420)
    stem = two.stem("terms")
    everything = Source(
        "texts",
        "import json\nfrom pathlib import Path\n\n"
        f"fields = json.loads(Path({_FILE!r}).read_text('utf-8'))['terms'][{code!r}]\n"
        "texts = [term for terms in fields.values() for term in terms]\n",
        ("terms", code),
        lambda: tuple(term for source in sources.values() for term in source.result),
    )
    export_counts(
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
    data_table(table, column_config=config, key="language_rows", height=35 * (len(names) + 1) + 3)
    stem = two.stem("languages")
    reader = language()
    chosen = "zh" if reader == "zh_CN" else _ENGLISH
    export_counts(
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
