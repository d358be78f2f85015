"""The quality report by hand: ERASER's measures, infidelity, forgetting, and evidence that was planted."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as tf
from scipy import stats

import interpret as it
from interpret.attribution.attribution import explain
from interpret.attribution.diagnostics import with_new_weights
from interpret.attribution.driving_words import top_words
from interpret.attribution.find_target import target_function
from interpret.attribution.plausibility import plausibility
from interpret.attribution.rank_agreement import ranking
from interpret.attribution.targets import Target
from interpret.core.errors import InputError
from tests.interpret.attribution.linear import Linear
from tests.tiny import make_checkpoint

TEXT = "the river bank was steep"


@pytest.fixture(scope="module")
def bert(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


def by_hand(question, scores):
    """Comprehensiveness and sufficiency of a linear model, deleted words simply adding nothing."""
    groups = [group for group in question.tokens.groups if not question.tokens.special[group[0]]]
    shares = [question.token_shares()[list(group)].sum() for group in groups]
    order = ranking(np.array([scores[list(group)].sum() for group in groups]))
    fixed = question.token_shares()[question.tokens.special].sum()
    whole = fixed + sum(shares)
    lost, short = [], []
    # 1, 5, 10, 20 and 50 % of five words are one, one, one, one and three of them.
    for count in (1, 1, 1, 1, 3):
        top = sum(shares[i] for i in order[:count])
        lost.append(top)
        short.append(whole - (fixed + top))
    return sum(lost) / 5, sum(short) / 5


def test_erasers_measures_are_those_computed_by_hand(bert):
    question = Linear(bert, bert.tokens(TEXT))
    assert len(question.tokens.groups) == 7
    attribution = explain(question, "feature_ablation")
    found = it.attribution.faithfulness(question, attribution)
    expected = by_hand(question, attribution.scores)
    assert found.comprehensiveness == pytest.approx(expected[0], abs=1e-4)
    assert found.sufficiency == pytest.approx(expected[1], abs=1e-4)
    # Nothing deleted is the text; everything kept is the text; and the other way round nothing is left.
    assert found.shares[0] == 0
    assert found.shares[-1] == 1
    assert found.deletion[0] == pytest.approx(attribution.output, abs=1e-4)
    assert found.insertion[-1] == pytest.approx(attribution.output, abs=1e-4)
    assert found.deletion[-1] == pytest.approx(found.insertion[0], abs=1e-5)
    # Of five words the first is on top in four bins and the first three in the fifth: 5 × C(4, 2) rankings differ.
    assert found.exact
    assert len(found.random_comprehensiveness) == 30


def test_no_ranking_beats_the_true_one_of_a_linear_model(bert):
    question = Linear(bert, bert.tokens(TEXT))
    attribution = explain(question, "input_x_gradient")
    found = it.attribution.faithfulness(question, attribution)
    assert found.comprehensiveness >= found.random_comprehensiveness.max() - 1e-5
    assert found.sufficiency <= found.random_sufficiency.min() + 1e-5


def test_exact_scores_have_no_infidelity_and_shuffled_ones_have(bert):
    question = Linear(bert, bert.tokens(TEXT))
    found = it.attribution.diagnose(question, explain(question, "shapley_sampling"), sensitivity=False)
    assert found.infidelity < 1e-10
    assert found.random_infidelity.mean() > 0.01
    assert len(found.random_infidelity) == found.shuffles == 1000
    assert found.sensitivity is None


def test_a_method_that_looks_at_the_model_forgets_and_one_that_does_not_is_seen(minilm):
    question = target_function(
        minilm, "The judge dismissed the appeal of the tenant against the landlord.", target="norm"
    )
    before = explain(question, "integrated_gradients")
    found = it.attribution.diagnose(question, before)
    assert found.replaced == (*(f"layer {i}" for i in reversed(range(6))), "embeddings")
    assert abs(found.agreement[-1]) < 0.9
    assert 0 < found.sensitivity < 2
    # The true model is as it was.
    np.testing.assert_array_equal(before.scores, explain(question, "integrated_gradients").scores)


def test_a_head_drawn_anew_leaves_the_embeddings_that_it_shares(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForMaskedLM)
    encoder = it.load_encoder(str(folder), device="cpu")
    question = target_function(encoder, "the river [MASK] was steep")
    other = with_new_weights(question, ["head"], seed=0)
    torch.testing.assert_close(other.encoder.embedding_matrix, encoder.embedding_matrix, atol=0, rtol=0)
    assert abs(float(other.outputs([question.tokens])[0] - question.outputs([question.tokens])[0])) > 1e-3


def test_a_unit_is_only_asked_of_models_that_differ_below_it(bert):
    question = target_function(bert, TEXT, target="unit 1.3")
    found = it.attribution.diagnose(question, explain(question, "input_x_gradient"), sensitivity=False)
    # Level 1 is what layer 0 gives.
    assert found.replaced == ("layer 0", "embeddings")


@pytest.mark.parametrize("method", ["input_x_gradient", "feature_ablation"])
def test_max_sensitivity_is_the_furthest_that_scores_move(bert, method):
    weight = np.random.default_rng(0).normal(size=(2, bert.width)).astype(np.float32)
    head = it.LinearHead(("law", "sport"), weight, np.zeros(2, np.float32))
    question = target_function(bert, TEXT, head=head)
    found = explain(question, method)
    trusted = it.attribution.diagnose(question, found, seed=3)
    # The same nine draws by hand.
    draw, moves = torch.Generator().manual_seed(3), []
    for _ in range(9):
        noise = trusted.radius * (2 * torch.rand((1, *question.embedded.shape), generator=draw)[0] - 1)
        noise[torch.from_numpy(question.fixed.copy())] = 0
        scores = explain(question.moved(question.embedded + noise), method).scores
        moves.append(np.linalg.norm(scores - found.scores) / np.linalg.norm(found.scores))
    assert trusted.sensitivity == pytest.approx(max(moves), rel=1e-3)


def test_an_attribution_of_another_text_or_target_is_refused(bert):
    question = Linear(bert, bert.tokens(TEXT))
    other = explain(Linear(bert, bert.tokens("the bank")), "saliency")
    with pytest.raises(InputError, match="another text or target"):
        it.attribution.faithfulness(question, other)
    with pytest.raises(InputError, match="another text or target"):
        it.attribution.diagnose(
            Linear(bert, bert.tokens(TEXT), Target("unit", "", 0, 0)), explain(question, "saliency")
        )


def test_plausibility_by_hand(minilm):
    tokens = minilm.tokens("a very good film")
    scores = np.array([0, 0.1, 0.2, 0.9, 0.5, 0], np.float32)
    found = plausibility(tokens, scores, [(2, 11)])
    # Marked: very, good. On top: good, film.
    assert (found.token_f1, found.iou, found.chance) == (0.5, pytest.approx(1 / 3), 0.5)
    # Down the list good, film, very, a: precision 1 at recall 1/2, and 2/3 at recall 1.
    assert found.auprc == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    for spans in ([], [(0, 16)]):
        with pytest.raises(InputError, match="Highlights"):
            plausibility(tokens, scores, spans)


def test_methods_that_are_both_exact_agree(bert):
    question = Linear(bert, bert.tokens(TEXT))
    same = [explain(question, method) for method in ("feature_ablation", "integrated_gradients")]
    np.testing.assert_allclose(it.attribution.rank_agreement(same), 1)


def test_words_over_many_texts(bert):
    found = [
        explain(Linear(bert, bert.tokens(text)), "feature_ablation") for text in ("the bank", "the river", "The bank")
    ]
    rows = {row.word: row for row in top_words(found)}
    assert set(rows) == {"the", "bank"}
    assert rows["the"].texts == 3
    # The same word has the same score in a linear model: no spread.
    assert rows["bank"].half == pytest.approx(0, abs=1e-5)


def test_a_words_interval_is_students(bert):
    found = [explain(Linear(bert, bert.tokens(f"the {one}")), "feature_ablation") for one in ("bank", "river", "money")]
    values = (1.0, 2.0, 6.0)
    spread = [
        replace(one, scores=np.array([0, value, 0, 0], np.float32)) for one, value in zip(found, values, strict=True)
    ]
    ((_, mean, half, count, p),) = [row for row in top_words(spread) if row.word == "the"]
    assert p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (mean, count) == (3.0, 3)
    assert (mean - half, mean + half) == pytest.approx((low, high), rel=1e-6)


FILLERS = [
    "we",
    "went",
    "to",
    "see",
    "it",
    "on",
    "grey",
    "day",
    "with",
    "two",
    "friends",
    "and",
    "some",
    "bread",
    "near",
    "the",
    "old",
    "gate",
    "of",
    "a",
    "quiet",
    "town",
]
EVIDENCE = {"law": ("court", "judge", "lawsuit"), "sport": ("goalkeeper", "stadium", "tennis")}


@pytest.fixture(scope="module")
def planted(_minilm):
    """Texts whose label depends on one word alone, and a head that has learned it."""
    draw = random.Random(0)
    rows = []
    for number in range(160):
        label = ("law", "sport")[number % 2]
        words = draw.sample(FILLERS, 9)
        words.insert(draw.randrange(10), draw.choice(EVIDENCE[label]))
        rows.append((" ".join(words), label))
    head = it.fit_head(_minilm, *zip(*rows[:100], strict=True))
    return head, rows[100:]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion", "shapley_sampling"])
def test_attributions_point_at_planted_evidence(minilm, planted, method):
    head, rows = planted
    # Two thousand forward passes a sentence.
    rows = rows[:4] if method == "shapley_sampling" else rows[:20]
    hits = 0
    for text, label in rows:
        question = target_function(minilm, text, target=label, head=head)
        found = explain(question, method)
        hits += found.tokens.words[int(found.word_scores().argmax())] in EVIDENCE[label]
    assert hits >= 0.95 * len(rows)


def test_random_scores_find_planted_evidence_by_chance(minilm, planted):
    head, rows = planted
    draw = np.random.default_rng(0)
    hits = []
    for text, label in rows:
        found = explain(target_function(minilm, text, target=label, head=head), "rollout")
        free = [place for place, group in enumerate(found.tokens.groups) if not found.tokens.special[group[0]]]
        for _ in range(20):
            scores = replace(found, scores=draw.random(len(found.tokens)).astype(np.float32)).word_scores()
            hits.append(found.tokens.words[max(free, key=scores.__getitem__)] in EVIDENCE[label])
    # Ten words, one of them planted, and one of several tokens is found a little oftener.
    assert 0.06 < np.mean(hits) < 0.16
