"""The catalogue is complete, and nothing in it is stale."""

import ast
import re
import string

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from dashboard import ROOT
from dashboard.language import CATALOGUES, _, _n, explain, follow, languages, literal, nearest_language, speaking
from interpret import InputError

KEYWORDS = {
    "_": None,
    "_n": (1, 2),
    "sentence": None,
    "InputError": None,
    "CheckpointError": None,
    "CapacityError": None,
    "counted": (1, 2),
}


@pytest.fixture
def chinese():
    follow(lambda: "zh_CN")
    yield
    follow(lambda: "en")


def sentences():
    found = set()
    for folder in ("dashboard", "interpret", "pages"):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, [("**.py", "python")], keywords=KEYWORDS
        ):
            found.add(message)
    return found


def catalogue(code):
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        messages = read_po(file)
    return {one.id if isinstance(one.id, str) else tuple(one.id): one for one in messages if one.id}


def forms(text):
    return (text,) if isinstance(text, str) else tuple(text)


def names(sentence):
    return sorted(name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name)


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_every_sentence_is_in_the_catalogue_and_nothing_else_is(code):
    messages = catalogue(code)
    assert len(sentences()) > 100  # the extraction itself works
    assert sentences() - set(messages) == set(), "missing: run `make catalogue` and translate"
    assert set(messages) - sentences() == set(), "stale: run `make catalogue`"
    assert [one.id for one in messages.values() if not all(forms(one.string)) or one.fuzzy] == []


def test_no_sentence_hides_in_an_f_string():
    # Before Python 3.12 the extraction does not look into them.
    hidden = [
        f"{path.name}:{call.lineno}"
        for folder in ("dashboard", "interpret", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", None)) in KEYWORDS
    ]
    assert hidden == []


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_translations_keep_the_names_of_values(code):
    for message in catalogue(code).values():
        # Of a sentence with several forms, that of many: the others may leave the number out.
        english = forms(message.id)[-1]
        for other in forms(message.string):
            if "%{" in english:  # Plotly's own way of naming values
                assert sorted(re.findall(r"%\{[^}]*\}", english)) == sorted(re.findall(r"%\{[^}]*\}", other))
            else:
                assert names(english) == names(other), english


def test_the_forms_of_one_sentence_name_the_same_values():
    for one, many in (message for message in sentences() if isinstance(message, tuple)):
        assert set(names(one)) <= set(names(many)), many
        assert one != many


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_a_number_has_its_form(count, chinese):
    assert (
        _n("{count} head tried", "{count} heads tried", count) == f"{{count}} {'head' if count == 1 else 'heads'} tried"
    )
    one, many = min(message for message in sentences() if isinstance(message, tuple))
    with speaking("en"):
        assert _n(one, many, count) == (one if count == 1 else many)
    # Chinese has one form for all.
    assert _n(one, many, count) == catalogue("zh_CN")[one, many].string[0]


def test_chinese_is_chinese(chinese):
    assert _("Layer {layer}, head {head}").format(layer=3, head=5) == "第 3 层，第 5 头"
    assert _("no such sentence") == "no such sentence"


def test_errors_are_explained_in_the_readers_language_with_braces_in_their_values(chinese):
    error = InputError("The file “{name}” is empty. Choose one with text in it.", name="{0}{evil}.txt")
    assert explain(error) == r"文件“\{0\}\{evil\}\.txt”是空的。请选择有文字的文件。"
    assert str(error).startswith("The file “{0}{evil}.txt” is empty")


def test_a_language_can_be_spoken_where_there_is_no_session():
    with speaking("zh_CN"):
        assert _("Law") == "法律"
    assert _("Law") == "Law"


def test_text_from_people_is_no_markdown():
    text = "![x](https://evil.example/p.png) $x^2$ :red[r] <b> `c` **b** https://a.b\n# h"
    shown = literal(text)
    # What nobody sees keeps an address from being a link.
    assert re.sub(r"\\([^\w\s])", r"\1", shown).replace("\N{WORD JOINER}", "") == " ".join(text.split())
    # Not one mark that Markdown, or Streamlit's own additions to it, would act on is left without its backslash.
    assert not re.search(r"(?<!\\)[!\[\](){}$:<>`*_#~.|]", shown)
    assert literal("银行 bank 3") == "银行 bank 3"


@pytest.mark.parametrize(
    "text",
    [
        *("http://a.b/c", "HTTPS://A.B", "(https://a.b)", "www.a.b", "WWW.a.b", "a@b.c", "a.b+c@b-d.e"),
        *(":smile:", "12:30:45", ":+1:", ":streamlit:", ":material_home:"),
        *("a -> b", "<- a", "a <->", "a -- b", "a >= b", "a <= b", "a ~= b"),
    ],
)
def test_what_a_browser_looks_for_after_markdown_is_read_is_broken(text):
    """Patterns as remark-gfm, remark-emoji and Streamlit's own have them, on what is left when backslashes are gone."""
    afterwards = (
        r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)|([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)|:\+1:|:-1:|:[\w-]+:|"
        r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)"
    )
    assert re.search(afterwards, text, re.IGNORECASE)
    seen = re.sub(r"\\(.)", r"\1", literal(text))
    assert not re.search(afterwards, seen, re.IGNORECASE)
    assert seen.replace("\u2060", "") == text


@pytest.mark.parametrize(
    ("written", "found"),
    [("zh_CN", "zh_CN"), ("zh", "zh_CN"), ("zh-Hans", "zh_CN"), ("ZH-cn", "zh_CN"), ("en-GB", "en"), ("", None)],
)
def test_a_language_is_found_as_people_write_it(written, found):
    assert nearest_language(written) == found


@pytest.mark.parametrize("code", languages())
def test_a_language_has_a_name_for_itself(code):
    assert re.fullmatch(r"[\w() ]{2,40}", languages()[code])


def test_what_is_bold_in_chinese_is_bold_for_markdown():
    """Behind a Chinese full stop or colon, and before a letter, two asterisks end nothing (CommonMark, section 6.2)."""

    def unended(text):
        parts = text.split("**")
        return [
            bold
            for bold, after in zip(parts[1::2], parts[2::2], strict=False)
            if re.search(r"[，。：；！？、（）“”]$", bold) and re.match(r"[^\s，。：；！？、（）“”]", after)
        ]

    assert unended("**好。**在") == ["好。"]
    assert unended("**好**。在**那里**， **好。** 在") == []
    assert [text for one in catalogue("zh_CN").values() for text in forms(one.string) if unended(text)] == []


def test_chinese_cites_in_one_style():
    """As the pages of `docs/zh-CN` do: （Clark 等，2019）, （Venna 与 Kaski，2001）."""
    said = "\n".join(text for one in catalogue("zh_CN").values() for text in forms(one.string))
    assert re.findall(r"\w+ et al\.|[A-Z]\w+ & [A-Z]\w+|\w+ 等 ?\d{4}|[A-Z][a-z]+ 与 [A-Z][a-z]+ ?\d{4}", said) == []
    assert re.search(r"[A-Z]\w+ 等，\d{4}", said)
