"""Ways to look at attention: by token or by word, with or without special tokens, within or across segments."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float32, Int, UInt8

from interpret.attention.kinds import Direction, Unit
from interpret.core.arrays import read_only
from interpret.core.errors import InputError
from interpret.core.tokens import Tokens
from interpret.core.trace import Trace
from interpret.core.words import join_words


@dataclass(frozen=True, eq=False)
class AttentionView:
    """A trace's attention, seen in one way; matrices are made when they are asked for, one head at a time.

    Attributes
    ----------
    trace, unit, specials, direction
        What `attention_view` was asked for.
    queries, keys
        The groups of tokens, as indices into `groups`, that are the rows and the columns.
    """

    trace: Trace
    unit: Unit
    specials: bool
    direction: Direction
    queries: Int[np.ndarray, " query"]
    keys: Int[np.ndarray, " key"]

    @cached_property
    def tokens(self) -> Tokens:
        """The trace's tokens; where the unit is a word, with Chinese words as one each: see `join_words`."""
        return _seen(self.trace, self.unit)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The tokens of each word, or each token."""
        return _groups(self.tokens, self.unit)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The names of all groups of the unit, special ones included."""
        return self.tokens.words if self.unit == "word" else self.tokens.labels

    @property
    def query_labels(self) -> tuple[str, ...]:
        """The names of the rows."""
        return tuple(self.labels[i] for i in self.queries)

    @property
    def key_labels(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.labels[i] for i in self.keys)

    def head(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return one head's weights in this view.

        Raises
        ------
        InputError
            If the encoder has no such head.
        """
        layers, heads = self.trace.attention.shape[:2]
        if not (0 <= layer < layers and 0 <= head < heads):
            raise InputError(
                "There is no head {head} in layer {layer}: layers are numbered 0 to {layers}, heads 0 to {heads}.",
                layer=layer,
                head=head,
                layers=layers - 1,
                heads=heads - 1,
            )
        weights = self.trace.attention[layer, head]
        if self._borders is not None:
            # To a word: the sum over its tokens. From a word: the mean over its tokens (Clark et al. 2019, sec. 4.1).
            weights = np.add.reduceat(weights, self._borders, axis=1)
            sizes = np.diff(self._borders, append=len(self.trace.tokens)).astype(np.float32)
            weights = np.add.reduceat(weights, self._borders, axis=0) / sizes[:, None]
        if not self.specials:
            rest = weights[:, self._ordinary].sum(axis=1, keepdims=True)
            # A row that looks at special tokens alone has nothing left to share out.
            weights = np.divide(weights, rest, out=np.zeros_like(weights), where=rest > 0)
        return read_only(weights[self.queries][:, self.keys], np.float32)

    def average(self, heads: Sequence[tuple[int, int]]) -> Float32[np.ndarray, "query key"]:
        """Return the mean of several heads' weights, each given as ``(layer, head)``."""
        if not heads:
            raise InputError("No head is chosen. Choose at least one, as (layer, head).")
        total = self.head(*heads[0]).astype(np.float64)
        for one in heads[1:]:
            total += self.head(*one)
        return read_only(total / len(heads), np.float32)

    def thumbnails(self, side: int = 64) -> UInt8[np.ndarray, "layer head row column"]:
        """Return every head as a small picture, at most ``side`` by ``side``.

        Each picture element is the largest weight under it, never a sample, so that a lone spike stays to be seen. It
        is kept as ``round(255·√weight)``, which resolves small weights.
        """
        layers, heads = self.trace.attention.shape[:2]
        rows, columns = min(side, len(self.queries)), min(side, len(self.keys))
        pictures = np.empty((layers, heads, rows, columns), np.uint8)
        for layer in range(layers):
            # A copy, since PyTorch wants arrays that it could write to.
            stack = torch.from_numpy(
                self.trace.attention[layer].copy()
                if self._whole
                else np.stack([self.head(layer, head) for head in range(heads)])
            )
            pooled = torch.nn.functional.adaptive_max_pool2d(stack, (rows, columns))
            pictures[layer] = pooled.sqrt_().mul_(255).round_().to(torch.uint8).numpy()
        return read_only(pictures)

    @property
    def _whole(self) -> bool:
        whole = self._borders is None and self.specials and self.direction == "all"
        return whole and not self.trace.tokens.prompt.any()

    @cached_property
    def _borders(self) -> np.ndarray | None:
        # None where every group is one token, so that nothing needs adding up.
        if len(self.groups) == len(self.tokens):
            return None
        return np.array([group[0] for group in self.groups])

    @cached_property
    def _ordinary(self) -> np.ndarray:
        special = self.tokens.special
        return np.flatnonzero(~(special if self._borders is None else special[self._borders]))


def _seen(trace: Trace, unit: Unit) -> Tokens:
    return join_words(trace.tokens) if unit == "word" else trace.tokens


def _groups(tokens: Tokens, unit: Unit) -> tuple[tuple[int, ...], ...]:
    return tokens.groups if unit == "word" else tuple((position,) for position in range(len(tokens)))


def attention_view(
    trace: Trace, unit: Unit = "token", specials: bool = True, direction: Direction = "all"
) -> AttentionView:
    """Look at a trace's attention in one way.

    Parameters
    ----------
    unit
        ``"token"``, or ``"word"``: weights to a word's tokens are added up, weights from them averaged. Words are those
        of `interpret.core.words.join_words`.
    specials
        False leaves out [CLS], [SEP] and their like, and shares each row out anew over what remains, so that it sums
        to 1 again. What a head does with special tokens is often most of what it does.
    direction
        ``"all"``, or one block of a pair: ``"A→B"`` has segment A's tokens as rows and B's as columns. Rows of a
        block sum to the share that stays in it.

    Notes
    -----
    The tokens of a prompt are in no view: with special tokens, rows sum to the share that does not go to them.

    Raises
    ------
    InputError
        If an argument is none of these, or a direction needs a pair and there is none.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "Unbelievably steep.")
    >>> trace.tokens.strings
    ('[CLS]', 'un', '##bel', '##ie', '##va', '##bly', 'steep', '.', '[SEP]')
    >>> view = it.attention.attention_view(trace, unit="word", specials=False)
    >>> view.query_labels
    ('Unbelievably', 'steep', '.')
    >>> view.head(4, 7).sum(axis=-1).round(3).tolist()  # rows are shared out anew
    [1.0, 1.0, 1.0]
    """
    for name, value, allowed in (("unit", unit, get_args(Unit)), ("direction", direction, get_args(Direction))):
        if value not in allowed:
            raise InputError(
                "“{value}” is not a valid {name} of a view. Choose one of: {allowed}.",
                value=value,
                name=name,
                allowed=", ".join(allowed),
            )
    tokens = _seen(trace, unit)
    if "B" in direction and tokens.pair is None:
        raise InputError("“{direction}” needs two texts, but there is only one.", direction=direction)
    firsts = [group[0] for group in _groups(tokens, unit)]
    kept = ~(tokens.prompt if specials else tokens.special)[firsts]
    segment = tokens.segment[firsts]
    rows = kept if direction == "all" else kept & (segment == "AB".index(direction[0]))
    columns = kept if direction == "all" else kept & (segment == "AB".index(direction[2]))
    return AttentionView(
        trace, unit, specials, direction, read_only(np.flatnonzero(rows)), read_only(np.flatnonzero(columns))
    )


def strongest_head(trace: Trace, query: str, key: str) -> tuple[int, int]:
    """Return the head in which one token gives another the largest weight.

    Parameters
    ----------
    query, key
        The token that looks and the one that is looked at: see `interpret.core.tokens.Tokens.find`.

    Raises
    ------
    InputError
        If the text does not have one of them.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> it.attention.strongest_head(trace, "it", "animal")
    (3, 1)
    """
    found = [trace.tokens.find(token) for token in (query, key)]
    for token, position in zip((query, key), found, strict=True):
        if position is None:
            raise InputError("The text has no token “{token}”. Choose one that it has.", token=token)
    weights = trace.attention[:, :, found[0], found[1]]
    layer, head = np.unravel_index(int(weights.argmax()), weights.shape)
    return int(layer), int(head)


def most_active_head(trace: Trace) -> tuple[int, int]:
    """Return the head that tells ordinary tokens apart best: a good one to show first, and no more than that.

    The measure is the mean over the first ordinary tokens of the largest weight to one that is not a neighbour, less
    what that one gets on average. Heads that all look at the same token, or always one token back, score low.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The animal didn't cross the street because it was too tired.")
    >>> layer, head = it.attention.most_active_head(trace)
    >>> layer, head
    (1, 4)
    """
    # The first ones of a long text are enough to choose by, and take no time.
    ordinary = np.flatnonzero(~trace.tokens.special)[:128]
    near = np.abs(ordinary[:, None] - ordinary) <= 1
    best, found = -1.0, (0, 0)
    for layer, heads in enumerate(trace.attention):
        block = heads[:, ordinary][:, :, ordinary]
        block = np.where(near, 0, block - block.mean(axis=1, keepdims=True))
        strength = block.max(axis=2).mean(axis=1)
        if strength.max() > best:
            best, found = float(strength.max()), (layer, int(strength.argmax()))
    return found
