"""What of the model's answer is explained: the picker of a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.language import _
from dashboard.subject import Subject
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.classifier_slot import classifier_slot
from dashboard.widgets.sentence_view import pooling_input, say_what_is_cut
from interpret.core.words import join_words

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from interpret.attribution.targets import TargetKind
    from interpret.attribution.targets.controls import Control


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
    pooling
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
    classes: tuple[str, ...] = ()
    kept: list[it.attribution.TargetFunction] = field(default_factory=list)

    @property
    def about(self) -> str:
        """Tells what a result is a result of."""
        return repr((self.subject, self.target, self.classifier, self.pooling))

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
            more["pooling"] = self.pooling
        # It holds the model.
        return Analysis("attribution.target_function", subject, name="function", keep=False, target=target, **more)


def target_input(subject: Subject, slot: DeltaGenerator, row: DeltaGenerator) -> TargetChoice | None:
    """Draw what is asked of the model; None while a file for its classifier is missing.

    Parameters
    ----------
    slot
        A container above all, where the classifier is drawn that is asked.
    row
        Where the choices are drawn, side by side.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    from interpret.attribution.targets import in_order

    encoder = cache.encoder(subject.spec)
    tokens = join_words(encoder.tokens(subject.text, subject.pair))
    kinds = {kind.name: kind for kind in in_order() if kind.offered(encoder, subject.text)}
    with row:
        titles = {name: _(kind.title) for name, kind in kinds.items()}
        kind = kinds[choose(st.selectbox, _("Explain"), titles, state.EXPLAINED, width=260)]
        state.publish(state.EXPLAINED, next(iter(kinds)))
        if not kind.classifier:
            # A unit is one whatever the text; a word is one of this text.
            of = () if kind.at_level else (subject.text, subject.pair)
            target = kind.requested(_chosen(kind.controls(encoder, (), tokens), *of))
            if not kind.compares:
                return TargetChoice(subject, kind, target, None, "")
            sides = {"first": _("Words of the first text"), "second": _("Words of the second text")}
            # Each text's words can be asked what they do for the likeness to the other.
            if subject.pair and segments(_("Explain words of"), sides, state.SIMILARITY_SIDE) == "second":
                subject = replace(subject, text=subject.pair, pair=subject.text)
            pooling = pooling_input(encoder, _("Pooling"), width=380)
            say_what_is_cut(encoder, pooling, [encoder.before() + one for one in (subject.text, subject.pair or "")])
            return TargetChoice(subject, kind, target, None, "", pooling)
        with slot.container(border=True, key="classifier_slot"):
            answering = classifier_slot(subject.spec)
        if answering is None:
            return None
        classes = answering.classes
        values = _chosen(kind.controls(encoder, classes, tokens), answering.about, len(classes))
    return TargetChoice(subject, kind, kind.requested(values), answering.head, answering.about, classes=classes)


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


def target_name(choice: TargetChoice, target: it.attribution.Target) -> str:
    """Name what is explained for the reader."""
    from interpret.attribution.targets import TARGETS

    kind = TARGETS[target.kind]
    return _(kind.said).format(**kind.values(target))
