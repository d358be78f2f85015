"""Which heads matter for a labelled file: Michel's score against a finite difference, removals against ablation."""

import numpy as np
import pytest
import torch
import transformers as tf
from scipy import stats

import interpret as it
from interpret.attention.head_evaluator import HeadEvaluator
from interpret.attention.importance import _evaluator
from interpret.core.clustered_intervals import sides
from interpret.core.linear_head import sentence_vectors, split_half
from tests.tiny import make_checkpoint

TEXTS = [
    f"the {a} {b} was {c}" for a in ("river", "rich") for b in ("bank", "animals") for c in ("steep", "tired", "rich")
]
TEXTS = TEXTS * 2
LABELS = ["river" if "river" in text else "money" for text in TEXTS]


@pytest.fixture(scope="module")
def encoder(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


def test_the_score_is_a_finite_difference_of_the_loss_in_the_head_mask(encoder):
    exam = _evaluator(encoder, TEXTS, LABELS, 0)
    # One text at a time, since the score takes the absolute value of each.
    step = 1e-2
    expected = np.zeros((3, 4))
    for layer in range(3):
        for head in range(4):
            slopes = []
            for text in range(len(exam.texts)):
                losses = []
                for sign in (1, -1):
                    gates = torch.ones(3, 4)
                    gates[layer, head] += sign * step
                    one = HeadEvaluator(encoder, [exam.texts[text]], exam.gold[[text]], exam.head, 0, [[0]])
                    losses.append(one.score(gates)[0])
                slopes.append(abs(losses[0] - losses[1]) / (2 * step))
            expected[layer, head] = np.mean(slopes)
    result = it.attention.head_importance(encoder, TEXTS, LABELS, removals=False)
    np.testing.assert_allclose(result.gradient, expected, rtol=2e-2, atol=2e-4)
    np.testing.assert_allclose(
        result.importance, result.gradient / np.linalg.norm(result.gradient, axis=1, keepdims=True), rtol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(result.importance, axis=1), 1, rtol=1e-5)
    assert result.loss_rise is None
    assert not result.curves


def test_removals_and_curves_are_what_ablation_gives(encoder):
    reports = []
    result = it.attention.head_importance(
        encoder, TEXTS, LABELS, progress=lambda done, total, note: reports.append((done, total))
    )
    exam = _evaluator(encoder, TEXTS, LABELS, 0)
    weight, bias = exam.head.weight, exam.head.bias

    def loss(heads):
        losses, right = [], []
        for text, gold in zip(exam.texts, exam.gold, strict=True):
            logits = weight @ it.attention.ablate(encoder, text, heads=heads).after[-1].mean(0) + bias
            losses.append(np.log(np.exp(logits).sum()) - logits[gold])
            right.append(logits.argmax() == gold)
        return np.mean(losses), np.mean(right)

    assert result.loss == pytest.approx(loss([])[0], rel=1e-3, abs=1e-4)
    for place in ((0, 0), (2, 3)):
        rise, right = loss([place])
        assert result.loss_rise[place] == pytest.approx(rise - result.loss, abs=1e-4)
        assert result.accuracy_drop[place] == pytest.approx(result.accuracy - right, abs=1e-6)
    assert set(result.curves) == {"gradient", "removal", "random 0", "random 1", "random 2"}
    for curve in result.curves.values():
        assert curve.removed[0] == 0
        assert curve.removed[-1] == 12
        assert curve.loss[0] == pytest.approx(result.loss)
        assert curve.loss[-1] == pytest.approx(loss([(i, j) for i in range(3) for j in range(4)])[0], abs=1e-3)
    order = result.importance.ravel().argsort(kind="stable")
    first = [(int(i) // 4, int(i) % 4) for i in order[: result.curves["gradient"].removed[1]]]
    assert result.curves["gradient"].loss[1] == pytest.approx(loss(first)[0], abs=1e-4)
    assert reports[-1][0] == reports[-1][1] > 12
    assert result.texts + result.fitted_on == len(TEXTS)
    assert result.majority == 0.5


def test_each_heads_rise_has_the_interval_of_a_paired_test(encoder):
    """Text by text, with and without the head: SciPy's paired t-test over texts; texts that read the same are one."""
    texts = [f"{one} {i}" for i, one in enumerate(TEXTS)]
    result = it.attention.head_importance(encoder, texts, LABELS)
    exam = _evaluator(encoder, texts, LABELS, 0)
    weight, bias = exam.head.weight, exam.head.bias

    def losses(heads):
        made = []
        for text, gold in zip(exam.texts, exam.gold, strict=True):
            logits = (weight @ it.attention.ablate(encoder, text, heads=heads).after[-1].mean(0) + bias).astype(float)
            made.append(np.log(np.exp(logits).sum()) - logits[gold])
        return np.array(made)

    for place in ((0, 0), (2, 3)):
        expected = stats.ttest_rel(losses([place]), losses([])).confidence_interval()
        np.testing.assert_allclose(result.loss_rise_interval[place], expected, atol=2e-4)
    assert result.loss_interval == pytest.approx(stats.ttest_1samp(losses([]), 0).confidence_interval(), abs=1e-4)
    curve = result.curves["gradient"]
    np.testing.assert_allclose(curve.loss_interval[0], result.loss_interval, rtol=1e-5)
    # An accuracy that not one of twelve texts changes may be changed by a quarter of others.
    assert (np.ptp(result.accuracy_drop_interval, axis=-1) >= 2 * (1 - 0.025 ** (1 / 12)) - 1e-6).all()
    twice = _evaluator(encoder, [*texts, *texts], [*LABELS, *LABELS], 0)
    each = np.arange(len(twice.texts), dtype=float)
    means = [each[[text == one for text in twice.texts]].mean() for one in set(twice.texts)]
    if len(means) * 2 == len(each):
        np.testing.assert_allclose(twice.interval(each), stats.ttest_1samp(means, 0).confidence_interval())


def test_heads_that_do_nothing_are_not_said_to_matter_and_those_that_do_are(encoder):
    """Of noise around 0 the interval leaves 0 out one time in twenty; of a rise that texts share, always."""
    exam = _evaluator(encoder, [f"{one} {i}" for i, one in enumerate(TEXTS * 4)], LABELS * 4, 0)
    noise = np.random.default_rng(0).normal(size=(len(exam.gold), 20, 20))
    assert abs((sides(exam.interval(noise)) != 0).mean() - 0.05) < 0.04
    assert (sides(exam.interval(noise + 1)) == 1).all()
    assert (sides(exam.interval(noise - 1)) == -1).all()


def test_the_models_own_classifier_answers_where_it_has_these_labels(tmp_path):
    folder = make_checkpoint(
        "bert",
        tmp_path,
        loader=tf.AutoModelForSequenceClassification,
        id2label={0: "money", 1: "river"},
        label2id={"money": 0, "river": 1},
    )
    own = it.load_encoder(str(folder), device="cpu")
    result = it.attention.head_importance(own, TEXTS, LABELS, removals=False)
    assert result.fitted_on == 0
    assert result.texts == len(TEXTS)
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = torch.cat([model(torch.tensor(own.tokens(text).ids)[None]).logits for text in TEXTS])
    gold = torch.tensor([("money", "river").index(label) for label in LABELS])
    assert result.loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, gold)), rel=1e-4)
    # Other labels than the classifier's: a linear head of their own.
    other = it.attention.head_importance(own, TEXTS, [label.upper() for label in LABELS], removals=False)
    assert other.fitted_on > 0


