"""Sentence-transformers folders are read as what they are: every number against `SentenceTransformer.encode` itself.

The folders are written by sentence-transformers, which is also the origin of each right value.
"""

import json
import shutil
from itertools import product

import numpy as np
import pytest
import sentence_transformers.base.modules as base
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as parts
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import interpret as it
from interpret.core.sentence_files import read_sentence
from interpret.core.sentence_pipeline import POOLING_MODES
from interpret.core.sentence_vectors import sentence_reading
from interpret.finetuning.trainable_model import make_trainable_model, save_model
from tests.tiny import CHINESE, FAMILIES, TEXT

# The last is cut off by every limit here; of the one before it a prompt leaves less than all.
TEXTS = ["the bank", "Money was RICH, said it", CHINESE, "the river bank was steep and the bank", TEXT * 3]
PROMPTS = {"query": "query: ", "passage": "passage of the river: "}
WIDTH = 24


def write(folder, out, pooling="mean", steps=(), include_prompt=True, max_length=16, **options):
    """Write a sentence-transformers folder around an encoder; returns the folder and the peer read back from it."""
    transformer = base.Transformer(str(folder), max_seq_length=max_length)
    torch.manual_seed(1)
    modules = [transformer, parts.Pooling(WIDTH, pooling, include_prompt=include_prompt), *(one() for one in steps)]
    SentenceTransformer(modules=modules, device="cpu", **options).save(str(out), create_model_card=False)
    return out, SentenceTransformer(str(out), device="cpu")


def dense(*sizes, **options):
    return lambda: base.Dense(*sizes, **options)


def near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)


def own(encoder, **options):
    return it.embed(encoder, TEXTS, [-1], **options).at(encoder.layers)


@pytest.fixture(scope="module")
def shared(tiny_folders, tmp_path_factory):
    """An encoder and its peer's first module, read once."""
    out, _peer = write(tiny_folders["bert"], tmp_path_factory.mktemp("shared") / "st")
    return it.load_encoder(str(out), device="cpu"), base.Transformer(str(out), max_seq_length=16)


@pytest.mark.parametrize("pooling", [*POOLING_MODES, ("cls", "max", "weightedmean")], ids=str)
@pytest.mark.parametrize("include_prompt", [True, False])
def test_every_pooling_with_and_without_what_follows_it(shared, tmp_path, monkeypatch, pooling, include_prompt):
    encoder, transformer = shared
    width = WIDTH * (1 if isinstance(pooling, str) else len(pooling))
    for two, normal in product((False, True), repeat=2):
        torch.manual_seed(1)
        steps = [parts.Pooling(WIDTH, pooling, include_prompt=include_prompt)]
        if two:
            steps.append(base.Dense(width, 10))
            steps.append(base.Dense(10, 10, bias=False, activation_function=torch.nn.GELU(), use_residual=True))
        if normal:
            steps.append(base.Normalize())
        peer = SentenceTransformer(modules=[transformer, *steps], device="cpu", prompts=PROMPTS)
        peer.save(str(tmp_path), create_model_card=False)
        found = read_sentence(tmp_path, "tiny")
        assert found.pooling == ((pooling,) if isinstance(pooling, str) else pooling)
        monkeypatch.setattr(encoder, "sentence", found)
        near(own(encoder), peer.encode(TEXTS))
        for name, prompt in PROMPTS.items():
            near(own(encoder, prompt=prompt), peer.encode(TEXTS, prompt_name=name))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_encodes_and_compares_as_sentence_transformers_does(tiny_folders, tmp_path, family):
    out, peer = write(
        tiny_folders[family],
        tmp_path / family,
        "weightedmean",
        [dense(WIDTH, 12), base.Normalize],
        prompts=PROMPTS,
        default_prompt_name="query",
    )
    encoder = it.load_encoder(str(out), device="cpu")
    near(own(encoder), peer.encode(TEXTS))
    near(own(encoder, prompt=""), peer.encode(TEXTS, prompt=""))
    near(own(encoder, prompt="said: "), peer.encode(TEXTS, prompt="said: "))
    for one, two in ((0, 1), (3, 4)):
        ours = it.attribution.target_function(encoder, TEXTS[one], TEXTS[two], "similarity").output
        assert ours == pytest.approx(float(peer.similarity(*peer.encode([TEXTS[one], TEXTS[two]]))), abs=1e-5)
    # Nor may plain means pass for the model's own vectors.
    assert np.abs(own(encoder, pooling="mean")[:, :12] - own(encoder)).max() > 0.05


