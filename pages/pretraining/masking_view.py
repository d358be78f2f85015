"""Masking, drawn: what was done to each token, and what the model made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis
from dashboard.components.words import WordRow, token_words, word_rows
from dashboard.language import _, _n
from dashboard.numbers import number
from dashboard.subject import Subject
from dashboard.widgets.export import Download, as_csv, as_json
from interpret.core.errors import InputError
from interpret.core.masking import HIDDEN, KEPT, REPLACED, UNTOUCHED
from pages.pretraining.fill_mask_view import percent

WORDS = "game_words"
# Hidden, replaced and kept tokens on the scale of colours.
_COLOUR = {UNTOUCHED: 0.0, HIDDEN: 1.0, REPLACED: -1.0, KEPT: 0.45}
DRAWS = 40
KINDS = ("hidden", "replaced", "kept")


def kind_names() -> dict[int, str]:
    """Name what can be done to a token for the reader."""
    return {
        UNTOUCHED: _("not selected"),
        HIDDEN: _("masked"),
        REPLACED: _("replaced"),
        KEPT: _("kept"),
    }


def masking_input() -> tuple[it.pretraining.Masking, int]:
    """Draw how tokens are chosen and what is done to them; returns the rules and the seed."""
    columns = st.columns([3, 3, 3, 2, 2], vertical_alignment="bottom")
    settings = (state.MASK_RATE, state.MASK_MASKED, state.MASK_REPLACED, state.MASK_WHOLE_WORDS, state.SEED)
    for key in settings:
        state.seed(key)
    rate = columns[0].slider(
        _("Selected tokens"),
        1,
        90,
        key=state.MASK_RATE,
        format="%d%%",
        persist_state="session",
        help=_("Masking rate: the share of tokens that the model has to predict; 15% in the BERT paper."),
    )
    hidden = columns[1].slider(
        _("… of which masked"),
        0,
        100,
        key=state.MASK_MASKED,
        format="%d%%",
        persist_state="session",
        help=_("80% in the BERT paper. Selected tokens that are neither masked nor replaced are kept unchanged."),
    )
    # Both cannot be more than all.
    most = 100 - hidden
    replaced = columns[2].slider(
        _("… of which replaced"),
        0,
        100,
        key=state.MASK_REPLACED,
        format="%d%%",
        persist_state="session",
        help=_("10% in the BERT paper: replaced by a random token of the vocabulary."),
    )
    if replaced > most:
        # What was set stays, for when fewer are hidden again.
        replaced = most
        columns[2].caption(
            _("Only {most}% are left after masking, so no more than that are replaced.").format(most=most)
        )
    seed = columns[3].number_input(_("Seed"), 0, 999_999, key=state.SEED, persist_state="session")
    columns[4].button(_("Draw again"), key="draw_again", icon=":material/casino:", on_click=_again, width="stretch")
    whole = st.toggle(
        _("Whole-word masking"),
        key=state.MASK_WHOLE_WORDS,
        persist_state="session",
        help=_("All tokens of a word are selected together (whole-word masking, introduced after the BERT paper)."),
    )
    for key in settings:
        state.publish(key)
    return it.pretraining.Masking(rate / 100, hidden / 100, replaced / 100, whole), int(seed)


def _again() -> None:
    st.session_state[state.SEED] = (int(st.session_state.get(state.SEED, 0)) + 1) % 1_000_000


def masking_words(masked: it.pretraining.MaskedText, title: str, stem: str) -> None:
    """Draw the text as it is and as the model reads it."""
    done = masked.masked.done
    names = kind_names()
    notes = [names[int(one)] for one in done]
    for i, position in enumerate(masked.positions):
        notes[position] += " · " + _("prediction “{guess}”; the true token has probability {chance}").format(
            guess=masked.guess[i], chance=percent(float(np.exp(-masked.loss[i])))
        )
    plain = token_words(masked.tokens, False, notes=notes)
    read = tuple(
        type(one)(text, _COLOUR[int(kind)], one.spaced, one.fixed, one.note)
        for one, text, kind in zip(plain, masked.read, done, strict=True)
    )
    word_rows(
        [
            WordRow(_("Original text"), "", plain, 0.0, False),
            WordRow(
                _("Model input"),
                "",
                read,
                1.0,
                True,
                tuple((names[kind], _COLOUR[kind]) for kind in (HIDDEN, REPLACED, KEPT, UNTOUCHED)),
            ),
        ],
        title,
        stem,
        "game",
        WORDS,
    )


def masking_table(masked: it.pretraining.MaskedText) -> dict[str, list[Any]]:
    """Return a row for each token that was chosen."""
    names = kind_names()
    return {
        _("Token"): [masked.tokens.labels[position] for position in masked.positions],
        _("Masking action"): [names[int(masked.masked.done[position])] for position in masked.positions],
        _("Input token"): [masked.read[position] for position in masked.positions],
        _("Predicted token"): list(masked.guess),
        _("Rank of the true token"): (masked.rank + 1).tolist(),
        _("Loss (nats)"): masked.loss.tolist(),
        _("Loss without masking (nats)"): masked.seen.tolist(),
    }


def mask_often(subject: Subject, masking: it.pretraining.Masking, progress: Any) -> dict[str, Any]:
    """Mask many times; returns the mean loss of each kind, of all, and in use, with how many tokens each is of."""
    encoder = cache.encoder(subject.spec)
    sums: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "all", "seen")}
    for seed in range(DRAWS):
        try:
            masked = it.pretraining.mask_text(encoder, subject.text, subject.pair, masking, seed)
        except InputError:
            # By this draw no token was chosen.
            progress(seed + 1, DRAWS, "")
            continue
        done = masked.masked.done[masked.positions]
        for kind, code in zip(KINDS, (HIDDEN, REPLACED, KEPT), strict=True):
            sums[kind] += masked.loss[done == code].tolist()
        sums["all"] += masked.loss.tolist()
        sums["seen"] += masked.seen.tolist()
        progress(seed + 1, DRAWS, "")
    return {kind: (float(np.mean(some)) if some else float("nan"), len(some)) for kind, some in sums.items()}


def masking_means(means: dict[str, tuple[float, int]]) -> None:
    """Draw the mean losses, and say what they mean together."""
    titles = {
        "hidden": _("Masked"),
        "replaced": _("Replaced"),
        "kept": _("Kept"),
        "all": _("All selected tokens"),
        "seen": _("Unmasked (as at inference)"),
    }
    columns = st.columns(len(titles))
    for column, (kind, title) in zip(columns, titles.items(), strict=True):
        loss, count = means[kind]
        column.metric(
            title,
            "–" if not count else _("{loss} nats").format(loss=f"{loss:.2f}"),
            help=_n(
                "−log p of the true token, from {count} token.",
                "Mean of −log p of the true token over {count} tokens.",
                count,
            ).format(count=f"{count:,}"),
        )
    hidden, seen = means["hidden"], means["seen"]
    if hidden[1] and seen[1]:
        st.markdown(
            _(
                "Pretrain–finetune discrepancy: the loss of the true token is **{hidden} nats** where it is masked, "
                "and **{seen} nats** where it is visible, as it always is at inference: a gap of **{gap} nats**. If "
                "every selected token were masked, the model would never learn what to do with a token that it sees; "
                "this is why the others are kept or replaced."
            ).format(hidden=f"{hidden[0]:.2f}", seen=f"{seen[0]:.2f}", gap=number(hidden[0] - seen[0], ".2f"))
        )


def masking_analysis(subject: Subject, masking: it.pretraining.Masking, seed: int) -> Analysis:
    """Describe one masking."""
    shown = (".masked.done", ".loss", ".seen")
    return Analysis("pretraining.mask_text", subject, name="played", shows=shown, masking=masking, seed=seed)


def masking_downloads(analysis: Analysis, stem: str) -> list[Download]:
    """Offer it as files."""
    masked: it.pretraining.MaskedText = analysis.result
    kinds = {HIDDEN: "hidden", REPLACED: "replaced", KEPT: "kept"}
    columns = {
        "position": masked.positions.tolist(),
        "token": [masked.tokens.labels[position] for position in masked.positions],
        "done": [kinds[int(masked.masked.done[position])] for position in masked.positions],
        "read": [masked.read[position] for position in masked.positions],
        "guess": list(masked.guess),
        "rank": (masked.rank + 1).tolist(),
        "loss": masked.loss.tolist(),
        "loss_in_use": masked.seen.tolist(),
    }
    return [
        Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(columns), _("A row for each selected token")),
        Download(
            "JSON",
            f"{stem}.json",
            "application/json",
            lambda: as_json({**analysis.about, "chosen": columns}),
            _("The same values, with model, text and settings"),
        ),
    ]
