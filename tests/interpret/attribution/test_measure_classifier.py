"""How often a classifier is right, beside a count of what transformers itself says."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from tests.tiny import make_checkpoint

NAMES = {0: "no", 1: "yes", 2: "perhaps"}
WORDS = ("the", "river", "bank", "was", "steep", "and", "lent", "money", "it", "rich", "said", "tired", "animals")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    loader = tf.AutoModelForSequenceClassification
    root = tmp_path_factory.mktemp("own")
    return make_checkpoint("bert", root / "own", loader=loader, num_labels=3, id2label=NAMES, initializer_range=0.5)


@pytest.fixture(scope="module")
def encoder(folder):
    return it.load_encoder(str(folder), device="cpu")


def some_texts(count, seed=0):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, size=draw.integers(3, 9))) for _ in range(count)]


def of_transformers(folder, encoder, texts):
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return [NAMES[int(model(**encoder.batch([encoder.tokens(text)])).logits.argmax())] for text in texts]


def test_it_counts_what_transformers_says(folder, encoder):
    texts = some_texts(60)
    said = of_transformers(folder, encoder, texts)
    assert len(set(said)) > 1
    labels = [NAMES[i % 3] for i in range(60)]
    found = it.attribution.measure_classifier(encoder, texts, labels)
    assert found.right == sum(one == other for one, other in zip(said, labels, strict=True))
    assert (found.count, found.majority) == (60, pytest.approx(1 / 3))
    # Whatever it says is right of rows that are labelled by it.
    assert it.attribution.measure_classifier(encoder, texts, said).share == 1


def test_what_cannot_count_does_not(folder, encoder):
    texts = [*some_texts(4), "", "\u200b", "the river"]
    said = of_transformers(folder, encoder, texts[:4])
    labels = [*said, "no", "no", "never heard of"]
    found = it.attribution.measure_classifier(encoder, texts, labels)
    assert (found.right, found.count) == (4, 4)
    assert it.attribution.measure_classifier(encoder, texts[4:], labels[4:]) is None
    assert it.attribution.measure_classifier(encoder, [], []) is None


def test_of_a_long_text_the_beginning_is_read(folder, encoder):
    beginning = "the river was steep"
    long = f"{beginning} " + "rich animals " * encoder.max_tokens
    (window, *rest) = it.windows(encoder, long, overlap=0).first
    assert rest
    assert (
        it.attribution.measure_classifier(encoder, [long], of_transformers(folder, encoder, [window.text])).right == 1
    )


def test_a_head_answers_in_place_of_the_models_own(encoder):
    texts, labels = some_texts(40), ["law", "sport"] * 20
    head = it.fit_head(encoder, texts, labels)
    found = it.attribution.measure_classifier(encoder, texts, labels, head)
    said = [it.attribution.target_function(encoder, text, head=head).target.name for text in texts]
    assert found.right == sum(one == other for one, other in zip(said, labels, strict=True))
    # None of these is a class of the model's own.
    assert it.attribution.measure_classifier(encoder, texts, labels) is None


def test_what_is_wrong_is_said(tiny_folders, encoder):
    with pytest.raises(it.InputError, match=r"number of labels \(1\) differs from the number of texts \(2\)"):
        it.attribution.measure_classifier(encoder, ["a", "b"], ["no"])
    without = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    with pytest.raises(it.InputError, match="has no classifier"):
        it.attribution.measure_classifier(without, ["a"], ["no"])
