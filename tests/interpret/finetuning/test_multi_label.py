"""Any number of classes for each text: files, losses as transformers has them, numbers as scikit-learn has them."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
import transformers as tf
from sentence_transformers import CrossEncoder
from sklearn import metrics

import interpret as it
from interpret.attribution.variants import Change, apply_changes
from interpret.core.intervals import wilson
from interpret.core.labels import labels_in, split_labels
from interpret.finetuning.__main__ import main
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.facts import beats_baseline
from interpret.finetuning.multi_label_results import measure_labels
from interpret.finetuning.objective import find_objective
from interpret.finetuning.outcome import read_outcome
from tests.tiny import FAMILIES, make_checkpoint

TASK = "multi-label"
WORDS = {"bank": "money", "river": "steep", "rest": "tired"}


def content(count=60, seed=0, join="; ".join):
    """Rows whose classes are the words in them, none in some."""
    random = np.random.default_rng(seed)
    lines = ["text,topics,id"]
    for number in range(count):
        given = [name for name in WORDS if random.random() < 0.45]
        words = [WORDS[name] for name in given] + ["the", "was"] * 2
        random.shuffle(words)
        cell = join(given) if given else "[]"
        quoted = cell.replace('"', '""')
        lines.append(f'{" ".join(words)} {number},"{quoted}",{number}')
    return "\n".join(lines).encode()


def read(*given, **named):
    return read_examples(content(*given, **named), "mine.csv", "text", "topics", task=TASK)


@pytest.fixture
def recipe(folder):
    return it.Recipe(model=str(folder), epochs=2, learning_rate=5e-3, batch_size=8, device="cpu", seed=3)


@pytest.mark.parametrize("join", ["; ".join, "|".join, ",".join, json.dumps, lambda names: repr(list(names))])
def test_labels_are_read_however_they_are_parted(join):
    examples = read(join=join)
    plain = read()
    assert examples.classes == ("bank", "rest", "river")
    assert examples.labels == plain.labels
    assert "" in plain.labels


def test_rows_of_no_class_are_examples_and_rows_without_labels_are_none():
    rows = [["the bank", ["b", "a"]], ["the river", []], ["it was tired", ["a"]], ["money", None], ["rich", ["b"]]] * 3
    lines = "\n".join(json.dumps({"text": f"{text} {i}", "topics": labels}) for i, (text, labels) in enumerate(rows))
    examples = read_examples(lines.encode(), "mine.jsonl", "text", "topics", task=TASK)
    assert len(examples) == 12
    assert examples.skipped == 3
    assert examples.labels[:4] == ("a; b", "", "a", "b")
    counts = find_objective(TASK).labels_of(examples)
    assert counts == {"a": 6, "b": 6}
    # The rarest class of a row gives its share of what is held out.
    train_rows, held_out = split_examples(examples, 0.34, 1)
    assert sorted([*train_rows, *held_out]) == list(range(12))
    for part in (train_rows, held_out):
        assert find_objective(TASK).labels_of(examples.some(part)).keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["a"] * 12, "single class, “a”"),
        (["a; b", "a", "b", "a; c"] + ["a; b"] * 8, "“c” has only one row"),
        ([json.dumps(["a;b", "c"])] * 6 + [json.dumps(["c"])] * 6, "semicolon"),
        (["; ".join(f"c{i}" for i in range(201))] * 2 + [f"c{i}" for i in range(201)] * 2, "201 different classes"),
    ],
)
def test_what_cannot_be_learned_is_refused(cells, why):
    lines = "\n".join(json.dumps({"text": f"text {i}", "topics": cell}) for i, cell in enumerate(cells))
    with pytest.raises(it.InputError, match=why):
        read_examples(lines.encode(), "mine.jsonl", "text", "topics", task=TASK)


def test_one_cell_alone_is_parted_by_known_classes():
    known = ("bank", "river", "a, b")
    assert labels_in("bank; river", known) == ("bank", "river")
    assert labels_in("river|bank", known) == ("river", "bank")
    assert labels_in("a, b", known) == ("a, b",)
    assert labels_in("bank, sea", known) == ("bank, sea",)
    assert labels_in('["sea"]', known) == ("sea",)
    assert labels_in("[]", known) == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_transformers_own(tmp_path, family):
    folder = make_checkpoint(
        family,
        tmp_path / family,
        loader=tf.AutoModelForSequenceClassification,
        num_labels=3,
        problem_type="multi_label_classification",
        initializer_range=0.3,
    )
    encoder = it.load_encoder(str(folder), device="cpu")
    assert not encoder.task.exclusive
    objective, examples = find_objective(TASK), read(count=12)
    recipe = it.Recipe(model=str(folder), device="cpu")
    data = objective.read_training_data(
        encoder, recipe, examples, ([*range(6)], [7], [7]), ("the bank",), (0.0, 1.0), "cpu"
    )
    model = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    batch = data.collate(data.train)
    assert batch["labels"].shape == (6, 3)
    for row, label in zip(batch["labels"], examples.labels, strict=False):
        assert [name for name, there in zip(examples.classes, row, strict=True) if there] == [
            one for one in label.split("; ") if one
        ]
    with torch.no_grad():
        own, _output = objective.loss(model, dict(batch), data, recipe)
        assert float(own) == pytest.approx(float(model(**batch).loss), rel=1e-5)
    # Evaluated one by one or together: the same loss, a row of answers for each example.
    loss, answers = objective.evaluate(model, data.train, data, recipe)
    assert loss == pytest.approx(float(own), rel=1e-4)
    assert answers["logits"].shape == answers["truth"].shape == (6, 3)
    assert answers["rows"].tolist() == list(range(6))
    parts = objective.row_parts(examples.classes, answers)
    assert parts[:, 0].mean() == pytest.approx(loss, rel=1e-4)
    assert objective.headline(parts.sum(axis=0)) == pytest.approx(objective.score(answers))
    [tracked] = objective.probe(model, data)
    assert len(tracked) == 3


def test_numbers_are_scikit_learns():
    random = np.random.default_rng(0)
    truth = random.random((80, 5)) < [0.5, 0.3, 0.2, 0.1, 0.02]
    logits = (2 * truth - 1.2 + random.normal(size=truth.shape)).astype(np.float32)
    truth[:, 4] = False
    logits[:, 4] = -5
    found = measure_labels(logits, truth.astype(float), tuple("abcde"))
    given = logits >= 0
    assert np.array_equal(found.given, given)
    assert found.micro_f1 == pytest.approx(metrics.f1_score(truth, given, average="micro"))
    # Of the class that occurs nowhere nothing is known.
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth[:, :4], given[:, :4], average="macro"))
    assert found.exact == pytest.approx(metrics.accuracy_score(truth, given))
    assert found.hamming == pytest.approx(metrics.hamming_loss(truth, given))
    for index in range(4):
        for values, score in (
            (found.precision, metrics.precision_score),
            (found.recall, metrics.recall_score),
            (found.f1, metrics.f1_score),
        ):
            assert values[index] == pytest.approx(score(truth[:, index], given[:, index]))
    assert np.isnan([found.precision[4], found.recall[4], found.f1[4]]).all()
    assert np.isnan(found.f1_interval[4]).all()
    for low, value, high in (
        (found.micro_f1_interval[0], found.micro_f1, found.micro_f1_interval[1]),
        (found.macro_f1_interval[0], found.macro_f1, found.macro_f1_interval[1]),
        *((ends[0], value, ends[1]) for ends, value in zip(found.f1_interval[:4], found.f1[:4], strict=True)),
    ):
        assert low < value < high
    wrong = np.flatnonzero((truth != given).any(axis=1))
    assert sorted(found.mistakes) == wrong.tolist()
    worst = np.abs(1 / (1 + np.exp(-logits)) - truth).max(axis=1)
    assert found.mistakes[0] == wrong[worst[wrong].argmax()]


def test_the_baseline_is_the_best_that_is_always_the_same():
    truth = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1]], float)
    found = measure_labels(np.zeros((4, 3), np.float32) - 1, truth, ("a", "b", "c"))
    # Always “a” and “b”: 6 right, 2 wrong, 1 missed. Every other choice by brute force.
    choices = [np.array(one) for one in np.ndindex(2, 2, 2)]
    best = max(metrics.f1_score(truth, np.tile(one, (4, 1)), average="micro", zero_division=0) for one in choices)
    assert found.baseline == pytest.approx(best) == pytest.approx(12 / 15)
    assert found.micro_f1 == 0
    assert not found.beats_baseline


def test_thresholds_are_the_best_on_these_rows_and_honest_on_others():
    random = np.random.default_rng(1)
    truth = random.random((300, 2)) < [0.3, 0.5]
    # The first class is given far too seldom from one half on, the second is guessed at random.
    logits = np.stack([3 * truth[:, 0] - 4 + random.normal(size=300), random.normal(size=300)], axis=1)
    found = measure_labels(logits.astype(np.float32), truth.astype(float), ("a", "b"))
    chances = 1 / (1 + np.exp(-logits))
    for index in range(2):
        best = max(
            metrics.f1_score(truth[:, index], chances[:, index] >= least) for least in np.unique(chances[:, index])
        )
        own = metrics.f1_score(truth[:, index], chances[:, index] >= found.thresholds[index])
        assert own == pytest.approx(best)
    assert found.thresholds[0] < 0.3
    low, high = found.tuned_gain
    assert 0 < low < found.tuned_macro_f1 - found.macro_f1 < high
    # Where nothing can be told, thresholds chosen on other rows gain nothing that they would on their own.
    noise = random.normal(size=(120, 3)).astype(np.float32)
    nothing = measure_labels(noise, (random.random((120, 3)) < 0.1).astype(float), tuple("abc"))
    flattered = metrics.f1_score(nothing.truth, nothing.probabilities >= nothing.thresholds, average="macro")
    assert nothing.tuned_macro_f1 < flattered
    # Where one half does as well as any other it stays, and changes nothing.
    clear = np.where(np.arange(60)[:, None] % 2 == [0, 1], 0.4, -3).astype(np.float32)
    same = measure_labels(clear, (clear > 0).astype(float), ("a", "b"))
    assert same.thresholds.tolist() == [0.5, 0.5]
    assert same.tuned_gain == (0, 0)
    # Of a class with four rows none is chosen.
    rare = measure_labels(noise[:20], np.eye(20, 3), tuple("abc"))
    assert rare.thresholds.tolist() == [0.5] * 3


def test_what_thresholds_show_is_told_from_what_needs_no_learning():
    """By scikit-learn, beside giving all classes to all: a model that knows leads it, one that guesses does not."""
    random = np.random.default_rng(2)
    truth = (random.random((300, 3)) < 0.2).astype(float)
    for noise, knows in ((0.5, True), (50.0, False)):
        logits = (truth - 3 + noise * random.normal(size=truth.shape) / 4).astype(np.float32)
        found = measure_labels(logits - np.maximum(logits.max(), 0) - 1, truth, tuple("abc"))
        # From one half on nothing is given.
        assert found.micro_f1 == 0
        low, high = found.tuned_lead
        always = metrics.f1_score(truth, np.ones_like(truth), average="macro")
        assert low < found.tuned_macro_f1 - always < high
        assert (low > 0) == knows
        # That it is more than giving nothing shows nothing.
        assert found.tuned_gain[0] > 0
    # Nor does a class that no row is of, which only who gives all classes gives.
    rest = np.concatenate([truth, np.zeros((300, 2))], axis=1)
    guessed = measure_labels(random.normal(-2, 0.5, rest.shape).astype(np.float32), rest, tuple("abcde"))
    assert guessed.tuned_lead[0] < 0


def test_intervals_have_the_width_that_their_rows_give():
    """Where resampling has nothing to vary: Wilson's, of the rows that each is a share of."""
    truth = np.zeros((60, 2))
    truth[:51, 0] = 1
    truth[0, 1] = 1
    logits = np.full((60, 2), -3, np.float32)
    # Of the first class one of 51 is given, and rightly; of the second its only row, and 50 others.
    logits[0, 0] = 3
    logits[:51, 1] = 3
    found = measure_labels(logits, truth, ("a", "b"))
    np.testing.assert_allclose(found.precision_interval[0], wilson(1, 1), atol=1e-9)
    np.testing.assert_allclose(found.recall_interval[1], wilson(1, 1), atol=1e-9)
    # All rows right: as sure as six rows are, and F1 is 2J / (1 + J) of the share J of right ones.
    six = np.tile([[1.0, 0.0]], (6, 1))
    right = measure_labels((8 * six - 4).astype(np.float32), six, ("a", "b"))
    low, high = wilson(6, 6)
    assert right.micro_f1 == right.macro_f1 == 1
    assert right.micro_f1_interval == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    assert right.macro_f1_interval == right.micro_f1_interval
    assert not right.beats_baseline


