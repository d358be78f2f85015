"""What would have had to be written: words taken out or exchanged until the model says something else."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from interpret.attribution.path_integral import Progress
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.variants import Change, Variants, apply_changes, read_variants, token_of
from interpret.core.device_lock import lock_device
from interpret.core.errors import InputError
from interpret.core.tasks import logits_of

SEARCHES = ("delete", "nearest", "hotflip", "masked")
_CANDIDATES = 12
# Of so many best tokens those are taken that can be read back as they are spelled.
_LOOKED_AT = 200
_MOST_CHANGES = 5
_MOST_TRIED = 3000


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """A search for the fewest changes that turn the prediction.

    Attributes
    ----------
    variants
        The text as it is, and the variants that turned it with the fewest changes, the surest first; only the first
        row where none was found.
    smallest
        Whether every smaller set of changes that the search allows was tried, and failed.
    tried
        How many variants were read.
    search
        How it was searched.
    seconds
        What it took.
    """

    variants: Variants
    smallest: bool
    tried: int
    search: str
    seconds: float


def find_counterfactuals(
    target_function: TargetFunction, search: str = "delete", most: int = _MOST_CHANGES, progress: Progress | None = None
) -> Counterfactuals:
    """Look for the fewest changes after which another class is likeliest.

    Of a class that stands alone (multi-label), and of a score that is a probability, it looks for those after which
    that probability is on the other side of one half.

    Deletions: all single words are tried, then all pairs, as long as no more than some thousand variants come of it;
    beyond, the words whose loss costs the class most are added one by one, and those that prove needless taken back.
    Exchanges go the same way over the few best candidates for each word of one token: its ``"nearest"`` tokens by the
    cosine of their embeddings; those that ``"hotflip"`` (Ebrahimi et al. 2018, eq. 2) estimates to cost the class
    most; or what the model's own head finds likeliest in the word's place (``"masked"``).

    Parameters
    ----------
    most
        How many changes at most.
    progress
        Called as ``progress(variants read, most, "searching")``.

    Raises
    ------
    InputError
        If the target is no decision, or the model guesses no words and ``"masked"`` is asked for.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> found = it.attribution.find_counterfactuals(function)
    >>> found.variants.texts
    ('A wonderful story, badly told.', 'A story, badly told.')
    >>> [found.variants.labels[index] for index in found.variants.probabilities.argmax(axis=-1)]
    ['good', 'bad']
    >>> found.smallest
    True
    """
    if not target_function.decides:
        raise InputError("Only the prediction of a class can flip, and this target is not a class. Choose a class.")
    if search not in SEARCHES:
        raise InputError("There is no search “{name}”. Choose one of: {known}.", name=search, known=", ".join(SEARCHES))
    begin = time.perf_counter()
    if search != "delete":
        # Exchanges are of single tokens: of a Chinese word each character is tried.
        target_function = copy(target_function)
        target_function.tokens = target_function.encoder.tokens(
            target_function.tokens.text, target_function.tokens.pair
        )
    singles = list(_singles(target_function, search))
    reader = _Reader(target_function, progress)
    turned: list[tuple[tuple[Change, ...], float]] = []
    costs: list[float] = []
    exhausted, size = 0, 1
    while not turned and size <= most and singles:
        if reader.tried + _count_sets(singles, size) > _MOST_TRIED:
            break
        sets = [one for one in combinations(singles, size) if len({c.position for c in one}) == size]
        results = reader.read(sets)
        if size == 1:
            costs = [probability for _, probability in results]
        turned = [(one, probability) for one, (other, probability) in zip(sets, results, strict=True) if other]
        exhausted = size
        size += 1
    smallest = bool(turned)
    if not turned and singles and exhausted < most:
        turned = _greedy(singles, costs or [c for _, c in reader.read([(one,) for one in singles])], most, reader)
        smallest = bool(turned) and len(turned[0][0]) == exhausted + 1
    best = sorted(turned, key=lambda one: (len(one[0]), one[1]))[:10]
    return Counterfactuals(
        read_variants(target_function, [(), *(one for one, _ in best)]),
        smallest,
        reader.tried,
        search,
        time.perf_counter() - begin,
    )


class _Reader:
    """Reads the text with changes, and counts how many variants it has read."""

    def __init__(self, target_function: TargetFunction, progress: Progress | None) -> None:
        self.target_function = target_function
        self.progress = progress
        alone = target_function.stands_alone
        self.start = target_function.column(len(target_function.own)) if alone else int(target_function.own.argmax())
        # Of what stands alone and is not given, the less likely it is not, the nearer is the flip.
        self.turned = alone and bool(target_function.own[self.start] < 0)
        self.tried = 0

    def read(self, sets: Sequence[tuple[Change, ...]]) -> list[tuple[bool, float]]:
        """Tell whether each set of changes turns the prediction, and the probability that the decision has left."""
        target_function = self.target_function
        found = []
        for first in range(0, len(sets), 256):
            some = sets[first : first + 256]
            answers = target_function.answers([apply_changes(target_function, one) for one in some])
            probabilities = target_function.probabilities(answers)
            left = probabilities[:, self.start]
            flipped = target_function.flipped(answers).tolist()
            found += list(zip(flipped, (1 - left if self.turned else left).tolist(), strict=True))
            self.tried += len(some)
            if self.progress is not None:
                self.progress(min(self.tried, _MOST_TRIED), _MOST_TRIED, "searching")
        return found


def _count_sets(singles: Sequence[Change], size: int) -> int:
    """Count the sets of so many changes to different words, without making them."""
    counts = [1] + [0] * size
    for changes in Counter(one.position for one in singles).values():
        for taken in range(size, 0, -1):
            counts[taken] += counts[taken - 1] * changes
    return counts[size]


def _greedy(
    singles: list[Change],
    costs: list[float],
    most: int,
    reader: _Reader,
) -> list[tuple[tuple[Change, ...], float]]:
    order = [singles[i] for i in np.argsort(costs, kind="stable")]
    chosen: tuple[Change, ...] = ()
    probability = 0.0
    while len(chosen) < most:
        taken = {one.position for one in chosen}
        rest = [one for one in order if one.position not in taken][:40]
        if not rest:
            return []
        results = reader.read([(*chosen, one) for one in rest])
        best = int(np.argmin([probability for _, probability in results]))
        chosen, probability = (*chosen, rest[best]), results[best][1]
        if results[best][0]:
            break
    else:
        return []
    # What was taken first may have become needless.
    shorter = True
    while shorter and len(chosen) > 1:
        sets = [chosen[:i] + chosen[i + 1 :] for i in range(len(chosen))]
        results = reader.read(sets)
        good = [(one, c) for one, (other, c) in zip(sets, results, strict=True) if other]
        shorter = bool(good)
        if good:
            chosen, probability = min(good, key=lambda one: one[1])
    return [(tuple(sorted(chosen, key=lambda one: one.position)), probability)]


def _singles(target_function: TargetFunction, search: str) -> Iterator[Change]:
    tokens, decode = target_function.tokens, target_function.encoder.tokenizer.decode
    words = target_function.free_words
    if search == "delete":
        for position, _ in words:
            yield Change(position, tokens.words[position], "")
        return
    alone = [(position, group[0]) for position, group in words if len(tokens.groups[position]) == 1]
    usable = _whole_words(target_function)
    scores = _suggestions(target_function, search, [token for _, token in alone], usable)
    for (position, token), row in zip(alone, scores, strict=True):
        found = 0
        for i in np.argsort(-row, kind="stable")[:_LOOKED_AT]:
            name = decode([int(usable[i])]).strip()
            if (
                usable[i] == tokens.ids[token]
                or not name.isalpha()
                or not _is_read_as(target_function, position, name, int(usable[i]))
            ):
                continue
            yield Change(position, tokens.words[position], name)
            found += 1
            if found == _CANDIDATES:
                break


def _is_read_as(target_function: TargetFunction, position: int, name: str, token: int) -> bool:
    try:
        return token_of(target_function, position, name) == token
    except InputError:
        return False


def _whole_words(target_function: TargetFunction) -> np.ndarray:
    """Tokens that can begin a word: those with the mark of a space where there is one, or else those without ``##``."""
    vocabulary = target_function.encoder.tokenizer.get_vocab()
    marked = any(name.startswith(("Ġ", "▁")) for name in vocabulary)
    kept = [
        token_id
        for name, token_id in vocabulary.items()
        if (len(name) > 1 and name.startswith(("Ġ", "▁")) if marked else name.isalpha())
    ]
    return np.array(sorted(kept))


