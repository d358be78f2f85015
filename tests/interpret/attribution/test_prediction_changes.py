"""What two models say of the same rows: by whose head, where they differ, and what the difference is worth."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.attribution.prediction_changes import Predictions
from interpret.core.intervals import paired_difference, wilson
from tests.tiny import make_checkpoint

TEXTS = [
    f"the {noun} was {word}" for noun in ("bank", "river", "money") for word in ("steep", "rich", "tired", "animals")
]
LABELS = ["law" if "bank" in text or "money" in text else "sport" for text in TEXTS]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = make_checkpoint(
        "bert",
        tmp_path_factory.mktemp("changes") / "own",
        loader=tf.AutoModelForSequenceClassification,
        id2label={0: "law", 1: "sport", 2: "art"},
        label2id={"law": 0, "sport": 1, "art": 2},
    )
    return it.load_encoder(str(folder), "cpu")


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    return it.load_encoder(str(make_checkpoint("bert", tmp_path_factory.mktemp("changes") / "none", seed=3)), "cpu")


def made(said, probability, classes=("a", "b")):
    return Predictions(classes, True, tuple(said), np.asarray(probability, float))


def test_a_models_own_head_says_what_transformers_says(classifier):
    found = it.attribution.predict_classes(classifier, TEXTS, LABELS)
    assert found.own
    assert found.classes == ("law", "sport", "art")
    folder = classifier.spec.checkpoint.name
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        shares = [model(**tokenizer(text, return_tensors="pt")).logits[0].softmax(-1).numpy() for text in TEXTS]
    assert list(found.said) == [found.classes[one.argmax()] for one in shares]
    np.testing.assert_allclose(found.probability, [one.max() for one in shares], atol=1e-5)
    # Without labels too; and what cannot be read has no answer.
    again = it.attribution.predict_classes(classifier, ["", *TEXTS])
    assert again.said == ("", *found.said)
    assert np.isnan(again.probability[0])


def test_a_model_without_these_classes_is_answered_by_a_head_that_has_not_seen_the_row(headless, classifier):
    labels = [one.upper() for one in LABELS]
    for encoder in (headless, classifier):
        found = it.attribution.predict_classes(encoder, TEXTS, labels)
        head = it.fit_head(encoder, TEXTS, labels)
        assert not found.own
        assert found.classes == ("LAW", "SPORT")
        assert found.said == tuple(head.out_of_fold[text] for text in TEXTS)
        assert sum(one == label for one, label in zip(found.said, labels, strict=True)) == head.held_out.right
        assert (found.probability >= 0.5).all()
    with pytest.raises(it.InputError, match="without labels none can be fitted"):
        it.attribution.predict_classes(headless, TEXTS)


def test_flips_are_listed_the_surest_first():
    first = made("aabba", [0.9, 0.8, 0.7, 0.6, 0.99])
    second = made("abbab", [0.9, 0.6, 0.7, 0.95, 0.98])
    found = it.attribution.compare_predictions(first, second, list("vwxyz"))
    assert found.flipped.tolist() == [4, 1, 3]
    assert found.agreement == pytest.approx(2 / 5)
    assert found.agreement_interval == pytest.approx(wilson(2, 5))
    assert found.first_accuracy is None
    assert np.isnan(found.difference)


def test_the_difference_is_paired_and_the_seconds_less_the_firsts():
    random = np.random.default_rng(0)
    labels = random.choice(["a", "b"], 80).tolist()
    right = random.random((2, 80)) < np.array([[0.6], [0.9]])
    said = [[one if ok else "ab"[one == "a"] for one, ok in zip(labels, row, strict=True)] for row in right]
    first, second = (made(one, np.full(80, 0.8)) for one in said)
    found = it.attribution.compare_predictions(first, second, [f"text {i}" for i in range(80)], labels)
    assert (found.first_accuracy.right, found.second_accuracy.right) == tuple(right.sum(axis=1))
    assert found.difference == pytest.approx(right[1].mean() - right[0].mean())
    assert found.difference_interval == pytest.approx(paired_difference(right[1], right[0]))
    assert found.difference > 0.1
    # Turned round, it is the other way round.
    back = it.attribution.compare_predictions(second, first, [f"text {i}" for i in range(80)], labels)
    assert back.difference == pytest.approx(-found.difference)
    assert back.difference_interval == pytest.approx(tuple(-one for one in reversed(found.difference_interval)))


def test_texts_that_read_the_same_are_no_second_proof():
    first, second = made("aabb" * 10, [0.9] * 40), made("abbb" * 10, [0.9] * 40)
    texts = ["One", "two", "three", "four"] * 10
    texts[4] = "one "
    found = it.attribution.compare_predictions(first, second, texts, list("aabb" * 10))
    assert found.count == 4
    assert found.agreement == 3 / 4
    assert found.agreement_interval == pytest.approx(wilson(3, 4))
    # All of one basis: what the two accuracies differ by is the difference.
    assert (found.first_accuracy.share, found.second_accuracy.share) == (1, 3 / 4)
    assert found.difference == pytest.approx(-1 / 4)
    assert found.difference_interval == pytest.approx(
        paired_difference(np.array([1, 0, 1, 1], bool), np.array([1, 1, 1, 1], bool))
    )
    # Each row whose prediction flips is listed all the same.
    assert len(found.flipped) == 10


def test_a_copy_whose_label_is_unknown_hides_no_labelled_one():
    first, second = made("aa", [0.9, 0.9]), made("bb", [0.9, 0.9])
    found = it.attribution.compare_predictions(first, second, ["one", "one"], ["?", "a"])
    assert (found.first_accuracy.right, found.first_accuracy.count) == (1, 1)
    assert found.difference == -1


def test_rows_that_one_of_them_says_nothing_of_do_not_count():
    first, second = made(["a", "", "b"], [0.9, np.nan, 0.8]), made(["b", "a", ""], [0.9, 0.9, np.nan])
    found = it.attribution.compare_predictions(first, second, list("xyz"), ["a", "a", "c"])
    assert found.compared.tolist() == [True, False, False]
    assert found.flipped.tolist() == [0]
    assert (found.count, found.first_accuracy.count, found.second_accuracy.right) == (1, 1, 0)
    none = it.attribution.compare_predictions(first, made([""] * 3, [np.nan] * 3), list("xyz"))
    assert none.count == 0
    assert np.isnan(none.agreement)
    with pytest.raises(it.InputError, match="differs from the number of texts"):
        it.attribution.compare_predictions(first, second, list("xy"))


def test_a_label_that_only_one_of_them_can_say_speaks_for_neither():
    first, second = made("abab", [0.9] * 4), made("abcc", [0.9] * 4, classes=("a", "b", "c"))
    found = it.attribution.compare_predictions(first, second, list("wxyz"), list("abcc"))
    assert (found.count, found.first_accuracy.count) == (4, 2)
    assert found.difference == 0
    unknown = it.attribution.compare_predictions(first, second, list("wxyz"), list("dddd"))
    assert unknown.first_accuracy is unknown.second_accuracy is None
    assert np.isnan(unknown.difference_interval).all()


def test_it_says_how_far_it_is(classifier):
    told = []
    it.attribution.predict_classes(classifier, TEXTS * 8, LABELS * 8, progress=lambda *some: told.append(some))
    assert told == [(64, 96, "rows"), (96, 96, "rows")]
