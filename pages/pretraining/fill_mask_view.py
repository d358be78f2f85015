"""Words that are hidden, and what a model guesses in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis, Source
from dashboard.components.switches import Heads
from dashboard.components.words import WordRow, token_words, word_rows
from dashboard.language import _, _n, literal
from dashboard.subject import Subject
from dashboard.widgets.choices import segments
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json
from interpret.core.scripts import SPACE, marks
from interpret.core.words import join_chinese_words

WORDS = "hidden_words"
# A character: of the first or the second text, and where.
Spot = tuple[int, int]
_KEPT, _OF, _ROUND = "hidden_spots", "hidden_of", "hidden_round"
# More masks than that are only in the files.
_MOST_DRAWN = 24
_IN_A_ROW = 3
_GUESSES = 10
# Longer texts, which are read once for each of their tokens, would let a reader wait for the first guess.
_MOST_TRIED = 32
# Words of letters, with the space that some vocabularies keep before them; half of “didn't” is told by the other half.
_PLAIN = re.compile(rf"\s*(?<![\w'’-])(?:[^\W\d_][{marks()}]*)+(?![\w'’-])")


def hide_words(encoder: it.Encoder, tokens: it.Tokens, title: str, stem: str) -> tuple[int, ...]:
    """Draw the text, of which a click hides words, and return the tokens that are hidden.

    Which characters are hidden is kept for each text: with another model, or single tokens, they stay hidden.
    """
    unit = segments(
        _("A click masks"), {"word": _("Mask whole words"), "token": _("Mask single tokens")}, state.UNIT_HIDDEN
    )
    state.publish(state.UNIT_HIDDEN)
    if unit == "word":
        # Apostrophes stay apart: a link counts what is before the hidden ones.
        tokens = join_chinese_words(tokens)
    groups = tokens.groups if unit == "word" else tuple((position,) for position in range(len(tokens)))
    # A mask that was typed is hidden already, from everybody.
    shut = [tokens.special[group[0]] or tokens.strings[group[0]] == encoder.mask for group in groups]
    kept: dict[tuple[str, str | None], frozenset[Spot]] = st.session_state.setdefault(_KEPT, {})
    about, first = (tokens.text, tokens.pair), _first_hidden(encoder.spec, tokens, groups, shut)
    default = first
    if about in kept:
        first = tuple(i for i, group in enumerate(groups) if kept[about] & spots(tokens, group))
    elif not kept:
        query = st.query_params.get(state.HIDDEN)
        if query is not None and re.fullmatch(r"[0-9]{0,4}(,[0-9]{1,4}){0,200}", query):
            first = tuple(int(one) for one in query.split(",") if one)
    first = tuple(one for one in first if one < len(groups) and not shut[one])
    # Under another key the browser's part begins anew.
    whole = f"{encoder.spec.checkpoint.revision}:{unit}:{about}"
    if st.session_state.get(_OF) != whole:
        st.session_state[_OF], st.session_state[_ROUND] = whole, st.session_state.get(_ROUND, 0) + 1
    words = tuple(
        replace(one, fixed=one.fixed or closed)
        for one, closed in zip(token_words(tokens, unit == "word"), shut, strict=True)
    )
    row = WordRow(_("Your text"), _("Click words to mask them"), words, 0.0, False)
    key = f"hidden:{st.session_state[_ROUND]}"
    off = word_rows([row], title, stem, key, WORDS, off=first, instead=encoder.mask or "")
    off = tuple(one for one in off if not shut[one])
    kept[about] = frozenset().union(*(spots(tokens, groups[one]) for one in off))
    state.remember(state.HIDDEN, ",".join(map(str, off)) if off != default else None)
    if off:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("{hidden} of {words} masked").format(hidden=len(off), words=shut.count(False)))
            st.button(_("Unmask all"), on_click=_show_all, args=(about,), icon=":material/restart_alt:", key="show_all")
    return tuple(position for one in off for position in groups[one])


def spots(tokens: it.Tokens, positions: Iterable[int]) -> frozenset[Spot]:
    """Return the characters of some tokens: of which text, and where in it."""
    return frozenset(
        (int(tokens.segment[position]), at) for position in positions for at in range(*map(int, tokens.span[position]))
    )


def _show_all(about: tuple[str, str | None]) -> None:
    st.session_state[_KEPT][about] = frozenset()
    st.session_state.pop(_OF, None)


def _first_hidden(
    spec: it.EncoderSpec, tokens: it.Tokens, groups: Sequence[tuple[int, ...]], shut: Sequence[bool]
) -> tuple[int, ...]:
    """Return what is hidden before anybody has clicked; nothing where the text has a mask itself.

    It is the word that the model guesses best, so that there is something to see in the layers; in a long text, which
    would take long to try, the longest.
    """
    if any(closed and not tokens.special[group[0]] for group, closed in zip(groups, shut, strict=True)):
        return ()
    sizes = [len(spots(tokens, group)) for group in groups]
    plain = {
        (side, at)
        for side, text in enumerate((tokens.text, tokens.pair or ""))
        for word in _PLAIN.finditer(text)
        for at in range(*word.span())
    }
    letters = [i for i, group in enumerate(groups) if not shut[i] and spots(tokens, group) <= plain]
    if len(letters) < 2:
        # A single word has nothing to be guessed from.
        return ()
    if len(tokens) > _MOST_TRIED:
        # One that is a token by itself, if there is any: the parts of a rare word are hard to guess.
        return (max(letters, key=lambda i: (len(groups[i]) == 1, sizes[i], i)),)
    logs = surprisal_analysis(Subject(spec, tokens.text, tokens.pair)).result.logs
    # Before the short ones, which grammar tells.
    return (max(letters, key=lambda i: (len(groups[i]) == 1 and sizes[i] > 3, logs[list(groups[i])].sum(), i)),)


def guess_tables(found: it.pretraining.Guesses, names: Mapping[int, str], key: str, in_a_row: int = _IN_A_ROW) -> None:
    """Draw what is guessed behind each mask, the likeliest first."""
    for begin in range(0, min(len(found.guesses), _MOST_DRAWN), in_a_row):
        columns = st.columns(in_a_row)
        for number, guess in enumerate(found.guesses[begin : begin + in_a_row]):
            with columns[number]:
                _table(guess, begin + number + 1, names.get(guess.position), f"{key}:{begin + number}")
    if len(found.guesses) > _MOST_DRAWN:
        st.caption(
            _("Showing the first {count} of {all} masks; the downloads contain all of them.").format(
                count=_MOST_DRAWN, all=len(found.guesses)
            )
        )


def _table(guess: it.pretraining.Guess, number: int, word: str | None, key: str) -> None:
    if guess.true is None or guess.probability is None or guess.rank is None:
        st.markdown("**" + _("Mask {number}").format(number=number) + "**")
        # Hidden by a click, and yet nobody knows what is right.
        said = "" if word is None else _("“{word}” is not in this vocabulary").format(word=literal(word)) + " · "
    else:
        whole = (
            "" if word is None or word == guess.true.removeprefix(SPACE) else _(" ({word})").format(word=literal(word))
        )
        st.markdown(
            "**"
            + _("Mask {number}, originally “{word}”").format(number=number, word=literal(guess.true))
            + f"**{whole}"
        )
        said = _("True token: probability {chance}, rank {rank}").format(
            chance=percent(guess.probability), rank=f"{guess.rank + 1:,}"
        )
        said += " · "
    st.caption(
        said
        + _n(
            "entropy {bits} bits: like choosing among {count} token",
            "entropy {bits} bits: like choosing among {count} equally likely tokens",
            round(2**guess.entropy),
        ).format(bits=f"{guess.entropy:.1f}", count=f"{2**guess.entropy:,.0f}")
    )
    data_table(
        {
            _("Guess"): [
                f"{one}  ✓" if number == guess.id else one
                for one, number in zip(guess.candidates, guess.ids.tolist(), strict=True)
            ],
            _("Probability"): (100 * guess.probabilities.astype(float)).tolist(),
        },
        key=key,
        height=35 * (len(guess.candidates) + 1) + 3,
        column_config={
            _("Probability"): st.column_config.ProgressColumn(format="%.2f%%", min_value=0, max_value=100),
        },
    )


def percent(chance: float) -> str:
    """Write a probability so that small ones can be told apart."""
    return f"{100 * chance:.1f}%" if chance >= 0.001 else f"{100 * chance:.2g}%"


def word_names(tokens: it.Tokens, hidden: Iterable[int]) -> dict[int, str]:
    """Return for each token that is hidden the word that it is of."""
    names = {position: word for group, word in zip(tokens.groups, tokens.words, strict=True) for position in group}
    return {position: names[position] for position in hidden}


def survival_table(before: it.pretraining.Guesses, after: it.pretraining.Guesses) -> dict[str, list[Any]]:
    """Return a row for each mask: its guess and the true word's probability with and without some heads."""
    both = list(zip(before.guesses, after.guesses, strict=True))
    return {
        _("Mask"): [number + 1 for number in range(len(both))],
        _("Masked"): [one.true or "" for one, _other in both],
        _("Probability, all heads"): [
            None if one.probability is None else 100 * one.probability for one, _other in both
        ],
        _("Probability, heads ablated"): [
            None if other.probability is None else 100 * other.probability for _one, other in both
        ],
        _("Rank, all heads"): [None if one.rank is None else one.rank + 1 for one, _other in both],
        _("Rank, heads ablated"): [None if other.rank is None else other.rank + 1 for _one, other in both],
        _("Top guess, all heads"): [one.candidates[0] for one, _other in both],
        _("Top guess, heads ablated"): [other.candidates[0] for _one, other in both],
    }


