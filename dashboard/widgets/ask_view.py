"""What is asked of the model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache as keep_forever
from typing import Any

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.sentence_view import say_what_is_cut, sentence_input
from interpret.core.files import Table, read_table

_STARTERS = {"starter": "topics.csv", "starter_zh": "topics.zh-CN.csv"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as the page asks it.

    Attributes
    ----------
    subject
        What is asked about.
    target
        As `interpret.attribution.target_function` takes it.
    head
        How the classifier is fitted; None for the model's own.
    classifier
        Tells one head from another.
    pooling, prompt
        How the sentence vectors are made that a similarity is of: see `interpret.attribution.target_function`.
    kept
        The question, once it was asked.
    """

    subject: Subject
    target: str | int
    head: Analysis | None
    classifier: str
    pooling: str = "auto"
    prompt: str | None = None
    kept: list[it.attribution.TargetFunction] = field(default_factory=list)

    @property
    def about(self) -> str:
        """Tells what a result is a result of."""
        return repr((self.subject, self.target, self.classifier, self.pooling, self.prompt))

    @property
    def question(self) -> it.attribution.TargetFunction:
        """What is asked, once for all that a page shows of it.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        if not self.kept:
            self.kept.append(self.ask(self.subject.text, self.target))
        return self.kept[0]

    def ask(self, text: str, target: str | int | it.attribution.Target) -> it.attribution.TargetFunction:
        """Ask the same way about another text, or for another target.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        found: it.attribution.TargetFunction = self._asking(replace(self.subject, text=text), target).run()
        return found

    @property
    def asking(self) -> Analysis:
        """How it is asked."""
        return self._asking(self.subject, self.target)

    def analysis(self, call: str, name: str, shows: tuple[str, ...], **arguments: Any) -> Analysis:
        """Describe a call of `interpret.attribution` about the question, which is handed to `Analysis.run` with it."""
        return Analysis(f"attribution.{call}", self.subject, name=name, shows=shows, question=self.asking, **arguments)

    def _asking(self, subject: Subject, target: str | int | it.attribution.Target) -> Analysis:
        more: dict[str, Any] = {} if self.head is None else {"head": self.head}
        if self.target == "similarity":
            more |= {"pooling": self.pooling, "prompt": self.prompt}
        # It holds the model.
        return Analysis("attribution.target_function", subject, name="question", keep=False, target=target, **more)


@keep_forever
def _starter(name: str) -> Table:
    return read_table((ROOT / "dashboard/examples" / name).read_bytes(), name)


def ask_input(subject: Subject) -> Asked | None:
    """Draw what is asked of the model; None while a file for its classifier is missing.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    encoder = cache.encoder(subject.spec)
    task = encoder.task
    own = task is not None and task.kind == "classes"
    masked = (
        task is not None and task.kind == "masked words" and encoder.mask is not None and encoder.mask in subject.text
    )
    options = {"class": _("a class"), "word": _("the word at the mask")}
    kinds = ({} if not masked else {"word": options["word"]}) | {
        "class": options["class"],
        "similarity": _("the similarity of two texts"),
        "norm": _("the norm of the sentence vector"),
        "unit": _("a hidden unit"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = choose(st.selectbox, _("Explain"), kinds, state.EXPLAINED, width=260)
        state.publish(state.EXPLAINED, next(iter(kinds)))
        if kind == "unit":
            levels = {i: str(i) for i in range(encoder.layers + 1)}
            level = choose(st.selectbox, _("Hidden state"), levels, state.UNIT_LEVEL, encoder.layers, width=110)
            state.seed(state.UNIT_NUMBER, allowed=range(encoder.width))
            unit = st.number_input(
                _("Unit"), 0, encoder.width - 1, key=state.UNIT_NUMBER, persist_state="session", width=130
            )
            return Asked(subject, f"unit {level}.{unit}", None, "")
        if kind == "similarity":
            sides = {"first": _("Words of the first text"), "second": _("Words of the second text")}
            # Each text's words can be asked what they do for the likeness to the other.
            if subject.pair and segments(_("Explain words of"), sides, state.SIMILARITY_SIDE) == "second":
                subject = replace(subject, text=subject.pair, pair=subject.text)
            pooling, prompt = sentence_input(encoder, _("Compare by"), width=380)
            say_what_is_cut(encoder, pooling, [prompt + one for one in (subject.text, subject.pair or "")])
            return Asked(subject, "similarity", None, "", pooling, prompt)
        if kind in ("norm", "word"):
            return Asked(subject, "norm" if kind == "norm" else "predicted", None, "")
        source = "own"
        if not own:
            sources = {
                "starter": _("demo: six topics, English"),
                "starter_zh": _("demo: six topics, Chinese"),
                "file": _("my own labelled file"),
            }
            source = choose(st.selectbox, _("Classifier"), sources, state.CLASSIFIER, width=250)
            state.publish(state.CLASSIFIER)
        place = st.container()
    fitted: Analysis | None = None
    about = ""
    if source in _STARTERS:
        fitted, about = _starter_head(subject.spec, _STARTERS[source]), f"starter:{_STARTERS[source]}"
    elif source == "file":
        corpus = corpus_input("classifier", labelled=True)
        if corpus is None:
            st.info(_("Choose a file with a text and a label in each row: a linear head is fitted to it in seconds."))
            return None
        fitted, about = (
            head_analysis(subject.spec, corpus.source("texts"), corpus.source("labels")),
            f"file:{corpus.about}",
        )
        with corpus.origin.naming():
            head: it.LinearHead = fitted.result
        st.caption(_("A linear head fitted to the frozen sentence vectors of your file."))
        _how_good(head)
    names = fitted.result.labels if fitted is not None else task.labels if task is not None else ()
    classes: dict[int, str] = {-1: _("the predicted class"), **dict(enumerate(names))}
    with place:
        index = choose(st.selectbox, _("Class"), classes, state.CLASS.of(about, len(names)), width=200)
    return Asked(subject, "predicted" if index < 0 else index, fitted, about)


def head_analysis(spec: it.EncoderSpec, texts: Source, labels: Source) -> Analysis:
    """Describe how a linear head is fitted to the labelled texts of a file."""
    return Analysis("fit_head", spec, name="head", texts=texts, labels=labels)


def _starter_head(spec: it.EncoderSpec, name: str) -> Analysis:
    table = _starter(name)
    texts, labels = (tuple(row[place] for row in table.rows) for place in (0, 1))
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
            "This model has no classifier of its own. The demo classifier is a linear head fitted to the frozen "
            "sentence vectors of {count} short texts on {classes} topics: for demonstration only."
        ).format(count=len(texts), classes=len(head.labels))
    )
    _how_good(head)
    return fitted


def _how_good(head: it.LinearHead) -> None:
    if head.held_out is None:
        st.error(
            _("There are too few rows to show whether this classifier distinguishes the classes."),
            icon=":material/help:",
        )
    else:
        accuracy_line(head.held_out, "out-of-fold")


def target_name(asked: Asked, target: it.attribution.Target) -> str:
    """Name what is explained for the reader."""
    if target.kind == "class":
        return _("class “{name}”").format(name=target.name)
    if target.kind == "word":
        return _("the word “{name}”").format(name=target.name)
    if target.kind == "similarity":
        return _("similarity to the second text")
    if target.kind == "norm":
        return _("norm of the sentence vector")
    return _("unit {unit} of hidden state {level}").format(unit=target.index, level=target.place)