@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean", "manhattan"])
def test_similarity_is_what_the_folder_compares_by_and_attributions_of_it_add_up(tiny_folders, tmp_path, measure):
    steps = [dense(WIDTH, 12), lambda: parts.LayerNorm(12)]
    options = {"prompts": PROMPTS, "default_prompt_name": "query", "similarity_fn_name": measure}
    out, peer = write(tiny_folders["bert"], tmp_path / "st", "mean", steps, False, **options)
    encoder = it.load_encoder(str(out), device="cpu")
    first, second = "the river bank was steep", "money was rich"
    right = float(peer.similarity(*peer.encode([first, second])))
    question = it.attribution.target_function(encoder, first, second, "similarity")
    assert question.output == pytest.approx(right, abs=1e-4 if measure in ("manhattan", "dot") else 1e-5)
    found = it.attribution.explain(question, "integrated_gradients")
    assert found.error < 0.011
    assert found.scores.sum() + found.baseline_output == pytest.approx(
        right, abs=0.02 * abs(right - found.baseline_output) + 1e-5
    )
    # The prompt was written by nobody: it keeps its place, has no score, and is no word that a picture explains.
    tokens = found.tokens
    assert tokens.text == first
    assert [tokens.words[i] for i, group in enumerate(tokens.groups) if not tokens.special[group[0]]] == first.split()
    assert not found.scores[tokens.special].any()
    if measure in ("cosine", "dot"):
        pairs = it.attribution.similarity_pairs(encoder, first, second)
        assert pairs.similarity == pytest.approx(right, rel=1e-5, abs=1e-5)
        assert abs(pairs.delta) <= 0.03 * max(1, abs(right))
    else:
        with pytest.raises(it.InputError, match=f"{measure} distance"):
            it.attribution.similarity_pairs(encoder, first, second)


def test_pairs_of_words_go_through_dense_layers_and_normalisation(tiny_folders, tmp_path):
    steps = [dense(WIDTH, 12), base.Normalize]
    out, peer = write(tiny_folders["bert"], tmp_path / "st", "cls", steps, prompts=PROMPTS)
    encoder = it.load_encoder(str(out), device="cpu")
    found = it.attribution.similarity_pairs(
        encoder, "the river bank", "money was rich", prompt="query: ", tolerance=1e-3
    )
    right = float(peer.similarity(*peer.encode(["the river bank", "money was rich"], prompt_name="query")))
    assert found.similarity == pytest.approx(right, abs=1e-5)
    assert found.scores.sum() + found.to_baseline == pytest.approx(right, abs=5e-3)


def test_below_the_last_layer_the_pooling_is_the_models_own_and_nothing_follows(tiny_folders, tmp_path):
    out, peer = write(tiny_folders["bert"], tmp_path / "cls", "cls", [base.Normalize], max_length=60)
    encoder = it.load_encoder(str(out), device="cpu")
    found = it.embed(encoder, TEXTS[:2])
    assert (found.pooling, found.layers) == ("own", (0, 1, 2, 3))
    for place, text in enumerate(TEXTS[:2]):
        near(found.vectors[:3, place], it.trace(encoder, text).hidden[:3, 0])
    near(found.at(3), peer.encode(TEXTS[:2]))
    narrow, _peer = write(tiny_folders["bert"], tmp_path / "narrow", "mean", [dense(WIDTH, 5)])
    encoder = it.load_encoder(str(narrow), device="cpu")
    assert it.embed(encoder, TEXTS).vectors.shape == (1, len(TEXTS), 5)
    with pytest.raises(it.InputError, match="5 dimensions, which its dense layer computes from the last layer alone"):
        it.embed(encoder, TEXTS, [1, -1])
    assert it.embed(encoder, TEXTS, pooling="mean").vectors.shape == (4, len(TEXTS), WIDTH)


