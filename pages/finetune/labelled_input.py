"""Labelled examples in: a file that comes with the dashboard or one of one's own, its columns, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, cache, data_slot, state
from dashboard.cache import Labelled
from dashboard.data_slot import SlotFile
from dashboard.figures.finetuning import balance_bars, lengths_histogram
from dashboard.language import _, explain
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.file_line import file_line
from dashboard.widgets.slot_view import column_of, second_file, slot_file
from dashboard.widgets.table_caption import large_missing, tags_caption
from interpret.core.files import SUFFIXES
from interpret.finetuning.data_source import PASSAGE_WORDS
from interpret.finetuning.health import describe_health
from interpret.finetuning.passages import LEAST_WORDS, MOST_WORDS

_SHIPPED = {
    "sentiment": "sentiment.csv",
    "topics": "topics.csv",
    "sentiment_zh": "sentiment.zh-CN.csv",
    "questions": "questions.json",
}
_FILE = "file"
_PLAIN = (".txt", ".md")


@dataclass(frozen=True)
class Given:
    """The training data, and the test set: a file of its own, or a share that is held out."""

    data: Labelled
    test: Labelled | None
    share: float

    def split(self, seed: int) -> tuple[it.finetuning.Examples, np.ndarray, np.ndarray]:
        """Return the rows, and the indices of the training rows and of the validation rows."""
        return cache.split(self.data, self.test, self.share, seed)


def labelled_input() -> Given | None:
    """Draw the input; None while a file is missing.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    sources = {
        "sentiment": _("Sentiment (English)"),
        "topics": _("Six topics (English)"),
        "sentiment_zh": _("Sentiment (Chinese)"),
        "questions": _("Questions about passages (English)"),
        _FILE: _("My own file"),
    }
    usual = _FILE if data_slot.files(SUFFIXES) else str(state.DATA.default)
    source = segments(_("Training data"), sources, state.DATA, usual)
    state.publish(state.DATA, usual)
    if source != _FILE:
        name = _SHIPPED[source]
        content = (ROOT / "dashboard/examples" / name).read_bytes()
        table = cache.table(content, name)
        if source == "questions":
            st.caption(
                _(
                    "Questions about short passages, in the form of SQuAD, written for Bertoscope, to try everything "
                    "out before you bring your own data: {count}."
                ).format(count=f"{len(table.rows):,}")
            )
            return Given(Labelled(content, name, "", "", None, "question answering"), None, 0.2)
        st.caption(
            _(
                "{count} short texts written for Bertoscope, to try everything out before you bring your own data."
            ).format(count=f"{len(table.rows):,}")
        )
        if source == "sentiment_zh":
            st.caption(_("It needs a model that reads Chinese, such as multilingual-e5-small."))
        return Given(Labelled(content, name, table.columns[0], table.columns[1], None, "classes"), None, 0.2)
    task = segments(
        _("Task"), {name: _(one.title) for name, one in it.finetuning.list_objectives().items()}, state.TASK
    )
    objective = it.finetuning.find_objective(task)
    if objective.about:
        st.caption(_(objective.about))
    suffixes = objective.suffixes
    file = slot_file("training", _(objective.file_hint).format(kinds=" ".join(suffixes)), suffixes)
    if file is None:
        st.info(
            _("Choose a file. None of its content leaves the machine that runs Bertoscope."), icon=":material/upload:"
        )
        return None
    data = _SOURCES[objective.source](file, task)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    second = left.toggle(_("Use a second file as the test set"), key="second_file", persist_state="session")
    if not second:
        share = right.slider(
            _("Held out for validation and test (%)"), 5, 50, 20, 5, key="held_out", persist_state="session"
        )
        return Given(data, None, share / 100)
    other = second_file(_("Test file, with the same columns"), suffixes, file)
    if other is None:
        st.info(_("Choose a test file, or turn off “Use a second file as the test set”."))
        return None
    return Given(data, replace(data, content=other.content, name=other.name), 0.2)


