"""Heads by hand, and padding that counts for nothing."""

import numpy as np
import pytest
import torch

import interpret as it
from interpret.core.heads import HEADS
from interpret.core.task_heads import make_head, save_head
from tests.tiny import make_checkpoint

WIDTH, LABELS = 12, 3


@pytest.fixture
def states():
    random = torch.Generator().manual_seed(3)
    hidden = torch.randn((4, 9, WIDTH), generator=random)
    mask = torch.ones(4, 9, dtype=torch.long)
    mask[1, 6:] = 0
    mask[2, 2:] = 0  # shorter than any window
    return hidden, mask


@pytest.mark.parametrize("name", HEADS)
def test_padding_counts_for_nothing(states, name):
    hidden, mask = states
    head = make_head(name, WIDTH, LABELS).eval()
    with torch.no_grad():
        found = head(hidden, mask)
        # What stands in padded places, and how many there are, changes nothing.
        other = torch.where(mask[..., None].bool(), hidden, torch.full_like(hidden, 50.0))
        wide = torch.cat([other, torch.full((4, 5, WIDTH), -7.0)], dim=1)
        torch.testing.assert_close(head(other, mask), found)
        torch.testing.assert_close(head(wide, torch.cat([mask, torch.zeros(4, 5, dtype=torch.long)], dim=1)), found)
        alone = head(hidden[2:3, :2], mask[2:3, :2])
    torch.testing.assert_close(alone, found[2:3], atol=1e-6, rtol=1e-5)
    assert found.shape == (4, LABELS)


@pytest.mark.parametrize("name", HEADS)
def test_every_weight_learns_and_a_seed_makes_the_same_head(states, name):
    head = make_head(name, WIDTH, LABELS, seed=5)
    head(*states).square().sum().backward()
    assert all(bool(one.grad.abs().sum() > 0) for one in head.parameters())
    again, other = make_head(name, WIDTH, LABELS, seed=5), make_head(name, WIDTH, LABELS, seed=6)
    for first, second, third in zip(head.parameters(), again.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(first, second, atol=0, rtol=0)
        assert not torch.equal(first, third)


def test_a_seed_leaves_the_generator_of_the_process_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    make_head("mlp", WIDTH, LABELS, seed=9)
    torch.testing.assert_close(torch.rand(3), expected)


def test_convolutions_by_hand(states):
    hidden, mask = states
    head = make_head("textcnn", WIDTH, LABELS).eval()
    row = hidden[1, :6].numpy()
    found = []
    for window in head.windows:
        weight, bias = window.weight.detach().numpy(), window.bias.detach().numpy()
        size = weight.shape[-1]
        padded = np.pad(row, ((size // 2, size // 2), (0, 0)))
        answers = [
            np.maximum(np.einsum("oik,ki->o", weight, padded[place : place + size]) + bias, 0)
            for place in range(len(row))
        ]
        found.append(np.max(answers, axis=0))
    scores = head.scores.weight.detach().numpy() @ np.concatenate(found) + head.scores.bias.detach().numpy()
    np.testing.assert_allclose(head(hidden, mask)[1].detach().numpy(), scores, rtol=1e-4, atol=1e-5)


def test_a_recurrent_head_reads_both_ways(states):
    hidden, mask = states
    head = make_head("bilstm", WIDTH, LABELS).eval()
    with torch.no_grad():
        whole = head(hidden, mask)
        for place in (0, 8):
            changed = hidden.clone()
            changed[0, place] += 1
            assert (head(changed, mask)[0] - whole[0]).abs().max() > 1e-4


def test_an_unknown_head_is_named():
    with pytest.raises(it.InputError, match="no head “forest”. Choose one of: linear, mlp, textcnn, bilstm"):
        make_head("forest", WIDTH, LABELS)


@pytest.mark.parametrize("name", HEADS)
def test_a_saved_head_is_loaded_with_its_encoder_and_answers_the_same(tmp_path, name):
    folder = make_checkpoint("bert", tmp_path / "bert")
    head = make_head(name, 24, 3, seed=2)
    save_head(head, name, ("law", "sport", "medicine"), folder)
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.task.labels == ("law", "sport", "medicine")
    assert encoder.head_reads_all
    tokens = [encoder.tokens("the bank lent money"), encoder.tokens("the river")]
    inputs = encoder.batch(tokens)
    hidden = encoder.run(inputs).last_hidden_state
    with torch.no_grad():
        expected = head.eval()(hidden.clone(), inputs["attention_mask"])
    torch.testing.assert_close(encoder.run(inputs, task=True).logits.clone(), expected)
    # Attributions ask it as they ask any classifier.
    found = it.attribute(encoder, "the river bank was steep", target="sport")
    # TextCNN's largest answers change abruptly on the way, so that more places help it little.
    assert found.error <= 0.03
    assert found.output == pytest.approx(
        float(
            it.attribution.target_function(encoder, "the river bank was steep", target=1).outputs(
                [encoder.tokens("the river bank was steep")]
            )[0]
        )
    )


def test_a_head_of_another_encoder_or_a_damaged_one_is_one_sentence(tmp_path):
    folder = make_checkpoint("bert", tmp_path / "bert")
    save_head(make_head("linear", 30, 2), "linear", ("a", "b"), folder)
    with pytest.raises(it.CheckpointError, match="The head of .* cannot be read"):
        it.load_encoder(str(folder), device="cpu")
    (folder / "head.json").write_text("{")
    with pytest.raises(it.CheckpointError, match="The head of .* cannot be read"):
        it.load_encoder(str(folder), device="cpu")


def test_a_head_that_reads_all_is_followed_from_all(tmp_path):
    folder = make_checkpoint("bert", tmp_path / "bert")
    save_head(make_head("linear", 24, 2), "linear", ("a", "b"), folder)
    encoder = it.load_encoder(str(folder), device="cpu")
    text = "the river bank was steep"
    found = it.attribute(encoder, text, target="a", method="rollout")
    trace = it.trace(encoder, text)
    expected = it.attention.rollout(trace)[-1].mean(axis=0)
    free = ~found.tokens.special
    np.testing.assert_allclose(found.scores[free], expected[free], rtol=1e-3)
