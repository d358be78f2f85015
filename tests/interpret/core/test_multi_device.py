"""One long work on several devices: the same numbers, told together, stopped together."""

import threading
from dataclasses import replace

import numpy as np
import pytest

import interpret as it
from interpret.core.devices import Device
from interpret.core.encoder import Encoder
from interpret.core.errors import Cancelled
from interpret.core.multi_device import load_beside, share_out

TEXTS = ["the bank said it was rich", "the river", "a bank", "", "the river bank was steep " * 12, "it was tired"] * 2


@pytest.fixture(scope="module")
def encoders(tiny_folders) -> list[Encoder]:
    """One on each of three devices, which are all the CPU under other names and locks."""
    one = it.load_encoder(str(tiny_folders["bert"]), "cpu")
    return [one, one.copy(), one.copy()]


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_several_devices_write_the_vectors_that_one_does(encoders, pooling):
    texts = [text or "the" for text in TEXTS]
    told = []
    alone = it.embed(encoders[0], texts, pooling=pooling)
    found = it.embed(encoders[0], texts, pooling=pooling, progress=lambda *news: told.append(news), beside=encoders[1:])
    np.testing.assert_allclose(found.vectors, alone.vectors, atol=1e-5)
    read = [news for news in told if news[2] == "read"]
    total = read[-1][1]
    # Together they have all tokens, and what is told never goes back.
    assert read[-1] == (total, total, "read")
    assert [done for done, *_ in read] == sorted(done for done, *_ in read)


def test_words_are_dealt_out_too_and_a_store_keeps_them(encoders, tmp_path):
    texts = [text or "the" for text in TEXTS]
    alone = it.embed(encoders[0], texts, level="words")
    store = it.embeddings.Store(tmp_path, 10**9)
    found = store.embed(encoders[0], texts, level="words", beside=encoders[1:])
    np.testing.assert_allclose(found.vectors, alone.vectors, atol=1e-5)


def test_rows_are_dealt_out_and_come_back_in_their_order(encoders):
    alone = it.attribution.attribute_rows(encoders[0], TEXTS, target="norm", method="saliency")
    told = []
    found = it.attribution.attribute_rows(
        encoders[0],
        TEXTS,
        target="norm",
        method="saliency",
        progress=lambda *news: told.append(news),
        beside=encoders[1:],
    )
    assert [row.index for row in found.rows] == [row.index for row in alone.rows]
    assert [place for place, _ in found.skipped] == [place for place, _ in alone.skipped] == [3, 9]
    for one, other in zip(found.rows, alone.rows, strict=True):
        np.testing.assert_allclose(one.attribution.scores, other.attribution.scores, atol=1e-5)
    assert told[-1] == (12, 12, "rows")


def test_an_encoder_that_would_say_something_else_is_refused(encoders, tiny_folders):
    other = it.load_encoder(str(tiny_folders["bert"]), "cpu", "bfloat16")
    with pytest.raises(it.InputError, match="cannot share the work"):
        it.embed(encoders[0], ["the bank"], beside=[other])


def test_who_stops_it_stops_all_of_it_in_the_thread_that_asked(encoders):
    begun, asked = threading.Barrier(2), []

    def work(by, share, tell):
        begun.wait(20)
        for done in range(10**9):
            tell(done, 10**9, "read")

    def progress(*_):
        asked.append(threading.get_ident())
        raise Cancelled

    with pytest.raises(Cancelled):
        share_out(encoders[:2], 10, work, progress)
    assert asked == [threading.get_ident()]


def test_what_goes_wrong_in_one_share_is_said_and_ends_the_others(encoders):
    def work(by, share, tell):
        if share[0] == 1:
            raise it.InputError("A row is damaged.")
        for done in range(10**9):
            tell(done, 10**9, "read")

    with pytest.raises(it.InputError, match="damaged"):
        share_out(encoders, 10, work)


