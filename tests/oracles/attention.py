"""Attention, hidden states and what is made of them."""

from collections.abc import Iterator

import networkx
import numpy as np
import torch
import transformers as tf
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

import interpret as it
from tests.oracles import World, apart, claim
from tests.tiny import FAMILIES


def eager(folder, text: str, pair: str | None = None):
    """A text through transformers' own eager attention."""
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    model = tf.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    given = tokenizer(text, pair, return_tensors="pt")
    with torch.inference_mode():
        return model(**given, output_attentions=True, output_hidden_states=True)


def _read(world: World) -> Iterator[tuple]:
    for family in world.families:
        folder = world.checkpoint(family, tf.AutoModel)
        encoder = world.encoder(folder)
        for seed in world.seeds:
            first, second, _ = world.texts(seed)
            for pair in (None, second):
                yield it.trace(encoder, first, pair), eager(folder, first, pair)


@claim("attention weights, every family, single texts and pairs", "transformers, eager attention", 1e-5)
def _attention(world: World) -> Iterator[float]:
    for ours, theirs in _read(world):
        yield apart(ours.attention, torch.stack(theirs.attentions)[:, 0])


@claim("hidden states after every layer, every family", "transformers, eager attention", 1e-4)
def _hidden(world: World) -> Iterator[float]:
    for ours, theirs in _read(world):
        # ModernBERT gives its last state past the final norm only.
        states = [*theirs.hidden_states[:-1], theirs.last_hidden_state]
        yield max(apart(one, other[0]) for one, other in zip(ours.hidden, states, strict=True))


@claim("a weight recomputed from query, key and softmax", "transformers, eager attention", 1e-5)
def _steps(world: World) -> Iterator[float]:
    for family in FAMILIES:
        folder = world.checkpoint(family, tf.AutoModel)
        encoder = world.encoder(folder)
        for seed in world.seeds:
            text = world.texts(seed)[0]
            weights = torch.stack(eager(folder, text).attentions)[:, 0].numpy()
            trace = it.trace(encoder, text)
            for layer in range(encoder.layers):
                steps = it.attention.attention_steps(encoder, trace, layer, 1, 2)
                yield apart(steps.weights, weights[layer, 1, 2])


@claim("attention flow", "networkx.maximum_flow_value", 1e-6)
def _flow(world: World) -> Iterator[float]:
    encoder = world.encoder(world.checkpoint("bert", tf.AutoModel))
    for seed in world.seeds:
        trace = it.trace(encoder, " ".join(world.texts(seed)[0].split()[:4]))
        flows = it.attention.attention_flow(trace)
        mixed = 0.5 * trace.attention.astype(float).mean(axis=1) + 0.5 * np.eye(len(trace.tokens))
        graph = networkx.DiGraph()
        for layer, matrix in enumerate(mixed):
            for query, row in enumerate(matrix):
                for key, share in enumerate(row):
                    graph.add_edge((layer + 1, query), (layer, key), capacity=float(share))
        for layer in range(len(mixed)):
            for query in range(len(trace.tokens)):
                for key in range(len(trace.tokens)):
                    theirs = networkx.maximum_flow_value(graph, (layer + 1, query), (0, key))
                    yield apart(flows[layer, query, key], theirs)


@claim("rollout", "NumPy: the product of 0.5 A + 0.5 I", 1e-6)
def _rollout(world: World) -> Iterator[float]:
    for ours, theirs in _read(world):
        mixed = 0.5 * torch.stack(theirs.attentions)[:, 0].mean(dim=1).double().numpy()
        mixed += 0.5 * np.eye(len(ours.tokens))
        product = np.eye(len(ours.tokens))
        for layer, rolled in enumerate(it.attention.rollout(ours)):
            product = mixed[layer] @ product
            yield apart(rolled, product)


@claim("entropy of every head", "SciPy, entropy", 1e-4)
def _entropy(world: World) -> Iterator[float]:
    for ours, theirs in _read(world):
        nats = entropy(torch.stack(theirs.attentions)[:, 0].double().numpy(), axis=-1)
        yield apart(it.attention.head_statistics(ours)["entropy"], nats.mean(axis=-1))


@claim("how far a head's attention moved", "SciPy, Jensen–Shannon distance", 1e-5)
def _drift(world: World) -> Iterator[float]:
    one, other = (world.encoder(world.checkpoint("bert", tf.AutoModel, seed)) for seed in (0, 1))
    for seed in world.seeds:
        for text in world.texts(seed):
            before, after = it.trace(one, text), it.trace(other, text)
            theirs = jensenshannon(before.attention.astype(float), after.attention.astype(float), axis=-1, base=2) ** 2
            yield apart(it.finetuning.attention_drift(before, after), theirs.mean(axis=-1))
