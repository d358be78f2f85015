"""A checkpoint's tokenizer, read without its code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

from interpret.core.errors import CheckpointError, InputError
from interpret.core.loading import first_line, read_configs
from interpret.core.masking import ordinary_ids
from interpret.core.vocabulary import SpecialTokens, special_tokens, unreachable_note


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What a folder's tokenizer is, beside how it cuts.

    Attributes
    ----------
    tokenizer
        The Rust tokenizer, which neither cuts off nor pads.
    special
        What it calls its special tokens.
    token_types
        Whether a model is fed its token types.
    note
        What a reader should know of how it reads; None where nothing is odd.
    """

    tokenizer: Tokenizer
    special: SpecialTokens
    token_types: bool
    note: InputError | None


def read_tokenizer(folder: Path, name: str) -> Vocabulary:
    """Read a folder's tokenizer.

    Raises
    ------
    CheckpointError
        If there is none, or none that tells which characters a token came from.
    """
    given, config = read_configs(folder, name)
    # transformers would take another class for one whose code it may not run, and cut otherwise than the model learned.
    own_code = _own_code(folder, given, name)
    if own_code is not None:
        raise own_code
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, config=config, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # whatever damaged files make transformers raise
        raise _no_fast_form(folder, name) or CheckpointError(
            "The tokenizer of “{name}” cannot be read: {error}. The folder needs tokenizer.json, or vocab.txt.",
            name=name,
            error=first_line(error),
        ) from error
    rust = getattr(tokenizer, "backend_tokenizer", None)
    # Without its files transformers can make up a tokenizer that knows only the special tokens.
    if rust is None or not len(ordinary_ids(rust)):
        raise _no_fast_form(folder, name) or CheckpointError(
            "“{name}” has no tokenizer that reports which characters each token came from. Add its tokenizer.json.",
            name=name,
        )
    rust.no_truncation()
    rust.no_padding()
    return Vocabulary(
        rust,
        special_tokens(tokenizer.special_tokens_map, rust),
        "token_type_ids" in tokenizer.model_input_names,
        unreachable_note(rust, name, hasattr(tokenizer, "do_lower_case")),
    )


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _own_code(folder: Path, given: Mapping[str, Any], name: str) -> CheckpointError | None:
    """Say so where a tokenizer is code that comes with the model."""
    config = _tokenizer_config(folder)
    code = config.get("auto_map") or given.get("auto_map")
    if isinstance(code, dict):
        code = code.get("AutoTokenizer")
    if not code or (folder / "tokenizer.json").exists():
        return None
    named = next((one for one in (code if isinstance(code, list | tuple) else [code]) if one), None)
    return CheckpointError(
        "The tokenizer of “{name}” is code that comes with the model ({code}), and Bertoscope never runs a model's "
        "code. Choose a model with a tokenizer.json.",
        name=name,
        code=str(config.get("tokenizer_class") or named),
    )


def _no_fast_form(folder: Path, name: str) -> CheckpointError | None:
    """Say so where a tokenizer is of a class that is written in Python alone."""
    kind = str(_tokenizer_config(folder).get("tokenizer_class") or "")
    known = tokenizer_class_from_name(kind) if kind else None
    if (folder / "tokenizer.json").exists() or not kind:
        return None
    if known is not None and issubclass(known, PreTrainedTokenizerFast):
        return None
    return CheckpointError(
        "The tokenizer of “{name}” is a {kind}, which has no fast version: it cannot report which characters each "
        "token came from. Choose a model with a tokenizer.json.",
        name=name,
        kind=kind,
    )
