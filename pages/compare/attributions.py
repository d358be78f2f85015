"""Which words two models' answers are due to, word by word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.components.words import Word, WordRow, word_rows
from dashboard.language import _, literal
from dashboard.numbers import interval, number, sentences
from dashboard.widgets.accuracy_line import accuracy_line
from dashboard.widgets.attributions_view import explain_analysis
from dashboard.widgets.choices import choose
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import baseline_names, kept_how, method_names
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice, target_input, target_name
from interpret.core.sentence_pipeline import OWN
from pages.compare.figures import word_bars
from pages.compare.two import Two

_PICTURE = "both_words"
# What is begun without a click: so many passes of a token are some seconds on two cores.
_SOON_TOKENS = 25_000


@guarded
def attributions(two: Two) -> None:
    """Both models' scores of each word for one answer."""
    slot = st.container()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    choice = target_input(two.first, slot, row)
    if choice is None:
        return
    other = _same_question(two, choice)
    if other is None:
        return
    with row:
        method = choose(st.selectbox, _("Method"), method_names(), state.COMPARED_METHOD, width=260)
        baseline = choose(
            st.selectbox,
            _("Baseline: replaces a removed word"),
            baseline_names(cache.encoder(two.first.spec).special),
            state.BASELINE,
            width=240,
        )
    if other.head is not None:
        _how_good(two, other.head.result)
    found = _explained(two, (choice, other), method, baseline)
    if found is None:
        return
    compared = it.attribution.compare_words(*found)
    _answers(two, (choice, other), found)
    stem = two.stem("attributions")
    word_rows(_rows(two, found, compared), two.title, stem, "words:both", _PICTURE)
    st.markdown(_line(compared))
    st.plotly_chart(
        word_bars(
            compared.words.labels,
            compared.first_shares,
            compared.second_shares,
            two.names,
            _("share of all scores' sizes"),
        ),
        key="both_bars",
    )
    how = kept_how(method, baseline)
    analyses = [explain_analysis(one, method, how) for one in (choice, other)]
    compare = Analysis(
        "attribution.compare_words",
        choice.subject,
        name="compared",
        shows=(".words.labels", ".first", ".second", ".agreement"),
        first=analyses[0],
        second=analyses[1],
    )
    export_bar(_downloads(compared, compare, found, stem), compare, picture=_PICTURE)
    st.caption(
        _(
            "What this does not mean: scores are in units of each model's own answer, so their sizes are compared as "
            "shares. Two models can use the same words for other reasons, and a difference between two explanations is "
            "also one of how well each explains: the tab “Faithfulness” on Attributions measures that."
        )
    )


def _same_question(two: Two, choice: TargetChoice) -> TargetChoice | None:
    """Return what is asked of the second model: the same; None where it cannot be asked that, which is said."""
    subject = replace(choice.subject, spec=two.second.spec)
    request = choice.kind.of_another(choice.target_function.target)
    if request is None:
        st.info(
            _(
                "“{target}” is of one model's own vocabulary or units. Choose a class, a similarity or a score to "
                "compare two models."
            ).format(target=_(choice.kind.title)),
            icon=":material/compare:",
        )
        return None
    if not choice.kind.classifier:
        # Each model's own way is another.
        pooling = "auto" if choice.pooling == OWN else choice.pooling
        return TargetChoice(subject, choice.kind, request, None, "", pooling)
    if choice.head is not None:
        # The same texts, another model's vectors of them.
        head = _of_other_model(choice.head, two.second.spec)
        return TargetChoice(subject, choice.kind, request, head, f"{choice.classifier}:second", classes=choice.classes)
    own = cache.encoder(two.second.spec).task
    if own is None or own.kind != "classes" or not set(choice.classes) <= set(own.labels):
        st.info(
            _(
                "{first} answers by its own head, and {second} has no head with the same classes. Choose a linear head "
                "above, which is fitted to both models."
            ).format(first=literal(two.names[0]), second=literal(two.names[1])),
            icon=":material/compare:",
        )
        return None
    return TargetChoice(subject, choice.kind, request, None, "", classes=own.labels)


def _how_good(two: Two, head: it.LinearHead) -> None:
    """Say how good the second model's linear head is: it is another than the one above."""
    with st.container(border=True):
        st.caption(_("The same rows, fitted to {model}:").format(model=literal(two.names[1])))
        if head.held_out is not None:
            accuracy_line(head.held_out, "out-of-fold")


def _of_other_model(analysis: Analysis, spec: it.EncoderSpec) -> Analysis:
    """Return the same analysis of another model."""
    return Analysis(analysis.call, spec, name=analysis.name, keep=analysis.keep, **dict(analysis.arguments))


