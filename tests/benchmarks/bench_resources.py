"""What is counted beside what processes take: ``python -m tests.benchmarks.bench_resources``; ten minutes on two cores.

The peer is the machine itself: each row is done in a process of its own, whose resident set is looked at. What is said
before anything was measured is beside it: bytes that are alive, and with what an allocator is known to keep. Rows for
which there is no memory say so. On a card the same rows run there: ``--device cuda``.
"""

import argparse
from statistics import mean

import transformers as tf

from interpret.core.errors import CapacityError
from interpret.resources.calibration import calibrate
from interpret.resources.claims import CLAIMS
from interpret.resources.configs import find_config
from interpret.resources.fitting import fit_exponent
from interpret.resources.measurement import measure
from interpret.resources.prediction import predict
from interpret.resources.workload import Workload

LENGTHS = (512, 1024, 2048, 4096)
BATCHES = (8, 16, 32, 64)


def rows(device):
    """Print the three rows of the classic table, by kernel, answering and learning."""
    print("row                  kernel  learns  counted  expected  measured  counted/m.  expected/m.  seconds")
    ratios = []
    for name, claim in CLAIMS.items():
        config = find_config(claim.shape)
        for training in (False, True):
            for kernel in ("eager", "sdpa", "flash"):
                if kernel == "flash" and not training:
                    # The same as SDPA where nothing is dropped.
                    continue
                work = Workload(claim.work.batch, claim.work.length, training, claim.work.head, kernel)
                predicted = predict(config, work)
                expected = calibrate([], device, work).memory(predicted)[1]
                line = f"{name:20} {kernel:7} {training!s:6} {predicted.peak / 1e6:8,.0f} {expected / 1e6:9,.0f}"
                try:
                    found = measure(config, work, device)
                except CapacityError:
                    print(f"{line}  no room for it here", flush=True)
                    continue
                ratios.append(expected / found.peak)
                print(
                    f"{line} {found.peak / 1e6:9,.0f} {predicted.peak / found.peak:11.2f} {ratios[-1]:12.2f} "
                    f"{found.typical:8.2f}",
                    flush=True,
                )
    off = [abs(one - 1) for one in ratios]
    print(f"expected/measured: {min(ratios):.2f} to {max(ratios):.2f}; off by {mean(off):.0%} on average")


def exponents(device):
    """Print with which power memory grows, as counted and as measured, of two layers of a base model."""
    config = tf.BertConfig(num_hidden_layers=2, max_position_embeddings=max(LENGTHS))
    print("\nover              kernel  counted (R²)      measured (R²)   measured MB beside the weights")
    for over, values in (("length", LENGTHS), ("batch", BATCHES)):
        for kernel in ("eager", "sdpa"):
            works = [
                Workload(4, value, kernel=kernel) if over == "length" else Workload(value, 256, kernel=kernel)
                for value in values
            ]
            predicted = [predict(config, one) for one in works]
            taken = [
                float(measure(config, one, device).peak - other.parts["weights"])
                for one, other in zip(works, predicted, strict=True)
            ]
            floats = [float(one) for one in values]
            counted = fit_exponent(floats, [float(one.working) for one in predicted])
            measured = fit_exponent(floats, taken)
            sizes = ", ".join(f"{one / 1e6:,.0f}" for one in taken)
            said = [f"{power:.2f} ({fit:.4f})" for power, fit in (counted, measured)]
            print(
                f"{over:17} {kernel:7} {said[0]}   {said[1]}   {sizes}",
                flush=True,
            )


def manners(device):
    """Print what a process keeps of what comes and goes, where that depends on how a model learns."""
    half = ("embeddings", *map(str, range(6)))
    works = {
        "all layers": Workload(16, 128, training=True),
        "lower half frozen": Workload(16, 128, training=True, frozen=half),
        "gradients added up": Workload(16, 128, training=True, accumulation=2),
        "LoRA": Workload(16, 128, training=True, lora_rank=8),
        "LoRA, no dropout": Workload(16, 128, training=True, lora_rank=8, dropout=False),
        "gradient checkpointing": Workload(16, 128, training=True, checkpointing=True),
    }
    config = find_config("bert-base")
    print("\nBERT base, 16 × 128      counted  measured  kept of what comes and goes")
    for name, work in works.items():
        predicted = predict(config, work)
        found = measure(config, work, device)
        kept = (found.peak - predicted.peak) / (predicted.peak - predicted.parts["weights"])
        print(f"{name:24} {predicted.peak / 1e6:7,.0f} {found.peak / 1e6:9,.0f} {kept:10.2f}", flush=True)


def main():
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    device = parser.parse_args().device
    exponents(device)
    rows(device)
    manners(device)


if __name__ == "__main__":
    main()
