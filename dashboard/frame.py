"""The frame of every page: language, navigation, sidebar, and then the page that was asked for."""

import html
import time

import streamlit as st

from dashboard import ROOT, page_file, state
from dashboard.language import _, follow, languages, speaking
from dashboard.logs import note_page, one_request
from dashboard.ownership import runs_server
from dashboard.sessions import note_session
from dashboard.sign_in.pages import LEAVE, below_base
from dashboard.sign_in.session import person
from dashboard.widgets.device_picker import device_picker
from dashboard.widgets.file_line import no_file_lines
from dashboard.widgets.model_card import card_button
from dashboard.widgets.models import model_picker
from dashboard.widgets.notices import guarded
from dashboard.widgets.slot_view import sidebar_slot
from interpret.core.device_queue import request

# Further addresses of pages. Streamlit serves the first page at the root alone; "fine-tune" is how the menu writes it.
ALIASES = {"home": "home", "fine-tune": "finetune"}


def draw() -> None:
    """Draw the frame, and the page within it: what somebody waits for, and goes before what takes long."""
    with request(), one_request():
        _draw()


def _draw() -> None:
    state.repair()
    state.renew()
    follow(state.chosen_language)
    st.set_page_config(page_title="Bertoscope", page_icon=str(ROOT / "dashboard/icon.svg"), layout="wide")

    st.logo(ROOT / "dashboard/logo.svg", size="large", icon_image=ROOT / "dashboard/icon.svg")

    page, begun = st.navigation(_pages()), time.monotonic()
    note_session(page.url_path)
    if page.url_path in ALIASES:
        page.run()

    with st.sidebar:
        state.seed(state.LANGUAGE, state.chosen_language(), languages())
        st.selectbox(
            "Language · 语言",
            list(languages()),
            format_func=languages().__getitem__,
            key=state.LANGUAGE,
            persist_state="session",
        )
        state.remember(state.LANGUAGE, st.session_state[state.LANGUAGE])
        state.follow_language()
        guarded(sidebar_slot)()
        guarded(model_picker)()
        _who()
        # Filled last: to know the devices takes PyTorch, and nobody should wait for it to start typing.
        devices = st.container()

    # The picker has settled it, and a page looks up a thousand sentences.
    with speaking(state.chosen_language()):
        no_file_lines()
        guarded(page.run)()
        with devices:
            guarded(device_picker)()
            card_button()
    who = person()
    note_page(page.url_path, time.monotonic() - begun, "" if who is None else who.id)


def _who() -> None:
    """Say who is signed in, and let them leave; lead who runs the server to its page."""
    who = person()
    if who is not None:
        name, leave = (html.escape(one) for one in (who.name, _("Sign out")))
        st.html(
            f'<small data-testid="person">{name} · <a href="{below_base(LEAVE)}" target="_self">{leave}</a></small>'
        )
    if runs_server():
        st.page_link(page_file("server"), label=_("Server"), icon=":material/dns:")


def _pages() -> list[st.Page]:
    """Return the pages in the order of the menu, and the addresses that lead to one of them."""
    return [
        st.Page(
            page_file("home"),
            title=_("Home"),
            icon=":material/home:",
            url_path="",
            default=True,
        ),
        st.Page(
            page_file("attention"),
            title=_("Attention"),
            icon=":material/grid_view:",
            url_path="attention",
        ),
        st.Page(
            page_file("embeddings"),
            title=_("Embeddings"),
            icon=":material/scatter_plot:",
            url_path="embeddings",
        ),
        st.Page(
            page_file("attributions"),
            title=_("Attributions"),
            icon=":material/ink_highlighter:",
            url_path="attributions",
        ),
        st.Page(
            page_file("pretraining"),
            title=_("Pretraining"),
            icon=":material/extension:",
            url_path="pretraining",
        ),
        st.Page(
            page_file("questions"),
            title=_("Questions"),
            icon=":material/quiz:",
            url_path="questions",
        ),
        st.Page(
            page_file("compare"),
            title=_("Compare"),
            icon=":material/compare_arrows:",
            url_path="compare",
        ),
        st.Page(
            page_file("finetune"),
            title=_("Fine-tune"),
            icon=":material/model_training:",
            url_path="finetune",
        ),
        st.Page(
            page_file("resources"),
            title=_("Resources"),
            icon=":material/memory:",
            url_path="resources",
        ),
        st.Page(page_file("runs"), title=_("Runs"), icon=":material/history:", url_path="runs"),
        # In no menu: most people have no use for it.
        st.Page(page_file("server"), title=_("Server"), url_path="server", visibility="hidden"),
        *(_alias(address, name) for address, name in ALIASES.items()),
    ]


def _alias(address: str, name: str) -> st.Page:
    """Return a page that is in no menu and opens another one, with what the link asks for."""

    def forward() -> None:
        st.switch_page(page_file(name), query_params=state.address())

    return st.Page(forward, title=address, url_path=address, visibility="hidden")
