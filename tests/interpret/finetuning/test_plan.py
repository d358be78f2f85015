"""What is planned is what there is: parameters exactly, memory and time by hand from what was measured."""

import json
import subprocess
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

import interpret as it
from interpret.core.devices import Device, find_device
from interpret.finetuning import cost as measuring
from interpret.finetuning.cost import StepCost, measure_cost
from interpret.finetuning.data import split_examples
from interpret.finetuning.plan import describe_plan, measure_lengths, plan
from interpret.finetuning.recipe import Recipe, resolve
from interpret.finetuning.training import train
from interpret.resources import Point, Workload, predict
from interpret.resources.claims import CONTEXT
from interpret.resources.measurement import KEPT
from tests.tiny import FAMILIES, make_checkpoint

COST = StepCost(1e-6, 2e-6, 1e-9)
# The function of that name is what `interpret.finetuning.plan` is.
PLAN = import_module("interpret.finetuning.plan")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["own", "mlp"])
def test_counts_are_those_of_the_model_that_is_trained(family, head, examples, tmp_path):
    folder = make_checkpoint(family, tmp_path)
    encoder = it.load_encoder(str(folder), device="cpu")
    recipe = Recipe(model=str(folder), head=head, frozen=("embeddings", "0"), epochs=1, batch_size=48, device="cpu")
    found = plan(encoder, recipe, "classes", 2, [10], 80, 16, COST)
    learned, judged = split_examples(examples)
    done = train(recipe, examples, learned[:48], judged)
    assert found.layer_groups == done.layer_groups
    assert found.trainable == sum(one.numel() for one in done.model.parameters() if one.requires_grad)
    assert found.trainable + found.frozen == sum(one.numel() for one in done.model.parameters())
    assert found.kept == done.kept


def test_more_frozen_is_less_time_and_memory(folder, recipe):
    encoder = it.load_encoder(str(folder), device="cpu")
    depths = [
        (),
        ("embeddings",),
        ("embeddings", "0"),
        ("embeddings", "0", "1"),
        ("embeddings", "0", "1", "2", "pooler"),
    ]
    for name, keep in (("seconds", True), ("seconds", False), ("memory", False), ("trainable", True)):
        recipes = [replace(recipe, frozen=one, epochs=10, keep_prefix=keep) for one in depths]
        plans = [plan(encoder, one, "classes", 2, [20, 40], 100, 20, COST) for one in recipes]
        values = [one.memory[1] if name == "memory" else getattr(one, name) for one in plans]
        assert values == sorted(values, reverse=True), name
    assert plans[0].steps == 10 * 13
    # By hand: 3 layers forward and back over 30 tokens of 100 rows, and forward over 20, ten times; then the updates.
    tokens = 10 * 30 * 100 * 3e-6 + 10 * 30 * 20 * 1e-6
    updates = 130 * (plans[0].trainable * 1e-9 + 0.004)
    assert plans[0].seconds == pytest.approx(tokens + updates)


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"learning_rate": 1e-3}, "high rate"),
        ({"learning_rate": 1e-6}, "low rate"),
        ({"learning_rate": 5e-5, "frozen": ("embeddings", "0", "1", "2", "pooler")}, "slow head"),
        ({"frozen": ("embeddings", "1")}, "hole"),
        ({}, "few held out"),
    ],
)
def test_cautions(folder, recipe, changes, caution):
    encoder = it.load_encoder(str(folder), device="cpu")
    usual = replace(recipe, learning_rate=3e-5)
    judged = 10 if caution == "few held out" else 100_000
    found = plan(encoder, replace(usual, **changes), "classes", 2, [10], 100, judged, COST).cautions
    assert caution in found
    assert caution not in plan(encoder, usual, "classes", 2, [10], 100, 100_000, COST).cautions


