"""The entry. `streamlit run` looks here for the server, which then runs this file for each reader, as the page."""

import streamlit as st

if __name__ == "__main__":
    from dashboard.frame import draw

    draw()
else:
    from starlette.middleware import Middleware

    from dashboard.audit import note_entry
    from dashboard.hosts import KnownHosts, opened
    from dashboard.logs import Requests
    from dashboard.policy import Policy
    from dashboard.sessions import whose_tab
    from dashboard.shell import Shell
    from dashboard.sign_in.gate import SignIn
    from dashboard.visitors import Visitors

    middleware = [
        Middleware(Requests),
        Middleware(Policy),
        Middleware(KnownHosts),
        Middleware(SignIn, on_entry=note_entry, whose=whose_tab),
        Middleware(Visitors),
        Middleware(Shell),
    ]
    app = st.App(__file__, middleware=middleware, lifespan=opened)
