"""What is written is opened by sentence-transformers, and encodes there as it does here."""

import json

import numpy as np
import pytest
import sentence_transformers.base.modules as base
import torch
import transformers as tf
from sentence_transformers import SentenceTransformer

import interpret as it
from interpret.core.sentence_pipeline import POOLING_MODES
from interpret.embeddings.sentence_folder import save_sentence_transformer
from tests.interpret.core.test_sentence_folders import PROMPTS, TEXTS, WIDTH, dense, near, own, write
from tests.tiny import FAMILIES, make_checkpoint


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_with_all_that_follows_its_pooling(tiny_folders, tmp_path, family):
    out, peer = write(
        tiny_folders[family],
        tmp_path / "theirs",
        "weightedmean",
        [
            dense(WIDTH, 12),
            dense(12, 12, activation_function=torch.nn.GELU(), use_residual=True),
            dense(12, 8, activation_function=torch.nn.Identity(), use_residual=True, bias=False),
            base.Normalize,
        ],
        include_prompt=False,
        prompts=PROMPTS,
        default_prompt_name="query",
        similarity_fn_name="dot",
    )
    encoder = it.load_encoder(str(out), device="cpu")
    written = save_sentence_transformer(encoder, tmp_path / "ours")
    mine = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    near(mine.encode(TEXTS), peer.encode(TEXTS))
    near(mine.encode(TEXTS, prompt_name="passage"), peer.encode(TEXTS, prompt_name="passage"))
    assert (mine.prompts, mine.default_prompt_name) == (peer.prompts, peer.default_prompt_name)
    assert mine.similarity_fn_name == peer.similarity_fn_name == written.similarity
    assert mine.max_seq_length == peer.max_seq_length == 16
    # And here again, from what was written; transformers alone opens it too.
    near(own(it.load_encoder(str(tmp_path / "ours"), device="cpu")), own(encoder))
    assert type(tf.AutoModel.from_pretrained(tmp_path / "ours")).__name__ == type(encoder.model).__name__


@pytest.mark.parametrize("pooling", [*POOLING_MODES, ("weightedmean", "cls")], ids=str)
def test_every_pooling_in_its_order(tiny_folders, tmp_path, pooling):
    out, peer = write(tiny_folders["bert"], tmp_path / "theirs", pooling)
    save_sentence_transformer(it.load_encoder(str(out), device="cpu"), tmp_path / "ours")
    near(SentenceTransformer(str(tmp_path / "ours"), device="cpu").encode(TEXTS), peer.encode(TEXTS))


def test_a_fine_tuned_encoder_keeps_the_pooling_of_its_base(tiny_folders, tmp_path):
    out, _peer = write(tiny_folders["bert"], tmp_path / "base", "cls", [base.Normalize], prompts=PROMPTS)
    rows = "text,label\n" + "".join(f"the bank was {word} {i},{word}\n" for i in range(8) for word in ("rich", "steep"))
    recipe = it.Recipe(model=str(out), epochs=4, learning_rate=1e-2, device="cpu")
    run = it.finetune(tmp_path / "run", it.runs.Request(recipe, "rows", "rows.csv"), rows.encode())
    assert run.state == "done", run.error
    tuned = it.load_encoder(str(run.model), device="cpu")
    written = save_sentence_transformer(tuned, tmp_path / "ours", like=str(out))
    assert (written.pooling, written.normalized) == (("cls",), True)
    assert dict(written.prompts).items() >= PROMPTS.items()
    mine = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    # Beside transformers on the weights that were trained.
    model = tf.AutoModel.from_pretrained(run.model).eval()
    tokens = tuned.tokens(TEXTS[0])
    with torch.no_grad():
        first = model(**tuned.batch([tokens])).last_hidden_state[0, 0].numpy()
    near(mine.encode(TEXTS[:1])[0], first / np.linalg.norm(first))
    # It has learned something: the base's vectors are others.
    assert np.abs(mine.encode(TEXTS[:1]) - SentenceTransformer(str(out), device="cpu").encode(TEXTS[:1])).max() > 1e-4


def test_where_nothing_says_how_it_is_the_mean_of_all(tiny_folders, tmp_path):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    assert encoder.sentence is None
    save_sentence_transformer(encoder, tmp_path / "ours")
    short = [text for text in TEXTS if len(encoder.tokenizer.encode(text).ids) <= encoder.max_tokens]
    ours = it.embed(encoder, short, [-1]).at(encoder.layers)
    near(SentenceTransformer(str(tmp_path / "ours"), device="cpu").encode(short), ours)


def test_a_head_is_left_out_and_lower_case_stays(tmp_path, tiny_folders):
    folder = make_checkpoint("bert", tmp_path / "head", loader=tf.AutoModelForSequenceClassification)
    encoder = it.load_encoder(str(folder), device="cpu")
    save_sentence_transformer(encoder, tmp_path / "ours")
    assert it.load_encoder(str(tmp_path / "ours"), device="cpu").task is None
    out, peer = write(tiny_folders["roberta"], tmp_path / "cased", "mean")
    config = out / "sentence_bert_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"do_lower_case": True}))
    encoder = it.load_encoder(str(out), device="cpu")
    save_sentence_transformer(encoder, tmp_path / "lower")
    mine = SentenceTransformer(str(tmp_path / "lower"), device="cpu")
    near(mine.encode(["MONEY Bank"]), peer.encode(["money bank"]))
    assert np.abs(peer.encode(["MONEY Bank"]) - peer.encode(["money bank"])).max() > 1e-3


def test_what_does_not_fit_is_refused_and_nothing_is_written_over(tiny_folders, tmp_path):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(it.InputError, match="is no empty folder"):
        save_sentence_transformer(encoder, tmp_path / "full")
    assert [one.name for one in (tmp_path / "full").iterdir()] == ["mine.txt"]
    out, _peer = write(tiny_folders["bert"], tmp_path / "wide", "mean", [dense(WIDTH, 12)])
    other = it.load_encoder("minilm", device="cpu")
    with pytest.raises(it.InputError, match="does not fit hidden states of 384"):
        save_sentence_transformer(other, tmp_path / "ours", like=str(out))
    assert not (tmp_path / "ours").exists()
