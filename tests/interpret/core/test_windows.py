"""Windows: nothing lost, nothing too long, no word cut that need not be."""

import itertools

import numpy as np
import pytest

import interpret as it
from interpret.core.table_limits import MOST_CHARACTERS

WORDS = [
    "the",
    "river",
    "bank",
    "was",
    "steep",
    "and",
    "unbelievably",
    "rich",
    "animals",
    "said",
    "it",
    "was",
    "because",
    "of",
    "money",
]


def story(count, seed=0):
    return " ".join(np.random.default_rng(seed).choice(WORDS, count))


@pytest.fixture(scope="module")
def encoders(tiny_folders):
    names = ("bert", "roberta", "xlm-roberta")
    return {family: it.load_encoder(str(tiny_folders[family]), device="cpu") for family in names}


def test_a_short_text_is_one_window_and_unchanged(minilm):
    cut = it.windows(minilm, "  short text ")
    assert [window.text for window in cut.first] == ["  short text "]
    assert cut.second == ()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("text", [story(300), "注意力机制" * 80, "x" * 900, story(40) + "🙂" * 300 + story(40)])
def test_windows_cover_the_text_in_order_and_each_fits(encoders, family, text):
    encoder = encoders[family]
    windows = it.windows(encoder, text, overlap=8).first
    # WordPiece and Unigram make a single unknown token of it.
    assert len(windows) > 1 or (family != "roberta" and set(text) == {"x"})
    end = 0
    for window in windows:
        assert window.text == text[window.start : window.end]
        assert text[end : window.start].strip() == ""  # starts inside or right behind the last
        assert window.end > end
        end = window.end
        assert len(encoder.tokens(window.text)) <= encoder.max_tokens
    assert end == len(text)


def test_neighbours_overlap_and_borders_are_words(minilm):
    text = story(1500)
    windows = it.windows(minilm, text, overlap=50).first
    for one, following in itertools.pairwise(windows):
        shared = text[following.start : one.end]
        tokens = int((~minilm.tokens(shared).special).sum())
        assert 40 <= tokens <= 50
    for window in windows:
        assert window.text.split()[0] in WORDS
        assert window.text.split()[-1] in WORDS


def test_every_word_is_seen_with_its_neighbours_in_some_window(minilm):
    text = story(1200)
    windows = it.windows(minilm, text, overlap=64).first
    words = text.split()
    starts = np.cumsum([0] + [len(word) + 1 for word in words])
    for first in range(0, len(words) - 5, 7):
        begin, end = starts[first], starts[first + 5] - 1
        assert any(window.start <= begin and end <= window.end for window in windows)


def test_a_pair_shares_the_room_and_any_two_windows_fit(minilm):
    cut = it.windows(minilm, story(1000), story(40, 1))
    assert len(cut.first) > 1
    assert len(cut.second) == 1
    both = it.windows(minilm, story(1000), story(900, 1))
    assert len(both.second) > 1
    for first in both.first:
        for second in both.second:
            assert len(minilm.tokens(first.text, second.text)) <= 512


def test_a_smaller_window_can_be_asked_for_and_a_tiny_one_is_refused(minilm):
    assert all(len(minilm.tokens(one.text)) <= 32 for one in it.windows(minilm, story(200), size=32).first)
    with pytest.raises(it.InputError, match="no room for words"):
        it.windows(minilm, "words", size=3)


def test_a_megabyte_is_cut(minilm):
    text = story(178_000)
    assert 0.99 * MOST_CHARACTERS < len(text) <= MOST_CHARACTERS
    cut = it.windows(minilm, text)
    assert cut.first[-1].end == len(text)


@pytest.mark.parametrize("size", [8, 11, 16, 33])
@pytest.mark.parametrize("overlap", [0, 5, 64])
def test_small_windows_with_large_overlaps_come_to_an_end(encoders, size, overlap):
    for encoder in encoders.values():
        for text in (story(60), "注意力机制 bank " * 9, "🙂 steep🙂" * 8):
            try:
                found = it.windows(encoder, text, size=size, overlap=overlap).first
            except it.InputError:
                continue
            assert all(len(encoder.tokens(window.text)) <= size for window in found)
            assert found[-1].end == len(text)


@pytest.mark.parametrize("seed", range(8))
def test_windows_of_random_text_lose_nothing_and_fit(encoders, seed):
    rng = np.random.default_rng(seed)
    scraps = ["bank", "river", "🙂", "注意", "unbelievably", "\n", "  ", "e\u0301", "水火", "x" * 60, "مرحبا"]
    for encoder in encoders.values():
        text = "bank " + "".join(rng.choice(scraps) + " " * int(rng.random() < 0.6) for _ in range(100))
        size, overlap = int(rng.integers(12, 66)), int(rng.integers(0, 70))
        end = 0
        for window in it.windows(encoder, text, size=size, overlap=overlap).first:
            assert window.text == text[window.start : window.end]
            assert text[end : window.start].strip() == ""
            assert len(encoder.tokens(window.text)) <= size
            end = window.end
        assert end == len(text)
