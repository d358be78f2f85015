"""Memory that is planned for fine-tunes beside what they take: ``python -m tests.benchmarks.bench_plan``; ten minutes.

The peer is the run itself, done in a process of its own, as from the page: its resident set at its most; on a card what
PyTorch took, by the run's log, without the card's context.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

import interpret as it
from interpret.finetuning.metrics_log import read_metrics
from interpret.finetuning.request import Request
from interpret.finetuning.runs import make_run

WORDS = ("rain", "tax", "sun", "law", "river", "bank", "tree", "vote")


def cases(device):
    """Return what is large in each of its ways: all layers, half of them, adapters, the head alone; long texts."""
    usual = it.Recipe("minilm", head="own", epochs=1, learning_rate=5e-5, snapshots=0, batch_size=32, device=device)
    layers = tuple(map(str, range(6)))
    return {
        "all layers, 32 × 128": usual,
        "all layers, 8 × 512": replace(usual, batch_size=8, max_length=512),
        "no dropout, 8 × 512": replace(usual, batch_size=8, max_length=512, dropout=False),
        "lower half frozen, 32 × 128": replace(usual, frozen=("embeddings", *layers[:3])),
        "LoRA, 32 × 128": replace(usual, lora_rank=8),
        "head alone, 32 × 128": replace(usual, head="linear", frozen=("embeddings", *layers, "pooler")),
        "patience and L2, 32 × 128": replace(usual, patience=2, regularization="l2"),
    }


def rows_of(count, length):
    """Return a labelled file whose texts are longer than what is read of them."""
    drawn = random.Random(0)
    lines = (f"{' '.join(drawn.choices(WORDS, k=length))},{'ab'[row % 2]}" for row in range(count))
    return "\n".join(["text,topic", *lines]).encode()


def peak_of(command):
    """Run a command, and return the bytes of its resident set at its most, looked at every tenth of a second."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                most = max(most, watched.memory_info().rss)
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}.")
    return most


def compare(name, recipe):
    """Print one row."""
    data = rows_of(5 * recipe.batch_size, recipe.max_length)
    examples = it.finetuning.read_examples(data, "topics.csv", "text", "topic")
    encoder = it.load_encoder(recipe.model, "cpu")
    lengths = it.finetuning.measure_lengths(encoder, examples, recipe.max_length)
    train, held_out = it.finetuning.split_examples(examples)
    cost = it.finetuning.StepCost(0.0, 0.0, 0.0)
    low, usual, high = (
        it.finetuning.plan(encoder, recipe, "classes", 2, lengths, len(train), len(held_out), cost).memory or ()
    )
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(Path(folder) / "run", Request(recipe, name, "topics.csv", label="topic"), data)
        taken = peak_of([sys.executable, "-m", "interpret.finetuning", str(run.folder)])
        if recipe.device != "cpu":
            taken = int(read_metrics(run.folder).memory.max())
    ratio = f"{usual / taken:7.2f}  {'yes' if low <= taken <= high else 'NO'}"
    print(f"{name:28} {low / 1e9:5.2f} {usual / 1e9:5.2f} {high / 1e9:5.2f}  {taken / 1e9:5.2f}  {ratio}", flush=True)


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    print("MiniLM                       planned GB (low, usual, high)  taken  planned/taken  within")
    for name, recipe in cases(parser.parse_args().device).items():
        compare(name, recipe)


if __name__ == "__main__":
    main()
