"""Adapters of runs that went on from each other, as one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.finetuning.shipping import join_adapters, main, measure_adapter
from interpret.guesser import merge_adapter

LINES = "the river {} was steep. the bank lent {} money to the animals. it was rich, said the bank!"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs, the second of which began with the model of the first."""
    from tests.tiny import make_checkpoint

    root = tmp_path_factory.mktemp("runs")
    base = make_checkpoint("bert", root / "base", initializer_range=0.05)
    text = " ".join(LINES.format(i, i) for i in range(120)).encode()
    recipe = it.Recipe(model=str(base), lora_rank=2, epochs=1, batch=8, max_tokens=48, learning_rate=1e-2, device="cpu")
    for name, rank, seed in (("first", 2, 0), ("second", 3, 1)):
        request = it.Request(replace(recipe, lora_rank=rank, seed=seed), name, "book.txt", task=it.GAMES[1])
        run = it.finetune(root / name, request, text)
        recipe = replace(recipe, model=str(run.model))
    return root, text


def words(folder, read):
    with torch.no_grad():
        model = tf.AutoModelForPreTraining.from_pretrained(folder).eval()
        return model(**read).prediction_logits, model(**read).seq_relationship_logits


def test_joined_they_are_the_model_of_the_last(runs, tmp_path):
    root, _text = runs
    join_adapters([root / "first" / "adapter", root / "second" / "adapter"], tmp_path / "both", "a/b", torch.float32)
    merge_adapter(root / "base", tmp_path / "both", tmp_path / "whole")
    read = tf.AutoTokenizer.from_pretrained(root / "base")("the river bank", "was steep", return_tensors="pt")
    for found, expected in zip(words(tmp_path / "whole", read), words(root / "second" / "model", read), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)
    # The first alone is not.
    assert (words(root / "first" / "model", read)[0] - words(tmp_path / "whole", read)[0]).abs().max() > 0.01
    config = json.loads((tmp_path / "both" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (5, 10, "a/b")


def test_the_command_writes_an_adapter_and_what_it_can_do(runs, tmp_path):
    root, text = runs
    held = tmp_path / "held.txt"
    held.write_bytes(text)
    # A run, and an adapter alone.
    asked = [str(root / "first"), str(root / "second" / "adapter"), "--model", str(root / "base"), "--name", "a/b"]
    asked += ["--held", str(held), "--learned", "1", "--books", "One", "--out", str(tmp_path / "out")]
    assert main(asked) == 0
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    # Half the numbers' bits are gone, and hardly anything of what they say.
    run = it.read_run(root / "second")
    encoder = it.load_encoder(str(run.model), device="cpu")
    examples = it.read_examples(text, "held.txt", "text", "", None, it.GAMES[1])
    assert facts["pairs"] == len(examples) > 8
    again = measure_adapter(str(root / "base"), tmp_path / "out", text, "held.txt")
    assert facts["first"] == again.first
    assert encoder.pair_game == "next"
    assert np.isfinite(again.perplexity)


def test_adapters_of_other_maps_are_refused(runs, tmp_path):
    root, text = runs
    recipe = it.Recipe(
        model=str(root / "base"), lora_rank=2, epochs=1, batch=8, max_tokens=48, frozen=("0",), device="cpu"
    )
    it.finetune(tmp_path / "other", it.Request(recipe, "other", "book.txt", task=it.GAMES[1]), text)
    with pytest.raises(it.InputError, match="other maps"):
        join_adapters([root / "first" / "adapter", tmp_path / "other" / "adapter"], tmp_path / "both", "a/b")


def test_what_is_no_run_is_one_sentence(tmp_path, capsys):
    asked = [str(tmp_path), "--name", "a", "--held", "x", "--learned", "1", "--books", "One", "--out", str(tmp_path)]
    assert main(asked) == 2
    assert "No such file" in capsys.readouterr().err
