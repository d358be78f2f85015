"""Vectors of texts, words and tokens: against hidden states, against sentence-transformers, whatever the batch."""

import os
import subprocess
import sys

import numpy as np
import pytest

import interpret as it
from dashboard import ROOT
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.words import join_words
from interpret.embeddings import corpus
from tests.tiny import FAMILIES

TEXTS = [
    "The bank lent money because it was rich.",
    "bank",
    "The river bank was steep, said the unbelievably tired animals.",
    "中文模型的注意力很有意思",
    "it was said",
]


@pytest.fixture(scope="module")
def encoders(tiny_folders):
    return {family: it.load_encoder(str(folder), device="cpu") for family, folder in tiny_folders.items()}


def hidden_of(encoder, text):
    return encoder.tokens(text), it.trace(encoder, text).hidden


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_texts_are_pooled_from_the_hidden_states_of_their_own_trace(encoders, family, pooling):
    encoder = encoders[family]
    found = it.embed(encoder, TEXTS, pooling=pooling)
    assert found.layers == tuple(range(encoder.layers + 1))
    for place, text in enumerate(TEXTS):
        _tokens, hidden = hidden_of(encoder, text)
        expected = {"mean": hidden.mean(1), "cls": hidden[:, 0], "max": hidden.max(1)}[pooling]
        np.testing.assert_allclose(found.vectors[:, place], expected, atol=2e-5)
    assert not found.vectors.flags.writeable


@pytest.mark.parametrize("family", FAMILIES)
def test_words_and_tokens_are_those_of_the_trace(encoders, family):
    encoder = encoders[family]
    words = it.embed(encoder, TEXTS, level="words")
    each = it.embed(encoder, TEXTS, level="tokens")
    row = column = 0
    for place, text in enumerate(TEXTS):
        tokens, hidden = hidden_of(encoder, text)
        joined = join_words(tokens)
        for group, name in zip(joined.groups, joined.words, strict=True):
            if tokens.special[group[0]]:
                continue
            np.testing.assert_allclose(words.vectors[:, row], hidden[:, list(group)].mean(1), atol=2e-5)
            assert (words.text[row], words.item(row), words.token_counts[row]) == (place, name, len(group))
            row += 1
            for token in group:
                np.testing.assert_allclose(each.vectors[:, column], hidden[:, token], atol=2e-5)
                assert each.text[column] == place
                column += 1
    assert (row, column) == (len(words), len(each))


def test_the_built_in_model_gives_what_sentence_transformers_gives(minilm):
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(checkpoint_folder(minilm.spec.checkpoint)), device="cpu")
    texts = [*TEXTS, *("a longer text about banks and rivers " * n for n in (1, 3, 20))]
    ours = it.embed(minilm, texts, layers=[-1]).at(minilm.layers)
    ours = ours / np.linalg.norm(ours, axis=1, keepdims=True)
    np.testing.assert_allclose(ours, peer.encode(texts, normalize_embeddings=True), atol=1e-5)


def test_a_vector_does_not_depend_on_its_batch(minilm, monkeypatch):
    texts = ["word " * (1 + 13 * i % 40) + str(i) for i in range(30)]
    together = it.embed(minilm, texts)
    monkeypatch.setattr(corpus, "tokens_per_batch", lambda *_: 1)
    alone = it.embed(minilm, texts)
    np.testing.assert_allclose(together.vectors, alone.vectors, atol=1e-5)
    order = np.random.default_rng(0).permutation(30)
    shuffled = it.embed(minilm, [texts[i] for i in order])
    np.testing.assert_allclose(shuffled.vectors, together.vectors[:, order], atol=1e-5)


def test_layers_are_those_asked_for(minilm):
    everything = it.embed(minilm, TEXTS)
    some = it.embed(minilm, TEXTS, layers=[-1, 0, 2])
    assert some.layers == (0, 2, 6)
    np.testing.assert_allclose(some.vectors, everything.vectors[[0, 2, 6]], atol=1e-6)
    np.testing.assert_array_equal(some.at(2), some.vectors[1])
    with pytest.raises(it.InputError, match=r"layer 5 were not kept. Those kept are of: 0, 2, 6"):
        some.at(5)
    for wrong in ([7], [-2], [], "last"):
        with pytest.raises(it.InputError, match="ayers"):
            it.embed(minilm, TEXTS, layers=wrong)


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_a_long_text_is_the_average_of_its_windows(encoders, pooling):
    encoder = encoders["bert"]
    long = " ".join(["the river bank was steep and the bank lent money"] * 20)
    found = it.embed(encoder, ["it was", long], pooling=pooling)
    windows = it.windows(encoder, long, overlap=0).first
    assert found.windows.tolist() == [1, len(windows)]
    assert len(windows) > 3
    states = [it.trace(encoder, window.text).hidden for window in windows]
    if pooling == "mean":
        expected = np.concatenate(states, axis=1).mean(1)
    elif pooling == "max":
        expected = np.concatenate(states, axis=1).max(1)
    else:
        expected = np.average([one[:, 0] for one in states], axis=0, weights=[one.shape[1] for one in states])
    np.testing.assert_allclose(found.vectors[:, 1], expected, atol=2e-5)
    assert found.token_counts.tolist() == [len(encoder.tokens("it was")), sum(one.shape[1] for one in states)]


