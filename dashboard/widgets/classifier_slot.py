"""The classifier slot: which classifier answers, and how good it is, before anything is explained."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache as keep_forever
from typing import TYPE_CHECKING

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, data_slot, ownership, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.data_slot import SlotFile
from dashboard.language import _, _n, literal
from dashboard.numbers import between, listed
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.baseline_view import choice_line
from dashboard.widgets.choices import choose
from dashboard.widgets.corpus_input import LABELLED, corpus_input
from dashboard.widgets.models import RUN, chosen_run, model_title
from dashboard.widgets.notices import guarded
from interpret.core.accuracy import measure_accuracy
from interpret.core.file_rows import sample_rows
from interpret.core.files import Table, read_table
from interpret.finetuning.multi_label_results import MultiLabelResults
from interpret.finetuning.results import ClassificationResults

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_STARTERS = {"starter": "topics.csv", "starter_zh": "topics.zh-CN.csv"}
# Of a file, so many rows tell how good a model's own head is, within 6 percentage points either way.
_MEASURED = 300


@dataclass(frozen=True, eq=False)
class Classifier:
    """What answers.

    Attributes
    ----------
    head
        How a linear head is fitted; None for the model's own.
    about
        Tells one from another.
    classes
        Their names.
    """

    head: Analysis | None
    about: str
    classes: tuple[str, ...]


def classifier_slot(spec: it.EncoderSpec) -> Classifier | None:
    """Draw which classifier answers and how good it is; None while there is none.

    A model's own answers unless somebody chooses another; for a model without one it is a linear head that is fitted to
    the file in use, and only where there is no file the demo.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    from interpret.attribution.targets.classifier import class_names

    encoder = cache.encoder(spec)
    own = bool(class_names(encoder, None))
    file = next(iter(data_slot.files(LABELLED)), None)
    # A demo answers nobody's own file unless it is asked to, and where a model has its own, nothing else does.
    usual = "own" if own else "file" if file is not None else str(state.CLASSIFIER.default)
    key = state.CLASSIFIER.of(spec.checkpoint.name) if own else state.CLASSIFIER
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with row:
        source = choose(st.selectbox, _("Classifier"), _sources(encoder, own, file), key, usual, width=420)
        if source in _STARTERS:
            st.badge(_("Demo"), icon=":material/science:", color="orange")
    if source.startswith(RUN):
        st.session_state[key] = usual
        st.session_state[state.MODEL] = source
        st.rerun()
    if own:
        state.remember(state.CLASSIFIER, None)
    else:
        state.publish(state.CLASSIFIER, usual)
    if source == "own":
        _own_head(spec, encoder, file)
        return Classifier(None, "", class_names(encoder, None))
    head, about = _starter_head(spec, _STARTERS[source]) if source in _STARTERS else _head_of_file(spec, row)
    return None if head is None else Classifier(head, about, head.result.labels)


def _sources(encoder: it.Encoder, own: bool, file: SlotFile | None) -> dict[str, str]:
    chosen, runs = chosen_run(), _runs()
    found = {}
    if own:
        found["own"] = runs.pop(RUN + chosen, "") or _("the model's own: {name}").format(name=model_title(encoder))
    found["file"] = (
        _("linear head, fitted to a labelled file of mine")
        if file is None
        else _("linear head, fitted to {name}").format(name=file.name)
    )
    found |= {name: title for name, title in runs.items() if name != RUN + chosen}
    return found | {"starter": _("demo: six topics, English"), "starter_zh": _("demo: six topics, Chinese")}


def _runs() -> dict[str, str]:
    """Name the runs whose models classify, the newest first."""
    return {
        RUN + run.id: _("fine-tuned run: {name}, {day}").format(
            name=run.request.name, day=time.strftime("%m-%d %H:%M", time.localtime(run.queued))
        )
        for run in ownership.runs()
        if run.model is not None and not run.active and run.request.task in ("classes", "multi-label")
    }


# ---- the model's own


