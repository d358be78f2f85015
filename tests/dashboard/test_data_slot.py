"""The files that people bring: whose they are, which is in use, what was chosen about them, and when they go."""

import pytest

from dashboard.data_slot import MOST_FILES, Slot, SlotFile
from interpret import InputError

ROWS = b"text,label\nthe bank,a\nthe river,b\n"
BIG5 = "text,label\n這家餐廳的服務非常好,正面\n我再也不會買這個產品了,負面\n".encode("big5")


def names(slot, who):
    return [one.name for one in slot.files(who)]


def test_a_file_is_its_owners_alone():
    slot = Slot()
    slot.take("mine", SlotFile("a.csv", ROWS))
    assert names(slot, "mine") == ["a.csv"]
    assert slot.files("yours") == ()


def test_the_last_one_taken_is_in_use_and_a_test_set_stands_behind_it():
    slot = Slot()
    for name in ("a.csv", "b.csv"):
        slot.take("me", SlotFile(name, ROWS))
    slot.take("me", SlotFile("test.csv", ROWS), first=False)
    assert names(slot, "me") == ["b.csv", "test.csv", "a.csv"]
    slot.take("me", SlotFile("a.csv", ROWS))
    assert names(slot, "me") == ["a.csv", "b.csv", "test.csv"]
    slot.take("new", SlotFile("test.csv", ROWS), first=False)
    assert names(slot, "new") == ["test.csv"]


def test_the_same_file_again_keeps_what_was_chosen_about_it():
    slot = Slot()
    file = SlotFile("a.csv", ROWS, chosen_roles=(("label", 0),))
    slot.take("me", file)
    slot.take("me", SlotFile("a.csv", ROWS))
    assert slot.files("me") == (file,)
    # Of the same name, but another file.
    slot.take("me", SlotFile("a.csv", ROWS + b"more,a\n"))
    assert [one.chosen_roles for one in slot.files("me")] == [(), (("label", 0),)]


def test_of_many_files_those_used_last_stay():
    slot = Slot()
    for number in range(MOST_FILES + 3):
        slot.take("me", SlotFile(f"{number}.csv", ROWS))
    assert len(slot.files("me")) == MOST_FILES
    assert names(slot, "me")[0] == f"{MOST_FILES + 2}.csv"


def test_the_bytes_of_all_are_bounded_and_who_was_not_here_for_longest_gives_way():
    slot = Slot(most=100)
    for who in ("first", "second", "third"):
        slot.take(who, SlotFile("a.txt", b"x" * 40))
        slot.files("first")
    assert [len(slot.files(who)) for who in ("first", "second", "third")] == [1, 0, 1]
    slot.take("first", SlotFile("b.txt", b"y" * 90))
    assert (names(slot, "first"), names(slot, "third")) == (["b.txt"], [])
    with pytest.raises(InputError, match=r"no room for “c\.txt”"):
        slot.take("first", SlotFile("c.txt", b"z" * 101))
    assert names(slot, "first") == ["b.txt"]


def test_what_nobody_looks_at_is_forgotten(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("dashboard.data_slot.time.monotonic", lambda: now[0])
    slot = Slot(hours=1)
    slot.take("me", SlotFile("a.csv", ROWS))
    now[0] = 3599
    assert names(slot, "me") == ["a.csv"]
    now[0] += 3599
    assert names(slot, "me") == ["a.csv"]
    now[0] += 3601
    assert names(slot, "me") == []


def test_a_file_of_a_chosen_encoding_is_read_the_same_everywhere():
    file = SlotFile("a.csv", BIG5, encoding="cp950")
    assert file.table.rows[0] == ("這家餐廳的服務非常好", "正面")
    assert file.content.decode("utf-8") == BIG5.decode("big5")
    assert SlotFile("a.csv", BIG5).content == BIG5
    assert len({file.about, file.key, SlotFile("a.csv", BIG5, encoding="cp932").about}) == 3


def test_a_large_file_is_read_through_for_its_key_once(monkeypatch):
    file = SlotFile("a.csv", ROWS)
    other = SlotFile("b.csv", ROWS)
    assert len({file.key, other.key, SlotFile("a.csv", ROWS + b"more,a\n").key}) == 3
    assert SlotFile("a.csv", ROWS).key == file.key
    monkeypatch.setattr("hashlib.blake2b", lambda *_args, **_more: pytest.fail("the file was read through again"))
    slot = Slot()
    for _ in range(2):
        slot.take("me", file)
        assert (slot.files("me")[0].table.rows, file.roles.label, file.card.rows) == (file.table.rows, 1, 2)
        file.check()
        assert file.content == ROWS


def test_what_somebody_says_of_columns_goes():
    file = SlotFile("a.csv", b"one,two,three\n" + b"the bank lent money,a,x\nthe river rose,b,y\n" * 4)
    assert (file.roles.text, file.roles.label, file.roles.doubtful["label"]) == (0, None, (1, 2))
    chosen = SlotFile(file.name, file.uploaded, chosen_roles=(("label", 1), ("label", 2), ("id", 1)))
    assert (chosen.roles.label, chosen.roles.id) == (2, 1)
    assert list(chosen.card.classes) == ["x", "y"]
    with pytest.raises(InputError, match="is opened on line"):
        SlotFile("a.csv", b'text,label\n"open,a\n').check()
    # Whether it is a file of words with tags shows where it is read.
    SlotFile("a.conll", b"\0").check()
