"""Files from before UTF-8, as spreadsheets in many countries still write them."""

import random

import pytest

from interpret import InputError
from interpret.core.encodings import ENCODINGS, GUESSED, guessed_encodings
from interpret.core.files import decode, read_table

# Written for this test: what people write in a column of a spreadsheet.
ROWS = {
    "gb18030": [
        "这家餐厅的服务非常好",
        "我再也不会买这个产品了",
        "客服态度很差，等了一个小时",
        "银行账户被冻结",
        "电影很好看",
    ],
    "cp950": [
        "這家餐廳的服務非常好",
        "我再也不會買這個產品了",
        "客服人員態度很差，等了一個小時",
        "銀行帳戶被凍結",
        "電影很好看",
    ],
    "cp932": [
        "この映画はとても面白かった",
        "二度と買いません",
        "サービスが悪かったです",
        "銀行口座が凍結された",
        "携帯電話が壊れた",
    ],
    "euc_jp": [
        "この映画はとても面白かった",
        "二度と買いません",
        "サービスが悪かったです",
        "銀行口座が凍結された",
        "携帯電話が壊れた",
    ],
    "cp949": [
        "이 영화는 정말 재미있었습니다",
        "다시는 사지 않겠습니다",
        "서비스가 나빴어요",
        "은행 계좌가 동결되었습니다",
        "최고입니다",
    ],
    "cp1252": [
        "Die Bank erhöhte die Gebühren",
        "C’était génial à l’hôtel",
        "El niño comió mañana",
        "It costs 5 € – really",
        "Åsa åkte till Malmö",
    ],
    "cp1250": [
        "To był świetny film",
        "Banka zablokovala můj účet",
        "A bank zárolta a számlámat és nem tudom miért",
        "Świetna obsługa",
        "Příliš žluťoučký kůň",
    ],
    "cp1251": [
        "Это очень хороший фильм",
        "Больше никогда не куплю",
        "Банк заблокировал мой счёт",
        "Всё отлично",
        "Плохое обслуживание",
    ],
    "koi8_r": [
        "Это очень хороший фильм",
        "Больше никогда не куплю",
        "Банк заблокировал мой счёт",
        "Всё отлично",
        "Плохое обслуживание",
    ],
}


ENGLISH = [
    "The card was declined again.",
    "I like the new branch very much.",
    "Nobody answered; a fee was charged twice.",
]


def file_of(rows, encoding):
    return ("text,label\n" + "".join(f"{row},{'ab'[i % 2]}\n" for i, row in enumerate(rows))).encode(encoding)


@pytest.mark.parametrize("count", [4, 12, 60])
@pytest.mark.parametrize("encoding", GUESSED)
def test_a_file_of_before_utf8_is_read_as_what_it_is(encoding, count):
    for seed in range(20):
        rows = random.Random(seed).choices(ROWS[encoding], k=count)
        table = read_table(file_of(rows, encoding), "a.csv")
        assert (table.encoding, [row[0] for row in table.rows]) == (encoding, rows)


@pytest.mark.parametrize(
    "text",
    [
        "Müller",
        "don’t",
        "£20 fee",
        "patient’s temperature 38 °C",
        "naïve approach to the résumé",
        "“quoted” text",
        "ÄÖÜ",
    ],
)
def test_one_western_row_is_not_taken_for_another_alphabet(text):
    content = f"text,label\n{text},pos\n".encode("cp1252")
    assert decode(content, "a.csv") == (content.decode("cp1252"), "cp1252")


@pytest.mark.parametrize("encoding", ["gb18030", "cp950", "cp949"])
def test_one_row_of_chinese_or_korean_is_enough(encoding):
    for row in ROWS[encoding]:
        assert decode(file_of([row], encoding), "a.csv")[1] == encoding


@pytest.mark.parametrize("count", [6, 60])
@pytest.mark.parametrize(
    ("encoding", "labels"),
    [
        ("gb18030", ["正面", "负面"]),
        ("gb18030", ["好", "坏"]),
        ("cp950", ["正面", "負面"]),
        ("cp932", ["肯定", "否定"]),
        ("cp932", ["ポジティブ", "ネガティブ"]),
        ("cp949", ["긍정", "부정"]),
        ("cp1251", ["хорошо", "плохо"]),
        ("cp1250", ["Łódź", "Kraków"]),
        ("cp1252", ["größer", "schön"]),
        ("cp1252", ["café", "naïve"]),
        ("cp1252", ["“yes”", "“no”"]),
        ("cp1252", ["José", "Zoë"]),
        ("cp1252", ["£5", "€7"]),
    ],
)
def test_labels_in_another_alphabet_tell_among_english_texts(encoding, labels, count):
    rows = [f"{ENGLISH[i % 3]},{labels[i % 2]}" for i in range(count)]
    headed = [f"text,{labels[0]}", *(f"{ENGLISH[i % 3]},a" for i in range(count))]
    # A single character of a header is too little to tell by.
    for lines in (["text,label", *rows], *([headed] if len(labels[0]) > 1 else [])):
        content = "\n".join(lines)
        assert decode(content.encode(encoding), "a.csv")[0] == content


def test_every_guess_reads_the_bytes_or_leaves_them_to_the_next():
    assert set(GUESSED) <= set(ENCODINGS)
    content = file_of(ROWS["cp1252"], "cp1252")
    assert guessed_encodings(content)[0] == "cp1252"
    assert guessed_encodings(b"\x81\x20")[-2:] == ["cp1252", "gb18030"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_chosen_by_hand_is_the_only_one_tried(encoding):
    text = "text,label\nplain words,a\n"
    assert decode(text.encode(encoding), "a.csv", encoding) == (text, encoding)


def test_a_wrong_choice_shows_what_it_makes_of_the_bytes():
    content = file_of(ROWS["cp950"], "cp950")
    assert decode(content, "a.csv", "cp950")[0] == content.decode("cp950")
    as_utf8 = read_table(content, "a.csv", "utf-8")
    assert (as_utf8.encoding, as_utf8.damaged > 0) == ("utf-8", True)
    assert decode(b"\xef\xbb\xbfa,b\n", "a.csv", "utf-8") == ("a,b\n", "utf-8")


def test_what_is_no_encoding_or_no_text_in_it_is_one_sentence():
    with pytest.raises(InputError, match=r"“latin-0” is not supported\. Choose one of: utf-8, utf-16, gb18030"):
        decode(b"a", "a.csv", "latin-0")
    with pytest.raises(InputError, match=r"“a\.csv” is not text in Windows-1252\. Choose another"):
        decode(bytes(range(1, 30)) * 20, "a.csv", "cp1252")
    with pytest.raises(InputError, match="is empty"):
        decode(b"\xff\xfe \0", "a.csv", "utf-16")
