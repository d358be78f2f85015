"""Vectors on disk: found again, told apart, made room for, and never half there."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import interpret as it
from interpret.embeddings import corpus
from interpret.embeddings.store import key_of

TEXTS = ["the river bank", "the bank lent money", "it was tired"]


@pytest.fixture
def store(tmp_path):
    return it.embeddings.Store(tmp_path / "kept", 10**8)


def refuse(*_args, **_more):
    raise AssertionError("a second pass was made")


def test_a_second_look_makes_no_pass_and_is_the_same(minilm, store, monkeypatch):
    first = store.embed(minilm, TEXTS)
    monkeypatch.setattr(corpus, "_hidden", refuse)
    second = store.embed(minilm, TEXTS)
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert second.texts == tuple(TEXTS)
    assert (second.level, second.layers, second.pooling) == ("texts", tuple(range(7)), "mean")
    assert not second.vectors.flags.writeable
    monkeypatch.undo()
    np.testing.assert_allclose(second.vectors, it.embed(minilm, TEXTS).vectors, atol=1e-6)


def test_anything_that_changes_the_vectors_changes_the_key(minilm, tiny_folders):
    keys = {
        key_of(minilm, TEXTS),
        key_of(minilm, TEXTS[::-1]),
        key_of(minilm, ["the river bankthe bank lent money", "", "it was tired"]),
        key_of(minilm, TEXTS, [0, 1]),
        key_of(minilm, TEXTS, pooling="max"),
        key_of(minilm, TEXTS, level="words"),
        key_of(minilm, TEXTS, level="words", word="straße"),
        key_of(minilm, TEXTS, level="words", word="strasse"),
        key_of(it.load_encoder(precision="bfloat16", device="cpu"), TEXTS),
        key_of(it.load_encoder(str(tiny_folders["bert"]), device="cpu"), TEXTS),
    }
    assert len(keys) == 10
    assert key_of(minilm, TEXTS, [-1, 6]) == key_of(minilm, TEXTS, [6])


def test_what_was_used_longest_ago_makes_room(minilm, tmp_path):
    one = it.embeddings.Store(tmp_path / "size", 10**9)
    one.embed(minilm, TEXTS)
    size = one.used()
    store = it.embeddings.Store(tmp_path / "kept", int(size * 2.5))
    corpora = [[f"{text} {i}" for text in TEXTS] for i in range(3)]
    for age, texts in ((3, corpora[0]), (2, corpora[1])):
        store.embed(minilm, texts)
        place = store.folder / key_of(minilm, texts)
        os.utime(place, (1e9 - age, 1e9 - age))
    # A look makes the older one the one used last.
    store.embed(minilm, corpora[0])
    store.embed(minilm, corpora[2])
    assert {path.name for path in store.folder.iterdir()} == {key_of(minilm, corpora[i]) for i in (0, 2)}
    assert store.used() <= store.limit
    store.clear()
    assert store.used() == 0
    assert not list(store.folder.iterdir())


def test_more_than_the_limit_is_refused_before_any_pass(minilm, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "_hidden", refuse)
    store = it.embeddings.Store(tmp_path / "kept", 1000)
    with pytest.raises(it.CapacityError, match=r"need 0.00 GB on disk, but only 0.00 GB are free"):
        store.embed(minilm, TEXTS)
    assert not store.folder.exists()


def test_work_that_is_stopped_leaves_nothing(minilm, store):
    def stop(_done, _total, stage):
        if stage == "read":
            raise it.Cancelled

    with pytest.raises(it.Cancelled):
        store.embed(minilm, TEXTS, progress=stop)
    assert not list(store.folder.iterdir())
    assert len(store.embed(minilm, TEXTS)) == 3


def test_what_a_reader_has_open_outlives_a_clearing(minilm, store):
    found = store.embed(minilm, TEXTS)
    before = found.vectors.copy()
    store.clear()
    np.testing.assert_array_equal(found.vectors, before)


def test_a_damaged_folder_is_read_anew_and_a_wrong_one_named(minilm, store):
    store.embed(minilm, TEXTS)
    place = store.folder / key_of(minilm, TEXTS)
    with pytest.raises(it.InputError, match="contains the vectors of 3 other texts"):
        it.load_embeddings(place, minilm.spec, ["another"])
    with pytest.raises(it.InputError, match="contains no complete embeddings"):
        it.load_embeddings(store.folder, minilm.spec, TEXTS)
    (place / "about.json").write_text("{", "utf-8")
    assert len(store.embed(minilm, TEXTS)) == 3
    assert len(it.load_embeddings(place, minilm.spec, TEXTS)) == 3


@pytest.mark.parametrize("damage", ["{}", "null", "[]", ""])
def test_whatever_is_damaged_is_made_anew(minilm, store, damage):
    store.embed(minilm, TEXTS)
    place = store.folder / key_of(minilm, TEXTS)
    (place / "about.json").write_text(damage, "utf-8")
    assert len(store.embed(minilm, TEXTS)) == 3
    (place / "vectors.npy").write_bytes(b"")
    assert len(store.embed(minilm, TEXTS)) == 3
    np.save(place / "text.npy", np.arange(7))
    assert len(store.embed(minilm, TEXTS)) == 3
    assert it.load_embeddings(place, minilm.spec, TEXTS).vectors.shape == (7, 3, 384)


def test_a_changed_folder_is_another_model(tiny_folders, tmp_path):
    folder = shutil.copytree(tiny_folders["bert"], tmp_path / "model")
    before = key_of(it.load_encoder(str(folder), device="cpu"), TEXTS)
    os.utime(folder / "model.safetensors", (1e9, 1e9))
    assert key_of(it.load_encoder(str(folder), device="cpu"), TEXTS) != before


def test_two_that_read_the_same_at_once_both_have_it(minilm, tmp_path):
    for turn in range(12):
        store = it.embeddings.Store(tmp_path / str(turn), 10**8)
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda one: one.embed(minilm, TEXTS, [-1]), [store, store]))
        np.testing.assert_array_equal(found[0].vectors, found[1].vectors)
        assert [path.name for path in store.folder.iterdir()] == [key_of(minilm, TEXTS, [-1])]


def test_no_text_is_written(minilm, store):
    store.embed(minilm, ["a very secret diagnosis"])
    for file in store.folder.rglob("*"):
        assert file.is_dir() or b"secret" not in file.read_bytes()


def test_a_folder_of_before_counts_had_their_name_is_read(minilm, store, monkeypatch):
    first = store.embed(minilm, TEXTS)
    (folder,) = store.folder.iterdir()
    (folder / "token_counts.npy").rename(folder / "pieces.npy")
    monkeypatch.setattr(corpus, "_hidden", refuse)
    found = store.embed(minilm, TEXTS)
    np.testing.assert_array_equal(found.token_counts, first.token_counts)
    np.testing.assert_array_equal(found.vectors, first.vectors)
