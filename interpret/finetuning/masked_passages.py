"""Passages as the pre-training of BERT reads them: with masked tokens, and half of the pairs with another's end."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.masking import Masking, mask_tokens, maskable_tokens, ordinary_ids
from interpret.finetuning.collator import NO_LABEL, Item
from interpret.finetuning.examples import Examples
from interpret.finetuning.passages import sentences_of
from interpret.finetuning.recipe import Recipe

# The epoch of passages that are masked alike at every time.
_ALWAYS = 2**31
# As Devlin et al. 2019 count: the second text follows, or is from elsewhere.
FOLLOWS, ELSEWHERE = 0, 1
# Sentences on either side of where two texts meet, at most, in a passage that is shortened.
_FEW = 3


class MaskedPassages(Sequence[Item]):
    """Passages with some tokens hidden, and half of them with the end of another: drawn anew at every time.

    What is drawn depends on the seed, the epoch and the passage alone, so that a training that is resumed meets the
    same tokens masked.

    Parameters
    ----------
    indices
        Which of the examples these are.
    epoch
        Asked which pass through the examples it is; None for what is masked alike at every time.
    """

    def __init__(
        self,
        encoder: Encoder,
        recipe: Recipe,
        examples: Examples,
        indices: Sequence[int],
        epoch: Callable[[], int] | None = None,
    ) -> None:
        if encoder.mask is None:
            raise InputError(
                "This model's vocabulary has no mask token, so it cannot be trained on masked words. Choose another "
                "model, or a labelled file."
            )
        self.examples, self.indices, self.epoch = examples, indices, epoch
        self.seed, self.masking, self.short = recipe.seed, Masking(rate=recipe.mask_rate), recipe.short_rate
        self.tokenizer = Tokenizer.from_str(encoder.tokenizer.to_str())
        self.tokenizer.enable_truncation(min(recipe.max_length, encoder.max_tokens))
        self.mask, self.others = int(encoder.tokenizer.token_to_id(encoder.mask) or 0), ordinary_ids(encoder.tokenizer)
        self.documents: dict[str, list[int]] = {}
        for index in indices:
            self.documents.setdefault(examples.labels[index], []).append(index)
        if examples.pairs is not None and len(indices) < 2:
            raise InputError(
                "The training set or the held-out set has only one passage, so no second text can come from "
                "elsewhere. Use a longer text, or hold out more of it."
            )

    def __len__(self) -> int:
        return len(self.indices)

    def lengths(self) -> list[int]:
        """Return how many tokens each passage has as it stands in the text."""
        pairs = self.examples.pairs
        texts = [
            (self.examples.texts[index], pairs[index]) if pairs is not None else self.examples.texts[index]
            for index in self.indices
        ]
        return [len(one.ids) for one in self.tokenizer.encode_batch(texts)]

    def __getitem__(self, number: Any) -> Any:
        index = self.indices[number]
        examples = self.examples
        random = np.random.default_rng([self.seed, _ALWAYS if self.epoch is None else self.epoch(), index])
        item: Item = {}
        second = None
        if examples.pairs is not None:
            item["next"] = FOLLOWS if random.random() < 0.5 else ELSEWHERE
            second = examples.pairs[index]
            if item["next"] == ELSEWHERE:
                # From the same document where it has another passage, or the subject alone would tell.
                own = self.documents[examples.labels[index]]
                others = own if len(own) > 1 else self.indices
                chosen = others[int(random.integers(len(others) - 1))]
                second = examples.pairs[chosen if chosen != index else others[-1]]
        first = examples.texts[index]
        if self.epoch is not None and random.random() < self.short:
            first, second = _shortened(first, second, int(random.integers(1, _FEW + 1)))
        found = self.tokenizer.encode(first, second)
        ids = np.array(found.ids)
        maskable = maskable_tokens(ids, np.array(found.special_tokens_mask, bool), self.others)
        masked = mask_tokens(ids, maskable, self.mask, self.others, random, self.masking)
        while self.epoch is None and maskable.any() and not masked.chosen.any():
            # What is held out is masked once: a passage without a masked token would be evaluated on nothing.
            masked = mask_tokens(ids, maskable, self.mask, self.others, random, self.masking)
        return item | {
            "input_ids": masked.ids.tolist(),
            "token_type_ids": found.type_ids,
            "labels": np.where(masked.chosen, ids, NO_LABEL).tolist(),
        }


def as_written(item: Item) -> Item:
    """Return a masked passage with every token that was hidden or replaced back in its place."""
    labels = np.array(item["labels"])
    return item | {"input_ids": np.where(labels == NO_LABEL, item["input_ids"], labels).tolist()}


def _shortened(first: str, second: str | None, count: int) -> tuple[str, str | None]:
    """Return so many sentences of each text: the nearest to where they meet."""
    kept = " ".join(sentences_of(first)[-count:])
    return kept, second if second is None else " ".join(sentences_of(second)[:count])
