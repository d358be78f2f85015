"""What can be asked, and that the two ways of asking it give one answer."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.attribution.find_target import target_function
from interpret.attribution.targets import TARGETS, TargetInputs, in_order
from interpret.attribution.targets.controls import Choice
from interpret.core.errors import InputError
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the bank lent money because it was rich"


@pytest.mark.parametrize("family", FAMILIES)
def test_embeddings_answer_as_ids_do(tiny_folders, family):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    for text, pair, target in (
        (TEXT, None, "norm"),
        (TEXT, "the river", "unit 2.5"),
        (TEXT, "the river", "similarity"),
    ):
        question = target_function(encoder, text, pair, target)
        with torch.no_grad():
            embedded = float(question.score(question.embedded[None])[0])
        assert embedded == pytest.approx(float(question.outputs([question.tokens])[0]), abs=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "albert", "modernbert"])
def test_a_classifier_answers_as_transformers_does(tmp_path, family):
    names = {0: "no", 1: "yes", 2: "who knows"}
    folder = make_checkpoint(
        family, tmp_path / family, loader=tf.AutoModelForSequenceClassification, num_labels=3, id2label=names
    )
    encoder = it.load_encoder(str(folder), device="cpu")
    question = target_function(encoder, TEXT)
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(**encoder.batch([question.tokens])).logits[0].numpy()
    assert question.target.name == names[int(logits.argmax())]
    np.testing.assert_allclose(question.answers([question.tokens])[0], logits, atol=1e-5)
    assert question.outputs([question.tokens])[0] == pytest.approx(logits.max(), abs=1e-5)
    with torch.no_grad():
        assert float(question.score(question.embedded[None])[0]) == pytest.approx(logits.max(), abs=1e-5)
    expected = torch.from_numpy(logits).softmax(-1).max().item()
    assert question.target_probabilities([question.tokens])[0] == pytest.approx(expected, abs=1e-6)
    for target, name in ((0, "no"), ("yes", "yes")):
        assert target_function(encoder, TEXT, target=target).target.name == name


@pytest.fixture
def topics(minilm):
    rows = [("the bank lent money", "finance"), ("the river was steep", "nature"), ("the court ruled", "law − tax")]
    rows = [
        (f"{text} {extra}", label) for text, label in rows for extra in ("today", "again", "at last", "so they say")
    ]
    return it.fit_head(minilm, [text for text, _label in rows], [label for _text, label in rows])


def test_one_class_rather_than_another_is_the_difference_of_their_scores(minilm, topics):
    scores = dict(zip(topics.labels, target_function(minilm, TEXT, head=topics).own, strict=True))
    for request in ("finance rather than law − tax", "0 rather than 1"):
        one, other = ("finance", "law − tax") if "finance" in request else topics.labels[:2]
        asked = target_function(minilm, TEXT, target=request, head=topics)
        assert asked.target == it.attribution.Target(
            "contrast", f"{one} − {other}", *map(topics.labels.index, (one, other)), other
        )
        assert asked.kind.values(asked.target) == {"name": one, "other": other}
        assert asked.output == pytest.approx(scores[one] - scores[other], abs=1e-4)
        # The log of how much likelier the one is.
        chances = [
            float(target_function(minilm, TEXT, target=name, head=topics).target_probability) for name in (one, other)
        ]
        assert asked.output == pytest.approx(np.log(chances[0] / chances[1]), abs=1e-3)
        back = target_function(minilm, TEXT, target=f"{other} rather than {one}", head=topics)
        assert back.output == pytest.approx(-asked.output, abs=1e-5)


@pytest.mark.parametrize("method", ["input_x_gradient", "feature_ablation"])
def test_words_of_a_contrast_are_the_difference_of_the_words_of_both(minilm, topics, method):
    # Both methods are linear in what is explained.
    found = [
        it.attribution.explain(target_function(minilm, TEXT, target=one, head=topics), method).word_scores()
        for one in ("finance", "nature", "finance rather than nature")
    ]
    np.testing.assert_allclose(found[2], found[0] - found[1], atol=2e-4)
    assert np.abs(found[2]).max() > 0.05


@pytest.mark.parametrize(
    "request_, sentence",
    [
        ("finance rather than finance", "cannot be contrasted with itself"),
        ("finance rather than nowhere", "no class or token “finance rather than nowhere”"),
        ("0 rather than 7", "no class or token"),
    ],
)
def test_a_contrast_that_makes_no_sense_is_said(minilm, topics, request_, sentence):
    with pytest.raises(InputError, match=sentence):
        target_function(minilm, TEXT, target=request_, head=topics)


def test_a_masked_word_answers_as_transformers_does(tmp_path):
    folder = make_checkpoint("bert", tmp_path / "bert", loader=tf.AutoModelForMaskedLM)
    encoder = it.load_encoder(str(folder), device="cpu")
    text = "the [MASK] lent money because it was [MASK]"
    question = target_function(encoder, text)
    model = tf.AutoModelForMaskedLM.from_pretrained(folder).eval()
    place = question.tokens.strings.index("[MASK]")
    with torch.no_grad():
        logits = model(**encoder.batch([question.tokens])).logits[0, place]
    assert question.target.index == int(logits.argmax())
    assert question.outputs([question.tokens])[0] == pytest.approx(float(logits.max()), abs=1e-5)
    # The mask is still found where words before it are gone, and no method takes a mask away.
    gone = np.array([token == "the" for token in question.tokens.strings])
    shorter = question.without(gone)
    assert len(shorter) == len(question.tokens) - 1
    with torch.no_grad():
        expected = model(**encoder.batch([shorter])).logits[0, place - 1, question.target.index]
    assert question.outputs([shorter])[0] == pytest.approx(float(expected), abs=1e-5)
    assert question.without(np.ones(len(gone), bool)).strings.count("[MASK]") == 2


def test_texts_answer_the_same_in_whatever_batch(minilm):
    question = target_function(minilm, "The tenant shall not sublet the premises.", target="norm")
    texts = [minilm.tokens(one) for one in ("Short.", "A longer text about the river bank.", "The tenant.")]
    together = question.outputs(texts)
    np.testing.assert_allclose(together, [question.outputs([one])[0] for one in texts], atol=1e-5)


def test_a_baseline_keeps_special_tokens_and_changes_all_others(minilm):
    question = target_function(minilm, "The tenant shall not sublet.", target="norm")
    for kind, token in (("pad", "[PAD]"), ("mask", "[MASK]")):
        rows = question.baseline(kind)
        expected = minilm.embedding_matrix[minilm.tokenizer.token_to_id(token)]
        for place, special in enumerate(question.tokens.special):
            torch.testing.assert_close(rows[place], question.embedded[place] if special else expected)
    assert question.baseline("zero")[1:-1].abs().max() == 0


@pytest.mark.parametrize(
    ("text", "pair", "target", "sentence"),
    [
        (TEXT, None, "predicted", "no classifier"),
        (TEXT, None, 0, "no classifier"),
        (TEXT, None, "positive", "no class or token"),
        (TEXT, None, "similarity", "two texts"),
        (TEXT, None, "unit 9.0", "no unit"),
        (TEXT, None, "unit 1.999", "no unit"),
        (TEXT, None, "unit x", "no class or token"),
        ("  ", None, "norm", "empty"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(tiny_folders, text, pair, target, sentence):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    with pytest.raises(InputError, match=sentence):
        target_function(encoder, text, pair, target)


def test_a_class_out_of_range_and_a_text_of_masks_alone_are_one_sentence(tmp_path, minilm):
    head = it.fit_head(minilm, ["good", "bad", "nice", "poor"], ["a", "b", "a", "b"])
    for target in (2, -3):
        with pytest.raises(InputError, match="no class"):
            target_function(minilm, "A word.", target=target, head=head)
    folder = make_checkpoint("bert", tmp_path / "bert", loader=tf.AutoModelForMaskedLM)
    with pytest.raises(InputError, match="no word to explain"):
        target_function(it.load_encoder(str(folder), device="cpu"), "[MASK]")
    # One token, and tokens that the vocabulary lacks, can be explained like any others.
    for text in ("word", "漢 漢"):
        assert np.isfinite(it.attribute(minilm, text, head=head).scores).all()


# What answers to a kind of target that is not asked of a head of masked words, or of any.
HEADS = {
    "score": (tf.AutoModelForSequenceClassification, {"num_labels": 1}),
    "tag": (tf.AutoModelForTokenClassification, {"num_labels": 3}),
    "answer start": (tf.AutoModelForQuestionAnswering, {}),
    "answer end": (tf.AutoModelForQuestionAnswering, {}),
}


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_page_asks_for_is_a_target_of_its_kind(name, tmp_path):
    loader, more = HEADS.get(name, (tf.AutoModelForMaskedLM, {}))
    encoder = it.load_encoder(str(make_checkpoint("bert", tmp_path, loader=loader, **more)), device="cpu")
    kind, text = TARGETS[name], "the [MASK] lent money"
    head = (
        it.fit_head(encoder, ["the bank", "the river", "a bank", "a river"], list("abab")) if kind.classifier else None
    )
    assert kind.offered(encoder, text)
    controls = kind.controls(encoder, () if head is None else head.labels, encoder.tokens(text, "the river"))
    # What is chosen at first, and the last that there is.
    for last in (False, True):
        values = {}
        for number, one in enumerate(controls):
            options = [*one.worded, *one.options] if isinstance(one, Choice) else range(one.most + 1)
            # Two choices of the same classes are of different ones.
            values[one.key] = options[-1] if last is (number % 2 == 0) else options[0]
        wish = kind.requested(values)
        assert kind.find(wish, TargetInputs(encoder, text, "the river", head)).kind == name
        target = target_function(encoder, text, "the river", wish, head).target
        assert target.kind == name
        # Every brace of the sentence is filled; a kind that needs a second text says so where there is none.
        assert "{" not in kind.said.format(**kind.values(target))
    assert bool(kind.missing_pair) is (kind.compares or kind.from_passage)


def test_a_name_of_a_target_comes_before_a_class_and_a_class_before_a_word(tmp_path):
    labels = {0: "norm", 1: "unit 1.2", 2: "other"}
    folder = make_checkpoint(
        "bert", tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=3, id2label=labels
    )
    encoder = it.load_encoder(str(folder), device="cpu")
    found = [target_function(encoder, TEXT, target=one).target for one in ("norm", "unit 1.2", "other", 0)]
    assert [(one.kind, one.name) for one in found] == [
        ("norm", ""),
        ("unit", "unit 1.2"),
        ("class", "other"),
        ("class", "norm"),
    ]
    # The order on the page: a link without a kind opens the first that the text allows.
    assert [kind.name for kind in in_order()] == [
        "word",
        "answer start",
        "score",
        "tag",
        "answer end",
        "class",
        "contrast",
        "similarity",
        "norm",
        "unit",
    ]
