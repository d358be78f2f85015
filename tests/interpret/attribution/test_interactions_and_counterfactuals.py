"""Word-pair interactions, what turns a prediction, and whole files."""

import csv
import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import transformers as tf

import interpret as it
from interpret.attribution import rows as whole_files
from interpret.attribution.__main__ import main
from interpret.attribution.counterfactuals import SEARCHES, _count_sets, _singles
from interpret.attribution.find_target import target_function
from interpret.attribution.highlights import read_highlights
from interpret.attribution.variants import Change, spelled
from interpret.core.errors import Cancelled, InputError
from tests.interpret.attribution.linear import Both, Linear
from tests.tiny import make_checkpoint

TEXTS = ("The court found him guilty.", "The striker scored twice.", "The judge spoke.", "The match was won.")
LABELS = ("law", "sport", "law", "sport")


@pytest.fixture(scope="module")
def head(_minilm):
    return it.fit_head(_minilm, TEXTS, LABELS)


def test_similarity_pairs_add_up_to_the_cosine(minilm):
    first, second = "The doctor examined the patient.", "A physician came."
    found = it.attribution.similarity_pairs(minilm, first, second)
    vectors = it.embed(minilm, [first, second], layers=[6]).vectors[0]
    cosine = vectors[0] @ vectors[1] / np.prod(np.linalg.norm(vectors, axis=1))
    assert found.similarity == pytest.approx(cosine, abs=1e-5)
    assert found.scores.sum() + found.to_baseline == pytest.approx(cosine + found.delta, abs=1e-5)
    assert abs(found.delta) < 0.02
    best = np.unravel_index(found.scores.argmax(), found.scores.shape)
    assert (found.first.words[best[0]], found.second.words[best[1]]) == ("doctor", "physician")


def test_similarity_pairs_are_a_slow_sum_of_jacobians(tiny_folders):
    import torch

    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    found = it.attribution.similarity_pairs(encoder, "the river bank", "money was rich", tolerance=1e-3)
    parts, ends = [], []
    for text, other in (("the river bank", "money was rich"), ("money was rich", "the river bank")):
        question = target_function(encoder, text, other, "similarity")
        embedded, empty = question.embedded, question.baseline("pad")

        def vector(at, question=question):
            inputs = encoder.batch([question.tokens])
            inputs = {"inputs_embeds": at[None], **{k: v for k, v in inputs.items() if k != "input_ids"}}
            return encoder.model(**inputs).last_hidden_state[0].mean(dim=0)

        steps = 40
        total = sum(
            torch.autograd.functional.jacobian(vector, empty + (k + 0.5) / steps * (embedded - empty))
            for k in range(steps)
        )
        parts.append(torch.einsum("otw,tw->to", total / steps, embedded - empty))
        ends.append(vector(embedded))
    expected = parts[0] @ parts[1].T / (ends[0].norm() * ends[1].norm())
    np.testing.assert_allclose(found.scores, expected.numpy(), atol=5e-3)
    # Rows are the first text: turned round, the matrix turns round.
    other = it.attribution.similarity_pairs(encoder, "money was rich", "the river bank", tolerance=1e-3)
    np.testing.assert_allclose(other.scores, found.scores.T, atol=1e-4)


