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
from dashboard.widgets.ask_view import Asked, target_name
from dashboard.widgets.attributions_view import words_of
from dashboard.widgets.choices import choose
from dashboard.widgets.export import Download, as_csv, export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.notices import guarded
from interpret.attribution.variants import Change
from pages.attributions.variants_view import chances_table, change_of, search_names, variants_table, variants_view

_PICTURE = "switches_words"


@guarded
def whatif(asked: Asked) -> None:
    question = asked.question
    tokens = question.tokens

    def work(progress: Progress) -> it.Attribution:
        return it.attribution.explain(asked.question, "feature_ablation", progress=progress)

    # What each word's loss alone costs: the colours, and the forecast that a click checks.
    alone = long_work(
        "whatif:alone", asked.about, _("Remove each word in turn"), work, auto=len(tokens) ** 2 <= 60_000, keep=8
    )
    if alone is None:
        return
    st.markdown(_("Explained: {target}").format(target=literal(target_name(asked, question.target))))
    row = WordRow(
        _("Click words to switch them off"),
        _("Colours: how much the output loses when that word alone is replaced by the baseline"),
        words_of(alone, True),
        float(np.abs(alone.word_scores()).max()),
        True,
    )
    stem = file_stem("what-if", asked.subject.spec.checkpoint.name.split("/")[-1], tokens.text[:40])
    off = word_rows([row], tokens.text[:80], stem, f"off:{asked.about}", _PICTURE, off=())
    off = tuple(place for place in off if not question.fixed[list(tokens.groups[place])].any())
    singles = [
        (Change(place, tokens.words[place], ""),)
        for place, group in enumerate(tokens.groups)
        if not question.fixed[list(group)].any()
    ]
    together = tuple(Change(place, tokens.words[place], "") for place in off)
    variants = it.attribution.read_variants(question, [(), *([together] if together else [])])
    chances_table(question, variants)
    # A word that is asked for at a mask has no place in a text without it.
    if not question.kind.at_mask:
        _typed(asked, question)
    with st.expander(_("Each word switched off in turn"), key="each_word_off"):
        every = it.attribution.read_variants(question, [(), *singles])
        st.dataframe(variants_table(question, every), hide_index=True)
        export_bar(
            [
                Download(
                    "CSV",
                    f"{stem}.csv",
                    "text/csv",
                    lambda: as_csv(variants_table(question, every)),
                    _("A row for each word switched off"),
                )
            ],
            asked.analysis("read_variants", "every", (".probabilities",), variants=_each_word(asked, singles)),
        )
    if question.kind.predicts:
        _search(asked, question, stem)


def _each_word(asked: Asked, singles: list[tuple[Change]]) -> Source:
    """Return the text as it is, and without each word in turn, with the lines of Python that make them."""
    lines = (
        "from interpret.attribution.counterfactuals import Change\n\n"
        "tokens = question.tokens\n"
        "free = [i for i, group in enumerate(tokens.groups) if not question.fixed[list(group)].any()]\n"
        'variants = [(), *((Change(i, tokens.words[i], ""),) for i in free)]\n'
    )
    return Source("variants", lines, asked.about, lambda: [(), *singles], after=(asked.asking,))


def _typed(asked: Asked, question: it.attribution.TargetFunction) -> None:
    text = st.text_input(
        _("Or rewrite the text"),
        value=asked.subject.text,
        key=f"rewrite:{asked.about}",
        persist_state="session",
        help=_("The model reads the text in this field; the target of the explanation stays the same."),
    )
    # Always there, so that what stands below stays as it was.
    place = st.container()
    if not text or not text.strip() or text == asked.subject.text:
        return
    other = asked.ask(text, question.target)
    before, after = (float(one.target_probabilities([one.tokens])[0]) for one in (question, other))
    said = _("Original: **{before}**; rewritten: **{after}** ({change})").format(**change_of(question, before, after))
    if question.kind.predicts:
        likeliest = asked.ask(text, "predicted").target.name
        said += " · " + _("now predicted: {name}").format(name=literal(likeliest))
    place.markdown(said)


def _search(asked: Asked, question: it.attribution.TargetFunction, stem: str) -> None:
    st.markdown("#### " + _("Counterfactuals: the smallest change that flips the prediction"))
    search = choose(st.selectbox, _("Kind of change"), search_names(), state.CHANGE, width=360)

    analysis = asked.analysis("find_counterfactuals", "counterfactuals", (".variants",), search=search)

    def work(progress: Progress) -> it.attribution.Counterfactuals:
        found: it.attribution.Counterfactuals = analysis.run(question=asked.question, progress=progress)
        return found

    found = long_work(
        "turning",
        f"{asked.about}:{search}",
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
    turned = (
        _("**One change flips the prediction**: “{text}”")
        if size == 1
        else _("**{size} changes flip the prediction**: “{text}”")
    )
    st.markdown(
        sentences(
            turned.format(size=size, text=literal(found.variants.texts[1])),
            _("No smaller set of changes does; all were tried.")
            if found.smallest
            else _("A smaller set of changes may exist."),
        )
    )
    table = variants_table(question, found.variants)
    variants_view(question, table, found.variants.labels, "counterfactuals")
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
