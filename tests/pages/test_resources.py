"""The page of resources: what it says is what the library counts, on every tab, and no input breaks it."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from interpret.resources.calibration import keep_point, make_point
from interpret.resources.configs import find_config
from interpret.resources.measurement import PROCESS_BYTES, Measurement
from interpret.resources.workload import Workload
from tests.apps import charts, listed, switch

TINY = {"shape": "bert-tiny", "texts": "4", "length": "32", "kernel": "eager", "work": "train"}
WORK = Workload(4, 32, training=True, kernel="eager")


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def opened(page, **address):
    page.query_params.update({"lang": "en", "device": "cpu", **TINY, **address})
    switch(page, "resources").run()
    assert not page.exception
    assert not any("unexpected" in one.value for one in page.error)
    return page


def words(page):
    every = (*page.caption, *page.info, *page.warning, *page.success, *page.markdown)
    return " ".join(one.value for one in every)


def test_what_is_shown_is_what_is_counted(page):
    opened(page, texts="64")
    predicted = it.resources.predict(find_config("bert-tiny"), replace(WORK, batch=64))
    (table,) = (one.value for one in page.dataframe)
    shown = {name: float(value.replace(",", "")) for name, value in table.to_numpy()}
    assert shown["weights"] == round(predicted.parts["weights"] / 1e6, 1)
    assert shown["attention weights"] == round(predicted.parts["attention"] / 1e6, 1)
    assert shown["counted together"] == round(predicted.peak / 1e6, 1)
    metrics = {one.label: one.value for one in page.metric}
    # Python and PyTorch take half a GB beside so small a model, and of what comes and goes a quarter is kept.
    moving = predicted.peak - predicted.parts["weights"]
    assert metrics["Memory"] == f"{(PROCESS_BYTES + predicted.peak + 0.25 * moving) / 1e9:.2f} GB"
    assert metrics["Largest batch"] == "4,096"
    assert {"by_part", "over_length", "over_batch"} <= charts(page)


def test_a_card_is_planned_for_with_its_context_and_no_time(page):
    opened(page, shape="bert-base", texts="64", length="512", room="16 GB")
    metrics = {one.label: one.value for one in page.metric}
    assert metrics["Does not fit"] == "16.0 GB"
    assert 0 < int(metrics["Largest batch"]) < 64
    assert "Arithmetic" in metrics
    assert "nothing of it was measured on a card by us" in words(page)


def test_a_row_of_the_table_sets_every_control(page):
    opened(page)
    page.button(key="preset:question answering").click().run()
    assert not page.exception
    found = {name: page.session_state[name] for name in ("shape", "texts", "length", "kernel", "for", "room", "work")}
    assert found == {
        "shape": "bert-base",
        "texts": 16,
        "length": 512,
        "kernel": "eager",
        "for": "questions",
        "room": "16 GB",
        "work": "train",
    }


def test_the_cheapest_change_that_fits_changes_no_result(page):
    opened(page, resources="changes", shape="bert-base", texts="16", length="512", room="12 GB")
    assert "The cheapest change that fits" in words(page)
    assert "gives another model" not in words(page)
    (table,) = (one.value for one in page.dataframe)
    assert table["Room"][0] == "does not fit"
    assert next(iter(table["Way"])) == "as it is"


def test_where_all_fits_nothing_has_to_be_changed(page):
    opened(page, resources="changes")
    assert "It fits as it is" in words(page)


def measured(folder, work, taken, name="bert-tiny"):
    config = find_config(name)
    found = Measurement(work, "cpu", 10**8, taken, (0.5, 0.5))
    keep_point(folder, make_point(name, config, it.resources.predict(config, work), found))


def test_what_was_measured_makes_the_ranges(page, tmp_path):
    opened(page)
    assert "measurements on another machine" in words(page)
    folder = tmp_path / "cache" / "bertoscope" / "resources"
    for batch in (1, 2, 4):
        measured(folder, Workload(batch, 32, training=True, kernel="eager"), 10**8)
    page.run()
    assert "The range is made of 3 measurements on this device" in words(page)
    page.session_state["resources"] = "measured"
    page.run()
    (table,) = (one.value for one in page.dataframe)
    assert len(table) == 3
    assert "measured_points" in charts(page)


def test_measuring_is_done_beside_and_kept(page, monkeypatch):
    """With the process that does it left out: tests of `interpret.resources` start it."""
    done = []

    def measure(_config, work, device, progress):
        progress(0.1)
        done.append(work)
        return Measurement(work, device, 1, 10**8, (0.5, 0.5))

    monkeypatch.setattr(it.resources, "measure", measure, raising=False)
    opened(page, resources="measured")
    assert "Nothing was measured on this device yet" in words(page)
    page.button(key="resource_measured:start").click().run()
    assert not page.exception
    assert [(one.batch, one.length) for one in done] == [(2, 32), (4, 16), (4, 32)]
    (table,) = (one.value for one in page.dataframe)
    assert len(table) == 3


def test_the_table_says_no_verdict_that_the_range_does_not_bear(page, tmp_path):
    folder = tmp_path / "cache" / "bertoscope" / "resources"
    claim = it.resources.CLAIMS["classification"]
    measured(folder, claim.work, int(7.0e9), "bert-base")
    opened(page, resources="table")
    (table,) = (one.value for one in page.dataframe)
    assert len(table) == 9
    rows = {(row["Row"].partition(" ·")[0], row["Kernel"]): row for _index, row in table.iterrows()}
    first = rows["Classification", "eager"]
    # 5.0 GB, what an allocator keeps and a context: the next smaller card has 6.
    assert (first["As counted"], first["As measured"], first["Measured here"]) == ("undecided", "correct", "7.0 GB")
    assert rows["Classification", "SDPA in tiles"]["As counted"] == "too high"
    assert rows["Summarisation", "eager"]["As counted"] == "correct"


def upload(page, content, name="config.json"):
    page.get("file_uploader")
    page.session_state["shape_file"] = (name, content)
    page.run()
    assert not page.exception


def test_a_file_of_ones_own_is_read_and_its_name_is_text(page):
    opened(page, shape="file")
    assert "Choose a config.json" in words(page)
    content = json.dumps(find_config("bert-mini").to_dict()).encode()
    upload(page, content, "**bold** <img src=x>.json")
    assert "layers × heads: 4 × 4" in words(page)
    assert "**bold** <img" not in words(page)
    upload(page, b"{")
    assert "is no JSON" in words(page)
    upload(page, json.dumps({"model_type": "bert", "hidden_size": 10**9, "num_attention_heads": 10**3}).encode())


@pytest.mark.parametrize(
    "address",
    [
        {"shape": "../../etc/passwd"},
        {"shape": "folder:bert"},
        {"shape": "/etc"},
        {"shape": "a" * 1000},
        {"texts": "0"},
        {"texts": "-5"},
        {"length": "131072", "texts": "4096"},
        {"length": "600"},
        {"work": "head", "for": "none"},
        {"work": "frozen", "for": "none"},
        {"work": "lora", "for": "none"},
        {"kernel": "ring", "numbers": "int4", "room": "7 GB", "for": "poems"},
        {"recomputed": "True", "work": "answer"},
        {"numbers": "float16"},
        {"resources": "nowhere"},
    ],
    ids=str,
)
def test_whatever_an_address_asks_for_is_drawn_or_a_sentence(page, address):
    opened(page, **address)
    assert page.title[0].value.startswith("Resources")


@pytest.mark.parametrize("work", ["answer", "frozen", "head", "lora"])
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "albert", "modernbert"])
def test_every_work_is_counted_of_the_sidebars_model(page, family, work):
    opened(page, shape="sidebar", model=f"folder:{family}", work=work, length="16")
    assert {one.label for one in page.metric} >= {"Memory", "Largest batch"}
    assert not page.warning


def test_the_language_changes_and_the_choices_stay(page):
    opened(page, lang="zh-CN")
    assert page.title[0].value.startswith("资源")
    assert listed(page, "kernel").value == "eager"
