"""Tokens, words and characters."""

from dataclasses import replace

import numpy as np
import pytest
from transformers import AutoTokenizer

import interpret as it
from tests.tiny import FAMILIES

TEXTS = [
    "The bank said it was rich.",
    "中文 mixed with English 和 emoji 🙂🙂.",
    "مرحبا بالعالم, שלום",
    "a\0b\0c with NUL bytes",
    "line one\r\nline two\ttab\u3000ideographic space",
    "e\u0301 combining, ﬁ ligature, 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
]


@pytest.fixture(scope="module")
def encoders(tiny_folders):
    return {family: it.load_encoder(str(folder), device="cpu") for family, folder in tiny_folders.items()}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_transformers_own(encoders, tiny_folders, family, text):
    tokenizer = AutoTokenizer.from_pretrained(tiny_folders[family])
    for pair in (None, "and the river"):
        ids = tokenizer(text, pair)["input_ids"]
        if len(ids) <= encoders[family].max_tokens:
            assert encoders[family].tokens(text, pair).ids.tolist() == ids


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("text", TEXTS)
def test_every_character_but_space_is_in_the_span_of_a_token(encoders, family, text):
    tokens = encoders[family].tokens(text)
    covered = np.zeros(len(text), bool)
    for (start, end), special in zip(tokens.span, tokens.special, strict=True):
        assert 0 <= start <= end <= len(text)
        assert not special or start == end == 0
        covered[start:end] = True
    for character, seen in zip(text, covered, strict=True):
        assert seen or character.isspace() or not character.isprintable() or character == "\u0301"


def test_words_of_wordpiece(minilm):
    tokens = minilm.tokens("It was unbelievably 有趣!", "Really?")
    assert tokens.words == ("[CLS]", "It", "was", "unbelievably", "有", "趣", "!", "[SEP]", "Really", "?", "[SEP]")
    unbelievably = tokens.groups[3]
    assert [tokens.strings[i] for i in unbelievably] == ["un", "##bel", "##ie", "##va", "##bly"]
    assert tokens.segment.tolist() == [0] * (tokens.strings.index("[SEP]") + 1) + [1] * 3
    assert tokens.word[tokens.special].tolist() == [-1, -1, -1]


# Characters that the tiny vocabulary keeps apart: as bytes, and as tokens of their own.
@pytest.mark.parametrize("family, chinese", [("roberta", "水火土"), ("xlm-roberta", "注意力")])
def test_chinese_is_words_of_one_character_also_where_the_tokenizer_knows_no_words(encoders, family, chinese):
    tokens = encoders[family].tokens(f"the {chinese} bank")
    words = [word for word in tokens.words if word not in ("<s>", "</s>")]
    assert words == ["the", *chinese, "bank"]


def test_byte_level_tokens_are_shown_as_text(encoders):
    tokens = encoders["roberta"].tokens("the bank水")
    assert tokens.strings[1:3] == ("the", "Ġbank")
    assert tokens.labels[:3] == ("<s>", "the", "bank")
    # Three bytes of one character, each shown as that character.
    assert set(tokens.labels[3:-1]) == {"水"}
    assert len(tokens.labels[3:-1]) > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_word_that_is_one_token_is_found_however_the_vocabulary_writes_it(encoders, family):
    text = "the river bank said because it was tired"
    tokens = encoders[family].tokens(text)
    one = [name for name, group in zip(tokens.words, tokens.groups, strict=True) if len(group) == 1]
    for word in one:
        found = tokens.find(word)
        assert found is not None
        start, end = tokens.span[found]
        assert tokens.strings[found] == word or text[start:end] == word
        assert not tokens.special[found] or tokens.strings[found] == word
    assert tokens.find("rive") is None


def test_a_word_behind_a_mark_of_its_own_is_found(minilm):
    """As SentencePiece cuts “▁ 那”: the mark's text is the word's as well."""
    tokens = minilm.tokens("a bank")
    marked = replace(tokens, strings=("[CLS]", "▁", "▁bank", "[SEP]"), span=np.array([[0, 0], [0, 1], [2, 6], [0, 0]]))
    assert marked.find("bank") == 2
    assert marked.find("a") is None


def test_unknown_tokens_are_counted(minilm):
    assert minilm.tokens("the bank").unknown == 0
    assert minilm.tokens("垃圾 the bank").unknown == 2


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u3000"])
def test_nothing_to_read_is_said(minilm, text):
    with pytest.raises(it.InputError, match="empty"):
        minilm.tokens(text)
    with pytest.raises(it.InputError, match="empty"):
        minilm.tokens("something", text)


def test_text_of_control_characters_alone_is_said(minilm):
    with pytest.raises(it.InputError, match="control characters"):
        minilm.tokens("\0\0\x01")


def test_half_a_character_is_said(minilm):
    with pytest.raises(it.InputError, match="Character 3 .* surrogate"):
        minilm.tokens("ab\ud800")


def test_too_long_is_said_and_never_cut(minilm):
    with pytest.raises(it.InputError, match="602 tokens .* at most 512"):
        minilm.tokens("river " * 600)
    assert len(minilm.tokens("river " * 510)) == 512