def surprisal_analysis(subject: Subject, within: bool = False) -> Analysis:
    """Describe how surprised a model is by each token of a text."""
    return Analysis("pretraining.pseudo_log_likelihood", subject, name="surprise", shows=(".words",), within=within)


def guess_analysis(subject: Subject, hidden: tuple[int, ...], heads: Heads = ()) -> Analysis:
    """Describe what is guessed, with some heads left out."""
    return Analysis("fill_mask", subject, name="guesses", shows=(".guesses",), hidden=hidden, top=_GUESSES, heads=heads)


def guesses_of(subject: Subject, hidden: tuple[int, ...], heads: Heads = ()) -> it.pretraining.Guesses:
    """Return what a model guesses behind masks."""
    found: it.pretraining.Guesses = guess_analysis(subject, hidden, heads).result
    return found


def layers_analysis(
    subject: Subject, hidden: tuple[int, ...], position: int, lens: Source | None, heads: Heads
) -> Analysis:
    """Describe what it would guess after each layer, by a lens that was fitted or without one."""
    fitted: dict[str, Any] = {} if lens is None else {"lens": lens}
    return Analysis(
        "pretraining.logit_lens",
        subject,
        name="layers",
        shows=(".candidates",),
        hidden=hidden,
        position=position,
        heads=heads,
        **fitted,
    )


