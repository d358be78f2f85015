"""Errors become one notice; no traceback ever reaches a page."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from dashboard.language import _, explain, literal
from dashboard.logs import one_request
from interpret.core.device_queue import request
from interpret.core.disk_errors import disk_reason
from interpret.core.errors import Cancelled, CapacityError, InterpretError
from interpret.core.redaction import report

P = ParamSpec("P")
_log = logging.getLogger("bertoscope")


def guarded(work: Callable[P, None]) -> Callable[P, None]:
    """Run a page, a fragment or a part of one, and show what goes wrong in its place as one sentence."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        # A fragment, or what a click does, is run without the frame.
        with request(), one_request() as id_:
            try:
                work(*args, **kwargs)
            except CapacityError as error:
                st.warning(explain(error), icon=":material/memory:")
            except Cancelled:
                said = _("Whoever runs this server has stopped long work. Start it again later.")
                st.warning(said, icon=":material/stop_circle:")
            except InterpretError as error:
                st.warning(explain(error), icon=":material/error:")
            except Exception as error:
                # Streamlit's own signals for stop and rerun are no Exceptions and pass.
                report(_log, "a page failed")
                if reason := disk_reason(error):
                    said = _(
                        "A file could not be read or written: {error}. Your input is still here. Free some disk space, "
                        "or allow writing there, then try again; the server log has the details: {id}."
                    )
                    st.warning(said.format(error=literal(reason), id=id_), icon=":material/save:")
                    return
                said = _(
                    "An unexpected error occurred. Your input is still here; the server log has the details: {id}."
                )
                st.error(said.format(id=id_), icon=":material/bug_report:")

    return run
