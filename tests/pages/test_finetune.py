"""The pages Fine-tune and Runs without a browser: set up, run, read, compare, and what comes of bad input."""

import io
import zipfile

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.widgets.run_actions import zipped
from interpret.core.process_state import write_state
from interpret.finetuning.facts import beats_baseline
from interpret.finetuning.record import LONGEST_NOTE
from interpret.finetuning.run_records import write_note
from interpret.finetuning.worker import work
from pages.runs import runs_view
from tests.apps import charts, listed, offered, switch
from tests.pages.test_attributions import ABOVE, NOTHING
from tests.slot import files_of, hold


@pytest.fixture
def page(tiny_folders, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(tiny_folders["bert"].parent))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTOSCOPE_RUNS", str(tmp_path / "runs"))
    # Here and now: a process of its own would go on when the test is over.
    monkeypatch.setattr("dashboard.jobs.start", lambda *runs: [work(run.folder) for run in runs])
    monkeypatch.setattr("dashboard.jobs.prepare", lambda _root: None)
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_page(page, name="finetune", **query):
    query = {"model": "folder:bert", "device": "cpu", **query}
    page.query_params.update(query)
    # The address counts where nothing was chosen yet.
    for key, value in query.items():
        page.session_state[key] = value
    return switch(page, name).run()


def said(page):
    return [one.value for one in (*page.warning, *page.error)]


def values(page):
    return {one.label: one.value for one in page.metric}


def shown(page):
    return " ".join(one.value for one in (*page.markdown, *page.caption, *page.info))


def test_toggles_change_the_plan_and_a_run_is_read_on_every_tab_and_page(page, tmp_path):
    open_page(page)
    assert not page.exception
    assert said(page) == []
    before = page.metric[0].value
    toggles = {one.label: one for one in page.toggle}
    # The lower half at first; the head is no toggle.
    assert toggles["Embeddings"].value
    assert not toggles["Layer 2"].value
    assert not any("head" in name.casefold() for name in toggles)
    toggles["Layer 2"].set_value(True).run()
    assert page.metric[0].value != before
    assert listed(page, "preset:").value == "own"
    page.number_input(key="epochs").set_value(2).run()
    page.button(key="start").click().run()
    assert not page.exception
    runs = it.runs.list_runs(tmp_path / "runs")
    assert [run.state for run in runs] == ["done"], runs[0].error
    recipe = runs[0].request.recipe
    assert "2" in recipe.frozen
    assert recipe.epochs == 2
    assert len(runs[0].request.probes) == 3
    assert "Results on 64 held-out rows" in shown(page)
    assert "Macro-F1" in values(page)
    open_page(page, stage="inside")
    assert not page.exception
    assert said(page) == []
    assert charts(page) >= {"drift", "alike", "before_after"}
    open_page(page, "runs")
    assert not page.exception
    assert page.dataframe[0].value["Name"].tolist() == [runs[0].request.name]
    # The newest is open. Two epochs of a random model teach it little, which is said there.
    assert offered(page, "open_run")
    assert len(said(page)) == (not beats_baseline(runs[0].facts)) + (runs[0].facts["frozen_high"] < 0)
    # And its model is one to look at on the other pages.
    for name in ("attention", "attributions", "embeddings"):
        open_page(page, name, model=f"run:{runs[0].id}", example="short")
        assert not page.exception
        # Whether padding alone outdoes the text is this small model's luck. What it learned is said where it answers.
        found = [one for one in said(page) if not one.startswith(ABOVE)]
        assert len(found) == (name == "attributions" and not beats_baseline(runs[0].facts))
        assert all(one.startswith(NOTHING) for one in found)
    with zipfile.ZipFile(io.BytesIO(zipped(runs[0].model))) as packed:
        packed.extractall(tmp_path / "unpacked")
    tf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "unpacked")