def test_thresholds_of_many_rows_are_found_at_once():
    random = np.random.default_rng(0)
    truth = random.random((50_000, 2)) < 0.2
    logits = (2 * truth - 2 + random.normal(size=truth.shape)).astype(np.float32)
    assert (measure_labels(logits, truth.astype(float), ("a", "b")).thresholds < 0.5).all()


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        # As pandas writes NumPy's lists.
        (["['joy' 'love']", "['joy']", "[]"], [("joy", "love"), ("joy",), ()]),
        (["[3 5]", "[3]", "[5 3]"], [("3", "5"), ("3",), ("5", "3")]),
        # Empty parts are none.
        (['["a", ""]', '[""]'], [("a",), ()]),
        (["a|b|", "a|", "b|", "a||b"], [("a", "b"), ("a",), ("b",), ("a", "b")]),
        (["a, b,", "a, b", "b"], [("a", "b"), ("a", "b"), ("b",)]),
        # Lists are lists also where few cells are.
        (["a", "b", "a", "b", '["a", "b"]'], [("a",), ("b",), ("a",), ("b",), ("a", "b")]),
        # One that is parted otherwise changes nothing for all others.
        (["a, b", "a, b", "b, c", "a", "c", "a; b"], [("a", "b"), ("a", "b"), ("b", "c"), ("a",), ("c",), ("a; b",)]),
    ],
)
def test_cells_are_read_as_people_and_programs_write_them(cells, labels):
    assert split_labels(cells) == labels


