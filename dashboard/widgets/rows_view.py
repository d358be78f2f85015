"""A file's rows in, and what came of explaining them."""

from __future__ import annotations

import hashlib
from statistics import fmean

import numpy as np
import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.language import _, explain, literal
from dashboard.widgets.ask_view import Asked
from dashboard.widgets.choices import choose
from dashboard.widgets.collection import label_among
from dashboard.widgets.corpus_input import kept_file
from dashboard.widgets.export import Download, as_csv
from dashboard.widgets.python_code import encoder_lines, table_lines
from dashboard.widgets.table_caption import table_caption
from interpret.attribution.rows import rows_table
from interpret.errors import InputError
from interpret.files import SUFFIXES

_SEED = 0
# What people call the column of what they marked.
_MARKED = ("highlights", "highlight", "rationale", "rationales", "evidence", "标注", "依据", "高亮")
Input = tuple[str, tuple[str, ...], tuple[str, ...] | None, tuple[str, ...] | None, str]


def rows_input() -> Input | None:
    """Draw the file and its columns; returns its name, texts, labels, highlights and what tells it from others.

    Raises
    ------
    InputError
        If the file cannot be read or has no rows.
    """
    label = _("A file with a text in each row, and perhaps a label: {kinds}").format(kinds=" ".join(SUFFIXES))
    found = kept_file("explained_rows", label, SUFFIXES)
    if found is None:
        example = "topics.csv"
        st.toggle(_("Use the example with six topics"), key="rows_example", persist_state="session")
        if not st.session_state.get("rows_example"):
            st.info(_("Choose a file: each row is explained, and the words that drive each class are gathered."))
            return None
        found = (example, (ROOT / "dashboard/examples" / example).read_bytes())
    name, content = found
    table = cache.table(content, name)
    table_caption(table, name)
    file = hashlib.sha1(content + name.encode(), usedforsecurity=False).hexdigest()[:12]
    names = dict(enumerate(table.columns))
    places = st.columns(4)
    column = choose(places[0].selectbox, _("Column with the text"), names, f"rows_text:{file}", table.longest_column)
    others = {-1: _("(none)"), **{i: one for i, one in names.items() if i != column}}
    guess = label_among({one: [row[i] for row in table.rows] for i, one in names.items() if i != column})
    default = table.columns.index(guess) if guess is not None else -1
    labels = choose(places[1].selectbox, _("Column with the label"), others, f"rows_label:{file}:{column}", default)
    marks = choose(
        places[2].selectbox,
        _("Column with highlights"),
        others,
        f"rows_marks:{file}:{column}",
        next((i for i, one in others.items() if one.casefold() in _MARKED), -1),
        help=_("What people marked: words separated by semicolons, or spans of characters such as 3-9; 15-20."),
    )
    amounts = {100: "100", 500: "500", 2000: f"{2000:,}", 10_000: f"{10_000:,}", 0: _("all")}
    most = choose(places[3].selectbox, _("Rows to read"), amounts, f"rows_most:{file}", 100)
    rows = list(table.rows)
    if not rows:
        raise InputError("“{name}” has no rows.", name=name)
    if len(rows) > most > 0:
        chosen = np.random.default_rng(_SEED).choice(len(rows), most, replace=False)
        total = len(rows)
        rows = [rows[i] for i in sorted(chosen)]
        st.caption(
            _("{count} of {total} rows are read, drawn at random with seed {seed}.").format(
                count=f"{most:,}", total=f"{total:,}", seed=_SEED
            )
        )
    return (
        name,
        tuple(row[column] for row in rows),
        tuple(row[labels] for row in rows) if labels >= 0 else None,
        tuple(row[marks] for row in rows) if marks >= 0 else None,
        f"{file}:{column}:{labels}:{marks}:{most}",
    )


def human_line(found: it.Rows) -> None:
    """Say how the words compare with those that people marked, where any did."""
    marked = [row.human for row in found.rows if row.human is not None]
    if marked:
        st.markdown(
            _(
                "**Plausibility** over {count} rows with highlights: token F1 {f1}, IoU {iou}, AUPRC {auprc} (chance "
                "{chance}). It says whether people point at the same words, not whether the model uses them."
            ).format(
                count=len(marked),
                f1=f"{fmean(one.token_f1 for one in marked):.3f}",
                iou=f"{fmean(one.iou for one in marked):.3f}",
                auprc=f"{fmean(one.auprc for one in marked):.3f}",
                chance=f"{fmean(one.chance for one in marked):.3f}",
            )
        )


