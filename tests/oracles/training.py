"""What a fine-tune writes is what other libraries read."""

from collections.abc import Iterator

import numpy as np
import peft
import torch
import transformers as tf

import interpret as it
from interpret.core.adapters import save_adapter
from interpret.finetuning.training import Trained, save_trained, train
from tests.oracles import World, apart, claim
from tests.tiny import TEXT


def _examples(seed: int, pairs: bool) -> it.finetuning.Examples:
    random, words = np.random.default_rng(seed), TEXT.split()
    texts, others = (tuple(f"{' '.join(random.choice(words, 4))} {i}" for i in range(16)) for _ in range(2))
    labels, places = tuple("ab"[i % 2] for i in range(16)), tuple(range(16))
    return it.finetuning.Examples("classes", texts, others if pairs else None, labels, places, 0)


def _logits(model: torch.nn.Module, folder, examples: it.finetuning.Examples) -> torch.Tensor:
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    found = []
    for row, text in enumerate(examples.texts):
        given = tokenizer(text, examples.pairs[row] if examples.pairs else None, return_tensors="pt")
        with torch.inference_mode():
            found.append(model.eval()(**given).logits[0])
    return torch.stack(found)


def _trained(world: World, **how: object) -> Iterator[tuple]:
    for family in world.families if world.rounds > 1 else ("bert", "roberta"):
        folder = world.checkpoint(family, tf.AutoModel)
        for pairs in (False, True):
            examples = _examples(0, pairs)
            recipe = it.Recipe(
                model=str(folder), epochs=1, batch_size=4, learning_rate=1e-3, device="cpu", snapshots=0, **how
            )
            yield folder, examples, train(recipe, examples, range(12), range(12, 16))


@claim("answers of a fine-tuned model, texts and pairs", "transformers, the saved folder", 1e-5)
def _saved(world: World) -> Iterator[float]:
    for number, (folder, examples, done) in enumerate(_trained(world)):
        place = world.folder / f"saved-{number}"
        save_trained(done, it.find_checkpoint(str(folder)), place)
        theirs = _logits(tf.AutoModelForSequenceClassification.from_pretrained(place), folder, examples)
        yield apart(_judged(done), theirs[12:])


def _judged(done: Trained) -> np.ndarray:
    return done.answers["logits"]


@claim("answers of adapters (LoRA) over their base", "PEFT, PeftModel", 1e-4)
def _adapters(world: World) -> Iterator[float]:
    for number, (folder, examples, done) in enumerate(_trained(world, lora_rank=2)):
        place = world.folder / f"adapter-{number}"
        save_adapter(done.model, done.adapter, done.head, done.labels, place)
        base = tf.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
        theirs = _logits(peft.PeftModel.from_pretrained(base, place), folder, examples)
        yield apart(_judged(done), theirs[12:])
