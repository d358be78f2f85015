"""How surprised a model is: by each word of a text, by one of two sentences, and over a file of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.components.words import WordRow, token_words, word_rows
from dashboard.language import _, _n, explain, literal
from dashboard.numbers import number, sentences
from dashboard.widgets.choices import segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.shares import percent_bar, percents
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of
from interpret.core.intervals import wilson
from pages.pretraining.figures import preference_picture
from pages.pretraining.fill_mask_view import percent

WORDS = "surprise_words"
_BITS = 1 / np.log(2)
_SHIPPED = "minimal_pairs.csv"


def surprisal_words(
    found: Sequence[tuple[str, it.pretraining.PseudoLikelihood]], words: bool, title: str, stem: str
) -> None:
    """Draw texts with each word on the colour of its surprise, all on one scale."""
    scores = [_bits(one, words) for _name, one in found]
    most = max(float(np.nanmax(one)) for one in scores)
    rows = []
    for (name, one), bits in zip(found, scores, strict=True):
        notes = [_note(float(some), known) for some, known in zip(bits, _is_probability(one, words), strict=True)]
        rows.append(
            WordRow(
                name,
                _n(
                    "{tokens} token · PLL {total} nats · pseudo-perplexity {perplexity}",
                    "{tokens} tokens · PLL {total} nats · pseudo-perplexity {perplexity}",
                    one.count,
                ).format(tokens=one.count, total=number(one.total, ".2f"), perplexity=f"{one.perplexity:,.1f}"),
                token_words(one.tokens, words, np.nan_to_num(bits).tolist(), notes),
                most,
                False,
            )
        )
    word_rows(rows, title, stem, "surprise", WORDS)


def _bits(one: it.pretraining.PseudoLikelihood, words: bool) -> np.ndarray:
    groups = one.tokens.groups if words else tuple((index,) for index in range(len(one.tokens)))
    return np.array([-float(one.logs[list(group)].sum()) * _BITS for group in groups])


def _is_probability(one: it.pretraining.PseudoLikelihood, words: bool) -> list[bool]:
    """Tell of which words, or tokens, the numbers are a probability: not of a word's tokens told by each other."""
    groups = one.tokens.groups if words else tuple((index,) for index in range(len(one.tokens)))
    return [one.within or len(group) == 1 for group in groups]


def _note(bits: float, chance: bool) -> str:
    if np.isnan(bits):
        return ""
    if not chance:
        return _("{bits} bits, summed over its tokens").format(bits=f"{bits:.2f}")
    return _("{bits} bits, probability {chance}").format(bits=f"{bits:.2f}", chance=percent(2.0**-bits))


def surprisal_tiles(one: it.pretraining.PseudoLikelihood) -> None:
    """Draw the numbers of one text."""
    columns = st.columns(3)
    columns[0].metric(
        _("Pseudo-perplexity"),
        f"{one.perplexity:,.1f}",
        help=_("exp(−PLL / tokens): like choosing among this many equally likely tokens (Salazar et al. 2020)."),
    )
    columns[1].metric(
        _("Pseudo-log-likelihood (PLL)"),
        _("{total} nats").format(total=number(one.total, ".2f")),
        help=_(
            "Sum over all tokens of each one's log-probability, with the token and the later tokens of its word masked."
        )
        if one.within
        else _("Sum over all tokens of each one's log-probability, with only that token masked."),
    )
    word, score = min(one.words, key=lambda some: some[1])
    columns[2].metric(
        _("Highest surprisal"),
        literal(word[:24]),
        _("{bits} bits").format(bits=f"{-score * _BITS:.1f}"),
        delta_color="off",
        delta_arrow="off",
    )


def surprisal_table(one: it.pretraining.PseudoLikelihood) -> dict[str, list[Any]]:
    """Return a row for each word."""
    groups = one.tokens.groups
    alone = [
        known
        for known, group in zip(_is_probability(one, True), groups, strict=True)
        if not one.tokens.special[group[0]]
    ]
    return {
        _("Word"): [word for word, _score in one.words],
        _("Surprisal (bits)"): [-score * _BITS for _word, score in one.words],
        _("Probability"): [
            float(np.exp(score)) if known else None for (_word, score), known in zip(one.words, alone, strict=True)
        ],
    }


