"""What runs taught a model, as an adapter."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import interpret as it
from interpret.core.builtin import WEIGHTS, merge_adapter
from interpret.finetuning.adapter_evaluation import as_many, balance_pairs, measure_adapter
from interpret.finetuning.adapter_export import low_rank, main, map_inputs, save_change

LINES = "the river {} was steep. the bank lent {} money to the animals. it was rich, said the bank!"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs: one with adapters, and one of the whole model that began with the first one's."""
    from tests.tiny import make_checkpoint

    root = tmp_path_factory.mktemp("runs")
    base = make_checkpoint("bert", root / "base", initializer_range=0.05)
    text = " ".join(LINES.format(i, i) for i in range(120)).encode()
    recipe = it.Recipe(
        model=str(base), lora_rank=2, epochs=1, batch_size=8, max_length=48, learning_rate=1e-2, device="cpu"
    )
    first = it.finetune(
        root / "first", it.runs.Request(recipe, "first", "book.txt", task="masked words and next sentences"), text
    )
    recipe = replace(recipe, model=str(first.model), lora_rank=0)
    it.finetune(
        root / "second", it.runs.Request(recipe, "second", "book.txt", task="masked words and next sentences"), text
    )
    return root, text


def answers(folder, read):
    with torch.no_grad():
        model = tf.AutoModelForPreTraining.from_pretrained(folder).eval()
        return model(**read).prediction_logits, model(**read).seq_relationship_logits


def test_with_it_the_base_is_the_model_that_was_trained(runs, tmp_path):
    root, _text = runs
    width = tf.AutoConfig.from_pretrained(root / "base").hidden_size
    left = save_change(root / "base", root / "second" / "model", tmp_path / "change", "a/b", width, width)
    # Nothing is left out at a map's own rank; what eight bits round is some per cent.
    assert 0 < max(left.values()) < 0.06
    assert {"bert.embeddings.word_embeddings", "bert.embeddings.position_embeddings"} < left.keys()
    merge_adapter(root / "base", tmp_path / "change", tmp_path / "whole")
    read = tf.AutoTokenizer.from_pretrained(root / "base")("the river bank", "was steep", return_tensors="pt")
    begun = answers(root / "base", read)[0]
    for found, expected in zip(answers(tmp_path / "whole", read), answers(root / "second/model", read), strict=True):
        # What is rounded of the weights, told below, comes to some per cent of the answers.
        assert (found - expected).norm() < 0.1 * (expected - expected.mean()).norm()
    assert (begun - answers(root / "second/model", read)[0]).norm() > begun.norm() / 10
    config = json.loads((tmp_path / "change" / "adapter_config.json").read_text())
    assert set(config["rank_pattern"].values()) == {width, 2}
    assert config["base_model_name_or_path"] == "a/b"
    # Biases and layer norms learned too.
    whole, begun = (load_file(root / one / "model.safetensors") for one in ("second/model", "base"))
    merged = load_file(tmp_path / "whole" / "model.safetensors")
    for name in (
        "bert.embeddings.LayerNorm.weight",
        "bert.encoder.layer.0.attention.output.LayerNorm.weight",
        "bert.encoder.layer.0.output.dense.bias",
    ):
        assert not torch.equal(whole[name], begun[name.removeprefix("bert.")])
        torch.testing.assert_close(merged[name], whole[name], atol=2e-3, rtol=1e-3)
    for path in left:
        learned = whole[f"{path}.weight"] - begun[f"{path.removeprefix('bert.')}.weight"]
        missed = merged[f"{path}.weight"] - whole[f"{path}.weight"]
        # Three bits of a fraction round by a sixteenth at most.
        assert missed.norm() < learned.norm() / 16
    # The decoder is still the word vectors.
    assert "cls.predictions.decoder.weight" not in merged


