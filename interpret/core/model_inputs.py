"""The one place that makes a model's inputs of tokens, for reading and for training alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True)
class InputFormat:
    """What a model is fed beside the tokens themselves.

    Attributes
    ----------
    pad
        The id that fills up the shorter texts of a batch; nobody attends to it.
    token_types
        Whether it is fed token types. These are what the tokenizer's own template says, not which text a token is of:
        RoBERTa's says 0 of both texts, and a checkpoint whose ``model_input_names`` lack ``token_type_ids`` was trained
        without any.
    """

    pad: int
    token_types: bool

    def batch(
        self,
        ids: Sequence[Sequence[int] | Int[np.ndarray, " _"]],
        type_ids: Sequence[Sequence[int] | Int[np.ndarray, " _"]],
    ) -> dict[str, Int[np.ndarray, "text token"]]:
        """Put texts side by side, padded at the end to the longest."""
        shape = (len(ids), max(map(len, ids)))
        found = {"input_ids": np.full(shape, self.pad), "attention_mask": np.zeros(shape, np.int64)}
        if self.token_types:
            found["token_type_ids"] = np.zeros(shape, np.int64)
        for row, one in enumerate(ids):
            found["input_ids"][row, : len(one)] = one
            found["attention_mask"][row, : len(one)] = 1
            if self.token_types:
                found["token_type_ids"][row, : len(one)] = type_ids[row]
        return found
