"""Shapes without weights: published ones, those of folders and of the hub, and files that may hold anything."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import transformers as tf

import interpret as it
from interpret.resources.configs import (
    MOST_BYTES,
    SHAPES,
    find_config,
    longest,
    read_config_file,
    shape_digest,
    shape_facts,
)
from interpret.resources.prediction import predict
from interpret.resources.workload import Workload, build, layer_names
from tests.hub import COMMIT, serve

# Parameters in millions, without a head on top: Devlin et al. 2019 say 110 and 340; Turc et al. 2019, table 1, say 4.4,
# 11.3 and 29.1; Liu et al. 2019 say 125 and 355 (with more words), Sanh et al. 2019 say 66, Warner et al. 2024 say 149
# and 395.
PUBLISHED = {
    "bert-tiny": 4.4,
    "bert-mini": 11.2,
    "bert-small": 28.8,
    "bert-base": 110,
    "bert-large": 340,
    "roberta-base": 125,
    "roberta-large": 355,
    "distilbert-base": 66,
    "modernbert-base": 149,
    "modernbert-large": 395,
    "bert-base-1024": 110,
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_as_many_parameters_as_were_published(name):
    predicted = predict(find_config(name), Workload(1, 8, head="none"))
    assert predicted.parts["weights"] / 4e6 == pytest.approx(PUBLISHED[name], rel=0.02)


def test_the_shape_of_a_folder_is_that_of_its_weights(tiny_folders):
    for family in ("bert", "roberta", "distilbert", "modernbert"):
        encoder = it.load_encoder(str(tiny_folders[family]), "cpu")
        config = find_config(str(tiny_folders[family]))
        facts = shape_facts(config)
        assert (facts["layers"], facts["heads"], facts["width"]) == (encoder.layers, encoder.heads, encoder.width)
        weights = sum(one.numel() for one in encoder.model.parameters())
        found = sum(one.numel() for one in build(config, Workload(1, 2, head="none")).parameters())
        # What is loaded may lack a pooler that no file holds.
        assert weights <= found <= weights + encoder.width * (encoder.width + 1)


def test_no_weights_are_needed(tiny_folders, tmp_path):
    content = (tiny_folders["bert"] / "config.json").read_bytes()
    (tmp_path / "config.json").write_bytes(content)
    for found in (find_config(str(tmp_path)), read_config_file(content, "config.json")):
        assert found.to_dict() == find_config(str(tiny_folders["bert"])).to_dict()
    with pytest.raises(it.CheckpointError, match="neither a folder"):
        find_config(str(tmp_path), local=False)
    with pytest.raises(it.CheckpointError, match=r"config\.json"):
        find_config(str(tmp_path.parent))


# In a process of its own, since huggingface_hub reads its settings once, when it is imported.
ASK = """
import sys
import interpret as it
from interpret.resources.configs import find_config
for name, revision in (one.split("@") for one in sys.argv[1:]):
    try:
        print(find_config(name, revision or None, local=False).num_hidden_layers)
    except it.InterpretError as error:
        print(type(error).__name__, error)
