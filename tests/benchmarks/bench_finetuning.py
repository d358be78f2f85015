"""Fine-tuning with frozen layer groups beside Hugging Face's Trainer used plainly: examples a second, and accuracy.

``python -m tests.benchmarks.bench_finetuning [rows]``. Same rows (5 to 60 words), epochs, batch and seed; both freeze
the same parameters and judge after each epoch. Measured is all from the loaded model to the trained one: cutting into
tokens, and of ours what the frozen layer groups make of each row, and each step's gradients being looked at.

``python -m tests.benchmarks.bench_finetuning memory [rows]``: the peak of each in a process of its own.
"""

import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import transformers as tf

from interpret.core.checkpoints import checkpoint_folder, find_checkpoint
from interpret.core.encoder_loading import load_encoder
from interpret.core.layer_groups import freeze, layer_group_names, preset
from interpret.finetuning.data import split_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.metrics_log import examples_a_second
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.training import train
from tests.benchmarks import machine

GOOD = ["wonderful", "delightful", "superb", "excellent", "charming", "brilliant", "pleasant"]
BAD = ["dreadful", "horrible", "awful", "boring", "terrible", "disappointing", "unpleasant"]
PLAIN = [
    "the",
    "a",
    "this",
    "that",
    "film",
    "book",
    "meal",
    "hotel",
    "service",
    "ending",
    "story",
    "evening",
    "music",
    "room",
    "staff",
    "plot",
    "of",
    "in",
    "with",
    "and",
    "but",
    "for",
    "was",
    "is",
    "had",
    "seemed",
    "very",
    "rather",
    "quite",
    "when",
    "after",
    "before",
    "we",
    "they",
    "she",
    "he",
    "it",
    "there",
    "left",
    "came",
    "found",
    "took",
    "again",
    "almost",
]
TIMES = 2


def make_rows(count: int) -> Examples:
    """Make rows of 5 to 60 words whose label is that of the one word with an opinion."""
    draw = random.Random(0)
    texts, labels = [], []
    for i in range(count):
        words = draw.choices(PLAIN, k=draw.randint(4, 59))
        words.insert(draw.randint(0, len(words)), draw.choice(GOOD if i % 2 else BAD))
        texts.append(" ".join(words))
        labels.append("good" if i % 2 else "bad")
    return Examples("classes", tuple(texts), None, tuple(labels), tuple(range(count)), 0)


def plain(recipe: Recipe, examples: Examples, learned, judged) -> tuple[float, float]:
    """Train as the tutorials do; returns examples a second and the accuracy."""
    folder = checkpoint_folder(find_checkpoint(recipe.model))
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(recipe.seed)
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
    freeze(model, load_encoder(recipe.model, "cpu").family, recipe.frozen)
    names = examples.classes
    begin = time.perf_counter()
    rows = [
        {**tokenizer(examples.texts[i], truncation=True, max_length=128), "labels": names.index(examples.labels[i])}
        for i in range(len(examples))
    ]
    with tempfile.TemporaryDirectory() as place:
        arguments = tf.TrainingArguments(
            output_dir=place,
            per_device_train_batch_size=recipe.batch_size,
            num_train_epochs=recipe.epochs,
            learning_rate=recipe.learning_rate,
            warmup_steps=recipe.warmup,
            seed=recipe.seed,
            bf16=recipe.precision == "bfloat16",
            use_cpu=recipe.device == "cpu",
            report_to=[],
            save_strategy="no",
            eval_strategy="epoch",
            logging_strategy="no",
            disable_tqdm=True,
        )
        trainer = tf.Trainer(
            model=model,
            args=arguments,
            train_dataset=[rows[int(i)] for i in learned],
            eval_dataset=[rows[int(i)] for i in judged],
            data_collator=tf.DataCollatorWithPadding(tokenizer),
            compute_metrics=lambda given: {"right": float((given.predictions.argmax(-1) == given.label_ids).mean())},
        )
        # It prints every evaluation.
        trainer.remove_callback(tf.PrinterCallback)
        trainer.train()
        seconds = time.perf_counter() - begin
        return examples_a_second(recipe.epochs, len(learned), seconds), trainer.state.log_history[-2]["eval_right"]


def memory(rows: str) -> None:
    """Print the largest resident memory of a training, ours and the plain one, each in a process of its own."""
    for title in ("nothing", "lower half"):
        peaks = {}
        for side in ("load", "ours", "plain"):
            command = [sys.executable, "-m", "tests.benchmarks.bench_finetuning", "peak", side, title, rows]
            said = subprocess.run(command, check=True, capture_output=True, text=True)
            peaks[side] = float(said.stdout.split()[-1])
        print(
            f"  {title} frozen: ours {peaks['ours']:,.0f} MB, Trainer {peaks['plain']:,.0f} MB "
            f"({peaks['ours'] / peaks['plain'] - 1:+.0%}); imports and the model alone {peaks['load']:,.0f} MB"
        )


def peak(side: str, title: str, rows: str) -> None:
    """Train one way, and print the largest resident memory in MB."""
    examples = make_rows(int(rows))
    learned, judged = split_examples(examples, 0.2, 0)
    encoder = load_encoder("minilm", device="cpu")
    frozen = preset(title, layer_group_names(encoder.model, encoder.family))
    recipe = Recipe(frozen=frozen, epochs=1, learning_rate=2e-4, head="own", device="cpu")
    del encoder
    if side != "load":
        (train if side == "ours" else plain)(recipe, examples, learned, judged)
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def main() -> None:
    """Print the table."""
    tf.logging.set_verbosity_error()
    if sys.argv[1:2] == ["peak"]:
        peak(*sys.argv[2:5])
        return
    if sys.argv[1:2] == ["memory"]:
        print(machine())
        memory(sys.argv[2] if len(sys.argv) > 2 else "200")
        return
    print(machine())
    examples = make_rows(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
    learned, judged = split_examples(examples, 0.2, 0)
    encoder = load_encoder("minilm", device="cpu")
    layer_groups = layer_group_names(encoder.model, encoder.family)
    print(f"  {len(learned)} training rows, {len(judged)} held-out rows, batches of 16")
    half, head = preset("lower half", layer_groups), preset("head only", layer_groups)
    cases = [
        ("lower half frozen, 3 epochs", half, 3, 2e-4, "float32"),
        ("lower half, 3 epochs, bfloat16", half, 3, 2e-4, "bfloat16"),
        ("head only, 3 epochs", head, 3, 1e-2, "float32"),
        ("head only, 10 epochs", head, 10, 1e-2, "float32"),
    ]
    for title, frozen, epochs, rate, precision in cases:
        recipe = Recipe(frozen=frozen, epochs=epochs, learning_rate=rate, precision=precision, device="cpu")
        # The peer in float32, as it is used; one after the other, so that the machine's moods fall on both.
        pairs = []
        for _ in range(TIMES):
            done = train(recipe, examples, learned, judged)
            ours = done.per_second, done.evaluations[-1].score
            pairs.append((ours, plain(Recipe(**{**vars(recipe), "precision": "float32"}), examples, learned, judged)))
        speed, peer = (statistics.median(one[side][0] for one in pairs) for side in (0, 1))
        ratio = statistics.median(one[0][0] / one[1][0] for one in pairs)
        print(
            f"  {title:31} {speed:6.0f} examples/s, Trainer {peer:5.0f}: {ratio:5.2f} times; "
            f"accuracy {pairs[0][0][1]:.1%} and {pairs[0][1][1]:.1%}"
        )


if __name__ == "__main__":
    main()
