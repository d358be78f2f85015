"""What is asked of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache as keep_forever
from typing import TYPE_CHECKING

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.language import _
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.python_code import table_lines
from dashboard.widgets.sentence_view import say_what_is_cut, sentence_input
from interpret.core.files import Table, read_table

if TYPE_CHECKING:
    from interpret.attribution.targets import TargetKind
    from interpret.attribution.targets.controls import Control

_SOURCE = "classifier"
_STARTERS = {"starter": "topics.csv", "starter_zh": "topics.zh-CN.csv"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as the page asks it.

    Attributes
    ----------
    spec, text, pair, head
        See `interpret.attribution.target_function`.
    kind
        The kind of what is explained: see `interpret.attribution.targets.TARGETS`.
    target
        As `interpret.attribution.target_function` takes it.
    classifier
        Tells one head from another.
    fitted
        How the head came to be, as lines of Python; empty without one.
    pooling, prompt
        How the sentence vectors are made that a similarity is of: see `interpret.attribution.target_function`.
    kept
        The question, once it was asked.
    """

    spec: it.EncoderSpec
    text: str
    pair: str | None
    kind: TargetKind
    target: str | int
    head: it.LinearHead | None
    classifier: str
    fitted: str
    pooling: str = "auto"
    prompt: str | None = None
    kept: list[it.attribution.TargetFunction] = field(default_factory=list)

    @property
    def about(self) -> str:
        """Tells what a result is a result of."""
        return repr((self.spec, self.text, self.pair, self.target, self.classifier, self.pooling, self.prompt))

    @property
    def question(self) -> it.attribution.TargetFunction:
        """What is asked, once for all that a page shows of it.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        if not self.kept:
            self.kept.append(self.ask(self.text, self.target))
        return self.kept[0]

    def ask(self, text: str, target: str | int | it.attribution.Target) -> it.attribution.TargetFunction:
        """Ask the same way about another text, or for another target.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        encoder = cache.encoder(self.spec)
        return it.attribution.target_function(
            encoder, text, self.pair, target, self.head, pooling=self.pooling, prompt=self.prompt
        )


@keep_forever
def _starter(name: str) -> Table:
    return read_table((ROOT / "dashboard/examples" / name).read_bytes(), name)


def ask_input(spec: it.EncoderSpec, text: str, pair: str | None) -> Asked | None:
    """Draw what is asked of the model; None while a file for its classifier is missing.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    from interpret.attribution.targets import in_order
    from interpret.attribution.targets.classifier import class_names

    encoder = cache.encoder(spec)
    kinds = {kind.name: kind for kind in in_order() if kind.offered(encoder, text)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        titles = {name: _(kind.title) for name, kind in kinds.items()}
        kind = kinds[choose(st.selectbox, _("Explain"), titles, state.EXPLAINED, width=260)]
        state.publish(state.EXPLAINED, next(iter(kinds)))
        if not kind.classifier:
            target = kind.wished(_chosen(kind.controls(encoder, ())))
            if not kind.compares:
                return Asked(spec, text, pair, kind, target, None, "", "")
            sides = {"first": _("Words of the first text"), "second": _("Words of the second text")}
            # Each text's words can be asked what they do for the likeness to the other.
            if pair and segments(_("Explain words of"), sides, "similarity_side") == "second":
                text, pair = pair, text
            pooling, prompt = sentence_input(encoder, _("Compare by"), width=380)
            say_what_is_cut(encoder, pooling, [prompt + one for one in (text, pair or "")])
            return Asked(spec, text, pair, kind, target, None, "", "", pooling, prompt)
        source = "own" if encoder.task is not None and encoder.task.kind == "classes" else _source_input()
        place = st.container()
    answering = (None, "", "") if source == "own" else _head(spec, source)
    if answering is None:
        return None
    head, about, lines = answering
    names = class_names(encoder, head)
    with place:
        values = _chosen(kind.controls(encoder, names), f":{about}:{len(names)}")
    return Asked(spec, text, pair, kind, kind.wished(values), head, about, lines)


def _chosen(controls: Sequence[Control], of: str = "") -> dict[str, int]:
    """Draw what a target asks for, and return what was chosen; ``of`` tells one classifier's from another's."""
    from interpret.attribution.targets.controls import Choice

    values = {}
    for one in controls:
        key = f"{one.key}{of}"
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
    source = choose(st.selectbox, _("Classifier"), sources, _SOURCE, width=250)
    state.publish(_SOURCE, "starter")
    return source


def _head(spec: it.EncoderSpec, source: str) -> tuple[it.LinearHead, str, str] | None:
    """Fit a linear head; returns it, what tells it from another, and its lines of Python. None without a file."""
    if source in _STARTERS:
        return _starter_head(spec, _STARTERS[source])
    corpus = corpus_input("classifier", labelled=True)
    if corpus is None:
        st.info(_("Choose a file with a text and a label in each row: a linear head is fitted to it in seconds."))
        return None
    with corpus.origin.naming():
        head, about = cache.head(spec, corpus.texts, corpus.labels), f"file:{corpus.about}"
    st.caption(_("A linear head fitted to the frozen sentence vectors of your file."))
    _how_good(head)
    text_column, label_column = corpus.columns
    lines = (
        table_lines(corpus.name)
        + f"texts = [row[{text_column}] for row in table.rows if row[{text_column}].strip() and "
        + f"row[{label_column}].strip()]\n"
        + f"labels = [row[{label_column}].strip() for row in table.rows if row[{text_column}].strip() and "
        + f"row[{label_column}].strip()]\n"
        + "head = it.fit_head(encoder, texts, labels)\n"
    )
    return head, about, lines


def _starter_head(spec: it.EncoderSpec, name: str) -> tuple[it.LinearHead, str, str]:
    table = _starter(name)
    texts, labels = (tuple(row[place] for row in table.rows) for place in (0, 1))
    with st.spinner(_("Fitting the demo classifier …")):
        head = cache.head(spec, texts, labels)
    st.caption(
        _(
            "This model has no classifier of its own. The demo classifier is a linear head fitted to the frozen "
            "sentence vectors of {count} short texts on {classes} topics: for demonstration only."
        ).format(count=len(texts), classes=len(head.labels))
    )
    _how_good(head)
    lines = (
        "import csv\n\n"
        f'rows = list(csv.DictReader(open("dashboard/examples/{name}", encoding="utf-8")))\n'
        'head = it.fit_head(encoder, [row["text"] for row in rows], [row["topic"] for row in rows])\n'
    )
    return head, f"starter:{name}", lines


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
    from interpret.attribution.targets import TARGETS

    kind = TARGETS[target.kind]
    return _(kind.said).format(**kind.values(target))