def test_what_is_cut_off_is_said_and_a_plain_pooling_reads_all(tiny_folders, tmp_path):
    out, peer = write(tiny_folders["bert"], tmp_path / "st", max_length=9)
    encoder = it.load_encoder(str(out), device="cpu")
    texts = ["word " * 7, "word " * 8]
    long = [*TEXTS[:-1], " ".join([TEXT] * 5)]
    lengths = [len(encoder.tokenizer.encode(text).ids) for text in long]
    assert it.embed(encoder, long).cut.tolist() == [length > 9 for length in lengths]
    assert it.embed(encoder, long).token_counts.tolist() == [min(length, 9) for length in lengths]
    plain = it.embed(encoder, long, pooling="mean")
    assert not plain.cut.any()
    assert plain.windows[-1] > 1
    assert encoder.sentence.max_length == peer.max_seq_length == 9
    # One token more than the limit is one token less of the text, and the closing one stays.
    reading = sentence_reading(encoder)
    for text in (*texts, *long):
        tokens = reading.tokens(text)
        theirs = peer.preprocess([text])["input_ids"][0].tolist()
        assert tokens.ids.tolist() == theirs
    np.testing.assert_allclose(it.embed(encoder, texts).at(3), peer.encode(texts), atol=1e-5)


def test_kept_vectors_are_told_apart_by_pooling_and_prompt(tiny_folders, tmp_path):
    out, peer = write(tiny_folders["bert"], tmp_path / "st", "cls", prompts=PROMPTS, default_prompt_name="query")
    encoder = it.load_encoder(str(out), device="cpu")
    store = it.embeddings.Store(tmp_path / "kept", 10**8)
    ways = [{}, {"prompt": ""}, {"pooling": "cls", "prompt": ""}, {"prompt": PROMPTS["passage"]}]
    for _again in range(2):
        found = [store.embed(encoder, TEXTS, [-1], **way) for way in ways]
        near(found[0].at(3), peer.encode(TEXTS))
        near(found[1].at(3), peer.encode(TEXTS, prompt=""))
        near(found[3].at(3), peer.encode(TEXTS, prompt_name="passage"))
        assert [one.prompt for one in found] == ["query: ", "", "", PROMPTS["passage"]]
        assert [one.cut.any() for one in found] == [True, True, False, True]
    assert len(list((tmp_path / "kept").iterdir())) == len(ways)


def test_the_built_in_model_stays_the_mean_of_all(minilm):
    text = "the river bank was steep " * 80
    assert minilm.sentence.normalized
    assert (minilm.sentence.pooling, minilm.sentence.max_length) == (("mean",), 256)
    found = it.embed(minilm, [text, "the bank"], [-1])
    assert (found.pooling, found.prompt, found.cut.any(), found.windows.tolist()) == ("mean", "", False, [1, 1])
    near(found.at(6)[1], it.trace(minilm, "the bank").hidden[-1].mean(axis=0))
    own = it.embed(minilm, [text, "the bank"], [-1], pooling="own")
    assert own.cut.tolist() == [True, False]
    near(np.linalg.norm(own.at(6), axis=1), 1)


# ---- what the files say, in all the ways that they have said it


def change(file, **changes):
    found = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({key: one for key, one in {**found, **changes}.items() if one is not None}))


