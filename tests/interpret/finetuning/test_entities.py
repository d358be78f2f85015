"""Entities beside seqeval's: of every scheme, kept to or broken."""

import warnings

import numpy as np
import pytest

from interpret.finetuning.entities import entities_of, measure_entities, name_entities
from interpret.finetuning.results import measure_results

seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")
KINDS = ("PER", "LOC", "WORK-OF-ART")
SCHEMES = {
    "IOB2": "BIO",
    "IOB1": "IBO",
    "IOE": "IEO",
    "BIOES": "BIOES",
    "one kind": "BIO",
}


def drawn(scheme, seed, sentences=60):
    """Tags at random, so that most sequences break the rules of their scheme."""
    random = np.random.default_rng(seed)
    kinds = ("",) if scheme == "one kind" else tuple(f"-{kind}" for kind in KINDS)
    tags = ["O", *(f"{place}{kind}" for place in SCHEMES[scheme] if place != "O" for kind in kinds)]
    return [random.choice(tags, random.integers(1, 12)).tolist() for _ in range(sentences)]


def kept_to(scheme, seed, sentences=60):
    """Entities at random, written as the scheme has it."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(sentences):
        tags, before = [], ""
        for _ in range(random.integers(1, 6)):
            length, kind = int(random.integers(1, 4)), str(random.choice(KINDS))
            if random.random() < 0.4:
                tags += ["O"] * length
                before = ""
                continue
            places = ["I"] * length
            if scheme == "IOB2" or scheme == "BIOES" or (scheme == "IOB1" and before == kind):
                places[0] = "B"
            if scheme in ("IOE", "BIOES"):
                places[-1] = "S" if scheme == "BIOES" and length == 1 else "E"
            tags += [f"{place}-{kind}" for place in places]
            before = kind
        found.append(tags)
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("seed", range(4))
def test_precision_recall_and_f1_are_seqevals(scheme, seed):
    truth = drawn(scheme, seed) if seed % 2 or scheme == "one kind" else kept_to(scheme, seed)
    random = np.random.default_rng(seed)
    tags = sorted({tag for row in truth for tag in row})
    given = [[tag if random.random() < 0.7 else str(random.choice(tags)) for tag in row] for row in truth]
    found = measure_entities(truth, given)
    for mine, other in zip(truth, map(entities_of, truth), strict=True):
        assert other == seqeval.get_entities(mine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        micro = seqeval.precision_recall_fscore_support(truth, given, average="micro")[:3]
        each = np.array(seqeval.precision_recall_fscore_support(truth, given, average=None))
    assert (found.precision, found.recall, found.f1) == pytest.approx(micro, abs=1e-12)
    np.testing.assert_allclose(found.by_kind, each[:3].T, atol=1e-6)
    np.testing.assert_array_equal(found.true, each[3])
    for value, ends in (
        (found.precision, found.precision_interval),
        (found.recall, found.recall_interval),
        (found.f1, found.interval),
    ):
        assert ends[0] < value < ends[1]


def test_bilou_is_read_as_bioes():
    """Last and unit are end and single by other names (Ratinov & Roth 2009)."""
    tags = ["U-PER", "U-PER", "B-LOC", "I-LOC", "L-LOC", "O"]
    assert entities_of(tags) == [("PER", 0, 0), ("PER", 1, 1), ("LOC", 2, 4)]
    assert entities_of(tags) == seqeval.get_entities(["S-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "O"])


@pytest.mark.parametrize(
    ("tags", "are"),
    [
        (("O", "B-PER", "I-PER"), True),
        (("O", "B", "I"), True),
        (("O", "U-LOC", "L-LOC"), True),
        (("O",), False),
        (("NOUN", "VERB", "INTJ"), False),
        (("O", "PER", "LOC"), False),
        (("B-PER", "NOUN"), False),
        (("O", "B-"), False),
    ],
)
def test_parts_of_speech_are_no_entities(tags, are):
    assert name_entities(tags) == are


def test_nothing_found_is_nought_as_seqeval_has_it_and_never_certain():
    found = measure_entities([["B-PER", "O"], ["O", "B-PER"]], [["O", "O"], ["O", "O"]])
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)
    assert found.interval[0] == 0.0
    assert found.interval[1] > 0.5
    perfect = measure_entities([["B-PER", "I-PER"]] * 10, [["B-PER", "I-PER"]] * 10)
    # Ten sentences, all right: Wilson at 10 of 10, however many words they have.
    assert perfect.interval == pytest.approx((0.722, 1.0), abs=1e-3)


def test_words_that_are_wrong_together_widen_the_interval():
    """Of 40 sentences of 25 words half are all right, half all wrong: as uncertain as 40 coins, not as 1,000."""
    truth = ["B-PER"] * 1000
    logits = np.zeros((1000, 2), np.float32)
    logits[:, 0] = np.repeat([1.0, -1.0], 500)
    rows = np.repeat(np.arange(40), 25)
    clustered = measure_results(logits, truth, ("B-PER", "O"), rows)
    alone = measure_results(logits, truth, ("B-PER", "O"))
    assert clustered.accuracy == alone.accuracy == 0.5
    assert np.ptp(clustered.interval) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 40), rel=0.1)
    assert np.ptp(clustered.interval) > 4 * np.ptp(alone.interval)
    assert (clustered.sentences, alone.sentences) == (40, 0)
    assert clustered.facts()["entity_f1"] == clustered.entities.f1
    assert alone.entities is None
