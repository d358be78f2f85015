"""What of the model's answer is explained: the picker of a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache as keep_forever
from typing import TYPE_CHECKING, Any

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, data_slot, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.corpus_input import LABELLED, corpus_input
from dashboard.widgets.sentence_view import say_what_is_cut, sentence_input
from interpret.core.files import Table, read_table

if TYPE_CHECKING:
    from interpret.attribution.targets import TargetKind
    from interpret.attribution.targets.controls import Control

_STARTERS = {"starter": "topics.csv", "starter_zh": "topics.zh-CN.csv"}


@dataclass(frozen=True, eq=False)
class TargetChoice:
    """The target that is chosen on the page, and of what.

    Attributes
    ----------
    subject
        What is asked about.
    kind
        The kind of what is explained: see `interpret.attribution.targets.TARGETS`.
    target
        As `interpret.attribution.target_function` takes it.
    head
        How the classifier is fitted; None for the model's own.
    classifier
        Tells one head from another.
    pooling, prompt
        How the sentence vectors are made that a similarity is of: see `interpret.attribution.target_function`.
    classes
        The names of the classifier's classes; empty for a target without a classifier.
    kept
        The target function, once it was made.
    """

    subject: Subject
    kind: TargetKind
    target: str | int
    head: Analysis | None
    classifier: str
    pooling: str = "auto"
    prompt: str | None = None
    classes: tuple[str, ...] = ()
    kept: list[it.attribution.TargetFunction] = field(default_factory=list)

    @property
    def about(self) -> str:
        """Tells what a result is a result of."""
        return repr((self.subject, self.target, self.classifier, self.pooling, self.prompt))

    @property
    def target_function(self) -> it.attribution.TargetFunction:
        """The target function, made once for all that a page shows of it.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        if not self.kept:
            self.kept.append(self.make_target_function(self.subject.text, self.target))
        return self.kept[0]

    def make_target_function(
        self, text: str, target: str | int | it.attribution.Target
    ) -> it.attribution.TargetFunction:
        """Make the target function of another text, or for another target.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        found: it.attribution.TargetFunction = self._target_analysis(replace(self.subject, text=text), target).run()
        return found

    @property
    def target_analysis(self) -> Analysis:
        """How the target function is made."""
        return self._target_analysis(self.subject, self.target)

    def analysis(self, call: str, name: str, shows: tuple[str, ...], **arguments: Any) -> Analysis:
        """Describe a call of `interpret.attribution`; `Analysis.run` gets the target function with it."""
        return Analysis(
            f"attribution.{call}",
            self.subject,
            name=name,
            shows=shows,
            target_function=self.target_analysis,
            **arguments,
        )

    def _target_analysis(self, subject: Subject, target: str | int | it.attribution.Target) -> Analysis:
        more: dict[str, Any] = {} if self.head is None else {"head": self.head}
        if self.kind.compares:
            more |= {"pooling": self.pooling, "prompt": self.prompt}
        # It holds the model.
        return Analysis("attribution.target_function", subject, name="function", keep=False, target=target, **more)


@keep_forever
def _starter(name: str) -> Table:
    return read_table((ROOT / "dashboard/examples" / name).read_bytes(), name)


def target_input(subject: Subject) -> TargetChoice | None:
    """Draw what is asked of the model; None while a file for its classifier is missing.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    from interpret.attribution.targets import in_order
    from interpret.attribution.targets.classifier import class_names

    encoder = cache.encoder(subject.spec)
    kinds = {kind.name: kind for kind in in_order() if kind.offered(encoder, subject.text)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        titles = {name: _(kind.title) for name, kind in kinds.items()}
        kind = kinds[choose(st.selectbox, _("Explain"), titles, state.EXPLAINED, width=260)]
        state.publish(state.EXPLAINED, next(iter(kinds)))
        if not kind.classifier:
            target = kind.requested(_chosen(kind.controls(encoder, ())))
            if not kind.compares:
                return TargetChoice(subject, kind, target, None, "")
            sides = {"first": _("Words of the first text"), "second": _("Words of the second text")}
            # Each text's words can be asked what they do for the likeness to the other.
            if subject.pair and segments(_("Explain words of"), sides, state.SIMILARITY_SIDE) == "second":
                subject = replace(subject, text=subject.pair, pair=subject.text)
            pooling, prompt = sentence_input(encoder, _("Pooling"), width=380)
            say_what_is_cut(encoder, pooling, [prompt + one for one in (subject.text, subject.pair or "")])
            return TargetChoice(subject, kind, target, None, "", pooling, prompt)
        source = "own" if encoder.task is not None and encoder.task.kind == "classes" else _source_input()
        controls = st.container(horizontal=True, vertical_alignment="bottom", width="content")
    fitted, about = (None, "") if source == "own" else _head(subject.spec, source)
    if fitted is None and source != "own":
        return None
    names = class_names(encoder, fitted.result if fitted is not None else None)
    with controls:
        values = _chosen(kind.controls(encoder, names), about, len(names))
    return TargetChoice(subject, kind, kind.requested(values), fitted, about, classes=names)


def choose_class(choice: TargetChoice, index: int = -1) -> None:
    """Let a class be explained, by its number; the predicted one unless given."""
    st.session_state[state.EXPLAINED] = "class"
    st.session_state[_control_key("class", choice.classifier, len(choice.classes))] = index


def choose_contrast(choice: TargetChoice, one: int, other: int) -> None:
    """Let one class rather than another be explained, by their numbers."""
    st.session_state[state.EXPLAINED] = "contrast"
    for name, index in (("contrast_one", one), ("contrast_other", other)):
        st.session_state[_control_key(name, choice.classifier, len(choice.classes))] = index


def _control_key(name: str, *of: object) -> state.Key:
    # A target's own, which the table of keys cannot know.
    key = state.Key(name, in_address=False)
    return key.of(*of) if of else key


def _chosen(controls: Sequence[Control], *of: object) -> dict[str, int]:
    """Draw what a target asks for, and return what was chosen; ``of`` tells one classifier's from another's."""
    from interpret.attribution.targets.controls import Choice

    values = {}
    for one in controls:
        key = _control_key(one.key, *of)
        if isinstance(one, Choice):
            options = {**{value: _(label) for value, label in one.worded.items()}, **one.options}
            values[one.key] = choose(st.selectbox, _(one.label), options, key, one.default, width=one.width)
        else:
            state.seed(key, 0, range(one.most + 1))
            values[one.key] = st.number_input(
                _(one.label), 0, one.most, key=key, persist_state="session", width=one.width
            )
    return values


def _source_input() -> str:
    """Draw what the classifier of a model without one is fitted on."""
    sources = {
        "starter": _("demo: six topics, English"),
        "starter_zh": _("demo: six topics, Chinese"),
        "file": _("my own labelled file"),
    }
    # A demo answers nobody's own file unless it is asked to.
    usual = "file" if data_slot.files(LABELLED) else "starter"
    source = choose(st.selectbox, _("Classifier"), sources, state.CLASSIFIER, usual, width=250)
    state.publish(state.CLASSIFIER, usual)
    return source


def _head(spec: it.EncoderSpec, source: str) -> tuple[Analysis | None, str]:
    """Fit a linear head; returns how, and what tells it from another. None without a file."""
    if source in _STARTERS:
        return _starter_head(spec, _STARTERS[source]), f"starter:{_STARTERS[source]}"
    corpus = corpus_input("labels")
    if corpus is None:
        st.info(_("Choose a file with a text and a label in each row: a linear head is fitted to it in seconds."))
        return None, ""
    fitted = head_analysis(spec, corpus.source("texts"), corpus.source("labels"))
    with corpus.origin.naming():
        head: it.LinearHead = fitted.result
    st.caption(_("A linear head fitted to the frozen sentence vectors of your file."))
    _how_good(head)
    return fitted, f"file:{corpus.about}"


def head_analysis(spec: it.EncoderSpec, texts: Source, labels: Source) -> Analysis:
    """Describe how a linear head is fitted to the labelled texts of a file."""
    return Analysis("fit_head", spec, name="head", texts=texts, labels=labels)


def _starter_head(spec: it.EncoderSpec, name: str) -> Analysis:
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


def target_name(choice: TargetChoice, target: it.attribution.Target) -> str:
    """Name what is explained for the reader."""
    from interpret.attribution.targets import TARGETS

    kind = TARGETS[target.kind]
    return _(kind.said).format(**kind.values(target))
