"""A tag of one word, beside transformers, and where the word is taken away."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.errors import InputError
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the river bank said it was tired"
NAMES = {0: "O", 1: "B-LOC", 2: "I-LOC"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("taggers")
    more = {"id2label": NAMES, "label2id": {name: i for i, name in NAMES.items()}, "initializer_range": 0.5}
    loader = tf.AutoModelForTokenClassification
    return {one: make_checkpoint(one, root / one, loader=loader, **more) for one in FAMILIES}


def load(folders, family):
    return it.load_encoder(str(folders[family]), device="cpu")


def logits_of(folders, family, encoder, tokens):
    model = tf.AutoModelForTokenClassification.from_pretrained(folders[family]).eval()
    with torch.inference_mode():
        return model(**encoder.batch([tokens])).logits[0].numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_the_logit_of_transformers_at_the_words_first_token(folders, family):
    encoder = load(folders, family)
    tokens = encoder.tokens(TEXT)
    logits = logits_of(folders, family, encoder, tokens)
    firsts = [group[0] for group in tokens.groups if not tokens.special[group[0]]]
    for first in firsts[:3]:
        function = it.attribution.target_function(encoder, TEXT, target=f"tag {first}")
        assert function.target.index == logits[first].argmax()
        assert function.target.name == NAMES[function.target.index]
        for index, name in NAMES.items():
            asked = it.attribution.target_function(encoder, TEXT, target=f"tag {first} {name}")
            assert asked.output == pytest.approx(logits[first, index], abs=1e-4)
    # What is predicted is the first word that is given a tag.
    tagged = [first for first in firsts if NAMES[int(logits[first].argmax())] != "O"]
    function = it.attribution.target_function(encoder, TEXT)
    assert (function.target.kind, function.target.position) == ("tag", (tagged or firsts)[0])
    chances = np.exp(logits[function.target.position]) / np.exp(logits[function.target.position]).sum()
    assert function.target_probability == pytest.approx(chances.max(), abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_words_account_for_it_the_tagged_word_too(folders, family):
    encoder = load(folders, family)
    found = it.attribute(encoder, TEXT, target="tag")
    assert found.error <= 0.01
    assert np.abs(found.word_scores()).max() > 0


def test_a_text_without_other_words_is_asked_at_the_same_word(folders):
    encoder = load(folders, "bert")
    whole = encoder.tokens(TEXT)
    position = whole.strings.index("tired")
    function = it.attribution.target_function(encoder, TEXT, target=f"tag {position} B-LOC")
    gone = np.array([name in ("river", "it") for name in whole.strings])
    shorter = function.without(gone)
    assert len(shorter) == len(whole) - 2
    expected = logits_of(folders, "bert", encoder, shorter)[shorter.strings.index("tired"), 1]
    assert function.outputs([shorter])[0] == pytest.approx(float(expected), abs=1e-5)


def test_of_the_word_itself_a_mask_is_left(folders):
    encoder = load(folders, "bert")
    whole = encoder.tokens(TEXT)
    position = whole.strings.index("tired")
    function = it.attribution.target_function(encoder, TEXT, target=f"tag {position} B-LOC")
    alone = function.without(np.array([name == "tired" for name in whole.strings]))
    sign = encoder.special.mask or encoder.special.unknown
    assert alone.strings == tuple(sign if name == "tired" else name for name in whole.strings)
    expected = logits_of(folders, "bert", encoder, alone)[position, 1]
    assert function.outputs([alone])[0] == pytest.approx(float(expected), abs=1e-5)
    # All words but special tokens are gone but for the place of the tag.
    assert function.without(np.ones(len(whole), bool)).strings == ("[CLS]", sign, "[SEP]")


def test_methods_that_delete_words_and_their_measures_work(folders):
    encoder = load(folders, "bert")
    function = it.attribution.target_function(encoder, TEXT, target="tag")
    for method in ("feature_ablation", "lime", "saliency"):
        found = it.attribution.explain(function, method)
        assert np.isfinite(found.scores).all()
    measured = it.attribution.faithfulness(function, it.attribution.explain(function, "input_x_gradient"), draws=20)
    assert np.isfinite([measured.comprehensiveness, measured.sufficiency]).all()


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("tag 0", "Token 0 of the text does not begin a word"),
        ("tag 99", "Token 99 of the text does not begin a word"),
        ("tag 1 B-PER", "no tag “B-PER”. It has: O, B-LOC, I-LOC"),
    ],
)
def test_what_makes_no_sense_is_said(folders, target, sentence):
    with pytest.raises(InputError, match=sentence):
        it.attribution.target_function(load(folders, "bert"), TEXT, target=target)
