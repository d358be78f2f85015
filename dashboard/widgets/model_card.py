"""The model card: what a model is made of, where it comes from, and what its head answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

import interpret as it
from dashboard.analysis import Analysis
from dashboard.language import _, explain, literal
from dashboard.widgets.data_table import data_table
from dashboard.widgets.models import chosen_encoder, device_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.shares import percent_bar, percents


def card_button() -> None:
    """Draw the button that opens the model's card."""
    if st.button(_("Model card"), key="model_card", icon=":material/badge:", width="stretch"):
        st.dialog(_("Model card"), width="large")(_card)()


def _card() -> None:
    guarded(_card_body)()


def _card_body() -> None:
    spec = chosen_encoder().spec
    card: it.ModelCard = Analysis("model_card", spec).result
    checkpoint_is_folder = card.checkpoint.source == "folder"
    facts = {
        # Where a folder lies on the server is nobody's to know.
        _("Model"): literal(Path(card.checkpoint.name).name if checkpoint_is_folder else card.checkpoint.name),
        _("Architecture"): card.family,
        _("Layers × heads"): f"{card.layers} × {card.heads}",
        _("Hidden size (per head)"): f"{card.width:,} ({card.head_width})",
        _("Vocabulary size"): f"{card.vocabulary:,}",
        _("Longest input (tokens)"): f"{card.max_tokens:,}",
        _("Parameters"): f"{sum(card.parameters.values()):,}",
        _(
            "Memory for the weights"
        ): f"{card.weight_bytes / 1e6:,.0f} MB ({spec.precision}, {device_name(spec.device)})",
        _("Licence"): literal(card.licence or _("not stated")),
        _("Revision"): card.checkpoint.revision,
        _("SHA-256 of the weights"): card.sha256,
    }
    facts[_("Task head")] = explain(card.head_note) if card.head_note is not None else head_name(card)
    special = card.special
    named = (special.first, special.separator, special.mask, special.padding, special.unknown)
    facts[_("Special tokens")] = literal(" ".join(one for one in dict.fromkeys(named) if one))
    if card.heads_in_file:
        facts[_("Parameters of task heads in the file, not loaded")] = f"{card.heads_in_file:,}"
    st.table(
        {"": list(facts), " ": list(facts.values())},
        border="horizontal",
        hide_index=True,
        hide_header=True,
    )
    if card.rounded:
        st.caption(_(card.rounded))
    st.markdown("**" + _("Parameters by part") + "**")
    total = sum(card.parameters.values())
    data_table(
        {
            _("Part"): [_part(name) for name in card.parameters],
            _("Parameters"): list(card.parameters.values()),
            _("Share"): percents(count / total for count in card.parameters.values()),
        },
        column_config={
            _("Parameters"): st.column_config.NumberColumn(format="localized"),
            _("Share"): percent_bar(),
        },
    )


def head_name(card: it.ModelCard, written: Callable[[str], str] = literal) -> str:
    """Say what a model's head answers, in Markdown unless its classes are written otherwise."""
    if card.head is None or card.head.kind == "masked words":
        return _("masked words")
    kinds = {
        "classes": _("text classification"),
        "score": _("one number per text or pair"),
        "span": _("question answering"),
    }
    kind = kinds.get(card.head.kind) or _("token classification")
    return f"{kind}: {written(', '.join(card.head.labels))}"


def _part(name: str) -> str:
    fixed = {
        "embeddings": _("embeddings"),
        "shared layers": _("shared layers"),
        "pooler": _("pooler"),
        "other": _("other"),
    }
    return fixed.get(name) or _("layer {number}").format(number=name.removeprefix("layer "))