def test_lists_of_zeros_and_ones_name_no_class():
    lines = "\n".join(json.dumps({"text": f"text {i}", "topics": [i % 2, 1, 0]}) for i in range(12))
    with pytest.raises(it.InputError, match="are 0 and 1"):
        read_examples(lines.encode(), "mine.jsonl", "text", "topics", task=TASK)


def test_a_test_file_is_parted_by_the_classes_of_the_training_file():
    cells = ["a, b", "a", "b", "c, d", "c", "d", "a, c", "b, d"] * 2
    lines = ["text,topics", *(f'text {i},"{cell}"' for i, cell in enumerate(cells))]
    learned = read_examples("\n".join(lines).encode(), "mine.csv", "text", "topics", task=TASK)
    assert learned.classes == ("a", "b", "c", "d")
    lines = ["text,topics", *(f'other {i},"{("a, b", "c, d")[i % 2]}"' for i in range(8))]
    other = read_examples("\n".join(lines).encode(), "other.csv", "text", "topics", task=TASK)
    assert other.classes == ("a, b", "c, d")
    assert learned.joined(other).labels[-2:] == ("a; b", "c; d")


def test_a_class_whose_rows_all_say_the_same_is_refused():
    lines = ["text,topics", *(f"text {i},{('a', 'b', 'a; b')[i % 3]}" for i in range(12)), *["same text,a; z"] * 3]
    examples = read_examples("\n".join(lines).encode(), "mine.csv", "text", "topics", task=TASK)
    with pytest.raises(it.InputError, match="“z” are identical"):
        split_examples(examples, 0.3)


