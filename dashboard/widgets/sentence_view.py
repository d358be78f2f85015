"""How a text becomes one vector, as a choice: the model's own way where its folder says one, and the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import interpret as it
from dashboard import state
from dashboard.language import _, _n
from dashboard.numbers import clauses, sentences
from dashboard.widgets.choices import choose
from interpret.core.sentence_pipeline import OWN, Dense, LayerNorm, SentenceModel
from interpret.core.sentence_vectors import sentence_reading

_OF = "pooling_of"


def pooling_input(encoder: it.Encoder, label: str, width: int) -> str:
    """Draw the pooling, preset from the model's folder, and return it as `interpret.embed` takes it."""
    _begin_anew(encoder)
    preset = sentence_reading(encoder)
    poolings = {"mean": _("mean of all tokens"), "cls": _first(encoder), "max": _("maximum")}
    if encoder.sentence is not None:
        poolings = {
            OWN: _("model's own: {how}").format(how=own_name(encoder.sentence, encoder.special.first)),
            **poolings,
        }
    pooling = choose(
        st.selectbox,
        label,
        poolings,
        state.POOLING,
        preset.name,
        help=_(
            "Model's own: the pooling that the model's sentence-transformers folder specifies, so that vectors equal "
            "those of SentenceTransformer.encode. The others use the tokens of the last layer."
        ),
        width=width,
    )
    state.publish(state.POOLING, preset.name)
    return pooling


def prompted(encoder: it.Encoder, width: int = 260) -> it.Encoder:
    """Draw which of the model's prompts is put before each text, the same on all pages; return the encoder with it."""
    _begin_anew(encoder)
    prompt = prompt_input(encoder, _("Prompt"), state.PROMPT, _default_prompt(encoder), width)
    return encoder.with_prompt(prompt) if _prompts(encoder) else encoder


def with_usual_prompt(encoder: it.Encoder) -> it.Encoder:
    """Return the encoder with the prompt that its folder puts before a text."""
    known = _prompts(encoder)
    return encoder.with_prompt(known.get(_default_prompt(encoder), "")) if known else encoder


def prompt_input(encoder: it.Encoder, label: str, key: state.Key, default: str, width: int) -> str:
    """Draw which of the model's prompts is put before a text, and return its words; empty for none.

    Parameters
    ----------
    default
        The name of the prompt that is chosen at first.
    """
    known = _prompts(encoder)
    if not known:
        state.remember(key, None)
        return ""
    names = {"": _("none"), **{name: f"“{text}” ({name})" for name, text in known.items()}}
    name = choose(
        st.selectbox,
        label,
        names,
        key,
        default,
        help=_(
            "What the model was trained to expect before a single text. The model reads it; no picture shows it. "
            "Where tokens attend to it, rows of weights add up to less than 1."
        ),
        width=width,
    )
    state.publish(key, default)
    return known.get(name, "")


def query_prompt(encoder: it.Encoder, of_texts: str) -> str:
    """Return the name of the prompt of a query: the one called so, or else that of the texts."""
    known = _prompts(encoder)
    return "query" if "query" in known else next((name for name, text in known.items() if text == of_texts), "")


def _prompts(encoder: it.Encoder) -> dict[str, str]:
    return {} if encoder.sentence is None else {name: text for name, text in encoder.sentence.prompts.items() if text}


def _default_prompt(encoder: it.Encoder) -> str:
    default = "" if encoder.sentence is None else encoder.sentence.default_prompt or ""
    return default if default in _prompts(encoder) else ""


def _begin_anew(encoder: it.Encoder) -> None:
    """Forget what was chosen for another model: each folder says its own."""
    now = repr(encoder.spec.checkpoint)
    if st.session_state.get(_OF, now) != now:
        for key in (state.POOLING, state.PROMPT, state.QUERY_PROMPT):
            st.session_state.pop(key, None)
            state.remember(key, None)
    st.session_state[_OF] = now


def _first(encoder: it.Encoder) -> str:
    first = encoder.special.first
    return _("the first token") if first is None else _("{token}, the first token").format(token=first)


def own_name(sentence: SentenceModel, first: str | None) -> str:
    """Say what a model does of itself to make a sentence vector; ``first`` is what it calls its first special token."""
    modes = {
        "mean": _("mean"),
        "cls": first or _("first token"),
        "max": _("maximum"),
        "mean_sqrt_len_tokens": _("sum over √length"),
        "weightedmean": _("mean weighted by position"),
        "lasttoken": _("last token"),
    }
    parts = [" + ".join(modes[one] for one in sentence.pooling)]
    for step in sentence.steps:
        parts.append(
            _("dense layer ({width})").format(width=len(step.weight))
            if isinstance(step, Dense)
            else _("layer norm")
            if isinstance(step, LayerNorm)
            else _("L2-normalised")
        )
    if sentence.dimension is not None:
        parts.append(
            _n("first {count} dimension", "first {count} dimensions", sentence.dimension).format(
                count=sentence.dimension
            )
        )
    if not sentence.include_prompt:
        parts.append(_("prompt excluded from pooling"))
    return clauses(parts)


def length_line(most: int) -> str:
    """Say where the model's own way cuts texts off."""
    return _n(
        "The model's folder sets a maximum length of {most} token; longer texts are truncated.",
        "The model's folder sets a maximum length of {most} tokens; longer texts are truncated.",
        most,
    ).format(most=most)


def say_what_is_cut(encoder: it.Encoder, pooling: str, texts: Sequence[str]) -> None:
    """Say where the model's own way does not read all of a text, given with its prompt."""
    own = encoder.sentence
    if pooling == OWN and own is not None and own.max_length is not None:
        cut = any(len(encoder.tokenizer.encode(text).ids) > own.max_length for text in texts)
        if cut:
            st.caption(sentences(length_line(own.max_length), _("Anything beyond that is not read.")))
