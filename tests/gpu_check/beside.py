"""What the check lets processes beside its own do: ``python -m tests.gpu_check.beside ROLE …``."""

import json
import sys

import numpy as np
import torch

import interpret as it
from tests.gpu_check.check import ask_driver

TIMES = 10
TEXTS = ("the river bank was steep", "the bank lent money because it was rich", "it was tired") * 20


def context(folder: str, device: str) -> None:
    """Print whether reading a text on the CPU starts CUDA, and how many megabytes of the card its start takes."""
    it.trace(it.load_encoder(folder, device="cpu"), TEXTS[0])
    found: dict[str, object] = {"started": torch.cuda.is_initialized(), "megabytes": None}
    before = dict(ask_driver("uuid", "memory.used"))
    if device.startswith("cuda"):
        # With the library of matrix products, without which nothing is done.
        torch.ones(64, 64, device=device) @ torch.ones(64, 64, device=device)
        torch.cuda.synchronize(device)
        name = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        after = dict(ask_driver("uuid", "memory.used"))
        if before.get(name, "").isdigit() and after.get(name, "").isdigit():
            own = torch.cuda.memory_reserved(device) / 2**20
            found["megabytes"] = float(after[name]) - float(before[name]) - own
    print(json.dumps(found))


def read(folder: str, device: str, out: str) -> None:
    """Read texts again and again, once told to begin, and write down what was found the last time."""
    encoder = it.load_encoder(folder, device=device)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(TIMES):
        traced, embedded = it.trace(encoder, TEXTS[1]), it.embed(encoder, TEXTS, pooling="mean")
    np.savez(out, attention=traced.attention, hidden=traced.hidden, vectors=embedded.vectors)


if __name__ == "__main__":
    {"context": context, "read": read}[sys.argv[1]](*sys.argv[2:])