def test_adapters_learn_and_a_further_run_replays_what_was_learned(page, tmp_path):
    open_page(page)
    before = page.metric[0].value
    page.toggle(key="lora").set_value(True).run()
    assert page.number_input(key="rate").value == pytest.approx(2e-3)
    assert page.metric[0].value != before
    page.number_input(key="epochs").set_value(2).run()
    page.button(key="start").click().run()
    (first,) = it.runs.list_runs(tmp_path / "runs")
    assert first.state == "done", first.error
    assert first.adapter is not None
    assert "LoRA rank 8" in shown(page)
    # Moments on the way: each a model that can be looked into.
    open_page(page, stage="inside")
    steps = [one.step for one in it.finetuning.list_snapshots(first)]
    assert len(steps) == 3
    moment = page.segmented_control(key=f"moment:{first.id}:en")
    moment.set_value(steps[1]).run()
    assert not page.exception
    assert said(page) == []
    page.toggle(key=f"moments:{first.id}").set_value(True).run()
    assert not page.exception
    assert said(page) == []
    assert charts(page) >= {"moments_drift", "moments_cka"}
    # Gone on from, with old rows among the new ones.
    open_page(page, base=f"run:{first.id}", stage="setup")
    page.toggle(key="lora").set_value(False).run()
    page.slider(key="replay").set_value(20).run()
    listed(page, "hold").set_value("ewc").run()
    page.number_input(key="epochs").set_value(1).run()
    page.button(key="start").click().run()
    assert not page.exception
    second = next(one for one in it.runs.list_runs(tmp_path / "runs") if one.id != first.id)
    assert second.state == "done", second.error
    assert second.request.parent == first.id
    assert second.facts["learned"] == round(256 / 0.8)
    assert second.facts["parent_accuracy_before"] == first.facts["accuracy"]
    open_page(page, model="folder:bert", stage="watch")
    (told,) = [one.value for one in page.info if one.value.count("95%: ") == 2]
    assert f" {first.facts['judged']:.0f} " in told
    # Whatever becomes of the first: the second has what it needs.
    open_page(page, model="folder:bert", stage="watch")
    it.runs.delete_run(first)
    assert it.runs.read_run(second.folder).parent_run is not None
    open_page(page, stage="inside")
    assert not page.exception
    assert said(page) == []


def test_presets_bring_what_goes_well_with_them(page):
    open_page(page)
    freeze = listed(page, "preset:")
    freeze.set_value("head only").run()
    assert page.number_input(key="rate").value == pytest.approx(2e-2)
    assert all(one.value for one in page.toggle if one.label.startswith("Layer"))
    page.number_input(key="rate").set_value(1e-5).run()
    assert len(said(page)) == 1


def test_a_sweep_trains_at_every_depth_and_says_what_is_enough(page, tmp_path):
    open_page(page, stage="sweep")
    assert not page.dataframe
    open_page(page, stage="setup")
    page.number_input(key="epochs").set_value(1).run()
    page.button(key="start_sweep").click().run()
    assert not page.exception
    runs = it.runs.list_runs(tmp_path / "runs")
    # Three layers: all of them, two, one, the embeddings alone, nothing; and all but the head.
    assert [len(run.request.recipe.frozen) for run in sorted(runs, key=lambda run: run.queued)] == [5, 4, 3, 2, 1, 0]
    assert {run.state for run in runs} == {"done"}
    assert len({run.request.group for run in runs}) == 1
    assert len(page.dataframe[0].value) == 6
    assert charts(page) == {"sweep"}
    assert len(page.warning) == 1


def give(page, content, name="rows.csv", task="classes"):
    hold(page, name, content)
    page.session_state["data"] = "file"
    page.session_state["task"] = task
    return page.run()


def row(i, label):
    return f"the bank {i} lent money,{label}"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([row(i, "same") for i in range(30)], "A classifier needs at least two classes"),
        ([*(row(i, "ab"[i % 2]) for i in range(30)), row(99, "c")], "has only one row"),
        ([row(i, i / 7) for i in range(40)], "different numbers in 40 rows"),
        ([row(i, "ab"[i % 2]) for i in range(3)], "The file has 3 rows"),
    ],
)
def test_bad_data_is_one_sentence(page, lines, sentence):
    open_page(page)
    give(page, "\n".join(["text,label", *lines]).encode())
    assert not page.exception
    assert len(said(page)) == 1
    assert sentence in said(page)[0]
    # Nothing that was given is lost.
    assert files_of(page)[0][0] == "rows.csv"