def verdict(first: it.pretraining.PseudoLikelihood, second: it.pretraining.PseudoLikelihood) -> str:
    """Say in Markdown which of two texts the model finds likelier, and with what care to read that."""
    gap = first.total - second.total
    said = (
        _("The model finds the **first** more likely, by {gap} nats.")
        if gap > 0
        else _("The model finds the **second** more likely, by {gap} nats.")
        if gap < 0
        else _("The model finds both equally likely.")
    ).format(gap=f"{abs(gap):.2f}")
    if first.count != second.count:
        said = sentences(
            said,
            _(
                "They differ in their number of tokens: {first} and {second}. Longer texts have lower sums, so compare "
                "the pseudo-perplexities ({one} and {other}) too."
            ).format(
                first=first.count,
                second=second.count,
                one=f"{first.perplexity:,.1f}",
                other=f"{second.perplexity:,.1f}",
            ),
        )
    return said


class Pairs(NamedTuple):
    """Pairs of sentences, the better one first, the kind of each, and their rows."""

    pairs: Source
    kinds: tuple[str, ...]
    origin: FileRows


def pairs_input() -> Pairs | None:
    """Draw which pairs are scored; None before there is a file.

    Raises
    ------
    InputError
        If a file has no second column.
    """
    source = segments(
        _("Pairs from"),
        {"shipped": _("Built-in pairs (English)"), "file": _("A file of pairs")},
        state.PREFERENCE_SOURCE,
    )
    if source == "shipped":
        table = cache.table((ROOT / "dashboard/examples" / _SHIPPED).read_bytes(), _SHIPPED)
        pairs = tuple((row[0], row[1]) for row in table.rows)
        origin = rows_of(table, range(len(table.rows)), table.columns)
        lines = table_lines(f"dashboard/examples/{_SHIPPED}") + "pairs = [(row[0], row[1]) for row in table.rows]\n"
        pair_source = Source("pairs", lines, _SHIPPED, lambda: pairs, _SHIPPED)
        return Pairs(pair_source, tuple(row[2] for row in table.rows), origin)
    corpus = corpus_input("pairs")
    if corpus is None:
        st.info(_("Choose a file with two columns: the sentence that should be more likely, and the other one."))
        return None
    pairs = tuple((one, other) for one, other in zip(corpus.texts, corpus.pairs, strict=True) if other)
    if not pairs:
        raise InputError("No second column is chosen. Choose the column that holds the other sentence of each pair.")
    lines = "pairs = [(one, other) for one, other in pairs if other]\n"
    pair_source = Source("pairs", lines, corpus.about, lambda: pairs, corpus.name, (corpus.source("pairs"),))
    return Pairs(pair_source, (), corpus.origin)


def preferences_view(given: Pairs, found: it.pretraining.MinimalPairs) -> None:
    """Draw how often the better sentence is likelier, over all and by kind, and the pairs themselves."""
    read = ~np.isnan(found.better)
    right = found.better > found.worse
    # Of these neither is better.
    counted = read & (np.array(given.kinds or [""] * len(read)) != "stereotype")
    if found.faults:
        index, error = found.faults[0]
        st.caption(
            _n(
                "{count} pair cannot be read; it is in row {row}: {why}",
                "{count} pairs cannot be read; the first is in row {row}: {why}",
                len(found.faults),
            ).format(count=len(found.faults), row=given.origin.numbers[index], why=explain(error))
        )
    if not counted.any():
        return
    low, high = wilson(int(right[counted].sum()), int(counted.sum()))
    said = "" if low > 0.5 or high < 0.5 else _("**This cannot be distinguished from chance.**")
    st.markdown(
        sentences(
            _n(
                "The better sentence is more likely in **{share}** of {count} pair (95%: {low} to {high}; chance "
                "level: 50%).",
                "The better sentence is more likely in **{share}** of {count} pairs (95%: {low} to {high}; chance "
                "level: 50%).",
                int(counted.sum()),
            ).format(
                share=percent(float(right[counted].mean())),
                count=int(counted.sum()),
                low=percent(low),
                high=percent(high),
            ),
            said,
        )
    )
    if given.kinds:
        names = kind_names()
        kinds = dict.fromkeys(given.kinds)
        of_kind = {kind: read & (np.array(given.kinds) == kind) for kind in kinds}
        ends = [wilson(int(right[some].sum()), int(some.sum())) for some in of_kind.values()]
        data_table(
            {
                _("Kind"): [names.get(kind, kind) for kind in kinds],
                _("First more likely"): percents(float(right[some].mean()) for some in of_kind.values()),
                "95%": [_("{low} to {high}").format(low=percent(low), high=percent(high)) for low, high in ends],
                _("Number of pairs"): [int(some.sum()) for some in of_kind.values()],
            },
            column_config={
                _("First more likely"): percent_bar(),
            },
        )
        st.caption(
            _(
                "Of the stereotype pairs neither sentence is better, so they do not count above: the first sentence "
                "is what a prejudice would say, and an unbiased model would be at 50%."
            )
        )
    order = mistakes_first(found, counted)
    titles = [
        _("row {row}: {text}").format(row=row, text=one)
        for row, (one, _other) in zip(given.origin.numbers, given.pairs.result, strict=True)
    ]
    st.plotly_chart(preference_picture(found, titles, order), key="preferences")
    # Those that do not count, and those that cannot be read, come last.
    order += [i for i in range(len(counted)) if not counted[i]]
    data_table(preferences_table(given, found, order))


