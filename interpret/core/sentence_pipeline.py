"""One vector for a whole text: how a model pools its last hidden states, and what it does to the result.

It is the pipeline of a sentence-transformers folder (Reimers & Gurevych 2019, sec. 3): pooling, then dense layers,
layer norms and normalisation in their order. `interpret.core.sentence_files` reads one. Everything that needs a
sentence vector makes it here: embeddings, neighbours, the similarity of two texts, the linear head.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, Float32
from tokenizers import Tokenizer, normalizers

from interpret.core.arrays import read_only
from interpret.core.tokens import Tokens, check_texts, cut, tokenize

# Where several are set side by side, sentence-transformers of old, which named them by switches, has this order.
POOLING_MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
# Those that work on each number by itself and have no parameters.
ACTIVATIONS = (
    *("Identity", "Tanh", "ReLU", "ReLU6", "GELU", "Sigmoid", "SiLU", "Mish", "ELU", "SELU", "CELU", "LeakyReLU"),
    *("Softplus", "Softsign", "Tanhshrink", "Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid"),
)


@dataclass(frozen=True, eq=False)
class Dense:
    """A dense layer: ``activation(weight · x + bias)``, and ``residual · x`` added where there is one.

    Attributes
    ----------
    activation
        A name in `ACTIVATIONS`, of a class in `torch.nn`.
    residual
        What the input is added through; the identity adds the input itself.
    """

    weight: Float32[np.ndarray, "out width"]
    bias: Float32[np.ndarray, " out"]
    activation: str = "Tanh"
    residual: Float32[np.ndarray, "out width"] | None = None

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Map vectors ``(text, width)`` to ``(text, out)``."""
        found = getattr(torch.nn, self.activation)()(
            vectors @ _tensor(self.weight, vectors).T + _tensor(self.bias, vectors)
        )
        return found if self.residual is None else found + vectors @ _tensor(self.residual, vectors).T


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """A layer norm with PyTorch's epsilon of 1e-5."""

    weight: Float32[np.ndarray, " width"]
    bias: Float32[np.ndarray, " width"]

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Map vectors ``(text, width)``."""
        weight, bias = _tensor(self.weight, vectors), _tensor(self.bias, vectors)
        return torch.nn.functional.layer_norm(vectors, weight.shape, weight, bias)


@dataclass(frozen=True)
class Normalize:
    """Brings each vector to length 1."""

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Map vectors ``(text, width)``."""
        return torch.nn.functional.normalize(vectors, dim=-1)


@dataclass(frozen=True, eq=False)
class SentenceModel:
    """How a text becomes one vector.

    Attributes
    ----------
    pooling
        Names in `POOLING_MODES`; the vectors of several stand side by side.
    steps
        What the pooled vector goes through, in order.
    include_prompt
        Whether a prompt's own tokens are pooled too.
    prompts
        What may be put before a text, by name.
    default_prompt
        The name of the prompt that is put before every text for which none is asked; None where there is none.
    max_length
        How many tokens of a text are read, special ones counted; the rest is cut off. None reads all.
    lower_case
        Whether texts are read in lower case, whatever the tokenizer does of itself.
    similarity
        What two vectors are compared by: a name in `SIMILARITIES`, distances with a minus before them.
    dimension
        How many numbers of the vector are kept, from the first; None keeps all.
    """

    pooling: tuple[str, ...] = ("mean",)
    steps: tuple[Dense | LayerNorm | Normalize, ...] = ()
    include_prompt: bool = True
    prompts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default_prompt: str | None = None
    max_length: int | None = None
    lower_case: bool = False
    similarity: str = "cosine"
    dimension: int | None = None

    @property
    def normalized(self) -> bool:
        """Whether its vectors have length 1."""
        return bool(self.steps) and isinstance(self.steps[-1], Normalize) and self.dimension is None

    @property
    def prompt(self) -> str:
        """What is put before a text for which nothing is asked."""
        return self.prompts.get(self.default_prompt or "", "")

    def width(self, width: int) -> int:
        """Return how many numbers its vectors have, for hidden states of ``width``."""
        found = width * len(self.pooling)
        for step in self.steps:
            found = len(step.weight) if isinstance(step, Dense) else found
        return min(found, self.dimension or found)

    def fits(self, width: int) -> bool:
        """Whether each step takes what the one before it gives, from hidden states of ``width`` on."""
        width *= len(self.pooling)
        for step in self.steps:
            if not isinstance(step, Normalize) and step.weight.shape[-1] != width:
                return False
            width = len(step.weight) if isinstance(step, Dense) else width
        return True

    def within(self, most: int) -> "SentenceModel":
        """Return the same for an encoder that reads at most so many tokens: what is longer is cut off."""
        return replace(self, max_length=min(self.max_length or most, most))

    def before_normalizing(self) -> "SentenceModel":
        """Return the same without a normalisation at its end: what gives vectors that have a length of their own."""
        steps = self.steps
        while steps and isinstance(steps[-1], Normalize):
            steps = steps[:-1]
        return replace(self, steps=steps)

    def pool(self, states: torch.Tensor, mask: torch.Tensor, skipped: int = 0) -> Float[torch.Tensor, "text width"]:
        """Pool hidden states ``(text, token, hidden)`` under a mask ``(text, token)``, in float32.

        Parameters
        ----------
        skipped
            How many tokens at the front are a prompt's, with what stands before it: see `prompt_tokens`. They count
            only where the model includes prompts.
        """
        states, seen = states.float(), mask.bool()
        if skipped and not self.include_prompt:
            seen = seen & (torch.arange(seen.shape[1], device=seen.device) >= skipped)
        return torch.cat([_POOLINGS[one](states, seen) for one in self.pooling], dim=-1)

    def finish(self, pooled: torch.Tensor) -> Float[torch.Tensor, "text width"]:
        """Take pooled vectors of the last layer through all steps behind the pooling."""
        for step in self.steps:
            pooled = step(pooled)
        return pooled[:, : self.dimension]

    def vectors(self, states: torch.Tensor, mask: torch.Tensor, skipped: int = 0) -> Float[torch.Tensor, "text width"]:
        """Make sentence vectors of the last hidden states: `pool`, then `finish`."""
        return self.finish(self.pool(states, mask, skipped))

    def compare(self, vectors: torch.Tensor, other: torch.Tensor) -> Float[torch.Tensor, " text"]:
        """Say how alike vectors ``(text, width)`` are to another one ``(width,)``."""
        if self.similarity == "cosine":
            return torch.nn.functional.normalize(vectors, dim=-1) @ torch.nn.functional.normalize(other, dim=-1)
        if self.similarity == "dot":
            return vectors @ other
        return -torch.linalg.vector_norm(vectors - other, 2 if self.similarity == "euclidean" else 1, dim=-1)


