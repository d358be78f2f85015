"""Lenses that are fitted: what each layer's states mean in the language of the last one."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from interpret.core.arrays import read_only
from interpret.core.batches import batches_of
from interpret.core.clustered_intervals import ratio_interval
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import CapacityError, InputError
from interpret.core.hub import Progress
from interpret.core.masked_words import mask_id
from interpret.core.masking import mask_tokens, maskable_tokens, ordinary_ids
from interpret.core.tokens import Tokens
from interpret.core.windows import windows
from interpret.pretraining.layer_states import states_of

# States of each level that are read; those of one text in so many judge the lens.
_STATES, _FOLDS = 3750, 5
_BATCH = 128
# Of the ridge regression that a lens begins with, as a share of the states' mean square.
_RIDGE = 0.01
_RATE = 1e-3
_LEAST = 8
_NUMBERS = ("weight", "bias", "before", "after", "gain")
# What is counted, by the names that the file has had from the first.
_COUNTS = {"states": "states", "texts": "texts", "held_out_states": "held_states", "held_out_texts": "held_texts"}


@dataclass(frozen=True, eq=False)
class TunedLens:
    """For each level but the last an affine map to the last one's states: ``h + W h + b`` (Belrose et al. 2023, eq. 8).

    Attributes
    ----------
    weight, bias
        ``W`` and ``b`` of each level.
    revision
        The checkpoint that it was fitted to.
    states, texts
        How many states of each level it was fitted to, and of how many different texts.
    held_out_states, held_out_texts
        How many evaluated it: states of other texts. A text is on one side, with all that reads the same.
    before, after
        For each level ``KL(last ‖ level)`` in bits over the states that evaluated it, without the lens and with it.
    gain
        The 95% interval of what the lens brings, ``before - after``, by text
        (`interpret.core.clustered_intervals.ratio_interval`).
    """

    weight: Float32[np.ndarray, "level width width"]
    bias: Float32[np.ndarray, "level width"]
    revision: str
    states: int
    texts: int
    held_out_states: int
    held_out_texts: int
    before: Float32[np.ndarray, " level"]
    after: Float32[np.ndarray, " level"]
    gain: Float32[np.ndarray, "level 2"]

    def check(self, encoder: Encoder) -> None:
        """Refuse to look into another model.

        Raises
        ------
        InputError
            If the lens was fitted to another one.
        """
        if self.revision != encoder.spec.checkpoint.revision:
            raise InputError("This lens was fitted to another model. Fit one to this model.")

    def translate(self, states: torch.Tensor) -> torch.Tensor:
        """Translate the states of all levels, ``(level, …, width)``; the last one stays as it is."""
        weight, bias = (torch.from_numpy(one.copy()).to(states) for one in (self.weight, self.bias))
        shape = (len(bias), *[1] * (states.ndim - 2), states.shape[-1])
        moved = torch.einsum("l...i,loi->l...o", states[:-1], weight) + bias.reshape(shape)
        return torch.cat([states[:-1] + moved, states[-1:]])

    def save(self, path: Path) -> None:
        """Write it as safetensors, in one step: a file of this name is whole.

        Raises
        ------
        CapacityError
            If it cannot be written there.
        """
        check_folder(path.parent)
        numbers = {name: torch.from_numpy(getattr(self, name).copy()) for name in _NUMBERS}
        facts = {"revision": self.revision, **{key: str(getattr(self, name)) for name, key in _COUNTS.items()}}
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            save_file(numbers, beside, facts)
            beside.replace(path)
        except (OSError, SafetensorError) as error:
            raise _unwritable(path.parent, error) from error


def check_folder(folder: Path) -> None:
    """Make a folder for lenses, and see that something can be written there: before minutes go into one.

    Raises
    ------
    CapacityError
        If nothing can.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: Exception) -> CapacityError:
    return CapacityError(
        "Lenses are kept in “{folder}”, but that folder cannot be written to: {error}. Free some disk space, or name "
        "another folder in BERTOSCOPE_CACHE.",
        folder=str(folder),
        error=getattr(error, "strerror", None) or str(error)[:200],
    )


