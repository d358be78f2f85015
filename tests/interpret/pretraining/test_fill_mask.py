"""Guesses, their way through the layers, and the lens that is fitted: against transformers' own answers."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.pretraining.layer_states import states_of
from tests.tiny import FAMILIES

TEXT = "the river bank was steep and the bank lent money"


@pytest.mark.parametrize("family", FAMILIES)
def test_guesses_are_those_of_transformers_pipeline(guessers, family):
    encoder = guessers[family]
    folder = encoder.spec.checkpoint.name
    model = tf.AutoModelForMaskedLM.from_pretrained(folder)
    tokenizer = tf.AutoTokenizer.from_pretrained(folder, mask_token=encoder.mask)
    pipe = tf.pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
    for text in (f"the river {encoder.mask} was steep", f"{encoder.mask} bank lent {encoder.mask}"):
        found = it.fill_mask(encoder, text, top=4)
        expected = pipe(text, top_k=4)
        expected = expected if isinstance(expected[0], list) else [expected]
        assert len(found.guesses) == len(expected)
        for guess, rows in zip(found.guesses, expected, strict=True):
            assert guess.ids.tolist() == [row["token"] for row in rows]
            np.testing.assert_allclose(guess.probabilities, [row["score"] for row in rows], rtol=1e-4)
            assert (guess.true, guess.rank, guess.probability) == (None, None, None)


def test_a_hidden_word_is_known_and_its_rank_and_entropy_are_those_of_the_whole_vocabulary(guessers):
    encoder = guessers["bert"]
    tokens = encoder.tokens(TEXT)
    found = it.fill_mask(encoder, TEXT, hidden=[3, 5])
    assert [one.position for one in found.guesses] == [3, 5]
    assert found.tokens.strings[3] == found.tokens.strings[5] == "[MASK]"
    ids = torch.from_numpy(tokens.ids.copy())[None]
    true = ids[0, [3, 5]].clone()
    ids[0, [3, 5]] = encoder.tokenizer.token_to_id("[MASK]")
    model = tf.AutoModelForMaskedLM.from_pretrained(encoder.spec.checkpoint.name)
    with torch.no_grad():
        chances = model(input_ids=ids).logits[0, [3, 5]].softmax(-1).double().numpy()
    for guess, row, own in zip(found.guesses, chances, true, strict=True):
        assert guess.true == tokens.labels[guess.position]
        assert guess.probability == pytest.approx(row[own], rel=1e-4)
        assert guess.rank == (row > row[own]).sum()
        assert guess.entropy == pytest.approx(-(row * np.log2(row)).sum(), rel=1e-4)


def test_all_tokens_of_a_word_are_hidden_together(guessers):
    encoder = guessers["bert"]
    tokens = encoder.tokens("the bank said bankmoney it")
    word = next(group for group in tokens.groups if len(group) > 1)
    found = it.fill_mask(encoder, "the bank said bankmoney it", hidden=[word[-1]], whole=True)
    assert [one.position for one in found.guesses] == list(word)
    assert [one.position for one in it.fill_mask(encoder, "the bank said bankmoney it", hidden=[word[-1]]).guesses] == [
        word[-1]
    ]


def test_heads_that_are_out_change_the_guess_and_the_pair_is_read(guessers):
    encoder = guessers["bert"]
    whole = it.fill_mask(encoder, TEXT, hidden=[3]).guesses[0]
    without = it.fill_mask(encoder, TEXT, hidden=[3], heads=[(0, 1), (2, 3)]).guesses[0]
    assert not np.allclose(whole.probabilities, without.probabilities)
    beside = it.fill_mask(encoder, TEXT, "it was rich", hidden=[3]).guesses[0]
    assert not np.allclose(whole.probabilities, beside.probabilities)


@pytest.mark.parametrize(
    ("text", "hidden", "sentence"),
    [
        (TEXT, (), "No word is masked. Choose one, or write \\[MASK\\]"),
        ("the bank", (1, 2), "Every word is masked, so there is no context to predict from"),
        ("[MASK]", (), "Every word is masked"),
        (TEXT, (0,), "“\\[CLS\\]” is a special token"),
        (TEXT, (99,), "There is no token 99"),
        ("the bank " * 60, (3,), "and this model reads at most 66 at once"),
    ],
)
def test_what_cannot_be_guessed_is_one_sentence(guessers, text, hidden, sentence):
    with pytest.raises(it.InputError, match=sentence):
        it.fill_mask(guessers["bert"], text, hidden=hidden)


def test_a_model_without_the_head_says_so(tiny_folders):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    with pytest.raises(it.CheckpointError, match="has no masked-language-model head. .* was saved without a head"):
        it.fill_mask(encoder, "the [MASK] was steep")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_layers_lens_is_the_models_own_answer_to_the_last_bit(guessers, family):
    encoder = guessers[family]
    own = it.fill_mask(encoder, TEXT, hidden=[3], top=7).guesses[0]
    found = it.pretraining.logit_lens(encoder, TEXT, None, [3], 3, top=7)
    assert found.ids.shape == (encoder.layers + 1, 7)
    np.testing.assert_array_equal(found.ids[-1], own.ids)
    np.testing.assert_allclose(found.probabilities[-1], own.probabilities, rtol=1e-5)
    assert found.rank[-1, 0] == own.rank
    model = tf.AutoModelForMaskedLM.from_pretrained(encoder.spec.checkpoint.name).eval()
    with torch.inference_mode():
        logs = model(torch.from_numpy(found.tokens.ids.copy())[None]).logits[0, 3].log_softmax(-1)
    # Transformers has the families of relative positions in other code, which rounds otherwise.
    apart = 1e-5 if encoder.family.relative else 0
    np.testing.assert_allclose(found.probabilities[-1], logs.topk(7).values.exp(), rtol=apart)
    assert found.divergence[-1] == 0
    assert found.entropy[-1] == pytest.approx(own.entropy, rel=1e-4)
    # The hidden token, and the model's guess where that is another one.
    tokens = encoder.tokens(TEXT)
    assert found.watched.tolist() == list(dict.fromkeys([int(tokens.ids[3]), int(own.ids[0])]))


def test_each_layers_lens_is_the_head_on_its_states(guessers):
    """Against transformers: a BERT's own `cls` on its own hidden states."""
    encoder = guessers["bert"]
    found = it.pretraining.logit_lens(encoder, TEXT, None, [3], 3, watched=[20, 30])
    model = tf.AutoModelForMaskedLM.from_pretrained(encoder.spec.checkpoint.name).eval()
    ids = torch.from_numpy(found.tokens.ids.copy())[None]
    with torch.no_grad():
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
        logs = torch.stack([model.cls(one)[0, 3].log_softmax(-1) for one in states])
    np.testing.assert_allclose(found.probability, logs[:, [20, 30]].exp(), rtol=1e-4)
    np.testing.assert_array_equal(found.rank, (logs[:, None] > logs[:, [20, 30], None]).sum(-1))
    expected = (logs[-1].exp() * (logs[-1] - logs)).sum(-1) / np.log(2)
    np.testing.assert_allclose(found.divergence, expected, atol=1e-4)


