"""The dashboard without a browser."""

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash


def switch(app: AppTest, name: str) -> AppTest:
    """Switch to a page by the name in its address.

    Before its first run `AppTest.switch_page` knows pages by their files' names alone, and here all are `page.py`.
    """
    app._page_hash = calc_hash(name)
    return app