def test_interactions_are_nothing_in_a_linear_model_and_all_of_a_product(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    tokens = encoder.tokens("the river bank was steep")
    assert np.abs(it.attribution.interactions(Linear(encoder, tokens)).strength).max() < 1e-4
    question = Both(encoder, tokens, (2, 4))
    found = it.attribution.interactions(question)
    whole = float(question.outputs([tokens])[0])
    places = [tokens.groups[place][0] for place in found.words]
    i, j = places.index(2), places.index(4)
    assert found.strength[i, j] == found.strength[j, i] == pytest.approx(abs(whole), rel=1e-4)
    assert found.difference[i, j] == pytest.approx(whole, rel=1e-4)
    rest = np.array(found.strength)
    rest[[i, j], [j, i]] = 0
    assert np.abs(rest).max() < 1e-4
    with pytest.raises(InputError, match="2 to 60"):
        it.attribution.interactions(Linear(encoder, encoder.tokens("bank")))


@pytest.mark.parametrize("search", SEARCHES[:3])
def test_what_is_found_turns_the_prediction_and_nothing_smaller_does(minilm, head, search):
    question = target_function(minilm, "The court found him guilty.", head=head)
    found = it.attribution.find_counterfactuals(question, search)
    start = found.variants.probabilities[0].argmax()
    assert found.variants.texts[0] == "The court found him guilty."
    for changes, chances in zip(found.variants.changes[1:], found.variants.probabilities[1:], strict=True):
        assert chances.argmax() != start
        assert len(changes) == len(found.variants.changes[1])
    if found.smallest and search == "delete" and len(found.variants.changes[1]) > 1:
        singles = [
            (Change(place, question.tokens.words[place], ""),)
            for place, group in enumerate(question.tokens.groups)
            if not question.tokens.special[group[0]]
        ]
        assert all(one.argmax() == start for one in it.attribution.read_variants(question, singles).probabilities)


def test_variants_are_read_as_they_are_spelled(minilm, head):
    question = target_function(minilm, "The old court found him guilty.", head=head)
    words = question.tokens.words
    old, him = words.index("old"), words.index("him")
    changes = (Change(old, "old", ""), Change(him, "him", "her"))
    found = it.attribution.read_variants(question, [(), changes])
    assert found.texts[1] == "The court found her guilty."
    direct = target_function(minilm, "The court found her guilty.", head=head)
    expected = direct.probabilities(direct.answers([direct.tokens]))[0]
    np.testing.assert_allclose(found.probabilities[1], expected, atol=1e-6)
    assert spelled(question.tokens, [Change(len(words) - 2, ".", "")]) == "The old court found him guilty"
    for bad, sentence in (
        (Change(0, "[CLS]", ""), "must stay"),
        (Change(old, "old", "qwertyzx"), "not a single token"),
    ):
        with pytest.raises(InputError, match=sentence):
            it.attribution.read_variants(question, [(bad,)])


def test_searches_that_cannot_be_made_are_one_sentence(minilm, head):
    question = target_function(minilm, TEXTS[0], head=head)
    for search, sentence in (("masked", "no masked-language-model head"), ("guess", "no search")):
        with pytest.raises(InputError, match=sentence):
            it.attribution.find_counterfactuals(question, search)
    with pytest.raises(InputError, match="Only the prediction of a class"):
        it.attribution.find_counterfactuals(target_function(minilm, TEXTS[0], target="norm"))

    def stop(done, total, stage):
        raise Cancelled

    with pytest.raises(Cancelled):
        it.attribution.find_counterfactuals(question, progress=stop)


def test_a_files_rows_with_empty_and_long_ones(minilm, head):
    texts = [*TEXTS, "", "  ", "word " * 520]
    labels = [*LABELS, "law", "", "sport"]
    marks = ["court; guilty", "", "4-9", "", "", "", ""]
    found = it.attribution.attribute_rows(minilm, texts, labels, head=head, highlights=marks, method="input_x_gradient")
    assert [row.index for row in found.rows] == [0, 1, 2, 3, 6]
    assert [place for place, _ in found.skipped] == [4, 5]
    assert [row.cut for row in found.rows] == [False] * 4 + [True]
    assert [row.human is not None for row in found.rows[:4]] == [True, False, True, False]
    alone = it.attribute(minilm, TEXTS[0], head=head, method="input_x_gradient")
    np.testing.assert_allclose(found.rows[0].attribution.scores, alone.scores, atol=1e-6)
    assert sum(one.right for one in found.accuracies.values()) == sum(not row.wrong for row in found.evaluated)
    with pytest.raises(InputError, match="None of these"):
        it.attribution.attribute_rows(minilm, ["", " "], head=head)
    with pytest.raises(InputError, match=r"labels \(2\) differs from the number of texts \(1\)"):
        it.attribution.attribute_rows(minilm, ["a"], ["x", "y"], head=head)


def test_a_row_is_wrong_by_what_the_model_says_whatever_is_explained(minilm, head):
    by_class = it.attribution.attribute_rows(minilm, TEXTS, LABELS, target="law", head=head, method="saliency")
    predicted = it.attribution.attribute_rows(minilm, TEXTS, LABELS, head=head, method="saliency")
    assert [row.answer for row in by_class.rows] == [row.answer for row in predicted.rows] == list(LABELS)
    # Right and wrong count by what a head said that was fitted without the row.
    assert [row.said for row in predicted.rows] == [head.out_of_fold[text.casefold()] for text in TEXTS]
    assert by_class.accuracies == predicted.accuracies == {"out-of-fold": head.held_out}
    # Labels that are no class of the model judge nothing.
    other = it.attribution.attribute_rows(
        minilm, TEXTS, ["cardiac", "law", "neuro", "sport"], head=head, method="saliency"
    )
    assert other.known == ("law", "sport")
    assert [row.label for row in other.evaluated] == ["law", "sport"]
    norms = it.attribution.attribute_rows(minilm, TEXTS, LABELS, target="norm", method="saliency")
    assert not any(row.wrong for row in norms.rows)
    assert norms.accuracies == {}


def test_one_bad_row_loses_no_other(minilm, head):
    texts = [TEXTS[0], "\u200b", TEXTS[1], TEXTS[2]]
    marks = ["court", "", "nothing of it", TEXTS[2]]
    found = it.attribution.attribute_rows(minilm, texts, head=head, highlights=marks, method="saliency")
    assert [row.index for row in found.rows] == [0, 2, 3]
    assert [place for place, _ in found.skipped] == [1]
    assert [place for place, _ in found.unmarked] == [2, 3]
    assert "does not occur in the text" in str(found.unmarked[0][1])
    with pytest.raises(InputError, match="no class or token “medicine”"):
        it.attribution.attribute_rows(minilm, texts, head=head, target="medicine")


def test_twenty_thousand_rows_with_empty_ones_are_read(minilm, head, monkeypatch):
    texts = [TEXTS[i % 4] if i % 50 else "" for i in range(20_000)]
    (one,) = it.attribution.attribute_rows(minilm, TEXTS[:1], head=head, method="saliency").rows

    def read(question, _encoder, some):
        for index in some:
            empty = not question.texts[index]
            yield index, InputError("The text is empty.") if empty else replace(one, index=index)

    monkeypatch.setattr(whole_files, "_explain_some", read)
    told = []
    found = it.attribution.attribute_rows(minilm, texts, head=head, progress=lambda *now: told.append(now))
    assert len(found.rows) == 19_600
    assert [place for place, _ in found.skipped] == list(range(0, 20_000, 50))
    assert told[-1] == (20_000, 20_000, "rows")


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "modernbert"])
@pytest.mark.parametrize("search", ["nearest", "hotflip"])
def test_exchanges_are_read_as_they_are_spelled(tmp_path, family, search):
    folder = make_checkpoint(
        family, tmp_path, loader=tf.AutoModelForSequenceClassification, num_labels=3, initializer_range=0.9
    )
    encoder = it.load_encoder(str(folder), device="cpu")
    # Of the tiny vocabulary of XLM-RoBERTa these are the words of one token.
    question = target_function(encoder, "t an b ri s" if family == "xlm-roberta" else "the river bank was steep")
    singles = [(change,) for change in _singles(question, search)]
    assert len(singles) > 3
    found = it.attribution.read_variants(question, singles[:20])
    for text, chances in zip(found.texts, found.probabilities, strict=True):
        retyped = question.probabilities(question.answers([encoder.tokens(text)]))[0]
        np.testing.assert_allclose(chances, retyped, atol=1e-4, err_msg=text)


