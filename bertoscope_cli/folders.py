"""Where the dashboard lies."""

from pathlib import Path


def app_folder() -> Path:
    """Return the folder that `dashboard` and `pages` lie in: where a wheel puts them, or a checkout."""
    above = Path(__file__).resolve().parent.parent
    installed = above / "bertoscope" / "_app"
    return installed if installed.is_dir() else above
