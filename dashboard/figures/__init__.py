"""Figures: functions from a result to a Plotly figure. They know no Streamlit."""

from collections.abc import Iterable

from dashboard.language import _


def shown(text: str) -> str:
    """Return a text as Plotly shows it as it is: it reads a subset of HTML in its texts."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def hidden_state_names(states: Iterable[int]) -> list[str]:
    """Name hidden states for the reader: 0 is the embeddings, 1 what layer 0 gives, and so on."""
    return [_("after layer {layer}").format(layer=state - 1) if state else _("embeddings") for state in states]


def numbered(labels: tuple[str, ...] | list[str]) -> list[str]:
    """Give each label its position: the same token can occur twice, and Plotly would take it for one."""
    return [f"{index} {shown(label)}" for index, label in enumerate(labels)]