def _own_head(spec: it.EncoderSpec, encoder: it.Encoder, file: SlotFile | None) -> None:
    """Say how good a model's own head is: of a run on what it held out, of any other on the file in use."""
    chosen = chosen_run()
    if chosen:
        # The model answers, whatever became of the run's other files.
        guarded(lambda: _held_out(ownership.run(chosen)))()
        return
    assert encoder.task is not None
    if not encoder.task.exclusive:
        st.caption(
            _(
                "Its classes stand each by itself: a text can have several or none, so there is no single answer that "
                "is right or wrong. What is explained is one class."
            )
        )
        return
    rows = _labelled_rows(file, encoder.task.labels) if file is not None else []
    if file is None or not rows:
        st.caption(
            _(
                "How often it is right is not known here. Bring a file whose labels are its classes, and that is "
                "measured first: {classes}."
            ).format(classes=listed(map(literal, encoder.task.labels[:12])))
        )
        return
    texts, labels = zip(*rows, strict=True)
    about = (file.about, file.roles.text, file.roles.label)
    analysis = Analysis(
        "attribution.measure_classifier",
        spec,
        texts=Source("texts", "", about, lambda: texts, file.name),
        labels=Source("labels", "", about, lambda: labels, file.name),
    )
    with st.spinner(_("Measuring how often it is right …")):
        measured: it.Accuracy | None = analysis.result
    if measured is not None:
        st.caption(
            _n(
                "Measured on {count} row of {name} whose label is one of its classes.",
                "Measured on {count} rows of {name} whose labels are among its classes.",
                measured.count,
            ).format(count=measured.count, name=literal(file.name))
        )
        accuracy_line(measured, "not known")


def _labelled_rows(file: SlotFile, classes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the texts of a file whose labels are classes, with these; of many a sample."""
    text, label = file.roles.text, file.roles.label
    if text is None or label is None:
        return []
    rows = [(row[text], row[label].strip()) for row in file.table.rows if row[label].strip() in classes]
    return [rows[index] for index in sample_rows(len(rows), _MEASURED)]


def _held_out(run: it.runs.Run) -> None:
    outcome = cache.kept(("outcome", run.folder, run.step, run.ended), lambda: it.finetuning.read_outcome(run))
    found = outcome.results
    if isinstance(found, MultiLabelResults):
        choice_line(run, outcome)
        st.caption(
            _(
                "Micro-F1 {f1} ({interval}) on rows that it did not learn from; always the same classes: {baseline}."
            ).format(
                f1=f"{found.micro_f1:.1%}",
                interval=between(found.micro_f1_interval),
                baseline=f"{found.baseline:.1%}",
            )
        )
        return
    assert isinstance(found, ClassificationResults)
    said = [outcome.labels[int(index)] for index in found.answers]
    measured = measure_accuracy(said, outcome.truth, outcome.texts)
    if measured is not None:
        choice_line(run, outcome)
        accuracy_line(measured, "not learned from")


# ---- a linear head


def head_analysis(spec: it.EncoderSpec, texts: Source, labels: Source) -> Analysis:
    """Describe how a linear head is fitted to the labelled texts of a file."""
    return Analysis("fit_head", spec, name="head", texts=texts, labels=labels)


def _head_of_file(spec: it.EncoderSpec, row: DeltaGenerator) -> tuple[Analysis | None, str]:
    """Fit a linear head to the file in use; returns how, and what tells it from another. None without a file."""
    corpus = corpus_input("labels", row, _("Rows to fit it to"))
    if corpus is None:
        st.info(_("Choose a file with a text and a label in each row: a linear head is fitted to it in seconds."))
        return None, ""
    fitted = head_analysis(spec, corpus.source("texts"), corpus.source("labels"))
    with corpus.origin.naming():
        head: it.LinearHead = fitted.result
    st.caption(_("A linear head fitted to the frozen sentence vectors of your file."))
    _how_good(head)
    return fitted, f"file:{corpus.about}"


@keep_forever
def _starter(name: str) -> Table:
    return read_table((ROOT / "dashboard/examples" / name).read_bytes(), name)


def _starter_head(spec: it.EncoderSpec, name: str) -> tuple[Analysis, str]:
    table = _starter(name)
    texts, labels = (tuple(row[index] for row in table.rows) for index in (0, 1))
    read = Source("table", table_lines(f"dashboard/examples/{name}"), name, lambda: table)
    fitted = head_analysis(
        spec,
        Source("texts", "texts = [row[0] for row in table.rows]\n", name, lambda: texts, name, (read,)),
        Source("labels", "labels = [row[1] for row in table.rows]\n", name, lambda: labels, name, (read,)),
    )
    with st.spinner(_("Fitting the demo classifier …")):
        head: it.LinearHead = fitted.result
    st.caption(
        _(
            "For demonstration only: a linear head fitted to the frozen sentence vectors of {count} short texts on "
            "{classes} topics. It knows no other classes."
        ).format(count=len(texts), classes=len(head.labels))
    )
    _how_good(head)
    return fitted, f"starter:{name}"


def _how_good(head: it.LinearHead) -> None:
    if head.held_out is None:
        st.error(
            _("There are too few rows to show whether this classifier distinguishes the classes."),
            icon=":material/help:",
        )
    else:
        accuracy_line(head.held_out, "out-of-fold")
