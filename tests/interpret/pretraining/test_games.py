"""The masking game, how surprised a model is, and what follows what."""

import json

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.masking import HIDDEN, KEPT, REPLACED, UNTOUCHED, mask_tokens, ordinary_ids
from interpret.pretraining.next_sentence import sentence_pairs
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the river bank was steep and the bank lent money"


# ---- the masking game


def test_shares_are_those_asked_for_and_special_tokens_are_never_touched(guessers):
    """Within four standard deviations over 100,000 tokens."""
    encoder = guessers["bert"]
    others, mask = ordinary_ids(encoder.tokenizer), encoder.tokenizer.token_to_id("[MASK]")
    count = 100_000
    open_to = np.ones(count, bool)
    open_to[::50] = False
    ids = np.full(count, int(others[7]))
    found = mask_tokens(ids, open_to, mask, others, np.random.default_rng(0))
    assert not found.chosen[::50].any()
    np.testing.assert_array_equal(found.ids[~found.chosen], ids[~found.chosen])
    chosen = int(found.chosen.sum())

    def near(part, whole, share):
        return abs(part - whole * share) < 4 * np.sqrt(whole * share * (1 - share))

    assert near(chosen, open_to.sum(), 0.15)
    for kind, share in ((HIDDEN, 0.8), (REPLACED, 0.1), (KEPT, 0.1)):
        assert near(int((found.done == kind).sum()), chosen, share)
    assert (found.ids[found.done == HIDDEN] == mask).all()
    assert (found.ids[found.done == KEPT] == ids[0]).all()
    # Any ordinary token may stand in another's place, all alike, and no special one.
    drawn = found.ids[found.done == REPLACED]
    special = {encoder.tokenizer.token_to_id(one) for one in ("[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]")}
    assert not special & set(drawn.tolist())
    assert len(set(drawn.tolist())) > 0.95 * len(others)


def test_another_rate_or_share_changes_no_other_tokens_luck(guessers):
    encoder = guessers["bert"]
    others, ids, open_to = ordinary_ids(encoder.tokenizer), np.full(1000, 9), np.ones(1000, bool)

    def drawn(**masking):
        return mask_tokens(ids, open_to, 4, others, np.random.default_rng(3), it.pretraining.Masking(**masking))

    assert (drawn(rate=0.3).chosen >= drawn(rate=0.15).chosen).all()
    assert ((drawn(hidden=0.5, replaced=0.4).done == HIDDEN) <= (drawn().done == HIDDEN)).all()
    np.testing.assert_array_equal(drawn().ids, drawn().ids)
    assert drawn(rate=0.0).done.tolist() == [UNTOUCHED] * 1000


def test_whole_words_are_chosen_together(guessers):
    encoder = guessers["bert"]
    word = np.repeat(np.arange(300), 3)
    found = mask_tokens(
        np.full(900, 9),
        np.ones(900, bool),
        4,
        ordinary_ids(encoder.tokenizer),
        np.random.default_rng(0),
        it.pretraining.Masking(whole_words=True),
        word,
    )
    groups = found.chosen.reshape(300, 3)
    assert (groups.all(axis=1) == groups.any(axis=1)).all()
    assert 0.08 < groups[:, 0].mean() < 0.22


@pytest.mark.parametrize("shares", [{"rate": 1.5}, {"hidden": 0.8, "replaced": 0.3}])
def test_shares_that_are_none_are_said(shares):
    with pytest.raises(it.InputError, match=r"a share must be between 0 and 1|add up to more than 100%"):
        it.pretraining.Masking(**shares)


def test_a_game_played_is_what_transformers_loses(guessers):
    encoder = guessers["bert"]
    text = " ".join([TEXT] * 5)
    played = it.pretraining.mask_text(
        encoder, text, masking=it.pretraining.Masking(rate=0.5, hidden=0.4, replaced=0.3), seed=4
    )
    model = tf.AutoModelForMaskedLM.from_pretrained(encoder.spec.checkpoint.name)
    labels = np.where(played.masked.chosen, played.tokens.ids, -100)
    with torch.no_grad():
        output = model(
            input_ids=torch.from_numpy(played.masked.ids.copy())[None], labels=torch.from_numpy(labels)[None]
        )
    assert played.mean_loss() == pytest.approx(float(output.loss), rel=1e-4)
    done = played.masked.done[played.positions]
    parts = {"hidden": HIDDEN, "replaced": REPLACED, "kept": KEPT}
    assert played.mean_loss() == pytest.approx(
        sum(played.mean_loss(name) * (done == kind).sum() for name, kind in parts.items()) / len(done), rel=1e-5
    )
    with torch.no_grad():
        plain = model(input_ids=torch.from_numpy(played.tokens.ids.copy())[None], labels=torch.from_numpy(labels)[None])
    assert float(played.seen.mean()) == pytest.approx(float(plain.loss), rel=1e-4)
    with pytest.raises(it.InputError, match="No token was selected in this draw"):
        it.pretraining.mask_text(encoder, "bank", masking=it.pretraining.Masking(rate=0.0))
    with pytest.raises(it.InputError, match="already contains \\[MASK\\]"):
        it.pretraining.mask_text(encoder, "the [MASK] bank")


