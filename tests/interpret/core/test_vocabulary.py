"""What the tokens of a vocabulary are called, what its special ones are, and which it never finds."""

import json
import unicodedata

import pytest
import torch
import transformers as tf
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers
from transformers.convert_slow_tokenizer import bytes_to_unicode

import interpret as it
from interpret.core.vocabulary import TokenNames, special_tokens, unknown_id, unreachable_note
from tests.tiny import make_checkpoint, make_tokenizer


def with_twins(kind: str) -> Tokenizer:
    """A tokenizer whose vocabulary holds tokens that read alike: by spaces, forms, bytes, and what was added to it."""
    vocabulary = json.loads(make_tokenizer(kind).to_str())
    words = [
        "é",
        "e\u0301",
        "\u212b",
        "Å",
        "A\u030a",
        "\u0301",
        " ",
        "␣",
        "⟨",
        "⟨C3⟩",
        "◌\u0301",
        "a\u200db",
        "ab",
        "\ufe0f",
    ]
    words += ["\n", "\u00a0", "\u3000", "a b", "▁", "Ġ", "#7", "<0xC3>", "मैं", "水"]
    model = vocabulary["model"]
    if kind == "unigram":
        known = {word for word, _score in model["vocab"]}
        model["vocab"] += [
            [one, -9.0] for one in dict.fromkeys(words + ["▁" + one for one in words]) if one not in known
        ]
    else:
        letters = {byte: letter for letter, byte in byte_letters().items()}
        written = ["".join(letters[byte] for byte in one.encode()) for one in words] if kind == "bytes" else words
        more = [f"Ġ{one}" for one in written] if kind == "bytes" else [f"##{one}" for one in written]
        for one in [*written, *more, *(letters.values() if kind == "bytes" else ())]:
            model["vocab"].setdefault(one, len(model["vocab"]))
    tokenizer = Tokenizer.from_str(json.dumps(vocabulary))
    tokenizer.add_tokens([AddedToken(one, normalized=False) for one in ("  ", "é", " é", "Ã©", "<extra>", "水 ")])
    return tokenizer


def byte_letters() -> dict[str, int]:
    """Which byte each letter stands for, by the table that transformers has of GPT-2's own code."""
    return {letter: byte for byte, letter in bytes_to_unicode().items()}


@pytest.mark.parametrize("kind", ["wordpiece", "bytes", "unigram"])
@pytest.mark.parametrize("make", [make_tokenizer, with_twins])
def test_no_two_tokens_are_called_alike(kind, make):
    tokenizer = make(kind)
    names = TokenNames(tokenizer)
    # Some models have more rows than their vocabulary has tokens.
    found = [names(place) for place in range(tokenizer.get_vocab_size() + 20)]
    assert len(set(found)) == len(found)
    # Nor do they look alike.
    assert len({unicodedata.normalize("NFC", one) for one in found}) == len(found)
    assert all(one and one.isprintable() and one == one.strip() for one in found)
    assert [names.find(one) for one in found[:-20]] == list(range(tokenizer.get_vocab_size()))


def test_no_two_tokens_of_minilm_are_called_alike(minilm):
    found = [minilm.names(place) for place in range(minilm.tokenizer.get_vocab_size())]
    assert len(set(found)) == len(found) == 30522
    assert minilm.names(minilm.tokenizer.token_to_id("##ing")) == "##ing"
    assert minilm.names(minilm.tokenizer.token_to_id("river")) == "river"


def test_a_space_is_written_alike_whatever_the_vocabulary_writes():
    for kind, written in (("bytes", "Ġbank"), ("unigram", "▁an")):
        tokenizer = make_tokenizer(kind)
        names = TokenNames(tokenizer)
        assert names(tokenizer.token_to_id(written)) == "␣" + written[1:]
        assert names.find(written) == names.find("␣" + written[1:]) == tokenizer.token_to_id(written)


