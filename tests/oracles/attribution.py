"""Which words an answer is due to."""

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
import torch
import transformers as tf
from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients, LayerConductance, Saliency
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

import interpret as it
from interpret.attribution.attribution import explain
from interpret.attribution.find_target import target_function
from interpret.attribution.layer_attribution import layer_attribution
from interpret.attribution.target_function import TargetFunction
from tests.oracles import World, apart, claim


def _questions(world: World) -> Iterator[TargetFunction]:
    """The likeliest class of a model of every family, of texts and of pairs."""
    for family in world.families:
        folder = world.checkpoint(family, tf.AutoModelForSequenceClassification, num_labels=3)
        encoder = world.encoder(folder)
        for seed in world.seeds:
            first, second, _ = world.texts(seed)
            yield target_function(encoder, first)
            yield target_function(encoder, first, second)


def _score(question: TargetFunction) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda embedded: question.score(embedded, gradients=True)


def _ends(question: TargetFunction) -> tuple[torch.Tensor, torch.Tensor]:
    return question.embedded[None].clone().requires_grad_(), question.baseline("pad")[None]


@claim("probabilities of classes, every family", "transformers, AutoModelForSequenceClassification", 1e-5)
def _classes(world: World) -> Iterator[float]:
    for question in _questions(world):
        folder = question.encoder.spec.checkpoint.name
        model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        tokenizer, tokens = tf.AutoTokenizer.from_pretrained(folder), question.tokens
        given = tokenizer(tokens.text, tokens.pair, return_tensors="pt")
        with torch.inference_mode():
            theirs = model(**given).logits[0].softmax(-1)
        yield apart(question.probabilities(question.own[None])[0], theirs)


@claim("input × gradient, every family", "Captum, InputXGradient", 1e-5)
def _input_x_gradient(world: World) -> Iterator[float]:
    for question in _questions(world):
        embedded, _ = _ends(question)
        theirs = InputXGradient(_score(question)).attribute(embedded)[0].sum(dim=-1).detach()
        free = ~question.tokens.special
        yield apart(explain(question, "input_x_gradient").scores[free], theirs.numpy()[free])


@claim("saliency, every family", "Captum, Saliency", 1e-5)
def _saliency(world: World) -> Iterator[float]:
    for question in _questions(world):
        embedded, _ = _ends(question)
        theirs = Saliency(_score(question)).attribute(embedded, abs=False)[0].norm(dim=-1)
        free = ~question.tokens.special
        yield apart(explain(question, "saliency").scores[free], theirs.detach().numpy()[free])


@claim("integrated gradients by Gauss–Legendre, as many steps, every family", "Captum, IntegratedGradients", 1e-4)
def _integrated(world: World) -> Iterator[float]:
    for question in _questions(world):
        found = explain(question, "integrated_gradients", tolerance=0.01, rule="gauss_legendre")
        embedded, empty = _ends(question)
        theirs = IntegratedGradients(_score(question)).attribute(
            embedded, empty, n_steps=found.steps, method="gausslegendre", internal_batch_size=64
        )
        scale = np.abs(found.scores).max()
        yield apart(found.scores, theirs[0].sum(dim=-1).detach()) / scale


@claim("conductance of every layer, share of the largest", "Captum, LayerConductance, 400 steps", 0.03)
def _conductance(world: World) -> Iterator[float]:
    encoder = world.encoder(world.checkpoint("bert", tf.AutoModelForSequenceClassification, num_labels=3))
    for seed in world.seeds:
        question = target_function(encoder, world.texts(seed)[0])
        scores, _ = layer_attribution(question, "conductance")
        for level in range(encoder.layers):
            embedded, empty = _ends(question)
            captum = LayerConductance(_score(question), encoder.part("encoder.layer")[level])
            theirs = captum.attribute(embedded, empty, n_steps=400, internal_batch_size=50)[0].sum(dim=-1).detach()
            yield apart(scores[level + 1], theirs) / float(theirs.abs().max())


def _words(question: TargetFunction) -> torch.Tensor:
    """The word of each token as Captum's feature masks count them; what stays is a feature of its own."""
    mask = torch.zeros(len(question.tokens), dtype=torch.long)
    for number, (_, tokens) in enumerate(question.free_words, 1):
        mask[list(tokens)] = number
    return mask


@claim("feature ablation of words, every family", "Captum, FeatureAblation", 1e-4)
def _ablation(world: World) -> Iterator[float]:
    for question in _questions(world):
        embedded, empty = _ends(question)
        mask = _words(question)
        theirs = FeatureAblation(_score(question)).attribute(
            embedded.detach(), empty, feature_mask=mask[None, :, None].expand_as(embedded)
        )[0, :, 0]
        ours = explain(question, "feature_ablation").word_scores()
        for place, tokens in question.free_words:
            yield apart(ours[place], theirs[tokens[0]])


@claim("Shapley values of words, in standard errors of 25 drawn orders", "NumPy: every order of five words", 6.0)
def _shapley(world: World) -> Iterator[float]:
    encoder = world.encoder(world.checkpoint("bert", tf.AutoModelForSequenceClassification, num_labels=3))
    for seed in world.seeds:
        question = target_function(encoder, "the river bank was steep")
        found = explain(question, "shapley_sampling", seed=seed)
        embedded, empty = question.embedded, question.baseline("pad")
        words = [list(tokens) for _, tokens in question.free_words]
        value: dict[frozenset, float] = {}

        def worth(
            kept: frozenset, words=words, value=value, embedded=embedded, empty=empty, question=question
        ) -> float:
            if kept not in value:
                point = empty.clone()
                for word in kept:
                    point[words[word]] = embedded[words[word]]
                with torch.no_grad():
                    value[kept] = float(question.score(point[None])[0])
            return value[kept]

        gains = np.array(
            [
                [
                    worth(frozenset(order[: order.index(word) + 1])) - worth(frozenset(order[: order.index(word)]))
                    for word in range(len(words))
                ]
                for order in permutations(range(len(words)))
            ]
        )
        error = gains.std(axis=0) / 5 + 1e-6
        ours = found.word_scores()[[place for place, _ in question.free_words]]
        yield float((np.abs(ours - gains.mean(axis=0)) / error).max())


@claim("area under precision and recall of what people marked", "scikit-learn, average_precision_score", 1e-12)
def _auprc(world: World) -> Iterator[float]:
    for question in _questions(world):
        found = explain(question, "input_x_gradient")
        tokens = question.tokens
        groups = [group for group in tokens.groups if not tokens.special[group[0]]]
        marked = tuple(int(end) for end in (tokens.span[groups[0][0], 0], tokens.span[groups[0][-1], 1]))
        values = [found.scores[list(group)].sum() for group in groups]
        theirs = average_precision_score([1] + [0] * (len(groups) - 1), values)
        yield apart(it.attribution.plausibility(tokens, found.scores, [marked]).auprc, theirs)


@claim("agreement of two methods' rankings", "SciPy, spearmanr", 1e-6)
def _agreement(world: World) -> Iterator[float]:
    for question in _questions(world):
        both = [explain(question, name) for name in ("input_x_gradient", "feature_ablation")]
        words = [place for place, group in enumerate(question.tokens.groups) if not question.tokens.special[group[0]]]
        theirs = spearmanr(*(one.word_scores()[words] for one in both)).statistic
        yield apart(it.attribution.rank_agreement(both)[0, 1], theirs)
