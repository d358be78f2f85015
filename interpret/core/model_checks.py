"""Whether the files of a folder match: the model's embeddings, its tokenizer and its modules."""

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from interpret.core.errors import CheckpointError
from interpret.core.families import Family
from interpret.core.sentence_pipeline import SentenceModel
from interpret.core.task_heads import Classifier


def check_tokenizer(model: PreTrainedModel | Classifier, tokenizer: Tokenizer, name: str) -> None:
    """Check that each token has an embedding.

    Raises
    ------
    CheckpointError
        If not.
    """
    if max(tokenizer.get_vocab().values()) >= model.config.vocab_size:
        raise CheckpointError(
            "The tokenizer of “{name}” has more tokens than the model has embeddings ({count}). They do not match: "
            "get the files again.",
            name=name,
            count=model.config.vocab_size,
        )


def check_modules(model: PreTrainedModel | Classifier, sentence: SentenceModel | None, name: str) -> None:
    """Check that the modules of a sentence-transformers folder take what the model gives.

    Raises
    ------
    CheckpointError
        If not.
    """
    if sentence is not None and not sentence.fits(model.config.hidden_size):
        raise CheckpointError(
            "The modules of “{name}” do not match its hidden size of {width}. Get the files again.",
            name=name,
            width=model.config.hidden_size,
        )


def check_token_types(model: PreTrainedModel | Classifier, tokenizer: Tokenizer, name: str) -> None:
    """Check that each token type has an embedding.

    Raises
    ------
    CheckpointError
        If not.
    """
    kinds, known = max(tokenizer.encode("a", "a").type_ids, default=0) + 1, getattr(model.config, "type_vocab_size", 0)
    if kinds > known:
        raise CheckpointError(
            "The tokenizer of “{name}” uses {kinds} token types, but the model has embeddings for {known}. They do "
            "not match: get the files again.",
            name=name,
            kinds=kinds,
            known=known,
        )


def positions(model: PreTrainedModel, family: Family, name: str) -> tuple[int | None, int]:
    """Return which id gets no position, or None, and how many tokens have one, as the model's own code has it."""
    embeddings = model.get_submodule(family.embeddings)
    table = getattr(embeddings, "position_embeddings", None)
    count = table.num_embeddings if isinstance(table, torch.nn.Embedding) else model.config.max_position_embeddings
    if not family.after_padding:
        return None, count
    padding = getattr(embeddings, "padding_idx", None)
    if not isinstance(padding, int):
        raise CheckpointError(
            "{family} counts positions from the padding token's ID on, but the config.json of “{name}” has no "
            "pad_token_id. Add the tokenizer's pad_token_id to it.",
            family=family.title,
            name=name,
        )
    return padding, count - padding - 1
