"""Integrated gradients beside Captum as its tutorials use it, and beside transformers-interpret.

All three explain the same class of the same text with the built-in encoder and one linear head. Captum gets 50 steps in
one batch, as in its BERT tutorial, and a second time as few steps as bring its error to 1 %; transformers-interpret its
own default of 50. Memory is the most that a process of its own had resident (VmHWM: what `getrusage` reports also
counts what the parent had), counted from just before the explanation on.
"""

import multiprocessing
import statistics
import sys
import time
from pathlib import Path

import psutil
import torch
from captum.attr import IntegratedGradients, LayerIntegratedGradients
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import interpret as it
from dashboard import ROOT
from interpret.attribution.find_target import target_function
from interpret.attribution.path_integral import walk
from interpret.attribution.target_function import TargetFunction
from interpret.core.checkpoints import checkpoint_folder
from interpret.core.files import read_table
from tests.benchmarks import in_turn, machine, row, text_of

LENGTHS = (16, 128, 512)
ROUNDS = 5


def make_question(length: int) -> TargetFunction:
    """Ask the starter's question about a text of so many tokens."""
    encoder = it.load_encoder("minilm", device="cpu")
    table = read_table((ROOT / "dashboard/examples/topics.csv").read_bytes(), "topics.csv")
    head = it.fit_head(encoder, [one[0] for one in table.rows], [one[1] for one in table.rows])
    return target_function(encoder, text_of(encoder, length), head=head)


class Whole(torch.nn.Module):
    """The encoder and the head as one module of ids, with weights that have gradients, as a tutorial loads them."""

    def __init__(self, question: TargetFunction) -> None:
        super().__init__()
        self.encoder = question.encoder.copy().model.requires_grad_(True)
        assert question.head is not None
        self.weight = torch.nn.Parameter(torch.tensor(question.head.weight))
        self.bias = torch.nn.Parameter(torch.tensor(question.head.bias))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Score every class."""
        hidden = self.encoder(input_ids=ids).last_hidden_state
        return hidden.mean(dim=1) @ self.weight.T + self.bias


def tutorial(question: TargetFunction, whole: Whole, steps: int) -> float:
    """Explain as Captum's BERT tutorial does; returns the completeness error."""
    ids = torch.tensor(question.tokens.ids.copy())[None]
    reference = torch.where(torch.tensor(question.tokens.special.copy()), ids, 0)
    method = LayerIntegratedGradients(whole, whole.encoder.embeddings.word_embeddings)
    scores, _ = method.attribute(
        ids, reference, target=question.target.index, n_steps=steps, return_convergence_delta=True
    )
    with torch.no_grad():
        ends = [float(whole(one)[0, question.target.index]) for one in (reference, ids)]
    return abs(float(scores.sum()) - (ends[1] - ends[0])) / abs(ends[1] - ends[0])


def ours(question: TargetFunction) -> float:
    """Explain as the page does; returns the completeness error."""
    return it.attribution.explain(question, "integrated_gradients").error


def memory(name: str, length: int, pipe: object) -> None:
    """Report the most that one method takes in a process of its own."""
    question = make_question(length)
    whole = Whole(question) if name == "tutorial" else None
    Path("/proc/self/clear_refs").write_text("5")
    before = psutil.Process().memory_info().rss
    if whole is None:
        ours(question)
    else:
        tutorial(question, whole, 50)
    lines = Path("/proc/self/status").read_text().splitlines()
    most = 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    pipe.send((most, most - before))  # type: ignore[attr-defined]


def measure(name: str, length: int) -> tuple[int, int]:
    """Start that process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=memory, args=(name, length, there))
    process.start()
    found = here.recv()
    process.join()
    return found


def peer(question: TargetFunction) -> None:
    """Print what transformers-interpret does with a classifier of the same shape, and what error it ends with."""
    try:
        from transformers_interpret import SequenceClassificationExplainer

        folder = checkpoint_folder(question.encoder.spec.checkpoint)
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=6)
        explainer = SequenceClassificationExplainer(model, AutoTokenizer.from_pretrained(folder))
        begin = time.perf_counter()
        explainer(question.tokens.text)
        seconds = time.perf_counter() - begin
        index = explainer.selected_index
        with torch.no_grad():
            ends = [
                float(model(ids).logits.softmax(-1)[0, index]) for ids in (explainer.ref_input_ids, explainer.input_ids)
            ]
        delta = float(explainer.attributions.delta)
        print(
            f"  {'transformers-interpret, 50 steps':34} {1000 * seconds:9.1f} ms   error "
            f"{abs(delta) / abs(ends[1] - ends[0]):.0%}"
        )
    except Exception as error:  # it was made for an older transformers
        print(f"  transformers-interpret does not run here: {type(error).__name__}: {str(error)[:90]}")


def main() -> None:
    """Print the tables."""
    print(machine())
    for length in LENGTHS:
        question = make_question(length)
        whole = Whole(question)
        found = walk(question, question.embedded, question.baseline("pad"))
        enough = next(
            (n for n in (8, 12, 16, 20, 24, 32, 40, 50, 64, 100) if tutorial(question, whole, n) <= 0.01), 100
        )
        print(
            f"{length} tokens, {question.target.name}: ours looks at {len(found.alphas)} places, error "
            f"{ours(question):.2%}; Captum with 50 steps {tutorial(question, whole, 50):.2%}, {enough} steps for 1 %"
        )
        batched = IntegratedGradients(lambda one, q=question: q.score(one, gradients=True))
        works = {
            "ours, to 1 %": lambda q=question: ours(q),
            "Captum's tutorial, 50 steps": lambda q=question, w=whole: tutorial(q, w, 50),
            f"Captum's tutorial, {enough} steps": lambda q=question, w=whole, n=enough: tutorial(q, w, n),
            "Captum on our forward, 50 steps": lambda q=question, b=batched: b.attribute(
                q.embedded[None], q.baseline("pad")[None], n_steps=50, internal_batch_size=q.at_once
            ),
        }
        times = in_turn(works, ROUNDS if length < 512 else 3)
        for name, seconds in times.items():
            print(row(name, seconds, times["ours, to 1 %"]))
        if length == 16:
            words = make_question(24)
            seconds = [_timed(words) for _ in range(ROUNDS)]
            print(f"  a sentence of 20 words: {1000 * statistics.median(seconds):.0f} ms")
        peer(question)
        for name in ("ours", "tutorial"):
            most, more = measure(name, length)
            print(f"  memory, {name:25} {most / 1e9:9.2f} GB at most, {more / 1e9:.2f} GB of it for the explanation")


def _timed(question: TargetFunction) -> float:
    begin = time.perf_counter()
    ours(question)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
