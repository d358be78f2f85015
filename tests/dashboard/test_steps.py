"""The cards of Q·K·V: what a family adds to the usual steps, and formulas that say what its layers compute."""

import numpy as np
import pytest

import interpret as it
from dashboard.components import steps as picture
from dashboard.components.steps.layer import layer_of
from tests.tiny import make_checkpoint

TEXT = "the river bank was steep and tired"


def drawn(monkeypatch, folder, **how):
    encoder = it.load_encoder(str(folder), device="cpu")
    steps = it.attention.attention_steps(encoder, it.trace(encoder, TEXT), 1, 2, 3, **how)
    sent = {}
    monkeypatch.setattr(picture, "_COMPONENT", lambda key, data: sent.update(data))
    picture.steps_picture(steps, layer_of(encoder, steps), "title", "file")
    return steps, [card for part in sent["parts"] for card in part["cards"]], sent["worked"]["keys"]


def values(card):
    return np.array([row[0] for row in card["values"]])


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("family", ["bert", "mpnet", "deberta-v2"])
def test_what_relative_positions_add_is_a_step_of_its_own(monkeypatch, tiny_folders, family, temperature):
    steps, cards, worked = drawn(monkeypatch, tiny_folders[family], temperature=temperature)
    formulas = [card["formula"] for card in cards]
    softmax = next(index for index, one in enumerate(formulas) if one.startswith("wⱼ = exp"))
    masked, weights = values(cards[softmax - 1]), values(cards[softmax])
    # What is drawn under one another follows from one another.
    expected = np.exp(masked - masked.max())
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-6)
    if family == "bert":
        assert len(cards) == 13
        assert "+ (" not in worked[0].split(";")[1]
        return
    assert len(cards) == 14
    before, added = cards[softmax - 3], cards[softmax - 2]
    np.testing.assert_allclose(values(added), values(before) + steps.bias, atol=1e-6)
    np.testing.assert_allclose(added["usual"], values(before), atol=1e-6)
    assert np.abs(steps.bias).max() > 0.01
    # Worked out for one key: both the product and the addend, and their sum.
    for key, line in enumerate(worked):
        assert f"{steps.scaled[key] + steps.bias[key]:.3f};" in line
        assert f"{abs(steps.bias[key]):.3f}" in line


def test_debertas_keys_have_no_bias(monkeypatch, tmp_path):
    """Of its one matrix for all three, only queries and values are shifted; and its scores may be of one product."""
    for kinds, scaled in (("c2p|p2c", True), ("", False)):
        folder = make_checkpoint("deberta", tmp_path / str(scaled), pos_att_type=kinds)
        _steps, cards, _worked = drawn(monkeypatch, folder)
        made = [card["formula"] for card in cards if card["formula"].startswith(("q = ", "kⱼ = ", "vⱼ = "))]
        assert [one.endswith("+ b") for one in made] == [True, False, True]
        divided = next(card for card in cards if card["formula"].startswith("sⱼ = q"))
        assert ("√(3 · 6)" in divided["about"]) == scaled


@pytest.mark.parametrize(
    ("changes", "query", "value", "residual"),
    [
        ({}, "B′(x)", "· xⱼ", "B(x) + a"),
        ({"use_bottleneck_attention": True}, "B(x)", "B(xⱼ)", "B(x) + a"),
        ({"use_bottleneck": False}, "· x ", "· xⱼ", "x + a"),
    ],
)
def test_mobilebert_says_where_its_bottlenecks_are(monkeypatch, tmp_path, changes, query, value, residual):
    folder = make_checkpoint("mobilebert", tmp_path, **changes)
    steps, cards, _worked = drawn(monkeypatch, folder)
    formulas = [card["formula"] for card in cards]
    assert query in next(one for one in formulas if one.startswith("q = ")) + " "
    assert value in next(one for one in formulas if one.startswith("vⱼ = "))
    assert formulas[-1].startswith(residual)
    assert "NoNorm" in formulas[-1]
    # The lengths that are drawn are those of what is added.
    assert values(cards[-1])[0] == pytest.approx(np.linalg.norm(steps.added - steps.projected), rel=1e-4)
    assert max(steps.errors.values()) < 1e-4
