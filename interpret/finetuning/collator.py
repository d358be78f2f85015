"""Examples as a model takes them: cut into tokens, labels as numbers, side by side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer

from interpret.core.encoder import Encoder
from interpret.core.work_sizes import tokens_per_batch
from interpret.finetuning.examples import Examples
from interpret.finetuning.recipe import Recipe

Item = dict[str, Any]
# What PyTorch's losses pass over: tokens that continue a word, special ones, and padding.
NO_LABEL = -100


class Reader:
    """Cuts examples into tokens, and turns labels into numbers.

    Parameters
    ----------
    labels
        The classes in the order of the model's answers.
    label
        Turns a label into a number, where it names no class.
    """

    def __init__(
        self,
        encoder: Encoder,
        recipe: Recipe,
        examples: Examples,
        labels: tuple[str, ...],
        label: Callable[[str], int | float] | None = None,
    ) -> None:
        self.examples = examples
        self.label = label or {name: index for index, name in enumerate(labels)}.__getitem__
        self.tokenizer = Tokenizer.from_str(encoder.tokenizer.to_str())
        self.tokenizer.enable_truncation(min(recipe.max_length, encoder.max_tokens))

    def __call__(self, index: int) -> Item:
        """Read the example at an index."""
        pairs = self.examples.pairs
        number = self.label(self.examples.labels[index])
        return self.text(self.examples.texts[index], pairs[index] if pairs is not None else None, number)

    def text(self, text: str, pair: str | None = None, label: int | float = 0) -> Item:
        """Read a text that is no example."""
        found = self.tokenizer.encode(text, pair)
        return {"input_ids": found.ids, "token_type_ids": found.type_ids, "labels": label}


def first_tokens(found: Encoding, words: Sequence[str]) -> dict[int, int]:
    """Return the first token of each word of a sentence, in order; none for a word that is cut off or not read."""
    text = " ".join(words)
    starts = np.cumsum([0, *(len(word) + 1 for word in words[:-1])])
    first: dict[int, int] = {}
    for token, (added, (start, end)) in enumerate(zip(found.special_tokens_mask, found.offsets, strict=True)):
        # Some tokenizers count the space before a word as part of its token.
        while start < end and text[start].isspace():
            start += 1
        if not added and start < end:
            first.setdefault(int(np.searchsorted(starts, start, side="right")) - 1, token)
    return first


class Collator:
    """Puts examples side by side, padded to the longest.

    Parameters
    ----------
    device
        Where batches go in the end; None for the encoder's.
    """

    def __init__(self, encoder: Encoder, device: str | None = None) -> None:
        self.inputs, self.width = encoder.inputs, encoder.width
        self.device = encoder.spec.device if device is None else device

    @property
    def tokens_per_batch(self) -> int:
        """How many tokens, padding among them, go into a batch that is only read."""
        return tokens_per_batch(self.device, self.width)

    def on_device(self, items: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Make one batch of them, on the device."""
        return self.put(self(items))

    def put(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Copy a batch to the device, which goes on with what it is at meanwhile."""
        return {name: one.to(self.device, non_blocking=True) for name, one in batch.items()}

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Make one batch of them, on the host: for a card in memory that it reads by itself."""
        made = self.inputs.batch([item["input_ids"] for item in items], [item["token_type_ids"] for item in items])
        found = {name: torch.from_numpy(one) for name, one in made.items()}
        shape = found["attention_mask"].shape
        if "hidden" in items[0]:
            # The embeddings are in the states already.
            found = {"attention_mask": found["attention_mask"]}
            found["inputs_embeds"] = torch.zeros(*shape, items[0]["hidden"].shape[-1])
        tagged = isinstance(items[0]["labels"], list)
        found["labels"] = torch.full(shape, NO_LABEL) if tagged else torch.tensor([item["labels"] for item in items])
        if "next" in items[0]:
            found["next"] = torch.tensor([item["next"] for item in items])
        for row, item in enumerate(items):
            length = len(item["input_ids"])
            if "hidden" in item:
                found["inputs_embeds"][row, :length] = item["hidden"]
            if tagged:
                found["labels"][row, :length] = torch.tensor(item["labels"])
        return {name: one.pin_memory() for name, one in found.items()} if self.device.startswith("cuda") else found
