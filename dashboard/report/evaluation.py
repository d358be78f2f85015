"""How often a classifier is right, whether its probabilities can be taken at their word, and which words drive it."""

from __future__ import annotations

from typing import Any

from dashboard.language import _, _n
from dashboard.report.markup import Html, Numbers, element, fill, joined, table
from dashboard.report.overview import on_rows

_MOST_WORDS, _MOST_CLASSES = 8, 40
# The reliability diagram: its side, and the room for what is written beside it.
_SIDE, _LEFT, _TOP = 260, 56, 12


def accuracy(numbers: Numbers) -> Html:
    """Return how often it is right, on which rows, with each class apart."""
    parts = []
    for index, one in enumerate(numbers.document["accuracy"]):
        at = f"/accuracy/{index}"
        said = fill(
            _(
                "{accuracy} right (95% interval {interval}, Wilson 1927): {right} of {count} {rows}, of which {texts} "
                "read differently. Always answering the commonest class, “{name}”, is right in {majority}."
            ),
            accuracy=element("strong", numbers.share(f"{at}/accuracy")),
            interval=numbers.interval(f"{at}/interval"),
            right=numbers(f"{at}/right"),
            count=numbers(f"{at}/count"),
            rows=on_rows(one["basis"], one["count"]),
            texts=numbers(f"{at}/texts"),
            name=one["commonest"],
            majority=numbers.share(f"{at}/majority"),
        )
        verdict = (
            _("The whole interval lies above that: it does better than always guessing the commonest class.")
            if one["beats_majority"]
            else _("The interval does not lie above that: there is no evidence that it does better than guessing.")
            if one["decidable"]
            else _("These rows are too few to tell whether it does better than guessing.")
        )
        parts += [element("p", said), element("p", verdict), _by_class(numbers, at)]
    return (
        joined(parts)
        if parts
        else element("p", _("No row has a label that is one of the classes: nothing was measured."))
    )


def _by_class(numbers: Numbers, at: str) -> Html:
    rows = [
        (
            one["label"],
            numbers(f"{at}/classes/{index}/rows"),
            numbers(f"{at}/classes/{index}/right"),
            numbers.share(f"{at}/classes/{index}/recall"),
            numbers.interval(f"{at}/classes/{index}/interval"),
            numbers(f"{at}/classes/{index}/predicted"),
        )
        for index, one in enumerate(numbers.at(f"{at}/classes")[:_MOST_CLASSES])
        if one["rows"] or one["predicted"]
    ]
    header = [_("Class"), _("Rows"), _("Right"), _("Recall"), _("95% interval"), _("Predicted as it")]
    return table(_("Each class by itself"), header, rows, numeric=[1, 2, 3, 4, 5])


def calibration(numbers: Numbers) -> Html:
    """Return whether probabilities can be taken at their word, only on rows that they were not learned from."""
    measured = numbers.document["calibration"]
    if not measured:
        why = (
            _(
                "Not measured: the only rows with a label are those that the classifier was trained on, on which it is "
                "too sure."
            )
            if numbers.document["accuracy"]
            else _("Not measured: no row has a label that is one of the classes.")
        )
        return element("p", why)
    return joined(
        _measured(numbers, index) if one["measured"] else element("p", _too_few(numbers, index))
        for index, one in enumerate(measured)
    )


def _too_few(numbers: Numbers, index: int) -> Html:
    at = f"/calibration/{index}"
    return fill(
        _(
            "Not measured on the {rows} ({count}): too few of them read differently to say whether probabilities can "
            "be taken at their word; the least is {least}."
        ),
        rows=on_rows(numbers.at(f"{at}/basis"), numbers.at(f"{at}/count")),
        count=numbers(f"{at}/count"),
        least=numbers(f"{at}/least"),
    )


def _measured(numbers: Numbers, index: int) -> Html:
    at = f"/calibration/{index}"
    ranges = numbers.at(f"{at}/ranges")
    error = fill(
        _(
            "Expected calibration error (ECE): {ece} (95% interval {interval}), on {count} {rows}. It is the mean "
            "distance between how sure the classifier is and how often it is right, over ten ranges of confidence."
        ),
        ece=element("strong", numbers.share(f"{at}/ece")),
        interval=numbers.interval(f"{at}/ece_interval"),
        count=numbers(f"{at}/count"),
        rows=on_rows(numbers.at(f"{at}/basis"), numbers.at(f"{at}/count")),
    )
    worse = numbers.at(f"{at}/worse_than_chance")
    verdict = fill(
        _(
            "The probabilities cannot be taken at their word: of classifiers that are right as often as they say, 95% "
            "have an error below {chance} on rows like these (p = {p})."
        )
        if worse
        else _(
            "That is no evidence against the probabilities: of classifiers that are right as often as they say, 95% "
            "have an error below {chance} on rows like these (p = {p})."
        ),
        chance=numbers.share(f"{at}/ece_by_chance"),
        p=numbers(f"{at}/ece_p", ".3f"),
    )
    brier = fill(
        _(
            "Brier score: {brier} (95% interval {interval}); 0 is best, 2 is worst. Always answering with the classes' "
            "shares among these rows: {shares}."
        ),
        brier=numbers(f"{at}/brier", ".3f"),
        interval=numbers.interval(f"{at}/brier_interval", ".3f"),
        shares=numbers(f"{at}/brier_of_shares", ".3f"),
    )
    rows = [
        (
            fill(
                _("{low} to {high}"),
                low=numbers(f"{at}/ranges/{i}/low", ".0%"),
                high=numbers(f"{at}/ranges/{i}/high", ".0%"),
            ),
            numbers(f"{at}/ranges/{i}/rows"),
            numbers.share(f"{at}/ranges/{i}/confidence"),
            numbers.share(f"{at}/ranges/{i}/accuracy"),
            numbers.interval(f"{at}/ranges/{i}/interval"),
        )
        for i in range(len(ranges))
    ]
    header = [_("Confidence"), _("Rows"), _("Mean confidence"), _("Share right"), _("95% interval")]
    return joined(
        [
            *(element("p", one) for one in (error, verdict, brier)),
            _diagram(ranges),
            table(_("Confidence beside how often it is right"), header, rows, numeric=[1, 2, 3, 4]),
        ]
    )