def guess_downloads(analysis: Analysis, off: Heads, stem: str) -> list[Download]:
    """Offer the guesses as files."""

    def table() -> bytes:
        found: it.pretraining.Guesses = analysis.result
        rows = [(guess, rank) for guess in found.guesses for rank in range(len(guess.candidates))]
        return as_csv(
            {
                "position": [guess.position for guess, _rank in rows],
                "hidden": [guess.true or "" for guess, _rank in rows],
                "heads_out": [" ".join(f"{layer}.{head}" for layer, head in off)] * len(rows),
                "rank": [rank + 1 for _guess, rank in rows],
                "guess": [guess.candidates[rank] for guess, rank in rows],
                "probability": [float(guess.probabilities[rank]) for guess, rank in rows],
            }
        )

    def numbers() -> bytes:
        found: it.pretraining.Guesses = analysis.result
        return as_json(
            {
                **analysis.about,
                "read": found.tokens.strings,
                "masks": [
                    {
                        "position": guess.position,
                        "hidden": guess.true,
                        "probability": guess.probability,
                        "rank": None if guess.rank is None else guess.rank + 1,
                        "entropy_bits": guess.entropy,
                        "guesses": [
                            {"id": one, "token": token, "probability": chance}
                            for one, token, chance in zip(
                                guess.ids.tolist(), guess.candidates, guess.probabilities.tolist(), strict=True
                            )
                        ],
                    }
                    for guess in found.guesses
                ],
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each guess")),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with model, text and settings")
        ),
    ]