# ---- surprise


@pytest.mark.parametrize("family", FAMILIES)
def test_the_pseudo_log_likelihood_is_that_of_hiding_one_token_after_another(guessers, family):
    encoder = guessers[family]
    model = tf.AutoModelForMaskedLM.from_pretrained(encoder.spec.checkpoint.name).eval()
    found = it.pretraining.pseudo_log_likelihood(encoder, TEXT)
    tokens = encoder.tokens(TEXT)
    for place in range(len(tokens)):
        if tokens.special[place]:
            assert np.isnan(found.logs[place])
            continue
        ids = torch.from_numpy(tokens.ids.copy())[None]
        ids[0, place] = encoder.tokenizer.token_to_id(encoder.mask)
        with torch.no_grad():
            logs = model(input_ids=ids).logits[0, place].log_softmax(-1)
        assert found.logs[place] == pytest.approx(float(logs[tokens.ids[place]]), abs=1e-5)
    assert found.total == pytest.approx(np.nansum(found.logs), abs=1e-4)
    assert found.perplexity == pytest.approx(np.exp(-found.total / (~tokens.special).sum()))
    assert sum(score for _word, score in found.words) == pytest.approx(found.total, abs=1e-4)


def test_tokens_that_follow_in_a_word_can_be_hidden_too(guessers):
    encoder = guessers["bert"]
    text = "the bank said bankmoney it"
    tokens = encoder.tokens(text)
    word = next(group for group in tokens.groups if len(group) > 1)
    plain, within = (it.pretraining.pseudo_log_likelihood(encoder, text, within=one) for one in (False, True))
    first, last = word[0], word[-1]
    assert plain.logs[first] != within.logs[first]
    assert plain.logs[last] == pytest.approx(within.logs[last], abs=1e-6)
    hidden = it.fill_mask(encoder, text, hidden=word)
    assert within.logs[first] == pytest.approx(np.log(hidden.guesses[0].probability), abs=1e-5)


def test_surprise_is_told_on_the_way_and_can_be_stopped(guessers):
    told = []

    def stop(done, total, _note):
        told.append((done, total))
        raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.pretraining.pseudo_log_likelihood(guessers["bert"], TEXT, progress=stop)
    assert told == [(10, 10)]
    with pytest.raises(it.InputError, match="the word in that position is not known"):
        it.pretraining.pseudo_log_likelihood(guessers["bert"], "the [MASK] bank")


def test_of_two_sentences_the_likelier_is_preferred_and_faults_are_named(guessers):
    encoder = guessers["bert"]
    pairs = [("the bank lent money", "money bank the lent"), ("", "the bank"), ("it was rich", "it was steep")]
    found = it.pretraining.compare_minimal_pairs(encoder, pairs)
    single = [[it.pretraining.pseudo_log_likelihood(encoder, one).total for one in pairs[i]] for i in (0, 2)]
    np.testing.assert_allclose(found.better[[0, 2]], [one[0] for one in single], rtol=1e-5)
    np.testing.assert_allclose(found.worse[[0, 2]], [one[1] for one in single], rtol=1e-5)
    assert found.accuracy == np.mean([one[0] > one[1] for one in single])
    assert [place for place, _why in found.faults] == [1]
    assert np.isnan(found.better[1])


# ---- what follows


@pytest.mark.parametrize("family", ["bert", "albert"])
def test_the_probability_that_a_text_follows_is_transformers_first_class(both, family):
    encoder = both[family]
    found = it.next_sentence(encoder, "the river bank was steep", "it lent money")
    folder = encoder.spec.checkpoint.name
    model = tf.AutoModelForPreTraining.from_pretrained(folder).eval()
    with torch.no_grad():
        output = model(**{name: one.clone() for name, one in encoder.batch([found.tokens]).items()})
    logits = output.sop_logits if family == "albert" else output.seq_relationship_logits
    assert found.follows == pytest.approx(float(logits[0].softmax(-1)[0]), abs=1e-6)
    assert found.task == ("order" if family == "albert" else "next")


