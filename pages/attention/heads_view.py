"""Kinds of heads: long runs over files, tables to pick a head from, and the numbers as files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.analysis import Analysis, Source
from dashboard.components.maps import HeadMap
from dashboard.language import _, _n, literal
from dashboard.numbers import interval, listed
from dashboard.subject import Subject
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.windows import warn_of_unknown
from pages.attention.heads_figures import pattern_labels, statistic_names

if TYPE_CHECKING:
    from interpret.core.vocabulary import SpecialTokens

SEED = 0


def corpus_statistics(spec: it.EncoderSpec) -> tuple[it.attention.HeadStatistics, Analysis] | None:
    """Draw the input of a corpus and the run over it; None before there is a result, with its analysis after."""
    corpus = corpus_input()
    if corpus is None:
        st.info(_("Choose a file to see what each head does on average over all its texts."))
        return None

    encoder = cache.encoder(spec)
    texts = list(zip(corpus.texts, corpus.pairs, strict=True))
    warn_of_unknown(encoder, texts)

    def windows() -> list[tuple[str, str | None]]:
        from interpret.core.batches import windows_of

        with corpus.origin.naming():
            cut = windows_of(encoder, texts)
        return [one for windows in cut for one in windows]

    analysis = statistics_analysis(
        spec,
        Source(
            "texts",
            "from interpret.core.batches import windows_of\n\n"
            "texts = [one for windows in windows_of(encoder, pairs) for one in windows]\n",
            corpus.about,
            windows,
            corpus.name,
            (corpus.source("pairs"),),
        ),
    )

    def work(progress: Progress) -> it.attention.HeadStatistics:
        found: it.attention.HeadStatistics = analysis.run(progress=progress)
        return found

    label = _n("Measure heads over {count} text", "Measure heads over {count} texts", len(corpus.texts)).format(
        count=f"{len(corpus.texts):,}"
    )
    result = long_work("heads_corpus", f"{spec}:{corpus.about}", label, work)
    return None if result is None else (result, analysis)


def statistics_analysis(of: Subject | it.EncoderSpec, texts: Source | None = None) -> Analysis:
    """Describe what is measured, over one text or over those of a file."""
    if texts is None:
        return Analysis("attention.head_statistics", of, name="statistics", shows=('["entropy"]',))
    return Analysis("attention.corpus_head_statistics", of, name="statistics", shows=('["entropy"]',), texts=texts)


def statistic_maps(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> list[HeadMap]:
    """Return a map for each statistic that has numbers; shares all on the scale from 0 to 1."""
    names = statistic_names(special)
    maps = []
    for name in statistics:
        if statistics.queries[name]:
            low, high = (float(edge) for edge in (statistics.uniform[name].min(), statistics.uniform[name].max()))
            uniform = f"{low:.2f}" if high - low < 0.005 else interval((low, high), ".2f")
            most = float(np.nanmax(statistics[name])) if name in ("entropy", "distance") else 1.0
            about = _("colour scale 0 to {most} · uniform attention: {uniform}").format(
                most=f"{most:.2g}", uniform=uniform
            )
            maps.append(HeadMap(names[name], about, statistics[name], 0.0, max(most, 1e-6)))
    return maps


def patterns_shown(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> list[list[str | None]]:
    """Return each head's name in the reader's language, or None."""
    labels = pattern_labels(special)
    return [[labels[name] if name else None for name in row] for row in it.attention.pattern_names(statistics)]


def patterns_line(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> str:
    """Say in Markdown how many heads do what, and over how much that was measured."""
    counts = Counter(name for row in patterns_shown(statistics, special) for name in row if name)
    everything = statistics["entropy"].size
    named = listed(f"**{literal(name)}** {count}" for name, count in counts.most_common())
    return _n(
        "{named} of {all} heads matches a named pattern: {names}. Measured on {tokens} tokens (texts: {texts}). "
        "Every number is an average over query tokens; a pattern is named only if the lower end of its 95% "
        "interval still meets the rule.",
        "{named} of {all} heads match a named pattern: {names}. Measured on {tokens} tokens (texts: {texts}). "
        "Every number is an average over query tokens; a pattern is named only if the lower end of its 95% "
        "interval still meets the rule.",
        counts.total(),
    ).format(
        all=everything,
        named=counts.total(),
        names=named or "–",
        texts=f"{statistics.texts:,}",
        tokens=f"{statistics.queries['entropy']:,}",
    )


def head_table(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> dict[str, list[Any]]:
    """Return a row for each head, those with a name first, as columns."""
    names, labels = statistic_names(special), pattern_labels(special)
    patterns = it.attention.pattern_names(statistics)
    layers, heads = statistics["entropy"].shape
    order = sorted(
        ((layer, head) for layer in range(layers) for head in range(heads)),
        key=lambda one: (patterns[one[0]][one[1]] is None, one),
    )
    there = [name for name in statistics if statistics.queries[name]]
    return {
        _("Layer"): [layer for layer, _head in order],
        _("Head"): [head for _layer, head in order],
        _("Pattern"): [labels[patterns[layer][head]] for layer, head in order],
        **{names[name]: [float(statistics[name][index]) for index in order] for name in there},
    }


def rules_guide(special: SpecialTokens) -> str:
    """Write the rules out, as they are in the code."""
    from interpret.attention.head_statistics import RULES

    names, labels = statistic_names(special), pattern_labels(special)
    lines = [
        f"- **{literal(labels[rule.pattern])}**: {literal(names[rule.statistic])} ≥ {rule.least:g}" for rule in RULES
    ]
    lines.append(
        "\n"
        + _(
            "The first rule that holds gives the name; a share must also be at least a third of the way from its "
            "value under uniform attention to 1. Both must hold at the lower end of the 95% interval, which is over "
            "texts (tokens of one text are not independent), or over tokens if there is only one text. “More than "
            "half” is the criterion by which Clark et al. (2019, section 3.1) identify heads for the previous and the "
            "next token; the shapes (diagonal, vertical, block) are those of Kovaleva et al. (2019, section 4.1). A "
            "head for which no rule holds gets no name."
        )
    )
    return "\n".join(lines)


def statistics_downloads(analysis: Analysis, statistics: it.attention.HeadStatistics, stem: str) -> list[Download]:
    """Offer the statistics as files."""

    def table() -> bytes:
        return as_csv(head_table(statistics, cache.encoder(analysis.spec).special))

    def numbers() -> bytes:
        # JSON knows no NaN; what no token of the texts could show is null.
        values = {name: None if not statistics.queries[name] else statistics[name].tolist() for name in statistics}
        return as_json(
            {
                **analysis.about,
                "texts": statistics.texts,
                "queries": dict(statistics.queries),
                "uniform": {
                    name: statistics.uniform[name].tolist() if statistics.queries[name] else None for name in statistics
                },
                "patterns": it.attention.pattern_names(statistics),
                "error_95": {
                    name: [[float(half) if np.isfinite(half) else None for half in row] for row in one]
                    for name, one in statistics.error.items()
                },
                "statistics": values,
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each head")),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with model, text and settings")
        ),
    ]