def load_tuned_lens(path: Path) -> TunedLens:
    """Read what `TunedLens.save` wrote.

    Raises
    ------
    InputError
        If it is no lens.

    Examples
    --------
    >>> from pathlib import Path
    >>> import interpret as it
    >>> encoder = it.load_encoder("tiny-bert")  # any folder or hub ID of a model with a masked-word head
    >>> states = ("rich", "steep", "tired")
    >>> texts = [f"the {word} was {state}" for word in ("river", "bank", "animals") for state in states]
    >>> it.pretraining.fit_tuned_lens(encoder, texts, steps=1).save(Path("lens.safetensors"))
    >>> lens = it.pretraining.load_tuned_lens(Path("lens.safetensors"))
    >>> lens.weight.shape  # level width width
    (3, 24, 24)
    >>> lens.texts, lens.held_out_texts
    (7, 2)
    """
    try:
        with safe_open(path, "np") as file:
            facts = file.metadata()
            numbers: dict[str, Any] = {name: read_only(file.get_tensor(name)) for name in _NUMBERS}
            numbers |= {name: int(facts[key]) for name, key in _COUNTS.items()}
        return TunedLens(revision=facts["revision"], **numbers)
    except Exception as error:  # whatever a damaged file makes safetensors raise
        raise InputError(
            "“{file}” is not a valid lens: {error}. Delete it, and fit the lens again.",
            file=str(path),
            error=str(error)[:200],
        ) from error


def fit_tuned_lens(
    encoder: Encoder, texts: Sequence[str], steps: int = 100, seed: int = 0, progress: Progress | None = None
) -> TunedLens:
    """Fit a lens to four fifths of some texts with hidden words, and judge it by the others.

    Each level's map begins as a ridge regression onto the last level's states and then learns, by Adam, to lower
    ``KL(last ‖ level)`` of what the model's own head makes of both. States of one text tell of each other, so it is
    whole texts that are held out.

    Parameters
    ----------
    texts
        At least eight different ones; of a kind with those that are looked at later. Long ones are cut.
    seed
        Of what is hidden, and of which texts judge the lens.
    progress
        Called as ``progress(steps done, steps in all, "")``; raising `interpret.Cancelled` inside it stops the work.

    Raises
    ------
    CheckpointError
        If the model cannot guess words.
    InputError
        If there are too few texts.

    Examples
    --------
    >>> import interpret as it
    >>> guesser = it.load_encoder("minilm-guesser")
    >>> days = ("Monday", "Friday", "Sunday")
    >>> texts = [f"The {word} was open on {day}." for word in ("bank", "shop", "door") for day in days]
    >>> lens = it.pretraining.fit_tuned_lens(guesser, texts, steps=1)
    >>> lens.weight.shape  # level width width
    (6, 384, 384)
    >>> lens.texts, lens.held_out_texts
    (7, 2)
    >>> bool(lens.after[0] < lens.before[0])  # in bits from the last level's answer
    True
    """
    states, owner, held_out = _collect(encoder, texts, seed)
    with lock_device(encoder.spec.device):
        is_validation = torch.from_numpy(np.isin(owner, held_out))
        validation, training = states[:, is_validation], states[:, ~is_validation]
        weight, bias = _regressed(training)
    before = _divergence(encoder, validation[:-1], validation[-1])
    _descend(encoder, training, weight, bias, steps, seed, progress)
    with lock_device(encoder.spec.device), torch.no_grad():
        moved = validation[:-1] + torch.einsum("lni,loi->lno", validation[:-1], weight) + bias[:, None]
        after = _divergence(encoder, moved, validation[-1])
        fitted = [read_only(one.detach().cpu().numpy(), np.float32) for one in (weight, bias)]
    texts_of = np.searchsorted(held_out, owner[is_validation.numpy()])
    gains = np.stack([np.bincount(texts_of, one, len(held_out)) for one in before - after], axis=1)
    return TunedLens(
        weight=fitted[0],
        bias=fitted[1],
        revision=encoder.spec.checkpoint.revision,
        states=training.shape[1],
        texts=len(np.unique(owner)) - len(held_out),
        held_out_states=validation.shape[1],
        held_out_texts=len(held_out),
        before=read_only(before.mean(axis=1), np.float32),
        after=read_only(after.mean(axis=1), np.float32),
        gain=read_only(
            ratio_interval(gains, np.bincount(texts_of, minlength=len(held_out)).astype(float)[:, None]), np.float32
        ),
    )


