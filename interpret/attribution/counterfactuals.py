"""What would have had to be written: words taken out or exchanged until the model says something else."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from interpret.attribution.path_integral import Progress
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.variants import Change, Variants, apply_changes, read_variants, token_of
from interpret.core.device_lock import hold
from interpret.core.errors import InputError
from interpret.core.tasks import logits_of

SEARCHES = ("delete", "nearest", "hotflip", "masked")
_CANDIDATES = 12
# Of so many best tokens those are taken that can be read back as they are spelled.
_LOOKED_AT = 200
_MOST_CHANGES = 5
_MOST_TRIED = 3000
# Reads sets of changes; tells for each whether it turns the prediction, and what probability the first class has left.
_Read = Callable[[Sequence[tuple["Change", ...]]], list[tuple[bool, float]]]


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
    question: TargetFunction, search: str = "delete", most: int = _MOST_CHANGES, progress: Progress | None = None
) -> Counterfactuals:
    """Look for the fewest changes after which another class is likeliest.

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
        If the target is no class, or the model guesses no words and ``"masked"`` is asked for.

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
    >>> [found.variants.labels[place] for place in found.variants.probabilities.argmax(axis=-1)]
    ['good', 'bad']
    >>> found.smallest
    True
    """
    if not question.kind.predicts:
        raise InputError("Only the prediction of a class can flip, and this target is not a class. Choose a class.")
    if search not in SEARCHES:
        raise InputError("There is no search “{name}”. Choose one of: {known}.", name=search, known=", ".join(SEARCHES))
    begin = time.perf_counter()
    if search != "delete":
        # Exchanges are of single tokens: of a Chinese word each character is tried.
        question = copy(question)
        question.tokens = question.encoder.tokens(question.tokens.text, question.tokens.pair)
    singles = list(_singles(question, search))
    whole = question.own
    start = int(whole.argmax())
    tried = 0

    def read(sets: Sequence[tuple[Change, ...]]) -> list[tuple[bool, float]]:
        nonlocal tried
        found = []
        for first in range(0, len(sets), 256):
            some = sets[first : first + 256]
            answers = question.answers([apply_changes(question, one) for one in some])
            probabilities = question.probabilities(answers)
            found += [(int(a.argmax()) != start, float(c[start])) for a, c in zip(answers, probabilities, strict=True)]
            tried += len(some)
            if progress is not None:
                progress(min(tried, _MOST_TRIED), _MOST_TRIED, "searching")
        return found

    turned: list[tuple[tuple[Change, ...], float]] = []
    costs: list[float] = []
    exhausted, size = 0, 1
    while not turned and size <= most and singles:
        if tried + _count_sets(singles, size) > _MOST_TRIED:
            break
        sets = [one for one in combinations(singles, size) if len({c.place for c in one}) == size]
        results = read(sets)
        if size == 1:
            costs = [probability for _, probability in results]
        turned = [(one, probability) for one, (other, probability) in zip(sets, results, strict=True) if other]
        exhausted = size
        size += 1
    smallest = bool(turned)
    if not turned and singles and exhausted < most:
        turned = _greedy(singles, costs or [c for _, c in read([(one,) for one in singles])], most, read)
        smallest = bool(turned) and len(turned[0][0]) == exhausted + 1
    best = sorted(turned, key=lambda one: (len(one[0]), one[1]))[:10]
    return Counterfactuals(
        read_variants(question, [(), *(one for one, _ in best)]),
        smallest,
        tried,
        search,
        time.perf_counter() - begin,
    )


def _count_sets(singles: Sequence[Change], size: int) -> int:
    """Count the sets of so many changes to different words, without making them."""
    counts = [1] + [0] * size
    for changes in Counter(one.place for one in singles).values():
        for taken in range(size, 0, -1):
            counts[taken] += counts[taken - 1] * changes
    return counts[size]


def _greedy(
    singles: list[Change],
    costs: list[float],
    most: int,
    read: _Read,
) -> list[tuple[tuple[Change, ...], float]]:
    order = [singles[i] for i in np.argsort(costs, kind="stable")]
    chosen: tuple[Change, ...] = ()
    probability = 0.0
    while len(chosen) < most:
        taken = {one.place for one in chosen}
        rest = [one for one in order if one.place not in taken][:40]
        if not rest:
            return []
        results = read([(*chosen, one) for one in rest])
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
        results = read(sets)
        good = [(one, c) for one, (other, c) in zip(sets, results, strict=True) if other]
        shorter = bool(good)
        if good:
            chosen, probability = min(good, key=lambda one: one[1])
    return [(tuple(sorted(chosen, key=lambda one: one.place)), probability)]


def _singles(question: TargetFunction, search: str) -> Iterator[Change]:
    tokens, decode = question.tokens, question.encoder.tokenizer.decode
    words = question.free_words
    if search == "delete":
        for place, _ in words:
            yield Change(place, tokens.words[place], "")
        return
    alone = [(place, group[0]) for place, group in words if len(tokens.groups[place]) == 1]
    usable = _whole_words(question)
    scores = _suggestions(question, search, [token for _, token in alone], usable)
    for (place, token), row in zip(alone, scores, strict=True):
        found = 0
        for i in np.argsort(-row, kind="stable")[:_LOOKED_AT]:
            name = decode([int(usable[i])]).strip()
            if (
                usable[i] == tokens.ids[token]
                or not name.isalpha()
                or not _is_read_as(question, place, name, int(usable[i]))
            ):
                continue
            yield Change(place, tokens.words[place], name)
            found += 1
            if found == _CANDIDATES:
                break


def _is_read_as(question: TargetFunction, place: int, name: str, token: int) -> bool:
    try:
        return token_of(question, place, name) == token
    except InputError:
        return False


def _whole_words(question: TargetFunction) -> np.ndarray:
    """Tokens that can begin a word: those with the mark of a space where there is one, or else those without ``##``."""
    vocabulary = question.encoder.tokenizer.get_vocab()
    marked = any(name.startswith(("Ġ", "▁")) for name in vocabulary)
    kept = [
        place
        for name, place in vocabulary.items()
        if (len(name) > 1 and name.startswith(("Ġ", "▁")) if marked else name.isalpha())
    ]
    return np.array(sorted(kept))


