"""Layer groups of every family: nothing is counted twice, and what is frozen is what was said."""

import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.families import FAMILIES
from interpret.core.layer_groups import (
    PRESETS,
    expand,
    freeze,
    frozen_prefix,
    group_layers,
    layer_group_parameters,
    layer_rates,
    preset,
)
from tests.tiny import FAMILIES as TINY
from tests.tiny import make_checkpoint


@pytest.fixture(scope="module", params=sorted(TINY))
def built(request, tmp_path_factory):
    folder = make_checkpoint(
        request.param, tmp_path_factory.mktemp("tower"), loader=tf.AutoModelForSequenceClassification
    )
    return tf.AutoModelForSequenceClassification.from_pretrained(folder), FAMILIES[request.param]


def test_every_number_is_on_one_layer_group(built):
    model, family = built
    layer_groups = group_layers(model, family)
    assert sum(layer_group.parameters for layer_group in layer_groups) == sum(one.numel() for one in model.parameters())
    assert layer_groups[0].name == "embeddings"
    assert layer_groups[-1].name == "head"
    layers = 1 if family.title == "ALBERT" else model.config.num_hidden_layers
    assert [layer_group.name for layer_group in layer_groups if layer_group.name.isdigit()] == [
        str(i) for i in range(layers)
    ]


def test_layer_groups_are_counted_as_the_architecture_says(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification)
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder)
    wide, between, words = 24, 40, model.config.vocab_size
    layer = 4 * (wide * wide + wide) + (wide * between + between) + (between * wide + wide) + 2 * 2 * wide
    counts = {layer_group.name: layer_group.parameters for layer_group in group_layers(model, FAMILIES["bert"])}
    assert counts == {
        "embeddings": (words + 66 + 2) * wide + 2 * wide,
        **{str(i): layer for i in range(3)},
        "pooler": wide * wide + wide,
        "head": wide * 2 + 2,
    }


def test_what_is_frozen_gets_no_gradient_and_all_else_does(built):
    model, family = built
    names = list(layer_group_parameters(model, family))
    frozen = preset("lower half", names)
    found = freeze(model, family, frozen)
    ids = torch.randint(5, 100, (2, 9))
    model.train()(input_ids=ids, labels=torch.tensor([0, 1])).loss.backward()
    for name, parameters in layer_group_parameters(model, family).items():
        gradients = [one.grad for one in parameters]
        if name in frozen:
            assert all(one is None for one in gradients), name
        else:
            assert any(one is not None and bool(one.abs().sum() > 0) for one in gradients), name
    trainable = sum(layer_group.parameters for layer_group in found if not layer_group.frozen)
    assert trainable == sum(one.numel() for one in model.parameters() if one.requires_grad)
    model.zero_grad(set_to_none=True)
    freeze(model, family, ())
    assert all(one.requires_grad for one in model.parameters())


NAMES = ("embeddings", "0", "1", "2", "3", "4", "5", "pooler", "head")


def test_presets_are_what_they_are_called():
    assert {name: preset(name, NAMES) for name in PRESETS} == {
        "nothing": (),
        "embeddings": NAMES[:1],
        "lower half": NAMES[:4],
        "all but the last quarter": NAMES[:5],
        "head only": NAMES[:-1],
    }
    with pytest.raises(it.InputError, match="no preset “all”"):
        preset("all", NAMES)


def test_layer_groups_are_read_as_a_person_writes_them():
    assert expand("embeddings, 0-2,5", NAMES) == ("embeddings", "0", "1", "2", "5")
    assert expand("", NAMES) == ()
    assert expand("lower half", NAMES) == preset("lower half", NAMES)
    for text, name in (("0-9", "6"), ("layer 1", "layer 1"), ("3-1", "3-1")):
        with pytest.raises(it.InputError, match=f"no layer “{name}”"):
            expand(text, NAMES)


@pytest.mark.parametrize(
    ("frozen", "prefix"),
    [
        ((), -1),
        (("0", "1"), -1),
        (("embeddings",), 0),
        (("embeddings", "0", "2"), 1),
        (("embeddings", "0", "1", "2"), 3),
    ],
)
def test_only_what_has_nothing_free_below_it_never_changes(tiny_folders, frozen, prefix):
    model = tf.AutoModelForSequenceClassification.from_pretrained(tiny_folders["bert"])
    assert frozen_prefix(group_layers(model, FAMILIES["bert"], frozen)) == prefix


def test_layer_groups_that_cannot_be_frozen_are_named(tiny_folders):
    model = tf.AutoModelForSequenceClassification.from_pretrained(tiny_folders["bert"])
    with pytest.raises(it.InputError, match="head is new"):
        group_layers(model, FAMILIES["bert"], ["head"])
    with pytest.raises(it.InputError, match="no layer “7”. It has: embeddings, 0, 1, 2, pooler, head"):
        group_layers(model, FAMILIES["bert"], ["7"])


def test_rates_fall_from_layer_group_to_layer_group(tiny_folders):
    model = tf.AutoModelForSequenceClassification.from_pretrained(tiny_folders["bert"])
    rates = layer_rates(group_layers(model, FAMILIES["bert"]), 1e-4, 0.5)
    assert rates == pytest.approx(
        {"embeddings": 1e-4 / 16, "0": 1e-4 / 8, "1": 1e-4 / 4, "2": 1e-4 / 2, "pooler": 1e-4, "head": 1e-4}
    )
