"""One text's way through an encoder, recorded."""

import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32

from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device, synchronize
from interpret.core.devices import find_device
from interpret.core.encoder import Encoder, EncoderSpec
from interpret.core.errors import CapacityError
from interpret.core.host_copies import copy_to_host
from interpret.core.tap import STATES, Tap
from interpret.core.tokens import Tokens
from interpret.core.units import gigabytes
from interpret.core.work_sizes import trace_bytes


@dataclass(frozen=True, eq=False)
class Trace:
    """Everything that one forward pass showed. Indices count from 0; ``token`` counts the special tokens.

    Attributes
    ----------
    tokens, spec
        What was read, by which encoder.
    attention
        Weights; each row ``[layer, head, query]`` sums to 1.
    query, key, value, context
        Per head, as the model computed them (after rotary positions where it has them); ``context`` is the weighted
        sum of the values, before the output projection.
    mask
        Where a query may look, per layer; None where every token sees every other.
    scaling
        What each layer multiplies QKᵀ by: 1/√width; in DeBERTa, whose scores are sums of up to three products, that of
        so many times the width.
    bias
        What relative positions add to that: the weights are ``softmax(scaling · QKᵀ + bias)`` (MPNet, DeBERTa). None
        where they add nothing.
    hidden
        Hidden states; ``hidden[0]`` is the embedding output.
    seconds
        Wall time of the forward pass that recorded it, shared by the texts of a batch.
    """

    tokens: Tokens
    spec: EncoderSpec
    attention: Float32[np.ndarray, "layer head query key"]
    query: Float32[np.ndarray, "layer head token width"]
    key: Float32[np.ndarray, "layer head token width"]
    value: Float32[np.ndarray, "layer head token width"]
    context: Float32[np.ndarray, "layer head token width"]
    mask: Bool[np.ndarray, "layer query key"] | None
    scaling: Float32[np.ndarray, " layer"]
    bias: Float32[np.ndarray, "layer head query key"] | None
    hidden: Float32[np.ndarray, "layers_and_embeddings token hidden"]
    seconds: float

    def save(self, file: str | Path | io.BufferedIOBase) -> None:
        """Write every array to an NPZ file, with the tokens and what made them as JSON in ``about``.

        ``numpy.load(file)["attention"]`` reads it without Bertoscope; nothing in it is pickled.
        """
        arrays = {
            name: array
            for name in ("attention", *STATES, "mask", "scaling", "bias", "hidden")
            if (array := getattr(self, name)) is not None
        }
        about = {
            "text": self.tokens.text,
            "pair": self.tokens.pair,
            "tokens": self.tokens.strings,
            "model": self.spec.checkpoint.name,
            "revision": self.spec.checkpoint.revision,
            "device": self.spec.device,
            "precision": self.spec.precision,
            "prompt": self.spec.prompt or "",
        }
        np.savez(
            file,
            ids=self.tokens.ids,
            word=self.tokens.word,
            segment=self.tokens.segment,
            span=self.tokens.span,
            special=self.tokens.special,
            about=np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), dtype=np.uint8),
            **arrays,
        )

    def npz(self) -> bytes:
        """Return what `save` writes."""
        buffer = io.BytesIO()
        self.save(buffer)
        return buffer.getvalue()


def trace(encoder: Encoder, text: str, pair: str | None = None) -> Trace:
    """Read a text, or a pair, and record attention, queries, keys, values and hidden states.

    Raises
    ------
    InputError
        If the text is empty or longer than the model takes.
    CapacityError
        If the record does not fit into memory.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> trace = it.trace(encoder, "The bank was steep.")
    >>> trace.attention.shape  # layer head query key
    (6, 12, 7, 7)
    >>> trace.tokens.strings
    ('[CLS]', 'the', 'bank', 'was', 'steep', '.', '[SEP]')
    >>> float(abs(trace.attention.sum(axis=-1) - 1).max()) < 1e-5
    True
    """
    return trace_batch(encoder, [(text, pair)])[0]


