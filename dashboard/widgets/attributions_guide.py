"""What each method is, what it costs and assumes, and whether what it promises holds on this model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

import interpret as it
from dashboard.language import _
from dashboard.widgets.ask_view import Asked
from dashboard.widgets.attributions_view import method_names


def _assumptions() -> dict[str, str]:
    return {
        "integrated_gradients": _(
            "Gradients summed along the straight way from the baseline to the text. Assumes that texts half faded are "
            "something that the model answers sensibly. Its scores add up to the difference of the two answers; the "
            "error is shown, and steps are added until it is 1 % at most."
        ),
        "feature_ablation": _(
            "One word after another is replaced by the baseline. Assumes that words act alone: two that say the same "
            "cover for each other, and neither gets a score."
        ),
        "gradient_shap": _(
            "Gradients at random places between baseline and text: the mean of what integrated gradients sums up, "
            "found by chance, and so never quite exact: each word's ± says how far."
        ),
        "shapley_sampling": _(
            "What a word adds when words come in random order, over 25 orders. Fair where words act together; assumes "
            "that a text with words missing means something. The sum is exact, each word's share is a sample with "
            "its ±."
        ),
        "occlusion": _(
            "One token after another is replaced by the baseline; words of several tokens are never whole away."
        ),
        "kernel_shap": _(
            "A weighted regression of the answer on which words are there, whose weights make its coefficients Shapley "
            "values. Drawn at random: few draws leave noise on every word, which its ± tells."
        ),
        "lime": _(
            "A sparse regression of the answer on which words are there, near the text. Assumes that the model is "
            "nearly "
            "linear there; what its penalty sets to zero may still matter a little."
        ),
        "input_x_gradient": _(
            "The gradient times the embedding: the answer's first-order change if the embedding went to zero. "
            "Gradients "
            "fade where an answer is sure, so a decisive word can seem to do nothing."
        ),
        "saliency": _(
            "The length of the gradient: where a small change would matter, not what the word that stands there does. "
            "It has no sign."
        ),
        "rollout": _(
            "Attention multiplied through the layers. It knows neither the class nor what the values hold: the same "
            "picture for every class. No attribution; shown to compare."
        ),
        "gradient_x_attention": _(
            "Attention that a rising gradient runs through, layer by layer. It sees the class, and leaves out all that "
            "does not pass through attention. No sign; shown to compare."
        ),
    }


def method_guide(asked: Asked, found: Sequence[it.Attribution]) -> None:
    """Explain the methods on the page."""
    from interpret.attribution.methods import METHODS

    names, about = method_names(), _assumptions()
    with st.expander(_("What these methods do, assume and promise")):
        _ranking(names)
        for one in found:
            method = METHODS[one.method]
            if not method.complete or one.delta != one.delta:
                promise = _("It does not promise that scores add up to the answer.")
            else:
                promise = _("Completeness holds here to {error} of the difference of answers.").format(
                    error=f"{one.error:.2%}"
                )
            st.markdown(f"**{names[one.method]}** ({method.paper}). {about[one.method]} {promise}")
        st.markdown(
            _(
                "**Not offered: DeepLIFT and layer-wise relevance propagation.** Captum's DeepLIFT follows modules, "
                "and "
                "BERT's GELU and softmax are plain functions: on this architecture its completeness error is as large "
                "as the answer itself. Captum's LRP refuses embeddings, and the library for AttnLRP (Achtibat et al. "
                "2024) replaces transformers' own BERT by an older copy for the whole process."
            )
        )
        st.markdown(
            _(
                "Words above are what the *model* used, as far as a method can tell. They are not reasons why the "
                "answer "
                "would be right, and not what a person would look at."
            )
        )


def _ranking(names: Mapping[str, str]) -> None:
    """Show how faithful each method was where all were measured."""
    from interpret.attribution.methods import METHODS

    first = next(iter(METHODS.values())).measured
    st.markdown(
        _(
            "**How faithful are they?** Measured with the built-in English model on {count} texts of the "
            "examples, each of two sentences of different topics, with a head fitted on other rows (hybrid "
            "documents, Poerner et al. 2018). *Comprehensiveness* (DeYoung et al. 2020): does the answer fall "
            "when the words on top are deleted. *AUPRC*: do the words of the sentence that decides come first. "
            "Random rankings of the same texts have {random} and {chance}. A method is shown to beat random where"
            " the 95 % intervals of both gains, by bootstrap over texts, lie above 0. On other models and texts "
            "the order may be another."
        ).format(
            count=first.documents,
            random=f"{first.random_comprehensiveness:.3f}",
            chance=f"{first.random_auprc:.3f}",
        )
    )
    rows = {name: METHODS[name].measured for name in names}

    def interval(ends: tuple[float, float]) -> str:
        return _("{low} to {high}").format(low=f"{ends[0]:+.3f}", high=f"{ends[1]:+.3f}")

    st.dataframe(
        {
            _("Method"): list(names.values()),
            _("Comprehensiveness"): [one.comprehensiveness for one in rows.values()],
            _("more than random"): [interval(one.comprehensiveness_gain) for one in rows.values()],
            "AUPRC": [one.auprc for one in rows.values()],
            _("AUPRC, more than random"): [interval(one.auprc_gain) for one in rows.values()],
            _("Shown to beat random"): [_("yes") if one.told else _("no") for one in rows.values()],
        },
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in (_("Comprehensiveness"), "AUPRC")
        },
    )
