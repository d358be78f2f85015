"""By which methods the model is asked, and what came of it as words on colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis
from dashboard.components.words import Word, WordRow, token_words, word_rows
from dashboard.language import _, _n
from dashboard.numbers import duration, number, sentences
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import How, baseline_names, method_names
from dashboard.widgets.target_view import TargetChoice

if TYPE_CHECKING:
    from interpret.attribution.driving_words import DrivingWord

# What is begun without a click: so many tokens through the model, forward or backward, are some seconds on two cores.
_SOON_TOKENS = 25_000


def attributions_of(choice: TargetChoice, how: How, slot: DeltaGenerator) -> list[it.Attribution]:
    """Run the methods one after another, drawing what is there after each; those that take long wait for a click.

    Raises
    ------
    InputError
        If the model cannot be asked that, or a method not used on it.
    """
    from interpret.attribution.methods import METHODS

    target_function = choice.target_function
    passes = {method: METHODS[method].passes(len(target_function.free_words)) for method in how.methods}
    smooth = {method: how.smooth and METHODS[method].gradient for method in how.methods}
    soon = {
        method: passes[method] * len(target_function.tokens) * (10 if smooth[method] else 1) <= _SOON_TOKENS
        for method in how.methods
    }
    found: dict[str, it.Attribution] = {}
    # What is soon done comes first, so that there is something to look at; places are kept for the others.
    for method in sorted(how.methods, key=lambda method: (not soon[method], passes[method])):
        result = _attribution_of(choice, how, method, passes[method], smooth[method], soon[method])
        if result is None:
            continue
        found[method] = result
        shown = [one for one in how.methods if one in found or soon[one]]
        if len(found) < len(shown):
            with slot.container():
                rows = dict(zip(found, rows_of(list(found.values()), how.words), strict=True))
                waiting = [rows.get(one) or _waiting(one, next(iter(rows.values()))) for one in shown]
                word_rows(waiting, "", "words", f"words:{len(found)}", "words")
    return [found[method] for method in how.methods if method in found]


def explain_analysis(choice: TargetChoice, method: str, how: How) -> Analysis:
    """Describe what one method computes; what it has no use for stays as it is."""
    from interpret.attribution.methods import METHODS

    known = METHODS[method]
    return choice.analysis(
        "explain",
        "attribution",
        (".tokens.words", ".word_scores()"),
        method=method,
        baseline=how.baseline if known.baseline else "pad",
        rule=how.rule if known.path else "adaptive",
        smooth=how.smooth and known.gradient,
        seed=how.seed,
    )


def _attribution_of(
    choice: TargetChoice, how: How, method: str, passes: int, smooth: bool, soon: bool
) -> it.Attribution | None:
    from interpret.attribution.methods import METHODS

    rule = how.rule if METHODS[method].path else "adaptive"
    analysis = explain_analysis(choice, method, how)

    def work(progress: Progress) -> it.Attribution:
        found: it.Attribution = analysis.run(target_function=choice.target_function, progress=progress)
        return found

    return long_work(
        f"attribution:{method}",
        f"{choice.about}:{method}:{how.baseline}:{how.seed}:{smooth}:{rule}",
        _n("Run {method}: about {passes} pass", "Run {method}: about {passes} passes", passes).format(
            method=method_names()[method], passes=f"{passes:,}"
        ),
        work,
        {
            "passes": _("passes through the model"),
            "path": _("along the path from the baseline"),
            "noise": _("noisy copies of the text"),
        },
        auto=soon,
        keep=8,
    )


def _waiting(method: str, like: WordRow) -> WordRow:
    """Return the row of a method whose scores are not there yet, as long as any other."""
    words = tuple(replace(word, score=0.0) for word in like.words)
    return WordRow(method_names()[method], _("computing …"), words, 1.0, True)


def rows_of(found: Sequence[it.Attribution], words: bool) -> list[WordRow]:
    """Return what is drawn of each: scores that are shares of the answer on one scale, others on their own."""
    from interpret.attribution.methods import METHODS

    names = method_names()
    shares = [one for one in found if METHODS[one.method].signed and METHODS[one.method].baseline]
    most = max((float(np.abs(_scores(one, words)).max()) for one in shares), default=0.0)
    rows = []
    for one in found:
        own = one not in shares
        size = float(np.abs(_scores(one, words)).max()) if own else most
        signed = METHODS[one.method].signed
        legend = ((_("against"), -size), (_("in favour"), size)) if signed else ((_("little"), 0.0), (_("much"), size))
        rows.append(
            WordRow(names[one.method], _note(one, own), words_of(one, words), size, signed, legend, _costs(one))
        )
    return rows


def _scores(one: it.Attribution, words: bool) -> np.ndarray:
    return one.word_scores() if words else one.scores


def words_of(one: it.Attribution, words: bool) -> tuple[Word, ...]:
    """Return a text's words, or tokens, as they are drawn; what was drawn at random says how far that may move it."""
    scores, spread = _scores(one, words), uncertainty_of(one, words)
    if spread is None:
        return token_words(one.tokens, words, scores)
    name = method_names()[one.method]
    said = [
        _("{method}: {score} ± {spread} (95%, over its random samples)").format(
            method=name, score=number(score, "+.4f"), spread=f"{half:.4f}"
        )
        for score, half in zip(scores, spread, strict=True)
    ]
    return token_words(one.tokens, words, scores, said)


