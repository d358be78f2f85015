"""The lines of Python under each picture, run: they give what the page shows. Every analysis of a page is tried."""

import ast
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, analysis, cache
from dashboard.data_slot import SlotFile
from dashboard.widgets import collection, corpus_input, export
from tests.apps import switch
from tests.slot import hold
from tests.tiny import make_checkpoint

TEXT, OTHER = "the river bank was steep", "money was rich"
WORDS = ("steep", "rich", "tired", "animals", "because")
LABELLED = "text,kind,note\n" + "".join(
    f"the bank lent {one} {other},law,a\nthe river was {one} {other},sport,b\n,law,c\n"
    for one in WORDS[:3]
    for other in WORDS
)
PAIRS = "better,worse\nthe bank was rich,the bank were rich\nthe river was steep,\nmoney was rich,money rich was\n"
TREE = "# sent_id = {i}\n1\tthe\t_\tDET\tD\t_\t2\tdet\t_\t_\n2\tbank{i}\t_\tNOUN\tN\t_\t0\troot\t_\t_\n"

# What is opened: page, query, what the session holds, buttons that are clicked then.
CASES = {
    "where": ("attention", {"tab": "where", "unit": "word", "heads": "0.1,2.3"}, {}, ()),
    "compare": ("attention", {"tab": "compare", "heads": "1.2"}, {}, ("keep_reference",)),
    "steps": ("attention", {"tab": "steps", "temperature": "2", "pair": OTHER}, {}, ()),
    "flow": ("attention", {"tab": "flow", "pair": OTHER}, {}, ()),
    "heads": ("attention", {"tab": "heads"}, {}, ()),
    "heads of a file": (
        "attention",
        {"tab": "heads", "over": "corpus"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1})},
        ("Measure heads",),
    ),
    "trees": (
        "attention",
        {"tab": "heads", "over": "trees"},
        {"held": ("mine.conllu", "\n".join(TREE.format(i=i) for i in range(12)).encode(), {})},
        ("Score heads",),
    ),
    "ablation": ("attention", {"tab": "ablation", "off": "0.1,2.0", "pair": OTHER}, {}, ()),
    "window": ("attention", {"tab": "window", "global": "special", "pair": OTHER}, {}, ()),
    "importance": (
        "attention",
        {"tab": "ablation", "measure": "corpus"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1})},
        ("Measure head importance",),
    ),
    "bertviz": ("attention", {"tab": "bertviz"}, {}, ()),
    "masked words": ("pretraining", {"pre": "guess", "off": "1.1", "hidden": "2,3"}, {}, ()),
    "tuned lens": (
        "pretraining",
        {"pre": "guess", "lens": "tuned"},
        {"lens_source": "file", "held": ("mine.csv", LABELLED.encode(), {"label": 1})},
        ("Fit the lens",),
    ),
    "masking": ("pretraining", {"pre": "game", "seed": "3", "game_rate": "40"}, {}, ()),
    "surprise": ("pretraining", {"pre": "surprise", "within": "True", "surprise_other": OTHER}, {}, ()),
    "pairs of sentences": (
        "pretraining",
        {"pre": "surprise", "surprise_over": "pairs"},
        {
            "preference_source": "file",
            "held": ("mine.csv", PAIRS.encode(), {}),
        },
        (),
    ),
    "next sentence": (
        "pretraining",
        {"pre": "following", "pair": OTHER},
        {
            "following_source": "file",
            "held": ("mine.txt", b"the bank was rich. money was rich. the river was steep.", {}),
        },
        (),
    ),
    "pairs of a file": (
        "pretraining",
        {"pre": "following"},
        {
            "following_source": "file",
            "held": ("mine.csv", PAIRS.encode(), {}),
        },
        (),
    ),
    "question": ("questions", {"model": "minilm-reader", "question": "Who lent?", "passage": "Ada lent 20."}, {}, ()),
    "sizes of two": ("compare", {"two": "overview", "second": "folder:guesser"}, {}, ()),
    "tokens of two": ("compare", {"two": "tokenizers", "second": "folder:guesser"}, {}, ()),
    "terms": ("compare", {"two": "tokenizers", "second": "folder:guesser", "cut": "terms"}, {}, ()),
    "languages": ("compare", {"two": "tokenizers", "second": "folder:guesser", "cut": "languages"}, {}, ()),
    "words of a file": (
        "compare",
        {"two": "tokenizers", "second": "folder:guesser", "cut": "file"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1}), "from": "file"},
        (),
    ),
    "matched heads": ("compare", {"two": "attention", "second": "folder:guesser", "pair": OTHER}, {}, ()),
    "embeddings of two": (
        "compare",
        {"two": "embeddings", "second": "folder:guesser"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1}), "from": "file"},
        (),
    ),
    "predictions of two": (
        "compare",
        {"two": "predictions", "second": "folder:guesser"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1}), "from": "file"},
        (),
    ),
    "attributions of two": (
        "compare",
        {"two": "attributions", "second": "folder:guesser", "classifier": "file"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1})},
        (),
    ),
    "guesses of two": ("compare", {"two": "masked", "model": "folder:bert", "second": "folder:guesser"}, {}, ()),
    "why": (
        "attributions",
        {"why": "why", "methods": "input_x_gradient,integrated_gradients,feature_ablation", "baseline": "zero"},
        {"path_rule": "trapezoid"},
        (),
    ),
    "faithfulness": (
        "attributions",
        {"why": "quality", "explain": "norm"},
        {},
        ("quality:trust:start",),
    ),
    "levels": ("attributions", {"why": "layers", "explain": "unit"}, {}, ()),
    "interactions": ("attributions", {"why": "pairs"}, {}, ()),
    "similarity": ("attributions", {"why": "pairs", "explain": "similarity", "pair": OTHER}, {}, ()),
    "what if": (
        "attributions",
        {"why": "whatif", "classifier": "file"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1})},
        ("Search",),
    ),
    "rows": (
        "attributions",
        {"why": "rows", "baseline": "mask"},
        {"held": ("mine.csv", LABELLED.encode(), {"label": 1}), "rows_method": "input_x_gradient"},
        ("Explain",),
    ),
    "map": ("embeddings", {"show": "map", "map": "tsne", "seed": "5"}, {}, ()),
    "map of words": ("embeddings", {"show": "map", "level": "words", "kept": "last"}, {}, ()),
    "geometry": ("embeddings", {"show": "geometry"}, {}, ()),
    "neighbours of a text": ("embeddings", {"show": "neighbours", "query": OTHER}, {}, ()),
    "neighbours": (
        "embeddings",
        {"show": "neighbours", "level": "word", "word": "bank"},
        {"neighbours_of": "item"},
        (),
    ),
    "clusters": ("embeddings", {"show": "clusters", "groups": "3"}, {}, ()),
    "pasted lines": (
        "embeddings",
        {"show": "geometry", "from": "pasted"},
        {"pasted": "".join(f"the bank was rich {i}\tlaw\nthe river {i}\tsport\n\n" for i in range(20))},
        (),
    ),
}
# Of what each offers lines.
OFFERED = {
    "where": {"attention.attention_view"},
    "compare": {"attention.compare_heads"},
    "steps": {"attention.attention_steps"},
    "flow": {"attention.attention_flow", "attention.gradient_paths", "attention.rollout"},
    "heads": {"attention.head_statistics"},
    "heads of a file": {"attention.corpus_head_statistics"},
    "trees": {"attention.dependency_scores"},
    "ablation": {"attention.ablate"},
    "window": {"attention.sweep_windows"},
    "importance": {"attention.head_importance"},
    "bertviz": {"trace"},
    "masked words": {"fill_mask", "pretraining.logit_lens"},
    "tuned lens": {"fill_mask", "pretraining.logit_lens"},
    "masking": {"pretraining.mask_text"},
    "surprise": {"pretraining.pseudo_log_likelihood"},
    "pairs of sentences": {"pretraining.compare_minimal_pairs"},
    "next sentence": {"pretraining.score_pairs", "next_sentence"},
    "pairs of a file": {"pretraining.score_pairs"},
    "question": {"answer_question"},
    "sizes of two": {"model_card", "measure_latency"},
    "tokens of two": {"count_tokens"},
    "terms": {"count_tokens"},
    "languages": {"count_tokens"},
    "words of a file": {"count_tokens"},
    "matched heads": {"attention.match_heads"},
    "embeddings of two": {"embeddings.layer_similarity", "embeddings.neighbour_overlap"},
    "predictions of two": {"attribution.compare_predictions"},
    "attributions of two": {"attribution.compare_words"},
    "guesses of two": {"pretraining.compare_guesses"},
    "why": {"attribution.explain"},
    "faithfulness": {"attribution.faithfulness", "attribution.diagnose"},
    "levels": {"attribution.layer_attribution"},
    "interactions": {"attribution.interactions"},
    "similarity": {"attribution.similarity_pairs"},
    "what if": {"attribution.read_variants", "attribution.find_counterfactuals"},
    "rows": {"attribution.attribute_rows"},
    "map": {"embeddings.project"},
    "map of words": {"embeddings.project"},
    "geometry": {"embeddings.measure_geometry", "embeddings.probe"},
    "neighbours of a text": {"embeddings.nearest_neighbours"},
    "neighbours": {"embeddings.nearest_neighbours"},
    "clusters": {"embeddings.cluster", "embeddings.keywords"},
    "pasted lines": {"embeddings.measure_geometry", "embeddings.probe"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("lines")
    make_checkpoint("bert", root / "plain")
    make_checkpoint("bert", root / "bert", loader=tf.AutoModelForPreTraining)
    make_checkpoint("xlm-roberta", root / "guesser", loader=tf.AutoModelForMaskedLM)
    return root


def same(one, other):
    """Tell whether two results are the same numbers, whenever they were computed."""
    if isinstance(one, np.ndarray):
        if one.dtype.kind == "f":
            return one.shape == other.shape and np.allclose(one, other, atol=1e-5, equal_nan=True)
        return np.array_equal(one, other)
    if is_dataclass(one) and not isinstance(one, type):
        names = [field.name for field in fields(one) if field.name not in ("seconds", "origin")]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == pytest.approx(other, abs=1e-5, nan_ok=True)
    if isinstance(one, it.InterpretError):
        return str(one) == str(other)
    return one == other


def shown_results(page, described):
    """Return what the page may show of an analysis: what is kept for all, or for the session, or made for each run."""
    if described in cache._results._values:
        return [cache._results._values[described][0]]
    kept = page.session_state._state.filtered_state.values()
    values = [value for one in kept if isinstance(one, dict) for value in one.values()]
    # A map is kept with the others.
    values += [one for value in values if hasattr(value, "projections") for one in value.projections]
    return values or [described.run()]


@pytest.mark.parametrize("case", CASES)
def test_the_lines_give_what_the_page_shows(case, models, monkeypatch, tmp_path):
    name, query, session, buttons = CASES[case]
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "kept"))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    offered = []
    monkeypatch.setattr(
        export, "python_lines", lambda *some: (offered.append((some, analysis.python_lines(*some))), "")[1]
    )
    model = "folder:bert" if name == "pretraining" else "folder:plain"
    page.query_params.update({"model": model, "text": TEXT, **query})
    if name == "embeddings" and "from" not in query:
        query = {**query, "from": "file"}
        session = {**session, "held": ("mine.csv", LABELLED.encode(), {"label": 1})}
        page.session_state["from"] = "file"
    for key, value in session.items():
        page.session_state[key] = value
    if "held" in session:
        file, content, roles = session["held"]
        hold(page, file, content, **roles)
        (tmp_path / file).write_bytes(content)
    switch(page, name).run()
    for label in buttons:
        offered.clear()
        next(one for one in page.button if one.label.startswith(label) or one.key == label).click().run()
    assert not page.exception
    assert [one.value for one in page.error if "cannot" in one.value] == []
    assert {one.call for some, _lines in offered for one in some} == OFFERED[case]
    (tmp_path / "dashboard").symlink_to(ROOT / "dashboard")
    monkeypatch.chdir(tmp_path)
    for some, lines in {lines: (some, lines) for some, lines in offered}.values():
        names = {}
        exec(compile(lines, "lines", "exec"), names)
        assert lines.count("\n") > 2
        assert any("mine" in one.about.get("file", "") for one in some) == ("mine." in lines)
        for described in some:
            found = names[written(lines, some, described)]
            said = json.loads(export.as_json(described.about))
            assert (said["model"], said["device"]) == (described.spec.checkpoint.name, "cpu")
            results = [one for one in shown_results(page, described) if type(one) is type(found)]
            assert any(same(found, one) for one in results or [described.run()]), described.call


