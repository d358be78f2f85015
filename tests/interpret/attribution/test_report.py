"""A report: its numbers are the library's, each case is computed as by itself, and what it cannot say it does not."""

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

import interpret as it
from interpret.attribution.report.case import DRAWS, choose_cases
from interpret.core.accuracy import text_key
from interpret.core.calibration import measure_calibration
from interpret.core.column_roles import ColumnRoles
from interpret.core.data_card import make_data_card
from interpret.core.file_rows import FileRows, rows_of
from interpret.core.files import Table
from interpret.core.linear_head import fit_head, sentence_vectors
from tests.reports import texts


@pytest.fixture(scope="module")
def encoder(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


@pytest.fixture(scope="module")
def made(encoder):
    """A file of 40 rows, of which one is blank, one has no label and one a label that is no class."""
    body = list(texts(40))
    labels = ["water" if "river" in one else "money" if "money" in one else "beasts" for one in body]
    head = fit_head(encoder, body, labels)
    body[3], labels[5], labels[7] = "", "", "ghosts"
    rows = tuple(zip(body, labels, (f"C-{i}" for i in range(40)), strict=True))
    table = Table(("text", "label", "id"), rows, "utf-8", tuple(range(1, 41)))
    found = it.attribution.attribute_rows(
        encoder, body, labels, head=head, method="occlusion", origin=rows_of(table, range(40), ["text"])
    )
    seen = []
    report = it.attribution.make_report(
        encoder,
        found,
        head=head,
        cases=[0, 4],
        data_card=make_data_card(table, ColumnRoles(text=0, label=1, id=2)),
        file={"name": "letters.csv", "id": "id"},
        training={"kind": "linear head", "rows": 40},
        progress=lambda *at: seen.append(at),
    )
    return SimpleNamespace(
        head=head, found=found, report=report, seen=seen, document=it.attribution.report_json(report)
    )


def test_probabilities_are_those_that_the_model_gives_each_row_by_itself(encoder, made):
    for index, row in enumerate(made.found.rows[:6]):
        function = it.attribution.target_function(encoder, row.text, head=made.head)
        np.testing.assert_allclose(
            made.document["rows"][index]["probabilities"], function.probabilities(function.own[None])[0], atol=1e-6
        )
        assert made.document["classes"][int(np.argmax(made.document["rows"][index]["probabilities"]))] == row.answer


def test_out_of_fold_probabilities_are_scikit_learns_and_go_with_the_class(encoder):
    body = texts(45, seed=4)
    labels = np.array(random.Random(5).choices("abc", k=45))
    head = fit_head(encoder, body, labels.tolist())
    vectors = sentence_vectors(encoder, body).astype(float)
    groups = np.unique([text_key(one) for one in body], return_inverse=True)[1]
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(vectors, labels, groups):
        centre, spread = vectors[train].mean(axis=0), vectors[train].std(axis=0) + 1e-9
        model = LogisticRegression(max_iter=1000).fit((vectors[train] - centre) / spread, labels[train])
        expected = model.predict_proba((vectors[test] - centre) / spread)
        given = [head.out_of_fold_probabilities[text_key(body[i])] for i in test]
        np.testing.assert_allclose(given, expected, atol=1e-3)
    for key, chances in head.out_of_fold_probabilities.items():
        assert sum(chances) == pytest.approx(1)
        assert head.labels[int(np.argmax(chances))] == head.out_of_fold[key]
    # Of two classes there is one score, whose softmax against its negative is the sigmoid.
    two = fit_head(encoder, body, ["a" if one == "a" else "z" for one in labels])
    function = it.attribution.target_function(encoder, body[0], head=two)
    assert function.probabilities(function.own[None])[0].sum() == pytest.approx(1, abs=1e-6)
    assert all(sum(one) == pytest.approx(1) for one in two.out_of_fold_probabilities.values())


def test_accuracy_words_and_calibration_are_the_librarys(made):
    document, found = made.document, made.found
    assert [one["basis"] for one in document["accuracy"]] == list(found.accuracies)
    for one, measured in zip(document["accuracy"], found.accuracies.values(), strict=True):
        assert (one["right"], one["count"], one["beats_majority"]) == (
            measured.right,
            measured.count,
            measured.beats_majority,
        )
        assert one["interval"] == pytest.approx(measured.interval)
        assert sum(some["right"] for some in one["classes"]) == measured.right
        assert sum(some["rows"] for some in one["classes"]) == measured.count == len(one["rows"])
    for one in document["words"]:
        for some, word in zip(one["words"], found.words(one["class"]), strict=True):
            assert (some["word"], some["texts"], some["significant"]) == (word.word, word.texts, word.significant)
            assert some["interval"] == pytest.approx([word.mean - word.half, word.mean + word.half], rel=1e-6)
    (one,) = document["calibration"]
    rows = [row for row in found.evaluated if row.basis == "out-of-fold"]
    kept = [made.head.out_of_fold_probabilities[text_key(row.text)] for row in rows]
    truth = np.array([found.known.index(row.label) for row in rows])
    expected = measure_calibration(np.array(kept, np.float32), truth, [text_key(row.text) for row in rows])
    assert (one["count"], one["texts"]) == (37, expected.texts)
    for name in ("ece", "ece_p", "ece_by_chance", "brier", "brier_of_shares"):
        assert one[name] == pytest.approx(getattr(expected, name)), name
    assert [some["rows"] for some in one["ranges"]] == expected.counts.tolist()


def test_a_case_is_what_each_function_gives_by_itself(encoder, made):
    row, one = made.found.rows[4], made.document["cases"][1]
    assert one["index"] == 4
    assert one["reasons"] == ["requested"]
    function = it.attribution.target_function(encoder, row.text, head=made.head)
    faithful = it.attribution.faithfulness(function, row.attribution, DRAWS)
    assert one["faithfulness"]["comprehensiveness"]["value"] == pytest.approx(faithful.comprehensiveness, abs=1e-6)
    assert one["faithfulness"]["sufficiency"]["p"] == pytest.approx(faithful.sufficiency_p)
    assert one["faithfulness"]["verdict"] == faithful.verdict
    flipped = it.attribution.find_counterfactuals(function, most=3)
    assert one["counterfactual"]["tried"] == flipped.tried
    assert one["counterfactual"]["found"] == (len(flipped.variants.texts) > 1)
    chances = made.document["rows"][4]["probabilities"]
    best, second = np.argsort(chances)[::-1][:2]
    names = made.document["classes"]
    alone = it.attribute(
        encoder, row.text, target=f"{names[best]} rather than {names[second]}", method="occlusion", head=made.head
    )
    assert (one["contrast"]["class"], one["contrast"]["other"]) == (names[best], names[second])
    np.testing.assert_allclose(one["contrast"]["scores"], alone.word_scores()[1:-1], atol=1e-5)


def test_words_stand_in_the_text_with_their_scores(made):
    for one, row in zip(made.document["rows"], made.found.rows, strict=True):
        assert [one["text"][begin:end] for begin, end in one["spans"]] == row.text.split()
        np.testing.assert_allclose(one["scores"], row.attribution.word_scores()[1:-1], rtol=1e-6)
    assert [one["id"] for one in made.document["rows"][:4]] == ["C-0", "C-1", "C-2", "C-4"]
    assert [one["row"] for one in made.document["left_out"]] == [4]


def test_limits_count_what_the_rows_lack(made):
    limits = {one["name"]: one["rows"] for one in made.document["limits"]}
    assert limits["left out"] == 1
    assert limits["no labels"] == 1
    assert limits["foreign labels"] == 1
    assert limits["cases"] == 37
    assert limits["out-of-fold"] == 39
    assert "sampled" not in limits


def test_json_has_no_number_that_is_none(made):
    assert json.loads(json.dumps(made.document, allow_nan=False)) == made.document


def test_progress_counts_cases_and_stops(encoder, made):
    assert made.seen[0] == (0, 2, "cases")
    assert made.seen[-1] == (1, 2, "cases")

    def stop(done, _total, _stage):
        if done == 1:
            raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.attribution.make_report(encoder, made.found, head=made.head, cases=[0, 1], progress=stop)


def test_wrong_predictions_are_chosen_the_surest_first_and_of_each_class_both_ends(made):
    def row(index, label, answer, chance):
        one = replace(made.found.rows[0], index=index, label=label, answer=answer, out_of_fold="")
        return one, [chance, 1 - chance]

    rows = [row(i, "a", "b", 0.4 - i / 100) for i in range(12)]
    rows += [row(20, "a", "a", 0.9), row(21, "a", "a", 0.6), row(22, "", "a", 0.7), row(23, "b", "b", 0.2)]
    found = replace(made.found, rows=tuple(one for one, _ in rows), known=("a", "b"))
    chances = np.array([some for _, some in rows])
    chosen = choose_cases(found, chances)
    # The two least sure of the twelve are left out.
    assert [index for index, why in chosen.items() if why == ("wrong",)] == list(range(2, 12))
    assert {index: why for index, why in chosen.items() if index > 11} == {
        12: ("most certain",),
        13: ("least certain",),
        15: ("most certain", "least certain"),
    }
    assert len(choose_cases(found, chances, most=3)) == 3


def test_what_cannot_be_reported_on_is_refused(encoder, made):
    norm = it.attribution.attribute_rows(encoder, ["the river"], target="norm", method="occlusion")
    with pytest.raises(it.InputError, match="Explain a class"):
        it.attribution.make_report(encoder, norm)
    unsigned = it.attribution.attribute_rows(encoder, ["the river"], head=made.head, method="saliency")
    with pytest.raises(it.InputError, match="have no sign"):
        it.attribution.make_report(encoder, unsigned, head=made.head)
    with pytest.raises(it.InputError, match="another classifier"):
        it.attribution.make_report(encoder, made.found)
    with pytest.raises(it.InputError, match="no row with index 99. .* from 0 to 38"):
        it.attribution.make_report(encoder, made.found, head=made.head, cases=[99])
    assert it.attribution.rows_numbered(made.found, [5, 1, 5]) == [3, 0]
    with pytest.raises(it.InputError, match="Row 4 was left out: .+"):
        it.attribution.rows_numbered(made.found, [4])
    with pytest.raises(it.InputError, match="Row 41 is not among"):
        it.attribution.rows_numbered(made.found, [41])


def test_rows_that_were_learned_from_have_no_calibration(encoder, made):
    body = texts(34, seed=9)
    found = it.attribution.attribute_rows(
        encoder, body, ["water"] * 34, head=made.head, method="occlusion", origin=FileRows(tuple(range(1, 35)))
    )
    for in_training, bases in ((True, []), (False, ["not learned from"]), (None, ["not known"])):
        rows = tuple(replace(one, in_training=in_training, out_of_fold="") for one in found.rows)
        report = it.attribution.make_report(encoder, replace(found, rows=rows), head=made.head, cases=[])
        assert list(report.calibration) == bases
        assert all(report.calibration.values())
