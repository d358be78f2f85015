"""What each method is, what it costs and assumes, and whether what it promises holds on this model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.numbers import interval
from dashboard.widgets.data_table import data_table
from dashboard.widgets.method_input import method_names
from dashboard.widgets.target_view import TargetChoice


def method_guide(choice: TargetChoice, found: Sequence[it.Attribution]) -> None:
    """Explain the methods on the page."""
    from interpret.attribution.methods import METHODS

    names = method_names()
    with st.expander(_("What these methods do, assume and guarantee")):
        _ranking(names)
        for one in found:
            method = METHODS[one.method]
            if not method.complete or one.delta != one.delta:
                promise = _("It does not guarantee that scores add up to the output.")
            else:
                promise = _("Completeness error here: {error} of the difference between the outputs.").format(
                    error=f"{one.error:.2%}"
                )
            about = _(method.about)
            st.markdown(f"**{names[one.method]}** ([{method.paper}]({method.link})). {about} {promise}")
        st.markdown(
            _(
                "**Not offered: DeepLIFT and layer-wise relevance propagation.** Captum's DeepLIFT hooks modules, but "
                "BERT's GELU and softmax are plain functions: on this architecture its completeness error is as large "
                "as the output itself. Captum's LRP does not accept embeddings, and the library for AttnLRP (Achtibat "
                "et al. 2024) replaces transformers' own BERT with an older copy for the whole process."
            )
        )
        st.markdown(
            _(
                "The words above are what the *model* used, as far as a method can tell. They are not reasons why the "
                "prediction would be right, and not what a person would look at."
            )
        )


def _ranking(names: Mapping[str, str]) -> None:
    """Show how faithful each method was where all were measured."""
    from interpret.attribution.methods import METHODS

    rows = {name: one for name in names if (one := METHODS[name].measured) is not None}
    first = next(iter(rows.values()))
    st.markdown(
        _(
            "**How faithful are they?** Measured with the built-in English model on {count} texts from the examples, "
            "each made of two sentences on different topics, with a head fitted on other rows (hybrid documents, "
            "Poerner et al. 2018). *Comprehensiveness* (DeYoung et al. 2020): does the output fall when the "
            "top-ranked words are deleted? *AUPRC*: are the words of the decisive sentence ranked first? Random "
            "rankings of the same texts score {random} and {chance}. A method is shown to beat random where the 95% "
            "intervals of both gains (bootstrap over texts) lie above 0. On other models and texts the order may "
            "differ."
        ).format(
            count=first.documents,
            random=f"{first.random_comprehensiveness:.3f}",
            chance=f"{first.random_auprc:.3f}",
        )
    )

    data_table(
        {
            _("Method"): [names[name] for name in rows],
            _("Comprehensiveness"): [one.comprehensiveness for one in rows.values()],
            _("gain over random"): [interval(one.comprehensiveness_gain) for one in rows.values()],
            "AUPRC": [one.auprc for one in rows.values()],
            _("AUPRC, gain over random"): [interval(one.auprc_gain) for one in rows.values()],
            _("Shown to beat random"): [_("yes") if one.beats_random else _("no") for one in rows.values()],
        },
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in (_("Comprehensiveness"), "AUPRC")
        },
    )
