"""Text from files and people is text on every page: no link, picture, formula, colour or icon comes of it."""

import inspect
import json
import re

import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.language import literal
from pages.runs import runs_view
from tests.apps import charts, offered, switch
from tests.pages.test_results_page import noise, plant
from tests.slot import hold
from tests.tiny import make_checkpoint

# One of each kind of thing that Markdown, Streamlit's own additions to it, or HTML would make of a text.
HOSTILE = (
    "![x](http://evil.example/a.png) *x* :red[x] <a href=y>x</a> `x`",
    "~~x~~ $x^2$ [l](javascript:1) <img src=x> :material/home: :smile: :streamlit: www.evil.example <i>x</i>",
)
# What of these a text shown as it is has no more: each begins with a backslash then, and what the browser looks for
# when backslashes are gone has something between its parts.
RAW = re.compile(
    r"(?<!\\)!\[x|(?<!\\)\[l\]|(?<!\\)\*x\*|(?<!\\):red\[|~~x~~|(?<!\\)\$x\^2|<img src=x|"
    r":\\?smile|:\\?streamlit|(?<!\\):material/home:|:\\?material\\?_|http\\?:\\?/\\?/evil|www\\?\.evil|<a href=y|"
    r"<i>x|(?<!\\)`x`"
)
# What Plotly makes of the HTML that it reads.
TAGS = re.compile(r"<(?:img|a href|i>x)[^>]*>")
# Parts of a page that show text as it is (seen in the code that Streamlit's page runs: a list that drops down writes
# its options as text; radio buttons, pills and segments write them as Markdown), or hand it to code of
# our own that does. Whatever else is sent to the browser is looked at: see the test of `every_field`.
PLAIN = {
    "TextInput": {"value", "default", "placeholder"},
    "TextArea": {"value", "default", "placeholder"},
    "Text": {"body"},
    "Code": {"code_text"},
    "Selectbox": {"options", "raw_value"},
    "MultiSelect": {"options", "raw_values"},
    "BidiComponent": None,
    # BertViz, in a page of its own that has no access to anything: see tests of `bertviz_page`.
    "IFrame": None,
    "DownloadButton": {"url"},
}
PAGES = {
    "attention": ("tab", ["where", "compare", "heads", "flow", "steps", "ablation", "window", "bertviz"]),
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
    if kind == "PlotlyChart":
        yield kind, " ".join(TAGS.findall(json.dumps(json.loads(message.spec), ensure_ascii=False)))
    elif kind in ("ArrowDataFrame", "Arrow", "Dataframe", "Table"):
        # Cells and heads of a table are drawn as text; what a column says of itself when it is pointed at is not.
        for column in json.loads(getattr(message, "columns", "") or "{}").values():
            yield f"{kind}.help", column.get("help") or ""
    else:
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
    found = [(where, one) for proto in protos(page._tree) for where, one in strings(proto) if RAW.search(one)]
    for table in page.table:
        # Of `st.table` each cell is Markdown, heads among them.
        cells = [str(one) for one in (*table.value.columns, *table.value.to_numpy().ravel())]
        found += [("Table", one) for one in cells if RAW.search(one)]
    return found


def protos(node):
    """Yield every part of a page as it is sent to the browser."""
    proto = getattr(node, "proto", None)
    if hasattr(proto, "DESCRIPTOR"):
        yield proto
    for child in getattr(node, "children", {}).values():
        yield from protos(child)


def every_field():
    """A page with a text of its own, raw, in every field that Streamlit reads as Markdown and this dashboard can fill.

    The list is that of Streamlit's own documentation: each parameter that "can optionally contain GitHub-flavored
    Markdown".
    """
    import streamlit as st

    def raw(name):
        return f"*x* {name}."

    st.markdown(raw("markdown"), help=raw("markdown help"))
    st.caption(raw("caption"), help=raw("caption help"))
    for kind in (st.title, st.header, st.subheader):
        kind(raw(kind.__name__), help=raw(f"{kind.__name__} help"))
    for kind in (st.info, st.warning, st.error, st.success):
        kind(raw(kind.__name__))
    st.toast(raw("toast"))
    st.badge(raw("badge"), help=raw("badge help"))
    st.write(raw("write"))
    st.text("a", help=raw("text help"))
    st.metric(raw("metric"), raw("metric value"), raw("metric delta"), help=raw("metric help"))
    st.progress(0.5, raw("progress"))
    st.tabs([raw("tab"), raw("second tab")])
    st.expander(raw("expander"))
    st.popover(raw("popover"), help=raw("popover help"))
    st.status(raw("status"))
    st.dialog(raw("dialog"))(lambda: st.caption(raw("dialog's caption")))()
    with st.sidebar:
        st.caption(raw("sidebar"))
    with st.form("form"):
        st.form_submit_button(raw("submit"), help=raw("submit help"))
    st.button(raw("button"), help=raw("button help"))
    st.download_button(raw("download"), b"", help=raw("download help"))
    st.link_button(raw("link"), "http://localhost", help=raw("link help"))
    st.page_link("http://localhost", label=raw("page link"), help=raw("page link help"))
    st.radio(raw("radio"), [raw("radio option")], captions=[raw("radio caption")], help=raw("radio help"))
    for kind in (st.pills, st.segmented_control):
        kind(raw(kind.__name__), [raw(f"{kind.__name__} option")], help=raw(f"{kind.__name__} help"))
    for kind in (st.checkbox, st.toggle, st.text_input, st.text_area, st.number_input, st.slider, st.file_uploader):
        kind(raw(kind.__name__), help=raw(f"{kind.__name__} help"))
    for kind in (st.color_picker, st.date_input, st.time_input):
        kind(raw(kind.__name__), help=raw(f"{kind.__name__} help"))
    for kind in (st.selectbox, st.multiselect, st.select_slider):
        kind(raw(kind.__name__), ["a", "b"], help=raw(f"{kind.__name__} help"))
    column = st.column_config.NumberColumn("a", help=raw("column help"))
    st.dataframe({"a": [1]}, column_config={"a": column})
    st.data_editor({"a": [1]}, column_config={"a": st.column_config.NumberColumn("a", help=raw("editor help"))})
    st.table({raw("table head"): [raw("table cell")]})


def test_every_field_that_streamlit_reads_as_markdown_is_looked_at():
    page = AppTest.from_function(every_field, default_timeout=30).run()
    assert not page.exception
    code = inspect.getsource(every_field)
    named = set(re.findall(r'raw\("([^"]+)"\)', code))
    for kinds, body in re.findall(r"for kind in \(([^)]+)\):\n(.+)", code):
        for more in ("", *re.findall(r"__name__\}( \w+)", body)):
            named |= {name.strip().removeprefix("st.") + more for name in kinds.split(",")}
    assert len(named) > 75
    said = [one for _where, one in raw_texts(page)]
    assert [name for name in sorted(named) if not any(f"*x* {name}." in one for one in said)] == []
    # What is gone when a page stands holds no foreign text.
    for folder in ("dashboard", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            for call in re.findall(r"\.spinner\((.*)", file.read_text("utf-8")):
                assert re.match(r'_\("[^"{]+"\)[,)]', call), (file, call)


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
    make_checkpoint("bert", root / (FOLDER + "3"), loader=tf.AutoModelForPreTraining, max_position_embeddings=300)
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
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


@pytest.mark.parametrize("name, tab", [(name, tab) for name, (_key, tabs) in PAGES.items() for tab in tabs])
def test_no_text_acts_in_any_tab(page, name, tab):
    key = PAGES[name][0]
    model = FOLDER + "2" if name == "pretraining" else FOLDER
    page.query_params.update({"model": f"folder:{model}", key: tab, "text": HOSTILE[0], "pair": HOSTILE[1]})
    switch(page, name).run()
    assert not page.exception
    assert raw_texts(page) == []


def test_what_is_said_of_a_checkpoint_is_text(page):
    page.query_params.update({"model": "folder:told", "text": "the river bank"})
    switch(page, "attributions").run()
    assert any("in id2label but" in one.value for one in page.warning)
    assert raw_texts(page) == []


COLUMNS = ("te " + HOSTILE[0], "la " + HOSTILE[1], "more " + HOSTILE[0])
FILE = HOSTILE[0].replace("/", "") + ".jsonl"


def hostile_file(count=24):
    """Return a file with all of it hostile: its name, its columns, its texts and its labels."""
    words = ("river", "bank", "steep", "money", "rich", "animals", "because", "was")
    rows = [
        (f"the {words[i % 8]} {words[i // 8 % 8]} {HOSTILE[i % 2]}", HOSTILE[i % 2], f"{words[i % 7]} {i} ~~x~~")
        for i in range(count)
    ]
    lines = [json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows]
    return FILE, "\n".join(lines).encode()


UPLOADS = {
    "attention": ("attention", {"source": "file"}),
    "rows": ("attributions", {"why": "rows", "rows_method": "saliency", "example": "short"}),
    "collection": ("embeddings", {"from": "file", "show": "clusters", "groups": 3}),
    **{tab: ("embeddings", {"from": "file", "show": tab}) for tab in ("map", "layers", "geometry", "neighbours")},
    "following": (
        "pretraining",
        {"pre": "following", "following_source": "file", "text": "the river", "pair": "it was"},
    ),
    "preferences": (
        "pretraining",
        {"pre": "surprise", "surprise_over": "pairs", "preference_source": "file", "text": "the river"},
    ),
    "classes": ("finetune", {"stage": "setup", "data": "file", "task": "classes"}),
    "tags": ("finetune", {"stage": "setup", "data": "file", "task": "token classes"}),
}

# A column of the table that each ends in.
TITLES = {
    "rows": "Words with the largest scores",
    "collection": "Nearest to the centroid",
    "following": "Second",
    "preferences": "Worse",
}


def open_page(page, name, **state):
    for key, value in state.items():
        page.session_state[key] = value
    page.query_params.update({key: value for key, value in state.items() if isinstance(value, str)})
    switch(page, name).run()
    assert not page.exception
    assert not any("unexpected error" in one.value for one in page.error)
    assert raw_texts(page) == []
    return page


@pytest.mark.parametrize("place", UPLOADS)
def test_a_file_is_text_wherever_one_is_read(page, place):
    name, state = UPLOADS[place]
    file = hostile_file()
    if place == "tags":
        file = (
            "a.jsonl",
            "\n".join(
                json.dumps({"tokens": ["the", HOSTILE[0], f"bank{i}"], "tags": ["O", HOSTILE[i % 2], "O"]})
                for i in range(20)
            ).encode(),
        )
    model = FOLDER + "3" if name == "pretraining" else FOLDER
    open_page(page, name, model=f"folder:{model}", device="cpu", **state)
    hold(page, *file, text=0, **({"pair": 1} if place in ("following", "preferences") else {"label": 1}))
    open_page(page, name)
    said = " ".join(one.value for kind in (page.caption, page.warning, page.error) for one in kind)
    assert place == "tags" or literal(FILE) in said
    for button in [one for one in page.button if one.key in ("rows:start", "following:start", "preferences:start")]:
        button.click().run()
    assert not page.exception
    assert raw_texts(page) == []
    # What the file is read for is there.
    titles = {title for one in page.dataframe for title in one.value.columns}
    if place in ("classes", "tags"):
        assert offered(page, "start")
    elif place == "attention":
        assert any(HOSTILE[0] in option for one in page.selectbox for option in one.options)
    elif place in TITLES:
        assert TITLES[place] in titles


# A figure that each stage of a run that is done comes to.
STAGES = {"watch": "calibration", "sweep": "sweep", "inside": "before_after"}


def as_run(models, root, name, frozen=()):
    """A run that is done, all of whose names are hostile; its model before and after is one and the same."""
    file, content = hostile_file(count=60)
    more = {"text": COLUMNS[0], "label": COLUMNS[1], "base": HOSTILE[0], "group": "g"}
    recipe = {"model": str(models / FOLDER), "frozen": frozen}
    run = plant(root, name, content, noise, data=file, probes=(HOSTILE[0],), recipe=recipe, **more)
    judged = {"step": 1, "epoch": 1.0, "seconds": 1.0, "loss": 1.0, "score": 0.5, "moved": dict.fromkeys(HOSTILE, 0.1)}
    lines = (run.folder / "told.jsonl").read_text("utf-8").splitlines()
    step = json.loads(lines[0]) | {"norms": dict.fromkeys(HOSTILE, 1.0)}
    told = [json.dumps(step), json.dumps(judged | {"probes": [[0.5, 0.5]], "facts": {}})]
    (run.folder / "told.jsonl").write_text("\n".join(told) + "\n", "utf-8")
    for path in (models / FOLDER).iterdir():
        (run.folder / "model" / path.name).write_bytes(path.read_bytes())
    request = json.loads((run.folder / "request.json").read_text("utf-8"))
    (run.folder / "request.json").write_text(json.dumps(request | {"name": HOSTILE[1] + name}), "utf-8")
    return it.runs.read_run(run.folder)


def test_a_run_is_text_on_every_stage_and_in_the_record(page, models, monkeypatch, tmp_path):
    root = tmp_path / "runs"
    for place, frozen in enumerate(((HOSTILE[0],), ("embeddings", HOSTILE[1]))):
        as_run(models, root, f"r{place}", frozen)
    for stage in STAGES:
        open_page(page, "finetune", model=f"folder:{FOLDER}", device="cpu", stage=stage, run="r0")
        said = " ".join(one.value for kind in (page.markdown, page.info, page.error) for one in kind)
        assert STAGES[stage] in charts(page)
        assert "damaged" not in said
    # As MLflow has it, with a note and an alias that were written elsewhere.
    runs = [
        it.runs.RunRecord(
            "m" + run.id, run.id, run.request.name, "FINISHED", HOSTILE[0], (HOSTILE[1],), run.request.params(), {}, 1e9
        )
        for run in it.runs.list_runs(root)
    ]
    monkeypatch.setattr("interpret.runs.read_record", lambda _root: runs)
    open_page(page, "runs")
    # No test without a browser can click on rows of a table.
    for chosen in (slice(1), slice(2)):
        monkeypatch.setattr(runs_view, "runs_table", lambda chosen=chosen: runs_view._rows()[chosen])
        open_page(page, "runs")
        assert len(page.text_area) == (chosen.stop == 1)
        assert any((one.key or "").startswith("drop:") for one in page.button) == (chosen.stop == 1)


HALF = "half \ud83d of it"


@pytest.mark.parametrize(
    "name", ["attention", "embeddings", "attributions", "pretraining", "questions", "compare", "finetune", "runs"]
)
@pytest.mark.parametrize("model", [None, f"folder:{FOLDER}"], ids=["no model", "a model"])
def test_half_characters_in_the_address_and_in_what_was_typed_break_no_page(page, name, model):
    address = (
        "model",
        "run",
        "beside_text",
        "surprise_other",
        "question",
        "passage",
        "second",
        "lang",
        "method",
        "sweep",
        "heads",
        "off",
        "text",
    )
    # As a browser writes it.
    page.query_params.update(dict.fromkeys(address, HALF.encode("utf-8", "surrogatepass")))
    for typed in ("text", "pair", "pasted", "rows_find", "runs_query", "run_name", "find_points", "query"):
        page.session_state[typed] = HALF
    page.session_state["with_pair"] = True
    if model is not None:
        page.session_state["model"] = model
    switch(page, name).run()
    assert not page.exception
    assert not any("unexpected error" in one.value for one in page.error)
    if model is not None and name in ("attention", "attributions", "pretraining"):
        assert page.text_area[0].value == HALF.replace("\ud83d", "\ufffd")