def of_old(folder):
    """Bring a folder to the layout that sentence-transformers wrote before its version 2.3."""
    inside = folder / "0_Transformer"
    inside.mkdir()
    for file in [one for one in folder.iterdir() if one.is_file()]:
        if file.name not in ("modules.json", "config_sentence_transformers.json", "README.md"):
            file.rename(inside / file.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = inside.name
    for one in modules:
        one["type"] = "sentence_transformers.models." + one["type"].rpartition(".")[2]
    (folder / "modules.json").write_text(json.dumps(modules))
    pooling = json.loads((folder / "1_Pooling/config.json").read_text())["pooling_mode"]
    names = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "lasttoken": "lasttoken"}
    switches = {f"pooling_mode_{name}": mode == pooling for mode, name in names.items()}
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": WIDTH, **switches}))
    change(inside / "sentence_bert_config.json", max_seq_length=12, do_lower_case=True)
    change(inside / "tokenizer_config.json", model_max_length=512)


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "lasttoken"])
def test_the_old_layout_is_read_whole(tiny_folders, tmp_path, pooling):
    out, _peer = write(tiny_folders["roberta"], tmp_path / "st", pooling, [dense(WIDTH, 6), base.Normalize])
    of_old(out)
    peer = SentenceTransformer(str(out), device="cpu")
    encoder = it.load_encoder(str(out), device="cpu")
    assert encoder.sentence.lower_case
    near(own(encoder), peer.encode(TEXTS))
    # A byte-level vocabulary, which tells cases apart: texts are read in lower case on every page.
    assert encoder.tokens("The BANK").ids.tolist() == encoder.tokens("the bank").ids.tolist()
    assert it.model_card(encoder).max_tokens == 64
    # What is fine-tuned from it is read as it learned to read, though it is no folder of sentence-transformers.
    learner = make_trainable_model(encoder, it.Recipe(str(out)), "classes", ("a", "b"))
    save_model(learner.model, "", ("a", "b"), it.find_checkpoint(str(out)), tmp_path / "tuned")
    tuned = it.load_encoder(str(tmp_path / "tuned"), device="cpu")
    assert tuned.tokens("The BANK").ids.tolist() == encoder.tokens("the bank").ids.tolist()
    # A change in a module's folder is another model.
    before = it.find_checkpoint(str(out))
    change(out / "1_Pooling/config.json", include_prompt=False)
    assert it.find_checkpoint(str(out)) != before


@pytest.mark.parametrize("pooling", ["cls", "max", "weightedmean"])
def test_a_linear_head_stands_on_the_models_own_vectors(tiny_folders, tmp_path, pooling):
    out, peer = write(
        tiny_folders["bert"], tmp_path / "st", pooling, [dense(WIDTH, 6), base.Normalize], prompts=PROMPTS
    )
    encoder = it.load_encoder(str(out), device="cpu")
    texts = [f"the bank {text}" for text in ("was rich", "was steep", "said it", "and money", "river", "tired")]
    head = it.fit_head(encoder, texts, list("aabbab"))
    scores = peer.encode(texts) @ head.weight.T + head.bias
    inputs = encoder.batch([encoder.tokens(text) for text in texts])
    states = encoder.run(inputs).last_hidden_state
    near(head.logits(states, inputs["attention_mask"]).numpy(), scores)
    # Made on the scaled vectors of the peer, so that all but the vectors is scikit-learn's.
    vectors = peer.encode(texts).astype(float)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(vectors, list("aabbab"))
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], fitted.decision_function(vectors), atol=1e-3)
    found = it.attribution.explain(it.attribution.target_function(encoder, texts[0], "class", head=head), "saliency")
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda at: rename(at, 1, "sentence_transformers.models.WeightedLayerPooling"), "WeightedLayerPooling"),
        (lambda at: rename(at, 2, "sentence_transformers.models.CNN"), "does not support: .*CNN"),
        (lambda at: rename(at, 0, "custom_st.Transformer"), "does not support: custom_st.Transformer"),
        (lambda at: rename(at, 2, "my_code.Dense"), "does not support: my_code.Dense"),
        (lambda at: change(at / "1_Pooling/config.json", pooling_mode="median"), "Pooling .median."),
        (lambda at: change(at / "2_Dense/config.json", activation_function="my.Act"), "Dense .my.Act."),
        (lambda at: change(at / "2_Dense/config.json", module_input_name="token_embeddings"), "token_embeddings"),
        (lambda at: (at / "2_Dense/model.safetensors").rename(at / "2_Dense/pytorch_model.bin"), "Pickles"),
        (
            lambda at: (at / "2_Dense/model.safetensors").write_bytes(b"no"),
            "2_Dense/model.safetensors.* cannot be read",
        ),
        (lambda at: (at / "1_Pooling/config.json").write_text("["), "1_Pooling/config.json.* cannot be read"),
        (lambda at: (at / "modules.json").write_text("{}x"), "modules.json.* cannot be read"),
        (lambda at: (at / "modules.json").write_text('[{"type": "a.B", "path": "../x"}]'), "modules.json.* cannot be"),
        (lambda at: change(at / "config_sentence_transformers.json", default_prompt_name="none"), "prompt “none”"),
        (
            lambda at: change(at / "1_Pooling/config.json", pooling_mode=["mean", "max"]),
            "modules of .* do not match its hidden size",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tiny_folders, tmp_path, spoil, sentence):
    out, _peer = write(tiny_folders["bert"], tmp_path / "st", "mean", [dense(WIDTH, 6)])
    spoil(out)
    with pytest.raises(it.CheckpointError, match=sentence) as caught:
        it.load_encoder(str(out), device="cpu")
    assert "\n" not in str(caught.value)


