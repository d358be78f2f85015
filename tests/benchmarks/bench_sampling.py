"""Batches of texts of like length beside batches in any order: what it costs in accuracy, and what it saves.

``python -m tests.benchmarks.bench_sampling [seeds]``: paired seeds on the two shipped files, half of which is learned
from. Both learn from the same rows with the same recipe; only the order differs. Intervals are Student's over seeds.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
import transformers as tf
from scipy import stats

from interpret.finetuning import trainer
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.sampler import LengthSampler
from interpret.finetuning.training import train
from tests.benchmarks import machine

FILES = {"sentiment": "sentiment", "topics": "topic"}
SHIPPED = Path(__file__).parents[2] / "dashboard/examples"


class AnyOrder(LengthSampler):
    """A permutation of the seed and the epoch, as a plain Trainer's."""

    def __iter__(self):
        return iter(np.random.default_rng([self.seed, self.epoch()]).permutation(len(self)).tolist())


def difference(values: list[float]) -> str:
    """Write a mean with its 95 % interval."""
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return f"{np.mean(values):+.2f} (95 %: {low:+.2f} to {high:+.2f})"


def main() -> None:
    """Print a line for each file."""
    tf.logging.set_verbosity_error()
    torch.set_num_threads(1)
    print(machine())
    for name, label in FILES.items():
        examples = read_examples((SHIPPED / f"{name}.csv").read_bytes(), f"{name}.csv", "text", label)
        scores: dict[type, list[float]] = {LengthSampler: [], AnyOrder: []}
        seconds: dict[type, float] = dict.fromkeys(scores, 0)
        for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 8):
            for order in scores:
                trainer.LengthSampler = order
                recipe = Recipe(
                    frozen=("embeddings", "0", "1", "2"), learning_rate=2e-4, epochs=4, seed=seed, device="cpu"
                )
                begin = time.process_time()
                done = train(recipe, examples, *split_examples(examples, 0.5, seed))
                seconds[order] += time.process_time() - begin
                scores[order].append(100 * done.evaluations[-1].score)
        apart = [one - other for one, other in zip(scores[LengthSampler], scores[AnyOrder], strict=True)]
        print(
            f"  {name}: {np.mean(scores[LengthSampler]):.1f} % by length, {np.mean(scores[AnyOrder]):.1f} % in any "
            f"order; {difference(apart)} points; {seconds[LengthSampler] / seconds[AnyOrder]:.2f} of the time"
        )


if __name__ == "__main__":
    main()