def test_sets_are_counted_without_being_made():
    singles = [Change(place, "a", str(i)) for place, count in enumerate((3, 1, 4, 2)) for i in range(count)]
    for size in range(6):
        sets = [one for one in combinations(singles, size) if len({c.position for c in one}) == size]
        assert _count_sets(singles, size) == len(sets)


def test_a_second_mask_is_refused_where_one_is_asked_for(tmp_path):
    folder = make_checkpoint("bert", tmp_path, loader=tf.AutoModelForMaskedLM)
    encoder = it.load_encoder(str(folder), device="cpu")
    question = target_function(encoder, "the river [MASK] was steep")
    with pytest.raises(InputError, match="second mask"):
        it.attribution.read_variants(question, [(Change(1, "the", "[MASK]"),)])
    wrong = {
        "no token 99999": it.attribution.Target("word", "", 99_999, 3),
        "Token 99 of the text is not a mask": it.attribution.Target("word", "", 5, 99),
    }
    for sentence, target in wrong.items():
        with pytest.raises(InputError, match=sentence):
            target_function(encoder, "the river [MASK] was steep", target=target)


def test_highlights_stand_by_themselves():
    text = "Art in the party: null, 1e3 法院驳回"
    assert read_highlights(text, "art") == [(0, 3)]
    assert read_highlights(text, "null; 1e3") == [(18, 22), (24, 27)]
    assert read_highlights(text, "院驳") == [(29, 31)]
    assert read_highlights(text, '["party"]') == [(11, 16)]


def test_highlights_are_words_or_spans():
    text = "A very good, good film."
    assert read_highlights(text, "good; film") == [(7, 11), (13, 17), (18, 22)]
    assert read_highlights(text, "2-6;18-22") == read_highlights(text, "[[2, 6], [18, 22]]") == [(2, 6), (18, 22)]
    for cell, sentence in (
        ("bad", "does not occur in the text"),
        ("5-99", "has 23"),
        ("9-3", "has 23"),
        ("[" * 9**5, "does not occur in the text"),
    ):
        with pytest.raises(InputError, match=sentence):
            read_highlights(text, cell)


def test_the_command_writes_what_the_library_finds(minilm, head, tmp_path, capsys):
    file = tmp_path / "rows.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "kind"), *zip(TEXTS, LABELS, strict=True)])
    out = tmp_path / "out.csv"
    assert main([str(file), "--label", "kind", "--fit", str(file), "--out", str(out), "--device", "cpu"]) == 0
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["answer"] for row in rows] == list(LABELS)
    expected = it.attribute(minilm, TEXTS[0], head=head).word_scores()[1:-1]
    np.testing.assert_allclose(json.loads(rows[0]["scores"]), expected, atol=1e-4)
    assert main([str(file), "--label", "nothing", "--out", str(out)]) == 2
    assert "no column" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.csv"), "--out", str(out)]) == 2
