"""What if: words switched off or exchanged by hand, and a search for the fewest changes that turn the prediction."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Source
from dashboard.components.words import WordRow, word_rows
from dashboard.language import _, _n, literal
from dashboard.numbers import sentences
from dashboard.widgets.attributions_view import words_of
from dashboard.widgets.choices import choose
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice, target_name
from interpret.attribution.variants import Change
from interpret.core.characters import beginning
from pages.attributions.variants_view import chances_table, change_of, search_names, variants_table, variants_view

_PICTURE = "switches_words"


@guarded
def whatif(choice: TargetChoice) -> None:
    """The output as words are removed or replaced by hand, and counterfactuals found by search."""
    target_function = choice.target_function
    tokens = target_function.tokens

    def work(progress: Progress) -> it.Attribution:
        return it.attribution.explain(choice.target_function, "feature_ablation", progress=progress)

    # What each word's loss alone costs: the colours, and the forecast that a click checks.
    alone = long_work(
        "whatif:alone", choice.about, _("Remove each word in turn"), work, auto=len(tokens) ** 2 <= 60_000, keep=8
    )
    if alone is None:
        return
    st.markdown(_("Explained: {target}").format(target=literal(target_name(choice, target_function.target))))
    row = WordRow(
        _("Click words to switch them off"),
        _("Colours: how much the output loses when that word alone is replaced by the baseline"),
        words_of(alone, True),
        float(np.abs(alone.word_scores()).max()),
        True,
    )
    stem = file_stem("what-if", choice.subject.spec.checkpoint.name.split("/")[-1], tokens.text[:40])
    off = word_rows([row], beginning(tokens.text), stem, f"off:{choice.about}", _PICTURE, off=())
    off = tuple(index for index in off if not target_function.fixed[list(tokens.groups[index])].any())
    singles = [
        (Change(index, tokens.words[index], ""),)
        for index, group in enumerate(tokens.groups)
        if not target_function.fixed[list(group)].any()
    ]
    together = tuple(Change(index, tokens.words[index], "") for index in off)
    variants = it.attribution.read_variants(target_function, [(), *([together] if together else [])])
    chances_table(target_function, variants)
    # A word that is asked for at a mask has no place in a text without it.
    if not target_function.kind.at_mask:
        _typed(choice, target_function)
    with st.expander(_("Each word switched off in turn"), key="each_word_off"):
        every = it.attribution.read_variants(target_function, [(), *singles])
        data_table(variants_table(target_function, every))
        export_bar(
            [
                Download(
                    "CSV",
                    f"{stem}.csv",
                    "text/csv",
                    lambda: as_csv(variants_table(target_function, every)),
                    _("A row for each word switched off"),
                )
            ],
            choice.analysis("read_variants", "every", (".probabilities",), variants=_each_word(choice, singles)),
        )
    if target_function.decides:
        _search(choice, target_function, stem)


def _each_word(choice: TargetChoice, singles: list[tuple[Change]]) -> Source:
    """Return the text as it is, and without each word in turn, with the lines of Python that make them."""
    lines = (
        "from interpret.attribution.counterfactuals import Change\n\n"
        "tokens = function.tokens\n"
        "free = [i for i, group in enumerate(tokens.groups) if not function.fixed[list(group)].any()]\n"
        'variants = [(), *((Change(i, tokens.words[i], ""),) for i in free)]\n'
    )
    return Source("variants", lines, choice.about, lambda: [(), *singles], after=(choice.target_analysis,))


def _typed(choice: TargetChoice, target_function: it.attribution.TargetFunction) -> None:
    text = st.text_input(
        _("Or rewrite the text"),
        value=choice.subject.text,
        key=f"rewrite:{choice.about}",
        persist_state="session",
        help=_("The model reads the text in this field; the target of the explanation stays the same."),
    )
    # Always there, so that what stands below stays as it was.
    container = st.container()
    if not text or not text.strip() or text == choice.subject.text:
        return
    other = choice.make_target_function(text, target_function.target)
    before, after = (float(one.target_probabilities([one.tokens])[0]) for one in (target_function, other))
    said = _("Original: **{before}**; rewritten: **{after}** ({change})").format(
        **change_of(target_function, before, after)
    )
    if target_function.kind.predicts and not target_function.stands_alone:
        likeliest = choice.make_target_function(text, "predicted").target.name
        said += " · " + _("now predicted: {name}").format(name=literal(likeliest))
    container.markdown(said)


def _search(choice: TargetChoice, target_function: it.attribution.TargetFunction, stem: str) -> None:
    st.markdown("#### " + _("Counterfactuals: the smallest change that flips the prediction"))
    search = choose(st.selectbox, _("Kind of change"), search_names(), state.CHANGE, width=360)

    analysis = choice.analysis("find_counterfactuals", "counterfactuals", (".variants",), search=search)

    def work(progress: Progress) -> it.attribution.Counterfactuals:
        found: it.attribution.Counterfactuals = analysis.run(target_function=choice.target_function, progress=progress)
        return found

    found = long_work(
        "turning",
        f"{choice.about}:{search}",
        _("Search"),
        work,
        {"searching": _("texts read, at most")},
        keep=6,
    )
    if found is None:
        return
    count = len(found.variants.changes) - 1
    if count == 0:
        st.info(
            _n(
                "No counterfactual with up to five changes was found in {tried} text.",
                "No counterfactual with up to five changes was found among {tried} texts.",
                found.tried,
            ).format(tried=f"{found.tried:,}")
        )
        return
    size = len(found.variants.changes[1])
    turned = _n(
        "**One change flips the prediction**: “{text}”", "**{size} changes flip the prediction**: “{text}”", size
    )
    st.markdown(
        sentences(
            turned.format(size=size, text=literal(found.variants.texts[1])),
            _("No smaller set of changes does; all were tried.")
            if found.smallest
            else _("A smaller set of changes may exist."),
        )
    )
    table = variants_table(target_function, found.variants)
    variants_view(target_function, table, found.variants.labels, "counterfactuals")
    export_bar(
        [
            Download(
                _("Variants (CSV)"),
                f"{stem}-{search}.csv",
                "text/csv",
                lambda: as_csv(table),
                _("A row for each variant"),
            )
        ],
        analysis,
    )
