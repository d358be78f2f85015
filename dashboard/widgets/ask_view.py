"""What is asked of the model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache as keep_forever

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.python_code import table_lines
from dashboard.widgets.sentence_view import say_what_is_cut, sentence_input
from interpret.core.files import Table, read_table

_SOURCE = "classifier"
_STARTERS = {"starter": "topics.csv", "starter_zh": "topics.zh-CN.csv"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as the page asks it.

    Attributes
    ----------
    subject
        What is asked about.
    head
        See `interpret.attribution.target_function`.
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

    subject: Subject
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
        encoder = cache.encoder(self.subject.spec)
        return it.attribution.target_function(
            encoder, text, self.subject.pair, target, self.head, pooling=self.pooling, prompt=self.prompt
        )


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
            level = choose(st.selectbox, _("Hidden state"), levels, "unit_level", encoder.layers, width=110)
            state.seed("unit_number", 0, range(encoder.width))
            unit = st.number_input(
                _("Unit"), 0, encoder.width - 1, key="unit_number", persist_state="session", width=130
            )
            return Asked(subject, f"unit {level}.{unit}", None, "", "")
        if kind == "similarity":
            sides = {"first": _("Words of the first text"), "second": _("Words of the second text")}
            # Each text's words can be asked what they do for the likeness to the other.
            if subject.pair and segments(_("Explain words of"), sides, "similarity_side") == "second":
                subject = replace(subject, text=subject.pair, pair=subject.text)
            pooling, prompt = sentence_input(encoder, _("Compare by"), width=380)
            say_what_is_cut(encoder, pooling, [prompt + one for one in (subject.text, subject.pair or "")])
            return Asked(subject, "similarity", None, "", "", pooling, prompt)
        if kind in ("norm", "word"):
            return Asked(subject, "norm" if kind == "norm" else "predicted", None, "", "")
        source = "own"
        if not own:
            sources = {
                "starter": _("demo: six topics, English"),
                "starter_zh": _("demo: six topics, Chinese"),
                "file": _("my own labelled file"),
            }
            source = choose(st.selectbox, _("Classifier"), sources, _SOURCE, width=250)
            state.publish(_SOURCE, "starter")
        place = st.container()
    head, about, lines = None, "", ""
    if source in _STARTERS:
        head, about, lines = _starter_head(subject.spec, _STARTERS[source])
    elif source == "file":
        corpus = corpus_input("classifier", labelled=True)
        if corpus is None:
            st.info(_("Choose a file with a text and a label in each row: a linear head is fitted to it in seconds."))
            return None
        with corpus.origin.naming():
            head, about = cache.head(subject.spec, corpus.texts, corpus.labels), f"file:{corpus.about}"
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
    names = head.labels if head is not None else task.labels if task is not None else ()
    classes: dict[int, str] = {-1: _("the predicted class"), **dict(enumerate(names))}
    with place:
        index = choose(st.selectbox, _("Class"), classes, f"class:{about}:{len(names)}", width=200)
    return Asked(subject, "predicted" if index < 0 else index, head, about, lines)


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
    if target.kind == "class":
        return _("class “{name}”").format(name=target.name)
    if target.kind == "word":
        return _("the word “{name}”").format(name=target.name)
    if target.kind == "similarity":
        return _("similarity to the second text")
    if target.kind == "norm":
        return _("norm of the sentence vector")
    return _("unit {unit} of hidden state {level}").format(unit=target.index, level=target.place)
