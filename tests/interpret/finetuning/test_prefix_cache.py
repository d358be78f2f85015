"""Going on from what frozen layer groups made of a text is the same as never having stopped, for every family."""

import pytest
import torch
import transformers as tf

from interpret.core.families import FAMILIES
from interpret.core.layer_groups import freeze, frozen_prefix
from interpret.finetuning.prefix_cache import kept_layers, prefix_bytes, run_prefix, without_prefix
from tests.tiny import FAMILIES as TINY
from tests.tiny import make_checkpoint


@pytest.fixture(scope="module", params=sorted(TINY))
def built(request, tmp_path_factory):
    folder = make_checkpoint(
        request.param, tmp_path_factory.mktemp("prefix"), loader=tf.AutoModelForSequenceClassification
    )
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 100, (3, 11), generator=random)
    mask = torch.ones_like(ids)
    # A padded row: what is kept must go on with the same mask.
    ids[1, 7:], mask[1, 7:] = model.config.pad_token_id or 0, 0
    return model, FAMILIES[request.param], {"input_ids": ids, "attention_mask": mask}


def counts(model, family):
    most = 1 if family.title == "ALBERT" else model.config.num_hidden_layers
    return range(kept_layers(model, family, most) + 1)


def test_going_on_is_the_same_as_never_having_stopped(built):
    model, family, inputs = built
    with torch.no_grad():
        whole = model(**inputs).logits
    for count in counts(model, family):
        hidden = run_prefix(model, family, count, inputs)
        with without_prefix(model, family, count), torch.no_grad():
            found = model(inputs_embeds=hidden, attention_mask=inputs["attention_mask"]).logits
        torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-4)


def test_the_model_is_whole_again_and_nothing_was_copied(built):
    model, family, inputs = built
    before = {name: id(one) for name, one in model.named_parameters()}
    layers = model.config.num_hidden_layers

    def fail():
        with without_prefix(model, family, 1):
            assert {id(one) for one in model.parameters()} < set(before.values())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert {name: id(one) for name, one in model.named_parameters()} == before
    assert model.config.num_hidden_layers == layers
    with torch.no_grad():
        model(**inputs)


def test_gradients_of_what_learns_are_those_of_the_whole_model(built):
    model, family, inputs = built
    layer_groups = freeze(model, family, ["embeddings", "0"])
    count = frozen_prefix(layer_groups)
    assert count == 1
    labels = torch.tensor([0, 1, 0])
    model(**inputs, labels=labels).loss.backward()
    expected = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
    model.zero_grad(set_to_none=True)
    hidden = run_prefix(model, family, count, inputs)
    with without_prefix(model, family, count):
        model(inputs_embeds=hidden, attention_mask=inputs["attention_mask"], labels=labels).loss.backward()
    found = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        torch.testing.assert_close(found[name], one, atol=1e-5, rtol=1e-3)
    model.zero_grad(set_to_none=True)
    freeze(model, family, ())


def test_frozen_layer_groups_run_without_dropout_and_the_mode_stays(built):
    model, family, inputs = built
    model.train()
    first, second = (run_prefix(model, family, 1, inputs) for _ in range(2))
    assert model.training
    torch.testing.assert_close(first, second, atol=0, rtol=0)
    model.eval()


def test_all_layers_can_be_kept_but_where_one_must_stay(built):
    model, family, _inputs = built
    layers = 1 if family.title == "ALBERT" else model.config.num_hidden_layers
    expected = layers - 1 if family.title.startswith("DeBERTa") else layers
    assert kept_layers(model, family, layers) == expected
    assert kept_layers(model, family, 0) == 0
    assert kept_layers(model, family, -1) == -1


def test_memory_is_a_vector_for_each_token():
    assert prefix_bytes([10, 20], 384) == 30 * 384 * 4
    assert prefix_bytes([10, 20], 384, torch.bfloat16) == 30 * 384 * 2