def written(lines, some, described):
    """Return the name that the lines give to a result: that of the call, numbered from the second on."""
    alike = [one for one in dict.fromkeys(some) if one.name == described.name]
    place = alike.index(described)
    return described.name + (f"_{place + 1}" if place else "")


def test_no_analysis_is_forgotten():
    calls = set()
    for file in [*(ROOT / "pages").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "analysis":
                calls.add(f"attribution.{node.args[0].value}")
            elif called == "Analysis" and any(one.arg == "shows" for one in node.keywords):
                calls.add(node.args[0].value)
    assert len(calls) > 20
    assert set().union(*OFFERED.values()) == calls


@pytest.mark.parametrize("labelled", [True, False])
def test_rows_that_are_drawn_of_a_file_are_drawn_by_the_lines(labelled, monkeypatch, tmp_path):
    content = "text,kind\n" + "".join(f"{'' if i % 9 == 0 else f'word {i}'},{i % 3}\n" for i in range(700))
    for module in (corpus_input, collection):
        monkeypatch.setattr(module, "slot_file", lambda *_: SlotFile("mine.csv", content.encode()))
        monkeypatch.setattr(module, "choose", first)
    (tmp_path / "mine.csv").write_text(content)
    monkeypatch.chdir(tmp_path)
    given = corpus_input.corpus_input("labels" if labelled else "texts")
    assert len(given.texts) < given.total
    sources = [given.source("texts"), given.source("labels" if labelled else "pairs")]
    if not labelled:
        sources.append(collection._from_file().source)
    for source in sources:
        names = {}
        for one in (*source.after, source):
            exec(one.lines, names)
        assert tuple(names[source.name]) == source.result


def first(_draw, label, options, _key, default=None, **_more):
    """Choose what is offered first, but few rows."""
    if label == "Rows to read":
        return next(iter(options))
    return next(iter(options)) if default is None else default
