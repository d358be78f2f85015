"""Probes and clusters: what is planted is found, what is not is not."""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score, silhouette_samples

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
    found = it.embeddings.probe(embeddings, labels)
    assert (found.accuracy > 0.9).all()
    assert found.majority == pytest.approx(1 / 3)
    # Where every text is its own, nothing that is learned about one helps with another.
    assert (np.abs(found.control - 1 / 3) < 2 * np.ptp(found.control_interval, axis=1) + 0.15).all()
    assert (found.selectivity > 0.4).all()
    assert (set(found.classes), found.items, found.left_out) == (set(TOPICS), 90, 0)
    shuffled = [labels[i] for i in np.random.default_rng(5).permutation(90)]
    chance = it.embeddings.probe(embeddings, shuffled)
    assert (np.abs(chance.accuracy - 1 / 3) < 0.17).all()
    again = it.embeddings.probe(embeddings, labels)
    np.testing.assert_array_equal(again.control, found.control)


def test_a_text_is_never_on_both_sides(minilm):
    # Each text is there twice with a label of its own making: only having seen its twin could tell it.
    random = np.random.default_rng(0)
    texts = [f"text number {i} about nothing" for i in range(60)] * 2
    labels = [str(label) for label in random.integers(2, size=60)] * 2
    found = it.embeddings.probe(it.embed(minilm, texts, [-1]), labels)
    assert found.accuracy[0] < 0.75


def test_the_control_task_gives_a_word_one_label(minilm):
    # Of few words that come again in every text, memory solves the control task: Hewitt & Liang's point.
    texts = [f"{a} {b}" for a in ("bank", "river") for b in ("money", "water", "tree", "leaf", "loan", "fish")]
    embeddings = it.embed(minilm, texts, [0], level="words")
    labels = ["first" if embeddings.item(i) in ("bank", "river") else "second" for i in range(len(embeddings))]
    found = it.embeddings.probe(embeddings, labels)
    assert found.accuracy[0] > 0.8
    assert found.control[0] > 0.8
    assert found.selectivity[0] < 0.2


def test_rare_and_empty_labels_are_left_out_and_said(topics):
    embeddings, labels = topics
    some = ["", "rare", *labels[2:]]
    found = it.embeddings.probe(embeddings, some)
    assert found.left_out == 2
    assert "rare" not in found.classes
    with pytest.raises(it.InputError, match="labels that have that many: 0 of 90"):
        it.embeddings.probe(embeddings, [str(i) for i in range(90)])
    with pytest.raises(it.InputError, match="labels that have that many: 1 of 1"):
        it.embeddings.probe(embeddings, ["same"] * 90)
    with pytest.raises(it.InputError, match=r"labels \(89\) differs from the number of items \(90\)"):
        it.embeddings.probe(embeddings, labels[:-1])


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_clusters_are_the_planted_groups_and_their_words_mark_them(topics, method):
    embeddings, labels = topics
    found = it.embeddings.cluster(embeddings.at(6), method, count=3, least=10)
    value, chance = it.embeddings.cluster_agreement(found, labels)
    assert value > (0.9 if method == "kmeans" else 0.5)
    assert chance < 0.1
    sizes = np.bincount(found.cluster[found.cluster >= 0])
    assert sizes.tolist() == sorted(sizes, reverse=True)
    if method == "kmeans":
        assert found.count == 3
        assert found.stability > 0.9
        unit = embeddings.at(6) / np.linalg.norm(embeddings.at(6), axis=1, keepdims=True)
        assert found.silhouette == pytest.approx(silhouette_samples(unit, found.cluster).mean(), abs=1e-5)
        marks = it.embeddings.keywords(embeddings.texts, found).words
        for place in range(3):
            topic = labels[int(np.flatnonzero(found.cluster == place)[0])]
            assert marks[place][0][0] == topic
            assert {word for word, _score in marks[place]} <= {topic, *TOPICS[topic].split()}
            assert all(score >= 3 for _word, score in marks[place])