"""


def fetch_each(home, endpoint, *names):
    environment = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", ASK, *names]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.slow
def test_of_a_hub_model_one_file_is_fetched(tiny_folders, tmp_path):
    repo, bare = shutil.copytree(tiny_folders["bert"], tmp_path / "repo"), tmp_path / "bare"
    bare.mkdir()
    (bare / "README.md").write_text("nothing here")
    models = {"owner/tiny": repo, "owner/bare": bare, "owner/closed": repo}
    with serve(models=models, gated={"owner/closed"}) as (endpoint, hub):
        found = fetch_each(
            tmp_path, endpoint, "owner/tiny@", "owner/tiny@nope", "owner/bare@", "owner/closed@", "no/no@"
        )
        fetched = {one for one in hub.requests if "/resolve/" in one}
    assert found[0] == str(find_config(str(repo)).num_hidden_layers)
    for line, said in zip(
        found[1:],
        ("no revision “nope”", "“owner/bare” has no config.json", "restrict access", "no model “no/no”"),
        strict=True,
    ):
        assert line.startswith("CheckpointError"), line
        assert said in line
    assert fetched == {f"/owner/{name}/resolve/{COMMIT}/config.json" for name in ("tiny", "bare")}
    # Where nobody answers, what was fetched before is there still.
    again = fetch_each(tmp_path, "http://127.0.0.1:9", "owner/tiny@", "owner/bare@")
    assert again[0] == found[0]
    assert "The hub cannot be reached, and the config.json of “owner/bare” is not on this machine" in again[1]


def broken(**changes):
    return json.dumps(tf.BertConfig(num_hidden_layers=2).to_dict() | changes).encode()


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is no JSON"),
        (b"[1]", "not a JSON object"),
        (b"[" * 100_000, "is no JSON"),
        (b" " * (MOST_BYTES + 1), "at most"),
        (b"{}", "architecture “None”"),
        (b'{"model_type": "gpt2"}', "architecture “gpt2”"),
        (b'{"model_type": ["bert"]}', "architecture"),
        (broken(num_hidden_layers=10**9), "more than 128 layers"),
        (broken(num_hidden_layers=float("nan")), "more than 128 layers"),
        (b'{"model_type": "albert", "num_hidden_groups": 96, "inner_group_num": 96}', "more than 128 layers"),
        (b'{"model_type": "modernbert", "num_hidden_layers": 3000000}', "more than 128 layers"),
        (broken(num_hidden_layers=-1), "without layers"),
        (broken(hidden_size="wide"), "cannot be read"),
        (broken(hidden_size=None), "cannot be read"),
        (broken(vocab_size=0), "without layers, heads, width or words"),
        (broken(hidden_dropout_prob=7.0), "hidden_dropout_prob"),
    ],
    ids=lambda one: repr(one)[:40],
)
def test_a_file_that_is_no_shape_is_said(content, said):
    with pytest.raises(it.CheckpointError, match=said):
        read_config_file(content, "config.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 130},
        {"hidden_size": 10**9, "num_attention_heads": 10},
        {"vocab_size": 10**15},
        {"type_vocab_size": 0},
        {"pad_token_id": 10**9},
        {"hidden_act": "no such function"},
        {"max_position_embeddings": 0},
        {"intermediate_size": -5},
        {"quantization_config": {"quant_method": "gptq"}},
        {"auto_map": {"AutoModel": "evil.Model"}},
        {"id2label": {"x": 1}},
        {"is_decoder": True},
        {"torch_dtype": "int3"},
        {"num_labels": 10**9},
        {"num_labels": -1},
        {"pad_token_id": None},
    ],
    ids=str,
)
def test_sizes_that_do_not_go_together_are_a_sentence_or_a_number(changes):
    said = ""
    try:
        found = predict(read_config_file(broken(**changes), "config.json"), Workload(1, 8, training=True)).peak
    except it.InterpretError as error:
        found, said = 0, str(error)
    assert found > 0 or said


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "camembert", "data2vec-text", "mpnet"])
def test_a_padding_that_is_not_named_is_position_0(family, tiny_folders):
    given = json.loads((tiny_folders["roberta"] / "config.json").read_text()) | {
        "pad_token_id": None,
        "model_type": family,
    }
    config = read_config_file(json.dumps(given).encode(), "config.json")
    assert longest(config) == config.max_position_embeddings - 1


def test_relative_positions_alone_are_no_limit():
    given = {"model_type": "deberta-v2", "relative_attention": True, "position_biased_input": False}
    assert longest(read_config_file(json.dumps(given).encode(), "config.json")) is None
    assert longest(read_config_file(b'{"model_type": "deberta-v2"}', "config.json")) == 512


def test_counting_leaves_a_config_as_it_was():
    config = find_config("bert-tiny")
    before = shape_digest(config)
    for work in (Workload(2, 16), Workload(2, 16, True, kernel="flash", precision="bfloat16")):
        predict(config, work)
    assert shape_digest(config) == before == shape_digest(find_config("bert-tiny"))
    assert before != shape_digest(find_config("bert-mini"))


def test_layers_have_names():
    assert layer_names(find_config("bert-tiny")) == ("embeddings", "0", "1", "pooler", "head")
    assert layer_names(find_config("distilbert-base"), "none")[:2] == ("embeddings", "0")
