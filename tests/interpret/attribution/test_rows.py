"""Whole files: rows keep their identity, texts come back whole, and a fit is not judged by its own rows."""

import csv
import random
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import interpret as it
from interpret.attribution.__main__ import main
from interpret.attribution.plausibility import Plausibility
from interpret.attribution.row_attributions import RowAttributions, rows_table
from interpret.attribution.rows import gather_rows
from interpret.core.accuracy import measure_accuracy, text_key
from interpret.core.file_rows import FileRows
from interpret.core.intervals import wilson
from interpret.core.linear_head import fit_head, sentence_vectors

WORDS = ("river", "bank", "steep", "money", "rich", "tired", "animals", "lent", "said", "because", "was", "the", "and")


def texts(count, length=6, seed=0):
    """Different texts of words that the tiny models know."""
    draw = random.Random(seed)
    found = dict.fromkeys(" ".join(draw.choices(WORDS, k=length)) for _ in range(3 * count))
    return tuple(found)[:count]


@pytest.fixture
def encoder(minilm):
    """Its 384 numbers a text tell 60 texts apart whatever their labels."""
    return minilm


@pytest.fixture(scope="module")
def noise(_minilm):
    """Texts whose labels a coin has drawn, and a head that was fitted on them."""
    rows = texts(60)
    labels = tuple(random.Random(1).choices("ab", k=60))
    return rows, labels, fit_head(_minilm, rows, labels)


def test_a_file_of_noise_is_said_to_tell_nothing_although_its_own_rows_come_out_well(encoder, noise):
    rows, labels, head = noise
    vectors = sentence_vectors(encoder, rows)
    own = [head.labels[i] for i in (vectors @ head.weight.T + head.bias).argmax(axis=1)]
    fitted = measure_accuracy(own, labels, rows)
    # What was shown: rows that it was fitted on, which look as if it could tell.
    assert fitted.beats_majority
    assert not head.held_out.beats_majority
    found = it.attribution.attribute_rows(encoder, rows[:20], labels[:20], method="saliency", head=head)
    (basis,) = found.accuracies
    assert basis == "out-of-fold"
    assert [row.answer for row in found.rows] == own[:20]
    assert [row.said for row in found.rows] == [head.out_of_fold[text_key(text)] for text in rows[:20]]
    assert [row.wrong for row in found.rows] == [
        row.said != label for row, label in zip(found.rows, labels, strict=False)
    ]
    assert sum(row.wrong for row in found.rows) > sum(a != b for a, b in zip(own[:20], labels, strict=False))