def mistakes_first(found: it.pretraining.MinimalPairs, counted: np.ndarray) -> list[int]:
    """Return the indices of the pairs that count, the most confident error first."""
    return [int(i) for i in np.argsort(found.better - found.worse) if counted[i]]


def kind_names() -> dict[str, str]:
    """Name the kinds of the shipped pairs for the reader."""
    return {
        "agreement": _("subject–verb agreement"),
        "anaphora": _("reflexives (himself, herself, themselves)"),
        "word order": _("word order"),
        "negation": _("negative polarity items (ever, any)"),
        "verbs": _("argument structure"),
        "sense": _("semantic plausibility"),
        "stereotype": _("stereotype"),
    }


def preferences_table(given: Pairs, found: it.pretraining.MinimalPairs, order: Sequence[int]) -> dict[str, list[Any]]:
    """Return a row for each pair, in an order."""
    names = kind_names()
    kinds = {_("Kind"): [names.get(given.kinds[i], given.kinds[i]) for i in order]} if given.kinds else {}
    rows = given.origin.some(order)
    table: dict[str, list[Any]] = {
        _("Row"): list(rows.numbers),
        **kinds,
        _("Better"): [given.pairs.result[i][0] for i in order],
        _("Worse"): [given.pairs.result[i][1] for i in order],
        _("PLL of the better one"): [round(float(found.better[i]), 3) for i in order],
        _("PLL of the worse one"): [round(float(found.worse[i]), 3) for i in order],
        _("PLL difference"): [round(float(found.better[i] - found.worse[i]), 3) for i in order],
    }
    return rows.beside(table)


def preferences_downloads(given: Pairs, found: it.pretraining.MinimalPairs, stem: str) -> list[Download]:
    """Offer the pairs with their scores as a file."""
    columns = {
        "row": list(given.origin.numbers),
        "better": [one for one, _other in given.pairs.result],
        "worse": [other for _one, other in given.pairs.result],
        **({"kind": list(given.kinds)} if given.kinds else {}),
        "pll_better": found.better.tolist(),
        "pll_worse": found.worse.tolist(),
    }
    table = given.origin.beside(columns)
    return [Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(table), _("A row for each pair"))]


def preferences_analysis(spec: it.EncoderSpec, given: Pairs, within: bool) -> Analysis:
    """Describe which sentence of each pair of a file is likelier."""
    shown = (".accuracy", ".better", ".worse")
    return Analysis(
        "pretraining.compare_minimal_pairs", spec, name="found", shows=shown, pairs=given.pairs, within=within
    )


def surprisal_downloads(
    analyses: Sequence[Analysis], found: Sequence[it.pretraining.PseudoLikelihood], stem: str
) -> list[Download]:
    """Offer the surprise of each token as files."""
    rows = [(number, one, index) for number, one in enumerate(found) for index in range(len(one.tokens))]
    rows = [row for row in rows if not row[1].tokens.special[row[2]]]
    columns: dict[str, list[Any]] = {
        "text": [number + 1 for number, _one, _index in rows],
        "position": [index for _number, _one, index in rows],
        "token": [one.tokens.strings[index] for _number, one, index in rows],
        "log_probability": [float(one.logs[index]) for _number, one, index in rows],
    }
    about = {
        **analyses[0].about,
        "texts": [one.tokens.text for one in found],
        "second_texts": [one.tokens.pair for one in found],
        "pseudo_log_likelihood": [one.total for one in found],
        "pseudo_perplexity": [one.perplexity for one in found],
    }
    return [
        Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(columns), _("A row for each token")),
        Download(
            "JSON",
            f"{stem}.json",
            "application/json",
            lambda: as_json({**about, "tokens": columns}),
            _("The same values, with model, text and settings"),
        ),
    ]
