"""Task heads: the same answers as transformers', and none that is random."""

import json

import numpy as np
import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import interpret as it
from interpret.core.tasks import PAIR_FAMILIES, logits_of
from tests.tiny import FAMILIES, make_checkpoint

LOADERS = {
    "classes": tf.AutoModelForSequenceClassification,
    "token classes": tf.AutoModelForTokenClassification,
    "masked words": tf.AutoModelForMaskedLM,
}
TEXT = "the bank said it was rich"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", LOADERS)
def test_a_task_head_answers_as_transformers_does(tmp_path, family, kind):
    folder = make_checkpoint(family, tmp_path, loader=LOADERS[kind])
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.task.kind == kind
    model = LOADERS[kind].from_pretrained(folder).eval()
    ids = torch.tensor(encoder.tokens(TEXT).ids)[None]
    with torch.no_grad():
        expected = model(ids)
        hidden = getattr(model, model.base_model_prefix)(ids).last_hidden_state
    got = encoder.forward([encoder.tokens(TEXT)], task=True)
    torch.testing.assert_close(logits_of(got), expected.logits, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(it.trace(encoder, TEXT).hidden[-1], hidden[0], atol=1e-4)


@pytest.mark.parametrize("family", PAIR_FAMILIES)
def test_a_model_of_pre_training_guesses_words(tmp_path, family):
    encoder = it.load_encoder(str(make_checkpoint(family, tmp_path, loader=tf.AutoModelForPreTraining)), device="cpu")
    assert encoder.task.kind == "masked words"
    tokens = encoder.tokens(TEXT)
    assert logits_of(encoder.forward([tokens], task=True)).shape == (1, len(tokens), 400)
    assert encoder.model.pooler is not None
    assert 0 < it.next_sentence(encoder, TEXT, "money lent it").follows < 1


@pytest.mark.parametrize("loader", [tf.AutoModel, tf.AutoModelForPreTraining])
def test_electras_discriminator_and_bare_encoders_have_no_task(tmp_path, loader):
    assert it.load_encoder(str(make_checkpoint("electra", tmp_path, loader=loader)), device="cpu").task is None


def test_several_labels_at_once_are_no_softmax(tmp_path):
    folder = make_checkpoint(
        "bert",
        tmp_path,
        loader=tf.AutoModelForSequenceClassification,
        num_labels=3,
        problem_type="multi_label_classification",
    )
    task = it.load_encoder(str(folder), device="cpu").task
    logits = torch.tensor([[0.0, 2.0, -1.0]])
    torch.testing.assert_close(task.probabilities(logits), logits.sigmoid())
    one = it.Task("classes", ("a", "b", "c"))
    torch.testing.assert_close(one.probabilities(logits), logits.softmax(-1))


# sentence-transformers' `CrossEncoder` takes the sigmoid of one logit unless its config says otherwise; transformers'
# regression takes none.
@pytest.mark.parametrize(
    ("said", "bounded"),
    [
        ({}, False),
        ({"problem_type": "regression"}, False),
        ({"sentence_transformers": {"version": "4.0.1"}}, True),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}}, True),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, False),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, False),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.activation.Sigmoid"}, True),
        ({"sentence_transformers": {"version": "4.0.1"}, "problem_type": "regression"}, False),
    ],
)
def test_one_number_is_a_score_whose_sigmoid_is_taken_where_the_folder_says_so(tmp_path, said, bounded):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=1)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | said))
    task = it.load_encoder(str(folder), device="cpu").task
    assert (task.kind, task.labels, task.bounded) == ("score", ("score",), bounded)
    logits = torch.tensor([[2.0], [-1.0]])
    torch.testing.assert_close(task.probabilities(logits), logits.sigmoid() if bounded else logits)


def test_a_score_has_the_name_that_the_folder_gives_it(tmp_path):
    folder = make_checkpoint(
        "bert", tmp_path, loader=tf.AutoModelForSequenceClassification, id2label={0: "stars"}, label2id={"stars": 0}
    )
    assert it.load_encoder(str(folder), device="cpu").task.labels == ("stars",)


@pytest.mark.parametrize("lost", ["classifier.weight", "bert.pooler.dense.weight"])
def test_a_head_that_the_file_lacks_a_part_of_is_left_out_and_not_made_up(tmp_path, lost):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification)
    weights = load_file(folder / "model.safetensors")
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.task is None
    assert it.trace(encoder, TEXT).hidden.shape[0] == 4


def test_an_encoder_whose_config_names_a_head_that_is_not_there(tmp_path):
    folder = make_checkpoint("bert", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForMaskedLM"]
    (folder / "config.json").write_text(json.dumps(config))
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.task is None
    assert encoder.model.pooler is not None