def test_more_memory_than_there_is_is_said(folder, recipe, monkeypatch):
    encoder = it.load_encoder(str(folder), device="cpu")
    small = replace(find_device("cpu"), free=1000)
    monkeypatch.setattr(PLAN, "find_device", lambda _name: small)
    assert plan(encoder, recipe, "classes", 2, [10], 100, 20, COST).cautions[0] == "memory"


def test_memory_is_that_of_the_resources_page_and_what_the_trainer_has_beside_it(folder, recipe):
    """By hand: the head, gradients and moments of what is new, where all began; and PyTorch's and the trainer's own."""
    encoder = it.load_encoder(str(folder), device="cpu")
    recipe = replace(recipe, head="linear", batch_size=8, max_length=16, keep_prefix=False, precision="float32")
    seen = []

    def count(config, work):
        seen.append(work)
        return predict(config, work)

    for changes, frozen in (({}, ()), ({"frozen": ("embeddings", "0")}, ("embeddings", "0")), ({"lora_rank": 4}, ())):
        found = plan(encoder, replace(recipe, **changes), "classes", 2, [10, 30], 100, 20, COST, count=count)
        work = seen.pop()
        wanted = Workload(8, min(16, encoder.max_tokens), True, "none", frozen=work.frozen, lora_rank=work.lora_rank)
        assert work == wanted, changes
        assert set(work.frozen) - {"pooler"} == {*frozen, *(("embeddings",) if "lora_rank" in changes else ())}
        counted = predict(encoder.model.config, work)
        # Linear on the mean of all tokens: 24 units, two classes.
        head = 24 * 2 + 2
        beside = 4 * (head + 3 * head + found.trainable) + 700_000_000
        kept = KEPT[work.manner]
        assert found.memory == pytest.approx(
            [counted.peak + share * (counted.peak - counted.parts["weights"]) + beside for share in kept]
        ), changes


def test_what_was_measured_here_makes_the_plan_narrower(folder, recipe):
    encoder = it.load_encoder(str(folder), device="cpu")
    work = Workload(8, 128, training=True)
    points = [
        Point(
            "bert", str(kept), work, "cpu", "here", 500_000_000, 100_000_000, 1, int(5e8 + kept * 4e8), (1.0,), "", 0.0
        )
        for kept in (0.20, 0.21, 0.19, 0.2)
    ]
    wide = plan(encoder, recipe, "classes", 2, [10], 100, 20, COST).memory
    narrow = plan(encoder, recipe, "classes", 2, [10], 100, 20, COST, points).memory
    assert wide[0] < narrow[0] < narrow[1] < narrow[2] < wide[2]


