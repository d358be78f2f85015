"""Figures: functions from a result to a Plotly figure. They know no Streamlit."""


def shown(text: str) -> str:
    """Return a text as Plotly shows it as it is: it reads a subset of HTML in its texts."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def numbered(labels: tuple[str, ...] | list[str]) -> list[str]:
    """Give each label its position: the same token can occur twice, and Plotly would take it for one."""
    return [f"{index} {shown(label)}" for index, label in enumerate(labels)]
