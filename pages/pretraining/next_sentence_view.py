"""Whether sentences follow each other: one pair, and a file of them beside shuffled and swapped ones."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.language import _, _n, explain
from dashboard.numbers import sentences
from dashboard.widgets.choices import segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of
from interpret.finetuning.passages import sentences_of
from pages.pretraining.figures import pair_picture
from pages.pretraining.fill_mask_view import percent

_SHIPPED = "story.txt"


def answer_analysis(spec: it.EncoderSpec, first: str, second: str | None) -> Analysis:
    """Describe whether a text follows another."""
    return Analysis("next_sentence", spec, shows=(".follows",), first=first, second=second)


def following_analysis(spec: it.EncoderSpec, given: Given) -> Analysis:
    """Describe whether those of a file do, beside shuffled and swapped ones."""
    shown = ('.accuracy("shuffled")', '.accuracy("swapped")')
    return Analysis("pretraining.score_pairs", spec, name="found", shows=shown, pairs=given.pairs)


def answer_view(given: it.pretraining.NextSentence, swapped: it.pretraining.NextSentence) -> None:
    """Draw what the model says of a pair and of the same two the other way about."""
    titles = (
        (_("B follows A"), _("B is from elsewhere"), _("A follows B"))
        if given.task == "next"
        else (_("A comes before B"), _("A and B are swapped"), _("B comes before A"))
    )
    columns = st.columns(3)
    for column, title, chance in zip(columns, titles, (given.follows, 1 - given.follows, swapped.follows), strict=True):
        column.metric(title, percent(chance))
        column.progress(min(1.0, max(0.0, chance)))
    if given.task == "next":
        st.caption(
            _(
                "IsNext against NotNext (Devlin et al. 2019): in pretraining, half of the second texts were the true "
                "next ones, the others came from elsewhere. On the right, the same two texts swapped: a model that "
                "reads only the topic predicts the same for both."
            )
        )
    else:
        st.caption(
            _(
                "ALBERT's task, sentence-order prediction (Lan et al. 2020): the two texts are always consecutive, "
                "and the question is whether they are in the right order. On the right, the same two texts swapped."
            )
        )


class Given(NamedTuple):
    """Pairs of consecutive texts, and the row of the file that each is in."""

    pairs: Source
    origin: FileRows


def pairs_input() -> Given | None:
    """Draw which pairs are asked of; None before there is a file.

    Raises
    ------
    InputError
        If a file has no pairs.
    """
    source = segments(
        _("Text from"), {"shipped": _("Built-in story (English)"), "file": _("My own file")}, state.FOLLOWING_SOURCE
    )
    if source == "shipped":
        table = cache.table((ROOT / "dashboard/examples" / _SHIPPED).read_bytes(), _SHIPPED)
        lines = table_lines(f"dashboard/examples/{_SHIPPED}") + "texts = [row[0] for row in table.rows]\n"
        texts = Source("texts", lines, _SHIPPED, lambda: tuple(row[0] for row in table.rows), _SHIPPED)
        return _consecutive(texts, rows_of(table, range(len(table.rows)), ["text"]))
    corpus = corpus_input()
    if corpus is None:
        st.info(
            _(
                "Choose a file: either with two columns, a text and the text that follows it, or running text, whose "
                "consecutive sentences within a paragraph or row form the pairs."
            )
        )
        return None
    pairs = tuple((one, other) for one, other in zip(corpus.texts, corpus.pairs, strict=True) if other)
    if pairs:
        lines = "pairs = [(one, other) for one, other in pairs if other]\n"
        pair_source = Source("pairs", lines, corpus.about, lambda: pairs, corpus.name, (corpus.source("pairs"),))
        return Given(pair_source, corpus.origin)
    given = _consecutive(corpus.source("texts"), corpus.origin)
    if not given.pairs.result:
        raise InputError(
            "No row or paragraph of the file has two sentences, so there are no consecutive ones. Choose a column "
            "with the second text, or a file of running text."
        )
    return given


def _consecutive(texts: Source, origin: FileRows) -> Given:
    """Return each sentence with the next one of its text, and the row that each pair is in."""
    found = [(index, pair) for index, text in enumerate(texts.result) for pair in pairwise(sentences_of(text))]
    lines = (
        "from itertools import pairwise\n\nfrom interpret.finetuning.passages import sentences_of\n\n"
        "pairs = [pair for text in texts for pair in pairwise(sentences_of(text))]\n"
    )
    pairs = tuple(pair for _index, pair in found)
    pair_source = Source("pairs", lines, texts.key, lambda: pairs, texts.file, (texts,))
    return Given(pair_source, origin.some([index for index, _pair in found]))


def following_view(given: Given, found: it.pretraining.NextSentenceScores) -> None:
    """Draw how true pairs compare with shuffled and swapped ones, and say what that means."""
    st.plotly_chart(pair_picture(found, given.origin.numbers), key="following")
    columns = st.columns(4)
    count = len(found.true)
    others: tuple[tuple[int, Literal["shuffled", "swapped"], str, str], ...] = (
        (0, "shuffled", _("Accuracy vs shuffled"), _("AUROC vs shuffled")),
        (2, "swapped", _("Accuracy vs swapped"), _("AUROC vs swapped")),
    )
    for index, against, title, area in others:
        low, high = found.accuracy_interval(against)
        columns[index].metric(
            title,
            percent(found.accuracy(against)),
            help=_n(
                "Accuracy over {count} true pair and one control pair. 95%, by pair: {low} to {high}.",
                "Accuracy over {count} true pairs and as many control pairs. 95%, by pair: {low} to {high}.",
                count,
            ).format(count=count, low=percent(low), high=percent(high)),
        )
        low, high = found.distinguished_interval(against)
        columns[index + 1].metric(
            area,
            percent(found.distinguished(against)),
            help=_(
                "How often a true pair gets a higher probability than a control pair: the area under the ROC curve "
                "(AUROC). 95%, by pair: {low} to {high}; chance: 50%."
            ).format(low=percent(low), high=percent(high)),
        )
    st.markdown(following_verdict(found))
    if found.faults:
        index, error = found.faults[0]
        st.caption(
            _n(
                "{count} pair cannot be read; it is in row {row}: {why}",
                "{count} pairs cannot be read; the first is in row {row}: {why}",
                len(found.faults),
            ).format(count=len(found.faults), row=given.origin.numbers[index], why=explain(error))
        )
    with st.expander(_("Table of pairs")):
        data_table(following_table(given, found))


def following_verdict(found: it.pretraining.NextSentenceScores) -> str:
    """Say in Markdown what the model tells apart, as far as these pairs can show it, each number with its interval."""
    numbers, above, below = {}, [], []
    for against in ("shuffled", "swapped"):
        low, high = found.distinguished_interval(against)
        numbers[against] = _("{share} (95%: {low} to {high})").format(
            share=percent(found.distinguished(against)), low=percent(low), high=percent(high)
        )
        # NaN, of too few pairs, is neither.
        above += [against] if low > 0.5 else []
        below += [against] if high < 0.5 else []
    _gap, low, high = found.subject_over_order()
    if "shuffled" in above and low > 0:
        said = _(
            "It distinguishes true pairs from shuffled ones better than from swapped ones: it relies mainly on the "
            "topic."
        )
    elif "swapped" in above and high < 0:
        said = _("It recognises the order better than the topic.")
    elif len(above) == 2:
        said = _("It does better than chance on both; these {count} pairs do not show on which it does better.")
    elif above == ["shuffled"]:
        said = _(
            "It recognises which sentences belong together; these {count} pairs do not show whether it does "
            "worse on the order."
        )
    elif above == ["swapped"]:
        said = _("It recognises the order; these {count} pairs do not show whether it does worse on the topic.")
    elif below:
        said = _(
            "It does not rate true pairs above either kind of control pair, and rates at least one kind above "
            "the true pairs."
        )
    else:
        said = _("These {count} pairs do not show that it does better than chance.")
    return sentences(
        said.format(count=len(found.true)),
        _("AUROC: {shuffled} against shuffled pairs, {swapped} against swapped pairs; chance is 50%.").format(
            **numbers
        ),
    )


def following_table(given: Given, found: it.pretraining.NextSentenceScores) -> dict[str, list[Any]]:
    """Return a row for each pair."""
    table = {
        _("Row"): [given.origin.numbers[index] for index in found.indices],
        _("First"): [given.pairs.result[index][0] for index in found.indices],
        _("Second"): [given.pairs.result[index][1] for index in found.indices],
        _("True pair"): np.round(found.true, 4).tolist(),
        _("Shuffled"): np.round(found.shuffled, 4).tolist(),
        _("Swapped"): np.round(found.swapped, 4).tolist(),
    }
    return given.origin.some(found.indices).beside(table)


def following_downloads(given: Given, found: it.pretraining.NextSentenceScores, stem: str) -> list[Download]:
    """Offer the pairs with their probabilities as a file."""
    columns = {
        "row": [given.origin.numbers[index] for index in found.indices],
        "first": [given.pairs.result[index][0] for index in found.indices],
        "second": [given.pairs.result[index][1] for index in found.indices],
        "follows": found.true.tolist(),
        "shuffled_row": [given.origin.numbers[index] for index in found.partner],
        "shuffled_second": [given.pairs.result[index][1] for index in found.partner],
        "follows_shuffled": found.shuffled.tolist(),
        "follows_swapped": found.swapped.tolist(),
    }
    table = given.origin.some(found.indices).beside(columns)
    return [Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(table), _("A row for each pair"))]