def test_a_card_computes_attention_in_tiles_has_a_context_and_keeps_no_prefix(folder, recipe, monkeypatch):
    encoder = it.load_encoder(str(folder), device="cpu")
    recipe = replace(recipe, frozen=("embeddings", "0"), keep_prefix=True, device="cuda:1")
    card = Device("cuda:1", "made up", 80 << 30, 70 << 30, ("float32", "bfloat16"))
    monkeypatch.setattr(PLAN, "find_device", lambda name: card if name == "cuda:1" else None)
    seen = []

    def count(config, work):
        seen.append(work)
        return predict(config, work)

    few = plan(encoder, recipe, "classes", 2, [10], 1000, 100, COST, count=count)
    assert (few.kept, few.free) == (1, card.free)
    # bfloat16 by itself on a card that multiplies it.
    assert (seen[0].kernel, seen[0].precision) == ("flash", "bfloat16")
    # Nothing of the texts lies on the card, however many there are.
    many = plan(encoder, recipe, "classes", 2, [10], 100_000, 100, COST, count=count)
    assert many.memory == few.memory
    # As measured, where it was; else as wide as contexts were seen to be.
    measured = plan(encoder, recipe, "classes", 2, [10], 1000, 100, replace(COST, context=300), count=count)
    assert [one - other for one, other in zip(few.memory, measured.memory, strict=True)] == pytest.approx(
        [one - 300 for one in CONTEXT]
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head_alone", [False, True])
def test_every_family_is_counted_or_said_to_be_unknown(family, head_alone, tmp_path):
    encoder = it.load_encoder(str(make_checkpoint(family, tmp_path)), device="cpu")
    names = it.finetuning.layer_group_names(encoder.model, encoder.family)
    recipe = Recipe(model="x", head="linear", frozen=names[:-1] if head_alone else (), epochs=1, device="cpu")
    found = plan(encoder, recipe, "classes", 2, [10_000], 100, 20, COST)
    if family == "xmod" and not head_alone:
        assert found.memory is None
        assert "memory" not in found.cautions
    elif family != "xmod":
        low, usual, high = found.memory
        assert 7e8 < low < usual < high < 2e9


def test_the_process_that_times_a_step_sees_one_card_and_names_it_as_it_was_asked(folder, monkeypatch):
    asked = []

    class Process:
        returncode = 0

        def __init__(self, _command, env, **_):
            self.env = env

        def communicate(self, given, timeout):
            asked.append((self.env["CUDA_VISIBLE_DEVICES"], json.loads(given)[1]))
            said = {"kind": "CapacityError", "sentence": "{name} ran out of memory.", "values": {"name": "cuda:0"}}
            return json.dumps(said), ""

        def poll(self):
            return self.returncode

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    encoder = it.load_encoder(str(folder), device="cpu")
    with pytest.raises(it.CapacityError, match="^cuda:1 ran out of memory"):
        measuring._apart(encoder, 16, "float32", 4, "cuda:1")
    assert asked == [("5", "cuda:0")]


def test_in_bfloat16_the_way_back_that_is_timed_reaches_every_weight(folder, monkeypatch):
    """Weights that were rounded without gradients, and kept, would have none: half of the way would be missing."""
    encoder, step, seen = it.load_encoder(str(folder), device="cpu"), torch.optim.AdamW.step, []

    def look(optimizer, *more):
        weights = [one for group in optimizer.param_groups for one in group["params"] if one.ndim > 1]
        seen.append(sum(one.grad is None or not one.grad.any() for one in weights))
        return step(optimizer, *more)

    monkeypatch.setattr(torch.optim.AdamW, "step", look)
    # The pooler has no part in it.
    pooler = sum(one.ndim > 1 for name, one in encoder.model.named_parameters() if "pooler" in name)
    for precision in ("float32", "bfloat16"):
        seen.clear()
        measuring.time_steps(encoder, 16, precision, 4)
        assert seen == [pooler] * 3


@pytest.mark.usefixtures("prepared_python")
def test_a_process_of_its_own_times_a_step_and_says_what_is_wrong(folder, monkeypatch):
    encoder = it.load_encoder(str(folder), device="cpu")
    monkeypatch.setattr(measuring, "time_steps", lambda *_: pytest.fail("timed in the process that asks"))
    found = measuring._apart(encoder, 16, "float32", 4, "cpu")
    assert found.forward > 0
    assert found.update > 0
    with pytest.raises(it.InputError, match="There is no device “cuda:7”"):
        measuring._apart(encoder, 16, "float32", 4, "cuda:7")
    monkeypatch.setattr(measuring, "_PATIENCE", 0.001)
    with pytest.raises(it.InputError, match="could not be measured in 0.001 seconds"):
        measuring._apart(encoder, 16, "float32", 4, "cpu")


def test_a_step_is_timed_by_what_is_asked_of_it_and_trains_nobodys_model(folder, monkeypatch):
    encoder = it.load_encoder(str(folder), device="cpu")
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    # Each round of steps: forward, forward and back, update. The first is slow, as on a machine that is yet to load.
    rounds = [(90, 90, 90), (4, 11, 1.5), (2, 12, 2.5)]
    clock = iter(np.cumsum([[0, ahead, ahead + back, update] for ahead, back, update in rounds]).tolist())
    monkeypatch.setattr("interpret.finetuning.cost._now", lambda _device: next(clock))
    cost = measure_cost(encoder, 16)
    assert next(clock, None) is None
    for name, value in encoder.model.state_dict().items():
        assert value.equal(before[name]), "the model that others use has been trained"
    assert all(one.grad is None for one in encoder.model.parameters())
    # Of a token forward and back, and of a parameter's update, the least that was seen: 32 texts of 16 tokens.
    parameters = sum(one.numel() for one in encoder.model.parameters())
    assert (cost.forward, cost.backward, cost.update) == pytest.approx((2 / 512, 11 / 512, 1.5 / parameters))


def test_no_more_tokens_are_counted_than_are_read(folder, examples):
    encoder = it.load_encoder(str(folder), device="cpu")
    whole = measure_lengths(encoder, examples, 512)
    assert len(whole) == len(examples)
    assert whole.tolist() == [len(encoder.tokens(text)) for text in examples.texts]
    assert measure_lengths(encoder, examples, 5).tolist() == np.minimum(whole, 5).tolist()


@pytest.mark.parametrize(
    ("frozen", "task", "width", "adapted", "wanted"),
    [
        # Devlin et al. 2019, Turc et al. 2019 and Hu et al. 2021 for what learns; many times that for a head alone.
        ((), "classes", 768, False, ("own", 5e-5, 3)),
        (("embeddings", "0"), "classes", 384, False, ("own", 2e-4, 4)),
        (("embeddings", "0", "1", "2"), "classes", 768, False, ("linear", 2e-2, 20)),
        (("embeddings", "0", "1", "2", "pooler"), "regression", 384, False, ("linear", 2e-2, 20)),
        (("embeddings", "0", "1", "2"), "token classes", 384, False, ("own", 2e-2, 20)),
        ((), "classes", 768, True, ("own", 5e-4, 3)),
    ],
)
def test_what_suits_follows_from_what_is_frozen_and_what_is_given_stays(frozen, task, width, adapted, wanted):
    layer_groups = ("embeddings", "0", "1", "2", "pooler", "head")
    left = Recipe(frozen=frozen, lora_rank=4 if adapted else 0)
    assert not left.decided
    found = resolve(left, layer_groups, width, task)
    assert (found.head, found.learning_rate, found.epochs) == wanted
    # All but the precision, which is the device's matter.
    assert not found.decided
    assert replace(found, precision="float32").decided
    given = replace(left, head="own", learning_rate=3e-3, epochs=7)
    assert resolve(given, layer_groups, width, task) == given
    assert resolve(replace(left, epochs=7), layer_groups, width, task) == replace(found, epochs=7)


def test_every_caution_is_a_sentence(folder, recipe):
    encoder = it.load_encoder(str(folder), device="cpu")
    slow = replace(recipe, learning_rate=5e-5, frozen=("embeddings", "0", "1", "2", "pooler"))
    found = plan(encoder, slow, "classes", 2, [10], 100, 10, COST)
    said = describe_plan(found, slow)
    assert set(said) == set(found.cautions) - {"few held out"}
    assert str(said["slow head"]).startswith("A head alone trains slowly at a learning rate of 5e-5")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", ["masked words", "masked words and next sentences", "question answering"])
def test_a_head_that_the_architecture_has_not_is_said(family, task, tmp_path):
    encoder = it.load_encoder(str(make_checkpoint(family, tmp_path)), device="cpu")
    loader = it.finetuning.find_objective(task).loader()
    recipe = Recipe(model="x", head="own", epochs=1, device="cpu")
    if type(encoder.model.config) in loader._model_mapping:
        assert plan(encoder, recipe, task, 0, [10], 100, 20, COST).trainable > 0
    else:
        with pytest.raises(it.InputError, match=f"has no head for this task for the architecture “{family}”"):
            plan(encoder, recipe, task, 0, [10], 100, 20, COST)
