"""Word-pair interactions: which pairs make two texts alike, and which words of one text count only together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch.autograd import forward_ad

from interpret.attribution.find_target import target_function
from interpret.attribution.path_integral import Progress
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets import Target
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tap import Tap
from interpret.core.tokens import Tokens

_STEPS = (8, 16, 32, 64, 128)
MOST_PAIRED_WORDS = 60
# PyTorch allows one level of forward-mode derivatives in the whole process, whatever the device.
_forward_mode = threading.Lock()


@dataclass(frozen=True, eq=False)
class SimilarityPairs:
    """Which tokens of two texts make them alike, in pairs (integrated Jacobians, Moeller et al. 2023, eq. 6).

    Attributes
    ----------
    first, second
        The texts.
    scores
        What each pair adds to the cosine of the two sentence vectors, or to their dot product where the model compares
        by that.
    similarity
        That cosine, or dot product.
    to_baseline
        What the pairs cannot account for: the similarity that each text has with the other's baseline, less that of
        the two baselines. ``scores.sum() + to_baseline`` is the similarity but for ``delta``.
    baseline
        What was compared with.
    delta
        What the sum has more than it should, from the steps being finite.
    steps
        At how many points on the way from the baselines the model was evaluated.
    seconds
        What it took.
    """

    first: Tokens
    second: Tokens
    scores: Float32[np.ndarray, "first_token second_token"]
    similarity: float
    to_baseline: float
    baseline: str
    delta: float
    steps: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Interactions:
    """What two words of a text do together that neither does alone.

    Attributes
    ----------
    tokens, target, baseline
        Of what.
    words
        The groups of tokens that were faded, as indices in `Tokens.groups`.
    strength
        Archipelago's interaction strength (ArchDetect, Tsang et al. 2020), as the root of its mean of squares, in
        units of the answer: for each pair how much the answer has of both beyond what it has of each, root
        mean square over a text with all other words and one with none; symmetric, 0 on the diagonal.
    difference
        The mean of the two with its sign, which the squares lose: below 0 the words say the same twice, or one takes
        the other back. Not Archipelago's: where the two contexts have opposite signs it is near 0, however strong.
    forward_passes, seconds
        What it took.
    """

    tokens: Tokens
    target: Target
    baseline: str
    words: tuple[int, ...]
    strength: Float32[np.ndarray, "word other"]
    difference: Float32[np.ndarray, "word other"]
    forward_passes: int
    seconds: float


def similarity_pairs(
    encoder: Encoder,
    text: str,
    other: str,
    baseline: str = "pad",
    tolerance: float = 0.01,
    progress: Progress | None = None,
    *,
    pooling: str = "auto",
    prompt: str | None = None,
) -> SimilarityPairs:
    """Tell which pairs of tokens make two texts alike.

    Each sentence vector is its baseline's plus what every token adds on the straight way between them: an integral of
    Jacobians times the token's way. The products of what one text's tokens add with what the other's add, divided by
    the lengths of both vectors, are the pairs' shares of the cosine.

    Parameters
    ----------
    tolerance
        By how much what the tokens add may miss the vectors' difference, as a share of its length; steps are doubled
        until that is so.
    progress
        Called as ``progress(tokens done, tokens in all, "path")``.
    pooling, prompt
        How the sentence vectors are made: see `interpret.core.sentence_vectors.sentence_reading`.

    Raises
    ------
    InputError
        If the model's architecture has no attention that can be followed, or its vectors are compared by a distance,
        which is no sum of pairs.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> pairs = it.attribution.similarity_pairs(encoder, "A doctor.", "The physician.", tolerance=0.1)
    >>> pairs.scores.shape  # token token
    (5, 5)
    >>> row, column = divmod(int(pairs.scores.argmax()), pairs.scores.shape[1])
    >>> pairs.first.strings[row], pairs.second.strings[column]
    ('doctor', 'physician')
    >>> float(abs(pairs.scores.sum() + pairs.to_baseline - pairs.similarity)) < 0.02
    True
    """
    begin = time.perf_counter()
    functions, measure = _both_ways(encoder, text, other, pooling, prompt)
    lengths = [len(one.tokens) for one in functions]
    added, whole, empty, steps = [], [], [], 0
    for index, function in enumerate(functions):

        def report(done: int, index: int = index) -> None:
            if progress is not None:
                progress(sum(lengths[:index]) + done, sum(lengths), "path")

        parts, vectors, used = _added(function, baseline, tolerance, report)
        added.append(parts)
        whole.append(vectors[1])
        empty.append(vectors[0])
        steps = max(steps, used)
    size = float(np.linalg.norm(whole[0]) * np.linalg.norm(whole[1])) if measure == "cosine" else 1.0
    scores = added[0] @ added[1].T / size
    similarity = float(whole[0] @ whole[1]) / size
    to_baseline = float(whole[0] @ empty[1] + empty[0] @ whole[1] - empty[0] @ empty[1]) / size
    return SimilarityPairs(
        first=functions[0].tokens,
        second=functions[1].tokens,
        scores=read_only(scores, np.float32),
        similarity=similarity,
        to_baseline=to_baseline,
        baseline=baseline,
        delta=float(scores.sum()) + to_baseline - similarity,
        steps=steps,
        seconds=time.perf_counter() - begin,
    )


def _both_ways(
    encoder: Encoder, text: str, other: str, pooling: str, prompt: str | None
) -> tuple[list[TargetFunction], str]:
    """Ask from each side how alike the texts are; return also what they are compared by, a cosine or dot product."""
    functions = [
        target_function(encoder, one, two, "similarity", pooling=pooling, prompt=prompt)
        for one, two in ((text, other), (other, text))
    ]
    measure = functions[0].reading.model.similarity
    if measure not in ("cosine", "dot"):
        raise InputError(
            "This model compares vectors by {name} distance, which cannot be decomposed into pairs of words. Choose "
            "the pooling “mean”.",
            name=measure,
        )
    return functions, measure


def _added(
    target_function: TargetFunction, baseline: str, tolerance: float, report: Callable[..., None]
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], int]:
    """Return what each token adds to the sentence vector, ``(token, hidden)``, and the vectors at both ends."""
    embedded, empty = target_function.embedded, target_function.baseline(baseline)
    free = np.flatnonzero(~target_function.fixed)
    # Let go before `_moved_vectors`, which takes another lock first: in both orders two threads would wait for ever.
    with lock_device(target_function.encoder.spec.device):
        both, way = torch.stack([empty, embedded]), embedded - empty
    ends, _ = _moved_vectors(target_function, both, None)
    found, steps = np.zeros((len(target_function.tokens), ends.shape[1])), 0
    for steps in _STEPS:
        points, weights = np.polynomial.legendre.leggauss(steps)
        found = np.zeros_like(found)
        for done, index in enumerate(free):
            # One token at a time fades in further, at all points of the way at once.
            for first in range(0, steps, target_function.at_once):
                some = torch.tensor((points[first : first + target_function.at_once] + 1) / 2)
                with lock_device(target_function.encoder.spec.device):
                    at = empty + some.to(embedded)[:, None, None] * way
                    slope = torch.zeros_like(at)
                    slope[:, index] = way[index]
                _, moved = _moved_vectors(target_function, at, slope)
                found[index] += weights[first : first + target_function.at_once] / 2 @ moved
            report(done + 1)
        difference = ends[1] - ends[0]
        missed = float(np.linalg.norm(found.sum(axis=0) - difference))
        if missed <= tolerance * float(np.linalg.norm(difference)):
            break
    return found, (ends[0], ends[1]), steps


def _moved_vectors(
    target_function: TargetFunction, at: torch.Tensor, slope: torch.Tensor | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return sentence vectors, and how they change along ``slope`` (forward-mode derivatives)."""
    encoder = target_function.encoder
    inputs = {
        name: one.expand(len(at), -1) for name, one in encoder.beside_embeddings([target_function.tokens]).items()
    }
    target_function.forward_passes += len(at)
    # With a tap open attention is computed in the open, whose every step has such derivatives; SDPA has none.
    tap = Tap(encoder.layers, record=False)
    with _forward_mode, lock_device(encoder.spec.device), torch.no_grad(), forward_ad.dual_level():
        embedded = at if slope is None else forward_ad.make_dual(at, slope)
        output = encoder.run({"inputs_embeds": embedded, **inputs}, tap, gradients=True)
        vectors = target_function.reading.vectors(output.last_hidden_state, inputs["attention_mask"])
        primal, tangent = forward_ad.unpack_dual(vectors)
        change = torch.zeros_like(primal) if tangent is None else tangent
        return primal.double().cpu().numpy(), change.double().cpu().numpy()