def _diagram(ranges: list[dict[str, Any]]) -> Html:
    """Draw how often it is right over how sure it is; the table beside it has the numbers."""

    def x(share: float) -> float:
        return round(_LEFT + share * _SIDE, 1)

    def y(share: float) -> float:
        return round(_TOP + (1 - share) * _SIDE, 1)

    marks = []
    for tick in (0, 0.5, 1):
        marks.append(element("text", f"{tick:.0%}", x=x(tick), y=y(0) + 18, text_anchor="middle"))
        marks.append(element("text", f"{tick:.0%}", x=_LEFT - 8, y=y(tick) + 4, text_anchor="end"))
    for one in ranges:
        low, high = one["interval"]
        marks.append(
            element("line", x1=x(one["confidence"]), x2=x(one["confidence"]), y1=y(low), y2=y(high), class_="range")
        )
        marks.append(element("circle", cx=x(one["confidence"]), cy=y(one["accuracy"]), r=4, class_="dot"))
    about = _("Share of right answers over confidence, with 95% intervals. On the dashed line both are the same.")
    drawing = element(
        "svg",
        element("line", x1=x(0), x2=x(1), y1=y(0), y2=y(0), class_="axis"),
        element("line", x1=x(0), x2=x(0), y1=y(0), y2=y(1), class_="axis"),
        element("line", x1=x(0), x2=x(1), y1=y(0), y2=y(1), class_="even"),
        *marks,
        element("text", _("confidence"), x=x(0.5), y=y(0) + 36, text_anchor="middle"),
        element("text", _("share right"), x=14, y=y(0.5), text_anchor="middle", transform=f"rotate(-90 14 {y(0.5)})"),
        viewBox=f"0 0 {_LEFT + _SIDE + 20} {_TOP + _SIDE + 44}",
        width=_LEFT + _SIDE + 20,
        role="img",
        aria_label=about,
    )
    return element("figure", drawing, element("figcaption", about))


def class_words(numbers: Numbers) -> Html:
    """Return for each class the words with the highest and the lowest mean score over the rows explained for it."""
    parts = [
        element(
            "p",
            _(
                "The mean of a word's score over the texts that it stands in, three or more, each text once. An "
                "interval is of 95% (Student). “Holds” means that the mean differs from 0 when all words of the class "
                "are tested together (Holm 1979): of those that do not, a few stand out by chance alone."
            ),
        )
    ]
    for index, one in enumerate(numbers.document["words"]):
        parts.append(element("h3", fill(_("Class “{name}”"), name=one["class"])))
        if one["words"]:
            parts.append(_words_of(numbers, index))
        else:
            parts.append(element("p", _("No word occurs in three or more of the texts explained for this class.")))
    return joined(parts)


def _words_of(numbers: Numbers, index: int) -> Html:
    at = f"/words/{index}"
    words = numbers.at(f"{at}/words")
    most = max(abs(one["mean"]) for one in words) or 1.0
    # The list runs from the most in favour to the most against.
    up = [i for i, one in enumerate(words) if one["mean"] > 0][:_MOST_WORDS]
    down = [i for i, one in enumerate(words) if one["mean"] < 0][-_MOST_WORDS:]
    rows = []
    for i in (*up, *down):
        one, here = words[i], f"{at}/words/{i}"
        side = "for" if one["mean"] > 0 else "against"
        width = f"width:{abs(one['mean']) / most:.0%}"
        rows.append(
            (
                one["word"],
                element("span", class_=f"bar {side}", style=width),
                numbers(f"{here}/mean", "+.3f"),
                numbers.interval(f"{here}/interval", "+.3f"),
                numbers(f"{here}/texts"),
                _("yes") if one["significant"] else _("no"),
            )
        )
    caption = fill(
        _n(
            "{count} row was explained for this class, and {words} words compared; the JSON file has all of them, with "
            "their rows.",
            "{count} rows were explained for this class, and {words} words compared; the JSON file has all of them, "
            "with their rows.",
            numbers.at(f"{at}/rows"),
        ),
        count=numbers(f"{at}/rows"),
        words=numbers(f"{at}/compared"),
    )
    header = [
        _("Word"),
        _("In favour or against"),
        _("Mean score"),
        _("95% interval"),
        _("Texts"),
        _("Holds"),
    ]
    return table(caption, header, rows, numeric=[2, 3, 4])
