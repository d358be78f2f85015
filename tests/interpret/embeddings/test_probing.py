"""Probes and clusters: what is planted is found, what is not is not."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

import interpret as it

TOPICS = {"bank": "money loan interest account", "river": "water fish stream shore", "tree": "leaf root bark branch"}


@pytest.fixture(scope="module")
def topics(_minilm):
    random = np.random.default_rng(0)
    texts, labels = [], []
    for i in range(90):
        topic = list(TOPICS)[i % 3]
        texts.append(" ".join([topic, *random.choice(TOPICS[topic].split(), 2), str(i)]))
        labels.append(topic)
    return it.embed(_minilm, texts, [0, 6]), labels


def test_a_probe_tells_topics_apart_and_shuffled_labels_not(topics):
    embeddings, labels = topics
    found = it.probe(embeddings, labels)
    assert (found.accuracy > 0.9).all()
    assert found.majority == pytest.approx(1 / 3)
    # Where every text is its own, nothing that is learned about one helps with another.
    assert (np.abs(found.control - 1 / 3) < 4 * found.control_error + 0.15).all()
    assert (found.selectivity > 0.4).all()
    assert (set(found.classes), found.items, found.left_out) == (set(TOPICS), 90, 0)
    shuffled = [labels[i] for i in np.random.default_rng(5).permutation(90)]
    chance = it.probe(embeddings, shuffled)
    assert (np.abs(chance.accuracy - 1 / 3) < 0.17).all()
    again = it.probe(embeddings, labels)
    np.testing.assert_array_equal(again.control, found.control)


def test_a_text_is_never_on_both_sides(minilm):
    # Each text is there twice with a label of its own making: only having seen its twin could tell it.
    random = np.random.default_rng(0)
    texts = [f"text number {i} about nothing" for i in range(60)] * 2
    labels = [str(label) for label in random.integers(2, size=60)] * 2
    found = it.probe(it.embed(minilm, texts, [-1]), labels)
    assert found.accuracy[0] < 0.75


def test_the_control_task_gives_a_word_one_label(minilm):
    # Of few words that come again in every text, memory solves the control task: Hewitt & Liang's point.
    texts = [f"{a} {b}" for a in ("bank", "river") for b in ("money", "water", "tree", "leaf", "loan", "fish")]
    embeddings = it.embed(minilm, texts, [0], level="words")
    labels = ["first" if embeddings.item(i) in ("bank", "river") else "second" for i in range(len(embeddings))]
    found = it.probe(embeddings, labels)
    assert found.accuracy[0] > 0.8
    assert found.control[0] > 0.8
    assert found.selectivity[0] < 0.2


def test_rare_and_empty_labels_are_left_out_and_said(topics):
    embeddings, labels = topics
    some = ["", "rare", *labels[2:]]
    found = it.probe(embeddings, some)
    assert found.left_out == 2
    assert "rare" not in found.classes
    with pytest.raises(it.InputError, match="here 0 of 90 labels have as many"):
        it.probe(embeddings, [str(i) for i in range(90)])
    with pytest.raises(it.InputError, match="here 1 of 1 labels"):
        it.probe(embeddings, ["same"] * 90)
    with pytest.raises(it.InputError, match="89 labels for 90 items"):
        it.probe(embeddings, labels[:-1])


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_clusters_are_the_planted_groups_and_their_words_mark_them(topics, method):
    embeddings, labels = topics
    found = it.cluster(embeddings.at(6), method, count=3, least=10)
    assert it.agreement(found, labels) > (0.9 if method == "kmeans" else 0.5)
    sizes = np.bincount(found.cluster[found.cluster >= 0])
    assert sizes.tolist() == sorted(sizes, reverse=True)
    if method == "kmeans":
        assert found.count == 3
        assert found.stability > 0.9
        unit = embeddings.at(6) / np.linalg.norm(embeddings.at(6), axis=1, keepdims=True)
        assert found.silhouette == pytest.approx(silhouette_samples(unit, found.cluster).mean(), abs=1e-5)
        marks = it.marking_words(embeddings.texts, found)
        for place in range(3):
            topic = labels[int(np.flatnonzero(found.cluster == place)[0])]
            assert marks[place][0][0] == topic
            assert {word for word, _score in marks[place]} <= {topic, *TOPICS[topic].split()}
            assert all(score >= 3 for _word, score in marks[place])


def test_what_cannot_be_grouped_is_one_sentence(topics):
    embeddings, _labels = topics
    with pytest.raises(it.InputError, match="500 groups, or points in a group, do not go with 90 points"):
        it.cluster(embeddings.at(6), count=500)
    with pytest.raises(it.InputError, match="1 of them different"):
        it.cluster(np.ones((30, 4), np.float32), count=2)


@pytest.mark.filterwarnings("error")
def test_a_text_marks_a_group_once_however_many_points_it_has():
    texts = ["the bank lent money", "the river rose"]
    clusters = it.Clusters(np.array([0] * 50 + [1] * 50), 2, 0.5, None)
    assert it.marking_words([texts[0]] * 50 + [texts[1]] * 50, clusters) == ((), ())


def test_a_group_of_few_does_not_spoil_the_silhouette():
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(size=(4996, 3)), random.normal(size=(4, 3)) + 1000]).astype(np.float32)
    found = it.cluster(points, count=2, metric="euclidean")
    assert np.bincount(found.cluster).tolist() == [4996, 4]
    assert found.silhouette > 0.9


def test_ten_thousand_labels_are_refused_in_a_sentence(topics):
    embeddings, _labels = topics
    many = dataclasses.replace(
        embeddings,
        texts=tuple(str(i) for i in range(10_000)),
        text=np.arange(10_000),
        vectors=np.zeros((2, 10_000, 4), np.float32),
        span=np.zeros((10_000, 2), np.int64),
        pieces=np.ones(10_000, np.int64),
        windows=np.ones(10_000, np.int64),
    )
    with pytest.raises(it.InputError, match="here 0 of 10000 labels have as many"):
        it.probe(many, [str(i) for i in range(10_000)])


def test_chinese_is_marked_by_pairs_of_characters():
    some = ["银行贷款利率", "银行存款利率", "银行贷款", "河水上涨", "河水很深", "河水清"]
    texts = [f"{text} {i}" for i in range(12) for text in some]
    clusters = it.Clusters(np.array([0, 0, 0, 1, 1, 1] * 12), 2, 0.5, None)
    first, second = it.marking_words(texts, clusters)
    assert first[0][0] == "银行"
    assert second[0][0] == "河水"


def test_a_single_cluster_has_no_marks(topics):
    embeddings, _labels = topics
    alone = dataclasses.replace(it.cluster(embeddings.at(6), count=2), cluster=np.zeros(90, np.int64), count=1)
    assert it.marking_words(embeddings.texts, alone) == ((),)
