"""The vocabularies that are looked at, and what each makes of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis, Source
from dashboard.language import _
from dashboard.numbers import between, listed, number
from dashboard.widgets.choices import distinct_labels
from dashboard.widgets.models import model_name, model_options, spec_of
from interpret.core.checkpoints import BUILT_IN, BUILT_INS, GUESSER, MULTILINGUAL, READER, SMALLEST
from interpret.core.multilingual_e5 import DATA
from pages.compare.two import Two

if TYPE_CHECKING:
    from interpret.core.tokenizer_loading import Vocabulary

# More rows of tokens are no help to anybody.
_MOST = 6
# They cut as MiniLM does.
_SAME_AS_MINILM = (GUESSER, READER, SMALLEST)


@dataclass(frozen=True)
class NamedVocabulary:
    """A model whose vocabulary is looked at.

    Attributes
    ----------
    name
        What the reader calls it.
    spec
        The model.
    """

    name: str
    spec: it.EncoderSpec

    @property
    def tokenizer(self) -> Vocabulary:
        """Its tokenizer, without its weights."""
        return cache.tokenizer(self.spec.checkpoint)

    def analysis(self, texts: Source) -> Analysis:
        """Describe what it makes of texts."""
        return Analysis(
            "count_tokens", self.spec, name="counts", shows=(".per_character", ".unknown_share", ".broken"), texts=texts
        )

    def counts(self, texts: Source) -> it.TokenCounts:
        """What it makes of texts."""
        analysis = self.analysis(texts)
        found: it.TokenCounts = cache.kept(analysis, lambda: analysis.run(encoder=self.tokenizer))
        return found


def vocabularies_input(two: Two) -> list[NamedVocabulary]:
    """Draw whose vocabularies are looked at: at first both models' and those that come with Bertoscope.

    Raises
    ------
    InterpretError
        If one cannot be read.
    """
    both = {"first": two.names[0], "second": two.names[1]}
    if _are_alike(*two.encoders):
        both = {"first": listed(two.names)}
    compared = set(two.models)
    if compared & {BUILT_IN, *_SAME_AS_MINILM}:
        compared |= {BUILT_IN, *_SAME_AS_MINILM}
    others = {
        name: model_name(name) if name in BUILT_INS else title
        for name, title in model_options().items()
        # Of the hub's only those that are chosen: nobody downloads a model to see its tokens.
        if (name in BUILT_INS or ":" in name)
        and name not in (*_SAME_AS_MINILM, *compared)
        and (name != MULTILINGUAL or DATA.is_there)
    }
    options = distinct_labels(both | others)
    usual = [*both, *(name for name in (BUILT_IN, MULTILINGUAL) if name in others)]
    key = state.VOCABULARIES.of(two.names)
    if not set(st.session_state.get(key, usual)) <= set(options):
        st.session_state.pop(key, None)
    chosen = st.multiselect(
        _("Vocabularies"),
        list(options),
        usual,
        format_func=lambda name: options[name],
        key=key,
        max_selections=_MOST,
        persist_state="session",
        width=620,
    )
    specs = {"first": two.first.spec, "second": two.second.spec}
    return [NamedVocabulary(options[name], specs.get(name) or spec_of(name)) for name in chosen]


def _are_alike(first: it.Encoder, second: it.Encoder) -> bool:
    """Tell whether two models have one vocabulary, as those that were made from each other have."""
    one, other = first.tokenizer, second.tokenizer
    return one.get_vocab_size() == other.get_vocab_size() and one.get_vocab() == other.get_vocab()


def summary_table(
    vocabularies: Sequence[NamedVocabulary], counts: Sequence[it.TokenCounts], several: bool
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return a row for each vocabulary, and how the columns are written; of several texts with intervals over them."""
    table: dict[str, list[Any]] = {
        _("Vocabulary"): [one.name for one in vocabularies],
        _("Size"): [one.tokenizer.tokenizer.get_vocab_size() for one in vocabularies],
        _("Tokens"): [int(one.tokens.sum()) for one in counts],
        _("Tokens per character"): [
            _with_interval(number(one.per_character), one.per_character_interval, ".3f", several) for one in counts
        ],
        _("Words in one token"): [
            _with_interval(_share(one.whole_share), one.whole_interval, ".1%", several) for one in counts
        ],
        _("Unknown tokens"): [
            _with_interval(_share(one.unknown_share), one.unknown_interval, ".1%", several) for one in counts
        ],
    }
    config = {
        _("Size"): st.column_config.NumberColumn(format="localized"),
        _("Tokens"): st.column_config.NumberColumn(format="localized"),
    }
    return table, config


def _share(value: float) -> str:
    """Write a share; a dash where there is nothing that it would be a share of."""
    return "–" if np.isnan(value) else f"{value:.1%}"


def _with_interval(value: str, ends: tuple[float, float], form: str, several: bool) -> str:
    """Write a number with its 95% interval over texts, where there are several."""
    return f"{value} ({between(ends, form)})" if several else value


def summary_rows(vocabularies: Sequence[NamedVocabulary], counts: Sequence[it.TokenCounts]) -> dict[str, list[Any]]:
    """Return the same with names for files."""
    return {
        "vocabulary": [one.spec.checkpoint.name for one in vocabularies],
        "revision": [one.spec.checkpoint.revision for one in vocabularies],
        "size": [one.tokenizer.tokenizer.get_vocab_size() for one in vocabularies],
        "tokens": [int(one.tokens.sum()) for one in counts],
        "characters": [int(one.characters.sum()) for one in counts],
        "words": [int(one.words.sum()) for one in counts],
        "words_in_one_token": [int(one.whole.sum()) for one in counts],
        "unknown_tokens": [int(one.unknown.sum()) for one in counts],
    }