def test_a_head_of_another_question_begins_anew(recipe, tmp_path):
    """Classes that exclude each other, and the same that do not: the same weights answer something else."""
    loader = tf.AutoModelForSequenceClassification
    names = ("bank", "rest", "river")
    named = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    for problem in (None, "multi_label_classification"):
        own = make_checkpoint("bert", tmp_path / str(problem), loader=loader, problem_type=problem, **named)
        encoder = it.load_encoder(str(own), "cpu")
        for task in ("classes", TASK):
            model, continued = find_objective(task).make_model(encoder, replace(recipe, model=str(own)), names)
            assert continued == ((task == TASK) == (problem is not None))
            kept = torch.equal(model.classifier.weight, loader.from_pretrained(own).classifier.weight)
            assert kept == continued


def test_rows_of_any_number_of_classes_have_no_accuracy(tmp_path):
    folder = make_checkpoint(
        "bert",
        tmp_path / "several",
        loader=tf.AutoModelForSequenceClassification,
        num_labels=3,
        problem_type="multi_label_classification",
    )
    encoder = it.load_encoder(str(folder), "cpu")
    texts, labels = [f"the bank {i}" for i in range(8)], ["LABEL_0", "LABEL_1"] * 4
    with pytest.raises(it.InputError, match="any number of classes"):
        it.attribution.measure_classifier(encoder, texts, labels)
    with pytest.raises(it.InputError, match="any number of classes"):
        it.attribution.attribute_rows(encoder, texts, labels, method="input_x_gradient")
    # A linear head gives each row one.
    head = it.fit_head(encoder, texts, labels)
    assert it.attribution.measure_classifier(encoder, texts, labels, head).count == 8
    assert not it.attribution.predict_classes(encoder, texts, labels).own


