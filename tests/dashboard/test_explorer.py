"""What goes to the browser, what comes back from it, and the file that is taken away."""

import base64
import gzip
import json
import re
import struct

import numpy as np
import pytest

import dashboard.components.explorer as explorer_module
import interpret as it
from dashboard.analysis import python_lines
from dashboard.components.explorer import Look, explorer, packed_weights, read_look, standalone
from dashboard.subject import Subject
from dashboard.widgets.attention_view import Looked, heads_of_url, weights_csv
from dashboard.widgets.export import file_stem
from pages.attention.attention_figures import head_heatmap
from tests.tiny import make_checkpoint

NASTY = "</script><img src=x onerror=alert(1)> & \u2028 <!-- {{x}} %%body%%"
DEFAULT = Look(((0, 0),))


@pytest.fixture
def view(minilm):
    return it.attention.attention_view(it.trace(minilm, "The bank of the river.", "It was steep."), unit="word")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        [],
        {"heads": None},
        {"heads": [[99, 0]]},
        {"heads": [[0]]},
        {"heads": [["0", "0"]]},
        {"heads": [[True, 1]]},
        {"heads": [[0.0, 1]]},
        {"heads": [[-1, 0]]},
        {"scale": "rainbow", "minimum": 7},
        {"minimum": float("nan")},
        {"minimum": "0.5"},
        {"sequence": "x", "have": None},
    ],
)
def test_nonsense_from_a_browser_becomes_the_default(value):
    assert read_look(value, 6, 12, DEFAULT) == DEFAULT


def test_sense_from_a_browser_is_kept():
    value = {"heads": [[5, 11], [0, 3], [5, 11]], "scale": "log", "minimum": 0.25, "have": "k", "sequence": 4}
    assert read_look(value, 6, 12, DEFAULT) == Look(((5, 11), (0, 3)), "log", 0.25, "k", 4)


def unpacked(data):
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    count = header["rows"] * header["columns"]
    matrix = np.frombuffer(data[4 + length :], "<f4", count).reshape(header["rows"], header["columns"])
    return header, matrix, data[4 + length + 4 * count :]


def test_thumbnails_travel_once(view, monkeypatch):
    sent = []

    class Result:
        look = None

    monkeypatch.setattr(explorer_module, "_COMPONENT", lambda **options: sent.append(options["data"]) or Result)
    thumbnails = view.thumbnails().tobytes()
    explorer(view, thumbnails, Look(((2, 3), (4, 5))), "title", "file", "key")
    header, matrix, rest = unpacked(sent[-1])
    assert np.array_equal(matrix, view.average([(2, 3), (4, 5)]))
    assert header["thumbnails"] is True
    assert rest == thumbnails
    explorer(view, thumbnails, Look(((2, 3),), have=header["key"]), "title", "file", "key")
    header, matrix, rest = unpacked(sent[-1])
    assert np.array_equal(matrix, view.head(2, 3))
    assert header["thumbnails"] is False
    assert rest == b""


@pytest.fixture(scope="module")
def wide_view(tmp_path_factory):
    """As many heads and tokens as BERT-base has."""
    folder = make_checkpoint(
        "bert",
        tmp_path_factory.mktemp("wide"),
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=512,
    )
    words = ("river", "bank", "steep", "money", "rich", "tired", "animals", "lent", "said", "because")
    text = " ".join(words[i * i % 10] for i in range(510))
    return it.attention.attention_view(it.trace(it.load_encoder(str(folder), device="cpu"), text))


def test_the_first_message_of_512_tokens_and_144_heads_is_under_two_megabytes(wide_view):
    thumbnails = wide_view.thumbnails().tobytes()
    header = json.dumps(explorer_module._header(wide_view, thumbnails, DEFAULT, "t", "f")).encode()
    assert len(wide_view.queries) == 512
    assert len(header) + 4 * 512 * 512 + len(thumbnails) < 2_000_000


def parts(page):
    return dict(re.findall(r'<script type="[^"]*" id="(\w+)">(.*?)</script>', page, re.S))


def weights_in(page):
    """Return the weights of an exported page, and how finely their square roots are rounded."""
    header = json.loads(parts(page)["header"])
    roots = gzip.decompress(base64.b64decode(parts(page)["weights"]))
    roots = np.frombuffer(roots, "<u2" if header["steps"] > 255 else "u1")
    shape = header["layers"], header["heads_per_layer"], header["rows"], header["columns"]
    return (roots / header["steps"]).reshape(shape) ** 2, header["steps"]


def off_at_most(weights, steps):
    """Return how far a weight may be from its own, for its root is at most half a step off."""
    return np.sqrt(weights) / steps + 1 / (2 * steps) ** 2 + 1e-7


def test_an_exported_page_holds_every_head(view):
    page = standalone(view, Look(((1, 2),)), "title", "file").decode()
    weights, steps = weights_in(page)
    assert weights.shape[:2] == (6, 12)
    assert steps == 65535
    for layer, head in ((0, 0), (3, 7), (5, 11)):
        true = view.head(layer, head)
        assert (np.abs(weights[layer, head] - true) <= off_at_most(true, steps)).all()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_an_exported_page_of_512_tokens_and_144_heads_is_at_most_12_megabytes(wide_view):
    page = standalone(wide_view, DEFAULT, "title", "file")
    assert len(page) <= 12_000_000
    weights, steps = weights_in(page.decode())
    assert weights.shape == (12, 12, 512, 512)
    true = wide_view.head(7, 3)
    assert (np.abs(weights[7, 3] - true) <= off_at_most(true, steps)).all()
    # How it is rounded is said: no less than it is, and not much more.
    assert f"{steps:,} steps" in page.decode()
    said = [float(one) for one in re.findall(r"at most (0\.\d+)", page.decode())]
    for limit, weight in zip(said, (1, 0.01), strict=True):
        assert off_at_most(weight, steps) <= limit <= 2 * off_at_most(weight, steps)