def test_what_did_not_change_is_left_out(runs, tmp_path):
    root, _text = runs
    left = save_change(root / "base", root / "first" / "model", tmp_path / "change", "a/b", 4)
    # Adapters of rank 2 leave nothing out at rank 4; tables, biases and layer norms stayed as they were.
    assert max(left.values()) < 0.06
    assert not any("embeddings" in path for path in left)
    written = load_file(tmp_path / "change" / "adapter_model.safetensors")
    assert not any("embeddings" in key or "LayerNorm" in key.partition("encoder")[2] for key in written)
    assert not any(key.endswith("base_layer.bias") for key in written)


def test_the_factors_are_the_nearest_of_their_rank():
    random = torch.Generator().manual_seed(0)
    # Lengths of the directions as a training leaves them: falling, with a long tail.
    left, _ = torch.linalg.qr(torch.randn(40, 24, generator=random))
    right, _ = torch.linalg.qr(torch.randn(24, 24, generator=random))
    values = 0.9 ** torch.arange(24)
    change = left * values @ right.T
    for rank in (4, 12, 20):
        down, up, lost = low_rank(change, rank, torch.ones(24))
        # Eckart & Young: what is left out is the length of the other singular values.
        least = float(values[rank:].norm() / values.norm())
        assert least <= lost < float(np.hypot(least, 0.05))
        torch.testing.assert_close((up @ down / 64**2).float(), change, atol=float(values[rank]) + 0.05, rtol=0)
    # A rank that the map does not have takes nothing away, and adds nothing.
    down, up, lost = low_rank(change, 30, torch.ones(24))
    assert (down.shape, up.shape) == ((30, 24), (40, 30))
    assert lost < 0.05


@pytest.mark.parametrize("one_at_a_time", [False, True])
def test_what_is_given_decides_what_is_kept(one_at_a_time):
    random = torch.Generator().manual_seed(1)
    change = torch.randn(20, 30, generator=random)
    often = 0.8 ** torch.arange(30.0)
    turned = torch.eye(30) if one_at_a_time else torch.linalg.qr(torch.randn(30, 30, generator=random))[0]
    given = turned * often @ turned.T
    down, up, lost = low_rank(change, 6, often if one_at_a_time else given)
    # Chen et al. 2021: the singular values of the change times the root of the inputs' second moment.
    values = torch.linalg.svdvals(change @ (turned * often.sqrt()))
    least = float(values[6:].norm() / values.norm())
    assert least <= lost < float(np.hypot(least, 0.05))

    def missed(up, down):
        rest = change.double() - up @ down / 64**2
        return float((rest @ given.double() * rest).sum().sqrt() / values.norm())

    assert missed(up, down) == pytest.approx(lost, abs=1e-6)
    down, up, _lost = low_rank(change, 6, torch.ones(30))
    assert missed(up, down) > 1.5 * lost


def test_what_a_model_is_given_is_what_its_maps_read(runs):
    root, _text = runs
    given = map_inputs(it.runs.read_run(root / "second"))
    shapes = load_file(root / "second/model/model.safetensors")
    asked = set()
    for path, found in given.items():
        rows, columns = shapes[f"{path}.weight"].shape
        if "embeddings" in path:
            # Every row once more than it was met.
            assert (found.shape, float(found.min()) >= 1) == ((rows,), True)
            asked.add(float(found.sum() - rows))
        else:
            assert found.shape == (columns, columns)
            assert float(torch.linalg.eigvalsh(found.double()).min()) > -1e-4
    # Each token has a place and a segment.
    assert len(asked) == 1
    # Layer norms give states of known length: their bias and weight alone tell it.
    norm = "bert.encoder.layer.0.attention.output.LayerNorm"
    weight, bias = (shapes[f"{norm}.{one}"] for one in ("weight", "bias"))
    found = float(given["bert.encoder.layer.0.intermediate.dense"].trace())
    assert found == pytest.approx(float((weight**2).sum() + (bias**2).sum()), rel=0.3)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_as_many_are_told_to_follow_as_do(share):
    random = np.random.default_rng(0)
    odds = random.normal(3, 2, 2000)
    following = np.arange(2000) < 2000 * share
    shift = as_many(1 / (1 + np.exp(-odds)), following)
    assert (odds - shift > 0).sum() == following.sum()
    # A head that is as sure as numbers allow has odds, too.
    assert np.isfinite(as_many(np.array([0.0, 1.0]), np.array([False, True])))


