"""A corpus through every layer: vectors of texts, of words in context, or of tokens, in one pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int

from interpret.core.arrays import read_only
from interpret.core.batches import batches_of
from interpret.core.device_lock import lock_device
from interpret.core.devices import find_device
from interpret.core.encoder import Encoder, EncoderSpec
from interpret.core.errors import CapacityError, InputError
from interpret.core.hub import Progress
from interpret.core.multi_device import all_encoders, share_out
from interpret.core.sentence_pipeline import read_prompted
from interpret.core.units import gigabytes
from interpret.core.work_sizes import tokens_per_batch
from interpret.embeddings.reading_plan import Plan, plan_corpus


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors of a corpus. An item is a text, a word where it stands in a text, or a token, as ``level`` says.

    Attributes
    ----------
    spec
        What made them.
    texts
        The corpus.
    level, pooling, word
        What was asked for; ``word`` is None unless only its occurrences were.
    prompt
        What stood before each text.
    layers
        Which levels of hidden states are in ``vectors``: 0 is the embedding output, ``i`` the output of layer ``i``.
    vectors
        The vectors, in the units of the hidden states: nothing is normalised, but for what the model does of itself
        to the last layer where ``pooling`` is ``"own"``.
    text
        The text of each item.
    span
        Where each item stands in its text: characters ``start <= i < end``.
    token_counts
        How many tokens each item was pooled from.
    windows
        In how many windows each text was read: 1 for those that the model takes whole.
    cut
        Which texts were cut off at the length that the model's folder gives, their ends unread.
    seconds
        How long the passes took.
    """

    spec: EncoderSpec
    texts: tuple[str, ...]
    level: str
    pooling: str
    word: str | None
    prompt: str
    layers: tuple[int, ...]
    vectors: Float32[np.ndarray, "layer item width"]
    text: Int[np.ndarray, " item"]
    span: Int[np.ndarray, "item 2"]
    token_counts: Int[np.ndarray, " item"]
    windows: Int[np.ndarray, " text"]
    cut: Bool[np.ndarray, " text"]
    seconds: float

    def __len__(self) -> int:
        return len(self.text)

    def at(self, layer: int) -> Float32[np.ndarray, "item width"]:
        """Return the vectors after one layer; 0 is the embedding output.

        Raises
        ------
        InputError
            If that layer was not asked for.
        """
        if layer not in self.layers:
            raise InputError(
                "The vectors of layer {layer} were not kept. Those kept are of: {layers}.",
                layer=layer,
                layers=", ".join(map(str, self.layers)),
            )
        return self.vectors[self.layers.index(layer)]

    def item(self, index: int) -> str:
        """Return the words of one item, as they stand in its text."""
        start, end = self.span[index]
        return self.texts[self.text[index]][start:end]


