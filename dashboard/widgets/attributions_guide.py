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
            "Integrates gradients along the straight line from the baseline to the text. Assumes that the model "
            "responds sensibly to half-faded inputs in between. Scores add up to the difference between the two "
            "outputs; the completeness error is shown, and steps are added until it is at most 1 %."
        ),
        "feature_ablation": _(
            "Replaces one word after another with the baseline. Assumes that words act independently: two words that "
            "say the same cover for each other, and neither gets a score."
        ),
        "gradient_shap": _(
            "Averages gradients at random points between baseline and text: a random estimate of the mean that "
            "integrated gradients computes, and so never quite exact; each word's ± gives the error."
        ),
        "shapley_sampling": _(
            "What a word adds when words are added in random order, averaged over 25 orders. Fair to words that act "
            "together; assumes that a text with missing words is meaningful. The sum is exact; each word's share is a "
            "sampled estimate with its ±."
        ),
        "occlusion": _(
            "Replaces one token after another with the baseline; a word of several tokens is never removed as a whole."
        ),
        "kernel_shap": _(
            "A weighted regression of the output on which words are present, with weights that make its coefficients "
            "Shapley values. Sampled at random: with few samples, every word's score is noisy, as its ± shows."
        ),
        "lime": _(
            "A sparse regression of the output on which words are present, near the text. Assumes that the model is "
            "nearly linear there; words that its penalty sets to zero may still matter a little."
        ),
        "input_x_gradient": _(
            "The gradient times the embedding: the first-order change in the output if the embedding went to zero. "
            "Gradients vanish where the output is confident, so a decisive word can seem to do nothing."
        ),
        "saliency": _(
            "The norm of the gradient: where a small change would matter, not what the word there contributes. It has "
            "no sign."
        ),
        "rollout": _(
            "Attention multiplied through the layers. It depends neither on the class nor on the values: the same "
            "picture for every class. Not an attribution; shown for comparison."
        ),
        "gradient_x_attention": _(
            "Attention weighted by positive gradients, layer by layer. It depends on the class, and leaves out "
            "everything that does not pass through attention. No sign; shown for comparison."
        ),
    }


def method_guide(asked: Asked, found: Sequence[it.Attribution]) -> None:
    """Explain the methods on the page."""
    from interpret.attribution.methods import METHODS

    names, about = method_names(), _assumptions()
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
            st.markdown(f"**{names[one.method]}** ({method.paper}). {about[one.method]} {promise}")
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

    first = next(iter(METHODS.values())).measured
    st.markdown(
        _(
            "**How faithful are they?** Measured with the built-in English model on {count} texts from the examples, "
            "each made of two sentences on different topics, with a head fitted on other rows (hybrid documents, "
            "Poerner et al. 2018). *Comprehensiveness* (DeYoung et al. 2020): does the output fall when the "
            "top-ranked words are deleted? *AUPRC*: are the words of the decisive sentence ranked first? Random "
            "rankings of the same texts score {random} and {chance}. A method is shown to beat random where the 95 % "
            "intervals of both gains (bootstrap over texts) lie above 0. On other models and texts the order may "
            "differ."
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
            _("gain over random"): [interval(one.comprehensiveness_gain) for one in rows.values()],
            "AUPRC": [one.auprc for one in rows.values()],
            _("AUPRC, gain over random"): [interval(one.auprc_gain) for one in rows.values()],
            _("Shown to beat random"): [_("yes") if one.told else _("no") for one in rows.values()],
        },
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in (_("Comprehensiveness"), "AUPRC")
        },
    )