def lower_cased(tokenizer: Tokenizer) -> None:
    """Make a tokenizer read lower case, as sentence-transformers does where a folder asks for it."""
    before = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([] if before is None else [before])])


def prompt_tokens(tokenizer: Tokenizer, prompt: str) -> int:
    """Count the tokens of a prompt with the special ones before it, as sentence-transformers leaves them out."""
    if not prompt:
        return 0
    found = tokenizer.encode(prompt)
    return len(found.ids) - found.special_tokens_mask[-1]


def read_prompted(tokenizer: Tokenizer, text: str, prompt: str = "", most: int | None = None) -> Tokens:
    """Cut a text into tokens behind a prompt, and cut it off where that are too many.

    The prompt's tokens are special ones: nobody wrote them, and what explains or draws words leaves them out. Spans
    are those of the text alone.

    Parameters
    ----------
    most
        How many tokens are kept, special ones counted; None keeps all.

    Raises
    ------
    InputError
        If there is nothing to read.
    """
    check_texts(text, None)
    tokens = tokenize(tokenizer, prompt + text)
    added = tokens.special
    if prompt:
        spans = np.maximum(tokens.span - len(prompt), 0)
        special = added | (tokens.span[:, 1] <= len(prompt))
        _groups, word = np.unique(np.where(special, -1, tokens.word), return_inverse=True)
        tokens = replace(
            tokens,
            text=text,
            span=read_only(np.where(special[:, None], 0, spans)),
            special=read_only(special),
            prompt=read_only(special & ~added),
            word=read_only(np.where(special, -1, word - special.any()), np.int64),
        )
    if most is not None and len(tokens) > most:
        # The tokens that the template adds stay, in front and at the end.
        tokens = cut(tokens, added | (np.cumsum(~added) <= most - added.sum()))
    return tokens


def _tensor(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(array, device=like.device)


def _weighted(states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    # A product sums in one pass over the states.
    return torch.bmm(weights[:, None], states)[:, 0]


def _at(states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    return states[torch.arange(len(states), device=states.device), positions]


def _mean(states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return _weighted(states, seen.float() / seen.sum(dim=1, keepdim=True))


def _root_mean(states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return _weighted(states, seen.float() / seen.sum(dim=1, keepdim=True).sqrt())


def _position_mean(states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    # SGPT (Muennighoff 2022, eq. 2): the i-th token counts i times, from 1.
    weights = seen.float() * torch.arange(1, seen.shape[1] + 1, device=seen.device)
    return _weighted(states, weights / weights.sum(dim=1, keepdim=True))


def _first(states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return _at(states, seen.int().argmax(dim=1))


def _last(states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return _at(states, seen.shape[1] - 1 - seen.int().flip(1).argmax(dim=1))


def _largest(states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return states.masked_fill(~seen[..., None], -torch.inf).amax(dim=1)


_POOLINGS = dict(zip(POOLING_MODES, (_first, _largest, _mean, _root_mean, _position_mean, _last), strict=True))
# What may be asked of any model, whatever its folder says.
PLAIN: Mapping[str, SentenceModel] = MappingProxyType({name: SentenceModel((name,)) for name in ("mean", "cls", "max")})
OWN = "own"