def test_what_cannot_be_grouped_is_one_sentence(topics):
    embeddings, _labels = topics
    with pytest.raises(it.InputError, match="minimum cluster size of 500 is not possible here. Points: 90;"):
        it.embeddings.cluster(embeddings.at(6), count=500)
    with pytest.raises(it.InputError, match=r"different ones: 1\."):
        it.embeddings.cluster(np.ones((30, 4), np.float32), count=2)


@pytest.mark.filterwarnings("error")
def test_a_text_marks_a_group_once_however_many_points_it_has():
    texts = ["the bank lent money", "the river rose"]
    clusters = it.embeddings.Clusters(np.array([0] * 50 + [1] * 50), 2, 0.5, None)
    assert it.embeddings.keywords([texts[0]] * 50 + [texts[1]] * 50, clusters).words == ((), ())


def test_a_group_of_few_does_not_spoil_the_silhouette():
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(size=(4996, 3)), random.normal(size=(4, 3)) + 1000]).astype(np.float32)
    found = it.embeddings.cluster(points, count=2, metric="euclidean")
    assert np.bincount(found.cluster).tolist() == [4996, 4]
    assert found.silhouette > 0.9


def test_a_silhouette_says_how_sure_it_is_over_texts():
    """Of points that are alone in their text, Student's interval of the mean of scikit-learn's silhouettes (SciPy)."""
    random = np.random.default_rng(0)
    points = (random.normal(size=(60, 3)) + 4 * np.eye(3)[np.arange(60) % 3]).astype(np.float32)
    found = it.embeddings.cluster(points, count=3, metric="euclidean")
    each = silhouette_samples(points, found.cluster)
    expected = stats.ttest_1samp(each, 0).confidence_interval()
    assert found.silhouette_interval == pytest.approx(expected, abs=1e-6)
    assert (found.silhouette_points, found.silhouette_texts) == (60, 60)
    # Of ten texts with six points each: as of their ten means.
    texts = np.arange(60) // 6
    by_text = it.embeddings.cluster(points, count=3, metric="euclidean", texts=texts)
    expected = stats.ttest_1samp(each.reshape(10, 6).mean(axis=1), 0).confidence_interval()
    assert by_text.silhouette_interval == pytest.approx(expected, abs=1e-6)
    assert by_text.silhouette_texts == 10
    # All points are of one text: nothing is known of others.
    assert np.isnan(
        it.embeddings.cluster(points, count=3, metric="euclidean", texts=np.zeros(60, int)).silhouette_interval
    ).all()