def _words_input() -> int:
    return int(
        st.number_input(
            _("Words per passage"),
            LEAST_WORDS,
            MOST_WORDS,
            PASSAGE_WORDS,
            10,
            key="passage_words",
            persist_state="session",
            width=240,
            help=_(
                "Whole sentences, up to this many words; three words are about four tokens. A model predicts best in "
                "texts as long as those it was trained on."
            ),
        )
    )


def _text_source(file: SlotFile, task: str) -> Labelled:
    """Ask which column of a table is running text, and how long passages are; a plain text has one."""
    column = "text"
    if not file.name.lower().endswith(_PLAIN):
        file_line("training", file, ("text",))
        column = file.table.columns[column_of("training", file, "text")]
    return Labelled(file.content, file.name, column, "", None, task, words=_words_input())


def _columns_source(file: SlotFile, task: str) -> Labelled:
    """Ask which columns are the text, its label, and a second text, where that is not clear."""
    columns = file.table.columns
    file_line("training", file, ("text", "pair", "label"))
    text, label = (column_of("training", file, role) for role in ("text", "label"))
    pair = file.roles.pair
    return Labelled(
        file.content, file.name, columns[text], columns[label], None if pair is None else columns[pair], task
    )


def _tags_source(file: SlotFile, task: str) -> Labelled:
    """Ask which tags of words are meant."""
    return Labelled(file.content, file.name, "", "", None, task, tags=_tags_input(file.content, file.name))


def _questions_source(file: SlotFile, task: str) -> Labelled:
    """Ask nothing: the form says what is the question, the passage and the answer."""
    return Labelled(file.content, file.name, "", "", None, task)


# What is asked of a file, by what an objective reads of it.
_SOURCES = {"columns": _columns_source, "tags": _tags_source, "questions": _questions_source, "text": _text_source}


def _tags_input(content: bytes, name: str) -> str:
    found = cache.tags(content, name)
    tags_caption(found, name)
    if len(found.choices) < 2:
        return ""
    choices = {one: one for one in found.choices}
    return choose(st.selectbox, _("Column with the tags"), choices, state.TRAINING_TAGS.of(name, found.form), width=260)


def health_view(health: it.finetuning.DataHealth, examples: it.finetuning.Examples, task: str) -> None:
    """Say what is wrong with the examples, and what to do about each."""
    facts = [
        _(it.finetuning.find_objective(task).unit.training_set).format(count=f"{health.train_rows:,}"),
        _("held out: {count}").format(count=f"{health.held_out_rows:,}"),
    ]
    if health.classes and examples.tags is None:
        facts.append(_("{count} classes").format(count=len(health.classes)))
        if it.finetuning.find_objective(task).classifies:
            facts.append(_("majority-class baseline: {share}").format(share=f"{health.majority:.1%}"))
    if "unknown" in health.findings:
        # Before how finely the rest is cut: a word that is not read at all is not cut either.
        facts.append("**" + _("{share} unknown tokens").format(share=f"{health.unknown:.0%}") + "**")
        cut = _("{count} tokens per known word")
    else:
        cut = _("{count} tokens per word")
    if not np.isnan(health.tokens_per_word):
        facts.append(cut.format(count=f"{health.tokens_per_word:.2f}"))
    st.markdown(" · ".join(facts))
    # A fifth is where other pages warn of a vocabulary: see `windows.warn_of_unknown`.
    grave = {"leaks", "contradictions", *(["unknown"] if health.unknown > 0.2 else [])}
    for name, sentence in describe_health(health, examples).items():
        show = st.warning if name in grave else st.info
        show(explain(sentence), icon=":material/warning:" if name in grave else ":material/lightbulb:")
    large_missing(examples.missing, health.rows + health.skipped)
    if not health.findings:
        st.success(_("No problems were found in these rows."), icon=":material/check_circle:")
    with st.expander(_("Labels and lengths") if health.classes else _("Lengths")):
        left, right = st.columns(2)
        if health.classes:
            left.plotly_chart(balance_bars(health.classes), key="balance")
        right.plotly_chart(lengths_histogram(health.lengths, health.most), key="lengths")
