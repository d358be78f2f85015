"""Word-pair interactions: what makes two texts alike, or what words of one text do only together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.language import _, _n, literal
from dashboard.numbers import number
from dashboard.widgets.attributions_view import warn_of_baseline
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, export_bar, file_stem
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.method_input import baseline_names
from dashboard.widgets.notices import guarded
from dashboard.widgets.target_view import TargetChoice, target_name
from pages.attributions.figures import pair_matrix


@guarded
def pairs(choice: TargetChoice) -> None:
    """Word pairs that make two texts similar, or that change the output only together."""
    special = cache.encoder(choice.subject.spec).special
    baseline = choose(st.selectbox, _("Baseline"), baseline_names(special), state.BASELINE, width=240)
    state.publish(state.BASELINE)
    if choice.kind.in_pairs:
        _similar(choice, baseline)
    else:
        _together(choice, baseline)


def _similar(choice: TargetChoice, baseline: str) -> None:
    encoder = cache.encoder(choice.subject.spec)
    other = choice.subject.pair or ""
    length = len(encoder.tokens(choice.subject.text)) + len(encoder.tokens(other))

    analysis = Analysis(
        "attribution.similarity_pairs",
        choice.subject,
        name="pairs",
        shows=(".scores",),
        other=other,
        baseline=baseline,
        pooling=choice.pooling,
    )

    def work(progress: Progress) -> it.attribution.SimilarityPairs:
        found: it.attribution.SimilarityPairs = analysis.run(progress=progress)
        return found

    found = long_work(
        "similarity_pairs",
        f"{choice.about}:{baseline}",
        _("Compute word-pair interactions"),
        work,
        {"path": _("tokens traced from the baseline")},
        auto=length <= 40,
        keep=6,
    )
    if found is None:
        return
    rows, columns = found.first, found.second
    tiles = st.columns(3)
    dot = choice.target_function.reading.model.similarity == "dot"
    name = _("Similarity (dot product)") if dot else _("Similarity (cosine)")
    tiles[0].metric(name, number(found.similarity))
    tiles[1].metric(_("From word pairs"), number(float(found.scores.sum()), "+.3f"))
    tiles[2].metric(
        _("From the baseline"),
        number(found.to_baseline, "+.3f"),
        help=_(
            "What no word pair accounts for: the similarity of each text to the other's baseline, minus the "
            "similarity of the two baselines."
        ),
    )
    words = _by_words(found)
    names = tuple(rows.words[i] for i in _free(rows)), tuple(columns.words[i] for i in _free(columns))
    st.plotly_chart(pair_matrix(words, *names, _("score"), other=True), key="similarity_pairs_map")
    warn_of_baseline(choice.target_function, baseline, "pairs")
    st.caption(
        _(
            "Rows are words of the explained text, columns words of the other text: what each word pair adds to the "
            "cosine (integrated Jacobians, Moeller et al. 2023), with {steps} steps, adding up to within {error}. The "
            "part from the baseline is much the same for all texts, so compare pairs with one another, not with the "
            "cosine."
        ).format(steps=found.steps, error=f"{abs(found.delta):.4f}")
    )
    _strongest(words, *names)
    stem = file_stem("similarity", rows.text[:30], columns.text[:30])
    export_bar([_matrix(words, names, stem)], analysis)


def _together(choice: TargetChoice, baseline: str) -> None:
    target_function = choice.target_function
    shown = (".strength", ".difference")
    analysis = choice.analysis("interactions", "interactions", shown, baseline=baseline)

    def work(progress: Progress) -> it.attribution.Interactions:
        found: it.attribution.Interactions = analysis.run(target_function=choice.target_function, progress=progress)
        return found

    words = len(_free(target_function.tokens))
    found = long_work(
        "interactions",
        f"{choice.about}:{baseline}",
        _n(
            "Measure all word pairs: about {passes} pass",
            "Measure all word pairs: about {passes} passes",
            words * words,
        ).format(passes=f"{words * words:,}"),
        work,
        {"pairs": _("sets of words")},
        auto=words * words * len(target_function.tokens) <= 25_000,
        keep=6,
    )
    if found is None:
        return
    st.markdown(_("Explained: {target}").format(target=literal(target_name(choice, found.target))))
    names = tuple(found.tokens.words[i] for i in found.words)
    kinds = {"strength": _("Strength (ArchDetect)"), "difference": _("Signed mean")}
    kind = segments(_("Measure"), kinds, state.INTERACTION_MEASURE)
    scores = found.strength if kind == "strength" else found.difference
    likely = target_function.kind.likely
    title = (
        (_("strength (logit)") if likely else _("strength"))
        if kind == "strength"
        else (_("score (logit)") if likely else _("score"))
    )
    figure = pair_matrix(scores, names, names, title, other=False, signed=kind != "strength")
    st.plotly_chart(figure, key="interactions_map")
    warn_of_baseline(choice.target_function, baseline, "pairs")
    st.caption(
        _(
            "What two words do together beyond what each does alone: ArchDetect's interaction strength (Archipelago, "
            "Tsang et al. 2020), the root mean square over one text with all other words and one with none, in units "
            "of the output. It has no sign."
        )
        if kind == "strength"
        else _(
            "The signed mean over the same two texts, which is not Archipelago's measure. Below zero, the two words "
            "are redundant or one cancels the other; near zero, the interactions may still be strong with opposite "
            "signs."
        )
    )
    _strongest(np.triu(found.strength, 1), names, names, found.difference)
    stem = file_stem("interactions", choice.subject.spec.checkpoint.name.split("/")[-1], kind, found.tokens.text[:40])
    export_bar([_matrix(scores, [names, names], stem)], analysis)


def _free(tokens: it.Tokens) -> list[int]:
    return [index for index, group in enumerate(tokens.groups) if not tokens.special[group[0]]]


def _by_words(found: it.attribution.SimilarityPairs) -> np.ndarray:
    sides = [[one.groups[i] for i in _free(one)] for one in (found.first, found.second)]
    return np.array([[found.scores[np.ix_(a, b)].sum() for b in sides[1]] for a in sides[0]])


def _strongest(
    scores: np.ndarray, rows: tuple[str, ...], columns: tuple[str, ...], signed: np.ndarray | None = None
) -> None:
    order = np.argsort(-np.abs(scores), axis=None, kind="stable")[:12]
    cells = [np.unravel_index(i, scores.shape) for i in order]
    measures = {_("Score"): scores} if signed is None else {_("Strength"): scores, _("Signed mean"): signed}
    data_table(
        {
            _("Word"): [rows[int(i)] for i, _j in cells],
            _("Other word"): [columns[int(j)] for _i, j in cells],
            **{name: [float(values[i, j]) for i, j in cells] for name, values in measures.items()},
        },
        column_config={
            name: st.column_config.NumberColumn(format="%.4f" if name == _("Strength") else "%+.4f")
            for name in measures
        },
    )


def _matrix(scores: np.ndarray, names: Sequence[tuple[str, ...]], stem: str) -> Download:
    def make() -> bytes:
        return as_csv(
            {
                _("Word"): [row for row in names[0] for _one in names[1]],
                _("Other word"): [column for _one in names[0] for column in names[1]],
                _("Score"): [float(score) for row in scores for score in row],
            }
        )

    return Download("CSV", f"{stem}.csv", "text/csv", make, _("A row for each word pair"))
