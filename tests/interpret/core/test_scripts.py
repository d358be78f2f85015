"""Marks stay with their letters in the names of words, and words are found in whatever form they are written."""

import re
import unicodedata

import numpy as np
import pytest

import interpret as it
from interpret.core.scripts import fold, fold_with_offsets, is_joined, marks
from interpret.core.tokens import tokenize
from tests.tiny import FAMILIES, make_tokenizer

# Words with marks that are no letters of their own, at their ends and within; decomposed where a composed form exists.
WORDS = {
    "Hindi": ["मैं", "हिन्दी", "पढ़ता", "हूँ"],
    "Tamil": ["தமிழ்", "எழுத்து"],
    "Arabic": ["كتبَ", "الطالبُ", "الدرسَ"],
    "Hebrew": ["שָׁלוֹם", "עוֹלָם"],
    "Thai": ["น้ำ", "ที่"],
    "French": ["cafe\u0301", "noir", "e\u0301te\u0301"],
    "Vietnamese": ["vie\u0323\u0302t", "nam\u0300"],
    "Japanese": ["か\u3099", "は\u309a"],
    "Malayalam": ["ന്\u200d", "അവന്\u200d"],
    "Persian": ["می\u200cخواهم", "کتابِ"],
}


@pytest.mark.parametrize("kind", ["wordpiece", "bytes", "unigram"])
@pytest.mark.parametrize("script", WORDS)
def test_marks_stay_in_the_names_of_their_words(kind, script):
    words = WORDS[script]
    # SentencePiece takes a comma for a part of the word before it.
    for text in (" ".join(words), *([] if kind == "unigram" else [", ".join(words) + "."])):
        tokens = tokenize(make_tokenizer(kind), text)
        named = [name for name, group in zip(tokens.words, tokens.groups, strict=True) if not tokens.special[group[0]]]
        assert [name for name in named if name not in ",."] == words


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("accents", [False, True])
def test_words_hold_every_letter_and_every_mark(tiny_folders, family, accents):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    for words in WORDS.values():
        form = unicodedata.normalize("NFD" if accents else "NFC", " ".join(words))
        for text, pair in ((form, None), ("the " + form, form + "!")):
            tokens = tokenize(encoder.tokenizer, text, pair)
            for side, source in enumerate((text, pair or "")):
                covered = np.zeros(len(source), bool)
                for group in tokens.groups:
                    if not tokens.special[group[0]] and tokens.segment[group[0]] == side:
                        covered[tokens.span[group[0], 0] : tokens.span[group[-1], 1]] = True
                assert all(seen or one.isspace() for one, seen in zip(source, covered, strict=True))
            ends = [tokens.span[group[-1], 1] for group in tokens.groups if tokens.segment[group[0]] == 0]
            assert all(not is_joined(text[end]) for end in ends if 0 < end < len(text))


def test_a_mark_before_any_letter_stands_with_the_word_behind_it(minilm):
    assert minilm.tokens("\u0301abc river").words[1:3] == ("\u0301abc", "river")


def test_what_is_no_letter_begins_a_word_behind_a_mark(tiny_folders):
    tokens = it.load_encoder(str(tiny_folders["roberta"]), device="cpu").tokens("the cafe\u0301s5, e\u0301!")
    assert tokens.words[1:-1] == ("the", "cafe\u0301s", "5", ",", "e\u0301", "!")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
@pytest.mark.parametrize("word", ["café", "Việt", "मैं", "가나", "ÅNGSTRÖM"])
def test_words_are_found_in_every_form_and_case(minilm, form, typed, word):
    text = unicodedata.normalize(form, f"the {word.lower()}, {word} there")
    found = it.embed(minilm, [text], level="words", word=unicodedata.normalize(typed, word), layers=[-1])
    assert [fold(found.item(i)) for i in range(len(found))] == [fold(word)] * 2


@pytest.mark.parametrize("part, text", [("म", "मैं यहाँ"), ("cafe", "cafe\u0301 noir"), ("दी", "हिन्दी"), ("noi", "noir")])
def test_a_part_of_a_word_is_not_found(minilm, part, text):
    with pytest.raises(it.InputError, match="does not occur in the text"):
        it.embed(minilm, [text], level="words", word=part)


def test_words_with_marks_mark_groups():
    texts = [f"मैं {i} यहाँ" for i in range(24)] + [f"the river {i}" for i in range(24)]
    clusters = it.embeddings.Clusters(np.repeat([0, 1], 24).astype(np.int64), 2, 0.0, 0.0)
    first, second = it.embeddings.keywords(texts, clusters).words
    assert {word for word, _score in first} == {"मैं", "यहाँ"}
    assert {word for word, _score in second} == {"the", "river"}
    decomposed = [unicodedata.normalize("NFD", one) for one in texts]
    assert it.embeddings.keywords(decomposed, clusters).words == (first, second)


def test_places_of_folded_text_lead_back():
    text = "Straße CAFE\u0301, ﬁn 각 각 İ"
    folded, offsets = fold_with_offsets(text)
    assert folded == fold(text)
    assert len(offsets) == len(folded) + 1
    assert offsets[-1] == len(text)
    begin = folded.index("café")
    assert text[offsets[begin] : offsets[begin + 4]] == "CAFE\u0301"


def test_marks_are_all_that_unicode_has():
    everything = [chr(i) for i in range(0x110000)]
    found = set(re.findall(f"[{marks()}]", "".join(everything)))
    assert found == {"\u200c", "\u200d"} | {one for one in everything if unicodedata.category(one).startswith("M")}
