"""Frozen is frozen, the same seed is the same curve, and what is kept changes nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.finetuning import training
from interpret.finetuning.checkpoints import latest_checkpoint
from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.metrics_log import Evaluation, Reading, Step
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.trainer import FineTuner
from interpret.finetuning.training import save_trained, train
from tests.interpret.finetuning.conftest import WORDS


def losses(done):
    return [step.loss for step in done.steps]


@pytest.mark.parametrize("head", ["own", "linear", "textcnn"])
@pytest.mark.parametrize("frozen", [(), ("embeddings", "0"), ("1",), ("embeddings", "0", "1", "2")])
def test_frozen_layer_groups_are_bit_identical_and_all_others_change(folder, recipe, examples, frozen, head):
    before = it.load_encoder(str(folder), device="cpu").model.state_dict()
    done = train(replace(recipe, frozen=frozen, head=head, epochs=1), examples, *split_examples(examples))
    body = getattr(done.model, done.model.base_model_prefix)
    for layer_group in done.layer_groups:
        if layer_group.name in ("pooler", "head"):
            continue
        path = "embeddings." if layer_group.name == "embeddings" else f"encoder.layer.{layer_group.name}."
        for name, value in body.state_dict().items():
            if name.startswith(path) and name in before:
                same = torch.equal(value, before[name])
                # Attention's key biases have no gradient: softmax does not see what is added to all scores alike.
                assert same == layer_group.frozen or name.endswith("key.bias"), name
    assert done.kept == (-1 if "embeddings" not in frozen else len(frozen) - 1)
    assert all(math.isfinite(one) for one in losses(done))


@pytest.mark.parametrize("head", ["own", "linear"])
@pytest.mark.parametrize("frozen", [("embeddings",), ("embeddings", "0", "1"), ("embeddings", "0", "2")])
def test_what_is_kept_changes_no_loss(recipe, examples, frozen, head):
    recipe = replace(recipe, frozen=frozen, head=head)
    kept = train(recipe, examples, *split_examples(examples))
    anew = train(replace(recipe, keep_prefix=False), examples, *split_examples(examples))
    assert kept.kept >= 0 > anew.kept
    np.testing.assert_allclose(losses(kept), losses(anew), atol=1e-4)
    np.testing.assert_allclose(kept.answers["logits"], anew.answers["logits"], atol=1e-3)


@pytest.mark.parametrize("head", ["own", "linear"])
def test_the_weights_are_there_once(recipe, examples, monkeypatch, head):
    """What is trained is the one copy of the model: a second one would be all that the peak of memory is higher by."""
    loaded = []
    monkeypatch.setattr(training, "load_encoder", lambda *given: loaded.append(it.load_encoder(*given)) or loaded[-1])
    done = train(replace(recipe, epochs=1, head=head), examples, *split_examples(examples))
    trained = {one.data_ptr() for one in done.model.parameters()}
    (encoder,) = loaded
    for name, one in encoder.model.named_parameters():
        assert one.device.type == "meta" or one.data_ptr() in trained, name
    assert all(one.device.type == "cpu" for one in done.model.parameters())


def test_the_same_seed_is_the_same_curve_and_another_is_not(recipe, examples):
    split = split_examples(examples)
    first, second, third = (train(replace(recipe, seed=seed), examples, *split) for seed in (3, 3, 4))
    assert losses(first) == losses(second)
    assert losses(first) != losses(third)


def test_it_learns_tells_every_step_and_where_the_gradient_reaches(recipe, examples):
    told = []
    recipe = replace(recipe, epochs=5, frozen=("embeddings", "0"))
    done = train(recipe, examples, *split_examples(examples), callback=lambda what, total: told.append((what, total)))
    assert done.evaluations[-1].score >= 0.9
    assert len(done.evaluations) == 5
    learned, judged = split_examples(examples)
    assert len(done.steps) == 5 * math.ceil(len(learned) / 8)
    assert {total for what, total in told if not isinstance(what, Reading)} == {len(done.steps)}
    assert [what for what, _ in told if isinstance(what, Reading)][-1].done == len(examples)
    assert sum(isinstance(what, Evaluation) for what, _ in told) == 5
    for step in done.steps:
        assert step.norms["embeddings"] == step.norms["0"] == 0
        assert all(step.norms[name] > 0 for name in ("1", "2", "pooler", "head"))
    # The rate rises, then falls to nothing.
    rates = [step.rate for step in done.steps]
    assert max(rates) == pytest.approx(5e-3, rel=0.1)
    assert rates[-1] < 0.1 * max(rates)
    right = done.answers["logits"].argmax(axis=1) == [done.labels.index(examples.labels[i]) for i in judged]
    assert right.mean() == done.evaluations[-1].score


def test_patience_stops_and_goes_back_to_the_best(recipe, examples):
    recipe = replace(recipe, epochs=40, patience=2, head="linear")
    learned, judged = split_examples(examples)
    # A third of what is judged by is labelled wrongly: the surer the model, the worse its loss there.
    labels, turned = list(examples.labels), {"bank": "river", "river": "bank"}
    for place in judged[::3]:
        labels[place] = turned[labels[place]]
    done = train(recipe, replace(examples, labels=tuple(labels)), learned, judged)
    seen = [one.loss for one in done.evaluations]
    assert len(seen) < 40
    assert done.best == done.evaluations[int(np.argmin(seen))].epoch
    assert min(seen[-2:]) >= min(seen)


def test_a_loss_that_is_no_number_is_named(recipe, examples, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda logits, *_, **__: (logits * float("nan")).sum())
    with pytest.raises(it.InputError, match="became NaN or infinite at step 1, with a learning rate of 10"):
        train(replace(recipe, learning_rate=10.0), examples, *split_examples(examples))


@pytest.mark.parametrize("head", ["own", "mlp"])
def test_what_is_saved_opens_and_answers_the_same(folder, recipe, examples, tmp_path, head):
    done = train(replace(recipe, head=head, frozen=("embeddings",)), examples, *split_examples(examples))
    save_trained(done, it.find_checkpoint(str(folder)), tmp_path / "run")
    encoder = it.load_encoder(str(tmp_path / "run"), device="cpu")
    assert encoder.task.labels == ("bank", "river")
    _, judged = split_examples(examples)
    for row, place in enumerate(judged[:4]):
        tokens = encoder.tokens(examples.texts[place])
        logits = encoder.run(encoder.batch([tokens]), task=True).logits[0]
        np.testing.assert_allclose(logits.numpy(), done.answers["logits"][row], atol=1e-4)
    if head == "own":
        model = tf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "run")
        assert model.config.id2label == {0: "bank", 1: "river"}
    assert not list((tmp_path / "run").glob("*.bin"))


@pytest.mark.parametrize("head", ["own", "mlp"])
def test_a_regression_answers_in_the_unit_of_its_labels(recipe, examples, head, tmp_path, folder):
    # Far from 0 and widely spread: a head that starts near 0 would never get there at any rate that learns.
    values = [1000.0 + 100 * sum(word in WORDS["bank"] for word in text.split()) for text in examples.texts]
    numbers = Examples("regression", examples.texts, None, tuple(map(str, values)), examples.indices, 0)
    learned, judged = split_examples(numbers)
    done = train(replace(recipe, epochs=12, head=head), numbers, learned, judged)
    assert done.labels == ()
    np.testing.assert_allclose(done.answers["truth"], [values[i] for i in judged])
    missed = np.square(done.answers["logits"][:, 0] - done.answers["truth"]).mean()
    assert missed < 0.3 * np.var(done.answers["truth"])
    assert done.evaluations[-1].score == pytest.approx(1 - missed / np.var(done.answers["truth"]), abs=1e-4)
    save_trained(done, it.find_checkpoint(str(folder)), tmp_path / "run")
    if head == "own":
        model = tf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "run")
        tokenizer = tf.AutoTokenizer.from_pretrained(tmp_path / "run")
        with torch.no_grad():
            answer = model(**tokenizer(examples.texts[judged[0]], return_tensors="pt")).logits
        assert float(answer) == pytest.approx(float(done.answers["logits"][0, 0]), rel=1e-3)


def test_words_get_their_tags(recipe, examples, tmp_path, folder):
    tags = tuple(" ".join("B" if word in WORDS["bank"] else "O" for word in text.split()) for text in examples.texts)
    words = Examples("token classes", examples.texts, None, tags, examples.indices, 0)
    learned, judged = split_examples(words)
    done = train(replace(recipe, epochs=6), words, learned, judged)
    assert done.labels == ("B", "O")
    assert [done.labels[i] for i in done.answers["truth"]] == " ".join(tags[i] for i in judged).split()
    assert (done.answers["logits"].argmax(axis=1) == done.answers["truth"]).mean() > 0.95
    save_trained(done, it.find_checkpoint(str(folder)), tmp_path / "run")
    assert it.load_encoder(str(tmp_path / "run"), device="cpu").task.kind == "token classes"
    with pytest.raises(it.InputError, match="“mlp” reads whole texts"):
        train(replace(recipe, head="mlp"), words, learned, judged)


def stopping(after):
    """Return what stops a training after so many steps: asked before the first one too."""
    steps = []

    def callback(what, _total):
        if isinstance(what, Step):
            steps.append(what)

    return {"callback": callback, "stop": lambda: len(steps) >= after}


@pytest.mark.parametrize(
    "after, more",
    [
        (10, {"frozen": ("embeddings", "0")}),
        (13, {"frozen": ("embeddings", "0")}),
        (13, {"patience": 3, "head": "textcnn", "layerwise_lr_decay": 0.8}),
    ],
)
def test_stopped_and_resumed_is_as_never_stopped(recipe, examples, tmp_path, after, more):
    # Ten steps an epoch: stopped at an epoch's end, and in the middle of the second; then again three steps on.
    recipe = replace(recipe, epochs=3, **more)
    split, folder = split_examples(examples), tmp_path / "checkpoints"
    whole = train(recipe, examples, *split)
    first = train(recipe, examples, *split, **stopping(after), folder=folder)
    assert first.stopped
    assert len(first.steps) == after
    assert first.answers["logits"].shape == whole.answers["logits"].shape
    second = train(recipe, examples, *split, **stopping(3), folder=folder)
    third = train(recipe, examples, *split, folder=folder)
    assert not third.stopped
    assert losses(first) + losses(second) + losses(third) == losses(whole)
    assert third.evaluations == whole.evaluations
    assert third.best == whole.best
    assert third.choice == whole.choice
    assert (whole.choice is not None) == ("patience" in more)
    for one, other in zip(whole.model.parameters(), third.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    assert not [
        path
        for path in tmp_path.rglob("*.safetensors")
        if "checkpoints" not in str(path) and "snapshots" not in str(path)
    ]


def test_a_full_disk_is_said_and_the_checkpoint_before_stays(recipe, examples, tmp_path, monkeypatch):
    split, folder = split_examples(examples), tmp_path / "checkpoints"
    train(recipe, examples, *split, **stopping(4), folder=folder)
    before = latest_checkpoint(folder)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("interpret.finetuning.trainer_state.save_file", full)
        with pytest.raises(it.CapacityError, match="No space left on device. What was saved before is kept"):
            train(recipe, examples, *split, **stopping(3), folder=folder)
    assert latest_checkpoint(folder) == before
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-4"]
    resumed = train(recipe, examples, *split, folder=folder)
    assert losses(resumed) == losses(train(recipe, examples, *split))[4:]


def test_mixed_precision_learns_the_same_within_its_own(recipe, examples):
    split = split_examples(examples)
    exact = train(replace(recipe, frozen=("embeddings",)), examples, *split)
    mixed = train(replace(recipe, frozen=("embeddings",), precision="bfloat16"), examples, *split)
    assert losses(exact) != losses(mixed)
    np.testing.assert_allclose(losses(exact)[:5], losses(mixed)[:5], atol=0.02)
    assert all(one.dtype == torch.float32 for one in mixed.model.parameters())


def test_recipes_are_written_and_read_and_checked(recipe):
    assert Recipe.from_json(recipe.to_json()) == recipe
    for change, sentence in (
        ({"head": "forest"}, "no head “forest”"),
        ({"epochs": -1}, "“epochs” is -1, but must be between 1"),
        ({"precision": "float16"}, "no training precision “float16”"),
        ({"learning_rate": 1000.0}, "“learning_rate” is 1000"),
    ):
        with pytest.raises(it.InputError, match=sentence):
            replace(recipe, **change)
    for text, sentence in (
        ('{"speed": 3}', "no setting “speed”"),
        ("[]", "not a valid recipe"),
        ("{", "not a valid recipe"),
    ):
        with pytest.raises(it.InputError, match=sentence):
            Recipe.from_json(text)


def test_of_hugging_faces_trainer_only_public_methods_are_ours_but_for_two():
    """Its private ones may change with every release. For these two it has no hook: see where they are."""
    ours = {name for name, one in vars(FineTuner).items() if callable(one) and hasattr(tf.Trainer, name)}
    private = {name for name in ours if name.startswith("_") and not name.startswith("__")}
    assert private == {"_load_from_checkpoint", "_save_checkpoint"}
    assert {"compute_loss", "get_train_dataloader", "get_batch_samples", "save_model", "training_step"} <= ours
