"""The rows that are looked at closely: their words on colours, and how far these can be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dashboard.language import _, _n
from dashboard.numbers import listed
from dashboard.numbers import number as written
from dashboard.report.markup import Html, Numbers, element, facts, fill, joined, markup, table

_STEPS, _MOST_WORDS, _MOST_CLASSES = 4, 6, 12
# A share of the strongest score below which a word has neither colour nor sign.
_FAINT = 0.08


def row_name(row: dict[str, Any]) -> Html:
    """Name a row by its number, and its id where the file has one."""
    name = fill(_("Row {number}"), number=row["row"])
    return joined([name, row["id"]], " · ") if row["id"] else name


def anchor(row: dict[str, Any]) -> str:
    """Return what an address calls a row's case."""
    return f"row-{row['row']}"


def legend() -> Html:
    """Return what the colours and signs of words mean."""
    samples = [
        element("span", _("strongly in favour"), class_="w plus f4"),
        element("span", _("weakly in favour"), class_="w plus f1"),
        element("span", _("neither"), class_="w"),
        element("span", _("weakly against"), class_="w minus a1"),
        element("span", _("strongly against"), class_="w minus a4"),
    ]
    return element("p", _("Legend:"), " ", joined(samples, " "), class_="legend")


def selection(numbers: Numbers) -> Html:
    """Say how the cases were chosen, and how many rows are none."""
    cases, rows = numbers.document["cases"], numbers.document["rows"]
    if any("requested" in one["reasons"] for one in cases):
        how = _("These rows were asked for by whoever made the report.")
    else:
        how = _(
            "Chosen by rule: the wrong predictions, the most confident ten first; and of each class the row that is "
            "predicted with the most and with the least confidence among those not known to be wrong."
        )
    count = fill(
        _n(
            "{shown} of {all} row explained is shown in detail; the others stand in the table of all rows.",
            "{shown} of {all} rows explained are shown in detail; the others stand in the table of all rows.",
            len(rows),
        ),
        shown=numbers("/summary/cases"),
        all=numbers("/summary/explained"),
    )
    return joined([element("p", how), element("p", count)])


def reasons() -> dict[str, str]:
    """Say why a row is looked at closely."""
    return {
        "requested": _("asked for"),
        "wrong": _("wrong prediction"),
        "most certain": _("most confident of its class"),
        "least certain": _("least confident of its class"),
    }


def case(numbers: Numbers, position: int) -> Html:
    """Return one case."""
    one = numbers.document["cases"][position]
    at, row_at = f"/cases/{position}", f"/rows/{one['index']}"
    row = numbers.at(row_at)
    badge = [" ", element("span", _("wrong"), class_="badge red")] if row["wrong"] else []
    said = reasons()
    return element(
        "article",
        element("h3", row_name(row), *badge),
        element(
            "p",
            element(
                "small", _("Shown because: {reasons}").format(reasons=listed(said[name] for name in one["reasons"]))
            ),
        ),
        _answer(numbers, row_at),
        element("h4", fill(_("Words for and against “{name}”"), name=row["explained"])),
        words(row, row_at, row["scores"]),
        _strongest(numbers, row_at, row_at),
        _worth(numbers, row_at),
        *_contrast(numbers, at, row_at),
        *_counterfactual(numbers, at),
        *_faithfulness(numbers, at),
        class_="case",
        id=anchor(row),
    )


def _answer(numbers: Numbers, at: str) -> Html:
    row, classes = numbers.at(at), numbers.document["classes"]
    order = sorted(range(len(classes)), key=lambda i: -row["probabilities"][i])[:_MOST_CLASSES]
    without = row["out_of_fold_probabilities"]
    header = [_("Class"), _("Probability"), *([_("Out-of-fold")] if without else [])]
    rows = [
        (
            classes[i],
            numbers.share(f"{at}/probabilities/{i}"),
            *([numbers.share(f"{at}/out_of_fold_probabilities/{i}")] if without else []),
        )
        for i in order
    ]
    answer = facts(
        [
            (_("True label"), row["label"] or _("not known")),
            (_("Predicted"), row["predicted"]),
            (_("Predicted out-of-fold: counts for accuracy"), row["out_of_fold"]),
        ]
    )
    return joined([answer, table(_("Probability of each class"), header, rows, numeric=[1, 2])])


def words(row: dict[str, Any], at: str, scores: Sequence[float]) -> Html:
    """Write a row's whole text with its words on colours; a title says a word's score, and where it stands."""
    most = max(map(abs, scores), default=0.0) or 1.0
    text, end, parts = row["text"], 0, []
    for index, ((begin, stop), score) in enumerate(zip(row["spans"], scores, strict=True)):
        share = score / most
        look = "w"
        if abs(share) >= _FAINT:
            step = min(_STEPS, 1 + int(abs(share) * _STEPS))
            look = f"w plus f{step}" if share > 0 else f"w minus a{step}"
        parts.append(markup(text[end:begin]))
        parts.append(
            element(
                "span", text[begin:stop], class_=look, title=written(score, "+.3f"), data_score=f"{at}/scores/{index}"
            )
        )
        end = stop
    if row["truncated"]:
        parts.append(element("span", text[end:], class_="unread"))
    else:
        parts.append(markup(text[end:]))
    return element("p", *parts, class_="words")