@pytest.mark.parametrize("room", [0.3, 0.6, 1.4])
def test_weights_are_rounded_as_far_as_there_is_no_room_for_them(view, room):
    """However few bits there are for a weight; and no further."""
    count = 6 * 12 * len(view.queries) * len(view.keys)
    steps, text = packed_weights(view, int(count * room))
    assert len(text) <= count * room
    assert packed_weights(view, int(count * 2 * room))[0] > steps
    roots = np.frombuffer(gzip.decompress(base64.b64decode(text)), "<u2" if steps > 255 else "u1")
    weights = (roots / steps).reshape(6, 12, len(view.queries), len(view.keys)) ** 2
    true = view.head(4, 9)
    assert (np.abs(weights[4, 9] - true) <= off_at_most(true, steps)).all()


def test_nothing_in_a_text_gets_out_of_an_exported_page(minilm):
    view = it.attention.attention_view(it.trace(minilm, NASTY), unit="word")
    page = standalone(view, DEFAULT, NASTY, "file").decode()
    clean = standalone(
        it.attention.attention_view(it.trace(minilm, "words"), unit="word"), DEFAULT, "words", "file"
    ).decode()
    for tag in ("<script", "</script", "<img", "<!--", "<h1", "<p "):
        assert page.count(tag) == clean.count(tag)
    assert json.loads(parts(page)["header"])["title"] == NASTY
    assert "".join(json.loads(parts(page)["header"])["queryLabels"]).startswith("[CLS]</script><img")
    (allowed,) = re.findall(r"script-src '(sha256-[^']*)'", page)
    assert "unsafe-inline'; img" not in page
    assert allowed == re.findall(r"script-src '(sha256-[^']*)'", clean)[0]


def test_the_python_lines_give_the_same_weights(minilm, view):
    look = Look(((2, 3), (4, 5)))
    what = Looked(
        Subject(minilm.spec, "The bank of the river.", "It was steep."), "word", True, "all", look, "title", "stem"
    )
    lines = python_lines(what.analysis)
    scope: dict[str, object] = {}
    exec(lines, scope)
    assert lines.endswith("\nview.average([(2, 3), (4, 5)])\n")
    weights = eval(lines.splitlines()[-1], scope)
    assert np.array_equal(weights, view.average([(2, 3), (4, 5)]))


def test_the_csv_reads_back(view):
    import csv
    import io

    weights = view.head(4, 4)
    rows = list(csv.reader(io.StringIO(weights_csv(view, weights).decode("utf-8-sig"))))
    assert tuple(rows[0][1:]) == view.key_labels
    assert tuple(row[0] for row in rows[1:]) == view.query_labels
    np.testing.assert_allclose(np.array([row[1:] for row in rows[1:]], float), weights, rtol=1e-7)


def test_the_plotly_heat_map_has_the_weights_and_takes_text_as_text(minilm):
    view = it.attention.attention_view(it.trace(minilm, "<b>bank</b> & bank"))
    figure = head_heatmap(view, view.head(1, 1), "<img src=x>")
    assert np.array_equal(np.asarray(figure.data[0].z), view.head(1, 1))
    assert len(set(figure.data[0].x)) == len(view.keys)
    assert "<" not in figure.layout.title.text + "".join(figure.data[0].x)


def test_files_are_named_after_what_they_hold():
    assert file_stem("attention", "minilm", "Die Bank/../x?") == "attention-minilm-Die-Bank-x"
    assert file_stem("银行 在河边") == "银行-在河边"
    assert file_stem("///") == "bertoscope"


@pytest.mark.parametrize("heads", ["²", "9" * 5000, "1.2.3", ",,", "a.b", "1"])
def test_nonsense_in_the_url_is_no_head(heads, monkeypatch):
    monkeypatch.setattr("streamlit.query_params", {"heads": heads})
    assert read_look(heads_of_url(), 6, 12, DEFAULT).heads == DEFAULT.heads


def test_an_exported_page_speaks_the_readers_language(view):
    from dashboard.widgets.export import _made_in

    page = _made_in("zh_CN", lambda: standalone(view, DEFAULT, "title", "file")).decode()
    assert '<html lang="zh-CN">' in page
    assert "最小权重" in page


def test_downloads_keep_no_trace_alive(minilm):
    import gc

    from dashboard import cache
    from dashboard.widgets.attention_view import attention_downloads

    cache.clear()
    what = Looked(Subject(minilm.spec, "keeps nothing alive"), "word", True, "all", DEFAULT, "title", "stem")
    downloads = attention_downloads(what)
    made = [one.make() for one in downloads]
    assert all(made)
    cache.clear()
    gc.collect()
    alive = [one for one in gc.get_objects() if isinstance(one, it.Trace) and one.tokens.text == what.subject.text]
    assert alive == []