def interactions(
    target_function: TargetFunction, baseline: str = "pad", progress: Progress | None = None
) -> Interactions:
    """Measure what words do in twos: ArchDetect's strength (Tsang et al. 2020), and its sign.

    For words i and j, ``ω = f(i, j) - f(i) - f(j) + f()`` once with all other words there and once with none of them.
    The published strength is the mean of both ω²; here is its root, which orders pairs alike.

    Raises
    ------
    InputError
        If there are too few words or too many.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> found = it.attribution.interactions(function)
    >>> found.strength.shape  # word word
    (7, 7)
    >>> words = [function.tokens.words[index] for index in found.words]
    >>> one, other = divmod(int(found.strength.argmax()), len(words))
    >>> words[one], words[other]
    ('wonderful', 'told')
    """
    words = target_function.free_words
    groups = [tokens for _, tokens in words]
    count = len(groups)
    if not 2 <= count <= MOST_PAIRED_WORDS:
        raise InputError(
            "Word-pair interactions need 2 to {most} words, and this text has {count}. Shorten it or add words.",
            most=MOST_PAIRED_WORDS,
            count=count,
        )
    begin, before = time.perf_counter(), target_function.forward_passes
    embedded, empty = target_function.embedded, target_function.baseline(baseline)
    sets: dict[frozenset[int], int] = {}
    everything = frozenset(range(count))
    for context in ("all", "none"):
        for i in range(count):
            for j in range(i):
                for some in ((), (i,), (j,), (i, j)):
                    chosen = frozenset(some) if context == "none" else everything - frozenset(some)
                    sets.setdefault(chosen, len(sets))
    gates = np.zeros((len(sets), len(target_function.tokens)), np.float32)
    gates[:, target_function.fixed] = 1
    for chosen, row in sets.items():
        for word in chosen:
            gates[row, list(groups[word])] = 1
    answers = np.empty(len(sets))
    for first in range(0, len(sets), target_function.at_once):
        some_gates = torch.from_numpy(gates[first : first + target_function.at_once])
        with lock_device(target_function.encoder.spec.device, gives_way=True), torch.no_grad():
            there = some_gates.to(embedded)[..., None]
            found = target_function.score(empty + there * (embedded - empty)).cpu().numpy()
        answers[first : first + len(found)] = found
        if progress is not None:
            progress(min(first + len(found), len(sets)), len(sets), "pairs")
    strength, difference = np.zeros((2, count, count))
    for i in range(count):
        for j in range(i):
            with_all = [answers[sets[everything - frozenset(some)]] for some in ((), (i,), (j,), (i, j))]
            with_none = [answers[sets[frozenset(some)]] for some in ((i, j), (i,), (j,), ())]
            both = [one[0] - one[1] - one[2] + one[3] for one in (with_all, with_none)]
            strength[i, j] = strength[j, i] = np.sqrt(np.mean(np.square(both)))
            difference[i, j] = difference[j, i] = np.mean(both)
    return Interactions(
        tokens=target_function.tokens,
        target=target_function.target,
        baseline=baseline,
        words=tuple(index for index, _ in words),
        strength=read_only(strength, np.float32),
        difference=read_only(difference, np.float32),
        forward_passes=target_function.forward_passes - before,
        seconds=time.perf_counter() - begin,
    )