def _explained(
    two: Two, choices: tuple[TargetChoice, TargetChoice], method: str, baseline: str
) -> tuple[it.Attribution, it.Attribution] | None:
    from interpret.attribution.methods import METHODS

    how = kept_how(method, baseline)
    functions = [choice.target_function for choice in choices]
    cost = sum(METHODS[method].passes(len(one.free_words)) * len(one.tokens) for one in functions)

    def work(progress: Progress) -> tuple[it.Attribution, it.Attribution]:
        first, second = (
            explain_analysis(choice, method, how).run(target_function=function, progress=progress)
            for choice, function in zip(choices, functions, strict=True)
        )
        return first, second

    done: tuple[it.Attribution, it.Attribution] | None = long_work(
        "both_attributions",
        f"{choices[0].about}:{choices[1].about}:{method}:{baseline}:{how}",
        _("Explain both"),
        work,
        {
            "passes": _("passes through the model"),
            "path": _("along the path from the baseline"),
            "noise": _("noisy copies of the text"),
        },
        auto=cost * (10 if how.smooth else 1) <= _SOON_TOKENS,
        keep=4,
    )
    return done


def _answers(
    two: Two, choices: tuple[TargetChoice, TargetChoice], found: tuple[it.Attribution, it.Attribution]
) -> None:
    """Say what both answer, and whether it is the same class."""
    said = []
    for name, choice, one in zip(two.names, choices, found, strict=True):
        function = choice.target_function
        parts = [_("Explained: {target}").format(target=literal(target_name(choice, one.target)))]
        if function.kind.likely:
            parts.append(_("probability {chance}").format(chance=f"{function.target_probability:.1%}"))
            best = choice.classes[int(function.own.argmax())] if choice.classes else ""
            if function.kind.predicts and not function.stands_alone and best and best != one.target.name:
                parts.append(_("it predicts {name}").format(name=literal(best)))
        parts.append(_("output {output}").format(output=number(one.output)))
        said.append(f"**{literal(name)}**: " + " · ".join(parts))
    st.markdown("  \n".join(said))


def _rows(
    two: Two, found: tuple[it.Attribution, it.Attribution], compared: it.attribution.WordComparison
) -> list[WordRow]:
    from interpret.attribution.methods import METHODS

    text = found[0].tokens.text
    rows = []
    for name, one, scores in zip(two.names, found, (compared.first, compared.second), strict=True):
        words: list[Word] = []
        end = 0
        for label, score, second in zip(compared.words.labels, scores, compared.words.second, strict=True):
            at = text.find(label, end) if not second else -1
            words.append(Word(label, float(score), bool(words) and (second or at > end), False))
            end = at + len(label) if at >= 0 else end
        most = float(np.abs(scores).max())
        signed = METHODS[one.method].signed
        legend = ((_("against"), -most), (_("in favour"), most)) if signed else ((_("little"), 0.0), (_("much"), most))
        note = "" if np.isnan(one.delta) else _("completeness error {error}").format(error=f"{one.error:.2%}")
        rows.append(WordRow(name, note, tuple(words), most, signed, legend))
    return rows


def _line(compared: it.attribution.WordComparison) -> str:
    """Say how far the two agree on the order of words."""
    if np.isnan(compared.agreement):
        return _("There is no order of words to compare.")
    low, high = compared.agreement_interval
    known = (
        _("Whether they agree at all is not known from so few words.")
        if low <= 0 <= high
        else _("They agree more than chance would.")
        if low > 0
        else _("They order the words against each other.")
    )
    return sentences(
        _("**Rank correlation of the words' scores: {value}** (95%: {range}; words: {count}).").format(
            value=number(compared.agreement, ".2f"), range=interval((low, high), ".2f"), count=len(compared.words)
        ),
        known,
    )


def _downloads(
    compared: it.attribution.WordComparison,
    analysis: Analysis,
    found: tuple[it.Attribution, it.Attribution],
    stem: str,
) -> list[Download]:
    def table() -> dict[str, list[object]]:
        return {
            "word": list(compared.words.labels),
            "first": compared.first.tolist(),
            "second": compared.second.tolist(),
            "first_share": compared.first_shares.tolist(),
            "second_share": compared.second_shares.tolist(),
        }

    def numbers() -> bytes:
        return as_json(
            {
                **analysis.about,
                "outputs": [one.output for one in found],
                "targets": [one.target.name for one in found],
                "words": table(),
                "rank_correlation": None if np.isnan(compared.agreement) else compared.agreement,
                "interval": None if np.isnan(compared.agreement) else compared.agreement_interval,
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(table()), _("A row for each word")),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with both models and settings")
        ),
    ]
