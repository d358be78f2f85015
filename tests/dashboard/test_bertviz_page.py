"""BertViz's page: what is in it, what can never run in it, and whether its size is known beforehand."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import interpret as it
from dashboard.components.bertviz import MOST_BYTES, bertviz_page, predicted_size

NASTY = "</script><img src=x onerror=alert(1)> & <!-- \u2028"


def data_of(page):
    return json.loads(re.search(r"<script type='application/json' id='data'>(.*?)</script>", page, re.S)[1])


@pytest.mark.parametrize("view", ["head", "model", "neuron"])
def test_the_size_is_known_before_the_page_is_made(minilm, view):
    trace = it.trace(minilm, "The animal did not cross the street because it was too tired. " * 2)
    page, _ = bertviz_page(trace, view, [1, 4], False, 1, 0)
    predicted = predicted_size(trace, view, 2)
    assert predicted.size == pytest.approx(len(page), rel=0.1)
    assert predicted_size(trace, view, 6).size > predicted.size


def test_a_long_text_is_refused_before_anything_is_made(minilm):
    trace = it.trace(minilm, "river bank " * 200)
    for view in ("head", "model", "neuron"):
        assert not predicted_size(trace, view, 6).fits
    assert predicted_size(trace, "head", 6).size > MOST_BYTES
    short = it.trace(minilm, "river bank " * 10)
    assert all(predicted_size(short, view, 6).fits for view in ("head", "model", "neuron"))


def test_what_is_drawn_is_the_trace(minilm):
    trace = it.trace(minilm, "The bank of the river.", "It was steep.")
    data = data_of(bertviz_page(trace, "neuron", [2, 5], True, 5, 7)[0])
    np.testing.assert_allclose(data["attention"], trace.attention[[2, 5]], atol=5.1e-5)
    np.testing.assert_allclose(data["queries"], trace.query[[2, 5]], atol=5.1e-5)
    np.testing.assert_allclose(data["keys"], trace.key[[2, 5]], atol=5.1e-5)
    assert data["tokens"] == list(trace.tokens.labels)
    assert data["cut"] == trace.tokens.segment.tolist().index(1)
    assert (data["layer"], data["head"], data["layers"]) == (5, 7, [2, 5])
    # A layer that is not in it cannot be the first.
    assert data_of(bertviz_page(trace, "head", [2, 5], True, 0, 7)[0])["layer"] == 2


def test_a_token_of_script_is_data_and_only_one_script_may_run(minilm):
    trace = it.trace(minilm, NASTY)
    tokens = replace(trace.tokens, labels=(NASTY, *trace.tokens.labels[1:]))
    page, _ = bertviz_page(it.Trace(**{**trace.__dict__, "tokens": tokens}), "head", [0], False, 0, 0)
    assert "<img" not in page
    # Only "</script>" ends a script, unless a comment was begun in it.
    assert page.lower().count("</script") == 2
    assert "<!--" not in page
    assert data_of(page)["tokens"][0] == NASTY
    policy = re.search(r"script-src 'sha256-([^']+)'", page)[1]
    script = re.search(r"</script><script>(.*)</script></body>", page, re.S)[1]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == policy
    assert "default-src 'none'" in page
