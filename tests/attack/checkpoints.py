"""Hostile checkpoints: absurd fields in their files, weights that do not fit, and what is no file in place of one."""

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import torch
import transformers as tf
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Pooling, Transformer

import interpret as it
from interpret.core.task_heads import make_head, save_head
from tests.attack.damage import VALUES, damage_file, damaged_json, dumped
from tests.tiny import FAMILIES, MORE_FAMILIES, make_checkpoint

TEXT = "the river bank was steep and tired"
_JSON = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "head.json",
    "adapter_config.json",
    "model.safetensors.index.json",
)
# Sizes whose product no machine holds, and those that no model has.
_SIZES = (-1, 0, 1, 3, 7, 2**20, 2**31, 10**9, 10**18, 1e9, "64", None, True, [64], float("nan"))


@contextmanager
def whole_folders() -> Iterator[Path]:
    """Make one folder of each kind, which attacks copy and spoil."""
    with TemporaryDirectory() as temporary:
        root = Path(temporary)
        for family in (*FAMILIES, *MORE_FAMILIES):
            make_checkpoint(family, root / family)
        for kind in ("SequenceClassification", "TokenClassification", "QuestionAnswering", "MaskedLM"):
            make_checkpoint("bert", root / kind, loader=getattr(tf, f"AutoModelFor{kind}"))
        shutil.copytree(root / "bert", root / "head")
        save_head(make_head("mlp", 64, 2), "mlp", ["a", "b"], root / "head")
        _sentence(root)
        _adapter(root)
        yield root


def checkpoint(random: Random, whole: Path, folder: Path) -> tuple[str, Callable[[], object]]:
    """Return the name of a kind of folder and what loads a spoiled copy of it and reads a text with it."""
    kind = random.choice(sorted(one.name for one in whole.iterdir()))
    target = folder / kind
    shutil.copytree(whole / kind, target)
    # An adapter's base is beside it.
    if kind == "adapter":
        shutil.copytree(whole / "bert", folder / "bert")
    how = random.choice((_a_size, _a_size, _fields, _fields, _a_file, _weights, _header))
    how(target, random)

    def work() -> None:
        encoder = it.load_encoder(str(target), device="cpu")
        trace = it.trace(encoder, TEXT)
        if not np.isfinite(trace.hidden).all():
            raise AssertionError("numbers that are none are shown as if they were")
        it.embed(encoder, [TEXT], [-1])

    return f"{how.__name__} of {kind}", work


def _sentence(root: Path) -> None:
    body = Transformer(str(root / "bert"))
    width = body.get_embedding_dimension()
    modules = [body, Pooling(width), Dense(width, 8)]
    SentenceTransformer(modules=modules, device="cpu").save(str(root / "sentence"), create_model_card=False)


def _adapter(root: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = tf.AutoModel.from_pretrained(root / "bert")
    config = LoraConfig(r=2, target_modules=["query", "value"], base_model_name_or_path="bert")
    get_peft_model(model, config).save_pretrained(str(root / "adapter"))
    file = root / "adapter" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": "bert"}))


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file())


def _a_size(folder: Path, random: Random) -> None:
    """Change one number of a config."""
    file = folder / ("config.json" if (folder / "config.json").exists() else "adapter_config.json")
    config = json.loads(file.read_text())
    names = sorted(name for name, one in config.items() if isinstance(one, int | float) and not isinstance(one, bool))
    names += ["chunk_size_feed_forward", "vocab_size", "num_hidden_layers", "layer_norm_eps", "inner_group_num"]
    config[random.choice(names)] = random.choice(_SIZES)
    file.write_bytes(dumped(config))


def _fields(folder: Path, random: Random) -> None:
    """Put something else into fields of one of the JSON files, or make a file that was not there."""
    found = [one for one in _files(folder) if one.suffix == ".json"]
    if random.random() < 0.15:
        (folder / random.choice(_JSON)).write_bytes(dumped(random.choice(VALUES)))
        return
    file = random.choice(found)
    file.write_bytes(dumped(damaged_json(json.loads(file.read_text()), random)))


def _a_file(folder: Path, random: Random) -> None:
    damage_file(random.choice(_files(folder)), random)


def _weights(folder: Path, random: Random) -> None:
    """Write whole files with tensors of other values, kinds, shapes or names."""
    file = random.choice([one for one in _files(folder) if one.suffix == ".safetensors"])
    tensors = load_file(file)
    name = random.choice(sorted(tensors))
    one = tensors[name]
    change = random.choice((*_CHANGES, None))
    if change is None:
        tensors = {key: torch.full_like(one, torch.nan) for key, one in tensors.items()}
    else:
        tensors[name] = change(one).contiguous().clone()
    if random.random() < 0.2:
        tensors[random.choice(("", "\x00", "x" * 100_000, "../up", f"{name}.0"))] = tensors.pop(name)
    save_file(tensors, file, metadata={"format": "pt"})


def _header(folder: Path, random: Random) -> None:
    """Say another length, kind, shape or place of tensors than the file has."""
    file = random.choice([one for one in _files(folder) if one.suffix == ".safetensors"])
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = dumped(damaged_json(json.loads(content[8 : 8 + length]), random))
    told = random.choice((len(header), len(header), len(header), 0, 2**63, 2**40, len(header) + 1))
    file.write_bytes(struct.pack("<Q", told) + header + content[8 + length :])


_CHANGES: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
    lambda one: torch.full_like(one, torch.nan),
    lambda one: torch.full_like(one, torch.inf),
    lambda one: one * 1e30,
    lambda one: one.half(),
    lambda one: one.to(torch.int64),
    lambda one: one.to(torch.complex64),
    lambda one: one.bool(),
    lambda one: one.flatten(),
    lambda one: one[:0],
    lambda one: one[None],
    lambda one: torch.zeros(()),
    lambda one: one.T if one.ndim == 2 else one,
)
