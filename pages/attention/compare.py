"""Two heads beside each other: of one text, of two models, or of two texts; and what sets them apart."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.components.beside import NAME, beside
from dashboard.components.explorer import SCALES
from dashboard.components.maps import head_maps
from dashboard.language import _, explain
from dashboard.subject import Subject
from dashboard.widgets.attention_view import view_controls
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.head_choice import choose_head, pick_head
from dashboard.widgets.notices import guarded
from pages.attention.compare_view import (
    Compared,
    Head,
    aligned_line,
    beside_downloads,
    difference_analysis,
    difference_downloads,
    difference_line,
    difference_side,
    distance_map,
    distances_analysis,
    row_table,
    side_of,
)
from pages.attention.reference import Reference, forget, keep, kept_reference, loaded

MAPS = "distance_maps"


@st.fragment
@guarded
def compare(subject: Subject) -> None:
    """The head that was kept as the reference, and the current one beside it."""
    reference = kept_reference()
    if reference is None:
        _nothing_kept(subject)
    else:
        _two(subject, reference)
    st.caption(
        _(
            "What this does not mean: a distance says how differently two heads spread a token's attention over this "
            "text. It does not say which of them is right, or that the model's output differs: heads can pass on the "
            "same information by different weights, and different information by the same weights."
        )
    )


def _nothing_kept(subject: Subject) -> None:
    st.info(
        _(
            "No reference is kept yet. Choose a layer and a head and keep it as the reference. Then choose another "
            "head, model or text: it is drawn beside the reference, on the same scale."
        ),
        icon=":material/compare:",
    )
    left, middle, right = st.columns([2, 2, 4], vertical_alignment="bottom")
    layer, head = pick_head(subject, left, middle)
    right.button(
        _("Keep as the reference"),
        key="keep_reference",
        type="primary",
        icon=":material/bookmark_add:",
        on_click=keep,
        args=(subject, layer, head),
    )
    unit, specials, _direction = view_controls(False, cache.encoder(subject.spec).special)
    current = Head(_("Current"), state.chosen_value(state.MODEL), subject, layer, head)
    side = side_of(current, unit, specials)
    beside([side], None, False, _scale(), side.title, file_stem("attention", current.model_label))


def _two(subject: Subject, reference: Reference) -> None:
    """Draw both sides' choices, then both or their difference, and how far apart they are."""
    swapped = bool(st.session_state.get(state.SWAPPED))
    first, second = st.columns(2, gap="large")
    left, right = (second, first) if swapped else (first, second)
    with right, st.container(border=True):
        st.markdown("**" + _("Current") + "**")
        current = Head(
            _("Current"), state.chosen_value(state.MODEL), subject, *pick_head(subject, *st.columns(2, gap="small"))
        )
        st.button(
            _("Keep this one instead"),
            key="keep_reference",
            icon=":material/bookmark_add:",
            on_click=keep,
            args=(subject, current.layer, current.head),
        )
    with left, st.container(border=True):
        st.markdown("**" + _("Reference") + "**")
        controls = st.container()
        # Drawn before its model is loaded, which may no longer be there.
        st.button(_("Remove the reference"), key="forget_reference", icon=":material/bookmark_remove:", on_click=forget)
        with controls:
            kept = _reference_head(loaded(reference, subject), reference, current)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        shown = segments(_("View"), {"beside": _("Side by side"), "difference": _("Difference")}, state.COMPARED_AS)
        state.seed(state.SWAPPED)
        st.toggle(
            _("Swap sides"),
            key=state.SWAPPED,
            persist_state="session",
            help=_("Also turns the sign of the difference, which is the second side less the first."),
        )
    state.publish(state.COMPARED_AS)
    unit, specials, _direction = view_controls(False, cache.encoder(subject.spec).special)
    _drawn(Compared(kept, current, swapped, unit, specials), shown)


