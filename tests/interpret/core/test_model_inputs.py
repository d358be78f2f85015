"""Texts and pairs are read as their tokenizer says, in training and after it: as transformers read them, exactly."""

import json
from dataclasses import replace
from inspect import signature

import numpy as np
import pytest
import torch
import transformers as tf
from tokenizers import Tokenizer, processors

import interpret as it
from interpret.core.files import read_table
from interpret.finetuning.collator import Collator, Reader
from interpret.finetuning.objective import find_objective
from interpret.finetuning.training import save_trained, train
from tests.tiny import FAMILIES, TEXT, make_checkpoint

# Families whose positions are counted from the padding's id on.
AFTER_PADDING = ("roberta", "xlm-roberta", "camembert")
TEMPLATES = ("second is 1", "all are 0", "none")
NAMED = (True, False)
FIRST, SECOND = "the river bank was steep", "the bank lent money because it was rich"


def pair_checkpoint(family, folder, template, named, **changes):
    """A checkpoint whose tokenizer marks second texts one way or another, and declares token types or does not."""
    if "type_vocab_size" in FAMILIES[family][0]().to_dict():
        changes = {"type_vocab_size": 2, **changes}
    folder = make_checkpoint(family, folder, **changes)
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if template == "none":
        state = json.loads(own.to_str())
        state["post_processor"] = None
        own = Tokenizer.from_str(json.dumps(state))
    elif template == "all are 0":
        first, last = ("[CLS]", "[SEP]") if own.token_to_id("[CLS]") is not None else ("<s>", "</s>")
        own.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}",
            pair=f"{first} $A {last} $B {last}",
            special_tokens=[(name, own.token_to_id(name)) for name in (first, last)],
        )
    own.save(str(folder / "tokenizer.json"))
    card = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    card["model_input_names"] = ["input_ids", *(["token_type_ids"] if named else []), "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(card), "utf-8")
    return folder


def as_transformers(folder, loader, pairs, **options):
    """What the two Auto classes make of each pair; an architecture that takes no token types is given none."""
    tokenizer, model = tf.AutoTokenizer.from_pretrained(folder), loader.from_pretrained(folder, **options).eval()
    found = []
    for text, pair in pairs:
        given = dict(tokenizer(text, pair, return_tensors="pt"))
        if "token_type_ids" not in signature(model.base_model.forward).parameters:
            given.pop("token_type_ids", None)
        with torch.inference_mode():
            found.append(model(**given, output_attentions=bool(options)))
    return found


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_pair_is_read_as_its_tokenizer_says(tmp_path, family, template, named):
    folder = pair_checkpoint(family, tmp_path / "model", template, named)
    theirs = as_transformers(folder, tf.AutoModel, [(FIRST, SECOND)], attn_implementation="eager")[0]
    ours = it.trace(it.load_encoder(str(folder), device="cpu"), FIRST, SECOND)
    np.testing.assert_allclose(ours.attention, torch.stack(theirs.attentions)[:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.hidden[-1], theirs.last_hidden_state[0].numpy(), atol=1e-4)
    # What is drawn knows the two apart whatever the model is fed.
    assert set(ours.tokens.segment.tolist()) == {0, 1}


def test_token_types_matter_to_these_models(tmp_path):
    """Or the test above would pass whatever was fed."""
    marked, plain = (
        it.load_encoder(str(pair_checkpoint("bert", tmp_path / name, name, True)), device="cpu")
        for name in TEMPLATES[:2]
    )
    one, other = (it.trace(encoder, FIRST, SECOND).attention for encoder in (marked, plain))
    assert np.abs(one - other).max() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    "family, template, named",
    [
        *((family, "second is 1", True) for family in FAMILIES),
        *((family, *how) for family in ("bert", "roberta") for how in (("second is 1", False), ("all are 0", True))),
    ],
)
def test_a_model_tuned_on_pairs_answers_on_its_rows_as_transformers_do(tmp_path, family, template, named):
    folder = pair_checkpoint(family, tmp_path / "base", template, named)
    words = TEXT.split()
    texts = tuple(f"the {words[i % 7]} was {words[i % 5]}" for i in range(16))
    pairs = tuple(f"{words[i % 11]} and the {words[i % 3]} bank" for i in range(16))
    labels = tuple("ab"[i % 2] for i in range(16))
    examples = it.finetuning.Examples("classes", texts, pairs, labels, tuple(range(16)), 0)
    recipe = it.Recipe(model=str(folder), epochs=1, batch_size=4, learning_rate=1e-3, device="cpu", snapshots=0)
    done = train(recipe, examples, range(12), range(12, 16))
    saved = tmp_path / "tuned"
    save_trained(done, it.find_checkpoint(str(folder)), saved)
    encoder = it.load_encoder(str(saved), device="cpu")
    collate, read = Collator(encoder), Reader(encoder, recipe, examples, encoder.task.labels)
    as_trained = collate([read(i) for i in range(16)])
    del as_trained["labels"]
    trained = encoder.run(as_trained, task=True).logits
    rows = list(zip(texts, pairs, strict=True))
    answers = as_transformers(saved, tf.AutoModelForSequenceClassification, rows)
    for row, (text, pair) in enumerate(rows):
        theirs = answers[row].logits[0]
        looked_at = encoder.forward([encoder.tokens(text, pair)], task=True).logits[0]
        for ours in (looked_at, trained[row]):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
            assert ours.argmax() == theirs.argmax()


def test_more_token_types_than_the_model_has_are_refused(tmp_path):
    folder = pair_checkpoint("bert", tmp_path / "model", "second is 1", True, type_vocab_size=2)
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    own.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:2", special_tokens=[])
    own.save(str(folder / "tokenizer.json"))
    with pytest.raises(it.CheckpointError, match="3 token types"):
        it.load_encoder(str(folder), device="cpu")


def full_text(encoder, count):
    """A text of exactly so many tokens."""
    text, length = "the bank", len(encoder.tokenizer.encode("the bank").ids)
    while length < count:
        # Some vocabularies know a full stop only behind a space of its own.
        text, length = next(
            (longer, length + 1)
            for end in (" .", " a", "a", " bank")
            if len(encoder.tokenizer.encode(longer := f"{text}{end}").ids) == length + 1
        )
    return text


PADS = [
    *((family, None) for family in FAMILIES),
    *((family, pad) for family in AFTER_PADDING for pad in (0, 5, 20)),
    ("bert", 7),
    ("bert", -1),
]


@pytest.mark.parametrize("family, pad", PADS)
def test_the_last_token_that_a_family_takes(tmp_path, family, pad):
    """To the very last position alone and in a padded batch, and one over.

    How many there are its own code says: RoBERTa and its like begin behind the padding's id
    (`create_position_ids_from_input_ids`), MPNet behind 1 always.
    """
    changes = {} if pad is None else {"pad_token_id": pad}
    folder = make_checkpoint(family, tmp_path / "model", **changes)
    encoder = it.load_encoder(str(folder), device="cpu")
    first = 0
    if family in AFTER_PADDING:
        first = (encoder.model.config.pad_token_id if pad is None else pad) + 1
    elif family == "mpnet":
        first = 2
    assert encoder.max_tokens == 66 - first
    text = full_text(encoder, encoder.max_tokens)
    tokens, short = encoder.tokens(text), encoder.tokens("the bank")
    theirs = tf.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        alone = theirs(input_ids=torch.tensor([tokens.ids.tolist()])).last_hidden_state[0]
        few = theirs(input_ids=torch.tensor([short.ids.tolist()])).last_hidden_state[0]
    for batch in ([tokens], [short, tokens]):
        states = encoder.forward(batch).last_hidden_state
        torch.testing.assert_close(states[-1], alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(states[0][: len(short)], few, atol=1e-4, rtol=1e-4)
    with pytest.raises(it.InputError, match=f"at most {encoder.max_tokens}"):
        encoder.tokens(full_text(encoder, encoder.max_tokens + 1))


@pytest.mark.parametrize("family", AFTER_PADDING)
def test_positions_without_a_padding_are_told_as_what_they_are(tmp_path, family):
    folder = make_checkpoint(family, tmp_path / "model")
    card = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(card | {"pad_token_id": None}), "utf-8")
    with pytest.raises(it.CheckpointError, match="pad_token_id"):
        it.load_encoder(str(folder), device="cpu")


@pytest.mark.parametrize("family", [*AFTER_PADDING, "mpnet"])
def test_embeddings_in_the_place_of_ids_stand_at_the_same_positions(tmp_path, family):
    """Also where the text itself has the padding in it, which these families pass over."""
    folder = make_checkpoint(family, tmp_path / "model", loader=tf.AutoModelForSequenceClassification, num_labels=2)
    encoder = it.load_encoder(str(folder), device="cpu")
    tokens = encoder.tokens(FIRST)
    ids = tokens.ids.copy()
    ids[3] = encoder.padding_id
    tokens = replace(tokens, ids=ids)
    read = encoder.forward([tokens], task=True).logits
    embedded = encoder.embed_tokens(torch.from_numpy(ids))[None]
    given = encoder.run({"inputs_embeds": embedded, **encoder.beside_embeddings([tokens])}, task=True).logits
    torch.testing.assert_close(given, read, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_tagged_words_are_read_as_the_sentence_that_they_make(tiny_folders, family):
    """In training as when it is looked at, and each tag on the first token of its own word; a word may hold a space."""
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    rows = ("the\tA", "river bank\tB", "was\tA", "steep\tC", "中文\tB")
    content = "\n\n".join("\n".join(rows[i % 5 :] + rows[: i % 5]) for i in range(10)).encode()
    examples = it.finetuning.read_examples(content, "tags.conll", "", "", task="token classes")
    read = find_objective("token classes").reader(encoder, it.Recipe(), examples, (0.0, 1.0))
    for place, (words, tags) in enumerate(zip(examples.words, examples.tags, strict=True)):
        item, tokens = read(place), encoder.tokens(" ".join(words))
        assert item["input_ids"] == tokens.ids.tolist()
        assert item["words"] == list(range(5))
        starts = [len(" ".join(words[:i])) + (i > 0) for i in range(5)]
        tagged = [i for i, label in enumerate(item["labels"]) if label >= 0]
        assert [int(tokens.span[i, 0]) for i in tagged] == starts
        assert [examples.classes[item["labels"][i]] for i in tagged] == list(tags)


@pytest.mark.parametrize("family", ["roberta", "bert"])
def test_a_cell_is_learned_from_as_it_stands_in_the_file(tiny_folders, family):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    content = "text,label\n" + "".join(f"  the river {'bank ' * i},{'ab'[i % 2]}\n" for i in range(10))
    table, examples = (
        read_table(content.encode(), "a.csv"),
        it.finetuning.read_examples(content.encode(), "a.csv", "text", "label"),
    )
    read = Reader(encoder, it.Recipe(), examples, examples.classes)
    for place, row in enumerate(table.rows):
        assert read(place)["input_ids"] == encoder.tokens(row[0]).ids.tolist()