def test_a_file_in_an_old_encoding_values_and_words(page):
    open_page(page)
    lines = ["text;label", *(f"Ein schöner Tag {i};{'gut' if i % 2 else 'müde'}" for i in range(40))]
    give(page, "\n".join(lines).encode("cp1252"))
    assert said(page) == []
    assert "2 classes" in shown(page)
    give(page, "\n".join(["text,label", *(row(i, i / 7) for i in range(40))]).encode(), task="regression")
    assert not page.exception
    assert said(page) == []
    give(page, "\n\n".join(f"the O\nbank B\nwas{'s' * i} O" for i in range(30)).encode(), "tags.txt", "token classes")
    assert not page.exception
    assert said(page) == []


def test_states_are_said_and_a_run_can_be_resumed_and_deleted(page, tmp_path):
    open_page(page, stage="watch")
    assert not charts(page)
    open_page(page, "runs")
    assert offered(page, "to_finetune")
    open_page(page, stage="setup")
    page.number_input(key="epochs").set_value(1).run()
    page.button(key="start").click().run()
    run = it.runs.list_runs(tmp_path / "runs")[0]
    write_state(run.folder, state="running", process=1 << 22, started="another 1")
    open_page(page, stage="watch")
    # What random weights have learned is said as well.
    assert said(page)
    page.button(key="resume_run").click().run()
    assert it.runs.read_run(run.folder).state == "done"
    write_state(
        run.folder,
        state="failed",
        error={"sentence": "“{folder}” is not a run, or no longer exists.", "values": {"folder": "x"}},
    )
    open_page(page, stage="watch")
    assert "x” is not a run" in said(page)[0]
    page.button(key="delete_run").click().run()
    assert it.runs.list_runs(tmp_path / "runs") == []
    assert not offered(page, "delete_run")


def test_a_server_that_does_not_answer_hides_no_run(page, monkeypatch, tmp_path):
    open_page(page)
    page.number_input(key="epochs").set_value(1).run()
    page.button(key="start").click().run()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    open_page(page, "runs")
    assert not page.exception
    assert sum("127.0.0.1:9" in one.replace("\\", "") for one in said(page)) == 1
    assert len(page.dataframe[0].value) == 1


def test_pre_training_goes_on_with_a_text_and_every_tab_and_page_reads_the_run(page):
    open_page(page)
    random = np.random.default_rng(0)
    nouns = random.choice(["river", "bank", "animals", "money"], 600)
    text = " ".join(f"the {noun} was {'steep' if noun == 'river' else 'rich'}." for noun in nouns)
    give(page, text.encode(), "field.txt", "masked words and next sentences")
    assert not page.exception
    assert said(page) == []
    assert "Training set: 22 passages" in shown(page)
    assert any("training starts with a new one" in one.value for one in page.info)
    page.number_input(key="passage_words").set_value(40).run()
    # Of 2,400 words in sentences of four: a fifth is held out.
    assert "Training set: 48 passages" in shown(page)
    page.slider(key="short").set_value(0.5).run()
    page.button(key="start").click().run()
    assert not page.exception
    assert said(page) == []
    (run,) = it.runs.list_runs(state.runs_folder())
    assert run.state == "done", run.error
    assert (run.request.passage_words, run.request.recipe.short_rate) == (40, 0.5)
    metrics = {one.label: one for one in page.metric}
    assert metrics["Perplexity"].value == f"{run.facts['perplexity']:,.1f}"
    assert metrics["Perplexity"].delta == f"before: {run.facts['perplexity_before']:,.1f}"
    assert metrics["Next-sentence accuracy"].value == f"{run.facts['next_accuracy']:.1%}"
    # The tiny model that it started from could guess nothing one token at a time.
    assert metrics["Pseudo-perplexity"].delta == ""
    guesses = page.dataframe[-1].value
    assert set(guesses["True"]) <= set(["[UNK]", "the", "river", "bank", "animals", "money", "was", "steep", "rich"])
    for stage in ("inside", "sweep"):
        page.session_state["stage"] = stage
        page.run()
        assert not page.exception
        assert said(page) == []
    open_page(page, "runs")
    assert not page.exception
    # A further run starts from heads that know the game.
    open_page(page, base=f"run:{run.id}", stage="setup")
    give(page, text.encode(), "field.txt", "masked words and next sentences")
    assert not any("training starts with a new one" in one.value for one in page.info)
    page.button(key="start").click().run()
    again = it.runs.list_runs(state.runs_folder())[0]
    assert again.state == "done", again.error
    assert again.facts["perplexity_before"] < 2 * run.facts["perplexity"]
    assert "pseudo_perplexity_before" in again.facts


