"""Models that go on with the games they were pre-trained by: what is drawn, what is learned, and what comes of it."""

from dataclasses import replace

import numpy as np
import peft
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.core.adapters import save_adapter
from interpret.core.tasks import logits_of, pair_logits_of
from interpret.finetuning.__main__ import main
from interpret.finetuning.collator import NO_LABEL, Collator
from interpret.finetuning.data import read_examples, split_examples
from interpret.finetuning.masked_passages import ELSEWHERE, MaskedPassages, as_written
from interpret.finetuning.masked_predictions import reading_at
from interpret.finetuning.passages import sentences_of
from interpret.finetuning.pretraining_results import measure_pretraining
from interpret.finetuning.training import train
from tests.tiny import FAMILIES, make_checkpoint

WORDS, BOTH = "masked words", "masked words and next sentences"
LINES = "the river bank was steep. the river rose. the bank lent money to the animals. it was rich, said the bank!"


@pytest.fixture(scope="session")
def text():
    """Two documents of some hundred sentences, in which the second word tells the fourth."""
    random = np.random.default_rng(0)
    rows = []
    for _ in range(2):
        words = [random.choice(["river", "bank"]) for _ in range(1200)]
        rows.append(" ".join(f"the {w} was {'steep' if w == 'river' else 'rich'}." for w in words))
    return ("text\n" + "\n".join(f'"{one}"' for one in rows)).encode()


def games(text, task):
    examples = read_examples(text, "books.csv", "text", "", None, task)
    return examples, *split_examples(examples)


def test_sentences_are_cut_after_their_ends_in_english_and_chinese():
    assert sentences_of("One. “Two!” Three? 3.14 four") == ["One.", "“Two!”", "Three?", "3.14 four"]
    assert sentences_of("Mr. J. Smith left. Dr. Who came.") == ["Mr. J. Smith left.", "Dr. Who came."]
    assert sentences_of("他说：“走吧。”我们走了。天黑了！") == ["他说：“走吧。”", "我们走了。", "天黑了！"]


def test_passages_hold_all_of_a_text_in_order_and_the_end_is_held_out(text):
    examples, learned, judged = games(text, BOTH)
    count = examples.labels.count("1")
    whole = " ".join(f"{a} {b}" for a, b in zip(examples.texts[:count], examples.pairs[:count], strict=True))
    assert whole == text.decode().split("\n")[1].strip('"')
    assert max(len(one.split()) for one in examples.texts) <= 60
    for number in ("1", "2"):
        places = [i for i, one in enumerate(examples.labels) if one == number]
        assert [i in set(judged) for i in places] == sorted(i in set(judged) for i in places)
    assert not set(learned) & set(judged)
    assert len(judged) == pytest.approx(0.2 * len(examples), abs=2)
    # A plain text is one document, whatever its paragraphs.
    plain = it.finetuning.read_examples("\n\n".join([LINES] * 30).encode(), "book.txt", "text", "", None, WORDS)
    assert set(plain.labels) == {"1"}


def test_too_little_text_is_one_sentence():
    with pytest.raises(
        it.InputError, match="yields only 1 passage of about 90 words, but training and evaluation need at least 8"
    ):
        it.finetuning.read_examples(LINES.encode(), "book.txt", "text", "", None, WORDS)


def test_passages_are_as_long_as_asked_for(text):
    for words in (20, 90, 360):
        examples = it.finetuning.read_examples(text, "books.csv", "text", "", None, WORDS, words)
        lengths = [len(one.split()) for one in examples.texts]
        # Sentences of four words: the last of a document may be a rest.
        assert max(lengths) == words - words % 4
        assert np.median(lengths) == max(lengths)
    with pytest.raises(it.InputError, match="Words per passage cannot be 5: choose 10 to 400"):
        it.finetuning.read_examples(text, "books.csv", "text", "", None, WORDS, 5)