def test_out_of_fold_answers_are_those_of_scikit_learn(encoder, noise):
    from sklearn.model_selection import StratifiedGroupKFold

    rows, labels, head = noise
    vectors = sentence_vectors(encoder, rows).astype(float)
    cut = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    # Each different text is a group; which number it has makes no difference to which others it goes with.
    groups = np.unique(np.array([text_key(text) for text in rows]), return_inverse=True)[1]
    sure = 0
    for train, test in cut.split(vectors, labels, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        chances = model.fit(vectors[train], np.array(labels)[train]).predict_proba(vectors[test])
        for i, chance in zip(test, chances, strict=True):
            # Where the two classes are as likely, the solver's tolerance decides.
            if abs(chance[0] - 0.5) > 0.1:
                sure += 1
                assert head.out_of_fold[text_key(rows[i])] == model.classes_[chance.argmax()]
    assert sure > 30
    right = sum(head.out_of_fold[text_key(text)] == label for text, label in zip(rows, labels, strict=True))
    assert (head.held_out.right, head.held_out.count) == (right, 60)
    assert head.held_out.interval == wilson(right, 60)


def test_a_text_that_stands_twice_is_never_on_both_sides(minilm):
    rows = texts(30, seed=2)
    labels = random.Random(3).choices("ab", k=30)
    twice = fit_head(minilm, [*rows, *(f" {text.upper()} " for text in rows)], labels * 2)
    # With its double among the training rows every one of them would be told right: 384 numbers tell 60 rows apart.
    assert twice.held_out.share < 0.8
    assert twice.held_out.texts == 30
    assert twice.held_out.interval == wilson(twice.held_out.share * 30, 30)
    assert len(twice.out_of_fold) == 30


def test_too_few_rows_tell_nothing_and_the_rows_are_still_known_as_learned(encoder):
    head = fit_head(encoder, ["the river", "the bank"], ["a", "b"])
    assert head.held_out is None
    found = it.attribution.attribute_rows(
        encoder, ["The  river", "rich animals"], ["a", "a"], method="saliency", head=head
    )
    assert [row.basis for row in found.rows] == ["learned from", "not learned from"]
    assert set(found.accuracies) == {"learned from", "not learned from"}


def test_what_is_not_known_is_not_claimed(encoder, noise, tmp_path):
    rows, labels, head = noise
    new = it.attribution.attribute_rows(encoder, ["rich rich rich"], ["a"], method="saliency", head=head)
    assert list(new.accuracies) == ["not learned from"]
    import transformers as tf

    from tests.tiny import make_checkpoint

    names = {0: "a", 1: "b"}
    folder = make_checkpoint(
        "bert", tmp_path / "own", loader=tf.AutoModelForSequenceClassification, num_labels=2, id2label=names
    )
    own = it.load_encoder(str(folder), device="cpu")
    found = it.attribution.attribute_rows(own, rows[:4], labels[:4], method="saliency")
    assert list(found.accuracies) == ["not known"]
    found = it.attribution.attribute_rows(
        own, rows[:4], labels[:4], method="saliency", training_texts={text_key(rows[0])}
    )
    assert [row.basis for row in found.rows] == ["learned from", *["not learned from"] * 3]


def test_the_majority_is_beaten_only_when_the_intervals_end_is_above_it():
    few = measure_accuracy(list("aab"), list("aab"), ["1", "2", "3"])
    # 3 of 3: Wilson's lower end is .44, and always "a" gives .67.
    assert few.share == 1
    assert not few.beats_majority
    assert not few.decidable
    # Wilson's lower end of 100 of 100 is .96.
    wrong = measure_accuracy(list("ab") * 50, list("ba") * 50, [str(i) for i in range(100)])
    assert wrong.decidable
    assert not wrong.beats_majority
    many = measure_accuracy(list("ab") * 50, list("ab") * 50, [str(i) for i in range(100)])
    assert many.beats_majority
    assert measure_accuracy([], [], []) is None


@pytest.fixture(scope="module")
def written(tiny_folders, tmp_path_factory):
    """A file with everything that can go wrong, explained from the terminal."""
    folder = tmp_path_factory.mktemp("rows")
    short = texts(12, seed=4)
    tail = " " + " ".join(["steep"] * 60) + " lastword"
    rows = [
        {
            "review": (one + tail) if i % 4 == 0 else "" if i % 5 == 3 else one,
            "label": "ab"[i % 2],
            "marked": one.split()[0] if i < 3 else "lastword" if i == 4 else "",
            "id, or code": f'=HYPERLINK("x{i}")',
            "row": f'a "quoted", {i}',
            "note": "two\nlines",
        }
        for i, one in enumerate(short)
    ]
    path = folder / "given.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder, path, rows, str(tiny_folders["bert"])


def test_the_terminal_writes_whole_texts_that_join_back_and_what_people_marked(written, capsys):
    folder, path, rows, model = written
    columns = ["--text", "review", "--label", "label", "--highlights", "marked"]
    out = ["--out", str(folder / "out.csv"), "--method", "input_x_gradient", "--device", "cpu"]
    assert main([str(path), *out, *columns, "--model", model, "--fit", str(path)]) == 0
    told = capsys.readouterr().err
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        back = list(csv.DictReader(file))
    # Row 4 has no text.
    assert [int(one["row"]) for one in back] == [1, 2, 3, *range(5, 13)]
    for one in back:
        row = rows[int(one["row"]) - 1]
        assert one["text"] == row["review"]
        assert one["cut"] == str("lastword" in row["review"])
        # What is named as one of ours is named so.
        assert one["row′"] == row["row"]
        # A cell that a spreadsheet would compute has an apostrophe before it.
        assert {name: one[name] for name in ("label", "marked", "id, or code", "note")} == {
            name: f"'{row[name]}" if row[name][:1] == "=" else row[name]
            for name in ("label", "marked", "id, or code", "note")
        }
        assert one["answer_out_of_fold"] in ("a", "b")
    # Three rows have marks that were read; the mark of row 5 stands where it was cut.
    assert [bool(one["token_f1"]) for one in back] == [True, True, True, *[False] * 8]
    means = [np.mean([float(one[name]) for one in back if one[name]]) for name in ("token_f1", "auprc")]
    assert f"plausibility over 3 rows with highlights: token_f1 {means[0]:.3f}" in told
    assert f"auprc {means[1]:.3f}" in told
    assert "highlights of row 5 not used: All highlights lie beyond" in told
    assert "row 4 skipped" in told
    assert "out-of-fold" in told


def test_words_say_in_which_rows_they_stand(encoder, noise):
    rows, _labels, head = noise
    origin = FileRows(tuple(range(101, 111)), {"text": tuple("0123456789")})
    found = it.attribution.attribute_rows(encoder, rows[:10], target="a", method="saliency", head=head, origin=origin)
    for word, numbers in found.numbers_with("a").items():
        assert numbers == [101 + i for i, text in enumerate(rows[:10]) if word in text.split()]
    assert rows_table(found)["row"] == list(origin.numbers)
    assert rows_table(found)["text′"] == list("0123456789")


def test_an_error_names_the_row_of_the_file():
    origin = FileRows((3, 8, 20))
    from interpret.core.batches import naming

    with pytest.raises(it.InputError, match="Row 20 "), origin.naming(), naming(2, "x"):
        raise it.InputError("No.")
    with pytest.raises(it.InputError, match="^No"), origin.naming():
        raise it.InputError("No.")


@pytest.mark.parametrize("count", [2, 10])
def test_plausibility_that_is_the_same_in_every_row_still_has_a_width(count):
    """Wilson at 2 of 2: 1 − 2 / (2 + 1.96²) = 0.658; Student's over rows that are all alike would be 0."""
    alike = Plausibility(token_f1=1.0, iou=1.0, auprc=1.0, chance=0.0)
    found = RowAttributions.plausibility.fget(SimpleNamespace(rows=[SimpleNamespace(human=alike)] * count))
    expected = 1.96**2 / (count + 1.96**2)
    for mean, half in found.values():
        assert mean in (0, 1)
        assert half == pytest.approx(expected)


def test_rows_that_were_done_are_taken_as_they_are_and_each_new_one_is_handed_over(encoder, noise):
    rows, labels, head = noise
    whole = it.attribution.attribute_rows(encoder, rows[:12], labels[:12], method="saliency", head=head)
    known = {row.index: row for row in whole.rows if row.index % 3}
    came, far = {}, []
    again = it.attribution.attribute_rows(
        encoder,
        rows[:12],
        labels[:12],
        method="saliency",
        head=head,
        done=known,
        each=came.__setitem__,
        progress=lambda *now: far.append(now),
    )
    assert sorted(came) == [0, 3, 6, 9]
    assert far[0] == (9, 12, "rows")
    assert far[-1] == (12, 12, "rows")
    assert [again.rows[index] is known.get(index) for index in range(12)] == [bool(index % 3) for index in range(12)]


def test_what_is_done_so_far_stands_for_itself(encoder, noise):
    rows, labels, head = noise
    whole = it.attribution.attribute_rows(encoder, rows[:6], labels[:6], method="saliency", head=head)
    some = {row.index: row for row in whole.rows if row.index in (4, 1)} | {2: it.InputError("nothing to read")}
    found = gather_rows(some, rows[:6], head.labels, "saliency", origin=whole.origin)
    assert [row.index for row in found.rows] == [1, 4]
    assert [index for index, _ in found.skipped] == [2]
    assert found.accuracies["out-of-fold"].count == 2