def test_agreement_with_labels_that_say_nothing_holds_0_and_with_those_that_do_not():
    random = np.random.default_rng(0)
    groups = random.integers(3, size=120)
    clusters = it.embeddings.Clusters(groups, 3, 0.5, None)
    told = 0
    for seed in range(20):
        labels = np.random.default_rng(seed).integers(3, size=120).astype(str).tolist()
        low, high = it.embeddings.cluster_agreement_interval(clusters, labels)
        told += low > 0
        assert low <= it.embeddings.cluster_agreement(clusters, labels)[0] <= high
    assert told <= 3
    labels = np.where(random.random(120) < 0.8, groups, random.integers(3, size=120)).astype(str).tolist()
    low, high = it.embeddings.cluster_agreement_interval(clusters, labels)
    assert 0.2 < low < adjusted_rand_score(labels, groups) < high < 1
    # Twenty points of each text are as few as the texts are: the interval is wider, and not that of 120 rows.
    hang = it.embeddings.cluster_agreement_interval(clusters, labels, np.arange(120) // 20)
    assert np.ptp(hang) != np.ptp((low, high))


def test_stability_over_seeds_has_an_interval():
    random = np.random.default_rng(0)
    plain = it.embeddings.cluster(
        (random.normal(size=(90, 3)) + 9 * np.eye(3)[np.arange(90) % 3]).astype(np.float32), count=3
    )
    # As of 90 rows that all agree (Clopper & Pearson 1934), on the scale from -1 to 1.
    assert plain.stability_interval == pytest.approx((1 - 2 * (1 - 0.025 ** (1 / 90)), 1.0))
    cloud = it.embeddings.cluster(random.normal(size=(90, 20)).astype(np.float32), count=6)
    low, high = cloud.stability_interval
    assert low < cloud.stability < high


def test_ten_thousand_labels_are_refused_in_a_sentence(topics):
    embeddings, _labels = topics
    many = dataclasses.replace(
        embeddings,
        texts=tuple(str(i) for i in range(10_000)),
        text=np.arange(10_000),
        vectors=np.zeros((2, 10_000, 4), np.float32),
        span=np.zeros((10_000, 2), np.int64),
        token_counts=np.ones(10_000, np.int64),
        windows=np.ones(10_000, np.int64),
        cut=np.zeros(10_000, bool),
    )
    with pytest.raises(it.InputError, match="labels that have that many: 0 of 10000"):
        it.embeddings.probe(many, [str(i) for i in range(10_000)])


def test_chinese_is_marked_by_pairs_of_characters():
    some = ["银行贷款利率", "银行存款利率", "银行贷款", "河水上涨", "河水很深", "河水清"]
    texts = [f"{text} {i}" for i in range(12) for text in some]
    clusters = it.embeddings.Clusters(np.array([0, 0, 0, 1, 1, 1] * 12), 2, 0.5, None)
    first, second = it.embeddings.keywords(texts, clusters).words
    assert first[0][0] == "银行"
    assert second[0][0] == "河水"


def test_a_single_cluster_has_no_marks(topics):
    embeddings, _labels = topics
    alone = dataclasses.replace(
        it.embeddings.cluster(embeddings.at(6), count=2), cluster=np.zeros(90, np.int64), count=1
    )
    assert it.embeddings.keywords(embeddings.texts, alone).words == ((),)


def test_words_of_groups_that_are_none_mark_nothing_and_the_rate_of_a_score_is_measured():
    """120 texts of 20 words out of 150, in groups drawn at random: log-odds of 3 and more are no standard scores."""
    random = np.random.default_rng(4)
    vocabulary = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(150)]
    texts = [" ".join(random.choice(vocabulary, 20, replace=False)) for _ in range(120)]
    shown = []
    for seed in range(5):
        clusters = it.embeddings.Clusters(np.random.default_rng(seed).integers(4, size=120), 4, 0.0, None)
        found = it.embeddings.keywords(texts, clusters)
        shown.append(sum(map(len, found.words)))
        assert found.least >= 3
        assert (found.tested, len(found.by_chance)) == (600, 200)
        # What "least" is by its definition, and the rate beside that of a normal score, one in 741.
        assert (found.by_chance > 0).mean() >= 0.05 or found.least == 3
        assert found.by_chance.sum() / (200 * found.tested) < 0.01
    assert sum(one > 0 for one in shown) <= 1
    # With a word planted in one group it is that word, and it alone.
    planted = [text + " planted" * int(place == 0) for text, place in zip(texts, clusters.cluster, strict=True)]
    words = it.embeddings.keywords(planted, clusters).words
    assert words[0][0][0] == "planted"
    assert sum(map(len, words)) <= 2
    # Of 4,800 scores in eight groups every fourth shuffle has one of 3 or more: then 3 is not enough.
    vocabulary = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(600)]
    texts = [" ".join(random.choice(vocabulary, 60, replace=False)) for _ in range(120)]
    found = it.embeddings.keywords(texts, it.embeddings.Clusters(random.integers(8, size=120), 8, 0.0, None))
    assert found.tested == 4800
    assert (found.by_chance > 0).mean() > 0.1
    assert found.least > 3
    assert all(score >= found.least for group in found.words for _word, score in group)