def test_a_guess_appears_where_it_comes_to_stay(guessers):
    found = it.pretraining.logit_lens(guessers["bert"], TEXT, None, [3], 3)
    place = found.appears(len(found.names) - 1)
    assert (found.rank[place:, -1] == 0).all()
    assert place == 0 or found.rank[place - 1, -1] != 0


def test_a_tuned_lens_is_nearer_to_the_answer_and_leaves_the_last_level(guessers, tmp_path):
    encoder = guessers["bert"]
    words = "the river bank was steep and lent money because it rich said tired animals".split()  # noqa: SIM905
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(words, 20)) for _ in range(60)]
    seen = []
    lens = it.pretraining.fit_tuned_lens(encoder, texts, steps=30, progress=lambda *now: seen.append(now))
    assert seen[-1][:2] == (30, 30)
    # The nearer to the end, the less there is to translate; every level gains.
    assert (lens.after < 0.7 * lens.before).all()
    states = states_of(encoder, [encoder.tokens(TEXT)])
    moved = lens.translate(states)
    torch.testing.assert_close(moved[-1], states[-1], rtol=0, atol=0)
    level = 1
    expected = states[level].numpy() @ (np.eye(24) + lens.weight[level]).T + lens.bias[level]
    np.testing.assert_allclose(moved[level], expected, atol=1e-4)
    half = it.load_encoder(encoder.spec.checkpoint, device="cpu", precision="bfloat16")
    coarse = it.pretraining.fit_tuned_lens(half, texts, steps=3)
    assert (coarse.after < coarse.before).all()
    lens.save(tmp_path / "lens.safetensors")
    again = it.pretraining.load_tuned_lens(tmp_path / "lens.safetensors")
    np.testing.assert_array_equal(again.weight, lens.weight)
    np.testing.assert_array_equal(again.gain, lens.gain)
    for name in ("revision", "states", "texts", "held_out_states", "held_out_texts"):
        assert getattr(again, name) == getattr(lens, name), name
    assert (lens.texts, lens.held_out_texts) == (48, 12)
    found = it.pretraining.logit_lens(encoder, TEXT, None, [3], 3, lens=again)
    plain = it.pretraining.logit_lens(encoder, TEXT, None, [3], 3)
    assert found.tuned
    assert found.divergence[:-1].mean() < plain.divergence[:-1].mean()
    np.testing.assert_allclose(found.probabilities[-1], plain.probabilities[-1], rtol=1e-6)
    with pytest.raises(it.InputError, match="fitted to another model"):
        it.pretraining.logit_lens(guessers["roberta"], TEXT, None, [3], 3, lens=again)
    with pytest.raises(it.InputError, match="at least 8 different texts, but there are 3"):
        it.pretraining.fit_tuned_lens(encoder, texts[:3] * 5)
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(it.InputError, match=r"broken.safetensors” is not a valid lens: .*\. Delete it"):
        it.pretraining.load_tuned_lens(tmp_path / "broken.safetensors")
    with pytest.raises(it.CapacityError, match="but that folder cannot be written to"):
        again.save(tmp_path / "broken.safetensors" / "lens.safetensors")


