"""What attribution's numbers may claim, by closed forms, published code written anew, and the spread of draws."""

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
import transformers as tf
from captum.attr import GradientShap
from captum.metrics import infidelity as captum_infidelity
from scipy import stats

import interpret as it
from interpret.attribution.attribution import explain
from interpret.attribution.diagnostics import cascade, infidelity, with_new_weights
from interpret.attribution.driving_words import top_words
from interpret.attribution.faithfulness import Erased, _all_rankings, _count_rankings
from interpret.attribution.find_target import target_function
from interpret.attribution.methods import METHODS, Work, by_faithfulness
from interpret.attribution.methods.regressions import refitted
from interpret.attribution.significance import LEVEL, holm, permutation_p
from interpret.attribution.target_function import BASELINES
from interpret.core.device_lock import seeded
from tests.benchmarks.bench_methods import measure
from tests.interpret.attribution.linear import Both, Linear
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the river bank was steep"
LONG = "the river bank was steep because the animals said it was rich and tired"
SAMPLED = [name for name, one in METHODS.items() if one.random]


@pytest.fixture(scope="module")
def bert(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = make_checkpoint(
        "bert", tmp_path_factory.mktemp("own"), loader=tf.AutoModelForSequenceClassification, num_labels=3
    )
    return it.load_encoder(str(folder), device="cpu")


# ---- infidelity


def test_infidelity_tells_scores_from_minus_scores(bert):
    """Yeh et al. 2019, eq. 1, with a scale >= 0: of minus the scores nothing is explained, which is exactly 1."""
    question = Linear(bert, bert.tokens(TEXT))
    found = explain(question, "feature_ablation")
    turned = replace(found, scores=-found.scores)
    right, wrong = (it.attribution.diagnose(question, one, sensitivity=False) for one in (found, turned))
    assert right.infidelity < 1e-10
    assert (wrong.infidelity, wrong.scale) == (1.0, 0.0)
    assert right.change == wrong.change > 0


def test_infidelity_is_its_closed_form():
    """With d = mean of changes · forecasts etc.: 1 - <IΦ, Δ>² / (<IΦ, IΦ> <Δ, Δ>) where <IΦ, Δ> > 0, and else 1."""
    random = np.random.default_rng(0)
    sets = (random.random((300, 4)) < 0.5).astype(float)
    scores = random.normal(size=(50, 4))
    changes = sets @ np.array([1.0, -2.0, 0.5, 0.0]) + random.normal(size=300)
    found, scales = infidelity(scores, sets, changes)
    forecasts = scores @ sets.T
    both = forecasts @ changes
    expected = 1 - both**2 / ((forecasts**2).sum(axis=1) * (changes**2).sum())
    np.testing.assert_allclose(found, np.where(both > 0, expected, 1), atol=1e-12)
    assert ((both <= 0) == (scales == 0)).all()
    assert (both <= 0).any()
    assert infidelity(np.zeros((1, 4)), sets, changes)[0] == 1
    # However large scores are.
    np.testing.assert_allclose(infidelity(1000 * scores, sets, changes)[0], found, atol=1e-12)


def test_infidelity_is_captums_where_the_scale_is_free_to_be_positive():
    random = np.random.default_rng(1)
    sets = torch.from_numpy((random.random((200, 4)) < 0.5).astype(float))
    weight, scores = torch.tensor([1.0, 2.0, -1.0, 0.5]).double(), torch.tensor([[1.0, 1.0, 0.5, 0.2]]).double()

    def model(inputs):
        return inputs @ weight + inputs[:, 0] * inputs[:, 1]

    text = torch.ones(1, 4).double()
    changes = (model(text) - model(text - sets)).numpy()
    captum = captum_infidelity(
        model, lambda inputs: (sets, inputs - sets), text, scores, n_perturb_samples=200, normalize=True
    )
    found, scales = infidelity(scores.numpy(), sets.numpy(), changes)
    assert scales[0] > 0
    assert found[0] * (changes**2).mean() == pytest.approx(float(captum[0]), rel=1e-6)


# ---- the verdict


def brute_force(question, attribution):
    """The p-values over all orders of the words, each order read anew."""
    groups = [tokens for _, tokens in question.free_words]
    order = np.argsort([-attribution.scores[list(group)].sum() for group in groups], kind="stable")

    def measures(one):
        lost, short = [], []
        for share in (0.01, 0.05, 0.1, 0.2, 0.5):
            top = one[: int(np.ceil(round(share * len(groups), 9)))]
            gone = np.zeros(len(question.tokens), bool)
            gone[[token for word in top for token in groups[word]]] = True
            whole, without, alone = question.target_probabilities(
                [question.tokens, question.without(gone), question.without(~gone)]
            )
            lost.append(whole - without)
            short.append(whole - alone)
        return np.mean(lost), np.mean(short)

    return measures(order), np.array([measures(one) for one in permutations(range(len(groups)))])


def test_the_p_value_is_that_of_all_orders_of_the_words(bert):
    # Small, so that no probability is near 0 or 1, where all rankings would be alike.
    weight = 0.05 * np.random.default_rng(0).normal(size=(2, bert.width)).astype(np.float32)
    head = it.LinearHead(("a", "b"), weight, np.zeros(2, np.float32))
    question = target_function(bert, "the river bank was", head=head)
    attribution = explain(question, "saliency")
    found = it.attribution.faithfulness(question, attribution)
    own, every = brute_force(question, attribution)
    assert (found.comprehensiveness, found.sufficiency) == pytest.approx(own, abs=1e-6)
    # 24 orders of four words, of which the first one and the first two matter: each of 12 stands for two.
    assert found.exact
    assert len(found.random_comprehensiveness) == 12
    for p, values, value in (
        (found.comprehensiveness_p, every[:, 0], own[0]),
        (found.sufficiency_p, -every[:, 1], -own[1]),
    ):
        above, alike = (values > value + 2e-6).sum() / 2, (np.abs(values - value) <= 2e-6).sum() / 2
        assert p == pytest.approx((1 + above + (alike - 1) / 2) / 12)


@pytest.mark.parametrize(("words", "told"), [(1, False), (2, False), (3, False), (4, False), (5, False), (6, True)])
def test_no_verdict_where_no_ranking_could_reach_one(bert, words, told):
    """Of n words 1, 2, 6, 12, 30, 120 rankings differ, and the best has p = 1 of these: 2.5 % takes 40."""
    question = Linear(bert, bert.tokens(" ".join(LONG.split()[:words])))
    assert len(question.free_words) == words
    found = it.attribution.faithfulness(question, explain(question, "input_x_gradient"))
    assert len(found.random_sufficiency) == _count_rankings(words)
    assert (found.verdict == "both") is told
    assert (found.verdict == "too few words") is not told
    assert found.comprehensiveness_p == pytest.approx(found.least_p[0])


def test_the_best_ranking_is_told_from_chance_and_the_worst_is_not(bert):
    question = Linear(bert, bert.tokens(LONG))
    found = explain(question, "input_x_gradient")
    best = it.attribution.faithfulness(question, found, draws=199)
    worst = it.attribution.faithfulness(question, replace(found, scores=-found.scores), draws=199)
    assert not best.exact
    assert best.verdict == "both"
    assert best.comprehensiveness_p == best.sufficiency_p == 1 / 200
    assert worst.verdict == "neither"
    assert min(worst.comprehensiveness_p, worst.sufficiency_p) > 0.9
    # Fewer draws than could tell at 2.5 % tell nothing, however good the ranking.
    assert it.attribution.faithfulness(question, found, draws=30).verdict == "too few words"


def test_a_model_that_says_the_same_of_everything_is_told_nothing(bert):
    class Deaf(Linear):
        def _run(self, inputs, texts, gradients=False, states=False, tap=None):
            answers, states = super()._run(inputs, texts, gradients, states, tap)
            return 0 * answers + 1, states

    question = Deaf(bert, bert.tokens(TEXT + " was rich"))
    found = it.attribution.faithfulness(question, explain(question, "input_x_gradient"))
    # All are tied with it: at half.
    assert found.comprehensiveness_p == pytest.approx(0.5, abs=0.01)
    assert found.verdict == "too few words"


def test_both_measures_are_corrected_together(bert):
    question = Linear(bert, bert.tokens(TEXT + " was"))
    found = it.attribution.faithfulness(question, explain(question, "saliency"))
    assert min(found.least_p) < 0.025

    def verdict(one, other):
        return replace(found, comprehensiveness_p=one, sufficiency_p=other).verdict

    assert verdict(0.02, 0.04) == "both"
    # Each alone would be under 5 %.
    assert verdict(0.03, 0.04) == "neither"
    assert verdict(0.024, 0.2) == "comprehensiveness"
    assert verdict(0.2, 0.024) == "sufficiency"
    assert LEVEL == 0.05


def test_a_ranking_that_knows_nothing_is_seldom_told_from_chance(bert):
    """The p-values of all rankings: at most a share of 5 % at or under 5 %, by Phipson & Smyth's definition."""
    question = Linear(bert, bert.tokens(TEXT + " was"))
    lost, _ = Erased(question).measures(_all_rankings(6))
    p = np.array([permutation_p(one, np.delete(lost, i), 1e-5) for i, one in enumerate(lost)])
    for level in (0.025, 0.05, 0.1, 0.5):
        assert (p <= level).mean() <= level + 1e-9


def test_holm_is_holms():
    """By hand (Holm 1979): the smallest times three, the next times two, never falling."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()
    assert permutation_p(1.0, []) == 1.0


# ---- ERASER


def eraser_aopc(instances, key):
    """What ERASER's metrics.py computes: the mean over instances and thresholds of falls of the predicted class."""
    rows = []
    for one in instances:
        predicted = one["classification"]
        before = one["classification_scores"][predicted]
        rows.append(
            [before - at[key][predicted] for at in sorted(one["thresholded_scores"], key=lambda at: at["threshold"])]
        )
    return np.average(np.array(rows))


@pytest.mark.parametrize("words", [3, 5, 14])
def test_comprehensiveness_and_sufficiency_are_erasers(classifier, words):
    """Tokens are deleted from the text, ids cut by hand and read by transformers, in their own form of instances."""
    question = target_function(classifier, " ".join(LONG.split()[:words]))
    attribution = explain(question, "input_x_gradient")
    found = it.attribution.faithfulness(question, attribution, draws=40)
    groups = [tokens for _, tokens in question.free_words]
    order = sorted(range(words), key=lambda i: -attribution.scores[list(groups[i])].sum())
    ids = question.tokens.ids.tolist()

    def scores(gone):
        kept = torch.tensor([[token for place, token in enumerate(ids) if place not in gone]])
        with torch.no_grad():
            chances = classifier._whole(input_ids=kept).logits.softmax(-1)[0]
        return {str(place): float(one) for place, one in enumerate(chances)}

    free = {token for group in groups for token in group}
    thresholds = []
    for share in (0.01, 0.05, 0.1, 0.2, 0.5):
        top = {token for word in order[: int(np.ceil(share * words - 1e-9))] for token in groups[word]}
        thresholds.append(
            {
                "threshold": share,
                "comprehensiveness_classification_scores": scores(top),
                "sufficiency_classification_scores": scores(free - top),
            }
        )
    whole = scores(set())
    instance = {
        "classification": max(whole, key=whole.__getitem__),
        "classification_scores": whole,
        "thresholded_scores": thresholds,
    }
    expected = [eraser_aopc([instance], f"{one}_classification_scores") for one in ("comprehensiveness", "sufficiency")]
    assert (found.comprehensiveness, found.sufficiency) == pytest.approx(expected, abs=1e-6)
    assert found.predicted
    other = target_function(classifier, LONG, target=(target_function(classifier, LONG).target.index + 1) % 3)
    assert not it.attribution.faithfulness(other, explain(other, "saliency"), draws=40).predicted


# ---- weights drawn anew


@pytest.mark.parametrize("family", FAMILIES)
def test_at_the_end_of_the_cascade_no_weight_is_as_it_was(family, tmp_path):
    folder = make_checkpoint(family, tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=2)
    encoder = it.load_encoder(str(folder), device="cpu")
    question = target_function(encoder, "the bank")
    stages = cascade(question)
    assert stages[0] == "head"
    assert stages[-1] == "embeddings"
    before = {name: one.detach().clone() for name, one in encoder._whole.named_parameters()}
    changed = [set() for _ in stages]
    for place in range(len(stages)):
        other = with_new_weights(question, stages[: place + 1], seed=0)
        for name, one in other.encoder._whole.named_parameters():
            if not torch.equal(one, before[name]):
                changed[place].add(name)
    # A tensor of equal numbers, such as fresh biases, is drawn from no spread.
    moving = {name for name, one in before.items() if one.numel() > 1 and one.std() > 0}
    assert changed[-1] >= moving
    assert all(one < other for one, other in pairwise(changed))
    pooler = {name for name in moving if ".pooler." in name}
    assert ("pooler" in stages) is bool(pooler)
    if pooler:
        assert pooler <= changed[stages.index("pooler")] - changed[stages.index("head")]
    words = encoder.model.get_input_embeddings().weight
    assert not torch.equal(words, other.encoder.model.get_input_embeddings().weight)
    # The true model stays as it is.
    assert all(torch.equal(one, before[name]) for name, one in encoder._whole.named_parameters())


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_with_new_weights_texts_are_compared_as_before(bert, pooling):
    """The cosine is that of vectors of the same pooling, made by the model with the new weights."""
    function = target_function(bert, TEXT, "the river rose", target="similarity", pooling=pooling)
    drawn = with_new_weights(function, cascade(function), seed=0)
    assert drawn.encoder is not bert
    one, other = it.embed(drawn.encoder, [TEXT, "the river rose"], layers=[-1], pooling=pooling).vectors[0]
    cosine = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    with torch.no_grad():
        assert float(drawn.score(drawn.embedded[None])[0]) == pytest.approx(cosine, abs=1e-5)


@pytest.mark.parametrize(
    ("target", "expected"),
    [("norm", ("layer 2", "layer 1", "layer 0", "embeddings")), ("unit 0.3", ("embeddings",))],
)
def test_the_cascade_leaves_out_what_the_answer_does_not_go_through(bert, target, expected):
    assert cascade(target_function(bert, TEXT, target=target)) == expected


def test_what_chance_gives_comes_of_a_thousand_shuffles(classifier):
    question = target_function(classifier, LONG)
    found = it.attribution.diagnose(question, explain(question, "input_x_gradient"), sensitivity=False)
    assert found.replaced == ("head", "pooler", "layer 2", "layer 1", "layer 0", "embeddings")
    assert found.shuffles >= 1000
    assert len(found.random_infidelity) == found.shuffles
    # The null of Spearman's correlation of 14 words: its 95 % quantile from tables is 0.538.
    exact = stats.t.ppf(0.975, 12) / np.sqrt(12 + stats.t.ppf(0.975, 12) ** 2)
    assert found.random_agreement == pytest.approx(exact, abs=0.05)


# ---- pairs


def archdetect(f, count):
    """ArchDetect's strength as its authors compute it: the mean of the squares in two contexts."""
    found = np.zeros((count, count))
    for context in (np.zeros(count), np.ones(count)):
        for i in range(count):
            for j in range(i + 1, count):
                at = []
                for some in ((), (i,), (j,), (i, j)):
                    gates = context.copy()
                    gates[list(some)] = 1 - gates[list(some)]
                    at.append(f(gates))
                found[i, j] += 0.5 * (at[0] - at[1] - at[2] + at[3]) ** 2
    return found + found.T


def test_interactions_are_archdetects(bert):
    head = it.LinearHead(
        ("a", "b"), np.random.default_rng(0).normal(size=(2, bert.width)).astype(np.float32), np.zeros(2, np.float32)
    )
    question = target_function(bert, TEXT, head=head)
    groups = [list(tokens) for _, tokens in question.free_words]
    embedded, empty = question.embedded, question.baseline("pad")

    def answer(gates):
        here = embedded.clone()
        for gate, group in zip(gates, groups, strict=True):
            if not gate:
                here[group] = empty[group]
        return float(question.score(here[None])[0].detach())

    found = it.attribution.interactions(question)
    np.testing.assert_allclose(found.strength**2, archdetect(answer, len(groups)), atol=1e-5)
    assert (np.abs(found.difference) <= found.strength + 1e-6).all()


def test_opposite_interactions_in_two_contexts_are_strong_and_have_no_mean(bert):
    """With f = xy (1 - 2 z), ω is 1 without the third word and -1 with it, so the strength is 1 and the mean 0."""

    class Turning(Both):
        def _run(self, inputs, texts, gradients=False, states=False, tap=None):
            answers, states = super()._run(inputs, texts, gradients, states, tap)
            there = (self.given(inputs)[:, 3] != self.baseline("pad")[3]).any(dim=-1).float()
            return answers * (1 - 2 * there[:, None]), states

    question = Turning(bert, bert.tokens(TEXT), (2, 4))
    found = it.attribution.interactions(question)
    places = [question.tokens.groups[place][0] for place in found.words]
    i, j = places.index(2), places.index(4)
    whole = abs(float(question.score(question.embedded[None])[0]))
    assert found.strength[i, j] == pytest.approx(whole, rel=1e-4)
    assert found.difference[i, j] == pytest.approx(0, abs=1e-4 * whole)


# ---- words that drive a class


def test_a_text_counts_once_however_often_a_word_stands_in_it(bert):
    texts = ["the bank the bank the bank", "the bank", "the river bank", "the bank"]
    found = [explain(Linear(bert, bert.tokens(text)), "feature_ablation") for text in texts]
    # In the first text the three banks have 1, 2 and 6: one observation of 3. The last text is there twice.
    scores = [{2: 1.0, 4: 2.0, 6: 6.0}, {2: 5.0}, {3: 7.0}, {2: 5.0}]
    given = []
    for one, values in zip(found, scores, strict=True):
        row = np.zeros(len(one.tokens), np.float32)
        row[list(values)] = list(values.values())
        given.append(replace(one, scores=row))
    (bank,) = [row for row in top_words(given) if row.word == "bank"]
    assert bank.texts == 3
    assert bank.mean == pytest.approx(np.mean([3, 5, 7]))
    low, high = stats.t.interval(0.95, 2, 5, stats.sem([3, 5, 7]))
    assert (bank.mean - bank.half, bank.mean + bank.half) == pytest.approx((low, high), rel=1e-6)
    assert len(top_words(given)) == 2


def test_words_are_told_from_nothing_all_of_them_together(bert):
    """Of words that do nothing on average some have an interval without 0; with Holm none but the one that does."""
    random = np.random.default_rng(0)
    names = [*LONG.replace("the animals", "animals").replace("it was", "it").split(), "money", "lent"]
    found = []
    for number in range(12):
        # Texts that differ, of the same words.
        one = explain(Linear(bert, bert.tokens(" ".join(names) + " " * number)), "input_x_gradient")
        words = random.normal(size=len(names)) + 8 * (np.arange(len(names)) == 0)
        scores = np.zeros(len(one.tokens), np.float32)
        scores[[group[0] for group in one.tokens.groups[1:-1]]] = words
        found.append(replace(one, scores=scores))
    rows = top_words(found)
    assert len(rows) == len(names)
    assert [row.word for row in rows if row.significant] == ["the"]
    assert sum(abs(row.mean) > row.half for row in rows) > 1
    given = {name: [one.word_scores()[1 + i] for one in found] for i, name in enumerate(names)}
    expected = dict(zip(given, holm([float(stats.ttest_1samp(one, 0).pvalue) for one in given.values()]), strict=True))
    assert {row.word: row.p for row in rows} == pytest.approx(expected, rel=1e-4)


# ---- sampled methods


@pytest.mark.parametrize(
    ("method", "smooth"),
    [(name, smooth) for name, one in METHODS.items() for smooth in (False, True)[: 1 + one.gradient]],
)
def test_what_is_drawn_says_how_far_that_may_move_it(bert, method, smooth):
    about = METHODS[method]
    found = explain(target_function(bert, "the river bank was", target="norm"), method, smooth=smooth)
    drawn = about.random or smooth
    assert (found.uncertainty is not None) is (found.word_uncertainty is not None) is drawn
    if drawn:
        assert found.uncertainty.shape == found.scores.shape
        assert found.word_uncertainty.shape == found.word_scores().shape
        assert (found.uncertainty[found.tokens.special] == 0).all()
        assert (found.word_uncertainty[1:-1] > 0).all()


@pytest.mark.parametrize("method", [one for one in SAMPLED if one != "lime"])
def test_a_linear_model_leaves_draws_nothing_to_move(bert, method):
    """Whatever is drawn, a word of a linear model has its share: the closed form is 0."""
    found = explain(Linear(bert, bert.tokens(TEXT)), method)
    np.testing.assert_allclose(found.word_uncertainty, 0, atol=2e-5)
    # And there is no other way for a single word.
    alone = explain(Linear(bert, bert.tokens("bank")), method)
    np.testing.assert_allclose(alone.word_uncertainty, 0, atol=2e-5)


def test_shapleys_error_is_that_of_a_coin(bert):
    """Of two words that act only together the second to come has all: 25 throws of a coin."""
    question = Both(bert, bert.tokens(TEXT), (2, 4))
    found = explain(question, "shapley_sampling")
    whole = found.output - found.baseline_output
    share = found.scores[2] / whole
    expected = stats.t.ppf(0.975, 24) * abs(whole) * np.sqrt(share * (1 - share) / 24)
    assert found.uncertainty[2] == pytest.approx(expected, rel=1e-4)
    assert found.uncertainty[4] == pytest.approx(expected, rel=1e-4)
    # Other words add nothing in any order; and what one of the two has the other has not, so both together are certain.
    assert found.uncertainty[[1, 3, 5]].max() < 1e-5
    work = Work(question, METHODS["shapley_sampling"], "pad", 0.01, "adaptive", 0, None)
    with seeded(0):
        drawn = METHODS["shapley_sampling"].scores(work, question.embedded)
    assert drawn.half_widths([(2,), (4,), (2, 4)]) == pytest.approx([expected, expected, 0], abs=1e-4)


@pytest.mark.parametrize("method", SAMPLED)
def test_the_error_is_the_spread_over_seeds(bert, method):
    """Over 12 seeds the words' variance, and the mean of what each run says of it, agree within a factor of 2.5.

    The variance of four words has about 40 degrees of freedom: by chi-square one time in a thousand it would be off so.
    """
    question = target_function(bert, "the river bank was", target="norm")
    groups = [tokens for _, tokens in question.free_words]
    runs = []
    for seed in range(12):
        work = Work(question, METHODS[method], "pad", 0.01, "adaptive", seed, None)
        work.total = 60
        with seeded(seed):
            runs.append(METHODS[method].scores(work, question.embedded))
    factor = 1.96 if runs[0].refitted else stats.t.ppf(0.975, runs[0].steps - 1)
    said = np.mean([(one.half_widths(groups) / factor) ** 2 for one in runs], axis=0).sum()
    seen = np.var([[one.values[list(group)].sum() for group in groups] for one in runs], axis=0, ddof=1).sum()
    assert 1 / 2.5 < said / seen < 2.5


@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_refits_are_of_the_same_regression(penalty):
    """On draws that a linear function answers exactly, every fit finds it, but for what LIME's penalty takes."""
    random = np.random.default_rng(0)
    gates = (random.random((200, 4)) < 0.5).astype(float)
    gates[:2] = [[1] * 4, [0] * 4]
    found = refitted(gates, gates @ np.array([1.0, -2.0, 0.5, 0.0]) + 3, penalty, 0)
    np.testing.assert_allclose(found, np.tile([1.0, -2.0, 0.5, 0.0], (100, 1)), atol=1e-6 if not penalty else 0.06)


def test_gradient_shap_is_captums_on_the_same_draws(bert):
    question = target_function(bert, TEXT, target="norm")
    with seeded(5):
        places = np.random.uniform(size=24)
    work = Work(question, METHODS["gradient_shap"], "pad", 0.01, "adaptive", 5, None)
    with seeded(5):
        draws = METHODS["gradient_shap"].scores(work, question.embedded).draws
    embedded, empty = question.embedded, question.baseline("pad")
    for place, draw in zip(places[:4], draws[:4], strict=True):
        point = (empty + float(place) * (embedded - empty)).requires_grad_()
        (slope,) = torch.autograd.grad(question.score(point[None], gradients=True).sum(), point)
        np.testing.assert_allclose(draw, ((embedded - empty) * slope).sum(dim=-1).numpy(), rtol=1e-3, atol=1e-5)
    # Captum's, of many draws: both are means of the same, which differ by their errors.
    with seeded(0):
        captum = GradientShap(lambda one: question.score(one, gradients=True)).attribute(
            embedded[None].requires_grad_(), baselines=empty[None], n_samples=200
        )
    found = explain(question, "gradient_shap", seed=5)
    expected = captum[0].sum(dim=-1).detach().numpy()
    assert (np.abs(found.scores - expected)[1:-1] <= 2.5 * found.uncertainty[1:-1]).all()


# ---- baselines


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_baseline_that_scores_above_the_text_is_known(bert, baseline):
    question = Linear(bert, bert.tokens(TEXT))
    found = explain(question, "feature_ablation", baseline)
    outputs = question.baseline_outputs()
    assert set(outputs) == set(BASELINES)
    assert outputs[baseline] == pytest.approx(found.baseline_output, abs=1e-5)
    assert found.baseline_above is (outputs[baseline] > found.output)
    # Of a linear model turned round the other one is above.
    turned = Linear(bert, bert.tokens(TEXT))
    turned.weight = -turned.weight
    assert explain(turned, "feature_ablation", baseline).baseline_above is not found.baseline_above
    # What uses no baseline has none above.
    assert not any(explain(one, "saliency", baseline).baseline_above for one in (question, turned))


# ---- measured methods


def test_every_method_is_ranked_by_what_was_measured_of_it():
    order = by_faithfulness()
    assert set(order) == set(METHODS)
    found = [METHODS[name].measured for name in order]
    told = [one.beats_random for one in found]
    assert told == sorted(told, reverse=True)
    for group in (True, False):
        values = [one.comprehensiveness for one in found if one.beats_random is group]
        assert values == sorted(values, reverse=True)
    assert len({(one.documents, one.random_comprehensiveness, one.random_auprc) for one in found}) == 1
    for one in found:
        for value, random, (low, high) in (
            (one.comprehensiveness, one.random_comprehensiveness, one.comprehensiveness_gain),
            (one.auprc, one.random_auprc, one.auprc_gain),
        ):
            assert low < value - random < high
            assert -1 <= low < high <= 1
        assert one.beats_random is (one.comprehensiveness_gain[0] > 0 and one.auprc_gain[0] > 0)


def test_a_cheap_methods_figures_are_those_that_are_measured():
    (found,) = measure(["input_x_gradient"], rankings=1).values()
    known = METHODS["input_x_gradient"].measured
    assert found.documents == known.documents
    assert (found.comprehensiveness, found.auprc) == pytest.approx((known.comprehensiveness, known.auprc), abs=0.01)
