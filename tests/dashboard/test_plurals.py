"""A sentence with a number says “1 row” and “2 rows”, in each language."""

import ast
import re

import numpy as np
import pytest

from dashboard import ROOT
from dashboard.language import explain, speaking
from interpret import InterpretError
from interpret.core.table_limits import check_size
from interpret.embeddings.vectors import check_finite

# What takes one sentence, and so cannot choose between two.
SINGLE = {"_", "sentence", "InputError", "CheckpointError", "CapacityError", "InterpretError"}

NOUNS = (
    "books|boxes|cells|changes|characters|classes|clusters|columns|depths|differences|dimensions|directions|"
    "documents|draws|epochs|examples|families|features|files|folds|folders|forms|GPUs|groups|halves|heads|"
    "highlights|items|keys|labels|layers|levels|lines|links|masks|models|neighbours|nodes|numbers|orders|outputs|"
    "pairs|parameters|parts|passages|passes|points|positions|queries|rankings|relations|rows|runs|samples|seeds|"
    "sentences|sets|shuffles|snapshots|spans|states|steps|tags|tensors|texts|times|tokens|topics|types|units|"
    "values|variants|vectors|views|windows|words"
)
COUNTED = re.compile(
    # “3 rows”, “3 different held-out rows”; “percentage points” and “rows/s” have decimals, “3 of its rows” may be 1.
    r"\{(\w+)\}(?: (?!(?:percentage|of|in|on|to|with|for|over|under|and|or|are|is|against|from|the)\b)[\w’'-]+){0,3}? "
    rf"(?:{NOUNS})\b(?!/)"
    # “3 of 9 rows are read”: the verb goes with the first.
    rf"|\{{(\w+)\}} of \{{\w+\}} (?:[\w’'-]+ )*?(?:{NOUNS}) (?:also )?(?:are|were|have|do|occur)\b"
    r"|\{(\w+)\}(?: of (?:\{\w+\}|them|these))? (?:are|were|have|do)\b"
    r"|\bthere (?:are|were) (?:only )?\{(\w+)\}"
)

# Sentences, by how they begin, whose numbers can never be 1, and why. What is a constant of the code, or is written
# with decimals, is known without.
NEVER_ONE = {
    "no number": (
        "Choose a model, or type any",
        "All links ≥ {least} are shown",
        "{family} counts positions",
        "The vectors of layer {layer} were",
    ),
    "a mean, with decimals": (
        "{count} tokens per known word",
        "{count} tokens per word",
        "**{model} expects these words better**",
    ),
    "more than a limit, or than another number": (
        "Showing the {drawn} strongest",
        "Showing the first {count}",
        "Showing the {shown} of {tokens} keys",
        "For {count} steps, each curve",
        "For {tokens} tokens, BertViz",
        "Compute max-flow for",
        "The passage is too long: it takes",
        "The passage is too long: it takes",
        "Line {line} of “{name}”, split at",
        "The text has {length} tokens",
        "The tokenizer of “{name}” uses {kinds}",
        "“{name}” has {got} columns",
        "A column of “{name}” has a name of",
        "Row {row} of “{name}” holds a text",
        "A text has {got} characters",
        "“{name}” has {got} lines",
        "Most rows of “{name}” have far fewer cells",
        "The column “{label}” has {count} different",
        "The labels of {rows} texts are {count} different",
        "The {rows} texts have {count} different",
        "The words have {count} different tags",
        "{count} of {given} pairs have the same second",
        "{count} layers are too many",
        "**{shown} of {items} points shown**",
        "**For this text {second} takes",
        "of {total} rows in the file",
        # Steps of weights, of which a file has room for hundreds.
        "Made with Bertoscope. The file works offline. Attention weights",
        "Texts longer than the {most} tokens",
    ),
    "100 and more to choose from, of more than these": (
        "{count} of {total} rows are read",
        "{count} of {total} sentences are read",
    ),
    "two or more are averaged, or read on": ("Average of {count} heads", "Whole collections and files"),
    "refused where it is 1": (
        "Line {line} of “{name}” has {got} columns",
        "Each layer of “{name}” runs",
    ),
    "maps, measures and probes of a single point are refused": (
        "Map of {count} points",
        "All {points} vectors are identical",
        "A perplexity of {value}",
        "measured on all {points}",
        "measured on {queries} of {points}",
        "Share of the {count} nearest points",
        "How well the distances on the map",
        "{points} points allow",
        "{value} neighbours",
        "Measured on {items} of {total}",
        "silhouette {value}",
        "With the layer chosen",
    ),
    "trainings and lenses of a single text are refused": (
        "Training set: {count}",
        "{count} classes",
        "Similarity of the vectors of {count}",
        "{count} held-out texts, before",
        "**Vectors** of {count}",
        "Fitted on {states} states",
        "With all heads: accuracy",
        "The model has no classifier that predicts",
    ),
    "next sentences of a single pair are refused": (
        "It does better than chance on both",
        "It recognises which sentences",
        "It recognises the order; these",
        "These {count} pairs",
    ),
    "vectors of one number are no model's": (
        "What “{token}” is looking for",
        "What makes sentence vectors in",
        "Dot products of {width}",
        "There is no unit {unit}",
        "Near each point",
        "Compare a {name} with",
    ),
    "models have several heads, and depths": (
        "Ablated: {off} of {all}",
        "Ablating a single head",
        "Predicted and measured importance",
    ),
    "made many times": (
        "random, range over {count} orders",
        "One text is worth",
        "{count} random rankings",
        "With a good ranking",
        "{count} passes",
        "In each model, all parts",
        "Delete words and measure",
        "Infidelity, max-sensitivity",
        "Rows are words of the explained text",
        "Compute layer attributions",
        "With these texts shuffled",
        "Top {count} tokens",
    ),
    "of what ships with Bertoscope": (
        "For demonstration only: a linear head",
        "Most faithful first",
        "**How faithful are they?**",
        "{count} short texts written",
        "**A small model, whose heads",
        "**A small head, trained",
        "{count} tokens",
        "{count} pairs",
        "{count} passages",
        "{count} documents",
        "{count} sentences",
    ),
}


