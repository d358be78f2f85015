"""Other ways of writing a text: words taken out or exchanged, and what the model says of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets.classifier import class_names
from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.tokens import Tokens


@dataclass(frozen=True)
class Change:
    """A word taken out or exchanged: its index in `Tokens.groups`, the word, and what came; "" for nothing."""

    position: int
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class Variants:
    """Other ways of writing a text, and what the model says of each.

    Attributes
    ----------
    labels
        The classes; for other targets the one number's name.
    changes
        For each variant what is different; the first is the text as it is.
    texts
        What each reads.
    probabilities
        The probability of each class, or the number itself.
    """

    labels: tuple[str, ...]
    changes: tuple[tuple[Change, ...], ...]
    texts: tuple[str, ...]
    probabilities: Float32[np.ndarray, "variant label"]


def read_variants(target_function: TargetFunction, variants: Sequence[Sequence[Change]]) -> Variants:
    """Read a text with changes.

    Raises
    ------
    InputError
        If a change is to a word that must stay, or to something that is no single token of the vocabulary.

    Examples
    --------
    >>> from interpret.attribution.variants import Change
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> variants = it.attribution.read_variants(function, [(), [Change(2, "wonderful", "dull")]])
    >>> variants.texts
    ('A wonderful story, badly told.', 'A dull story, badly told.')
    >>> [variants.labels[index] for index in variants.probabilities.argmax(axis=-1)]
    ['good', 'bad']
    """
    texts = [apply_changes(target_function, changes) for changes in variants]
    labels, probabilities = _probabilities(target_function, texts)
    return Variants(
        labels,
        tuple(tuple(one) for one in variants),
        tuple(spelled(target_function.tokens, one) for one in variants),
        read_only(probabilities, np.float32),
    )


def spelled(tokens: Tokens, changes: Sequence[Change]) -> str:
    """Write a text with its changes; a pair is written behind a bar."""
    new = {change.position: change.after for change in changes}
    texts = [tokens.text, tokens.pair or ""]
    for position in sorted(new, reverse=True):
        group = tokens.groups[position]
        side = int(tokens.segment[group[0]]) if tokens.pair is not None else 0
        start, end = int(tokens.span[group[0], 0]), int(tokens.span[group[-1], 1])
        before, after = texts[side][:start], texts[side][end:]
        # A word that goes takes one of the spaces around it along.
        if not new[position] and before.endswith(" ") and (not after or after[0] in " .,;:!?"):
            before = before[:-1]
        elif not new[position] and not before:
            after = after.lstrip(" ")
        texts[side] = before + new[position] + after
    return texts[0] if tokens.pair is None else " | ".join(texts)


def apply_changes(target_function: TargetFunction, changes: Sequence[Change]) -> Tokens:
    """Return a text's tokens with changes.

    Raises
    ------
    InputError
        If a change is to a word that must stay, or to something that is no single token of the vocabulary.
    """
    tokens = target_function.tokens
    gone = np.zeros(len(tokens), bool)
    new: dict[int, int] = {}
    for change in changes:
        group = tokens.groups[change.position]
        if target_function.fixed[list(group)].any():
            raise InputError("“{word}” must stay: the output is read from it.", word=tokens.words[change.position])
        if change.after:
            new[group[0]] = token_of(target_function, change.position, change.after)
            gone[list(group[1:])] = True
        else:
            gone[list(group)] = True
    changed = target_function.with_tokens(new) if new else tokens
    return target_function.leave_out(changed, gone)


def token_of(target_function: TargetFunction, position: int, word: str) -> int:
    """Return the token that a word is at a group's position: as the tokenizer would cut it if it were typed there.

    Raises
    ------
    InputError
        If it is no single token, or a second mask.
    """
    tokens, encoder = target_function.tokens, target_function.encoder
    # Where tokens are marked that follow a space, the new one is marked as the old.
    marked = tokens.strings[tokens.groups[position][0]].startswith("Ġ")
    ids = encoder.tokenizer.encode(f" {word}" if marked else word, add_special_tokens=False).ids
    if len(ids) != 1:
        raise InputError("“{word}” is not a single token of this model's vocabulary. Choose another word.", word=word)
    if target_function.kind.at_mask and encoder.tokenizer.id_to_token(ids[0]) == encoder.mask:
        raise InputError("A second mask would change which mask is explained. Choose another word.")
    return int(ids[0])


def _probabilities(target_function: TargetFunction, texts: Sequence[Tokens]) -> tuple[tuple[str, ...], np.ndarray]:
    answers = target_function.answers(texts)
    if target_function.kind.predicts:
        return class_names(target_function.encoder, target_function.head), target_function.probabilities(answers)
    if target_function.kind.likely:
        return (target_function.target.name,), target_function.probabilities(answers)[:, [target_function.target.index]]
    return (target_function.target.name or target_function.target.kind,), answers
