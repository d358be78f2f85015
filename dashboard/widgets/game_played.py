"""The masking game, drawn: what was done to each token, and what the model made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import state
from dashboard.components.words import WordRow, token_words, word_rows
from dashboard.language import _
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.guess_view import percent
from dashboard.widgets.python_code import encoder_lines
from interpret.errors import InputError
from interpret.masking import HIDDEN, KEPT, REPLACED, UNTOUCHED

WORDS = "game_words"
# Hidden, replaced and kept tokens on the scale of colours.
_COLOUR = {UNTOUCHED: 0.0, HIDDEN: 1.0, REPLACED: -1.0, KEPT: 0.45}
GAMES = 40
KINDS = ("hidden", "replaced", "kept")


def kind_names() -> dict[int, str]:
    """Name what can be done to a token for the reader."""
    return {
        UNTOUCHED: _("not chosen"),
        HIDDEN: _("hidden"),
        REPLACED: _("replaced"),
        KEPT: _("chosen, left as it is"),
    }


def game_input() -> tuple[it.Masking, int]:
    """Draw how tokens are chosen and what is done to them; returns the rules and the seed."""
    places = st.columns([3, 3, 3, 2, 2], vertical_alignment="bottom")
    state.seed("game_rate", 15, range(1, 91))
    for key, value in (("game_hidden", 80), ("game_replaced", 10)):
        state.seed(key, value, range(101))
    state.seed("game_whole", False)
    rate = places[0].slider(
        _("Chosen"),
        1,
        90,
        key="game_rate",
        format="%d %%",
        persist_state="session",
        help=_("The share of tokens that the model has to guess: 15 % in the BERT paper."),
    )
    hidden = places[1].slider(
        _("of them hidden"),
        0,
        100,
        key="game_hidden",
        format="%d %%",
        persist_state="session",
        help=_("80 % in the paper. What is neither hidden nor replaced is left as it is."),
    )
    # Both cannot be more than all.
    most = 100 - hidden
    replaced = places[2].slider(
        _("of them replaced"),
        0,
        100,
        key="game_replaced",
        format="%d %%",
        persist_state="session",
        help=_("10 % in the paper: by any token of the vocabulary."),
    )
    if replaced > most:
        # What was set stays, for when fewer are hidden again.
        replaced = most
        places[2].caption(_("{most} % are not hidden, so no more are replaced.").format(most=most))
    state.seed(state.SEED, 0, range(1_000_000))
    seed = places[3].number_input(_("Seed"), 0, 999_999, key=state.SEED, persist_state="session")
    places[4].button(_("Draw again"), icon=":material/casino:", on_click=_again, width="stretch")
    whole = st.toggle(
        _("Whole words"),
        key="game_whole",
        persist_state="session",
        help=_("All tokens of a word are chosen together: the later “whole word masking”."),
    )
    state.publish(state.SEED, 0)
    for key, usual in (("game_rate", 15), ("game_hidden", 80), ("game_replaced", 10), ("game_whole", False)):
        state.publish(key, usual)
    return it.Masking(rate / 100, hidden / 100, replaced / 100, whole), int(seed)


def _again() -> None:
    st.session_state[state.SEED] = (int(st.session_state.get(state.SEED, 0)) + 1) % 1_000_000


def game_words(played: it.Played, title: str, stem: str) -> None:
    """Draw the text as it is and as the model reads it."""
    done = played.masked.done
    names = kind_names()
    notes = [names[int(one)] for one in done]
    for i, place in enumerate(played.place):
        notes[place] += " · " + _("the model guesses “{guess}”, the true one has {chance}").format(
            guess=played.guess[i], chance=percent(float(np.exp(-played.loss[i])))
        )
    plain = token_words(played.tokens, False, notes=notes)
    read = tuple(
        type(one)(text, _COLOUR[int(kind)], one.spaced, one.fixed, one.note)
        for one, text, kind in zip(plain, played.read, done, strict=True)
    )
    word_rows(
        [
            WordRow(_("The text"), "", plain, 0.0, False),
            WordRow(
                _("What the model reads"),
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


def game_table(played: it.Played) -> dict[str, list[Any]]:
    """Return a row for each token that was chosen."""
    names = kind_names()
    return {
        _("Token"): [played.tokens.labels[place] for place in played.place],
        _("What was done"): [names[int(played.masked.done[place])] for place in played.place],
        _("The model reads"): [played.read[place] for place in played.place],
        _("It guesses"): list(played.guess),
        _("Place of the true one"): (played.rank + 1).tolist(),
        _("Loss"): played.loss.tolist(),
        _("Loss in use"): played.seen.tolist(),
    }


def play_often(encoder: it.Encoder, text: str, pair: str | None, masking: it.Masking, progress: Any) -> dict[str, Any]:
    """Play many games; returns the mean loss of each kind, of all, and in use, with how many tokens each is of."""
    sums: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "all", "seen")}
    for seed in range(GAMES):
        try:
            played = it.play(encoder, text, pair, masking, seed)
        except InputError:
            # By this draw no token was chosen.
            progress(seed + 1, GAMES, "")
            continue
        done = played.masked.done[played.place]
        for kind, code in zip(KINDS, (HIDDEN, REPLACED, KEPT), strict=True):
            sums[kind] += played.loss[done == code].tolist()
        sums["all"] += played.loss.tolist()
        sums["seen"] += played.seen.tolist()
        progress(seed + 1, GAMES, "")
    return {kind: (float(np.mean(some)) if some else float("nan"), len(some)) for kind, some in sums.items()}


def game_means(means: dict[str, tuple[float, int]]) -> None:
    """Draw the mean losses, and say what they mean together."""
    titles = {
        "hidden": _("Hidden"),
        "replaced": _("Replaced"),
        "kept": _("Left as it is"),
        "all": _("All that were chosen"),
        "seen": _("In use: nothing hidden"),
    }
    places = st.columns(len(titles))
    for place, (kind, title) in zip(places, titles.items(), strict=True):
        loss, count = means[kind]
        place.metric(
            title,
            "–" if not count else _("{loss} nats").format(loss=f"{loss:.2f}"),
            help=_("Mean of -log p of the true token over {count} tokens.").format(count=f"{count:,}"),
        )
    hidden, seen = means["hidden"], means["seen"]
    if hidden[1] and seen[1]:
        st.markdown(
            _(
                "The gap between training and use: where a token is hidden, the true one costs **{hidden} nats**; "
                "where it is in sight, as always in use, **{seen} nats**: a gap of **{gap} nats**. Were every chosen "
                "token hidden, the model would never learn what to do with a token that it sees; that is what the "
                "others are left or replaced for."
            ).format(hidden=f"{hidden[0]:.2f}", seen=f"{seen[0]:.2f}", gap=f"{hidden[0] - seen[0]:.2f}")
        )


def game_downloads(
    spec: it.EncoderSpec, played: it.Played, masking: it.Masking, seed: int, stem: str
) -> list[Download]:
    """Offer the game as files."""
    kinds = {HIDDEN: "hidden", REPLACED: "replaced", KEPT: "kept"}
    columns = {
        "position": played.place.tolist(),
        "token": [played.tokens.labels[place] for place in played.place],
        "done": [kinds[int(played.masked.done[place])] for place in played.place],
        "read": [played.read[place] for place in played.place],
        "guess": list(played.guess),
        "rank": (played.rank + 1).tolist(),
        "loss": played.loss.tolist(),
        "loss_in_use": played.seen.tolist(),
    }
    about = {
        "model": spec.checkpoint.name,
        "revision": spec.checkpoint.revision,
        "text": played.tokens.text,
        "pair": played.tokens.pair,
        "rate": masking.rate,
        "hidden": masking.hidden,
        "replaced": masking.replaced,
        "whole_words": masking.whole_words,
        "seed": seed,
    }
    return [
        Download("CSV", f"{stem}.csv", "text/csv", lambda: as_csv(columns), _("A row for each token that was chosen")),
        Download(
            "JSON",
            f"{stem}.json",
            "application/json",
            lambda: as_json({**about, "chosen": columns}),
            _("The same, with what made them"),
        ),
    ]


def game_lines(spec: it.EncoderSpec, text: str, pair: str | None, masking: it.Masking, seed: int) -> str:
    """Write the lines of Python that give the same numbers."""
    second = f", pair={pair!r}" if pair is not None else ""
    return encoder_lines(spec) + (
        f"masking = it.Masking(rate={masking.rate}, hidden={masking.hidden}, replaced={masking.replaced}, "
        f"whole_words={masking.whole_words})\n"
        f"played = it.play(encoder, {text!r}{second}, masking=masking, seed={seed})\n"
        "played.masked.done, played.loss, played.seen\n"
    )