def test_parts_of_a_character_are_their_bytes():
    tokenizer = make_tokenizer("bytes")
    names = TokenNames(tokenizer)
    letters = {byte: letter for letter, byte in byte_letters().items()}
    for byte in range(256):
        name = names(tokenizer.token_to_id(letters[byte]))
        if byte >= 0x80:
            assert name == f"⟨{byte:02X}⟩"
        elif byte > 0x20 and byte != 0x7F:
            assert name == chr(byte)
        else:
            assert name == ("␣" if byte == 0x20 else f"⟨U+{byte:04X}⟩")
    # The last two bytes of 型 before a whole character, as byte-pair encoding merges them.
    merged = "".join(letters[byte] for byte in "型意".encode()[1:])
    assert TokenNames(of_bytes(merged))(0) == "⟨9E 8B⟩意"


def of_bytes(token: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE({token: 0}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def test_guesses_with_and_without_the_space_are_told_apart(tmp_path):
    folder = make_checkpoint("roberta", tmp_path, loader=tf.AutoModelForMaskedLM)
    model = tf.AutoModelForMaskedLM.from_pretrained(folder)
    vocabulary = make_tokenizer("bytes").get_vocab()
    pair = [vocabulary["was"], vocabulary["Ġwas"]]
    with torch.no_grad():
        model.lm_head.bias[pair] += 50
    model.save_pretrained(folder)
    encoder = it.load_encoder(str(folder), device="cpu")
    text = "the river <mask> steep"
    found = it.fill_mask(encoder, text, top=2).guesses[0]
    assert dict(zip(found.ids.tolist(), found.candidates, strict=True)) == dict(zip(pair, ("was", "␣was"), strict=True))
    lens = it.pretraining.logit_lens(encoder, text, None, (), found.position, watched=pair, top=380)
    assert lens.names == ("was", "␣was")
    assert all(len(set(row)) == len(row) for row in lens.candidates)
    for name, place in zip(lens.names, pair, strict=True):
        target = it.attribution.target_function(encoder, text, target=name).target
        assert (target.name, target.index) == (name, place)


def named(tokenizer: Tokenizer, **names: str) -> Tokenizer:
    written = tokenizer.to_str()
    for old, new in names.items():
        written = written.replace({"mask": "[MASK]", "unknown": "[UNK]", "pad": "[PAD]"}[old], new)
    return Tokenizer.from_str(written)


@pytest.mark.parametrize("declared", [True, False])
def test_special_tokens_are_those_that_the_files_declare(tmp_path, declared):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForMaskedLM)
    names = {"mask": "<MASK>" if not declared else "<hole>", "unknown": "<UNKNOWN>", "pad": "<nothing>"}
    for file in [*folder.glob("token*"), *folder.glob("special*")]:
        file.unlink()
    roles = {"mask_token": names["mask"]} if declared else {}
    tf.PreTrainedTokenizerFast(
        tokenizer_object=named(make_tokenizer("wordpiece"), **names),
        pad_token="<nothing>",
        unk_token="<UNKNOWN>",
        **roles,
    ).save_pretrained(folder)
    encoder = it.load_encoder(str(folder), device="cpu")
    special = encoder.special
    assert (special.mask, special.unknown, special.padding) == tuple(names.values())
    assert (special.first, special.separator) == ("[CLS]", "[SEP]")
    tokens = encoder.tokens("the 龘 river Ω")
    assert tokens.unknown == 2
    assert [tokens.unknown_at(i) for i in range(len(tokens))] == [0, 0, 1, 0, 1, 0]
    assert len(it.fill_mask(encoder, f"the river {names['mask']} was steep").guesses) == 1
    assert it.pretraining.pseudo_log_likelihood(encoder, "the river was steep").perplexity > 1
    for kind, name in (("pad", names["pad"]), ("mask", names["mask"])):
        row = encoder.embed_tokens(torch.tensor(encoder.tokenizer.token_to_id(name)))
        question = it.attribution.target_function(encoder, "the river was steep", target="norm")
        torch.testing.assert_close(question.baseline(kind)[1], row)


@pytest.mark.parametrize("kind, unknown", [("wordpiece", "[UNK]"), ("bytes", None), ("unigram", "<unk>")])
def test_the_unknown_token_is_what_the_tokenizer_itself_puts(kind, unknown):
    tokenizer = make_tokenizer(kind)
    found = unknown_id(tokenizer)
    assert (None if found is None else tokenizer.id_to_token(found)) == unknown
    assert special_tokens({}, tokenizer).unknown == unknown


# A vocabulary of text as it is: two entries of a thousand in upper case are no more than an accident, 60 are not.
@pytest.mark.parametrize(
    "upper, accents, lower, strip, word",
    [
        (60, 0, True, None, "6% of the words have upper-case letters"),
        (2, 0, True, None, None),
        (60, 0, False, None, None),
        (0, 30, True, None, "3% of the words have accents"),
        (0, 30, True, False, None),
        (0, 30, False, True, "3% of the words have accents"),
        (0, 2, True, None, None),
        (60, 30, True, None, "6% of the words have upper-case letters"),
    ],
)
def test_a_vocabulary_that_its_tokenizer_never_finds_is_said(upper, accents, lower, strip, word):
    entries = [f"A{i}x" for i in range(upper)] + [f"é{i}x" for i in range(accents)]
    entries += [f"w{i}x" for i in range(1000 - len(entries))] + ["123", "中"]
    vocabulary = {one: place for place, one in enumerate(["[UNK]", *entries])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=strip)
    # An added token is found whatever the normaliser does.
    tokenizer.add_special_tokens(["[UNK]", *(f"[A{i}]" for i in range(200))])
    note = unreachable_note(tokenizer, "x")
    assert (note is None) if word is None else word in str(note)


def test_minilm_is_read_as_it_was_made(minilm):
    assert minilm.notes == ()


VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Paris", "is", "Nice", "nice", "##s", "The", "the", "."]


def test_a_cased_vocabulary_alone_is_said_with_a_cure_that_cures(tmp_path):
    make_checkpoint("bert", tmp_path)
    for file in [*tmp_path.glob("token*"), *tmp_path.glob("special*")]:
        file.unlink()
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    encoder = it.load_encoder(str(tmp_path), device="cpu")
    assert encoder.tokens("The Paris").strings[1:-1] == ("the", "[UNK]")
    (note,) = encoder.notes
    assert "lower-cases every text" in str(note)
    assert note.values["cure"] == '{"do_lower_case": false}'
    assert it.model_card(encoder).notes == encoder.notes
    (tmp_path / "tokenizer_config.json").write_text(note.values["cure"])
    cured = it.load_encoder(str(tmp_path), device="cpu")
    assert cured.tokens("The Paris").strings[1:-1] == ("The", "Paris")
    assert cured.notes == ()


@pytest.mark.parametrize(
    "files, sentence",
    [
        (
            {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "basic"},
            "BertJapaneseTokenizer, which has no fast",
        ),
        (
            {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"},
            "BertJapaneseTokenizer, which has no fast",
        ),
        ({"tokenizer_class": "BertweetTokenizer"}, "BertweetTokenizer, which has no fast version"),
        (
            {
                "tokenizer_class": "KoBertTokenizer",
                "auto_map": {"AutoTokenizer": ["tokenization_kobert.KoBertTokenizer", None]},
            },
            "code that comes with the model .KoBertTokenizer",
        ),
        ({"auto_map": {"AutoTokenizer": ["my_code.Mine", None]}}, "code that comes with the model .my_code.Mine"),
    ],
)
def test_a_tokenizer_without_places_gives_its_true_cause(tmp_path, files, sentence):
    make_checkpoint("bert", tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(files))
    with pytest.raises(it.CheckpointError, match=sentence):
        it.load_encoder(str(tmp_path), device="cpu")


def test_a_vocabulary_of_four_letters_is_read(tmp_path):
    make_checkpoint("bert", tmp_path)
    for file in [*tmp_path.glob("token*"), *tmp_path.glob("special*")]:
        file.unlink()
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nA\nC\nG\nT\n")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    encoder = it.load_encoder(str(tmp_path), device="cpu")
    assert encoder.tokens("A C G T").strings == ("[CLS]", "A", "C", "G", "T", "[SEP]")
    # Made up of nothing but the special tokens, as transformers does where there are no files.
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    with pytest.raises(it.CheckpointError, match="no tokenizer that reports"):
        it.load_encoder(str(tmp_path), device="cpu")
