"""Q·K·V step by step: its temperature slider, its check, its numbers as files."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis
from dashboard.language import _, literal
from dashboard.numbers import sentences
from dashboard.subject import Subject
from dashboard.widgets.export import Download, as_csv, as_json

_TEMPERATURES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0)


def pick_temperature(trace: it.Trace, layer: int, container: DeltaGenerator) -> float:
    """Draw the slider of the divisor and return it as a multiple of the model's own."""
    root = 1 / float(trace.scaling[layer])

    def name(value: float) -> str:
        if value == 0:
            return _("1 (no division)")
        return f"√{root**2:.0f} = {root:.2f}" if value == 1 else f"{value * root:.2f}"

    key = state.TEMPERATURE
    if key not in st.session_state:
        choices = {f"{one:g}": one for one in _TEMPERATURES}
        st.session_state[key] = choices.get(st.query_params.get(key, ""), 1.0)
    value = container.select_slider(
        _("Divisor (temperature)"),
        _TEMPERATURES,
        format_func=name,
        key=key,
        persist_state="session",
        help=_(
            "The model divides by √d. Towards the left, softmax gives all weight to one key; towards the right, the "
            "weights of all keys become equal. Only this picture changes."
        ),
    )
    state.remember(state.TEMPERATURE, None if value == 1 else f"{value:g}")
    return value if value > 0 else 1 / root


def answer_line(steps: it.attention.AttentionSteps) -> str:
    """Say in Markdown what the head does for this token."""
    best = np.argsort(-steps.weights, kind="stable")[:2]
    values = {"token": f"{literal(steps.tokens.labels[steps.token])} ({steps.token})"}
    for name, i in zip(("first", "second"), best, strict=False):
        values[name] = f"{literal(steps.tokens.labels[i])} ({i})"
        values[f"{name}_share"] = f"{100 * steps.weights[i]:.1f}"
    sentence = (
        _(
            "In this head, **“{token}”** gives {first_share}% of its attention weight to **“{first}”** and "
            "{second_share}% to “{second}”."
        )
        if len(best) > 1
        else _("In this head, **“{token}”** gives all of its attention weight to **“{first}”**.")
    )
    parts = [sentence.format(**values)]
    if steps.divisor != steps.usual_divisor:
        parts.append(
            _(
                "**Not the model's own divisor**: the layer's output has a cosine similarity of {cosine} to the "
                "model's "
                "own."
            ).format(cosine=f"{steps.moved:.4f}")
        )
    return sentences(*parts)


def check_line(steps: it.attention.AttentionSteps) -> str:
    """Say in Markdown how exactly the numbers recompute the model's own, and what the divisor does to them."""
    return sentences(
        _(
            "Recomputed from the numbers below with the model's own divisor, the weights, context and layer output "
            "differ from the model's by at most {error}."
        ).format(error=f"{max(steps.errors.values()):.1e}"),
        _(
            "Entropy of the weights: {entropy} of at most {most} nats. Sensitivity of a weight to its score (1 − "
            "Σw²): {sensitivity}; near 0, softmax passes no gradient, which the division by √d is meant to "
            "prevent."
        ).format(
            entropy=f"{steps.entropy:.2f}",
            most=f"{np.log(max(1, steps.allowed.sum())):.2f}",
            sensitivity=f"{steps.sensitivity:.2f}",
        ),
    )


def step_table(steps: it.attention.AttentionSteps) -> dict[str, list[object]]:
    """Return the numbers of every key, as columns."""
    return {
        "#": list(range(len(steps.weights))),
        _("key"): list(steps.tokens.labels),
        "q · k": steps.dots.tolist(),
        _("q · k / divisor"): steps.scaled.tolist(),
        **({} if steps.bias is None else {_("position bias"): steps.bias.tolist()}),
        _("visible (attention mask)"): steps.allowed.tolist(),
        _("weight"): steps.weights.tolist(),
        _("norm of the value"): np.linalg.norm(steps.values, axis=1).tolist(),
        _("norm of weight · value"): np.linalg.norm(steps.weighted, axis=1).tolist(),
    }


def step_analysis(subject: Subject, layer: int, head: int, token: int, temperature: float) -> Analysis:
    """Describe what is computed."""
    shown = (".weights", ".context", ".errors")
    return Analysis(
        "attention.attention_steps",
        subject,
        name="steps",
        shows=shown,
        layer=layer,
        head=head,
        token=token,
        temperature=temperature,
    )


def step_downloads(analysis: Analysis, stem: str) -> list[Download]:
    """Offer the steps as files."""

    def table() -> bytes:
        return as_csv(step_table(analysis.result))

    def everything() -> bytes:
        steps: it.attention.AttentionSteps = analysis.result
        arrays = {name: value.tolist() for name, value in vars(steps).items() if isinstance(value, np.ndarray)}
        return as_json(
            {
                **analysis.about,
                "tokens": steps.tokens.strings,
                "divisor": steps.divisor,
                "errors": dict(steps.errors),
                **arrays,
            }
        )

    return [
        Download(
            "CSV", f"{stem}.csv", "text/csv", lambda: as_csv(step_table(analysis.result)), _("A row for each key")
        ),
        Download("JSON", f"{stem}.json", "application/json", everything, _("Every vector and matrix above")),
    ]