def test_only_the_bias_of_pairs_is_balanced(runs, tmp_path):
    root, text = runs
    run = it.runs.read_run(root / "second")
    save_change(root / "base", root / "second" / "model", tmp_path / "change", "a/b", 4)
    before = load_file(tmp_path / "change" / WEIGHTS)
    weight, bias = (f"base_model.model.cls.seq_relationship.{one}" for one in ("weight", "bias"))
    # A head that says of everything that it follows, and as surely of each: where it then stands is known.
    before |= {weight: torch.zeros_like(before[weight]), bias: torch.tensor([4.0, -4.0])}
    save_file(before, tmp_path / "change" / WEIGHTS, {"format": "pt"})
    _hidden, written = measure_adapter(str(root / "base"), tmp_path / "change", text, "book.txt")
    np.testing.assert_allclose(written.follows, 1 / (1 + np.exp(-8)), rtol=1e-5)
    balance_pairs(str(root / "base"), tmp_path / "change", run)
    after = load_file(tmp_path / "change" / WEIGHTS)
    assert [key for key in before if not torch.equal(before[key].float(), after[key].float())] == [bias]
    _hidden, written = measure_adapter(str(root / "base"), tmp_path / "change", text, "book.txt")
    np.testing.assert_allclose(written.follows, 0.5, atol=1e-3)
    np.testing.assert_allclose(after[bias].sum(), 0, atol=1e-2)


def test_the_command_writes_an_adapter_and_what_it_can_do(runs, tmp_path):
    root, text = runs
    held = tmp_path / "held.txt"
    held.write_bytes(text)
    asked = [str(root / "first"), "--model", str(root / "base"), "--name", "a/b", "--rank", "2", "--words", "30"]
    asked += ["--held", str(held), "--learned", "1", "--books", "One", "--out", str(tmp_path / "out")]
    assert main(asked) == 0
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    examples = it.finetuning.read_examples(text, "held.txt", "text", "", None, "masked words and next sentences", 30)
    assert (
        facts["pairs"]
        == len(examples)
        > len(it.finetuning.read_examples(text, "held.txt", "text", "", None, "masked words and next sentences"))
    )
    hidden, written = measure_adapter(str(root / "base"), tmp_path / "out", text, "held.txt", 30)
    assert (facts["first"], facts["words"]) == (hidden.first, 30)
    assert (facts["following"], facts["following_hidden"]) == (written.next, hidden.next)
    assert np.isfinite(hidden.perplexity)
    # The same pairs and tokens, of which none is hidden any more.
    np.testing.assert_array_equal(written.following, hidden.following)
    np.testing.assert_array_equal(np.sort(written.truth), np.sort(hidden.truth))
    assert np.abs(written.follows - hidden.follows).max() > 1e-4


def test_a_model_of_another_shape_or_kind_is_refused(runs, tmp_path, tiny_folders):
    from tests.tiny import make_checkpoint

    root, _text = runs
    small = make_checkpoint("bert", tmp_path / "small", num_hidden_layers=1)
    with pytest.raises(it.InputError, match="have different shapes"):
        save_change(small, root / "second" / "model", tmp_path / "change", "a/b", 2)
    with pytest.raises(it.InputError, match="both of its pre-training heads"):
        save_change(root / "base", tiny_folders["roberta"], tmp_path / "change", "a/b", 2)


def test_what_is_no_run_is_one_sentence(tmp_path, capsys):
    asked = [str(tmp_path), "--name", "a", "--held", "x", "--learned", "1", "--books", "One", "--out", str(tmp_path)]
    assert main(asked) == 2
    assert capsys.readouterr().err.count("\n") == 1
