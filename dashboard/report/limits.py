"""What a report does not say, in plain words: what always holds, and what comes of these numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dashboard.language import _, _n
from dashboard.report.markup import Html, Numbers, element, fill
from dashboard.report.overview import on_rows


def limits(numbers: Numbers) -> Html:
    """Return both lists."""
    found = [element("li", _of(numbers, index)) for index in range(len(numbers.document["limits"]))]
    here = [element("h3", _("Of this report")), element("ul", *found)] if found else []
    return Html(
        "".join(
            [*here, element("h3", _("Of any such report")), element("ul", *(element("li", one) for one in _always()))]
        )
    )


def _always() -> list[str]:
    return [
        _(
            "Scores describe what this model does with this text. They do not show that a word is a cause of anything "
            "in the world, that the prediction is right, or that the label is."
        ),
        _(
            "An explanation that looks plausible may be wrong, and one that looks odd may describe the model well: "
            "only the comparison with chance says whether the words on top matter more than others."
        ),
        _(
            "A score belongs to a word in its sentence. The same word may count otherwise elsewhere, and words that "
            "act only together have their joint effect divided among them."
        ),
        _(
            "Removing words leaves texts that nobody writes. The model may react to that, and not to the loss: this "
            "concerns counterfactuals and faithfulness."
        ),
        _(
            "Other methods and baselines give other scores. Which ones were used is stated above; a conclusion that "
            "hangs on one of them is weak."
        ),
        _(
            "Every accuracy and calibration here is of these rows. Of other sources, times, languages or groups of "
            "people it says nothing; no fairness between groups was examined."
        ),
        _(
            "A 95% interval allows for chance in which rows these are, and for nothing else: wrong labels, or rows "
            "chosen with a purpose, are not in it."
        ),
        _("A report documents a decision for people to review. It is no approval of the model for any use."),
    ]


def _of(numbers: Numbers, index: int) -> Html:
    one, at = numbers.document["limits"][index], f"/limits/{index}"
    sentence = _SENTENCES[one["name"]]
    values: dict[str, object] = {"count": numbers(f"{at}/rows")}
    if "of" in one:
        values["of"] = numbers(f"{at}/of")
    if "tolerance" in one:
        values["tolerance"] = numbers.share(f"{at}/tolerance")
    if "least" in one:
        values["least"] = numbers(f"{at}/least")
    if "basis" in one:
        values["rows"] = on_rows(one["basis"], one["rows"])
    return fill(sentence(one["rows"]), **values)


_SENTENCES: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {
        "baseline": lambda count: _(
            "On {count} {rows} the classifier is not shown to do better than always answering the commonest class."
        ),
        "few rows": lambda count: _(
            "{count} {rows}: too few to tell whether the classifier does better than always answering the commonest "
            "class."
        ),
        "learned from": lambda count: _n(
            "{count} row was learned from: what the classifier says of it is memory too.",
            "{count} rows were learned from: what the classifier says of them is memory too.",
            count,
        ),
        "out-of-fold": lambda count: _n(
            "{count} row was also fitted on. Its out-of-fold prediction counts for accuracy and calibration; the words "
            "explain the classifier that was fitted on all rows, which may predict otherwise.",
            "{count} rows were also fitted on. Their out-of-fold predictions count for accuracy and calibration; the "
            "words explain the classifier that was fitted on all rows, which may predict otherwise.",
            count,
        ),
        "not known": lambda count: _n(
            "Whether {count} row was used to train the model is not known: accuracy and calibration may be optimistic.",
            "Whether {count} rows were used to train the model is not known: accuracy and calibration may be "
            "optimistic.",
            count,
        ),
        "epoch": lambda count: _n(
            "{count} row also chose the epoch that was kept: its accuracy is optimistic.",
            "{count} rows also chose the epoch that was kept: their accuracy is optimistic.",
            count,
        ),
        "no labels": lambda count: _n(
            "{count} row has no label: whether its prediction is right is not known.",
            "{count} rows have no label: whether their predictions are right is not known.",
            count,
        ),
        "foreign labels": lambda count: _n(
            "{count} row has a label that is no class of the classifier: it counts as neither right nor wrong.",
            "{count} rows have a label that is no class of the classifier: they count as neither right nor wrong.",
            count,
        ),
        "sampled": lambda count: _n(
            "{count} of {of} rows of the file was not read.", "{count} of {of} rows of the file were not read.", count
        ),
        "repeated": lambda count: _n(
            "{count} row repeats the text of an earlier one: it is no further observation, and intervals do not count "
            "it as one.",
            "{count} rows repeat the text of earlier ones: they are no further observations, and intervals do not "
            "count them as such.",
            count,
        ),
        "contradicting": lambda count: _n(
            "{count} row has a text that stands elsewhere with another label: no classifier can be right on both.",
            "{count} rows have a text that stands elsewhere with another label: no classifier can be right on all.",
            count,
        ),
        "left out": lambda count: _n(
            "{count} row could not be explained and is in no number here; the list below says why.",
            "{count} rows could not be explained and are in no number here; the list below says why.",
            count,
        ),
        "not reached": lambda count: _n(
            "{count} row was not explained yet when the report was made.",
            "{count} rows were not explained yet when the report was made.",
            count,
        ),
        "truncated": lambda count: _n(
            "{count} text is longer than the model reads: only its beginning was explained.",
            "{count} texts are longer than the model reads: only their beginnings were explained.",
            count,
        ),
        "completeness": lambda count: _n(
            "In {count} row the scores miss what they should add up to by more than {tolerance}: they are approximate.",
            "In {count} rows the scores miss what they should add up to by more than {tolerance}: they are "
            "approximate.",
            count,
        ),
        "neutral": lambda count: _n(
            "In {count} row the baseline says more for the explained class than the text does: it is not neutral "
            "there, and scores say what words cost.",
            "In {count} rows the baseline says more for the explained class than the text does: it is not neutral "
            "there, and scores say what words cost.",
            count,
        ),
        "calibration": lambda count: _n(
            "Calibration was not measured on {count} row with a label: it takes {least} different texts.",
            "Calibration was not measured on {count} rows with a label: it takes {least} different texts.",
            count,
        ),
        "chance": lambda count: _n(
            "In {count} of {of} cases the ranking of words is not distinguishable from a random one: do not "
            "rely on its scores.",
            "In {count} of {of} cases the ranking of words is not distinguishable from a random one: do not "
            "rely on their scores.",
            count,
        ),
        "few words": lambda count: _n(
            "{count} of {of} cases has too few words for any comparison with chance.",
            "{count} of {of} cases have too few words for any comparison with chance.",
            count,
        ),
        "cases": lambda count: _n(
            "{count} row is not looked at closely: no contrast, counterfactual or faithfulness was computed for it.",
            "{count} rows are not looked at closely: no contrast, counterfactual or faithfulness was computed for "
            "them.",
            count,
        ),
    }
)
