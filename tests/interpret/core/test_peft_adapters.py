"""A PEFT folder is opened over the model that it changes, and answers as PEFT's own unmerged model does."""

import json
import shutil

import numpy as np
import peft
import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import interpret as it
from interpret.core.checkpoints import adapter_base
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the river bank said it was tired"
# Where attention's maps are, by what the families call them.
TARGETS = {"distilbert": ["q_lin", "v_lin"], "modernbert": ["Wqkv"], "mpnet": ["q", "v"], "deberta": ["in_proj"]} | {
    "deberta-v2": ["query_proj", "value_proj"]
}


def randomised(model):
    """Let an adapter change something: PEFT's B begins at zero."""
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name or "modules_to_save" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def make_adapter(base, folder, loader=tf.AutoModel, family="bert", **more):
    config = peft.LoraConfig(r=2, target_modules=TARGETS.get(family, ["query", "value"]), **more)
    labels = {"num_labels": 3} if "Classification" in loader.__name__ else {}
    model = randomised(peft.get_peft_model(loader.from_pretrained(base, **labels), config))
    model.save_pretrained(folder)
    return model


def inputs(encoder):
    return {name: one for name, one in encoder.batch([encoder.tokens(TEXT)]).items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_its_states_are_those_of_peft_and_without_it_those_of_the_base(tiny_folders, tmp_path, family):
    model = make_adapter(tiny_folders[family], tmp_path / "adapter", family=family)
    encoder = it.load_encoder(str(tmp_path / "adapter"), device="cpu")
    with torch.inference_mode():
        expected = model(**inputs(encoder), output_hidden_states=True).hidden_states
    found = it.trace(encoder, TEXT).hidden
    np.testing.assert_allclose(found[-1], expected[-1][0], atol=2e-5)
    base = it.load_encoder(adapter_base(tmp_path / "adapter"), device="cpu")
    plain = it.trace(it.load_encoder(str(tiny_folders[family]), device="cpu"), TEXT).hidden
    np.testing.assert_array_equal(it.trace(base, TEXT).hidden, plain)
    assert np.abs(found[-1] - plain[-1]).max() > 1e-3


@pytest.mark.parametrize(
    ("task", "loader", "kind"),
    [
        ("SEQ_CLS", tf.AutoModelForSequenceClassification, "classes"),
        ("TOKEN_CLS", tf.AutoModelForTokenClassification, "token classes"),
        (None, tf.AutoModelForMaskedLM, "masked words"),
    ],
)
def test_the_head_that_it_brings_answers(tmp_path, task, loader, kind):
    # BERT's own file has the pooler, which a classifier reads, and one of masked words has their head.
    base = make_checkpoint("bert", tmp_path / "base", loader=tf.AutoModel if task else tf.AutoModelForMaskedLM)
    model = make_adapter(base, tmp_path / "adapter", loader, **({} if task is None else {"task_type": task}))
    encoder = it.load_encoder(str(tmp_path / "adapter"), device="cpu")
    assert encoder.task is not None
    assert encoder.task.kind == kind
    with torch.inference_mode():
        expected = model(**inputs(encoder)).logits
        found = encoder.forward([encoder.tokens(TEXT)], task=True).logits
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_a_reranker_of_one_class_is_a_score(tmp_path):
    base = make_checkpoint("bert", tmp_path / "base")
    config = peft.LoraConfig(r=2, target_modules=["query"], task_type="SEQ_CLS")
    plain = tf.AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    randomised(peft.get_peft_model(plain, config)).save_pretrained(tmp_path / "adapter")
    assert it.load_encoder(str(tmp_path / "adapter"), device="cpu").task.kind == "score"


def test_the_base_is_found_by_its_name_beside_it_and_the_built_in_one_by_that_on_the_hub(tmp_path, minilm):
    base = make_checkpoint("bert", tmp_path / "a/base")
    make_adapter(base, tmp_path / "a/adapter")
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert adapter_base(tmp_path / "b/adapter").name == str(tmp_path / "b/base")
    config = json.loads((tmp_path / "b/adapter/adapter_config.json").read_text())
    config["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"
    (tmp_path / "b/adapter/adapter_config.json").write_text(json.dumps(config))
    assert adapter_base(tmp_path / "b/adapter") == minilm.spec.checkpoint


def test_its_base_or_itself_changed_is_another_model(tmp_path):
    base = make_checkpoint("bert", tmp_path / "base")
    make_adapter(base, tmp_path / "adapter")
    first = it.find_checkpoint(str(tmp_path / "adapter"))
    weights = load_file(tmp_path / "adapter/adapter_model.safetensors")
    save_file({name: one * 2 for name, one in weights.items()}, tmp_path / "adapter/adapter_model.safetensors")
    second = it.find_checkpoint(str(tmp_path / "adapter"))
    make_checkpoint("bert", tmp_path / "base", seed=3)
    third = it.find_checkpoint(str(tmp_path / "adapter"))
    assert len({one.revision for one in (first, second, third)}) == 3
    with pytest.raises(it.CheckpointError, match="have changed since"):
        it.load_encoder(first, device="cpu")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"base_model_name_or_path": None}, "does not say which model it changes"),
        ({"base_model_name_or_path": "nobody/nothing"}, "changes “nobody/nothing”, which cannot be opened"),
        ({"base_model_name_or_path": "itself"}, "an adapter itself"),
        ({"task_type": "CAUSAL_LM"}, "task CAUSAL_LM, which is not supported. Supported are: SEQ_CLS"),
        ({"r": 5}, "cannot be merged into"),
        ({"peft_type": "NONE SUCH"}, "cannot be merged into"),
    ],
)
def test_what_cannot_be_opened_is_said_in_a_sentence(tmp_path, change, sentence):
    base = make_checkpoint("bert", tmp_path / "base")
    make_adapter(base, tmp_path / "adapter")
    if change.get("base_model_name_or_path") == "itself":
        change = {"base_model_name_or_path": str(tmp_path / "adapter")}
    file = tmp_path / "adapter/adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(it.CheckpointError, match=sentence):
        it.load_encoder(str(tmp_path / "adapter"), device="cpu")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null"])
