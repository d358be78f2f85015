"""Numbers, ranges, times and lists are written in one form on all pages, and in the reader's language."""

import re

import numpy as np
import pytest

from dashboard import ROOT
from dashboard.language import speaking
from dashboard.numbers import between, clauses, duration, interval, listed, number, sentences
from interpret.core.units import learning_rate

# What only `dashboard.numbers` writes: ranges, minus signs, and a per cent sign apart from its number.
ELSEWHERE = re.compile(r"\} ?– ?\{|\"−\"\)|[df] %%|\} %")


def test_a_minus_is_as_wide_as_a_plus():
    assert number(-0.8216) == "−0.822"
    assert number(0.5, "+.2f") == "+0.50"
    assert number(-38.04, ".2f") == "−38.04"


def test_a_range_is_written_in_words_in_each_language():
    assert interval((0.799, 0.983)) == "79.9% to 98.3%"
    assert between(np.array([-0.5, 0.25]), ".2f") == "95%: −0.50 to 0.25"
    with speaking("zh_CN"):
        assert interval((0.799, 0.983)) == "79.9% 至 98.3%"
        assert between((-0.5, 0.25), ".2f") == "95%：−0.50 至 0.25"


def test_an_interval_that_is_not_known_is_said_so():
    assert interval((np.nan, np.nan)) == "–"
    assert between((np.nan, np.nan)) == "95%: not known"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.06, "0.1 s", "0.1 秒"),
        (17.6, "18 s", "18 秒"),
        (90, "90 s", "90 秒"),
        (150, "2.5 min", "2.5 分钟"),
        (3000, "50 min", "50 分钟"),
        (9000, "2.5 h", "2.5 小时"),
    ],
)
def test_a_time_has_its_unit_in_the_readers_language(seconds, english, chinese):
    assert duration(seconds) == english
    with speaking("zh_CN"):
        assert duration(seconds) == chinese


def test_what_is_joined_has_the_signs_of_the_readers_language():
    for language, names, parts, line in (
        ("en", "a, b, c", "a, b", "One. Two."),
        ("zh_CN", "a、b、c", "a，b", "One.Two."),
    ):
        with speaking(language):
            assert listed(iter("abc")) == names
            assert clauses(["a", "b"]) == parts
            assert sentences("One.", "", "Two.") == line
    assert listed([]) == sentences() == ""
    # A brace of a name is no field.
    assert listed(["{a}", "{0}"]) == "{a}, {0}"


@pytest.mark.parametrize(
    ("rate", "written"), [(2e-4, "2e-4"), (1.9e-5, "1.9e-5"), (2e-5 * 0.95**3, "1.71e-5"), (1.0, "1e0"), (0.05, "5e-2")]
)
def test_a_learning_rate_is_written_as_papers_do(rate, written):
    assert learning_rate(rate) == written


def test_no_page_writes_them_in_another_form():
    own = ROOT / "dashboard/numbers.py"
    found = [
        f"{file.relative_to(ROOT)}:{place}: {line.strip()}"
        for folder in ("dashboard", "pages")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file != own
        for place, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("line", ['f"{low:.1%} – {high:.1%}"', 'f"{x:.3f}".replace("-", "−")', 'format="%d %%"'])
def test_another_form_is_seen(line):
    assert ELSEWHERE.search(line)