def test_what_the_vocabulary_lacks_is_said_before_how_finely_the_rest_is_cut(page):
    # Two words that are read, of a token each, and four characters that are not.
    rows = "".join(f"{'river bank 㐀㐁㐂㐃 ' * (i + 1)},{'ab'[i % 2]}\n" for i in range(20))
    hold(page, "mine.csv", f"text,label\n{rows}".encode())
    open_page(page, data="file")
    assert not page.exception
    line = next(one.value for one in page.markdown if "tokens per known word" in one.value)
    assert line.index("67% unknown tokens") < line.index("1.00 tokens per known word")
    assert len(page.warning) == 1
    assert not page.success


def made_of_files(root, name, asked):
    """A run that is done, of nothing but its files."""
    recipe = it.Recipe(learning_rate=1e-3, epochs=1, head="own")
    rows = "text,label\n" + "\n".join(f"the bank number {i},{'ab'[i % 2]}" for i in range(20))
    run = it.runs.new_run(root, it.runs.Request(recipe, name, "rows.csv"), rows.encode())
    facts = {"seconds": 2.0, "trainable": 9.0, "learned": 16.0, "judged": 4.0, "accuracy": 0.5}
    write_state(run.folder, state="done", asked=asked, facts=facts)
    return it.runs.read_run(run.folder)


@pytest.mark.parametrize("file", ["state.json", "request.json", "told.jsonl", "answers.npz", "data.csv"])
def test_a_damaged_run_is_one_row_and_can_be_deleted(page, tmp_path, file):
    root = tmp_path / "runs"
    good, bad = made_of_files(root, "good", 1.7e9), made_of_files(root, "bad", 1.6e9)
    for content in (b"", b"[1]", b'{"state": 7}', b"\xff\xfe", b"[" * 50_000):
        (bad.folder / file).write_bytes(content)
        open_page(page, "runs")
        assert not page.exception
        # One that says not when it was asked for is taken for the newest, which is open.
        assert len(said(page)) == (file in ("state.json", "request.json"))
        assert len(page.dataframe[0].value) == 2
        for run in (good, bad):
            open_page(page, stage="watch", run=run.id)
            page.session_state["run"] = run.id
            page.run()
            assert not page.exception
            assert not any("unexpected error" in one for one in said(page))
    if file.endswith(".json"):
        assert said(page)
        page.button(key="delete_run").click().run()
        assert [run.id for run in it.runs.list_runs(root)] == [good.id]


def test_a_note_longer_than_the_record_keeps_is_refused_and_no_page_runs_for_ever(page, tmp_path, monkeypatch):
    run = made_of_files(tmp_path / "runs", "one", 1.7e9)
    written = []
    recorded = it.runs.RunRecord("r1", run.id, "one", "FINISHED", "as kept", (), {}, {}, 1.7e9)
    monkeypatch.setattr("interpret.runs.read_record", lambda _root: [recorded])
    # A record that keeps something else than what was typed, as one that cuts does.
    monkeypatch.setattr("interpret.runs.write_note", lambda _root, _id, note: written.append(note))
    monkeypatch.setattr("pages.runs.runs_view.runs_table", lambda: [runs_view.Row(recorded, run)])
    runs = []
    monkeypatch.setattr("pages.runs.one_view.lineage_view", lambda _row: runs.append(1))
    page = AppTest.from_string(
        "from pages.runs import one_view, runs_view\nfor row in runs_view.runs_table():\n"
        "    one_view.one_view(row)\n    one_view.lineage_view(row)\n",
        default_timeout=60,
    ).run()
    note = page.text_area(key="note:r1")
    assert note.proto.max_chars == LONGEST_NOTE == 8000
    runs.clear()
    note.set_value("x" * 7999).run()
    assert not page.exception
    assert written == ["x" * 7999]
    assert len(runs) == 1
    assert page.text_area(key="note:r1").value == "x" * 7999
    with pytest.raises(it.InputError, match="8,000 characters; this one has 20,000"):
        write_note(tmp_path, "r1", "x" * 20_000)
