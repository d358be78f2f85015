"""The masking that BERT was trained with: some tokens are chosen, and most of those are hidden."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int8
from tokenizers import Tokenizer

from interpret.core.arrays import read_only
from interpret.core.errors import InputError

# What is done to a token: nothing; chosen, and hidden behind the mask; replaced by any other; left as it is.
UNTOUCHED, HIDDEN, REPLACED, KEPT = range(4)


@dataclass(frozen=True)
class Masking:
    """How tokens are chosen, and what is done to those.

    The defaults are those of Devlin et al. 2019, sec. 3.1: of 15% of the tokens that the model must guess, 80% are
    hidden, 10% replaced by any other token, and 10% left as they are, since in use no token is ever hidden.

    Attributes
    ----------
    rate
        The chance of each token to be chosen.
    hidden, replaced
        The shares of those that are hidden and replaced; all others stay.
    whole_words
        Whether all tokens of a word are chosen together.
    """

    rate: float = 0.15
    hidden: float = 0.8
    replaced: float = 0.1
    whole_words: bool = False

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises
        ------
        InputError
            If a share is not between 0 and 1, or both together are more than all.
        """
        for name in ("rate", "hidden", "replaced"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError("“{name}” is {value}, but a share must be between 0 and 1.", name=name, value=value)
        if self.hidden + self.replaced > 1:
            raise InputError(
                "Of the selected tokens, {hidden} masked and {replaced} replaced add up to more than 100%. Lower one "
                "of the two.",
                hidden=f"{self.hidden:.0%}",
                replaced=f"{self.replaced:.0%}",
            )


@dataclass(frozen=True, eq=False)
class Masked:
    """Tokens after masking.

    Attributes
    ----------
    ids
        What the model reads.
    done
        What was done to each token: `UNTOUCHED`, `HIDDEN`, `REPLACED` or `KEPT`.
    """

    ids: Int[np.ndarray, " token"]
    done: Int8[np.ndarray, " token"]

    @property
    def chosen(self) -> Bool[np.ndarray, " token"]:
        """Which tokens the model must guess."""
        return self.done != UNTOUCHED


def ordinary_ids(tokenizer: Tokenizer) -> Int[np.ndarray, " other"]:
    """Return the ids of the vocabulary's tokens but the special ones: what a token may be replaced by."""
    special = {token_id for token_id, one in tokenizer.get_added_tokens_decoder().items() if one.special}
    return read_only(sorted(set(tokenizer.get_vocab().values()) - special), np.int64)


def maskable_tokens(
    ids: Int[np.ndarray, " token"], added: Bool[np.ndarray, " token"], others: Int[np.ndarray, " other"]
) -> Bool[np.ndarray, " token"]:
    """Return which tokens may be chosen: none that the tokenizer added, nor a special one that was typed, nor unknown.

    Parameters
    ----------
    added
        Which tokens the tokenizer added.
    others
        See `ordinary_ids`.
    """
    return ~added & np.isin(ids, others)


def mask_tokens(
    ids: Int[np.ndarray, " token"],
    maskable: Bool[np.ndarray, " token"],
    mask: int,
    others: Int[np.ndarray, " other"],
    random: np.random.Generator,
    masking: Masking | None = None,
    word: Int[np.ndarray, " token"] | None = None,
) -> Masked:
    """Mask tokens once.

    Parameters
    ----------
    maskable
        Which tokens may be chosen: see `maskable_tokens`.
    mask
        The mask's id.
    others
        What a token may be replaced by: see `ordinary_ids`.
    word
        The word of each token, of use where whole words are chosen together. What is done is drawn for each token.

    Raises
    ------
    InputError
        If whole words are asked for, and no words are given.
    """
    masking = masking or Masking()
    # One draw of each kind for every token, so that another rate or share changes what happens to no other token.
    selection, action, other = (
        random.random(len(ids)),
        random.random(len(ids)),
        random.integers(len(others), size=len(ids)),
    )
    if masking.whole_words:
        if word is None:
            raise InputError("Whole-word masking needs to know which word each token belongs to.")
        # A word's draw is its first token's.
        selection = selection[
            [int(np.flatnonzero(word == one)[0]) if one >= 0 else index for index, one in enumerate(word)]
        ]
    chosen = maskable & (selection < masking.rate)
    done = np.where(
        action < masking.hidden, HIDDEN, np.where(action < masking.hidden + masking.replaced, REPLACED, KEPT)
    )
    done = np.where(chosen, done, UNTOUCHED)
    read = np.where(done == HIDDEN, mask, np.where(done == REPLACED, others[other], ids))
    return Masked(read_only(read, np.int64), read_only(done, np.int8))
