"""How good a model is at masked tokens and next sentences."""

from __future__ import annotations

import numpy as np
import streamlit as st

import interpret as it
from dashboard.language import _, _n
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import as_csv
from pages.finetune.result_views.view import MOST_ROWS, draws


@draws(it.finetuning.PretrainingResults)
def pretraining_view(run: it.runs.Run, outcome: it.finetuning.Outcome, found: it.finetuning.PretrainingResults) -> None:
    """Draw how good the model is, and which words surprise it."""
    _numbers(run, found)
    st.caption(
        _(
            "As in training, many tokens are selected at a time; 80% of them are masked, 10% replaced and 10% "
            "kept. On the masked ones alone, accuracy is lower. Pseudo-perplexity masks one token at a time, and only "
            "in a few passages (Salazar et al. 2020)."
        )
    )
    _words(run, outcome, found)


def _numbers(run: it.runs.Run, found: it.finetuning.PretrainingResults) -> None:
    columns = st.columns(5)

    def tile(index: int, label: str, value: float, name: str, form: str, about: str | None = None) -> None:
        before = run.facts.get(f"{name}_before")
        columns[index].metric(
            label,
            form.format(value),
            None if before is None else _("before: {number}").format(number=form.format(before)),
            delta_color="off",
            delta_arrow="off",
            help=about,
        )

    low, high = found.interval
    passages = _(
        "95%: {low} to {high}, by bootstrap over passages, since tokens of one passage are predicted from each other."
    )
    between = passages.format(low=f"{low:.1%}", high=f"{high:.1%}")
    tile(0, _("Top-1 accuracy"), found.first, "accuracy", "{:.1%}", between)
    low, high = found.five_interval
    between = passages.format(low=f"{low:.1%}", high=f"{high:.1%}")
    tile(1, _("Top-5 accuracy"), found.five, "among_five", "{:.1%}", between)
    hard = _("Like choosing among this many equally likely tokens.")
    tile(2, _("Perplexity"), found.perplexity, "perplexity", "{:,.1f}", hard)
    if "pseudo_perplexity" in run.facts:
        name = "pseudo_perplexity"
        tile(3, _("Pseudo-perplexity"), run.facts[name], name, "{:,.1f}", hard)
    if not np.isnan(found.next):
        low, high = found.next_interval
        about = _(
            "Half of the second texts are taken from elsewhere: from the same document if it has other passages. 95%, "
            "by pair: {low} to {high}; chance is 50%."
        ).format(low=f"{low:.1%}", high=f"{high:.1%}")
        tile(4, _("Next-sentence accuracy"), found.next, "next_accuracy", "{:.1%}", about)


def _words(run: it.runs.Run, outcome: it.finetuning.Outcome, found: it.finetuning.PretrainingResults) -> None:
    names = it.finetuning.token_names(run, [*found.truth.tolist(), *found.guess.tolist()])
    wrong = np.flatnonzero(found.rank > 0)
    shown = wrong[np.argsort(found.probability[wrong], kind="stable")][:MOST_ROWS]
    st.markdown(
        _n(
            "**{count}** wrongly predicted token:",
            "**{count}** wrongly predicted tokens, lowest probability of the true token first:",
            len(wrong),
        ).format(count=len(wrong))
    )
    data_table(
        {
            _("True"): [names[int(found.truth[i])] for i in shown],
            _("Predicted token"): [names[int(found.guess[i])] for i in shown],
            _("Probability of the true token"): [float(found.probability[i]) for i in shown],
            _("Rank of the true token"): [int(found.rank[i]) + 1 for i in shown],
            _("Row"): [int(outcome.truth[int(found.passage[i])]) for i in shown],
            _("Text"): [_passage(outcome, int(found.passage[i])) for i in shown],
        },
        column_config={
            _("Probability of the true token"): st.column_config.NumberColumn(format="%.2e"),
            _("Text"): st.column_config.TextColumn(width="large"),
        },
    )
    st.download_button(
        _("All predictions (CSV)"),
        lambda: as_csv(
            outcome.origin.some(found.passage).beside(
                {
                    "row": [int(outcome.truth[int(one)]) for one in found.passage],
                    "hidden": [names[int(one)] for one in found.truth],
                    "guessed": [names[int(one)] for one in found.guess],
                    "probability": found.probability.tolist(),
                    "rank": (found.rank + 1).tolist(),
                    "passage": [outcome.origin.numbers[int(one)] for one in found.passage],
                }
            )
        ),
        f"{run.id}-guesses.csv",
        "text/csv",
        icon=":material/download:",
    )


def _passage(outcome: it.finetuning.Outcome, index: int) -> str:
    return outcome.texts[index] if outcome.pairs is None else f"{outcome.texts[index]} {outcome.pairs[index]}"
