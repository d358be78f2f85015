"""The answer, how sure the model is of it, and where else it may stand."""

from __future__ import annotations

import streamlit as st

from dashboard import page_file, state
from dashboard.language import _, _n
from dashboard.subject import Subject
from dashboard.widgets.export import Download, as_csv, as_json, export_bar, file_stem
from dashboard.widgets.notices import guarded
from dashboard.widgets.passage_answer import answer_in_passage, answers_analysis, answers_table
from interpret.core.checkpoints import READER
from interpret.core.question_answering import Answers
from pages.questions.figures import edges_bars


@guarded
def answers(subject: Subject) -> None:
    """The answer in its passage, the next best ones, and how likely each token begins or ends it."""
    analysis = answers_analysis(subject)
    found: Answers = analysis.result
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="large")
        with left:
            answer_in_passage(found, whole=True)
            _next_steps(subject)
        with right:
            answers_table(found)
    if len(found.windows) > 1:
        st.caption(
            _n(
                "The passage is longer than the model reads at once: it was read in {count} window that overlaps the "
                "next, and the best answer of all is shown.",
                "The passage is longer than the model reads at once: it was read in {count} windows that overlap, and "
                "the best answer of all is shown.",
                len(found.windows),
            ).format(count=len(found.windows))
        )
    st.plotly_chart(edges_bars(found, found.best_window), key="edges")
    st.caption(
        _(
            "The head gives each token two scores, one for beginning the answer and one for ending it (Devlin et al. "
            "2019, section 4.2). The answer is the stretch with the highest sum. What this does not mean: a high "
            "probability is no proof that the passage says so, only that no other stretch fits better."
        )
    )
    stem = file_stem("answers", subject.spec.checkpoint.name.split("/")[-1], subject.text)
    export_bar(
        [
            Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(_table(found)), _("A row for each answer")),
            Download(
                _("Tokens (CSV)"),
                f"{stem}-tokens.csv",
                "text/csv",
                lambda: as_csv(_tokens(found)),
                _("A row for each token of each window, with both of its scores"),
            ),
            Download(
                "JSON",
                f"{stem}.json",
                "application/json",
                lambda: as_json(analysis.about | {"no_answer": found.no_answer, "answers": _rows(found)}),
                _("The answers, with the model and the settings"),
            ),
        ],
        analysis,
    )


def _next_steps(subject: Subject) -> None:
    with st.container(horizontal=True):
        for label, icon, page in (
            (_("Explain it in Attributions"), ":material/ink_highlighter:", "attributions"),
            (_("Show its attention"), ":material/grid_view:", "attention"),
        ):
            if st.button(label, icon=icon, key=f"open:{page}"):
                _open(subject, page)
        if st.button(_("Train your own"), icon=":material/model_training:", key="open:finetune"):
            st.session_state[state.DATA] = "questions"
            st.switch_page(page_file("finetune"))


def _open(subject: Subject, page: str) -> None:
    """Go to another page with the question, the passage and the model that answered."""
    if subject.spec.checkpoint.name == READER:
        # It stands in for a model that has no such head.
        st.session_state[state.MODEL] = READER
    state.read_text(subject.text, subject.pair)
    st.switch_page(page_file(page))


def _rows(found: Answers) -> list[dict[str, object]]:
    return [
        {
            "text": one.text,
            "start": one.start,
            "end": one.end,
            "score": one.score,
            "probability": one.probability,
            "window": one.window,
        }
        for one in found.answers
    ]


def _table(found: Answers) -> dict[str, list[object]]:
    rows = _rows(found)
    return {name: [row[name] for row in rows] for name in ("text", "start", "end", "score", "probability", "window")}


def _tokens(found: Answers) -> dict[str, list[object]]:
    table: dict[str, list[object]] = {
        name: [] for name in ("window", "position", "token", "in_passage", "start_logit", "end_logit", "start", "end")
    }
    for number, (tokens, edges) in enumerate(zip(found.tokens, found.edges, strict=True)):
        table["window"] += [number] * len(tokens)
        table["position"] += range(len(tokens))
        table["token"] += tokens.labels
        table["in_passage"] += edges.within.tolist()
        table["start_logit"] += edges.start.tolist()
        table["end_logit"] += edges.end.tolist()
        for name, shares in zip(("start", "end"), edges.probabilities.tolist(), strict=True):
            table[name] += shares
    return table