def _collect(
    encoder: Encoder, texts: Sequence[str], seed: int
) -> tuple[torch.Tensor, Int[np.ndarray, " state"], Int[np.ndarray, " text"]]:
    """Return states of hidden and seen tokens at every level, in float32, which text each is of, and those held out.

    The states are ``(level, state, width)``. Texts that read the same have one number. What is drawn of a text depends
    on the seed and its index alone: no text changes what is asked of another.
    """
    mask, others = mask_id(encoder), ordinary_ids(encoder.tokenizer)
    # No more texts than states are wanted of all.
    chosen = np.sort(np.random.default_rng(seed).permutation(len(texts))[:_STATES])
    plain = [encoder.tokens(windows(encoder, texts[i]).first[0].text) for i in chosen]
    numbers: dict[bytes, int] = {}
    alike = np.array([numbers.setdefault(one.ids.tobytes(), len(numbers)) for one in plain], np.int64)
    if len(numbers) < _LEAST:
        raise InputError.counted(
            "Fitting a lens needs at least {least} different texts, but there is {count}. Add some more.",
            "Fitting a lens needs at least {least} different texts, but there are {count}. Add some more.",
            len(numbers),
            least=_LEAST,
            count=len(numbers),
        )
    held_out = np.sort(np.random.default_rng(seed).permutation(len(numbers))[: max(2, len(numbers) // _FOLDS)])
    each = -(-_STATES // len(plain))
    found: dict[int, torch.Tensor] = {}
    draws = [np.random.default_rng((seed, index)) for index in range(len(plain))]
    read: list[Tokens] = []
    for tokens, random in zip(plain, draws, strict=True):
        ids = mask_tokens(tokens.ids, maskable_tokens(tokens.ids, tokens.special, others), mask, others, random).ids
        read.append(replace(tokens, ids=ids))
    for batch in batches_of([len(one) for one in read], 2048):
        with lock_device(encoder.spec.device):
            states = states_of(encoder, [read[i] for i in batch]).float()
            for row, index in enumerate(batch):
                kept = draws[index].permutation(np.flatnonzero(~read[index].special))[:each]
                found[index] = states[:, row, torch.from_numpy(kept)].clone()
    whole = [found[index] for index in range(len(plain))]
    with lock_device(encoder.spec.device):
        states = torch.cat(whole, dim=1)
    return states, np.repeat(alike, [one.shape[1] for one in whole]), held_out


def _regressed(states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    last = states[-1]
    weights, biases = [], []
    for level in states[:-1]:
        mean, goal = level.mean(0), (last - level).mean(0)
        centred = level - mean
        product = centred.T @ centred
        ridge = _RIDGE * product.diagonal().mean() * torch.eye(len(product), device=product.device)
        weight = torch.linalg.solve(product + ridge, centred.T @ (last - level - goal)).T
        weights.append(weight)
        biases.append(goal - weight @ mean)
    return torch.stack(weights), torch.stack(biases)


def _descend(
    encoder: Encoder,
    states: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    steps: int,
    seed: int,
    progress: Progress | None,
) -> None:
    """Let a lens learn from states, ``(level, state, width)`` by Adam: ``weight`` and ``bias`` are changed in place."""
    weight.requires_grad_(True)
    bias.requires_grad_(True)
    optimizer = torch.optim.Adam([weight, bias], lr=_RATE * encoder.width**-0.5)
    random = torch.Generator().manual_seed(seed)
    for step in range(steps):
        # For a step only: others may want the device meanwhile.
        with lock_device(encoder.spec.device):
            own = states[:, torch.randint(states.shape[1], (_BATCH,), generator=random)]
            with torch.no_grad():
                goal = encoder.guess(own[-1]).float().log_softmax(-1)
            optimizer.zero_grad()
            # A level at a time: the vocabulary is wide.
            for level in range(len(bias)):
                guess = own[level] + own[level] @ weight[level].T + bias[level]
                found = encoder.guess(guess).float().log_softmax(-1)
                loss = (goal.exp() * (goal - found)).sum(-1).mean()
                loss.backward()
            optimizer.step()
        if progress is not None:
            progress(step + 1, steps, "")


def _divergence(encoder: Encoder, states: torch.Tensor, last: torch.Tensor) -> Float64[np.ndarray, "level state"]:
    """Return ``KL(last ‖ level)`` of each state, in bits."""
    with lock_device(encoder.spec.device), torch.no_grad():
        goal = encoder.guess(last).float().log_softmax(-1)
        found = [
            (goal.exp() * (goal - encoder.guess(one).float().log_softmax(-1))).sum(-1).cpu().numpy() for one in states
        ]
    return np.array(found, np.float64) / np.log(2)
