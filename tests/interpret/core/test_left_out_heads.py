"""A head that is not read here, or not read rightly, is said: with the true cause, whatever the family."""

import json

import pytest
import transformers as tf
from safetensors.torch import load_file, save_file

import interpret as it
from tests.tiny import FAMILIES, make_checkpoint


def change(folder, **values):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


def load(folder):
    return it.load_encoder(str(folder), device="cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_of_another_kind_is_said(tmp_path, family):
    folder = make_checkpoint(family, tmp_path)
    change(folder, architectures=["SomeForMultipleChoice"])
    encoder = load(folder)
    assert encoder.task is None
    assert "predicts which of several texts is the correct one, which is not supported" in str(encoder.head_note)
    with pytest.raises(it.InputError, match="which of several texts is the correct one"):
        it.attribution.target_function(encoder, "the river bank")
    with pytest.raises(it.CheckpointError, match="which of several texts is the correct one"):
        it.fill_mask(encoder, "the river bank", hidden=(1,))


@pytest.mark.parametrize(
    "family, loader, changes, sentence",
    [
        ("bert", tf.AutoModelForMultipleChoice, {}, "which of several texts"),
        ("bert", tf.AutoModelForNextSentencePrediction, {}, "whether the second text follows"),
        ("electra", tf.AutoModelForPreTraining, {}, "which words were replaced"),
        (
            "roberta",
            tf.AutoModelForSequenceClassification,
            {"num_labels": 2, "problem_type": "regression"},
            "gives several numbers for each text",
        ),
        ("bert", tf.AutoModel, {}, "saved without a head"),
    ],
)
def test_why_there_is_no_task(tmp_path, family, loader, changes, sentence):
    encoder = load(make_checkpoint(family, tmp_path, loader=loader, **changes))
    assert encoder.task is None
    assert sentence in str(encoder.head_note)
    assert encoder.copy().head_note is encoder.head_note
    assert it.model_card(encoder).head_note is encoder.head_note


def test_of_a_config_without_a_class_the_head_is_said(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification)
    change(folder, architectures=None)
    encoder = load(folder)
    assert "does not name the class that the model was saved from" in str(encoder.head_note)
    assert encoder.notes == (encoder.head_note,)


LABELLED = [tf.AutoModelForSequenceClassification, tf.AutoModelForTokenClassification]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loader", LABELLED)
@pytest.mark.parametrize("named", [2, 4])
def test_names_of_more_or_fewer_classes_than_a_head_has_are_said(tmp_path, family, loader, named):
    folder = make_checkpoint(family, tmp_path, loader=loader, num_labels=3)
    names = [f"c{i}" for i in range(named)]
    change(folder, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
    encoder = load(folder)
    assert encoder.task is None
    assert f"(id2label: {named}) than its head has outputs (3)" in str(encoder.head_note)
    assert encoder.notes == (encoder.head_note,)
    # The encoder is whole all the same.
    assert it.trace(encoder, "the river bank").hidden.shape[0] == encoder.layers + 1


@pytest.mark.parametrize("loader", LABELLED)
@pytest.mark.parametrize(
    "labels, sentence",
    [
        ({"1": "a", "2": "b", "3": "c"}, "numbers the classes 1, 2, 3"),
        ({"0": "a", "2": "b", "3": "c"}, "numbers the classes 0, 2, 3"),
        ({"a": 0, "b": 1, "c": 2}, "gives a: 0, b: 1, c: 2"),
        (["a", "b", "c"], "should map each class number to its name"),
    ],
)
def test_maps_that_do_not_number_the_classes_are_said(tmp_path, loader, labels, sentence):
    folder = make_checkpoint("bert", tmp_path, loader=loader, num_labels=3)
    change(folder, id2label=labels, label2id={"0": "a", "1": "b", "2": "c"})
    encoder = load(folder)
    assert encoder.task is None
    assert sentence in str(encoder.head_note)
    assert encoder.notes == (encoder.head_note,)


def test_maps_that_disagree_are_said_and_id2label_is_shown(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=2)
    change(folder, id2label={"0": "neg", "1": "pos"}, label2id={"neg": 1, "pos": 0})
    encoder = load(folder)
    assert encoder.task.labels == ("neg", "pos")
    assert encoder.head_note is None
    assert "“neg” is class 0 in id2label but class 1 in label2id" in str(encoder.notes[0])


def test_maps_that_agree_or_say_nothing_are_no_news(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=3)
    for maps in (
        {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"a": 0, "b": 1, "c": 2}},
        {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}},
        {"id2label": {"0": 0, "1": 1, "2": 2}, "label2id": {"0": 0, "1": 1, "2": 2}},
        {"id2label": {"0": "a", "1": "a", "2": "b"}, "label2id": {"a": 1, "b": 2}},
    ):
        change(folder, **maps)
        encoder = load(folder)
        assert len(encoder.task.labels) == 3
        assert encoder.notes == ()
        assert encoder.head_note is None


@pytest.mark.parametrize("loader", [*LABELLED, tf.AutoModelForMaskedLM])
def test_a_head_that_lacks_a_tensor_is_said(tmp_path, loader):
    folder = make_checkpoint("bert", tmp_path, loader=loader)
    weights = load_file(folder / "model.safetensors")
    gone = next(key for key in weights if not key.startswith("bert.") and key.endswith("bias"))
    del weights[gone]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = load(folder)
    assert encoder.task is None
    assert "predictions would be random" in str(encoder.head_note)
    assert gone in str(encoder.head_note)
    assert encoder.notes == (encoder.head_note,)


def test_an_encoder_of_another_size_than_its_config_is_refused_by_its_tensor(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForSequenceClassification)
    change(folder, intermediate_size=44)
    with pytest.raises(it.CheckpointError, match="has the shape 40.* in the weights but 44.* according to config.json"):
        load(folder)