def test_words_of_a_long_text_keep_their_places_in_it(encoders):
    encoder = encoders["bert"]
    long = " ".join(f"the river bank {i % 7}" for i in range(60))
    found = it.embed(encoder, [long], level="words")
    assert [found.item(i) for i in range(len(found))] == long.split()
    banks = it.embed(encoder, [long], level="words", word="river  BANK")
    assert {banks.item(i) for i in range(len(banks))} == {"river bank"}
    assert len(banks) == 60


@pytest.mark.parametrize(
    ("text", "word", "count"), [("x " + "river bank " * 400, "river bank", 400), ("好" + "银行河水" * 400, "银行", 400)]
)
def test_no_occurrence_is_lost_between_windows(minilm, text, word, count):
    found = it.embed(minilm, [text, word], [-1], level="words", word=word)
    assert found.windows[0] > 1
    assert len(found) == count + 1
    assert {found.item(i) for i in range(len(found))} == {word}
    # In the middle of a window, not at its edge, where there is text on either side to be had.
    plan = corpus.plan_corpus(minilm, [text, word], [-1], level="words", word=word)
    middle = plan.span[count // 2]
    window = plan.unit_window[plan.item_unit[count // 2]]
    assert min(middle[0] - window.start, window.end - middle[1]) > 25


def test_a_word_is_found_where_it_stands_alone(minilm):
    texts = ["The Bank closed.", "banks and embankments", "a bank, a bank", "我去中国银行取钱", "C++ and C"]
    found = it.embed(minilm, texts, level="words", word="bank")
    assert [(int(found.text[i]), found.item(i)) for i in range(len(found))] == [(0, "Bank"), (2, "bank"), (2, "bank")]
    assert it.embed(minilm, texts, level="words", word="银行").span.tolist() == [[4, 6]]
    assert it.embed(minilm, texts, level="words", word="C++").span.tolist() == [[0, 3]]
    with pytest.raises(it.InputError, match="“river” occurs in none of the 5 texts"):
        it.embed(minilm, texts, level="words", word="river")


def test_what_cannot_be_read_is_said_in_one_sentence(minilm):
    with pytest.raises(it.InputError, match="There are no texts"):
        it.embed(minilm, [])
    with pytest.raises(it.InputError, match=r"Text 2 \(“ ”\) cannot be read: The text is empty"):
        it.embed(minilm, ["fine", " "])
    with pytest.raises(it.InputError, match="Text 3 .* cannot be read: A text contains nothing"):
        it.embed(minilm, ["fine", "also", "\u200b"])
    with pytest.raises(it.InputError, match="“sum” is not one of: mean, cls, max"):
        it.embed(minilm, ["fine"], pooling="sum")
    with pytest.raises(it.InputError, match="only for whole texts"):
        it.embed(minilm, ["fine"], pooling="cls", level="words")
    with pytest.raises(it.InputError, match="requires words as points"):
        it.embed(minilm, ["fine"], word="fine")


def test_progress_counts_every_token_and_stops_when_asked(minilm):
    texts = ["word " * (i % 50 + 1) for i in range(150)]
    seen = []
    it.embed(minilm, texts, layers=[-1], progress=lambda *now: seen.append(now))
    assert seen.pop(0) == (0, 150, "cut")
    total = sum(len(minilm.tokens(text)) for text in texts)
    assert seen[0] == (0, total, "read")
    assert seen[-1] == (total, total, "read")
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)

    def stop(done, _total, stage):
        if done and stage == "read":
            raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.embed(minilm, texts, progress=stop)


@pytest.mark.slow
@pytest.mark.usefixtures("prepared_python")
def test_two_processes_write_what_one_writes(minilm, tmp_path):
    texts = [f"{text} {i} " + "and more of it " * (i * 7 % 40) for i, text in enumerate(TEXTS * 6)]
    texts.append("a text too long for one window " * 120)
    file = tmp_path / "corpus.csv"
    file.write_text("id,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(texts)), "utf-8")

    def run(out, *more):
        # With `--cpu` accelerate starts a single process, whatever number it is given.
        command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
        command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        command += ["--main_process_port", "0"]
        command += ["-m", "interpret.embeddings", str(file), str(out), "--device", "cpu", "--layers", "0,3,-1", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)

    done = run(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    found = it.load_embeddings(tmp_path / "out", minilm.spec, texts)
    alone = it.embed(minilm, texts, layers=[0, 3, -1])
    np.testing.assert_allclose(found.vectors, alone.vectors, atol=1e-5)
    for name in ("text", "span", "token_counts", "windows"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))
    again = run(tmp_path / "out")
    assert again.returncode != 0
    assert "already exists. Give a new folder." in again.stderr


def test_shares_cover_every_text_once_and_are_alike(minilm):
    texts = ["word " * (1 + 13 * i % 40) for i in range(60)]
    plan = corpus.plan_corpus(minilm, texts, [-1])
    parts = []
    for rank in range(3):
        part = np.zeros(plan.shape, np.float32)
        corpus.fill(minilm, plan, part, share=(rank, 3))
        parts.append(part)
    mine = np.stack([part.any(axis=(0, 2)) for part in parts])
    assert (mine.sum(axis=0) == 1).all()
    assert mine.sum(axis=1).tolist() == [20, 20, 20]
    np.testing.assert_allclose(sum(parts), it.embed(minilm, texts, [-1]).vectors, atol=1e-5)