def _suggestions(question: TargetFunction, search: str, places: list[int], usable: np.ndarray) -> np.ndarray:
    """Score the vocabulary's words for each place: the higher, the rather it is tried."""
    encoder = question.encoder
    with hold(encoder.spec.device):
        matrix = encoder.embedding_matrix[torch.from_numpy(usable)].float()
        embedded = question.embedded.float()
        if search == "nearest":
            unit = torch.nn.functional.normalize
            return (unit(embedded[places], dim=-1) @ unit(matrix, dim=-1).T).cpu().numpy()
        if search == "hotflip":
            # By the first-order estimate, the change in the class's score is the gradient times the way to the word.
            point = embedded[None].clone().requires_grad_()
            (gradient,) = torch.autograd.grad(question.score(point, gradients=True).sum(), point)
            question.backward_passes += 1
            slope = gradient[0, places]
            return ((slope * embedded[places]).sum(dim=-1, keepdim=True) - slope @ matrix.T).cpu().numpy()
    if encoder.task is None or encoder.task.kind != "masked words" or encoder.mask is None:
        raise InputError(
            "This model has no masked-language-model head, so it cannot suggest words. Choose the nearest embeddings "
            "(“nearest”) or HotFlip (“hotflip”)."
        )
    mask = int(encoder.tokenizer.token_to_id(encoder.mask) or 0)
    texts = [question.with_tokens({place: mask}) for place in places]
    rows = []
    for place, text in zip(places, texts, strict=True):
        with hold(encoder.spec.device):
            logits = logits_of(encoder.forward([text], task=True))[0, place].float().cpu()
        rows.append(logits.numpy()[usable])
    return np.stack(rows)
