"""What people did, as the audit log has it."""

from __future__ import annotations

import streamlit as st

from dashboard import audit
from dashboard.language import _, literal
from dashboard.sign_in.session import needs_sign_in
from dashboard.widgets.data_table import data_table
from dashboard.widgets.notices import guarded


@guarded
def entries() -> None:
    """List the last entries of the audit log, and save this month's; nothing where nobody signs in."""
    if not needs_sign_in():
        st.caption(_("Nobody signs in on this server: who did what is not known, and everybody sees this page."))
        return
    st.markdown("#### " + _("Audit log"))
    found = audit.last_entries()
    if not found:
        st.caption(_("Nothing was written down yet."))
        return
    titles = {
        "time": _("Time (UTC)"),
        "who": _("Name"),
        "address": _("Address"),
        "what": _("What"),
        "kind": _("Kind"),
        "name": _("Item"),
    }
    known = _words()
    columns = {title: [one.get(name, "") for one in found] for name, title in titles.items()}
    for title in (titles["what"], titles["kind"]):
        columns[title] = [known.get(one, one) for one in columns[title]]
    data_table(columns, key="server_entries")
    file = audit.entries_file()
    if file is not None:
        st.download_button(
            _("This month's log (JSONL)"),
            file.read_bytes,
            file.name,
            "application/jsonl",
            icon=":material/download:",
            key="server_audit",
        )
        st.caption(_("All of it is in “{folder}”.").format(folder=literal(str(file.parent))))


def _words() -> dict[str, str]:
    """Name what the log has words of its own for."""
    return {
        "signed in": _("Signed in"),
        "started": _("Started"),
        "stopped": _("Stopped"),
        "deleted": _("Deleted"),
        "downloaded": _("Downloaded"),
        "shared": _("Shared"),
        "unshared": _("No longer shared"),
        "freed": _("Freed"),
        "run": _("Run"),
        "explanation": _("Explanation"),
        "server": _("Server"),
    }
