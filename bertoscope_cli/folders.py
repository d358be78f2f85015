"""Where the dashboard lies, and what a person makes with it."""

import os
from pathlib import Path


def app_folder() -> Path:
    """Return the folder that `dashboard` and `pages` lie in: where a wheel puts them, or a checkout."""
    above = Path(__file__).resolve().parent.parent
    installed = above / "bertoscope" / "_app"
    return installed if installed.is_dir() else above


def data_folder() -> Path:
    """Return the folder for what a person would miss: a checkout's own, or the user's folder for data."""
    app = app_folder()
    if app.name != "_app":
        return app
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "bertoscope"


def shown(folder: Path) -> str:
    """Return a folder as a help page writes it."""
    home = Path.home()
    return f"~/{folder.relative_to(home).as_posix()}" if folder.is_relative_to(home) else str(folder)
