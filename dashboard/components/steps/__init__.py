"""Attention as a calculation that can be followed with a finger: `AttentionSteps` to cards of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.components.canvas import picture
from dashboard.components.steps.cards import bars, matrix
from dashboard.components.steps.layer import Layer, layer_part
from dashboard.language import _, language
from dashboard.numbers import sentences

if TYPE_CHECKING:
    from interpret.attention.qkv import AttentionSteps

NAME = "steps"
# More rows than this are no picture any more; the strongest keys then stand for all.
MOST_ROWS = 24
_COMPONENT = picture(NAME, "<div class='steps'></div><p class='readout' aria-live='polite' data-testid='readout'></p>")


def steps_picture(steps: AttentionSteps, layer: Layer, title: str, file: str) -> None:
    """Draw the steps.

    Parameters
    ----------
    layer
        How the model's layers are made.
    title, file
        The line over a saved picture, and the name of its file without an ending.
    """
    shown = shown_keys(steps)
    labels = [f"{i} {'␣'.join(steps.tokens.labels[i].split()) or '␣'}" for i in shown]
    parts = [_score(steps, shown, labels, layer), _mix(steps, shown, labels, layer), layer_part(steps, layer)]
    number = 0
    for part in parts:
        for card in part["cards"]:
            number += 1
            card["number"] = str(number)
    about = f"{steps.layer}.{steps.head}.{steps.token}.{steps.divisor:.4f}.{language()}.{steps.tokens.ids.tolist()}"
    data = {
        "key": hashlib.sha1(about.encode(), usedforsecurity=False).hexdigest()[:16],
        "picture": NAME,
        "title": title,
        "file": file,
        "pinned": _("Pinned: {what}"),
        "hint": _("Point at a row to follow it through all steps."),
        "focus": {"group": "keys", "row": int(steps.weights[shown].argmax())},
        "worked": {"keys": [_worked(steps, key) for key in shown]},
        "parts": parts,
    }
    _COMPONENT(key=NAME, data=data)


def shown_keys(steps: AttentionSteps) -> list[int]:
    """Return the keys that are drawn, in the order of the text: all, or those with the largest weights.

    The tokens of a prompt are not.
    """
    shown = steps.tokens.shown
    strongest = shown[np.argsort(-steps.weights[shown], kind="stable")[:MOST_ROWS]]
    # Where only a few may be looked at, no masked ones fill the rows up.
    crowded = len(shown) > MOST_ROWS
    return sorted(int(i) for i in strongest if steps.allowed[i] or not crowded)


def _score(steps: AttentionSteps, shown: Sequence[int], labels: Sequence[str], layer: Layer) -> dict[str, Any]:
    marked = shown.index(steps.token) if steps.token in shown else None
    return {
        "title": _("How the attention weight is computed"),
        "cards": [*_match(steps, shown, labels, marked, layer), *_weigh(steps, shown, labels, marked)],
    }


def _match(
    steps: AttentionSteps, shown: Sequence[int], labels: Sequence[str], marked: int | None, layer: Layer
) -> list[dict[str, Any]]:
    n, width = steps.keys.shape
    token = steps.tokens.labels[steps.token]
    return [
        matrix(
            _("The query"),
            layer.projected("q", "W_Q", layer.read.format("x"), layer.rotary),
            f"{len(steps.hidden)} → {width}",
            sentences(
                _(
                    "What “{token}” is looking for: its hidden state x, projected by this head. Each cell is one of "
                    "{width} numbers, blue below zero and orange above."
                ).format(token=token, width=width),
                _("B and B′ are bottlenecks, which first make x narrower.") if layer.residual != "{}" else "",
            ),
            [token],
            steps.query[None],
            "query",
            "whole",
        ),
        matrix(
            _("Every token's key"),
            layer.projected("kⱼ", "W_K", layer.read.format("xⱼ"), layer.rotary),
            f"{n} × {width}",
            _("What each token offers for queries to match, projected by the same head.")
            if not layer.rotary
            else _(
                "What each token offers for queries to match. R rotates query and key by the token's position "
                "(rotary position embedding)."
            ),
            labels,
            steps.keys[shown],
            "keys",
            marked=marked,
        ),
        matrix(
            _("Multiply element by element"),
            "q ⊙ kⱼ",
            f"{n} × {width}",
            _("Orange: query and key have the same sign and agree."),
            labels,
            steps.products[shown],
            "keys",
            marked=marked,
        ),
        bars(
            _("Sum: the dot product"),
            "q · kⱼ = Σ (q ⊙ kⱼ)",
            f"{n}",
            _("One number per token: how well its key matches the query."),
            labels,
            steps.dots[shown],
            "keys",
            marked,
        ),
    ]


def _weigh(
    steps: AttentionSteps, shown: Sequence[int], labels: Sequence[str], marked: int | None
) -> list[dict[str, Any]]:
    n, width = steps.keys.shape
    divisor = f"{steps.divisor:.2f}"
    usual = steps.divisor == steps.usual_divisor
    allowed = steps.allowed[list(shown)]
    scores = _scores(steps)
    # Of how many products the score is a sum: one but in DeBERTa.
    products = round(steps.usual_divisor**2 / width)
    grows = (
        _("Dot products of {width} numbers grow with √{width}; dividing keeps the softmax from saturating.")
        if products == 1 or steps.bias is None
        else _(
            "Dot products of {width} numbers grow with √{width}, and the score adds up {products} of them: hence "
            "√({products} · {width}). Dividing keeps the softmax from saturating."
        )
    ).format(width=width, products=products)
    added = [] if steps.bias is None else [_position_bias(steps, shown, labels, marked)]
    return [
        bars(
            _("Divide by √d"),
            f"sⱼ = q · kⱼ / {divisor}",
            f"{n}",
            grows
            if usual
            else _("Divided by {divisor} instead of √{width} = {usual}, as you chose.").format(
                divisor=divisor, width=products * width, usual=f"{steps.usual_divisor:.2f}"
            ),
            labels,
            steps.scaled[shown],
            "keys",
            marked,
        ),
        *added,
        bars(
            _("The mask"),
            _("sⱼ; −∞ where masked"),
            f"{n}",
            _("Nothing is masked: BERT attends in both directions, and a single text has no padding.")
            if steps.allowed.all()
            else _("This layer attends only locally: tokens too far away get −∞, and so weight 0."),
            labels,
            [float(one) if may else None for one, may in zip(scores[list(shown)], allowed, strict=True)],
            "keys",
            marked,
        ),
        bars(
            _("Softmax: the weights"),
            "wⱼ = exp(sⱼ) / Σ exp(s)",
            f"{n}, Σ = 1",
            _("All positive and summing to 1: the row that the explorer shows.")
            if usual
            else _("The thin marks are the model's own weights, with its original divisor."),
            labels,
            steps.weights[shown],
            "keys",
            marked,
            usual=None if usual else steps.usual_weights[shown].tolist(),
        ),
    ]


def _scores(steps: AttentionSteps) -> np.ndarray:
    """Return what the softmax is taken of."""
    return steps.scaled if steps.bias is None else steps.scaled + steps.bias


def _position_bias(
    steps: AttentionSteps, shown: Sequence[int], labels: Sequence[str], marked: int | None
) -> dict[str, Any]:
    return bars(
        _("Add the relative position bias"),
        "sⱼ ← sⱼ + bⱼ",
        f"{len(steps.scaled)}",
        sentences(
            _(
                "The thin marks are the scores without it. In MPNet, bⱼ is a number for each head and distance; in "
                "DeBERTa, it matches the content of one token with how far away the other stands, both ways."
            ),
            "" if steps.divisor == steps.usual_divisor else _("It is divided by the same temperature."),
        ),
        labels,
        _scores(steps)[shown],
        "keys",
        marked,
        usual=steps.scaled[shown].tolist(),
    )


def _mix(steps: AttentionSteps, shown: Sequence[int], labels: Sequence[str], layer: Layer) -> dict[str, Any]:
    n, width = steps.values.shape
    return {
        "title": _("What the head passes on"),
        "cards": [
            matrix(
                _("Every token's value"),
                layer.projected("vⱼ", "W_V", layer.passed.format("xⱼ")),
                f"{n} × {width}",
                _(
                    "What each token passes to the tokens that attend to it. A value need not resemble its key; a "
                    "head often sends attention that it has no use for to a token whose value is close to zero."
                ),
                labels,
                steps.values[shown],
                "keys",
                "half",
            ),
            matrix(
                _("Weight times value"),
                "wⱼ · vⱼ",
                f"{n} × {width}",
                _("Same colour scale as the values: a small weight fades its row."),
                labels,
                steps.weighted[shown],
                "keys",
                "half",
                largest=float(abs(steps.values[shown]).max()),
            ),
            matrix(
                _("Their sum: the output of this head"),
                "c = Σ wⱼ · vⱼ",
                f"{width}",
                _("The context vector of “{token}” in this head.").format(token=steps.tokens.labels[steps.token]),
                [steps.tokens.labels[steps.token]],
                steps.context[None],
                "context",
                "whole",
            ),
        ],
    }


def _worked(steps: AttentionSteps, key: int) -> str:
    biggest = sorted(np.argsort(-abs(steps.products[key]))[:3])
    terms = " + ".join(f"{_signed(steps.query[i])}·{_signed(steps.keys[key, i])}" for i in biggest)
    sentence = (
        _("“{token}”: {terms} + … = {dot};  {dot} ÷ {divisor} = {scaled};  exp({scaled}) ÷ Σ = {weight}")
        if steps.bias is None
        else _("“{token}”: {terms} + … = {dot};  {dot} ÷ {divisor} + {bias} = {scaled};  exp({scaled}) ÷ Σ = {weight}")
    )
    return sentence.format(
        token=steps.tokens.labels[key],
        terms=terms,
        dot=f"{steps.dots[key]:.3f}",
        divisor=f"{steps.divisor:.3f}",
        bias="" if steps.bias is None else _signed(steps.bias[key], ".3f"),
        scaled=f"{_scores(steps)[key]:.3f}" if steps.allowed[key] else "−∞",
        weight=f"{steps.weights[key]:.4f}",
    )


def _signed(value: float, form: str = ".2f") -> str:
    return f"{value:{form}}" if value >= 0 else f"(−{-value:{form}})"