def test_a_damaged_config_is_said(tmp_path, content):
    base = make_checkpoint("bert", tmp_path / "base")
    make_adapter(base, tmp_path / "adapter")
    (tmp_path / "adapter/adapter_config.json").write_bytes(content)
    with pytest.raises(it.CheckpointError, match=r"adapter_config\.json of .* cannot be read"):
        it.load_encoder(str(tmp_path / "adapter"), device="cpu")


def test_weights_that_are_a_pickle_are_not_opened(tmp_path):
    base = make_checkpoint("bert", tmp_path / "base")
    make_adapter(base, tmp_path / "adapter")
    (tmp_path / "adapter/adapter_model.safetensors").rename(tmp_path / "adapter/adapter_model.bin")
    with pytest.raises(it.CheckpointError, match="holds a PEFT adapter"):
        it.load_encoder(str(tmp_path / "adapter"), device="cpu")


def test_prompts_of_a_sentence_model_stay(tmp_path):
    """The base's folder says how sentence vectors are made, and so does what is merged into it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    base = make_checkpoint("bert", tmp_path / "plain")
    modules = [Transformer(str(base)), Pooling(24, "cls")]
    SentenceTransformer(modules=modules, device="cpu", prompts={"query": "query: "}).save(str(tmp_path / "base"))
    make_adapter(tmp_path / "base", tmp_path / "adapter")
    encoder = it.load_encoder(str(tmp_path / "adapter"), device="cpu")
    assert encoder.sentence.pooling == ("cls",)
    assert encoder.sentence.prompts["query"] == "query: "
    np.testing.assert_allclose(
        it.embed(encoder, [TEXT], [-1]).vectors[0, 0], it.trace(encoder, TEXT).hidden[-1][0], atol=1e-5
    )


def test_a_head_that_neither_has_a_part_of_is_not_made_up(tmp_path):
    """A file of masked words has no pooler, and an adapter of classes brings none."""
    base = make_checkpoint("bert", tmp_path / "base", loader=tf.AutoModelForMaskedLM)
    make_adapter(base, tmp_path / "adapter", tf.AutoModelForSequenceClassification, task_type="SEQ_CLS")
    with pytest.raises(it.CheckpointError, match=r"neither of the two has bert\.pooler\.dense\.bias"):
        it.load_encoder(str(tmp_path / "adapter"), device="cpu")


def test_only_the_last_merged_models_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "cache"))
    base = make_checkpoint("bert", tmp_path / "base")
    make_adapter(base, tmp_path / "adapter")
    weights = load_file(tmp_path / "adapter/adapter_model.safetensors")
    first = it.find_checkpoint(str(tmp_path / "adapter"))
    hidden = it.trace(it.load_encoder(first, device="cpu"), TEXT).hidden
    for number in range(2, 8):
        changed = {name: one * number for name, one in weights.items()}
        save_file(changed, tmp_path / "adapter/adapter_model.safetensors")
        it.load_encoder(str(tmp_path / "adapter"), device="cpu")
    merged = sorted((tmp_path / "cache/bertoscope/models").glob("adapter-*"))
    assert len(merged) == 4
    # One that is asked for again is merged again.
    save_file(weights, tmp_path / "adapter/adapter_model.safetensors")
    np.testing.assert_array_equal(
        it.trace(it.load_encoder(str(tmp_path / "adapter"), device="cpu"), TEXT).hidden, hidden
    )