def test_a_head_fitted_on_the_built_in_model_tells_topics_apart(minilm):
    river = ["the river was deep", "a boat on the water", "fish swim in the stream", "the lake froze over"] * 6
    money = ["the bank raised its rates", "shares fell on monday", "she paid the invoice", "a loan at five percent"] * 6
    texts, labels = river + money, ["water"] * 24 + ["finance"] * 24
    head = it.fit_head(minilm, texts, labels)
    logits = sentence_vectors(minilm, ["the ship sailed", "the company sold bonds"]) @ head.weight.T + head.bias
    assert [head.labels[i] for i in logits.argmax(1)] == ["water", "finance"]


def test_sentence_vectors_do_not_depend_on_their_batch(minilm):
    texts = ["one", "a much longer text than the first one of them all", "two words"]
    together = sentence_vectors(minilm, texts)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(vector, it.trace(minilm, text).hidden[-1].mean(0), atol=1e-5)


def test_halves_are_stratified_and_seeded():
    labels = ["a"] * 11 + ["b"] * 6 + ["c"] * 3
    first, second = split_half(labels)
    assert sorted([*first, *second]) == list(range(20))
    assert abs(len(first) - len(second)) <= 1
    for name in "abc":
        assert abs(sum(labels[i] == name for i in first) - sum(labels[i] == name for i in second)) <= 1
    assert np.array_equal(first, split_half(labels)[0])
    assert not np.array_equal(first, split_half(labels, seed=1)[0])


def test_what_cannot_be_measured_is_said(encoder, tiny_folders):
    with pytest.raises(it.InputError, match=r"texts \(24\) differs from the number of labels \(1\)"):
        it.attention.head_importance(encoder, TEXTS, ["a"])
    with pytest.raises(it.InputError, match="too few"):
        it.attention.head_importance(encoder, TEXTS[:5], LABELS[:5])
    with pytest.raises(it.InputError, match="have 1 such class"):
        it.attention.head_importance(encoder, TEXTS, ["a"] * 24)
    with pytest.raises(it.InputError, match="have 0 such class"):
        it.attention.head_importance(encoder, TEXTS, [str(i) for i in range(24)])
    alone = it.attention.head_importance(encoder, [*TEXTS, "the bank"], [*LABELS, "alone"], removals=False)
    assert (alone.texts, alone.fitted_on) == (12, 12)
    with pytest.raises(it.InputError, match="All texts have the label “a”"):
        it.fit_head(encoder, TEXTS, ["a"] * 24)
    with pytest.raises(it.InputError, match="24 different numbers, which are no classes"):
        it.fit_head(encoder, TEXTS, [f"{i * 0.37:.2f}" for i in range(24)])
    with pytest.raises(it.InputError, match="24 texts have 24 different labels"):
        it.fit_head(encoder, TEXTS, [f"name {i}" for i in range(24)])

    def stop(done, total, note):
        if done > 3:
            raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.attention.head_importance(encoder, TEXTS, LABELS, progress=stop)
