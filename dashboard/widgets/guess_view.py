"""Words that are hidden, and what a model guesses in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.language import _, literal
from dashboard.pictures.switches import Heads
from dashboard.pictures.words import WordRow, token_words, word_rows
from dashboard.widgets.choices import segments
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.python_code import encoder_lines

WORDS = "hidden_words"
# More masks than that are only in the files.
_MOST_DRAWN = 24
_IN_A_ROW = 3


def hide_words(encoder: it.Encoder, tokens: it.Tokens, title: str, stem: str) -> tuple[int, ...]:
    """Draw the text, of which a click hides words, and return the tokens that are hidden."""
    unit = segments(
        _("A click hides"), {"word": _("Hide whole words"), "piece": _("Hide single pieces")}, state.UNIT_HIDDEN
    )
    state.publish(state.UNIT_HIDDEN, "word")
    groups = tokens.groups if unit == "word" else tuple((place,) for place in range(len(tokens)))
    asked = st.query_params.get(state.HIDDEN)
    about = f"{encoder.spec.checkpoint.revision}:{unit}:{tokens.text}:{tokens.pair}"
    key = f"hidden:{about}:{st.session_state.get('hidden_round', 0)}"
    if asked is not None and re.fullmatch(r"[0-9]{0,4}(,[0-9]{1,4}){0,200}", asked) and _fresh(about):
        first = tuple(int(one) for one in asked.split(",") if one)
    else:
        first = _telling(encoder, tokens, groups)
    first = tuple(one for one in first if one < len(groups) and not tokens.special[groups[one][0]])
    row = WordRow(_("Your text"), _("Click words to hide them"), token_words(tokens, unit == "word"), 0.0, False)
    off = word_rows([row], title, stem, key, WORDS, off=first, instead=encoder.mask or "[MASK]")
    off = tuple(one for one in off if not tokens.special[groups[one][0]])
    state.remember(state.HIDDEN, ",".join(map(str, off)) if off != _telling(encoder, tokens, groups) else None)
    if off:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("{hidden} of {words} are hidden.").format(hidden=len(off), words=_open(tokens, groups)))
            st.button(_("Show all"), on_click=_show_all, icon=":material/restart_alt:", key="show_all")
    return tuple(place for one in off for place in groups[one])


def _fresh(about: str) -> bool:
    """Tell whether a text is the first that is looked at in this session: a link's hidden words are this text's."""
    return st.session_state.setdefault("hidden_first", about) == about


def _show_all() -> None:
    st.query_params[state.HIDDEN] = ""
    st.session_state["hidden_round"] = st.session_state.get("hidden_round", 0) + 1
    st.session_state.pop("hidden_first", None)


def _open(tokens: it.Tokens, groups: Sequence[tuple[int, ...]]) -> int:
    return sum(not tokens.special[group[0]] for group in groups)


def _telling(encoder: it.Encoder, tokens: it.Tokens, groups: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return what is hidden before anybody has clicked: the longest word; nothing where the text has a mask itself."""
    if encoder.mask in tokens.pieces:
        return ()
    names = ["".join(tokens.labels[i] for i in group) for group in groups]
    open_to = [i for i, group in enumerate(groups) if not tokens.special[group[0]] and names[i].isalpha()]
    # A single word has nothing to be guessed from.
    return (max(open_to, key=lambda i: (len(names[i]), i)),) if len(open_to) > 1 else ()


def guess_tables(found: it.Guesses, names: Mapping[int, str], key: str, in_a_row: int = _IN_A_ROW) -> None:
    """Draw what is guessed behind each mask, the likeliest first."""
    for begin in range(0, min(len(found.guesses), _MOST_DRAWN), in_a_row):
        places = st.columns(in_a_row)
        for number, guess in enumerate(found.guesses[begin : begin + in_a_row]):
            with places[number]:
                _table(guess, begin + number + 1, names.get(guess.place), f"{key}:{begin + number}")
    if len(found.guesses) > _MOST_DRAWN:
        st.caption(
            _("The first {count} of {all} masks are drawn; the files have all of them.").format(
                count=_MOST_DRAWN, all=len(found.guesses)
            )
        )


