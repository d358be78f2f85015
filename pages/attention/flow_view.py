"""Where it flows: the methods side by side, how far they agree, and their numbers as files."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float32
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import state
from dashboard.analysis import Analysis, trace_of
from dashboard.language import _, literal
from dashboard.numbers import interval, listed, number
from dashboard.subject import Subject
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import long_work
from pages.attention.flow_figures import method_names

if TYPE_CHECKING:
    from interpret.core.tokens import Tokens

Target = int | Literal["state"]
Method = Literal["rollout", "flow", "gradient"]
# Above so many tokens the maximum flows take seconds, and wait for a click.
_MOST_AT_ONCE = 160
_STATE = -1


def pick_target(encoder: it.Encoder, container: DeltaGenerator) -> Target:
    """Let the gradient's target be chosen, where the model has classes to choose from."""
    if encoder.task is None or not encoder.task.of_text:
        return "state"
    names = {_STATE: _("the token's own hidden state"), **dict(enumerate(encoder.task.labels))}
    target = choose(container.selectbox, _("Gradient of"), names, state.TARGET)
    state.publish(state.TARGET)
    return "state" if target == _STATE else target


def flow_analyses(subject: Subject, layer: int, token: int, target: Target) -> dict[str, Analysis]:
    """Describe what each method computes."""
    return {
        "rollout": Analysis("attention.rollout", subject, shows=(f"[{layer}, {token}]",)),
        "flow": Analysis(
            "attention.attention_flow", subject, name="flow", shows=("[0, 0]",), layers=(layer,), queries=(token,)
        ),
        "gradient": Analysis(
            "attention.gradient_paths",
            subject,
            name="paths",
            shows=(".mass[0]",),
            layer=layer,
            query=token,
            target=target,
        ),
    }


def sources(
    subject: Subject, analyses: Mapping[str, Analysis], layer: int, token: int
) -> dict[str, Float32[np.ndarray, " token"]]:
    """Return what each input is by each method that this model and text allow, waiting for a click where long.

    Shares, but for ``"flow"``: the most that could flow to that input alone (`interpret.attention.attention_flow`).
    """
    trace = trace_of(subject)
    found = {
        "raw": trace.attention[layer, :, token].mean(axis=0),
        # A copy, so that what keeps the row does not keep all of them.
        "rollout": analyses["rollout"].result[layer, token].copy(),
    }
    if len(trace.tokens) <= _MOST_AT_ONCE:
        found["flow"] = analyses["flow"].result[0, 0]
    else:
        row = long_work(
            "flow_work",
            f"{subject.spec}:{hash((subject.text, subject.pair))}:{layer}:{token}",
            _("Compute max-flow for {tokens} tokens").format(tokens=len(trace.tokens)),
            lambda progress: analyses["flow"].run(progress=progress)[0, 0],
        )
        if row is not None:
            found["flow"] = row
    if "gradient" in analyses:
        found["gradient"] = analyses["gradient"].result.mass[0]
    return found


def answer_line(shares: Mapping[str, Float32[np.ndarray, " token"]], tokens: Tokens, token: int, layer: int) -> str:
    """Say in Markdown which inputs each method finds most of."""
    names = method_names()

    def most(name: str, row: Float32[np.ndarray, " token"]) -> str:
        best = tokens.shown[np.argsort(-row[tokens.shown], kind="stable")[:2]]
        # Maximum flows are each a problem of their own: shares of their sum would say nothing.
        numbers = [f"{row[i]:.3f}" if name == "flow" else f"{100 * row[i] / row.sum():.0f}%" for i in best]
        return listed(f"{literal(tokens.labels[i])} ({i}) {share}" for i, share in zip(best, numbers, strict=True))

    found = " · ".join(
        _("{name}: {value}").format(name=names[name], value=most(name, row)) for name, row in shares.items()
    )
    return _("After layer {layer}, **“{token}”** draws mostly on: {found}.").format(
        token=f"{literal(tokens.labels[token])} ({token})", layer=layer, found=found
    )


