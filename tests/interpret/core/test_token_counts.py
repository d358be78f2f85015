"""What a vocabulary makes of texts: counts by the tokenizer itself, and words told by hand."""

import numpy as np
import pytest

import interpret as it


@pytest.fixture(scope="module")
def vocabulary():
    return it.load_tokenizer("minilm")


def test_counts_are_the_tokenizers(vocabulary):
    texts = ["He has myocarditis.", "The dividend was cut by 8.4% in 2024.", "中国 银行", "😀"]
    found = it.count_tokens(vocabulary, texts)
    encoded = [vocabulary.tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert found.tokens.tolist() == [len(one.ids) for one in encoded]
    unknown = vocabulary.tokenizer.token_to_id("[UNK]")
    assert found.unknown.tolist() == [one.ids.count(unknown) for one in encoded]
    assert found.characters.tolist() == [17, 30, 4, 1]
    assert found.per_character == pytest.approx(found.tokens.sum() / 52)
    assert found.unknown_share == pytest.approx(found.unknown.sum() / found.tokens.sum())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He has myocarditis.", ["He", "has", "myocarditis"]),
        ("It isn't state-of-the-art", ["It", "isn't", "state-of-the-art"]),
        ("8.4% of 1,250,000 on 2024/06/30", ["8.4%", "of", "1,250,000", "on", "2024/06/30"]),
        # Chinese words are jieba's; what stands between letters is no part of them.
        ("我们用BERT做了分类", ["我们", "用", "BERT", "做", "了", "分类"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("!?", []),
    ],
)
def test_words_are_what_people_read(text, words):
    # A vocabulary that breaks every word of several characters, and knows none.
    found = it.count_tokens(_letters(), [text], most_broken=100)
    assert found.words.tolist() == [len(words)]
    assert sorted({one.word for one in found.broken}) == sorted({one for one in words if len(one) > 1})


def _letters():
    from tokenizers import Tokenizer, models, pre_tokenizers

    from interpret.core.tokenizer_loading import Vocabulary
    from interpret.core.vocabulary import SpecialTokens

    # Every character is a token of its own.
    characters = [chr(i) for i in (*range(32, 0x250), *range(0x900, 0x980), *range(0x4E00, 0xA000))]
    tokenizer = Tokenizer(models.WordLevel({one: i for i, one in enumerate([*characters, "?"])}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return Vocabulary(tokenizer, SpecialTokens(None, None, None, None, None), False, None)


def test_broken_words_come_with_what_they_cost(vocabulary):
    found = it.count_tokens(vocabulary, ["myocarditis and myocarditis", "a thrombocytopenia", "the 银"])
    assert [(one.word, one.count, len(one.tokens)) for one in found.broken[:2]] == [
        ("myocarditis", 2, 4),
        ("thrombocytopenia", 1, 6),
    ]
    assert found.broken[0].tokens == ("my", "##oca", "##rdi", "##tis")
    lost = found.broken[-1]
    assert (lost.word, lost.tokens, lost.unknown) == ("银", ("[UNK]",), 1)
    # Three words of seven are not one known token.
    assert (found.words.sum(), found.whole.sum()) == (7, 3)
    assert it.count_tokens(vocabulary, ["myocarditis"], most_broken=0).broken == ()


def test_a_model_counts_as_its_tokenizer_does(vocabulary, minilm):
    texts = ["She was unbelievably tired.", "The bank."]
    one, other = it.count_tokens(vocabulary, texts), it.count_tokens(minilm, texts)
    assert np.array_equal(one.tokens, other.tokens)
    assert one.broken == other.broken


def test_intervals_are_over_texts(vocabulary):
    found = it.count_tokens(vocabulary, ["the bank lent money"] * 20)
    # All alike: nothing varies.
    assert found.per_character_interval == pytest.approx((4 / 16, 4 / 16))
    mixed = it.count_tokens(vocabulary, ["the bank", "thrombocytopenia", "a river", "myocarditis", "银 行", "rich"])
    for value, (low, high) in (
        (mixed.per_character, mixed.per_character_interval),
        (mixed.whole_share, mixed.whole_interval),
        (mixed.unknown_share, mixed.unknown_interval),
    ):
        assert low < value < high
    # Four texts are no sample; and of no word there is no share.
    few = it.count_tokens(vocabulary, ["the bank", "myocarditis", "a river", "rich"])
    assert np.isnan([few.whole_interval, few.per_character_interval, few.unknown_interval]).all()
    assert np.isnan(it.count_tokens(vocabulary, ["!!!"]).whole_share)


def test_what_cannot_be_counted_is_refused_and_work_can_be_stopped(vocabulary):
    with pytest.raises(it.InputError, match="no texts to count"):
        it.count_tokens(vocabulary, [])
    with pytest.raises(it.InputError, match=r"Text 2 \(“ ”\) cannot be read"):
        it.count_tokens(vocabulary, ["the bank", " "])

    def stop(done, total, stage):
        assert (done, total, stage) == (1, 2, "tokens")
        raise it.Cancelled

    with pytest.raises(it.Cancelled):
        it.count_tokens(vocabulary, ["the bank", "the river"], progress=stop)
