"""Against forgetting: what is held stays nearer, what is replayed is known still, and the Fisher information is one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.errors import InputError
from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.regularization import ParentRun, Regularizer, fisher_information, replayed
from interpret.finetuning.trainable_model import make_trainable_model
from interpret.finetuning.training import save_trained, train


@pytest.fixture(scope="module")
def past(folder, examples, tmp_path_factory):
    """A model that knows the two words, and what it learned them from."""
    place = tmp_path_factory.mktemp("past") / "model"
    learned, judged = split_examples(examples)
    recipe = it.Recipe(model=str(folder), epochs=4, learning_rate=5e-3, batch_size=8, device="cpu", seed=3)
    save_trained(train(recipe, examples, learned, judged), it.find_checkpoint(str(folder)), place)
    return ParentRun(str(place), examples, learned)


@pytest.fixture
def other(examples):
    """The same words, labelled the other way round."""
    turned = {"bank": "river", "river": "bank"}
    return Examples("classes", examples.texts, None, tuple(turned[one] for one in examples.labels), examples.indices, 0)


def how_far(done, past):
    before = it.load_encoder(past.model, device="cpu").model.state_dict()
    body = dict(done.model.base_model.named_parameters())
    return float(sum((body[name].detach() - before[name]).square().sum() for name in body)) ** 0.5


def test_the_stronger_the_hold_the_nearer_it_stays(recipe, past, other):
    split = split_examples(other)
    recipe = replace(recipe, model=past.model)
    ways = [
        how_far(train(replace(recipe, regularization="l2", regularization_strength=one), other, *split), past)
        for one in (0.0, 1.0, 100.0)
    ]
    assert ways[0] > ways[1] > ways[2] > 0
    # Of no strength, it is as if it were not there.
    free = train(recipe, other, *split)
    assert how_far(free, past) == ways[0]
    by_need = train(
        replace(recipe, regularization="ewc", regularization_strength=100.0), other, *split, parent_run=past
    )
    assert 0 < how_far(by_need, past) < ways[0]


def test_its_pull_is_the_gradient_of_what_it_adds(recipe, past, other):
    """Against PyTorch's own derivative of λ / 2 Σ f (w − w⁰)²."""
    trainable = make_trainable_model(
        it.load_encoder(past.model, device="cpu"), replace(recipe, model=past.model), "classes", ("bank", "river")
    )
    body = trainable.model.base_model
    importance = {name: torch.rand_like(one) for name, one in body.named_parameters()}
    held = Regularizer(trainable, 0.7, importance)
    begun = {name: one.detach().clone() for name, one in body.named_parameters()}
    with torch.no_grad():
        for one in body.parameters():
            one.add_(torch.randn_like(one))
    loss = sum(0.35 * (importance[name] * (one - begun[name]).square()).sum() for name, one in body.named_parameters())
    wanted = torch.autograd.grad(loss, list(body.parameters()))
    for one in trainable.model.parameters():
        one.grad = torch.zeros_like(one)
    held.add_gradient()
    for one, gradient in zip(body.parameters(), wanted, strict=True):
        torch.testing.assert_close(one.grad, gradient)
    # The head has to learn what is new.
    assert all(not one.grad.any() for one in trainable.model.classifier.parameters())


def test_the_fisher_information_of_a_line_is_known(recipe, past, monkeypatch):
    """For the classifier's bias it is p (1 − p): here seen through the pooler's, by the chain rule in NumPy."""
    encoder = it.load_encoder(past.model, device="cpu")
    found = fisher_information(encoder, past, replace(recipe, model=past.model))
    values = torch.cat([one.flatten() for one in found.values()])
    assert float(values.mean()) == pytest.approx(1, rel=1e-4)
    assert (values >= 0).all()
    model = tf.AutoModelForSequenceClassification.from_pretrained(past.model).eval()
    tokenizer = tf.AutoTokenizer.from_pretrained(past.model)
    random = np.random.default_rng(recipe.seed)
    chosen = random.permutation(past.train_rows)
    weight = model.classifier.weight.detach().numpy()
    wanted = np.zeros(model.config.hidden_size)
    seen = {}
    model.bert.pooler.register_forward_hook(lambda _m, _i, output: seen.update(pooled=output))
    for place in chosen:
        with torch.no_grad():
            shares = (
                model(**tokenizer(past.examples.texts[int(place)], return_tensors="pt"))
                .logits[0]
                .double()
                .softmax(-1)
                .numpy()
            )
        answer = random.choice(2, p=shares / shares.sum())
        # ∂ log p(y) / ∂b = (1 − tanh²) Wᵀ (onehot(y) − p)
        pooled = seen["pooled"][0].numpy()
        wanted += ((1 - pooled**2) * (weight.T @ (np.eye(2)[answer] - shares))) ** 2
    bias = found["pooler.dense.bias"].numpy()
    np.testing.assert_allclose(bias / bias.sum(), wanted / wanted.sum(), rtol=1e-3)


