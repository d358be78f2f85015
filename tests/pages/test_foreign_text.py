"""Text from files and people is text on every page: no link, picture, formula, colour or icon comes of it."""

import json
import re

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

from dashboard import ROOT, cache
from tests.tiny import make_checkpoint

# One of each kind of thing that Markdown, Streamlit's own additions to it, or HTML would make of a text.
HOSTILE = (
    "![x](http://evil.example/a.png) *x* :red[x]",
    "~~x~~ $x^2$ [l](javascript:1) <img src=x> :material/home: :smile:",
)
# What of these a text shown as it is has no more: each begins with a backslash then.
RAW = re.compile(
    r"(?<!\\)!\[x|(?<!\\)\[l\]|(?<!\\)\*x\*|(?<!\\):red\[|~~x~~|(?<!\\)\$x\^2|<img src=x|(?<!\\):material/home:|"
    r"(?<!\\):smile:|(?<!\\):\*y"
)
# Parts of a page that show text as it is, or hand it to code of our own that does.
PLAIN = {
    "TextInput": {"value", "default"},
    "TextArea": {"value", "default"},
    "Text": {"body"},
    "Code": {"code_text"},
    "Selectbox": {"options", "raw_value"},
    "Element": set(),
    "BidiComponent": None,
    "ArrowDataFrame": None,
    "Arrow": None,
    "PlotlyChart": None,
    # BertViz, in a page of its own that has no access to anything: see tests of `bertviz_page`.
    "IFrame": None,
    "DownloadButton": {"url"},
}
PAGES = {
    "attention": ("tab", ["where", "heads", "flow", "steps", "ablation", "bertviz"]),
    "attributions": ("why", ["why", "quality", "layers", "pairs", "whatif", "rows"]),
    "pretraining": ("pre", ["guess", "game", "surprise", "following"]),
}
FOLDER = "![x](a) *x* :red[x] ~~x~~ $x^2$ :smile:"


def strings(message):
    """Yield every text of a part of a page that the browser reads as Markdown, with where it is."""
    kind = message.DESCRIPTOR.name
    plain = PLAIN.get(kind, set())
    if plain is None:
        return
    for field, value in message.ListFields():
        if field.name in ("id", "element_id", "key", "form_id") or field.name in plain:
            continue
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str):
                yield f"{kind}.{field.name}", one
            elif hasattr(one, "ListFields"):
                yield from strings(one)


def raw_texts(page):
    """Return what of a page is raw: its Markdown, and what Plotly reads as HTML."""
    found = []
    for proto in protos(page._tree):
        if proto.DESCRIPTOR.name == "PlotlyChart":
            found += [("PlotlyChart", one) for one in re.findall(r"<img[^>]*>", proto.spec)]
        found += [(where, one) for where, one in strings(proto) if RAW.search(one)]
    return found


def protos(node):
    """Yield every part of a page as it is sent to the browser."""
    proto = getattr(node, "proto", None)
    if hasattr(proto, "DESCRIPTOR"):
        yield proto
    for child in getattr(node, "children", {}).values():
        yield from protos(child)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    names = dict(enumerate(HOSTILE))
    make_checkpoint(
        "bert",
        root / FOLDER,
        loader=tf.AutoModelForSequenceClassification,
        id2label=names,
        label2id={name: place for place, name in names.items()},
        max_position_embeddings=300,
    )
    make_checkpoint("roberta", root / (FOLDER + "2"), loader=tf.AutoModelForMaskedLM, max_position_embeddings=400)
    # Its config.json's maps disagree, which is said with the classes' names.
    made = make_checkpoint("bert", root / "told", loader=tf.AutoModelForSequenceClassification)
    config = json.loads((made / "config.json").read_text())
    config |= {"id2label": names, "label2id": {HOSTILE[0]: 1, HOSTILE[1]: 0}}
    (made / "config.json").write_text(json.dumps(config))
    return root


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


@pytest.mark.parametrize("name, tab", [(name, tab) for name, (_key, tabs) in PAGES.items() for tab in tabs])
def test_no_text_acts_in_any_tab(page, name, tab):
    key = PAGES[name][0]
    model = FOLDER + "2" if name == "pretraining" else FOLDER
    page.query_params.update({"model": f"folder:{model}", key: tab, "text": HOSTILE[0], "pair": HOSTILE[1]})
    page.switch_page(f"../pages/{name}.py").run()
    assert not page.exception
    assert raw_texts(page) == []


def test_what_is_said_of_a_checkpoint_is_text(page):
    page.query_params.update({"model": "folder:told", "text": "the river bank"})
    page.switch_page("../pages/attributions.py").run()
    assert any("by id2label" in one.value for one in page.warning)
    assert raw_texts(page) == []


@pytest.mark.parametrize("tab", ["map", "clusters", "layers", "geometry", "neighbours"])
def test_texts_and_labels_of_a_collection_are_text(page, tab):
    page.query_params.update({"model": f"folder:{FOLDER}", "show": tab, "from": "pasted"})
    page.switch_page("../pages/embeddings.py").run()
    rows = "\n".join(f"the river {i} {HOSTILE[0]}\t{HOSTILE[i % 2]}" for i in range(12))
    page.text_area[0].set_value(rows).run()
    assert not page.exception
    assert raw_texts(page) == []
