"""Traces with attention made by hand."""

import numpy as np

import interpret as it


def planted(trace, attention, **more):
    """The same trace with other attention, and nothing that it could have been made of."""
    attention = np.asarray(attention, np.float32)
    layers, heads, n, _ = attention.shape
    nothing = {
        **dict.fromkeys(("query", "key", "value", "context"), np.zeros((layers, heads, n, 4), np.float32)),
        "mask": None,
        "scaling": np.ones(layers, np.float32),
        "bias": None,
        "hidden": np.zeros((layers + 1, n, 4), np.float32),
    }
    return it.Trace(**{**trace.__dict__, **nothing, "attention": attention, **more})


def uniform(layers, heads, n):
    return np.full((layers, heads, n, n), 1 / n)