def test_what_is_replayed_is_known_still(recipe, past, examples):
    """New rows hold one class alone, under a label that the old ones do not have."""
    learned, _judged = split_examples(examples)
    new = Examples("classes", examples.texts, None, tuple(f"new {one}" for one in examples.labels), examples.indices, 0)
    whole, places = replayed(new, learned, past, 0.25, 0)
    assert len(places) - len(learned) == round(len(learned) / 3)
    assert whole.texts[: len(new)] == new.texts
    old = set(places.tolist()) - set(learned.tolist())
    # Only what was learned from: what the old run is judged by stays unseen.
    kept = {examples.texts[int(i)] for i in past.train_rows}
    assert old
    assert all(i >= len(new) and whole.texts[i] in kept and whole.labels[i] in ("bank", "river") for i in old)
    assert set(whole.classes) == {"bank", "river", "new bank", "new river"}
    # Never more than there are.
    assert len(replayed(new, learned, past, 0.9, 0)[1]) == len(learned) + len(past.train_rows)


@pytest.mark.parametrize("task", ["regression", "pairs"])
def test_what_is_of_another_kind_is_not_replayed(examples, past, task):
    if task == "pairs":
        new = replace(examples, pairs=examples.texts)
    else:
        new = replace(examples, task="regression", labels=tuple("1" for _ in examples.labels))
    with pytest.raises(InputError, match="of another kind"):
        replayed(new, [0, 1], past, 0.5, 0)


def test_ewc_without_a_past_is_said(recipe, examples):
    with pytest.raises(InputError, match="needs the data that the model was trained on before"):
        train(replace(recipe, regularization="ewc"), examples, *split_examples(examples))


def test_a_head_for_the_same_classes_goes_on_and_for_others_is_new(recipe, past, examples):
    same = make_trainable_model(
        it.load_encoder(past.model, device="cpu"), replace(recipe, model=past.model), "classes", ("bank", "river")
    )
    saved = tf.AutoModelForSequenceClassification.from_pretrained(past.model)
    assert same.continued
    assert torch.equal(same.model.classifier.weight, saved.classifier.weight)
    others = make_trainable_model(
        it.load_encoder(past.model, device="cpu"), replace(recipe, model=past.model), "classes", ("x", "y")
    )
    assert not others.continued
    assert not torch.equal(others.model.classifier.weight, saved.classifier.weight)
    assert torch.equal(others.model.base_model.pooler.dense.weight, saved.base_model.pooler.dense.weight)


@pytest.mark.parametrize("head", ["own", "linear"])
def test_a_head_goes_on_where_it_was(recipe, examples, folder, tmp_path, head):
    split = split_examples(examples)
    recipe = replace(recipe, head=head, epochs=4)
    first = train(recipe, examples, *split)
    save_trained(first, it.find_checkpoint(str(folder)), tmp_path / "model")
    again = train(replace(recipe, model=str(tmp_path / "model"), learning_rate=1e-8, epochs=1), examples, *split)
    np.testing.assert_allclose(again.answers["logits"], first.answers["logits"], atol=1e-3)


def test_a_regression_goes_on_in_the_unit_of_its_labels(recipe, examples, folder, tmp_path):
    values = Examples(
        "regression",
        examples.texts,
        None,
        tuple(str(1000 + 50 * len(one.split())) for one in examples.texts),
        examples.indices,
        0,
    )
    split = split_examples(values)
    first = train(replace(recipe, epochs=3), values, *split)
    save_trained(first, it.find_checkpoint(str(folder)), tmp_path / "model")
    again = train(replace(recipe, model=str(tmp_path / "model"), learning_rate=1e-8, epochs=1), values, *split)
    np.testing.assert_allclose(again.answers["logits"], first.answers["logits"], rtol=1e-3)


@pytest.mark.parametrize("hold", ["none", "l2", "ewc"])
def test_what_is_held_does_not_decay(recipe, past, other, monkeypatch, hold):
    """Where the task has no gradient, AdamW's own formula: what decays is multiplied by 1 − rate · decay at each step.

    What is held is at rest where it began, instead of moving towards 0 (Li et al. 2018, sec. 3.1).
    """

    def nothing(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        return 0.0 * sum(one.sum() for one in model.parameters())

    monkeypatch.setattr("interpret.finetuning.trainer.FineTuner.compute_loss", nothing)
    recipe = replace(
        recipe, model=past.model, regularization=hold, regularization_strength=1.0, weight_decay=0.5, epochs=1
    )
    begun = make_trainable_model(
        it.load_encoder(past.model, device="cpu"), recipe, "classes", other.classes
    ).model.state_dict()
    done = train(recipe, other, *split_examples(other), parent_run=past)
    left = float(np.prod([1 - one.rate * 0.5 for one in done.steps]))
    assert left < 0.99
    for name, now in done.model.state_dict().items():
        decays = not any(part in name.lower() for part in ("bias", "norm")) and now.is_floating_point()
        held = hold != "none" and not name.startswith("classifier")
        wanted = begun[name] * left if decays and not held else begun[name]
        torch.testing.assert_close(now, wanted, atol=1e-6, rtol=1e-5)
