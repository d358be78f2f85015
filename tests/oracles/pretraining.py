"""What a model guesses, how surprised it is, and what follows what."""

from collections.abc import Iterator

import numpy as np
import torch
import transformers as tf

import interpret as it
from tests.oracles import World, apart, claim


def _guessers(world: World) -> Iterator[tuple]:
    for family in world.families:
        folder = world.checkpoint(family, tf.AutoModelForMaskedLM)
        yield world.encoder(folder), tf.AutoModelForMaskedLM.from_pretrained(folder).eval()


def _probabilities(model, ids: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(input_ids=torch.from_numpy(ids.copy())[None]).logits[0].double().softmax(-1).numpy()


@claim("probabilities of masked words, every family", "transformers, AutoModelForMaskedLM", 1e-5)
def _masked(world: World) -> Iterator[float]:
    for encoder, model in _guessers(world):
        for seed in world.seeds:
            text = world.texts(seed)[0]
            found = it.fill_mask(encoder, text, hidden=[1, 3], top=10)
            theirs = _probabilities(model, found.tokens.ids)
            for guess in found.guesses:
                yield apart(guess.probabilities, theirs[guess.position, guess.ids])
                yield apart(guess.probabilities, np.sort(theirs[guess.position])[::-1][:10])
                row = theirs[guess.position]
                yield apart(guess.entropy, -(row * np.log2(row)).sum()) / 10


@claim("the guess after the last layer", "transformers, AutoModelForMaskedLM", 1e-5)
def _lens(world: World) -> Iterator[float]:
    for encoder, model in _guessers(world):
        for seed in world.seeds:
            found = it.pretraining.logit_lens(encoder, world.texts(seed)[0], None, [2], 2)
            theirs = _probabilities(model, found.tokens.ids)[2]
            yield apart(found.probabilities[-1], theirs[found.ids[-1]])


@claim("pseudo-log-likelihood, every family", "transformers, one token masked at a time (Salazar et al. 2020)", 1e-4)
def _surprise(world: World) -> Iterator[float]:
    for encoder, model in _guessers(world):
        for seed in world.seeds:
            text = world.texts(seed)[0]
            found = it.pretraining.pseudo_log_likelihood(encoder, text)
            mask, total = encoder.tokenizer.token_to_id(encoder.mask), 0.0
            for place in np.flatnonzero(~found.tokens.special):
                ids = found.tokens.ids.copy()
                true, ids[place] = ids[place], mask
                total += np.log(_probabilities(model, ids)[place, true])
            yield apart(found.total / found.count, total / found.count)


@claim("probability that a text follows another", "transformers, BertForPreTraining and AlbertForPreTraining", 1e-5)
def _next(world: World) -> Iterator[float]:
    for family in ("bert", "albert"):
        folder = world.checkpoint(family, tf.AutoModelForPreTraining)
        encoder = world.encoder(folder)
        model = tf.AutoModelForPreTraining.from_pretrained(folder).eval()
        tokenizer = tf.AutoTokenizer.from_pretrained(folder)
        for seed in world.seeds:
            first, second, _ = world.texts(seed)
            with torch.inference_mode():
                found = model(**tokenizer(first, second, return_tensors="pt"))
            logits = found.seq_relationship_logits if family == "bert" else found.sop_logits
            yield apart(it.next_sentence(encoder, first, second).follows, logits.softmax(-1)[0, 0])
