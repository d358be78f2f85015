"""What every picture drawn in the browser shares: colours of the theme, labels, and a canvas that also writes SVG."""

from pathlib import Path

_FOLDER = Path(__file__).parent
_PARTS = ("theme.js", "text.js", "svg.js", "paint.js", "picture.js", "component.js")


def script(*parts: Path) -> str:
    """Join the shared files and a component's own into one script: plain functions in one scope, nothing to build."""
    return "\n".join(path.read_text("utf-8") for path in (*(_FOLDER / name for name in _PARTS), *parts))
