"""The smallest built-in model, against ONNX Runtime on the very file that it is read from."""

import numpy as np
import onnxruntime
import pytest
from sentence_transformers import SentenceTransformer

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.minilm_l3 import DATA, read_onnx

TEXTS = ("The bank of the river was steep.", "it lent money", "Half of 3.5 % is not much, said the animals! " * 6)


@pytest.fixture(scope="module")
def encoder():
    return it.load_encoder("minilm-l3", device="cpu")


@pytest.fixture(scope="module")
def peer():
    return onnxruntime.InferenceSession(DATA.read())


@pytest.mark.parametrize("text", TEXTS)
def test_states_and_vectors_are_those_of_the_file(encoder, peer, text):
    trace = it.trace(encoder, text)
    ids = trace.tokens.ids[None]
    *_, states, vectors = peer.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    # Between the two lies the order in which 32-bit numbers are added up.
    np.testing.assert_allclose(trace.hidden[-1], states[0], atol=5e-6)
    np.testing.assert_allclose(it.embed(encoder, [text]).vectors[-1], vectors, atol=5e-6)


def test_it_is_half_of_the_built_in_model_with_the_same_vocabulary(encoder, minilm):
    assert (encoder.layers, encoder.heads, encoder.width) == (3, 12, 384)
    assert encoder.tokenizer.get_vocab() == minilm.tokenizer.get_vocab()
    assert encoder.tokens(TEXTS[2]).strings == minilm.tokens(TEXTS[2]).strings
    # sentence-transformers' own folder says: mean pooling, at most 128 tokens, not normalised.
    assert (encoder.sentence.pooling, encoder.sentence.max_length, encoder.sentence.steps) == (("mean",), 128, ())


def test_its_folder_is_one_of_sentence_transformers(encoder):
    folder = checkpoint_folder(encoder.spec.checkpoint)
    theirs = SentenceTransformer(str(folder), device="cpu").encode(list(TEXTS))
    np.testing.assert_allclose(it.embed(encoder, TEXTS).vectors[-1], theirs, atol=1e-5)


def field(number, kind, value):
    """A field of protocol buffers with a number below 16."""
    head = bytes([number << 3 | kind])
    return head + (bytes([value]) if kind == 0 else varint(len(value)) + value)


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def small(kind=1):
    """A file with a bias, which keeps its name, a matrix with the name of its product, and one of something else."""
    bias, matrix = np.arange(3, dtype=np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
    product = b"/model/model.0/auto_model/encoder/layer.0/output/dense/MatMul"
    other = field(4, 2, b"Relu") + field(1, 2, b"elsewhere")
    graph = field(1, 2, other)
    graph += field(
        1, 2, field(1, 2, b"state") + field(1, 2, b"onnx::1") + field(3, 2, product) + field(4, 2, b"MatMul")
    )
    for name, one in {b"model.0.auto_model.a.bias": bias, b"onnx::1": matrix, b"elsewhere": bias}.items():
        sizes = b"".join(field(1, 0, size) for size in one.shape)
        graph += field(5, 2, sizes + field(2, 0, kind) + field(8, 2, name) + field(9, 2, one.tobytes()))
    return field(1, 0, 8) + field(7, 2, graph), {"a.bias": bias, "encoder.layer.0.output.dense.weight": matrix.T}


def test_a_matrix_has_the_name_of_the_product_that_takes_it():
    data, wanted = small()
    found = read_onnx(data)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("data", [b"", b"\x08", b"not one", small()[0][:50], small()[0][:-3], field(7, 0, 1)])
def test_a_file_that_is_cut_off_or_another_is_refused(data):
    with pytest.raises(ValueError, match="not an ONNX file"):
        read_onnx(data)


def test_numbers_of_another_kind_are_refused():
    with pytest.raises(ValueError, match=r"“model\.0\.auto_model\.a\.bias” is not of 32-bit numbers"):
        read_onnx(small(kind=10)[0])
