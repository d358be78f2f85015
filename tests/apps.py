"""The dashboard without a browser."""

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboard import cache, ownership
from interpret.attribution.row_jobs import list_jobs


def switch(app: AppTest, name: str) -> AppTest:
    """Switch to a page by the name in its address.

    Before its first run `AppTest.switch_page` knows pages by their files' names alone, and here all are `page.py`.
    """
    app._page_hash = calc_hash(name)
    return app


def charts(app: AppTest) -> set[str]:
    """Return the keys of the figures that are drawn."""
    return {one.key for one in app.get("plotly_chart")}


def offered(app: AppTest, key: str) -> bool:
    """Whether there is a button with a key."""
    return any(one.key == key for one in app.button)


def listed(app: AppTest, key: str):
    """Return a list that drops down whose key begins so: it may end in what tells one file from another."""
    return next(one for one in app.selectbox if one.key and one.key.startswith(key))


def explained_rows():
    """Return what came of the file that was explained last."""
    return cache.explained_rows(list_jobs(ownership.explanations_folder())[0])