def _strongest(numbers: Numbers, at: str, row_at: str) -> Html:
    """Return the words with the largest scores as a table."""
    scores, row = numbers.at(f"{at}/scores"), numbers.at(row_at)
    order = sorted(range(len(scores)), key=lambda i: -abs(scores[i]))[:_MOST_WORDS]
    drawn = numbers.at(f"{at}/uncertainty")
    rows = []
    for i in sorted(order, key=lambda i: -scores[i]):
        begin, stop = row["spans"][i]
        side = _("in favour") if scores[i] > 0 else _("against") if scores[i] < 0 else _("neither")
        rows.append(
            (
                row["text"][begin:stop],
                side,
                numbers(f"{at}/scores/{i}", "+.3f"),
                *([numbers(f"{at}/uncertainty/{i}", ".3f")] if drawn else []),
            )
        )
    header = [_("Word"), _("Side"), _("Score"), *([_("± 95%, over the method's samples")] if drawn else [])]
    return table(_("Words with the largest scores"), header, rows, numeric=[2, 3])


def _worth(numbers: Numbers, at: str) -> Html:
    row = numbers.at(at)
    parts = []
    if row["completeness_error"] is not None:
        parts.append(
            fill(
                _("The scores add up to how far the text is above the baseline, but for {error} (completeness error)."),
                error=numbers(f"{at}/completeness_error", ".2%"),
            )
        )
    if row["baseline_above"]:
        parts.append(
            fill(
                _(
                    "The baseline scores {baseline} for this class, more than the text's {output}: it is not neutral "
                    "here, and a word in favour may merely count against the class less than the baseline does for it."
                ),
                baseline=numbers(f"{at}/baseline_output", ".3f"),
                output=numbers(f"{at}/output", ".3f"),
            )
        )
    if row["truncated"]:
        parts.append(markup(_("Only the beginning of this text was read; what is in grey italics was not.")))
    return element("p", joined(parts, " "), class_="soft") if parts else Html("")


def _contrast(numbers: Numbers, at: str, row_at: str) -> Iterator[Html]:
    contrast = numbers.at(f"{at}/contrast")
    if contrast is None:
        return
    yield element("h4", fill(_("Why “{name}” rather than “{other}”"), name=contrast["class"], other=contrast["other"]))
    yield words(numbers.at(row_at), f"{at}/contrast", contrast["scores"])
    yield element(
        "p",
        fill(
            _(
                "What speaks for both classes cancels out. The difference of the two logits is {output}, that of the "
                "baseline {baseline}."
            ),
            output=numbers(f"{at}/contrast/output", "+.3f"),
            baseline=numbers(f"{at}/contrast/baseline_output", "+.3f"),
        )
        if contrast["baseline_output"] is not None
        else _("What speaks for both classes cancels out: only what tells the two apart remains."),
        class_="soft",
    )
    yield _strongest(numbers, f"{at}/contrast", row_at)


def _counterfactual(numbers: Numbers, at: str) -> Iterator[Html]:
    one = numbers.at(f"{at}/counterfactual")
    if one is None:
        return
    here = f"{at}/counterfactual"
    yield element("h4", _("What would flip the prediction"))
    if not one["found"]:
        yield element(
            "p",
            fill(
                _("No set of up to three words was found whose removal flips it; texts tried: {tried}."),
                tried=numbers(f"{here}/tried"),
            ),
        )
        return
    index = numbers.document["classes"].index(one["predicted"])
    said = fill(
        _("Without {words}, the prediction is “{name}” ({share}). The model then reads: “{text}”"),
        words=listed(_("“{name}”").format(name=word) for word in one["removed"]),
        name=one["predicted"],
        share=numbers.share(f"{here}/probabilities/{index}"),
        text=one["text"],
    )
    sure = (
        _("No smaller set of removals does: all were tried; texts tried: {tried}.")
        if one["smallest"]
        else _("A smaller set of removals may exist; texts tried: {tried}.")
    )
    yield element("p", said)
    yield element("p", fill(sure, tried=numbers(f"{here}/tried")), class_="soft")


def _faithfulness(numbers: Numbers, at: str) -> Iterator[Html]:
    one = numbers.at(f"{at}/faithfulness")
    if one is None:
        return
    here = f"{at}/faithfulness"
    verdict = {
        "both": _(
            "Better than chance on both measures: deleting the words on top costs more, and keeping only them costs "
            "less."
        ),
        "comprehensiveness": _(
            "Better than chance on comprehensiveness only: deleting the words on top costs more; whether they alone "
            "are enough cannot be distinguished from chance."
        ),
        "sufficiency": _(
            "Better than chance on sufficiency only: keeping the words on top costs less; whether deleting them costs "
            "more cannot be distinguished from chance."
        ),
        "neither": _("Not distinguishable from chance: do not rely on the scores of this row."),
        "too few words": _("Too few words: no ranking of this text could be distinguished from chance."),
    }[one["verdict"]]
    yield element("h4", _("Faithfulness beside chance"))
    yield element("p", element("strong", verdict))
    titles = {
        "comprehensiveness": _("Comprehensiveness (higher is better)"),
        "sufficiency": _("Sufficiency (lower is better)"),
    }
    rows = [
        (
            title,
            numbers(f"{here}/{name}/value", ".3f"),
            numbers(f"{here}/{name}/random_mean", ".3f"),
            numbers.interval(f"{here}/{name}/random_range", ".3f"),
            numbers(f"{here}/{name}/p", ".3f"),
        )
        for name, title in titles.items()
    ]
    count = one["rankings"]
    beside = (
        _n("Beside {count} distinct ranking of the words", "Beside all {count} distinct rankings of the words", count)
        if one["exact"]
        else _n("Beside {count} random ranking of the words", "Beside {count} random rankings of the words", count)
    )
    caption = fill(beside, count=numbers(f"{here}/rankings"))
    header = [_("Measure"), _("This ranking"), _("Random, mean"), _("Random, 2.5 to 97.5%"), _("p")]
    yield table(caption, header, rows, numeric=[1, 2, 3, 4])
