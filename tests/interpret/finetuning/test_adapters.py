"""Low-rank adapters: what was trained is in the weights in the end, and PEFT reads the rest."""

from dataclasses import replace

import numpy as np
import peft
import pytest
import torch
import transformers as tf
from safetensors.torch import load_file

import interpret as it
from interpret.core.adapters import save_adapter
from interpret.core.errors import InputError
from interpret.core.task_heads import load_head
from interpret.finetuning.data import split_examples
from interpret.finetuning.plan import StepCost, plan
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.training import save_trained, train
from tests.tiny import FAMILIES, make_checkpoint

COST = StepCost(1e-6, 2e-6, 1e-9)


@pytest.fixture
def adapted(recipe):
    return replace(recipe, lora_rank=4, learning_rate=2e-2, frozen=("0",))


def answers(model, folder, texts):
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        return torch.stack([model(**tokenizer(one, return_tensors="pt")).logits[0] for one in texts])


def test_only_what_was_adapted_changes_and_by_a_low_rank(folder, adapted, examples):
    before = it.load_encoder(str(folder), device="cpu").model.state_dict()
    done = train(replace(adapted, epochs=4), examples, *split_examples(examples))
    assert done.evaluations[-1].score > 0.8
    after = done.model.base_model.state_dict()
    assert after.keys() >= before.keys()
    for name, value in before.items():
        change = after[name] - value
        inside = "layer.0." not in name and name.startswith("encoder.layer") and change.ndim == 2
        if inside and "LayerNorm" not in name:
            # Of rank 4: the fifth singular value is a rounding error.
            sizes = torch.linalg.svdvals(change)
            assert sizes[0] > 1e-3
            assert sizes[4] < 1e-5 * sizes[0]
        elif not name.startswith("pooler"):
            assert torch.equal(after[name], value), name
    layer_groups = {one.name: one for one in done.layer_groups}
    assert layer_groups["embeddings"].frozen
    assert layer_groups["0"].learns == 0
    # Four maps of attention and two of the feed-forward part: rank × (in + out) each.
    width, wide = done.model.config.hidden_size, done.model.config.intermediate_size
    assert layer_groups["1"].learns == 4 * (4 * 2 * width + 2 * (width + wide))
    assert not any("lora" in name for name, _ in done.model.named_modules())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["own", "mlp"])
def test_every_family_is_adapted_and_counted(family, head, examples, tmp_path):
    folder = make_checkpoint(family, tmp_path)
    recipe = Recipe(model=str(folder), head=head, lora_rank=2, epochs=1, batch_size=48, device="cpu")
    found = plan(it.load_encoder(str(folder), device="cpu"), recipe, "classes", 2, [10], 80, 16, COST)
    learned, judged = split_examples(examples)
    done = train(recipe, examples, learned[:48], judged)
    assert found.layer_groups == done.layer_groups
    # What PEFT made is what was planned: each number of an adapter and of the head is in its state.
    body = sum(one.numel() for name, one in done.adapter.items() if ".lora_" in name)
    assert body == sum(one.learns for one in done.layer_groups if one.name != "head") > 0
    assert found.trainable == sum(one.learns for one in done.layer_groups)
    assert np.isfinite(done.answers["logits"]).all()