def chosen_row(found: it.Rows) -> None:
    """Draw the rows as a table; the one that is clicked can be opened in the other tabs."""
    wrong = any(row.wrong for row in found.judged)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        query = st.text_input(_("Find in the texts"), key="rows_find", placeholder=_("words in the text"), width=360)
        classes = {"": _("all"), **{one: one for one in found.known}}
        answer = choose(st.selectbox, _("Answer"), classes, "rows_answer", width=200)
        only = st.toggle(_("Only rows where the model is wrong"), key="rows_wrong") if wrong else False
    rows = [
        row
        for row in found.rows
        if (not only or (row.wrong and row in found.judged))
        and answer in ("", row.answer)
        and (query or "").casefold() in row.attribution.tokens.text.casefold()
    ]
    table = {
        _("Row"): [row.place + 1 for row in rows],
        _("Text"): [row.attribution.tokens.text for row in rows],
        _("Label"): [row.label for row in rows],
        _("Answer"): [row.answer or row.attribution.target.name for row in rows],
        _("Probability"): [row.chance for row in rows],
        _("Words that did most"): [_best(row.attribution) for row in rows],
    }
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"rows_table:{only}:{answer}:{query}",
        column_config={_("Probability"): st.column_config.NumberColumn(format="%.3f")},
    )
    picked = event.selection.rows
    text = rows[picked[0]].attribution.tokens.text if picked and picked[0] < len(rows) else None
    st.button(
        _("Open this row in “Why this answer”"),
        disabled=text is None,
        icon=":material/open_in_new:",
        on_click=_open,
        args=(text or "",),
        help=_("Choose a row of the table first."),
    )


def _best(one: it.Attribution) -> str:
    scores, tokens = one.word_scores(), one.tokens
    order = [i for i in np.argsort(-np.abs(scores), kind="stable") if not tokens.special[tokens.groups[i][0]]][:3]
    return ", ".join(f"{tokens.words[i]} {scores[i]:+.2f}" for i in order)


def _open(text: str) -> None:
    st.session_state["source"] = "typed"
    st.session_state[state.TEXT] = text
    st.session_state["with_pair"] = False
    st.session_state[state.WHY] = "why"


def rows_downloads(found: it.Rows, stem: str) -> list[Download]:
    """Offer the rows and the classes' words as files."""

    def words() -> bytes:
        rows = [(name, *one) for name in found.classes for one in found.words(name)]
        titles = (_("Class"), _("Word"), _("Mean score"), _("Half a 95 % interval"), _("Count"))
        return as_csv({title: [row[place] for row in rows] for place, title in enumerate(titles)})

    return [
        Download(
            _("Rows (CSV)"), f"{stem}.csv", "text/csv", lambda: as_csv(rows_table(found)), _("A row for each text")
        ),
        Download(_("Words (CSV)"), f"{stem}-words.csv", "text/csv", words, _("A row for each class and word")),
    ]


def rows_lines(asked: Asked, read: Input, method: str, baseline: str) -> str:
    """Write the lines of Python that explain the same rows."""
    name, _texts, _labels, _highlights, about = read
    column, labels, marks, most = (int(one) for one in about.split(":")[1:])
    head = ", head=head" if asked.head is not None else ""
    path = name if st.session_state.get("explained_rows_kept") else f"dashboard/examples/{name}"
    lines = [
        encoder_lines(asked.spec),
        f"\n{asked.fitted}" if asked.fitted else "",
        table_lines(path),
        "rows = table.rows\n",
    ]
    if most:
        draw = f"np.random.default_rng({_SEED}).choice(len(rows), {most}, replace=False)"
        lines.append(
            f"if len(rows) > {most}:\n    import numpy as np\n\n    rows = [rows[i] for i in sorted({draw})]\n"
        )
    given = [f"texts = [row[{column}] for row in rows]\n"]
    options = ["None"]
    if labels >= 0:
        given.append(f"labels = [row[{labels}] for row in rows]\n")
        options = ["labels"]
    options += [repr(asked.target), repr(method), repr(baseline)]
    if marks >= 0:
        given.append(f"marks = [row[{marks}] for row in rows]\n")
        head += ", highlights=marks"
    lines += [*given, f"found = it.explain_rows(encoder, texts, {', '.join(options)}{head})\n"]
    return "".join(lines) + "found.words(found.classes[0]), found.accuracy\n"


def skipped_rows(found: it.Rows) -> None:
    """Say which rows were left out, and why, and whether the labels are any that the model knows."""
    labels = {row.label for row in found.rows if row.label}
    foreign = sorted(labels - set(found.known))
    if foreign and found.known:
        st.warning(
            _(
                "{count} of the file's labels are no classes of this classifier, such as “{label}”; it knows {known}. "
                "Rows with them count as neither right nor wrong. Choose another column, or a classifier for them."
            ).format(count=len(foreign), label=literal(foreign[0]), known=literal(", ".join(found.known[:12]))),
            icon=":material/label_off:",
        )
    for title, left in ((_("Rows left out"), found.skipped), (_("Highlights not used"), found.unmarked)):
        if left:
            with st.expander(f"{title}: {len(left):,}"):
                for place, error in left[:100]:
                    st.markdown(_("Row {row}: {why}").format(row=place + 1, why=explain(error)))
