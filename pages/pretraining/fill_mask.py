"""Masked words: hidden by a click, guessed, followed through the layers, and asked of others."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.components.switches import Heads
from dashboard.language import _, _n, literal
from dashboard.numbers import sentences
from dashboard.subject import Subject
from dashboard.widgets.ablation_view import heads_off, switch_heads
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import export_bar, file_stem
from dashboard.widgets.models import encoder_of, model_options, model_title
from dashboard.widgets.notices import guarded
from interpret.core.characters import beginning
from interpret.core.checkpoints import BUILT_IN
from pages.pretraining.fill_mask_view import (
    WORDS,
    guess_analysis,
    guess_downloads,
    guess_tables,
    guesses_of,
    hide_words,
    layers_analysis,
    spots,
    survival_table,
    word_names,
)
from pages.pretraining.lens_view import LensChoice, fit_lens, layers_view, lens_about, lens_input, pick_mask


@dataclass
class _Around:
    """What the fragment and the page around it tell each other.

    Attributes
    ----------
    drawn
        Whether the page is being drawn, and not the fragment alone.
    lens, container
        The lens that has to be fitted first, and where: only outside of a fragment can a click stop such work.
    """

    drawn: bool = True
    lens: LensChoice | None = None
    container: DeltaGenerator | None = None


@guarded
def guess(subject: Subject) -> None:
    """The words predicted at each mask, and how they come about from layer to layer."""
    encoder = cache.encoder(subject.spec)
    encoder.check_guesses()
    for other in ("[MASK]", "<mask>"):
        if other != encoder.mask and other in f"{subject.text} {subject.pair}":
            st.warning(
                _(
                    "The text contains {other}, which this model reads as ordinary text. Its own mask token is {mask}."
                ).format(other=literal(other), mask=literal(encoder.mask or "")),
                icon=":material/spellcheck:",
            )
    around = _Around()
    _bench(subject, around)
    around.drawn = False
    lens = around.lens
    if lens is not None and lens.path is not None and lens.texts is not None and around.container is not None:
        with around.container:
            fit_lens(subject.spec, lens.path, lens.texts)


# Alone: a click on a word is answered without the rest of the page being sent and drawn again.
@st.fragment
@guarded
def _bench(subject: Subject, around: _Around) -> None:
    encoder = cache.encoder(subject.spec)
    tokens = encoder.tokens(subject.text, subject.pair)
    model = subject.spec.checkpoint.name.split("/")[-1]
    stem = file_stem("masked", model, subject.text[:40])
    hidden = hide_words(encoder, tokens, f"{model} · {beginning(subject.text)}", stem)
    if not hidden and encoder.mask not in tokens.strings:
        st.info(
            _(
                "No word is masked yet. Click one or more words above, or write {mask} into the text where the model "
                "should guess."
            ).format(mask=literal(encoder.mask or "")),
            icon=":material/touch_app:",
        )
        return
    found = guesses_of(subject, hidden)
    beside = segments(
        _("Comparison"),
        {"nothing": _("No comparison"), "model": _("With another model"), "text": _("With another text")},
        state.BESIDE,
    )
    state.publish(state.BESIDE)
    pictured: DeltaGenerator | None = None
    if beside == "nothing" and len(found.guesses) == 1:
        left, pictured = st.columns([2, 5], gap="medium")
        with left:
            guess_tables(found, word_names(tokens, hidden), "guess", 1)
    elif beside == "nothing":
        guess_tables(found, word_names(tokens, hidden), "guess")
    else:
        left, right = st.columns(2, gap="large")
        with right:
            (_other_model if beside == "model" else _other_text)(subject.spec, tokens, hidden)
        with left:
            st.markdown("#### " + (literal(model_title(encoder)) if beside == "model" else _("This text")))
            if beside == "text":
                first, second = _masked(encoder, tokens, hidden)
                # As high as the field beside it, so that the tables stand side by side.
                st.text_input(_("The text as the model reads it"), first, disabled=True)
                if second is not None:
                    st.text(f"B  {second}")
            guess_tables(found, word_names(tokens, hidden), "guess", 1 if len(found.guesses) == 1 else 2)
    off = _without_heads(subject, hidden, found)
    with pictured or st.container():
        title = _("Layer-wise prediction: at which layer does the guess form?")
        if off:
            title = sentences(
                title, _n("({count} head ablated)", "({count} heads ablated)", len(off)).format(count=len(off))
            )
        st.markdown(f"**{title}**")
        position = pick_mask(found)
        shown: list[Analysis] = []
        _layers(subject, hidden, position, off, around, shown)
    analysis = guess_analysis(subject, hidden, off)
    export_bar(guess_downloads(analysis, off, stem), analysis, *shown, picture=WORDS)
    st.caption(
        _(
            "What this does not mean: a probability is how this model distributes its guess over its vocabulary, not "
            "how often the word would be right. What a lens reads from an early layer is what the last layer's head "
            "makes of it, not what the layer itself uses it for."
        )
    )


@guarded
def _other_model(spec: it.EncoderSpec, tokens: it.Tokens, hidden: tuple[int, ...]) -> None:
    # Nothing is chosen at first: it might be a large download.
    options = {"": _("choose one …"), **model_options()}
    for name in (BUILT_IN, spec.checkpoint.name):
        options.pop(name, None)
    name = choose(st.selectbox, _("Another model"), options, state.BESIDE_MODEL, new=True, accept_new_options=True)
    state.publish(state.BESIDE_MODEL)
    if not name:
        st.caption(_("The same words are masked for the model you choose."))
        return
    encoder, other = cache.encoder(spec), encoder_of(name, head="masked words")
    other.check_guesses()
    if other.spec == spec:
        st.info(_("This is the model on the left. Choose another one."), icon=":material/compare:")
        return
    st.markdown(f"#### {literal(model_title(other))}")
    # Masks that were typed are written otherwise for other vocabularies, which moves what stands behind them.
    mask, its = encoder.mask or "", other.mask or ""
    texts = (tokens.text, tokens.pair)
    again = other.tokens(tokens.text.replace(mask, its), tokens.pair and tokens.pair.replace(mask, its))
    wanted = {
        (side, at + (len(its) - len(mask)) * (texts[side] or "")[:at].count(mask)) for side, at in spots(tokens, hidden)
    }
    positions = tuple(
        position for position in range(len(again)) if not again.special[position] and spots(again, [position]) & wanted
    )
    guess_tables(
        guesses_of(Subject(other.spec, again.text, again.pair), positions),
        word_names(again, positions),
        "other_model",
        1 if len(positions) < 2 else 2,
    )


@guarded
def _other_text(spec: it.EncoderSpec, tokens: it.Tokens, hidden: tuple[int, ...]) -> None:
    encoder = cache.encoder(spec)
    st.markdown("#### " + _("Another text"))
    first, second = _masked(encoder, tokens, hidden)
    # What nobody has changed follows what is hidden on the left.
    if st.session_state.get(state.BESIDE_TEXT) == st.session_state.get("beside_seed"):
        st.session_state.pop(state.BESIDE_TEXT, None)
    st.session_state["beside_seed"] = first
    state.seed(state.BESIDE_TEXT, first)
    text = st.text_input(
        _("Write {mask} where a word should be guessed").format(mask=literal(encoder.mask or "")),
        key=state.BESIDE_TEXT,
        persist_state="session",
    )
    state.publish(state.BESIDE_TEXT, first)
    if second is not None:
        st.text(f"B  {second}")
    found = guesses_of(Subject(spec, text or "", second), ())
    guess_tables(found, {}, "other_text", 1 if len(found.guesses) == 1 else 2)


def _masked(encoder: it.Encoder, tokens: it.Tokens, hidden: tuple[int, ...]) -> tuple[str, str | None]:
    """Return both texts with a mask for each hidden token."""
    found = [tokens.text, tokens.pair]
    for position in sorted(hidden, reverse=True):
        side = int(tokens.segment[position])
        start, end = map(int, tokens.span[position])
        whole = found[side] or ""
        # Tokens of vocabularies that keep the space before a word have it in their span.
        start += len(whole[start:end]) - len(whole[start:end].lstrip())
        found[side] = whole[:start] + (encoder.mask or "") + whole[end:]
    return found[0] or "", found[1]


def _without_heads(subject: Subject, hidden: tuple[int, ...], before: it.pretraining.Guesses) -> Heads:
    off = heads_off(cache.encoder(subject.spec))
    panel = st.expander(_("Ablate heads: does the guess survive?"), bool(off), key="heads_panel", on_change="rerun")
    if not panel.open:
        return off
    with panel:
        off = switch_heads(subject)
        if off:
            after = guesses_of(subject, hidden, off)
            chance = st.column_config.NumberColumn(format="%.3f%%")
            data_table(
                survival_table(before, after),
                key="survival",
                column_config={_("Probability, all heads"): chance, _("Probability, heads ablated"): chance},
            )
            st.caption(_("The picture of the layers also leaves these heads out; the guesses above use all heads."))
    return off


@guarded
def _layers(
    subject: Subject, hidden: tuple[int, ...], position: int, off: Heads, around: _Around, shown: list[Analysis]
) -> None:
    lens = lens_input(subject.spec)
    if lens is None:
        return
    if not lens.fitted:
        if not around.drawn:
            st.rerun()
        around.lens, around.container = lens, st.container()
        return
    analysis = layers_analysis(subject, hidden, position, lens.source, off)
    layers_view(analysis.result)
    shown.append(analysis)
    if lens.file is not None:
        lens_about(cache.lens(*lens.file))
