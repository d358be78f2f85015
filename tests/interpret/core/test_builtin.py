"""The heads that ship with Bertoscope: what is in the adapter, what it makes of the built-in model, what it can do."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import interpret as it
from dashboard import ROOT
from interpret.core.builtin import ADAPTER, pretraining_facts
from interpret.core.checkpoints import BUILT_IN, GUESSER, checkpoint_folder, find_checkpoint
from interpret.finetuning.passages import sentences_of


@pytest.fixture(scope="module")
def guesser(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("BERTOSCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield it.load_encoder(GUESSER, device="cpu")
    patch.undo()


@pytest.fixture(scope="module")
def story():
    text = (ROOT / "dashboard/examples/story.txt").read_text("utf-8")
    return [sentences_of(part) for part in text.split("\n\n")]


def test_what_ships_is_small_and_no_pickle():
    names = {file.name for file in ADAPTER.iterdir()}
    assert names == {"adapter_model.safetensors", "adapter_config.json", "facts.json", "README.md"}
    assert (ADAPTER / "adapter_model.safetensors").stat().st_size <= 12_000_000


def test_the_model_is_the_built_in_one_with_what_was_learned(guesser):
    base = load_file(checkpoint_folder(find_checkpoint(BUILT_IN)) / "model.safetensors")
    whole = load_file(checkpoint_folder(guesser.spec.checkpoint) / "model.safetensors")
    learned = load_file(ADAPTER / "adapter_model.safetensors")
    config = json.loads((ADAPTER / "adapter_config.json").read_text("utf-8"))
    factors = re.compile(r"base_model\.model\.(bert\..*)\.lora_(embedding_)?A(\.weight)?")
    adapted = {found[1]: found[2] for found in map(factors.fullmatch, learned) if found}
    assert {"bert.embeddings.word_embeddings", "bert.encoder.layer.5.output.dense"} < adapted.keys()
    for path, table in adapted.items():
        down, up = (
            learned[f"base_model.model.{path}.lora_" + (f"embedding_{one}" if table else f"{one}.weight")].float()
            for one in "AB"
        )
        change = config["alpha_pattern"][path] / config["rank_pattern"][path] * up @ down
        before = base[path.removeprefix("bert.") + ".weight"]
        torch.testing.assert_close(whole[f"{path}.weight"], before + (change.T if table else change))
    named = {
        name.removeprefix("base_model.model.").replace(".base_layer.", "."): value.float()
        for name, value in learned.items()
        if "lora" not in name
    }
    assert any("seq_relationship" in name for name in named)
    for name, value in named.items():
        torch.testing.assert_close(whole[name], value, atol=0, rtol=0)
    # All else is as it was, and the head still compares with the word vectors.
    for name in base:
        if f"bert.{name}" in whole and f"bert.{name}" not in {*named, *(f"{path}.weight" for path in adapted)}:
            assert torch.equal(whole[f"bert.{name}"], base[name]), name
    assert "cls.predictions.decoder.weight" not in whole
    assert guesser.pair_task == "next"


def test_without_it_the_built_in_model_is_what_it_was(guesser, minilm):
    assert it.load_encoder(device="cpu").spec.checkpoint.name == BUILT_IN
    assert minilm.task is None
    assert not np.allclose(
        it.trace(guesser, "The bank.").hidden[-1], it.trace(minilm, "The bank.").hidden[-1], atol=0.01
    )


def test_it_guesses_words_of_a_story_that_it_never_saw(guesser, story):
    # Half of what it does on held-out novels: the story has 60 sentences, and is written in another way.
    asked = right = 0
    for sentences in story:
        text = " ".join(sentences)
        tokens = guesser.tokens(text)
        places = np.random.default_rng(0).choice(np.flatnonzero(~tokens.special), len(tokens) // 7, replace=False)
        found = it.fill_mask(guesser, text, hidden=[int(one) for one in places])
        asked += len(found.guesses)
        right += sum(one.rank == 0 for one in found.guesses)
    assert asked > 100
    assert right / asked > pretraining_facts().first / 2


def test_it_tells_what_follows_better_than_chance(guesser, story):
    pairs = [pair for sentences in story for pair in pairwise(sentences)]
    assert it.pretraining.score_pairs(guesser, pairs).distinguished("shuffled") > 0.55


def test_what_is_said_of_it_is_what_its_card_says():
    facts, card = pretraining_facts(), (ADAPTER / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: apache-2.0\n")
    for share in (facts.first, facts.five, facts.following, facts.following_hidden):
        assert f"{share:.1%}".replace("%", " %") in card
    assert all(book in card for book in facts.books)
    # Whoever reads the card can make it again.
    assert re.search(r"python -m interpret\.finetuning .*--task", card)


def test_every_figure_says_of_which_texts_and_how_surely_or_who_measured_it():
    facts, card = pretraining_facts(), (ADAPTER / "README.md").read_text("utf-8")
    assert {one.domain for one in facts.figures} == {"novels", "everyday", "encyclopaedia"}
    for one in facts.figures:
        assert one.source
        number = f"{one.value:,.0f}" if one.measure == "perplexity" else f"{one.value:.1%}".replace("%", " %")
        assert number in card, one
        if one.origin == "outside":
            # Given as they were found, without an interval of our making.
            assert (one.low, one.high, one.rows) == (None, None, None)
            assert "measured outside" in " ".join(card.split())
        else:
            assert one.low < one.value < one.high, one
            assert one.rows >= 100, one
            assert f"{one.rows:,} {one.unit}" in " ".join(card.split()) or one.unit == "tokens"
    outside = {one.measure: one.value for one in facts.figures if one.domain == "encyclopaedia"}
    # WikiText-2, as the one who measured it wrote.
    assert outside == {
        "first": 0.237,
        "five": 0.385,
        "content first": 0.062,
        "content five": 0.134,
        "perplexity": 335,
        "next": 0.796,
        "sentence swapped": 0.495,
    }
    novels = {one.measure: one.value for one in facts.figures if one.domain == "novels"}
    assert novels == pytest.approx(
        {
            "first": facts.first,
            "five": facts.five,
            "next": facts.following,
            "next hidden": facts.following_hidden,
        },
        abs=1e-4,
    )


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(it.CheckpointError, match="but that folder cannot be written to"):
        it.load_encoder(GUESSER, device="cpu")


@pytest.mark.slow
def test_a_fine_tune_goes_on_from_it(guesser, story, tmp_path, monkeypatch):
    text = " ".join(one for sentences in story for one in sentences).encode()
    recipe = it.Recipe(
        model=GUESSER, epochs=1, batch_size=8, max_length=48, device="cpu", snapshots=0, frozen=("embeddings", *"01234")
    )
    run = it.finetune(
        tmp_path / "run", it.runs.Request(recipe, "field", "story.txt", task="masked words and next sentences"), text
    )
    assert run.state == "done"
    # It began with heads that can guess already.
    assert run.facts["accuracy_before"] > pretraining_facts().first / 2