@pytest.mark.parametrize("copies", [1, 2])
def test_a_text_teaches_a_lens_or_judges_it_and_never_both(guessers, copies):
    """Of ten texts one after another is changed: what it has no part in stays as it is."""
    encoder = guessers["bert"]
    words = "the river bank was steep and lent money because it rich said tired animals".split()  # noqa: SIM905
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(words, 12)) for _ in range(10)]

    def fitted(texts):
        return it.pretraining.fit_tuned_lens(encoder, texts * copies, steps=0)

    lens = fitted(texts)
    np.testing.assert_array_equal(lens.after, fitted(texts).after)
    judging = 0
    for place in range(10):
        other = fitted([*texts[:place], " ".join(reversed(texts[place].split())), *texts[place + 1 :]])
        same = np.allclose(other.weight, lens.weight, atol=1e-3), np.allclose(other.before, lens.before, atol=1e-4)
        assert sorted(same) == [False, True], place
        judging += same[0]
    assert judging == lens.held_out_texts == 2


def test_what_a_lens_brings_is_known_by_text(guessers):
    """Of two texts that judge, Student's t has one degree of freedom: 12.7 standard errors to either side."""
    words = "the river bank was steep and lent money because it rich said tired animals".split()  # noqa: SIM905
    texts = [" ".join(np.random.default_rng(seed).choice(words, 12)) for seed in range(60)]
    few, many = (it.pretraining.fit_tuned_lens(guessers["bert"], texts[:count], steps=5) for count in (10, 60))
    for lens in (few, many):
        np.testing.assert_allclose(lens.gain.mean(axis=1), lens.before - lens.after, atol=1e-4)
    # At one level two texts may agree by chance.
    assert np.ptp(many.gain, axis=1).max() < np.ptp(few.gain, axis=1).max()


def test_of_a_word_that_the_vocabulary_lacks_nobody_knows_what_is_right(guessers):
    encoder = guessers["bert"]
    text = "the river 药 was steep"
    assert encoder.tokens(text).strings[3] == "[UNK]"
    [guess] = it.fill_mask(encoder, text, hidden=[3]).guesses
    assert (guess.true, guess.id, guess.probability, guess.rank) == (None, None, None, None)
    # Through the layers, only the model's own answer is followed.
    assert it.pretraining.logit_lens(encoder, text, None, [3], 3).names == (guess.candidates[0],)