def _table(guess: it.Guess, number: int, word: str | None, key: str) -> None:
    if guess.true is None or guess.chance is None or guess.rank is None:
        st.markdown("**" + _("Mask {number}").format(number=number) + "**")
        said = ""
    else:
        whole = "" if word is None or word == guess.true else f" ({literal(word)})"
        st.markdown(
            "**"
            + _("Mask {number}: “{word}” was hidden").format(number=number, word=literal(guess.true))
            + f"**{whole}"
        )
        said = _("True: probability {chance}, place {rank}").format(chance=percent(guess.chance), rank=guess.rank + 1)
        said += " · "
    st.caption(
        said
        + _("entropy {bits} bits: as hard as {count} equally likely pieces").format(
            bits=f"{guess.entropy:.1f}", count=f"{2**guess.entropy:,.0f}"
        )
    )
    st.dataframe(
        {
            _("Guess"): [f"{one}  ✓" if one == guess.true else one for one in guess.pieces],
            _("Probability"): guess.chances.tolist(),
        },
        hide_index=True,
        key=key,
        height=35 * (len(guess.pieces) + 1) + 3,
        column_config={
            _("Probability"): st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )


def percent(chance: float) -> str:
    """Write a probability so that small ones can be told apart."""
    return f"{100 * chance:.1f} %" if chance >= 0.001 else f"{100 * chance:.2g} %"


def word_names(tokens: it.Tokens) -> dict[int, str]:
    """Return for each token the word that it is of."""
    return {place: word for group, word in zip(tokens.groups, tokens.words, strict=True) for place in group}


def survival_table(before: it.Guesses, after: it.Guesses) -> dict[str, list[Any]]:
    """Return a row for each mask: its guess and the true word's probability with and without some heads."""
    both = list(zip(before.guesses, after.guesses, strict=True))
    return {
        _("Mask"): [number + 1 for number in range(len(both))],
        _("Hidden"): [one.true or "" for one, _other in both],
        _("Probability before"): [one.chance for one, _other in both],
        _("Probability after"): [other.chance for _one, other in both],
        _("Place before"): [None if one.rank is None else one.rank + 1 for one, _other in both],
        _("Place after"): [None if other.rank is None else other.rank + 1 for _one, other in both],
        _("First guess before"): [one.pieces[0] for one, _other in both],
        _("First guess after"): [other.pieces[0] for _one, other in both],
    }


def guess_downloads(
    spec: it.EncoderSpec, text: str, pair: str | None, hidden: tuple[int, ...], off: Heads, stem: str
) -> list[Download]:
    """Offer the guesses as files."""

    def table() -> bytes:
        found = cache.guesses(spec, text, pair, hidden, off)
        rows = [(guess, place) for guess in found.guesses for place in range(len(guess.pieces))]
        return as_csv(
            {
                "token": [guess.place for guess, _place in rows],
                "hidden": [guess.true or "" for guess, _place in rows],
                "place": [place + 1 for _guess, place in rows],
                "guess": [guess.pieces[place] for guess, place in rows],
                "probability": [float(guess.chances[place]) for guess, place in rows],
            }
        )

    def numbers() -> bytes:
        found = cache.guesses(spec, text, pair, hidden, off)
        return as_json(
            {
                "model": spec.checkpoint.name,
                "revision": spec.checkpoint.revision,
                "text": text,
                "pair": pair,
                "heads_out": off,
                "read": found.tokens.pieces,
                "masks": [
                    {
                        "token": guess.place,
                        "hidden": guess.true,
                        "probability": guess.chance,
                        "rank": None if guess.rank is None else guess.rank + 1,
                        "entropy_bits": guess.entropy,
                        "guesses": dict(zip(guess.pieces, guess.chances.tolist(), strict=True)),
                    }
                    for guess in found.guesses
                ],
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each guess")),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("The same, with what made them")),
    ]


def guess_lines(
    spec: it.EncoderSpec, text: str, pair: str | None, hidden: tuple[int, ...], place: int, off: Heads
) -> str:
    """Write the lines of Python that give the same numbers."""
    second = f", pair={pair!r}" if pair is not None else ""
    heads = f", heads={list(off)}" if off else ""
    return encoder_lines(spec) + (
        f"it.fill_mask(encoder, {text!r}{second}, hidden={list(hidden)}{heads}).guesses\n"
        f"it.layer_guesses(encoder, {text!r}, {pair!r}, hidden={list(hidden)}, place={place}{heads}).pieces\n"
    )