def _suggestions(target_function: TargetFunction, search: str, positions: list[int], usable: np.ndarray) -> np.ndarray:
    """Score the vocabulary's words for each position: the higher, the rather it is tried."""
    encoder = target_function.encoder
    with lock_device(encoder.spec.device):
        matrix = encoder.embedding_matrix[torch.from_numpy(usable)].float()
        embedded = target_function.embedded.float()
        if search == "nearest":
            unit = torch.nn.functional.normalize
            return (unit(embedded[positions], dim=-1) @ unit(matrix, dim=-1).T).cpu().numpy()
        if search == "hotflip":
            # By the first-order estimate, the change in the class's score is the gradient times the way to the word.
            point = embedded[None].clone().requires_grad_()
            (gradient,) = torch.autograd.grad(target_function.score(point, gradients=True).sum(), point)
            target_function.backward_passes += 1
            slope = gradient[0, positions]
            return ((slope * embedded[positions]).sum(dim=-1, keepdim=True) - slope @ matrix.T).cpu().numpy()
    if encoder.task is None or encoder.task.kind != "masked words" or encoder.mask is None:
        raise InputError(
            "This model has no masked-language-model head, so it cannot suggest words. Choose the nearest embeddings "
            "(“nearest”) or HotFlip (“hotflip”)."
        )
    mask = int(encoder.tokenizer.token_to_id(encoder.mask) or 0)
    texts = [target_function.with_tokens({position: mask}) for position in positions]
    rows = []
    for position, text in zip(positions, texts, strict=True):
        with lock_device(encoder.spec.device):
            logits = logits_of(encoder.forward([text], task=True))[0, position].float().cpu()
        rows.append(logits.numpy()[usable])
    return np.stack(rows)