def called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def known(value):
    """Whether a value is a constant of the code, or written with decimals, as a share is."""
    if isinstance(value, ast.JoinedStr) and len(value.values) == 1 and isinstance(value.values[0], ast.FormattedValue):
        form = value.values[0].format_spec
        return (form is not None and re.search(r"\.[1-9]|%", ast.unparse(form)) is not None) or known(
            value.values[0].value
        )
    if isinstance(value, ast.Constant):
        return value.value != 1
    return getattr(value, "id", getattr(value, "attr", "")).isupper()


def uncounted(source):
    """Yield each sentence of a file with a number that has one form."""
    tree = ast.parse(source)
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    formatted = {
        one.func.value: one for one in calls if called(one) == "format" and isinstance(one.func, ast.Attribute)
    }
    for call in calls:
        if called(call) in SINGLE and call.args and isinstance(call.args[0], ast.Constant):
            message = call.args[0].value
            values = {one.arg: one.value for one in formatted.get(call, call).keywords}
            numbers = {name for found in COUNTED.findall(message) for name in found if name}
            if any(name not in values or not known(values[name]) for name in numbers):
                yield message


def test_what_has_one_form_has_a_number_that_is_never_1():
    found = [
        (f"{path.relative_to(ROOT)}", message)
        for folder in ("dashboard", "interpret", "pages")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for message in uncounted(path.read_text("utf-8"))
    ]
    starts = [start for group in NEVER_ONE.values() for start in group]
    assert [one for one in found if not one[1].startswith(tuple(starts))] == [], "use _n or InputError.counted"
    assert [start for start in starts if not any(message.startswith(start) for _file, message in found)] == [], "stale"


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ('InputError("The file has {count} rows.", count=len(rows))', True),
        ('InputError("Only {count} held-out rows.", count=f"{len(rows):,}")', True),
        ('CheckpointError("It has {kinds} token types.", kinds=kinds)', True),
        ('_("{count} of {total} rows are read.").format(count=some, total=MOST)', True),
        ('sentence("{count} of them are long")', True),
        ('InputError("At least two are needed, but there are {count}.", count=count)', True),
        ('InputError("At most {most} rows are read.", most=MOST_ROWS)', False),
        ('_("{share} unknown tokens").format(share=f"{share:.1%}")', False),
        ('InputError("Rows: {count}; at least {least} are needed.", count=count, least=least)', True),
        ('InputError("Rows: {count}; needed: {least}.", count=count, least=least)', False),
        ('InputError.counted("The file has {count} row.", "The file has {count} rows.", n, count=n)', False),
    ],
)
def test_a_number_with_one_form_is_seen(code, seen):
    assert bool(list(uncounted(code))) == seen


def raised(call, *given):
    with pytest.raises(InterpretError) as caught:
        call(*given)
    return caught.value


@pytest.mark.parametrize(
    ("bad", "english", "chinese"),
    [
        (1, "1 vector contains NaN", "1 个向量"),
        (2, "2 vectors contain NaN", "2 个向量"),
    ],
)
def test_an_error_of_the_library_is_said_in_the_readers_language(bad, english, chinese):
    vectors = np.ones((4, 3), np.float32)
    vectors[:bad] = np.nan
    error = raised(check_finite, vectors)
    assert str(error).startswith(english)
    assert explain(error).startswith(english)
    with speaking("zh_CN"):
        assert explain(error).startswith(chinese)


def test_of_two_numbers_the_one_that_may_be_1_is_counted():
    assert "rows of 1 column; at most" in str(raised(check_size, "a.csv", 10**9, 1, 0))
    assert "rows of 2 columns; at most" in str(raised(check_size, "a.csv", 10**9, 2, 0))
