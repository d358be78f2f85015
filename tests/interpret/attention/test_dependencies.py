"""Heads against dependency trees: reading CoNLL-U, and planted heads on a known tree."""

import numpy as np
import pytest
from sklearn.model_selection import PredefinedSplit

import interpret as it
from interpret.attention import dependencies
from interpret.attention.held_out import FOLDS, held_out
from tests.interpret.attention.planted import uniform

ENGLISH = """\
# text = The cat didn't eat.
1\tThe\tthe\tDET\t_\t_\t2\tdet\t_\t_
2\tcat\tcat\tNOUN\t_\t_\t5\tnsubj:pass\t_\t_
3-4\tdidn't\t_\t_\t_\t_\t_\t_\t_\t_
3\tdid\tdo\tAUX\t_\t_\t5\taux\t_\t_
4\tn't\tnot\tPART\t_\t_\t5\tadvmod\t_\t_
4.1\tghost\t_\t_\t_\t_\t_\t_\t5:conj\t_
5\teat\teat\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No
6\t.\t.\tPUNCT\t_\t_\t5\tpunct\t_\t_

# a second one
1\tBig\tbig\tADJ\t_\t_\t2\tamod\t_\t_
2\tcats\tcat\tNOUN\t_\t_\t3\tnsubj\t_\t_
3\tsleep\tsleep\tVERB\t_\t_\t0\troot\t_\t_
"""


def test_a_file_is_read_as_it_is_written():
    first, second = it.attention.read_conllu(ENGLISH.encode(), "cat.conllu")
    assert first.text == "The cat didn't eat."
    assert [first.text[a:b] for a, b in first.spans] == ["The", "cat", "did", "n't", "eat", "."]
    assert first.heads == (1, 4, 4, 4, -1, 4)
    assert first.relations == ("det", "nsubj", "aux", "advmod", "root", "punct")
    assert second.text == "Big cats sleep"


def test_words_that_are_not_written_one_after_another_share_a_span():
    french = (
        "1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n1\tde\tde\tADP\t_\t_\t3\tcase\t_\t_\n2\tle\tle\tDET\t_\t_\t3\tdet\t_\t_\n"
    )
    french += "3\tpain\tpain\tNOUN\t_\t_\t0\troot\t_\t_\n"
    (one,) = it.attention.read_conllu(french.replace("\n", "\r\n").encode(), "x")
    assert one.text == "du pain"
    assert one.spans == ((0, 2), (0, 2), (3, 7))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("word\tfour\n", "Line 1 of “x” is not CoNLL-U"),
        ("1\ta\tb\tc\t_\t_\t_\tdet\t_\t_\n", "“_” is no head for word 1"),
        ("1\ta\tb\tc\t_\t_\t9\tdet\t_\t_\n", "“9” is no head for word 1"),
        ("1\ta\tb\tc\t_\t_\t²\tdet\t_\t_\n", "“²” is no head for word 1"),
        ("1\ta\tb\tc\t_\t_\t1\tdet\t_\t_\n", "“1” is no head for word 1"),
        ("2\ta\tb\tc\t_\t_\t0\tdet\t_\t_\n", "2 is not the number of word 1"),
        ("2-1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\tb\tc\t_\t_\t0\tdet\t_\t_\n", "2-1 is no range"),
        ("1-2\ta\t_\t_\t_\t_\t_\t_\t_\t_\n", "contains no sentences"),
        ("# only a comment\n", "contains no sentences"),
        ("", "is empty"),
    ],
)
def test_what_is_no_tree_is_said(content, sentence):
    with pytest.raises(it.InputError, match=sentence):
        it.attention.read_conllu(content.encode(), "x")


def test_planted_heads_find_what_they_look_for(minilm, monkeypatch):
    trees = it.attention.read_conllu(ENGLISH.encode(), "cat.conllu")
    real = dependencies.trace_batch

    def looking(encoder, texts):
        """Head 2.3: every word looks at its head. Head 4.1: the verb at its subject. Others: everywhere alike."""
        made = []
        for trace in real(encoder, texts):
            tree = next(one for one in trees if one.text == trace.tokens.text)
            groups = dependencies._tokens_of(trace.tokens, tree)
            n = len(trace.tokens)
            attention = uniform(6, 12, n)
            for word, head in enumerate(tree.heads):
                if head >= 0:
                    rows = np.zeros(n)
                    rows[groups[head]] = 1
                    attention[2, 3, groups[word]] = rows / rows.sum()
                if tree.relations[word] == "nsubj":
                    rows = np.zeros(n)
                    rows[groups[word]] = 1
                    attention[4, 1, groups[head]] = rows / rows.sum()
            made.append(it.Trace(**{**trace.__dict__, "attention": attention.astype(np.float32)}))
        return made

    monkeypatch.setattr(dependencies, "trace_batch", looking)
    scores = it.attention.dependency_scores(minilm, trees)
    assert "punct" not in scores.relations
    assert "root" not in scores.relations
    assert (scores.accuracy[:, 0, 2, 3] == 1).all()
    nsubj = scores.relations.index("nsubj")
    assert scores.counts[nsubj] == 2
    assert scores.accuracy[nsubj, 1, 4, 1] == 1
    assert scores.best("det") == (2, 3, "head", 1.0)
    assert scores.sentences == 2
    assert scores.skipped == scores.unread == 0
    # Subjects stand three words and one word before their verbs: either place is right half of the time; the nearer.
    assert scores.offset[nsubj] == 1
    # Each of the two sentences is scored at the place that the other one has.
    assert (scores.held_out[nsubj].found, scores.held_out[nsubj].baseline, scores.held_out[nsubj].gain) == (1, 0, 1)
    # Two sentences tell nothing, and of one that is alone nothing is held out.
    assert scores.held_out[nsubj].verdict == 0
    det = scores.relations.index("det")
    assert scores.offset[det] == 1
    assert (scores.held_out[det].sentences, scores.held_out[det].links, scores.held_out[det].verdict) == (1, 0, 0)


