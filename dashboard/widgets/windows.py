"""Which window of a long text is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis
from dashboard.language import _, _n, literal
from dashboard.subject import Row, Subject
from dashboard.widgets.models import model_name
from interpret.core.characters import beginning
from interpret.core.checkpoints import GUESSER, MULTILINGUAL
from interpret.core.errors import InputError
from interpret.core.multilingual_e5 import DATA
from interpret.core.tokens import check_texts
from interpret.core.vocabulary import unknown_id

# Models that read thousands of tokens are still looked at in windows that a picture can hold.
MOST_IN_PICTURE = 512
_MOST_LOOKED_AT = 300
# Of two models, windows are made smaller until both can read each of them: how often at most, and down to what.
_MOST_ROUNDS, _LEAST_SIZE = 12, 16


def fit(
    encoder: it.Encoder, text: str, pair: str | None, row: Row | None = None, size: int = MOST_IN_PICTURE
) -> Subject:
    """Return the text as it is where it fits, and otherwise the window that the person picks, saying so."""
    subject = Subject(encoder.spec, text, pair, row)
    size = min(encoder.max_tokens, size)
    with st.spinner(_("Reading the text …")):
        cut = _windows(encoder, text, pair, size)
    if len(cut.first) == 1 and len(cut.second) <= 1:
        return subject
    st.info(
        _n(
            "This text has {tokens} tokens; {size} are read at once, in windows that overlap by up to {overlap} "
            "token. One window is shown, and the model sees nothing outside it.",
            "This text has {tokens} tokens; {size} are read at once, in windows that overlap by up to {overlap} "
            "tokens. One window is shown, and the model sees nothing outside it.",
            cut.overlap,
        ).format(tokens=f"{cut.token_count:,}", size=size, overlap=cut.overlap),
        icon=":material/view_carousel:",
    )
    first = _pick(_("Window"), state.WINDOW_A, cut.first)
    second = _pick(_("Window of the second text"), state.WINDOW_B, cut.second) if cut.second else None
    return Subject(encoder.spec, first, second, row)


def fit_both(
    first: it.Encoder, second: it.Encoder, text: str, pair: str | None, row: Row | None = None
) -> tuple[Subject, Subject]:
    """Return the text for two models, where it is long in windows that both can read: see `fit`."""
    sizes = [min(encoder.max_tokens, MOST_IN_PICTURE) for encoder in (first, second)]
    counts = []
    for encoder, size in zip((first, second), sizes, strict=True):
        cut = _windows(encoder, text, pair, size)
        counts.append(len(cut.first) + len(cut.second))
    narrow = 0 if counts[0] >= counts[1] else 1
    one, other = (first, second) if narrow == 0 else (second, first)
    size, most = sizes[narrow], sizes[1 - narrow]
    # What is short in the one vocabulary can be long in the other: smaller windows are shorter in both.
    for _round in range(_MOST_ROUNDS):
        longest = _longest(other, _windows(one, text, pair, size))
        if longest <= most:
            break
        size = max(_LEAST_SIZE, int(0.95 * size * most / longest))
    found = fit(one, text, pair, row, size)
    return replace(found, spec=first.spec), replace(found, spec=second.spec)


def _windows(encoder: it.Encoder, text: str, pair: str | None, size: int) -> it.Windows:
    found: it.Windows = Analysis("windows", Subject(encoder.spec, text, pair), size=size).result
    return found


def _longest(encoder: it.Encoder, cut: it.Windows) -> int:
    """Return how many tokens of a model any window takes, beside the longest of a second text."""

    def length(text: str, pair: str | None = None) -> int:
        return len(encoder.tokenizer.encode(encoder.before(pair) + text, pair).ids)

    second = max((one.text for one in cut.second), key=length, default=None)
    return max(length(one.text, second) for one in cut.first)


def warn_of_unknown(encoder: it.Encoder, texts: Sequence[tuple[str, str | None]]) -> None:
    """Say so where the model's vocabulary does not have much of some texts; of many, the first are looked at."""
    unknown = tokens = 0
    lacking = unknown_id(encoder.tokenizer)
    for text, pair in texts[:_MOST_LOOKED_AT]:
        try:
            check_texts(text, pair)
        except InputError:
            # Said where the text is read.
            continue
        found = encoder.tokenizer.encode(text, pair, add_special_tokens=False).ids
        tokens += len(found)
        unknown += found.count(lacking) if lacking is not None else 0
    if unknown * 5 > tokens:
        st.warning(
            _(
                "Tokens that are not in this model's vocabulary, so that it cannot tell them apart: {unknown} of "
                "{tokens}. Choose a model for this language."
            ).format(unknown=f"{unknown:,}", tokens=f"{tokens:,}"),
            icon=":material/translate:",
        )
        # Its place among guessers is MiniLM's.
        if encoder.spec.checkpoint.name not in (MULTILINGUAL, GUESSER) and DATA.is_there:
            st.button(
                _("Use {model}, which reads a hundred languages").format(model=model_name(MULTILINGUAL)),
                key="use_multilingual",
                icon=":material/swap_horiz:",
                on_click=_use_multilingual,
            )


def _use_multilingual() -> None:
    st.session_state[state.MODEL] = MULTILINGUAL


def _pick(label: str, key: state.Key, windows: tuple[it.Window, ...]) -> str:
    if len(windows) == 1:
        return windows[0].text
    # Another text begins with its first window; a link opens at the one that it names.
    about = f"{key}_of"
    if st.session_state.get(about, windows[0].text) != windows[0].text:
        st.session_state[key] = 1
    st.session_state[about] = windows[0].text
    state.seed(key, allowed=range(1, len(windows) + 1))
    number = st.slider(label, 1, len(windows), key=key, persist_state="session")
    state.publish(key)
    window = windows[number - 1]
    st.caption(
        _("Window {number} of {count}: characters {start} to {end}. “{begin}”").format(
            number=number,
            count=len(windows),
            start=f"{window.start:,}",
            end=f"{window.end:,}",
            begin=literal(beginning(window.text)),
        )
    )
    return window.text