def uncertainty_of(one: it.Attribution, words: bool) -> np.ndarray | None:
    """Return half a 95% interval of each score over the method's draws; None where nothing is drawn."""
    return one.word_uncertainty if words else one.uncertainty


def warn_of_baseline(target_function: it.attribution.TargetFunction, baseline: str, tab: str) -> None:
    """Say where the baseline scores above the text for what is explained, and offer others that do not.

    ``tab`` tells the buttons of one tab from those of another.
    """
    outputs, names = target_function.baseline_outputs(), baseline_names(target_function.encoder.special)
    if outputs.get(baseline, -np.inf) <= target_function.output:
        return
    others = [kind for kind, value in outputs.items() if value <= target_function.output]
    st.warning(
        sentences(
            _(
                "For the explained target, the baseline “{baseline}” scores {there}, more than the text's own "
                "{output}: it is not neutral here. All words together count against the target, and a word in favour "
                "may merely count against it less than the baseline counts for it."
            ).format(baseline=names[baseline], there=number(outputs[baseline]), output=number(target_function.output)),
            _("Try another baseline:")
            if others
            else _("Every other baseline does so too: use a method that needs no baseline."),
        ),
        icon=":material/vertical_align_bottom:",
    )
    with st.container(horizontal=True):
        for kind in others:
            st.button(
                _("{baseline} ({output})").format(baseline=names[kind], output=number(outputs[kind])),
                key=f"baseline_instead:{tab}:{kind}",
                on_click=_use_baseline,
                args=(kind,),
            )


def _use_baseline(kind: str) -> None:
    st.session_state[state.BASELINE] = kind


def class_words_line(words: Sequence[DrivingWord]) -> str:
    """Say how many words were compared, and how many of them chance alone would make stand out."""
    significant = sum(word.significant for word in words)
    return _n(
        "Means over the texts explained for this class; in brackets, the number of texts that contain the word "
        "(at least three; each text counts once). {count} word was compared: by chance alone, {chance} would "
        "have an interval that excludes 0. Of all words compared, {significant} hold after correcting for all "
        "together (Holm); their bars are opaque.",
        "Means over the texts explained for this class; in brackets, the number of texts that contain the word "
        "(at least three; each text counts once). {count} words were compared: by chance alone, {chance} of "
        "them would have an interval that excludes 0. Of all words compared, {significant} hold after correcting "
        "for all together (Holm); their bars are opaque.",
        len(words),
    ).format(count=f"{len(words):,}", chance=f"{0.05 * len(words):.1f}", significant=f"{significant:,}")


def _note(one: it.Attribution, own: bool) -> str:
    parts = []
    if not np.isnan(one.delta):
        parts.append(_("completeness error {error}").format(error=f"{one.error:.2%}"))
    if own:
        parts.append(_("own colour scale: scores are not shares of the output"))
    elif np.isnan(one.delta):
        parts.append(_("not additive"))
    if one.baseline:
        parts.append(_("baseline output {output}").format(output=number(one.baseline_output)))
    if one.word_uncertainty is not None:
        parts.append(
            _("at most ± {spread} per word (95%, over its random samples)").format(
                spread=f"{one.word_uncertainty.max():.3f}"
            )
        )
    return " · ".join(parts)


def _costs(one: it.Attribution) -> str:
    """Say what a method took."""
    parts = []
    if one.steps:
        drawn = one.uncertainty is not None
        parts.append(
            (
                _n("{steps} sample", "{steps} samples", one.steps)
                if drawn
                else _n("{steps} step", "{steps} steps", one.steps)
            ).format(steps=one.steps)
        )
    parts.append(
        _("passes: {forward} forward, {backward} backward").format(
            forward=one.forward_passes, backward=one.backward_passes
        )
    )
    parts.append(duration(one.seconds))
    return " · ".join(parts)