def test_labels_that_say_nothing_of_groups_agree_no_more_than_shuffled_ones():
    """Ten points of a text have one label: of 12 texts in 2 groups a third agrees by luck, which points alone hide."""
    random = np.random.default_rng(0)
    texts = np.repeat(np.arange(12), 10)
    of_text = random.integers(2, size=12)
    clusters = it.embeddings.Clusters(of_text[texts], 2, 0.5, None)
    over, blind = 0, 0
    for seed in range(10):
        labels = np.random.default_rng(100 + seed).integers(2, size=12).astype(str)[texts].tolist()
        value, chance = it.embeddings.cluster_agreement(clusters, labels, texts)
        over += value > chance
        blind += value > it.embeddings.cluster_agreement(clusters, labels)[1]
    assert over <= 2 < blind
    assert value == pytest.approx(adjusted_rand_score(labels, clusters.cluster), abs=1e-12)
    value, chance = it.embeddings.cluster_agreement(clusters, of_text[texts].astype(str).tolist(), texts)
    assert value == 1
    assert chance < 1


def test_the_layer_is_chosen_within_the_training_folds(minilm):
    """Of 5 layers of noise the best on the items themselves looks like something; one chosen within does not."""
    texts = [f"text {i}" for i in range(100)]
    labels = [str(i % 2) for i in range(100)]
    plain = dataclasses.replace(it.embed(minilm, texts, [-1]), layers=tuple(range(5)))
    best, nested = [], []
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=(5, 100, 3)).astype(np.float32)
        found = it.embeddings.probe(dataclasses.replace(plain, vectors=noise), labels)
        best.append(found.accuracy.max())
        nested.append(found.nested)
        low, high = found.nested_interval
        assert low <= found.nested <= high
        assert len(found.chosen) == 5
    # Four standard errors of a share of 300.
    assert abs(np.mean(nested) - 0.5) < 0.115
    assert np.mean(nested) < np.mean(best) - 0.01
    # A layer that tells is chosen in every fold, and then both numbers are of the same layer.
    noise[3, :, 0] = np.where(np.arange(100) % 2, 30, -30)
    found = it.embeddings.probe(dataclasses.replace(plain, vectors=noise), labels)
    assert found.chosen == (3,) * 5
    assert found.nested == pytest.approx(found.accuracy[3], abs=1e-9) == 1
    assert found.nested_interval[0] > 0.9
    assert found.nested_selectivity == pytest.approx(found.selectivity[3], abs=0.02)
    assert found.selectivity_interval[0] > 0.2
    # 100 of 100 texts right: Wilson's lower end is 100 / (100 + 1.96²), at the layer and where it was chosen.
    assert found.accuracy_interval[3] == pytest.approx((0.963, 1), abs=1e-4)
    assert found.nested_interval == pytest.approx((0.963, 1), abs=1e-4)
    for values, ends in ((found.accuracy, found.accuracy_interval), (found.control, found.control_interval)):
        assert ((ends[:, 0] < values + 1e-9) & (values < ends[:, 1] + 1e-9) & (np.ptp(ends, axis=1) > 0.03)).all()


def test_what_is_left_out_chooses_nothing(minilm):
    """A fold's own items turned round at every layer change what is scored there, and not which layer is chosen."""
    texts = [f"text {i}" for i in range(50)]
    labels = [str(i % 2) for i in range(50)]
    noise = np.random.default_rng(3).normal(size=(3, 50, 3)).astype(np.float32)
    noise[:, :, 0] += np.linspace(0.2, 0.6, 3)[:, None] * np.where(np.arange(50) % 2, 1, -1)
    embeddings = dataclasses.replace(it.embed(minilm, texts, [-1]), layers=tuple(range(3)), vectors=noise)
    before = it.embeddings.probe(embeddings, labels)
    from sklearn.model_selection import StratifiedGroupKFold

    gold = np.arange(50) % 2
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(gold, gold, np.arange(50))
    for fold, (_train, test) in enumerate(list(folds)[:3]):
        other = noise.copy()
        other[:, test] = -other[:, test]
        after = it.embeddings.probe(dataclasses.replace(embeddings, vectors=other), labels)
        assert after.chosen[fold] == before.chosen[fold]
