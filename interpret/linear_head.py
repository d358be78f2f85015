"""A classifier for a model that has none: a linear head on its frozen sentence vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int

from interpret.arrays import read_only
from interpret.batching import batches, windows_of
from interpret.encoder import Encoder
from interpret.errors import InputError
from interpret.heads import mean_states


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A softmax regression on the mean of a text's last hidden states.

    Attributes
    ----------
    labels
        The classes.
    weight, bias
        ``logits = weight · mean + bias``.
    accuracy
        The share of right answers for texts that were left out in turn (stratified cross-validation, five folds or as
        many as the smallest class has texts); NaN where a class has a single text.
    commonest, majority
        The class of most texts, and its share: the accuracy of who always guesses it.
    """

    labels: tuple[str, ...]
    weight: Float32[np.ndarray, "label hidden"]
    bias: Float32[np.ndarray, "label"]
    accuracy: float = float("nan")
    commonest: str = ""
    majority: float = float("nan")

    def logits(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Score a batch, ``(text, label)``, from its last hidden states ``(text, token, hidden)`` and its mask."""
        weight, bias = (torch.tensor(array, device=hidden.device) for array in (self.weight, self.bias))
        return mean_states(hidden, mask) @ weight.T + bias


def sentence_vectors(encoder: Encoder, texts: Sequence[str]) -> Float32[np.ndarray, "text hidden"]:
    """Return the mean of each text's last hidden states; of a text that is too long, its first window's."""
    vectors = np.empty((len(texts), encoder.width), np.float32)
    read = [windows[0] for windows in windows_of(encoder, [(text, None) for text in texts])]
    for some in batches(encoder, read):
        tokens = [encoder.tokens(read[i][0]) for i in some]
        hidden = encoder.forward(tokens).last_hidden_state
        vectors[some] = mean_states(hidden, encoder.batch(tokens)["attention_mask"]).cpu().numpy()
    return read_only(vectors)


def fit_head(encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> LinearHead:
    """Fit a linear head on a frozen encoder: seconds, and no more than the encoder's vectors already hold.

    It is scikit-learn's logistic regression with its usual L2 penalty (C = 1), on vectors scaled to unit variance.

    Raises
    ------
    InputError
        If there are fewer than two classes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise InputError(
            "All texts have the label “{label}”. A classifier needs texts of two classes at least.",
            label=classes[0] if classes else "",
        )
    vectors = sentence_vectors(encoder, texts).astype(np.float64)
    centre, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-9
    truth = [classes.index(one) for one in labels]
    fitted = LogisticRegression(max_iter=1000).fit((vectors - centre) / spread, truth)
    counts = np.bincount(truth)
    accuracy = float("nan")
    if counts.min() > 1:
        folds = StratifiedKFold(min(5, int(counts.min())), shuffle=True, random_state=0)
        whole = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        accuracy = float(cross_val_score(whole, vectors, truth, cv=folds).mean())
    weight, bias = fitted.coef_ / spread, fitted.intercept_
    if len(classes) == 2:
        # With two classes there is one score, for the second against the first.
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearHead(
        classes,
        read_only(weight, np.float32),
        read_only(bias - weight @ centre, np.float32),
        accuracy,
        classes[int(counts.argmax())],
        float(counts.max() / counts.sum()),
    )


def split_half(labels: Sequence[str], seed: int = 0) -> tuple[Int[np.ndarray, "first"], Int[np.ndarray, "second"]]:
    """Cut places into halves with as much of each class in either, by a seeded shuffle."""
    order = np.random.default_rng(seed).permutation(len(labels))
    halves: tuple[list[int], list[int]] = ([], [])
    for name in sorted(set(labels)):
        members = [int(i) for i in order if labels[i] == name]
        # A class with an odd number gives its odd one to the smaller half.
        small = int(len(halves[0]) > len(halves[1]))
        for index, member in enumerate(members):
            halves[(index + small) % 2].append(member)
    return read_only(sorted(halves[0]), np.int64), read_only(sorted(halves[1]), np.int64)