def test_a_share_of_the_passages_is_read_short(folder, recipe, text):
    encoder = it.load_encoder(str(folder), device="cpu")
    examples, learned, judged = games(text, BOTH)
    recipe = replace(recipe, short_rate=0.5, max_length=256)

    def sentences(game):
        ids = [np.where(np.array(one["labels"]) == NO_LABEL, one["input_ids"], one["labels"]) for one in game]
        verb, parting = (encoder.tokenizer.token_to_id(one) for one in ("was", "[SEP]"))
        return [
            [int((part == verb).sum()) for part in np.split(one, np.flatnonzero(one == parting))[:2]] for one in ids
        ]

    first, second = np.array(sentences(MaskedPassages(encoder, recipe, examples, learned.tolist(), lambda: 0))).T
    short = first <= 3
    assert 0.3 < short.mean() < 0.7
    # As many of either text, one to three; the others are whole, of a dozen each.
    np.testing.assert_array_equal(first[short], second[short])
    assert set(first[short]) == {1, 2, 3}
    assert min(first[~short]) > 5
    # Of what is judged nothing is left away, and what is whole is drawn as ever.
    assert min(np.array(sentences(MaskedPassages(encoder, recipe, examples, judged.tolist()))).ravel()[:-2]) > 3
    never = MaskedPassages(encoder, replace(recipe, short_rate=0.0), examples, learned.tolist(), lambda: 0)
    assert min(np.array(sentences(never)).ravel()[:-2]) > 3


def test_what_is_left_of_a_short_passage_is_where_its_texts_meet(folder, recipe, text):
    encoder = it.load_encoder(str(folder), device="cpu")
    lines = [f"the {a} was {b}." for a in ("river", "bank") for b in ("steep", "rich")]
    order = np.random.default_rng(0).integers(4, size=400)
    examples = it.finetuning.read_examples(
        " ".join(lines[i] for i in order).encode(), "book.txt", "text", "", None, BOTH
    )
    game = MaskedPassages(encoder, replace(recipe, short_rate=1.0), examples, range(len(examples)), lambda: 0)
    follow = 0
    for place, item in enumerate(game):
        ids = np.where(np.array(item["labels"]) == NO_LABEL, item["input_ids"], item["labels"])
        types = np.array(item["token_type_ids"])
        before = encoder.tokenizer.encode(examples.texts[place], add_special_tokens=False).ids
        kept = ids[types == 0][1:-1].tolist()
        assert before[-len(kept) :] == kept
        if item["next"] != ELSEWHERE:
            follow += 1
            kept = ids[types == 1][:-1].tolist()
            assert encoder.tokenizer.encode(examples.pairs[place], add_special_tokens=False).ids[: len(kept)] == kept
    assert follow > 3


def test_a_game_is_drawn_by_seed_time_and_passage_alone(folder, recipe, text):
    encoder = it.load_encoder(str(folder), device="cpu")
    examples, learned, _ = games(text, BOTH)
    some = [int(one) for one in learned]
    first, again = (
        MaskedPassages(encoder, recipe, examples, some, lambda: 0),
        MaskedPassages(encoder, recipe, examples, some, lambda: 0),
    )
    assert [first[i] for i in (3, 1)] == [again[3], again[1]]
    assert [first[i] for i in range(9)] != [
        MaskedPassages(encoder, recipe, examples, some, lambda: 1)[i] for i in range(9)
    ]
    # Never a special token; a second text that does not follow is another one of the same document.
    special = {encoder.tokenizer.token_to_id(one) for one in ("[CLS]", "[SEP]", "[PAD]")}
    elsewhere = 0
    for place, item in zip(some, first, strict=True):
        assert not special & {one for one in item["labels"] if one != NO_LABEL}
        ids = np.where(np.array(item["labels"]) == NO_LABEL, item["input_ids"], item["labels"])
        second = ids[np.array(item["token_type_ids"]) == 1][:-1].tolist()
        own, *others = [
            encoder.tokenizer.encode(examples.pairs[i], add_special_tokens=False).ids[: len(second)]
            for i in (place, *some)
            if examples.labels[i] == examples.labels[place]
        ]
        assert second in others if item["next"] == ELSEWHERE else second == own
        elsewhere += item["next"] == ELSEWHERE
    assert 0.3 < elsewhere / len(some) < 0.7


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_that_reads_some_places_says_of_them_what_it_says_of_all(family, tmp_path):
    model = tf.AutoModelForMaskedLM.from_pretrained(
        make_checkpoint(family, tmp_path / family, loader=tf.AutoModelForMaskedLM)
    ).eval()
    ids = torch.randint(5, 20, (2, 9))
    chosen = torch.zeros(2, 9, dtype=torch.bool)
    chosen[0, 3] = chosen[1, 5] = chosen[1, 6] = True
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.no_grad():
        whole = logits_of(model(**inputs))
        with reading_at(model, chosen):
            some = logits_of(model(**inputs))
        torch.testing.assert_close(some, whole[chosen])
        torch.testing.assert_close(logits_of(model(**inputs)), whole)


