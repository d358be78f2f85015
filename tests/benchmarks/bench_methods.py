"""How faithful each attribution method is, on rows that come with the dashboard: the figures of `METHODS`.

Hybrid documents (Poerner, Roth & Schütze 2018, sec. 3.1): two sentences of different topics, drawn from those that the
head was not fitted on, stand one behind the other, and the topic that the model finds is explained. What decides is
known then, and nobody had to mark it: the words of that topic's sentence. Documents for which the model finds a third
topic are left out.

- ERASER's comprehensiveness (DeYoung et al. 2020): does the answer fall when the words on top are deleted. By it the
  methods are ranked: it asks the model, and not where a person would look.
- AUPRC: do the words of the right sentence come before those of the other.

Beside each stands the mean over rankings at random of the very same documents, and a 95 % interval of the difference by
bootstrap over documents. ``python -m tests.benchmarks.bench_methods`` prints the table, in some minutes on two
cores; where a method changes, its line in `interpret/attribution/methods.py` is written anew from it.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np

import interpret as it
from dashboard import ROOT
from interpret.attribution.faithfulness import Erased
from interpret.attribution.find_target import target_function
from interpret.attribution.methods import METHODS, Measured
from interpret.attribution.rank_agreement import ranking
from interpret.attribution.target_function import TargetFunction
from interpret.core.files import read_table
from interpret.core.intervals import cluster_bootstrap

DOCUMENTS = 30
RANKINGS = 20
# Of short sentences, so that the table is done in minutes.
_MOST_WORDS = 22
_SEED = 0


def documents(count: int = DOCUMENTS) -> Iterator[tuple[TargetFunction, list[tuple[int, int]]]]:
    """Ask what topic hybrid documents are of; with each stands where the words are that it is due to."""
    encoder = it.load_encoder("minilm", device="cpu")
    table = read_table((ROOT / "dashboard/examples/topics.csv").read_bytes(), "topics.csv")
    order = np.random.default_rng(_SEED).permutation(len(table.rows))
    known, new = (np.array(table.rows)[some] for some in np.array_split(order, 2))
    head = it.fit_head(encoder, known[:, 0].tolist(), known[:, 1].tolist())
    found = 0
    for (first, one), (second, other) in zip(new[:-1].tolist(), new[1:].tolist(), strict=True):
        if one == other or found == count or len(f"{first} {second}".split()) > _MOST_WORDS:
            continue
        question = target_function(encoder, f"{first} {second}", head=head)
        start = len(first) + 1
        spans = {one: (0, len(first)), other: (start, start + len(second))}
        if question.target.name in spans:
            found += 1
            yield question, [spans[question.target.name]]


def measure(methods: Sequence[str], count: int = DOCUMENTS, rankings: int = RANKINGS) -> dict[str, Measured]:
    """Return the figures of some methods, beside so many random rankings of each document."""
    rows: dict[str, list[tuple[float, ...]]] = {method: [] for method in methods}
    random = np.random.default_rng(_SEED)
    for question, spans in documents(count):
        erased = Erased(question)
        groups, tokens = erased.groups, question.tokens
        blind = [random.permutation(len(groups)) for _ in range(rankings)]
        falls = float(erased.measures([one.tolist() for one in blind])[0].mean())
        scores = np.zeros((rankings, len(tokens)), np.float32)
        for row, one in zip(scores, blind, strict=True):
            for place, group in zip(one, groups, strict=True):
                row[group[0]] = place
        chance = float(np.mean([it.attribution.plausibility(tokens, row, spans).auprc for row in scores]))
        for method in methods:
            found = it.attribution.explain(question, method)
            order = ranking(np.array([found.scores[list(group)].sum() for group in groups])).tolist()
            auprc = it.attribution.plausibility(tokens, found.scores, spans).auprc
            rows[method].append((float(erased.measures([order])[0][0]), falls, auprc, chance))
    return {method: _measured(np.array(values)) for method, values in rows.items()}


def _measured(values: np.ndarray) -> Measured:
    means = values.mean(axis=0)
    parts = np.column_stack([values[:, 0] - values[:, 1], values[:, 2] - values[:, 3], np.ones(len(values))])
    more = [cluster_bootstrap(parts[:, [i, 2]], lambda sums: sums[:, 0] / sums[:, 1]) for i in (0, 1)]
    return Measured(len(values), *(float(one) for one in means), *more)


def main() -> None:
    """Print the table, the most faithful first, as it stands in `METHODS`."""
    found = measure(list(METHODS))
    for name, one in sorted(found.items(), key=lambda item: -item[1].comprehensiveness):
        numbers = ", ".join(f"{value:.3f}" for value in (one.comprehensiveness, one.random_comprehensiveness))
        more = ", ".join(f"{value:.3f}" for value in (one.auprc, one.random_auprc))
        ends = [f"({low:+.3f}, {high:+.3f})" for low, high in (one.comprehensiveness_gain, one.auprc_gain)]
        print(f"{name:22} Measured({one.documents}, {numbers}, {more}, {', '.join(ends)})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