def _reference_head(subject: Subject, reference: Reference, current: Head) -> Head:
    """Draw the pickers of the reference's head, or let it follow the current one, and return it."""
    encoder = cache.encoder(subject.spec)
    pickers = st.columns(2, gap="small")
    fits = current.layer < encoder.layers and current.head < encoder.heads
    state.seed(state.SAME_HEAD)
    same = subject != current.subject and fits and bool(st.session_state[state.SAME_HEAD])
    if same:
        st.session_state[state.REFERENCE_LAYER], st.session_state[state.REFERENCE_HEAD] = current.layer, current.head
    layer = choose(
        pickers[0].selectbox,
        _("Layer"),
        {i: str(i) for i in range(encoder.layers)},
        state.REFERENCE_LAYER,
        disabled=same,
    )
    head = choose(
        pickers[1].selectbox,
        _("Head"),
        {i: str(i) for i in range(encoder.heads)},
        state.REFERENCE_HEAD,
        disabled=same,
    )
    state.publish(state.REFERENCE_LAYER)
    state.publish(state.REFERENCE_HEAD)
    if subject != current.subject and fits:
        st.toggle(
            _("Same layer and head as the current one"),
            key=state.SAME_HEAD,
            persist_state="session",
            help=_("Follows the current head, to walk through the heads of two models or two texts together."),
        )
    return Head(_("Reference"), reference.model, subject, layer, head)


def _scale() -> str:
    scale = st.query_params.get(state.SCALE, state.SCALE.default)
    return str(scale if scale in SCALES else state.SCALE.default)


def _drawn(what: Compared, shown: str) -> None:
    first, second = what.first, what.second
    with st.spinner(_("Reading the text …")):
        sides = [side_of(one, what.unit, what.specials) for one in (first, second)]
    title = f"{sides[0].title} | {sides[1].title}"
    stem = file_stem("compare", first.model_label, first.number, second.model_label, second.number)
    analysis = difference_analysis(what)
    try:
        result: it.attention.HeadDifference | None = analysis.result
    except it.InputError as error:
        result = None
        notice = st.warning if shown == "difference" else st.caption
        notice(explain(error))
    if result is None:
        beside(sides, None, False, _scale(), title, stem)
        export_bar(beside_downloads(what, stem), *what.views, picture=NAME)
        return
    if what.one_head:
        st.info(
            _("Both sides are the same head of the same text. Choose another head here, or another model or text."),
            icon=":material/compare:",
        )
    if result.changed.any():
        st.info(aligned_line(result), icon=":material/align_horizontal_left:")
    drawn = difference_side(what, result, sides) if shown == "difference" else None
    beside(sides, drawn, True, _scale(), title, stem)
    if not what.one_head:
        st.markdown(difference_line(result))
    # Of one text and one model every head is as it is.
    every = [distances_analysis(what)] if first.subject != second.subject and _alike(what) else []
    export_bar(difference_downloads(what, analysis, stem), analysis, *every, picture=NAME)
    if not what.one_head:
        with st.expander(_("Each query token: how far apart, and what moved"), expanded=True):
            table, config = row_table(result, first.name, second.name)
            data_table(table, column_config=config, key="rows_apart")
    for one in every:
        _all_heads(what, one, stem)


def _alike(what: Compared) -> bool:
    """Whether both models have as many layers and heads."""
    one, other = (cache.encoder(side.subject.spec) for side in (what.first, what.second))
    return (one.layers, one.heads) == (other.layers, other.heads)


def _all_heads(what: Compared, analysis: Analysis, stem: str) -> None:
    """Draw how far each head is from the same head of the other side; a click shows one."""
    with st.spinner(_("Reading the text …")):
        distances = analysis.result
    st.subheader(_("Where the two differ: every head against the same head of the other side"))
    chosen = what.current.layer, what.current.head
    title = f"{what.first.about} | {what.second.about}"
    clicked = head_maps([distance_map(distances)], chosen, title, stem, MAPS)
    if clicked:
        choose_head(*clicked)
        st.session_state[state.REFERENCE_LAYER], st.session_state[state.REFERENCE_HEAD] = clicked
        st.rerun()