def test_what_is_judged_is_what_transformers_says(folder, recipe, text):
    """The loss is the sum of both games' mean cross-entropies: transformers' own, from its own labels."""
    examples, learned, judged = games(text, BOTH)
    done = train(replace(recipe, epochs=1), examples, learned[:8], judged)
    encoder = it.load_encoder(str(folder), device="cpu")
    game = MaskedPassages(encoder, recipe, examples, [int(one) for one in judged])
    inputs = Collator(encoder)([game[i] for i in range(len(game))])
    following = inputs.pop("next")
    with torch.no_grad():
        output = done.model(**inputs, next_sentence_label=following)
    assert done.evaluations[-1].loss == pytest.approx(float(output.loss), abs=1e-4)
    chances = pair_logits_of(output).softmax(-1)[:, 0].numpy()
    np.testing.assert_allclose(done.answers["follows"], chances, atol=1e-5)
    np.testing.assert_array_equal(done.answers["following"], following.numpy() == 0)


def test_as_written_nothing_is_hidden(folder, recipe, text):
    examples, learned, _judged = games(text, BOTH)
    encoder = it.load_encoder(str(folder), device="cpu")
    game = MaskedPassages(encoder, recipe, examples, [int(one) for one in learned[:12]])
    follows = 0
    for i, place in enumerate(learned[:12]):
        item = game[i]
        written = as_written(item)
        assert written | {"input_ids": None} == item | {"input_ids": None}
        if item["next"] == 0:
            follows += 1
            ids = game.tokenizer.encode(examples.texts[place], examples.pairs[place]).ids
            assert written["input_ids"] == ids != item["input_ids"]
    assert follows > 2


# Adapters leave the random word vectors as they are, so a few steps get less far.
@pytest.mark.parametrize(("rank", "least"), [(0, 0.7), (8, 0.12)])
def test_what_can_be_guessed_is_learned(recipe, text, rank, least):
    examples, learned, judged = games(text, WORDS)
    done = train(replace(recipe, epochs=8, lora_rank=rank), examples, learned, judged)
    first, last = done.evaluations[0], done.evaluations[-1]
    assert (first.step, last.epoch) == (0, 8)
    assert last.score > least > first.score
    assert last.loss < first.loss - (0.5 if rank else 2)
    found = measure_pretraining(done.answers)
    assert found.first == last.score
    assert found.five >= found.first
    assert found.perplexity == pytest.approx(np.exp(last.loss), rel=1e-4)


@pytest.mark.parametrize(("family", "task"), [*((one, WORDS) for one in FAMILIES), ("bert", BOTH), ("albert", BOTH)])
def test_peft_opens_what_a_game_has_taught(family, task, recipe, text, tmp_path):
    folder = make_checkpoint(family, tmp_path / "base", initializer_range=0.05)
    examples, learned, judged = games(text, task)
    recipe = replace(recipe, model=str(folder), lora_rank=2, epochs=1, learning_rate=1e-2)
    done = train(recipe, examples, learned[:32], judged[:8])
    save_adapter(done.model, done.adapter, done.head, done.labels, tmp_path / "adapter")
    loader = tf.AutoModelForPreTraining if task == BOTH else tf.AutoModelForMaskedLM
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    read = tokenizer("the river bank was steep .", return_tensors="pt")
    read.pop("token_type_ids", None)
    with torch.no_grad():
        found = done.model.eval()(**read)
        for seed in (0, 1):
            # What transformers draws anew each time must not matter.
            torch.manual_seed(seed)
            small = peft.PeftModel.from_pretrained(loader.from_pretrained(folder), tmp_path / "adapter").eval()
            again = small(**read)
            torch.testing.assert_close(logits_of(again), logits_of(found), atol=1e-4, rtol=1e-4)
            if task == BOTH:
                torch.testing.assert_close(pair_logits_of(again), pair_logits_of(found), atol=1e-4, rtol=1e-4)
        with small.disable_adapter():
            assert (logits_of(small(**read)) - logits_of(found)).abs().max() > 1e-2
    # The word vectors are not written again, which are most of a small model.
    assert not any("embedding" in name or "decoder.weight" in name for name in done.adapter)