def test_what_can_be_learned_is_learned_and_the_saved_model_answers_the_same(recipe, tmp_path):
    recipe = replace(recipe, epochs=20, dropout=False)
    request = it.runs.Request(recipe, "topics", "mine.csv", text="text", label="topics", task=TASK)
    run = it.finetune(tmp_path / "run", request, content(count=160))
    assert run.state == "done", run.error
    assert run.facts["micro_f1"] > 0.9 > run.facts["baseline_micro_f1"]
    assert beats_baseline(run.facts)
    outcome = read_outcome(run)
    assert outcome.labels == ("bank", "rest", "river")
    # Beside the model that was saved, read as anybody's, and by transformers alone.
    encoder = it.load_encoder(str(run.folder / "model"), device="cpu")
    assert encoder.task == it.Task("classes", outcome.labels, exclusive=False)
    whole = tf.AutoModelForSequenceClassification.from_pretrained(run.folder / "model").eval()
    assert whole.config.problem_type == "multi_label_classification"
    for index, text in enumerate(outcome.texts[:5]):
        function = it.attribution.target_function(encoder, text, target="river")
        river = outcome.results.probabilities[index, 2]
        assert function.target_probability == pytest.approx(float(river), abs=1e-5)
        with torch.no_grad():
            theirs = whole(**encoder.batch([encoder.tokens(text)])).logits.sigmoid()[0]
        np.testing.assert_allclose(theirs, outcome.results.probabilities[index], atol=1e-5)
        assert outcome.truth[index] == "; ".join(
            name for name, there in zip(outcome.labels, outcome.results.truth[index], strict=True) if there
        )
    # Its words are explained class by class.
    found = it.attribute(encoder, "the steep was money", target="river", tolerance=0.01)
    assert found.error <= 0.01
    assert found.word_scores()[2] == found.word_scores().max()
    # A run from it goes on with its head.
    model, continued = find_objective(TASK).make_model(
        encoder, replace(recipe, model=str(run.folder / "model")), outcome.labels
    )
    assert continued
    assert all(torch.equal(one, model.state_dict()[name]) for name, one in whole.state_dict().items())