def limits(method: str) -> str:
    """Say what a method's numbers do not mean."""
    if method == "gradient":
        return _(
            "What this does not mean: the gradient passes through the whole model, but only the effect of attention "
            "weights is counted, and only where it raises the target. It does not prove that information took this "
            "path."
        )
    return _(
        "What this does not mean: rollout and max-flow follow attention weights only. They ignore the values, the "
        "feed-forward parts and the layer norms, so a large number means that a path is open, not that information "
        "took it."
    )


def agreement_line(shares: Mapping[str, Float32[np.ndarray, " token"]]) -> str:
    """Say how far the methods put the inputs in the same order."""
    from scipy.stats import spearmanr

    from interpret.core.rank_correlation import spearman_interval

    names = method_names()
    pairs = []
    for one, other in combinations(shares, 2):
        tokens = len(shares[one])
        if tokens > 2:
            value = float(spearmanr(shares[one], shares[other]).statistic)
            pairs.append(
                _("{one} and {other} {correlation} ({interval})").format(
                    one=names[one],
                    other=names[other],
                    correlation=number(value, ".2f"),
                    interval=interval(spearman_interval(value, tokens), ".2f"),
                )
            )
    return _(
        "Shares are divided by their sum; their colour follows the square root. Max-flow is not a share and has its "
        "own scale: the maximum flow to that input alone, when the links leaving each token have a total capacity of "
        "1; its numbers need not add up to 1. Rank correlation (Spearman; 95% as for as many other tokens, "
        "{tokens}): {pairs}."
    ).format(pairs=" · ".join(pairs), tokens=max(map(len, shares.values()), default=0))


def method_picker() -> Method:
    """Draw the choice of what the picture follows."""
    names = method_names()
    offered: tuple[Method, ...] = ("rollout", "flow", "gradient")
    method: Method = segments(_("Method"), {name: names[name] for name in offered}, state.METHOD)
    state.publish(state.METHOD)
    return method


def method_about(method: str) -> str:
    """Say what a method does and where it is from."""
    return {
        "rollout": _(
            "**Rollout** (Abnar & Zuidema 2020): each layer passes on half of its mean attention and half of the "
            "token itself, `0.5·A + 0.5·I`. Read from right to left: the chosen token's 100% is distributed layer by "
            "layer, and what reaches the inputs adds up to 100% again."
        ),
        "flow": _(
            "**Max-flow** (Abnar & Zuidema 2020): the same numbers as the capacities of pipes. The picture shows one "
            "way to send as much as possible from the chosen token to one input. Every input is a separate problem, "
            "so the flows do not add up to 1."
        ),
        "gradient": _(
            "**Gradient × attention** (Chefer et al. 2021): a link counts where strengthening it would raise the "
            "target: `I + mean of max(0, ∇A·A)`, multiplied through the layers. The values of each hidden state are "
            "divided by their sum. Without a class, the target is the difference between the token's own state and "
            "the text's mean state."
        ),
    }[method]


def flow_downloads(
    subject: Subject,
    layer: int,
    token: int,
    target: Target,
    tokens: Tokens,
    shares: Mapping[str, Float32[np.ndarray, " token"]],
    stem: str,
) -> list[Download]:
    """Offer the shares and flows that are seen as files."""
    columns = {"raw": "raw_share", "rollout": "rollout_share", "flow": "max_flow", "gradient": "gradient_share"}
    rows = {columns[name]: row.tolist() for name, row in shares.items()}

    def table() -> bytes:
        return as_csv({"#": list(range(len(tokens))), "token": list(tokens.labels), **rows})

    def numbers() -> bytes:
        return as_json(
            {
                **Analysis("trace", subject).about,
                "layer": layer,
                "token": token,
                "target": target,
                "tokens": tokens.strings,
                **rows,
            }
        )

    return [
        Download(
            "CSV",
            f"{stem}.csv",
            "text/csv",
            table,
            _("Each input's share by each method (not normalised), and the maximum flow to it"),
        ),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with model, text and settings")
        ),
    ]