def link_of(seed, sentences, heads, planted=None):
    """Links of some sentences, three each; heads right one time in five by luck, places likewise, and one planted."""
    random = np.random.default_rng(seed)
    owner = np.repeat(np.arange(sentences), 3)
    right = random.random((len(owner), heads)) < 0.2
    places = np.eye(5, dtype=bool)[random.integers(5, size=len(owner))]
    if planted is not None:
        right[:, heads // 2] = random.random(len(owner)) < planted
    return right, places, owner


def test_the_best_of_many_heads_is_scored_where_it_was_not_chosen():
    """Of 400 heads that guess one in five, the best is right far more often on the sentences it is picked on."""
    right, places, owner = link_of(0, 20, 400)
    assert right.mean(axis=0).max() > 0.35
    found = held_out(right, places, owner)
    assert found.found_interval[0] < 0.2 < found.found_interval[1]
    # Out of fold by hand, and by scikit-learn's bookkeeping of groups.
    fold = np.empty(20, int)
    fold[np.random.default_rng(0).permutation(20)] = np.arange(20) % FOLDS
    told = []
    for train, test in PredefinedSplit(fold[owner]).split():
        told.append(right[test, right[train].mean(axis=0).argmax()])
        assert not set(owner[train]) & set(owner[test])
    assert found.found == pytest.approx(np.concatenate(told).mean())
    assert found.gain == pytest.approx(found.found - found.baseline)


def test_noise_is_not_said_to_find_a_relation_and_what_is_planted_is():
    """The best of 2,000 heads of noise is 3.4 standard errors above them where it is picked: nothing, elsewhere."""
    above, picked = [], []
    for seed in range(20):
        right, places, owner = link_of(seed, 70, 2000)
        above.append(held_out(right, places[:, :1], owner).verdict == 1)
        best = right[:, right.mean(axis=0).argmax(), None]
        picked.append(held_out(best, places[:, :1], owner).verdict == 1)
    assert sum(above) <= 3
    assert sum(picked) >= 6
    planted = [held_out(*link_of(seed, 30, 144, 0.9)).verdict for seed in range(5)]
    assert planted == [1] * 5
    # Five sentences tell nothing, however right the head is.
    assert held_out(*link_of(0, 5, 144, 1.0)).verdict == 0


def test_links_of_a_sentence_are_drawn_together():
    """By closed form: sentences all right or all wrong are as many rows, not three times as many."""
    count = 200
    owner = np.repeat(np.arange(count), 3)
    right = np.repeat(np.arange(count) % 2 == 0, 3)[:, None]
    found = held_out(right, ~right, owner)
    low, high = found.found_interval
    assert found.found == 0.5
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / count), rel=0.1)
    # The two are right by turns, so the difference has twice the spread of either.
    assert np.ptp(found.gain_interval) == pytest.approx(2 * (high - low), rel=0.1)
    assert found.verdict == 0


def test_a_sentence_that_comes_twice_is_one(minilm):
    trees = it.attention.read_conllu(ENGLISH.encode(), "x")
    scores = it.attention.dependency_scores(minilm, trees * 4)
    assert scores.counts[scores.relations.index("nsubj")] == 8
    assert scores.held_out[scores.relations.index("nsubj")].sentences == 2
    assert {one.verdict for one in scores.held_out} == {0}


def test_weights_are_summed_to_words_and_averaged_from_them(minilm):
    (tree,) = it.attention.read_conllu(
        b"1\tUnbelievably\t_\tADV\t_\t_\t2\tadvmod\t_\t_\n2\tsteep\t_\tADJ\t_\t_\t0\troot\t_\t_\n"
        b"3\triver\t_\tNOUN\t_\t_\t2\tobj\t_\t_\n",
        "x",
    )
    trace = it.trace(minilm, tree.text)
    groups = dependencies._tokens_of(trace.tokens, tree)
    assert len(groups[0]) > 1
    strongest = dependencies._strongest(trace.attention, groups)
    for layer in range(6):
        for head in range(12):
            weights = trace.attention[layer, head]
            for word in range(3):
                links = {
                    other: np.mean([sum(weights[q, k] for k in groups[other]) for q in groups[word]])
                    for other in range(3)
                    if other != word
                }
                assert strongest[layer, head, word] == max(links, key=links.get)


def test_too_long_sentences_are_counted_and_runs_can_be_cancelled(minilm):
    trees = it.attention.read_conllu(ENGLISH.encode(), "x")
    long = trees[0]._replace(text="river " * 600)
    scores = it.attention.dependency_scores(minilm, [*trees, long, trees[0]._replace(text="\u200b")])
    assert (scores.sentences, scores.skipped) == (2, 2)
    with pytest.raises(it.InputError, match="can read none"):
        it.attention.dependency_scores(minilm, [long])

    def stop(done, total, note):
        raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.attention.dependency_scores(minilm, trees, stop)


def test_odd_characters_and_other_marks_are_no_line_ends_and_no_missing_space():
    odd = "# a\u2028comment\n1\ta\t_\tDET\t_\t_\t2\tdet\t_\tCorrectSpaceAfter=No\n"
    odd += "2\tb\x85c\t_\tNOUN\t_\t_\t0\troot\t_\tx=y|SpaceAfter=No"
    (one,) = it.attention.read_conllu(odd.encode(), "x")
    assert one.text == "a b\x85c"
