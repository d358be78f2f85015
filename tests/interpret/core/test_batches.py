"""Many texts: like lengths together, long ones in windows, an unreadable one named."""

import pytest

import interpret as it
from interpret.core.batches import batches, windows_of


def test_batches_hold_every_text_once_and_little_padding(minilm):
    texts = [("word " * (1 + 37 * i % 50), None) for i in range(60)] + [("word " * 480, None)]
    seen = list(batches(minilm, texts, tokens=400))
    assert sorted(place for batch in seen for place in batch) == list(range(61))
    lengths = [[len(minilm.tokens(*texts[place])) for place in batch] for batch in seen]
    for batch in lengths[:-1]:
        assert max(batch) * len(batch) <= 400
    assert seen[-1] == [60]
    flat = [length for batch in lengths for length in batch]
    assert flat == sorted(flat)


def test_a_text_that_cannot_be_read_is_named(minilm):
    with pytest.raises(it.InputError, match=r"Text 2 \(“\u200b”\) cannot be read: A text contains nothing"):
        list(batches(minilm, [("fine", None), ("\u200b", None)]))


def test_long_texts_and_pairs_come_in_windows_that_fit(minilm):
    long = "river bank " * 700
    short, windows, pair = windows_of(minilm, [("short", None), (long, None), (long, "a second " * 600)])
    assert short == (("short", None),)
    assert len(windows) > 2
    for text, second in (*windows, *pair):
        assert len(minilm.tokens(text, second)) <= 512
    assert all(second for _, second in pair)
    with pytest.raises(it.InputError, match="Text 2 .*half of a surrogate pair"):
        windows_of(minilm, [("fine", None), ("\ud800", None)])