def test_a_share_that_finds_no_room_is_done_by_the_first(encoders):
    """Another program may have taken a card's memory."""
    full, told, others = encoders[1], [], threading.Barrier(3)

    def work(by, share, tell):
        for done in range(10):
            if by is full and done == 5:
                others.wait(20)
                raise it.CapacityError("cuda:1 ran out of memory.")
            tell(done + 1, 10, "read")
        if share[0] != 1:
            others.wait(20)
        return share, encoders.index(by)

    found = share_out(encoders, 30, work, lambda *news: told.append(news))
    assert found == [((0, 3), 0), ((1, 3), 0), ((2, 3), 2)]
    # What is told never goes back.
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert told[-1] == (30, 30, "read")


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_vectors_are_the_same_where_a_device_runs_out_on_the_way(encoders, pooling, monkeypatch):
    """In the midst of texts of many windows, whose vectors are added up window by window."""
    monkeypatch.setattr("interpret.embeddings.corpus.tokens_per_batch", lambda *_: 1)
    texts = ["the river bank was steep " * (20 + 3 * place) for place in range(6)]
    alone = it.embed(encoders[0], texts, pooling=pooling)
    assert alone.windows.min() > 1
    calls = []

    class Full(Encoder):
        def forward(self, *given, **named):
            calls.append(1)
            if len(calls) == 6:
                raise it.CapacityError("cuda:1 ran out of memory.")
            return super().forward(*given, **named)

    full = encoders[1].copy()
    full.__class__ = Full
    found = it.embed(encoders[0], texts, pooling=pooling, beside=[full])
    assert len(calls) == 6
    np.testing.assert_allclose(found.vectors, alone.vectors, atol=1e-5)


def test_where_the_first_has_no_room_either_it_is_said(encoders):
    def work(by, share, tell):
        raise it.CapacityError("It ran out of memory.")

    with pytest.raises(it.CapacityError):
        share_out(encoders, 30, work)


def test_fewer_rows_than_devices_are_told_of_all_the_same(encoders):
    told = []
    found = it.attribution.attribute_rows(
        encoders[0],
        TEXTS[:2],
        target="norm",
        method="saliency",
        progress=lambda *n: told.append(n),
        beside=encoders[1:],
    )
    assert [row.index for row in found.rows] == [0, 1]
    assert told[-1] == (2, 2, "rows")


@pytest.mark.parametrize("level", ["texts", "word"])
def test_each_device_has_a_share_of_what_is_read(encoders, level):
    """A word that is in every third text: its texts are dealt out among them, not the texts among all."""
    texts = ["the river" if place % 3 else "the bank" for place in range(9)]
    asked = []

    class Counting(Encoder):
        def forward(self, tokens, *more, **named):
            asked.append((self, len(tokens)))
            return super().forward(tokens, *more, **named)

    some = [one.copy() for one in encoders]
    for one in some:
        one.__class__ = Counting
    word = {"level": "words", "word": "bank"} if level == "word" else {}
    found = it.embed(some[0], texts, beside=some[1:], **word)
    read = [sum(count for by, count in asked if by is one) for one in some]
    assert read == ([1, 1, 1] if level == "word" else [3, 3, 3])
    np.testing.assert_allclose(found.vectors, it.embed(encoders[0], texts, **word).vectors, atol=1e-5)


def test_the_other_cards_that_have_room_and_precision_are_taken(encoders, monkeypatch):
    cards = [Device(f"cuda:{i}", "", 1, 1, ("float32", "bfloat16") if i != 2 else ("float32",)) for i in range(4)]
    monkeypatch.setattr(
        "interpret.core.multi_device.available_devices", lambda: (*cards, Device("cpu", "", 1, 1, ("float32",)))
    )

    def load(spec):
        if spec.device == "cuda:3":
            raise it.CapacityError("full")
        loaded = encoders[0].copy()
        loaded.spec = spec
        return loaded

    monkeypatch.setattr("interpret.core.multi_device.load_spec", load)
    on_card = encoders[0].copy()
    on_card.spec = replace(on_card.spec, device="cuda:1", precision="bfloat16")
    assert [(one.spec.device, one.spec.precision) for one in load_beside(on_card)] == [("cuda:0", "bfloat16")]
    # Beside the CPU there is nothing.
    assert load_beside(encoders[0]) == ()
