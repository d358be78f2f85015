"""The field that takes a file, in the reader's language."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.language import _

# Streamlit writes its own words in English, and has no setting for them.
_STYLE = """<style>
[data-testid="stFileUploaderDropzone"] button p,
[data-testid="stFileUploaderDropzoneInstructions"] span {{ font-size: 0; }}
[data-testid="stFileUploaderDropzone"] button p::after {{ content: "{upload}"; font-size: 1rem; }}
[data-testid="stFileUploaderDropzoneInstructions"] span::after {{ content: "{size}"; font-size: 0.875rem; }}
</style>"""


def uploader(label: str, suffixes: Sequence[str], key: str, on_change: Callable[[], None]) -> None:
    """Draw it; the label says which kinds of files are taken."""
    size = _("at most {size} MB per file").format(size=st.get_option("server.maxUploadSize"))
    st.html(_STYLE.format(upload=_("Upload"), size=size))
    st.file_uploader(label, type=[suffix[1:] for suffix in suffixes], key=key, on_change=on_change)