def flips_by_hand(function, size):
    """Return the smallest sets of words without which the decision is another, one set after another."""
    words = [position for position, _token in function.free_words]
    for count in range(1, size + 1):
        found = []
        for some in combinations(words, count):
            changes = [Change(one, function.tokens.words[one], "") for one in some]
            logit = function.answers([apply_changes(function, changes)])[0, function.target.index]
            if (logit >= 0) != (function.output >= 0):
                found.append(set(some))
        if found:
            return found
    return []


def test_a_flip_is_that_of_the_class_itself(tmp_path):
    folder = make_checkpoint(
        "bert",
        tmp_path / "mine",
        loader=tf.AutoModelForSequenceClassification,
        num_labels=3,
        problem_type="multi_label_classification",
        initializer_range=0.5,
    )
    encoder = it.load_encoder(str(folder), "cpu")
    sides = set()
    for text in ("the river bank was steep and rich", "money was tired because it said so"):
        for target in range(3):
            function = it.attribution.target_function(encoder, text, target=target)
            assert function.decides
            assert function.stands_alone
            found = it.attribution.find_counterfactuals(function)
            expected = flips_by_hand(function, 2)
            got = [{one.position for one in changes} for changes in found.variants.changes[1:]]
            if expected:
                sides.add(function.output >= 0)
                assert found.smallest
                assert len(got[0]) == len(expected[0])
                assert all(one in expected for one in got)
    # Both ways: a class that was given is lost, and one that was not is given.
    assert sides == {True, False}


def test_a_score_that_is_a_probability_can_flip_and_another_cannot(tmp_path):
    loader = tf.AutoModelForSequenceClassification
    plain = make_checkpoint("bert", tmp_path / "plain", loader=loader, num_labels=1, initializer_range=0.5)
    CrossEncoder(str(plain), device="cpu").save_pretrained(str(tmp_path / "bounded"))
    function = it.attribution.target_function(
        it.load_encoder(str(tmp_path / "bounded"), "cpu"), "the river bank was steep", "money was rich"
    )
    assert function.decides
    found = it.attribution.find_counterfactuals(function)
    expected = flips_by_hand(function, 2)
    assert expected
    assert {one.position for one in found.variants.changes[1]} in expected
    free = it.attribution.target_function(it.load_encoder(str(plain), "cpu"), "the river bank", "money")
    assert not free.decides
    with pytest.raises(it.InputError, match="not a class"):
        it.attribution.find_counterfactuals(free)


@pytest.mark.parametrize("head", ["mlp", "textcnn"])
def test_other_heads_learn_it_too_and_a_terminal_says_how_well(recipe, head, tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_bytes(content(count=40))
    arguments = ["--out", str(tmp_path / "run"), "--model", recipe.model, "--task", TASK, "--text", "text"]
    arguments += ["--label", "topics", "--epochs", "1", "--head", head, "--device", "cpu"]
    assert main(["--data", str(file), *arguments]) == 0
    said = "".join(capsys.readouterr())
    assert "micro-F1" in said
    encoder = it.load_encoder(str(tmp_path / "run" / "model"), "cpu")
    assert encoder.task.labels == ("bank", "rest", "river")
    assert not encoder.task.exclusive