def test_peft_opens_what_is_saved_and_answers_the_same(folder, adapted, examples, tmp_path):
    done = train(adapted, examples, *split_examples(examples))
    save_trained(done, it.find_checkpoint(str(folder)), tmp_path / "model")
    save_adapter(done.model, done.adapter, done.head, done.labels, tmp_path / "adapter")
    whole = tf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    base = tf.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
    small = peft.PeftModel.from_pretrained(base, tmp_path / "adapter")
    found = answers(whole, folder, examples.texts[:8])
    torch.testing.assert_close(answers(small, folder, examples.texts[:8]), found, atol=1e-5, rtol=1e-4)
    # The test would see it if nothing were loaded.
    with small.disable_adapter():
        assert (answers(small, folder, examples.texts[:8]) - found).abs().max() > 1e-2
    size = (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_size
    assert size < (tmp_path / "model" / "model.safetensors").stat().st_size / 2


def test_a_regressions_adapter_answers_in_the_labels_unit(folder, adapted, examples, tmp_path):
    numbers = tuple(str(1000 + 50 * len(one.split())) for one in examples.texts)
    values = replace(examples, task="regression", labels=numbers)
    done = train(adapted, values, *split_examples(values))
    save_adapter(done.model, done.adapter, done.head, done.labels, tmp_path)
    base = tf.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    small = peft.PeftModel.from_pretrained(base, tmp_path)
    found = answers(done.model.eval(), folder, examples.texts[:8])
    assert found.min() > 500
    torch.testing.assert_close(answers(small, folder, examples.texts[:8]), found, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("frozen", [("0",), ("0", "pooler")])
def test_a_pooler_that_the_checkpoint_lacks_is_kept_with_the_adapters(folder, adapted, examples, tmp_path, frozen):
    masked = tf.AutoModelForMaskedLM.from_pretrained(folder)
    masked.save_pretrained(tmp_path / "base")
    tf.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "base")
    recipe = replace(adapted, model=str(tmp_path / "base"), frozen=frozen)
    encoder = it.load_encoder(recipe.model, device="cpu")
    assert encoder.model.pooler is None
    done = train(recipe, examples, *split_examples(examples))
    assert plan(encoder, recipe, "classes", 2, [10], 80, 16, COST).layer_groups == done.layer_groups
    save_adapter(done.model, done.adapter, done.head, done.labels, tmp_path / "adapter")
    found = answers(done.model.eval(), folder, examples.texts[:8])
    for seed in (0, 1):
        # What transformers draws anew each time must not matter.
        torch.manual_seed(seed)
        base = tf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "base", num_labels=2)
        small = peft.PeftModel.from_pretrained(base, tmp_path / "adapter")
        torch.testing.assert_close(answers(small, folder, examples.texts[:8]), found, atol=1e-5, rtol=1e-4)


def test_with_a_head_of_our_own_peft_opens_the_encoder(folder, adapted, examples, tmp_path):
    done = train(replace(adapted, head="linear"), examples, *split_examples(examples))
    save_adapter(done.model, done.adapter, done.head, done.labels, tmp_path / "adapter")
    small = peft.PeftModel.from_pretrained(tf.AutoModel.from_pretrained(folder), tmp_path / "adapter")
    inputs = tf.AutoTokenizer.from_pretrained(folder)(examples.texts[0], return_tensors="pt")
    with torch.no_grad():
        hidden = small(**inputs).last_hidden_state
        torch.testing.assert_close(hidden, done.model.body(**inputs).last_hidden_state, atol=1e-5, rtol=1e-4)
    head, card = load_head(tmp_path / "adapter", done.model.config.hidden_size, "x")
    assert card.labels == done.labels
    assert torch.equal(head.scores.weight, done.model.head.scores.weight)


def test_the_same_seed_is_the_same_and_what_is_kept_changes_nothing(adapted, examples):
    split = split_examples(examples)
    adapted = replace(adapted, frozen=("embeddings", "0"))
    first, again, anew = (train(replace(adapted, keep_prefix=keep), examples, *split) for keep in (True, True, False))
    assert first.kept == 1
    assert [one.loss for one in first.steps] == [one.loss for one in again.steps]
    np.testing.assert_allclose([one.loss for one in first.steps], [one.loss for one in anew.steps], atol=1e-4)
    # How far a layer group moved is the adapters' product against the weights beside it.
    assert 0 < first.evaluations[-1].moved["1"] < 2
    assert "0" not in first.evaluations[-1].moved


def test_stopped_and_resumed_is_as_never_stopped(adapted, examples, tmp_path):
    split = split_examples(examples)
    whole = train(adapted, examples, *split)
    asked = iter([False] * 7 + [True] * 100)
    train(adapted, examples, *split, stop=lambda: next(asked), folder=tmp_path / "checkpoints")
    done = train(adapted, examples, *split, folder=tmp_path / "checkpoints")
    for (name, one), other in zip(whole.model.named_parameters(), done.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0, msg=name)


def test_a_snapshot_holds_what_the_model_was(adapted, examples, tmp_path):
    done = train(replace(adapted, snapshots=1, epochs=2), examples, *split_examples(examples), folder=tmp_path / "c")
    (path,) = (tmp_path / "snapshots").iterdir()
    taken = load_file(path)
    state = dict(done.model.named_parameters())
    assert taken.keys() < state.keys()
    assert not any("lora" in name for name in taken)
    assert all(taken[name].shape == state[name].shape for name in taken)
    # In the middle: no longer what it was, and not yet what it is.
    name = "bert.encoder.layer.1.output.dense.weight"
    before = it.load_encoder(adapted.model, device="cpu").model.state_dict()[name.removeprefix("bert.")]
    way, whole = taken[name] - before, state[name].detach() - before
    assert 0 < way.norm() < whole.norm() * 1.5
    assert not torch.equal(way, whole)


def test_adapters_and_holding_are_not_both_to_be_had(adapted):
    with pytest.raises(InputError, match="not both"):
        replace(adapted, regularization="l2")