def embed(
    encoder: Encoder,
    texts: Sequence[str],
    layers: str | Sequence[int] = "all",
    pooling: str = "auto",
    progress: Progress | None = None,
    *,
    level: str = "texts",
    word: str | None = None,
    prompt: str | None = None,
    beside: Sequence[Encoder] = (),
) -> Embeddings:
    """Read texts and keep their vectors after every layer asked for, in one pass.

    A text's vector is pooled from all its tokens, special ones among them, as sentence-transformers does; a word's is
    the mean of its tokens. A model's own pooling is that of its folder, at every layer; what follows it there (dense
    layers, normalisation) is done to the last layer only, which is then what ``SentenceTransformer.encode`` gives, and
    texts are cut off where that cuts them off. With any other pooling, texts that are longer than the model takes are
    read in windows without overlap: their means and [CLS] states are averaged over the windows, each with the weight
    of its tokens, and their maxima are the maxima of all windows.

    Parameters
    ----------
    layers
        ``"all"``, or which: 0 is the embedding output, ``-1`` the last layer.
    pooling
        ``"own"``, ``"mean"``, ``"cls"`` (the first token) or ``"max"``, for whole texts only; ``"auto"`` is the model's
        own where its folder has one: see `interpret.core.sentence_vectors.sentence_reading`.
    progress
        Called as ``progress(texts cut, texts in all, "cut")`` and then as ``progress(tokens done, tokens in all,
        "read")``; raising inside it stops the work.
    level
        ``"texts"``; ``"words"``: every word where it stands; ``"tokens"``: every token but the special ones.
    word
        With ``level="words"``, only occurrences of this word, or words, in any case.
    prompt
        What is put before each whole text; by default the model's own default prompt. ``encoder.sentence.prompts`` are
        those that it was trained with.
    beside
        The same encoder on other devices, which share the work: see `interpret.load_beside`.

    Raises
    ------
    InputError
        If a text cannot be read (the sentence says which), a layer is none of the model's, or the word is nowhere.
    CapacityError
        If the vectors do not fit into memory; `Store.embed` keeps them on disk.

    References
    ----------
    Reimers & Gurevych (2019), section 3, for the three poolings.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> embeddings = it.embed(encoder, ["The court heard the appeal.", "The team won."], layers=[0, 6])
    >>> embeddings.vectors.shape  # layer text width
    (2, 2, 384)
    >>> embeddings.token_counts.tolist()
    [8, 6]
    >>> it.embed(encoder, ["We sat on the bank.", "The bank lent money."], level="words", word="bank").span.tolist()
    [[14, 18], [4, 8]]
    """
    plan = plan_corpus(encoder, texts, layers, pooling, level, word, progress, prompt)
    free = find_device("cpu").free
    if plan.bytes > free:
        raise CapacityError(
            "The vectors need {needed} GB, but only {free} GB are free. Read fewer texts, or keep fewer layers.",
            needed=gigabytes(plan.bytes),
            free=gigabytes(free),
        )
    vectors = np.zeros(plan.shape, np.float32)
    begin = time.perf_counter()
    fill_together(all_encoders(encoder, beside), plan, vectors, progress)
    return gather(encoder.spec, tuple(texts), plan, vectors, time.perf_counter() - begin)


def gather(spec: EncoderSpec, texts: tuple[str, ...], plan: Plan, vectors: np.ndarray, seconds: float) -> Embeddings:
    """Put a plan and the vectors that came of it together."""
    return Embeddings(
        spec=spec,
        texts=texts,
        level=plan.level,
        pooling=plan.pooling,
        word=plan.word,
        prompt=plan.prompt,
        layers=plan.layers,
        vectors=read_only(vectors),
        text=read_only(plan.text, np.int64),
        span=plan.span,
        token_counts=read_only(plan.token_counts, np.int64),
        windows=plan.windows,
        cut=plan.cut,
        seconds=seconds,
    )


def fill(
    encoder: Encoder,
    plan: Plan,
    vectors: np.ndarray,
    progress: Progress | None = None,
    share: tuple[int, int] = (0, 1),
) -> None:
    """Read what a plan says and write its vectors into an array of ``plan.shape`` that holds zeros.

    The longest come first, so that running out of memory shows at once and the time left is not underrated.

    Parameters
    ----------
    share
        ``(rank, count)``: of ``count`` processes that fill one array, which this is. Each reads its own texts.
    """
    mine = _units(plan)
    mine = mine[_turns(plan)[mine] % share[1] == share[0]]
    by_unit = np.argsort(plan.item_unit, kind="stable")
    begins = np.searchsorted(plan.item_unit[by_unit], np.arange(len(plan.unit_text) + 1))
    lengths = plan.unit_tokens[mine].tolist()
    total, done = sum(lengths), 0
    if progress is not None:
        progress(0, total, "read")
    for batch in reversed(list(batches_of(lengths, tokens_per_batch(encoder.spec.device, encoder.width)))):
        units = mine[batch]
        # A batch at a time: others may want the device meanwhile.
        with lock_device(encoder.spec.device, gives_way=True):
            if plan.level == "texts":
                _read_texts(encoder, plan, units, vectors)
            else:
                _read_items(encoder, plan, units, [by_unit[begins[unit] : begins[unit + 1]] for unit in units], vectors)
        done += int(plan.unit_tokens[units].sum())
        if progress is not None:
            progress(done, total, "read")


def fill_together(encoders: Sequence[Encoder], plan: Plan, vectors: np.ndarray, progress: Progress | None) -> None:
    """Do what `fill` does on several devices at once: each writes the vectors of its own texts."""
    begun: set[int] = set()

    def read(encoder: Encoder, share: tuple[int, int], report: Progress | None) -> None:
        if share[0] in begun:
            # A device ran out of memory: what it had read of long texts would be added up twice.
            vectors[:, items_of(plan, share)] = 0
        begun.add(share[0])
        fill(encoder, plan, vectors, report, share)

    share_out(encoders, len(np.unique(plan.unit_text[_units(plan)])), read, progress)