def trace_batch(encoder: Encoder, texts: Sequence[tuple[str, str | None]]) -> list[Trace]:
    """Read several texts, each with its pair or None, in one padded batch; see `trace`.

    Each trace has its own text's tokens only: what belongs to the padding is left out.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> short, pair = it.trace_batch(encoder, [("The bank was steep.", None), ("Who lent?", "The bank did.")])
    >>> short.attention.shape, pair.attention.shape  # layer head query key
    ((6, 12, 7, 7), (6, 12, 10, 10))
    >>> pair.tokens.segment.tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    """
    if not texts:
        return []
    tokens = [encoder.tokens(text, pair) for text, pair in texts]
    longest = max(len(one) for one in tokens)
    needed = len(tokens) * trace_bytes(
        encoder.layers, encoder.heads, encoder.width, longest, biased=encoder.family.relative
    )
    free = find_device("cpu").free
    if needed > free:
        raise CapacityError.counted(
            "Recording {tokens} token needs {needed} GB, but only {free} GB are free. Shorten the text, use a "
            "smaller window, or choose a smaller model.",
            "Recording {tokens} tokens needs {needed} GB, but only {free} GB are free. Shorten the text, use a "
            "smaller window, or choose a smaller model.",
            longest,
            tokens=longest,
            needed=gigabytes(needed),
            free=gigabytes(free),
        )
    tap = Tap(encoder.layers)
    # Held here already, so that the time is that of the pass alone and running out of memory afterwards is caught too.
    with lock_device(encoder.spec.device):
        begin = time.perf_counter()
        output = encoder.forward(tokens, tap, output_hidden_states=True)
        # A GPU works on after the call has returned.
        synchronize(encoder.spec.device)
        seconds = time.perf_counter() - begin
        # All else is on the host already, and on a processor the trace's own array for a single text, not a copy.
        hidden = copy_to_host(output.hidden_states)
        assert tap.attention is not None
        assert tap.states is not None
        seen = [one for one in tap.masks if one is not None]
        masks = copy_to_host(seen, torch.bool) if seen else None
        added = [one for one in tap.biases if one is not None]
        # All layers may add the same, which is then held once.
        alike = all(one is added[0] for one in added)
        biases = copy_to_host(added[:1] if alike else added) if added else None
        # Once for all of them: each would wait for what was told before it.
        synchronize(encoder.spec.device)
    arrays = {"hidden": hidden.array(), "attention": tap.attention.array()}
    arrays |= dict(zip(STATES, tap.states.array(), strict=True))
    if biases is not None:
        arrays["bias"] = biases.array()
    layers = None if masks is None else _by_layer(masks.array(), [one is None for one in tap.masks])
    scaling = read_only(tap.scalings, np.float32)
    return [_cut(encoder, one, row, arrays, layers, scaling, seconds) for row, one in enumerate(tokens)]


def _by_layer(masks: np.ndarray, free: Sequence[bool]) -> np.ndarray:
    """Put masks ``(layer, text, 1, query, key)`` back among the layers that have none, where every token may look."""
    found = np.ones((len(free), *masks.shape[1:]), bool)
    found[~np.array(free)] = masks
    return found


def _cut(
    encoder: Encoder,
    tokens: Tokens,
    row: int,
    arrays: Mapping[str, np.ndarray],
    masks: np.ndarray | None,
    scaling: np.ndarray,
    seconds: float,
) -> Trace:
    """Leave out what belongs to the padding."""
    n = len(tokens)
    mask = None if masks is None else masks[:, row, 0, :n, :n]
    bias = read_only(arrays["bias"][:, row, :, :n, :n]) if "bias" in arrays else None
    return Trace(
        tokens=tokens,
        spec=encoder.spec,
        attention=read_only(arrays["attention"][:, row, :, :n, :n]),
        **{name: read_only(arrays[name][:, row, :, :n]) for name in STATES},
        mask=None if mask is None or mask.all() else read_only(mask),
        scaling=scaling,
        bias=None if bias is None else np.broadcast_to(bias, (encoder.layers, *bias.shape[1:])),
        hidden=read_only(arrays["hidden"][:, row, :n]),
        seconds=seconds,
    )