def rename(folder, place, kind):
    modules = json.loads((folder / "modules.json").read_text())
    modules[place]["type"] = kind
    (folder / "modules.json").write_text(json.dumps(modules))


def test_a_folder_of_another_kind_of_model_makes_no_sentence_vectors(tiny_folders, tmp_path):
    out, _peer = write(tiny_folders["bert"], tmp_path / "st", "cls")
    change(out / "config_sentence_transformers.json", model_type="CrossEncoder")
    encoder = it.load_encoder(str(out), device="cpu")
    assert encoder.sentence is None
    assert it.embed(encoder, TEXTS[:1]).pooling == "mean"
    with pytest.raises(it.InputError, match="has no modules.json"):
        it.embed(encoder, TEXTS[:1], pooling="own")


def test_numbers_beyond_truncate_dim_are_left_out(tiny_folders, tmp_path):
    out, peer = write(tiny_folders["bert"], tmp_path / "st", "max", [base.Normalize], truncate_dim=7)
    encoder = it.load_encoder(str(out), device="cpu")
    near(own(encoder), peer.encode(TEXTS))
    assert own(encoder).shape[1] == 7


# ---- folders that are no whole model, or hold its weights otherwise


@pytest.mark.parametrize("shards", [None, "30KB"])
def test_weights_of_a_variant_are_read_as_they_are(tiny_folders, tmp_path, shards):
    import transformers as tf

    at = tmp_path / "half"
    shutil.copytree(tiny_folders["bert"], at)
    (at / "model.safetensors").unlink()
    half = tf.AutoModel.from_pretrained(tiny_folders["bert"]).half()
    half.save_pretrained(at, variant="fp16", **({"max_shard_size": shards} if shards else {}))
    assert not (at / "model.safetensors").exists()
    encoder = it.load_encoder(str(at), device="cpu")
    for name, tensor in encoder.model.state_dict().items():
        assert torch.equal(tensor, half.state_dict()[name].float()), name
    card = it.model_card(encoder)
    assert (card.heads_in_file, len(card.sha256)) == (0, 64)
    if shards is None:
        shutil.copy(at / "model.fp16.safetensors", at / "model.bf16.safetensors")
        with pytest.raises(it.CheckpointError, match="only in several variants: bf16, fp16"):
            it.load_encoder(str(at), device="cpu")
        # Beside whole weights a variant is neither read nor counted.
        shutil.copy(tiny_folders["bert"] / "model.safetensors", at)
        again = it.load_encoder(str(at), device="cpu")
        assert torch.equal(
            again.embedding_matrix, load_file(at / "model.safetensors")["embeddings.word_embeddings.weight"]
        )
        assert it.model_card(again).heads_in_file == 0


def test_a_trainings_folder_names_its_checkpoints(tiny_folders, tmp_path):
    for step in (1000, 500):
        shutil.copytree(tiny_folders["bert"], tmp_path / "run" / f"checkpoint-{step}")
    (tmp_path / "run/runs").mkdir()
    with pytest.raises(it.CheckpointError, match="Choose one of: checkpoint-500, checkpoint-1000"):
        it.find_checkpoint(str(tmp_path / "run"))
    assert it.load_encoder(str(tmp_path / "run/checkpoint-500"), device="cpu").layers == 3