def items_of(plan: Plan, share: tuple[int, int]) -> np.ndarray:
    """Return the items whose vectors `fill` writes for a share."""
    return np.flatnonzero(_turns(plan)[plan.item_unit] % share[1] == share[0])


def _units(plan: Plan) -> np.ndarray:
    """Return which passes are made: windows without the word that is looked for are not read."""
    return np.arange(len(plan.unit_text)) if plan.level == "texts" else np.unique(plan.item_unit)


def _turns(plan: Plan) -> np.ndarray:
    """Number the passes so that texts of like length are dealt out in turn, the windows of one text to one process."""
    wanted = _units(plan)
    size = np.bincount(plan.unit_text[wanted], plan.unit_tokens[wanted], int(plan.unit_text.max(initial=-1)) + 1)
    order = np.empty(len(size), np.int64)
    # Texts of which nothing is read come last, so that every process has as many as any.
    order[np.argsort(np.where(size > 0, size, np.inf), kind="stable")] = np.arange(len(size))
    return order[plan.unit_text]


def _hidden(encoder: Encoder, plan: Plan, units: np.ndarray) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Return the hidden states of some passes at the layers wanted, each (unit, token, width), and their mask."""
    most = plan.reading.model.max_length
    tokens = [read_prompted(encoder.tokenizer, plan.unit_window[unit].text, most=most) for unit in units]
    if plan.layers == (encoder.layers,):
        states = [encoder.forward(tokens).last_hidden_state]
    else:
        found = encoder.forward(tokens, output_hidden_states=True).hidden_states
        states = [found[layer] for layer in plan.layers]
    lengths = torch.tensor([len(one) for one in tokens], device=states[0].device)
    return states, torch.arange(states[0].shape[1], device=states[0].device) < lengths[:, None]


def _read_texts(encoder: Encoder, plan: Plan, units: np.ndarray, vectors: np.ndarray) -> None:
    states, mask = _hidden(encoder, plan, units)
    model = plan.reading.model
    found = [model.pool(state, mask, plan.reading.skipped) for state in states]
    if plan.layers[-1] == encoder.layers:
        found[-1] = model.finish(found[-1])
    pooled = torch.stack(found).cpu().numpy()
    texts = plan.unit_text[units]
    whole = plan.windows[texts] == 1
    vectors[:, texts[whole]] = pooled[:, whole]
    sizes = plan.token_counts
    for index in np.flatnonzero(~whole):
        text, unit = texts[index], units[index]
        if plan.pooling == "max":
            # Zeros stand in the array before the first window that is read; whichever that is, it replaces them.
            fresh = not vectors[:, text].any()
            vectors[:, text] = pooled[:, index] if fresh else np.maximum(vectors[:, text], pooled[:, index])
        else:
            vectors[:, text] += pooled[:, index] * np.float32(plan.unit_tokens[unit] / sizes[text])


def _read_items(encoder: Encoder, plan: Plan, units: np.ndarray, items: list[np.ndarray], vectors: np.ndarray) -> None:
    states, _mask = _hidden(encoder, plan, units)
    length = states[0].shape[1]
    chosen = np.concatenate(items)
    sizes = plan.last[chosen] - plan.first[chosen]
    row = np.repeat(np.arange(len(chosen)), sizes)
    # Each item's tokens in turn, as indices in the batch laid out flat.
    offset = np.repeat(np.arange(len(units)), [len(one) for one in items]) * length + plan.first[chosen]
    inside = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    index = torch.from_numpy(np.repeat(offset, sizes) + inside).to(states[0].device)
    target = torch.from_numpy(row).to(index.device)
    count = torch.from_numpy(sizes).to(index.device)[:, None]
    pooled = []
    for state in states:
        flat = state.reshape(-1, plan.width)[index].float()
        pooled.append(torch.zeros(len(chosen), plan.width, device=flat.device).index_add_(0, target, flat) / count)
    vectors[:, chosen] = torch.stack(pooled).cpu().numpy()
