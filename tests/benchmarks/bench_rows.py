"""A file of 500 rows explained beside Captum's loop over rows, at equal completeness error.

Both explain the predicted class of each row, 10 to 60 words long, by integrated gradients, with the built-in encoder
and one linear head. Ours is told an error of 1 %, and adds steps to each text until that is met: by `attribute_rows` in
this process, and as the page has it done, by a job, whose helpers start and load the model anew with each block.
Captum's loop is its BERT tutorial's, a row at a time with all its steps in one batch. “Equal error” has three readings:

- what is promised is equal, an error of 1 % in every row: Captum's one number of steps is the fewest with which no row
  is above that;
- the mean error is equal, and nothing is promised of any row;
- each row has the fewest steps that bring it to 1 %, which nobody could know beforehand.

The number of steps of the first is found over all rows, those of the others on every tenth, which stands for the others
in time, too. The rows come in blocks, and all take turns at each block.
"""

import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from captum.attr import LayerIntegratedGradients

import interpret as it
from dashboard import ROOT
from interpret.attribution.find_target import target_function
from interpret.attribution.row_jobs import RowRequest, make_job
from interpret.attribution.row_worker import work_on_rows
from interpret.core.files import read_table
from tests.benchmarks import machine
from tests.benchmarks.bench_attribution import Whole

ROWS, BLOCK = 500, 250
# Of how many rows one is looked at for what takes many tries.
SHARE = 10
TOLERANCE = 0.01
STEPS = (8, 12, 16, 20, 24, 32, 40, 50, 64, 80, 100, 128, 160, 200)
# Most rows need no more; those that do are tried with more, one after another.
COMMON = 24


def some_texts() -> list[str]:
    """Make rows of the starter's words, in any order: of each length from 10 to 60 words about as many."""
    table = read_table((ROOT / "dashboard/examples/topics.csv").read_bytes(), "topics.csv")
    words = " ".join(one[0] for one in table.rows).split()
    draw = random.Random(0)
    return [" ".join(draw.choices(words, k=draw.randint(10, 60))) for _ in range(ROWS)]


class Captum:
    """Captum's loop over rows."""

    def __init__(self, encoder: it.Encoder, head: it.LinearHead, texts: list[str]) -> None:
        function = target_function(encoder, texts[0], head=head)
        self.whole = Whole(function)
        self.method = LayerIntegratedGradients(self.whole, self.whole.encoder.embeddings.word_embeddings)
        self.tokens = [encoder.tokens(text) for text in texts]

    def explain(self, index: int, steps: int) -> tuple[torch.Tensor, int]:
        """Explain a row's predicted class."""
        tokens = self.tokens[index]
        ids = torch.tensor(tokens.ids.copy())[None]
        reference = torch.where(torch.tensor(tokens.special.copy()), ids, 0)
        with torch.no_grad():
            target = int(self.whole(ids).argmax())
        return self.method.attribute(ids, reference, target=target, n_steps=steps), target

    def error(self, index: int, steps: int) -> float:
        """Return the completeness error of a row."""
        scores, target = self.explain(index, steps)
        tokens = self.tokens[index]
        ids = torch.tensor(tokens.ids.copy())[None]
        reference = torch.where(torch.tensor(tokens.special.copy()), ids, 0)
        with torch.no_grad():
            ends = [float(self.whole(one)[0, target]) for one in (reference, ids)]
        return abs(float(scores.sum()) - (ends[1] - ends[0])) / abs(ends[1] - ends[0])


def main() -> None:
    """Print the table."""
    print(machine(), flush=True)
    encoder = it.load_encoder("minilm", device="cpu")
    table = read_table((ROOT / "dashboard/examples/topics.csv").read_bytes(), "topics.csv")
    head = it.fit_head(encoder, [one[0] for one in table.rows], [one[1] for one in table.rows])
    texts = some_texts()
    captum = Captum(encoder, head, texts)

    def ours(some: range) -> it.attribution.RowAttributions:
        return it.attribution.attribute_rows(encoder, [texts[i] for i in some], head=head, tolerance=TOLERANCE)

    def job(some: range) -> None:
        with TemporaryDirectory() as folder:
            data = "\n".join(json.dumps({"text": texts[i]}) for i in some).encode()
            request = RowRequest(encoder.spec, "rows.jsonl", tolerance=TOLERANCE)
            done = work_on_rows(make_job(Path(folder), request, data, head).folder)
            assert (done.state, done.done) == ("done", len(some))

    # How many steps Captum needs, which no time is counted for.
    mean = statistics.mean(row.attribution.error for row in ours(range(ROWS)).rows)
    sample = range(0, ROWS, SHARE)
    fewest = {i: next(n for n in STEPS if captum.error(i, n) <= TOLERANCE) for i in sample}
    same, reached = next(
        (n, error)
        for n, error in ((n, statistics.mean(captum.error(i, n) for i in sample)) for n in STEPS)
        if error <= mean
    )
    every = COMMON
    for i in range(ROWS):
        while captum.error(i, every) > TOLERANCE:
            every = STEPS[STEPS.index(every) + 1]
    print(
        f"{ROWS} rows of {min(map(len, captum.tokens))} to {max(map(len, captum.tokens))} tokens; our mean error "
        f"{mean:.2%}; Captum's with {same} steps {reached:.2%} over {len(sample)} of them; the fewest steps of each of "
        f"these are {statistics.mean(fewest.values()):.1f} in the mean; {every} bring every row to {TOLERANCE:.0%}",
        flush=True,
    )
    works: dict[str, tuple[Callable[[range], object], int]] = {
        "ours, a job, to 1 % of each row": (job, 1),
        "ours, one process": (ours, 1),
        f"Captum, {every} steps": (lambda some: [captum.explain(i, every) for i in some], 1),
        f"Captum, {same} steps": (lambda some: [captum.explain(i, same) for i in some], SHARE),
        "Captum, each row's own fewest": (lambda some: [captum.explain(i, fewest[i]) for i in some], SHARE),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for first in range(0, ROWS, BLOCK):
        for name, (work, share) in works.items():
            begin = time.perf_counter()
            work(range(first, first + BLOCK, share))
            seconds[name].append(share * (time.perf_counter() - begin))
    base = next(iter(seconds.values()))
    for name, found in seconds.items():
        ratios = [one / other for one, other in zip(found, base, strict=True)]
        print(
            f"  {name:32} {sum(found):7.1f} s for {ROWS} rows   {statistics.median(ratios):5.2f} × "
            f"(blocks of {BLOCK}: {min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