def test_the_order_of_the_answers_is_pinned(tmp_path):
    """A head that says class 0 whatever it reads: transformers' documentation calls 0 the continuation."""
    folder = make_checkpoint("bert", tmp_path / "bert", loader=tf.AutoModelForPreTraining)
    model = tf.BertForPreTraining.from_pretrained(folder)
    with torch.no_grad():
        model.cls.seq_relationship.weight.zero_()
        model.cls.seq_relationship.bias.copy_(torch.tensor([5.0, -5.0]))
    model.save_pretrained(folder)
    encoder = it.load_encoder(str(folder), device="cpu")
    assert it.next_sentence(encoder, "the river", "the bank").follows > 0.99
    output = model.eval()(
        input_ids=torch.tensor([[5, 6]]), next_sentence_label=torch.tensor([0]), labels=torch.tensor([[-100, 6]])
    )
    other = model(
        input_ids=torch.tensor([[5, 6]]), next_sentence_label=torch.tensor([1]), labels=torch.tensor([[-100, 6]])
    )
    assert output.loss < other.loss - 5


def test_a_single_text_has_no_answer_and_a_model_without_the_head_says_so(both, guessers):
    for second in (None, "  "):
        with pytest.raises(it.InputError, match="Next-sentence prediction needs two texts"):
            it.next_sentence(both["bert"], "the river", second)
    with pytest.raises(it.CheckpointError, match="without a next-sentence head"):
        it.next_sentence(guessers["bert"], "the river", "the bank")


def test_pairs_are_asked_as_they_are_shuffled_and_swapped(both):
    encoder = both["bert"]
    sentences = ["the river was steep", "it was tired", "the bank lent money", "it was rich", "the animals said it"]
    pairs = sentence_pairs(encoder, sentences)
    assert pairs[0] == (sentences[0], sentences[1])
    assert len(pairs) == 4
    seen = []
    found = it.pretraining.score_pairs(encoder, [*pairs, ("", "x")], seed=1, progress=lambda *now: seen.append(now[:2]))
    assert seen[-1] == (12, 12)
    assert [place for place, _why in found.faults] == [4]
    assert sorted(found.partner) == sorted(found.indices)
    assert (found.partner != found.indices).all()
    for i, (first, second) in enumerate(pairs):
        assert found.true[i] == pytest.approx(it.next_sentence(encoder, first, second).follows, abs=1e-5)
        other = pairs[found.partner[i]][1]
        assert found.shuffled[i] == pytest.approx(it.next_sentence(encoder, first, other).follows, abs=1e-5)
        assert found.swapped[i] == pytest.approx(it.next_sentence(encoder, second, first).follows, abs=1e-5)
    right = (found.true > 0.5).sum() + (found.shuffled <= 0.5).sum()
    assert found.accuracy("shuffled") == pytest.approx(right / 8)
    above = np.mean([(a > b) + 0.5 * (a == b) for a in found.true for b in found.swapped])
    assert found.distinguished("swapped") == pytest.approx(above)
    with pytest.raises(it.InputError, match="Shuffling needs at least two pairs, but there is 1"):
        it.pretraining.score_pairs(encoder, pairs[:1])


def test_a_shuffled_pair_is_none_that_follows(both):
    pairs = [
        ("the river", "it was steep"),
        ("the bank", "it was rich"),
        ("money", "it was steep"),
        ("tired", "it said"),
    ]
    for seed in range(20):
        found = it.pretraining.score_pairs(both["bert"], pairs, seed=seed)
        assert sorted(found.partner) == [0, 1, 2, 3]
        assert all(pairs[i][1] != pairs[other][1] for i, other in enumerate(found.partner))
    with pytest.raises(it.InputError, match="2 of 3 pairs have the same second text"):
        it.pretraining.score_pairs(both["bert"], pairs[:3])


def test_both_heads_are_read_whatever_the_config_calls_the_model(tmp_path):
    """The configs of google-bert's checkpoints say BertForMaskedLM; their files hold the head of two sentences."""
    folder = make_checkpoint("bert", tmp_path / "both", loader=tf.AutoModelForPreTraining)
    before = it.next_sentence(it.load_encoder(str(folder), device="cpu"), "the river", "was steep").follows
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["BertForPreTraining"]
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}))
    encoder = it.load_encoder(str(folder), device="cpu")
    assert encoder.pair_task == "next"
    assert it.next_sentence(encoder, "the river", "was steep").follows == pytest.approx(before, abs=1e-6)
    alone = make_checkpoint("bert", tmp_path / "alone", loader=tf.AutoModelForMaskedLM)
    assert it.load_encoder(str(alone), device="cpu").pair_task is None