@pytest.mark.parametrize("task", [WORDS, BOTH])
def test_a_run_of_a_game_is_done_and_opens_as_a_model_with_its_heads(recipe, text, task, tmp_path):
    run = it.finetune(tmp_path / "run", it.runs.Request(recipe, "field", "books.csv", task=task), text)
    assert run.state == "done"
    assert run.facts["perplexity"] < run.facts["perplexity_before"]
    assert ("next_accuracy" in run.facts) == (task == BOTH)
    outcome = it.finetuning.read_outcome(run)
    assert len(outcome.texts) == run.facts["judged"]
    encoder = it.load_encoder(str(run.model), device="cpu")
    assert encoder.task.kind == "masked words"


def test_the_command_says_how_a_game_ended(folder, text, tmp_path, capsys):
    (tmp_path / "books.csv").write_bytes(text)
    asked = ["--data", str(tmp_path / "books.csv"), "--task", BOTH, "--model", str(folder), "--epochs", "1"]
    assert main([*asked, "--batch", "64", "--device", "cpu", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err.splitlines()
    (result,) = (line for line in said if line.startswith("top-1 accuracy "))
    assert "next-sentence accuracy" in result
    assert "no epoch was chosen" in said[-1]


def test_stopped_and_resumed_a_game_is_as_never_stopped(recipe, text, tmp_path):
    examples, learned, judged = games(text, BOTH)
    whole = train(recipe, examples, learned, judged)
    steps = []
    train(recipe, examples, learned, judged, lambda what, _: steps.append(what), lambda: len(steps) > 4, tmp_path)
    rest = train(recipe, examples, learned, judged, folder=tmp_path)
    assert 0 < len(rest.steps) < len(whole.steps)
    assert [one.loss for one in rest.steps] == [one.loss for one in whole.steps][-len(rest.steps) :]
    assert [one.loss for one in rest.evaluations] == [one.loss for one in whole.evaluations]


def test_documents_of_one_passage_have_second_texts_of_others(folder, recipe):
    encoder = it.load_encoder(str(folder), device="cpu")
    rows = [f"the river {i} was steep. the bank {i} lent money." for i in range(20)]
    examples = it.finetuning.read_examples(("text\n" + "\n".join(rows)).encode(), "rows.csv", "text", "", None, BOTH)
    items = list(MaskedPassages(encoder, recipe, examples, list(range(20)), lambda: 0))
    assert {one["next"] for one in items} == {0, 1}
    with pytest.raises(it.InputError, match="so no second text can come from elsewhere"):
        MaskedPassages(encoder, recipe, examples, [3])


def test_what_is_judged_by_always_has_a_question(folder, recipe, text):
    encoder = it.load_encoder(str(folder), device="cpu")
    examples, _, judged = games(text, WORDS)
    game = MaskedPassages(encoder, replace(recipe, mask_rate=0.01), examples, [int(one) for one in judged])
    assert all(any(label != NO_LABEL for label in item["labels"]) for item in game)


@pytest.mark.parametrize("task", [WORDS, "classes"])
def test_a_model_in_half_precision_learns_in_whole(recipe, text, examples, tmp_path, task):
    folder = make_checkpoint("bert", tmp_path / "half", initializer_range=0.05)
    tf.AutoModel.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    some = games(text, WORDS) if task == WORDS else (examples, *split_examples(examples))
    done = train(replace(recipe, model=str(folder), epochs=1), some[0], some[1][:16], some[2][:8])
    assert {one.dtype for one in done.model.parameters()} == {torch.float32}


def test_a_family_without_next_sentences_says_so(text, tiny_folders, recipe):
    examples, learned, judged = games(text, BOTH)
    with pytest.raises(it.InputError, match="RoBERTa was pretrained without next-sentence prediction"):
        train(replace(recipe, model=str(tiny_folders["roberta"])), examples, learned, judged)
    with pytest.raises(it.InputError, match="reads whole texts, but this task predicts masked words"):
        train(replace(recipe, head="mlp"), examples, learned, judged)
