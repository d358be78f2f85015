"""What changed in a model, in three sentences: its weights, its attention, its vectors, each with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from dashboard.figures import hidden_state_names
from dashboard.language import _, _n, literal
from dashboard.numbers import sentences
from dashboard.widgets.layer_groups_view import layer_group_name


def weights_finding(moved: Mapping[str, float]) -> str:
    """Say which layer's weights moved most and which least of those that were trained.

    The head is left out: it may have begun at random, and then moves far whatever it learns.

    Parameters
    ----------
    moved
        How far each layer group has moved, relative to its norm before; 0 where it stayed.
    """
    trained = _trained(moved)
    frozen = sum(name.isdigit() for name in moved) - len(trained)
    stayed = _n("{count} layer stayed as it was.", "{count} layers stayed as they were.", frozen).format(count=frozen)
    if not trained:
        return _("**Weights:** no layer moved; what changed is the head.")
    most, least = max(trained, key=trained.__getitem__), min(trained, key=trained.__getitem__)
    said = _("**Weights:** {most} moved most, by {share} of their norm; least of those trained {least}, by {other}.")
    if len(trained) == 1:
        said = _("**Weights:** {most} alone was trained, and moved by {share} of its norm.")
    return sentences(
        said.format(
            most=literal(layer_group_name(most)),
            share=f"{trained[most]:.2%}",
            least=literal(layer_group_name(least)),
            other=f"{trained[least]:.2%}",
        ),
        stayed if frozen else "",
    )


def _trained(moved: Mapping[str, float]) -> dict[str, float]:
    return {name: share for name, share in moved.items() if name.isdigit() and share > 0}


def attention_finding(drift: Float[np.ndarray, "layer head"], moved: Mapping[str, float]) -> str:
    """Say which head's attention changed most on a sentence, and whether that is the layer whose weights did."""
    if not drift.max() > 0:
        return _("**Attention** on the sentence below: no head's attention changed.")
    layer, head = (int(one) for one in np.unravel_index(int(drift.argmax()), drift.shape))
    means = drift.mean(axis=1)
    said = _(
        "**Attention** on the sentence below: layer {layer}, head {head} changed most, by {bits} bits of at most 1. "
        "The mean over all heads is {mean}; the layer with the largest mean is layer {largest} ({largest_mean})."
    ).format(
        layer=layer,
        head=head,
        bits=f"{drift[layer, head]:.3f}",
        mean=f"{drift.mean():.3f}",
        largest=int(means.argmax()),
        largest_mean=f"{means.max():.3f}",
    )
    trained = _trained(moved)
    if not trained:
        return said
    same = max(trained, key=trained.__getitem__) == str(means.argmax())
    return sentences(
        said,
        _("It is also the layer whose weights moved most.")
        if same
        else _("It is not the layer whose weights moved most."),
    )


def vectors_finding(alike: Sequence[float], count: int) -> str:
    """Say at which hidden state texts' vectors are least and most like those before."""
    names = hidden_state_names(range(len(alike)))
    least, most = int(np.argmin(alike)), int(np.argmax(alike))
    return _(
        "**Vectors** of {count} held-out texts: least like before {where} (CKA {low}), most like before {other} (CKA "
        "{high}); 1 is the same arrangement."
    ).format(
        count=f"{count:,}",
        where=_("at “{level}”").format(level=literal(names[least])),
        low=f"{alike[least]:.3f}",
        other=_("at “{level}”").format(level=literal(names[most])),
        high=f"{alike[most]:.3f}",
    )
