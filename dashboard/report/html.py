"""A report as one page of HTML that fetches nothing, runs nothing, and can be printed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from dashboard.language import _, explain, language, speaking
from dashboard.report.cases import anchor, case, legend, row_name, selection
from dashboard.report.evaluation import accuracy, calibration, class_words
from dashboard.report.limits import limits
from dashboard.report.markup import Html, Numbers, element, fill, joined, table
from dashboard.report.overview import data_card, day, question, tiles, training, warnings
from dashboard.report.style import style
from interpret.core.errors import InputError

# Rows that the table of all lists, and characters of their texts: with the cases some megabytes at most.
MOST_ROWS, _MOST_CHARACTERS = 2000, 200
_BEST_WORDS = 3


def json_file(document: dict[str, Any]) -> bytes:
    """Return a report's JSON as a file, with its text readable."""
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()


def html_file(document: dict[str, Any], json_name: str, code: str | None = None) -> bytes:
    """Return a report as a page, in the reader's language.

    Parameters
    ----------
    document
        What `interpret.attribution.report_json` gives.
    json_name
        What the file is called that `json_file` makes of it, which the page refers to.
    code
        Another language than the reader's: one of `dashboard.language.languages`.
    """
    with speaking(code or language()):
        return ("<!doctype html>\n" + _page(Numbers(document), json_name)).encode()


def _page(numbers: Numbers, json_name: str) -> Html:
    document = numbers.document
    title = fill(_("Report: {file}"), file=document["file"].get("name") or document["model"]["name"])
    sections = list(_sections(numbers, json_name))
    contents = [element("li", element("a", name, href=f"#{anchor_name}")) for anchor_name, name, _body in sections]
    body = [element("section", element("h2", name, id=anchor_name), content) for anchor_name, name, content in sections]
    about = fill(
        _("Predictions of {model}, and the words that speak for and against them · {day}"),
        model=document["model"]["name"],
        day=day(document["created"]),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Nothing is fetched and nothing runs, whatever stands in a text.
        element("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        element("title", title),
        Html(f"<style>{style()}</style>"),
    )
    # What is red stands above everything.
    top = element("header", warnings(numbers), element("h1", title), element("p", about, class_="soft"))
    navigation = element("nav", element("ol", *contents), aria_label=_("Contents"))
    main = element("main", tiles(numbers), navigation, *body)
    end = element("footer", element("p", _("Made with Bertoscope. The page needs no network and runs no script.")))
    return element("html", head, element("body", top, main, end), lang=language().replace("_", "-"))


def _sections(numbers: Numbers, json_name: str) -> Iterator[tuple[str, str, Html]]:
    """Yield each section's anchor, its title and what it holds."""
    yield "question", _("What was asked, and of which model"), question(numbers)
    yield "training", _("What the classifier was trained on"), training(numbers)
    yield "data", _("Data card"), data_card(numbers)
    yield "accuracy", _("Accuracy"), accuracy(numbers)
    yield "calibration", _("Calibration: can the probabilities be taken at their word?"), calibration(numbers)
    yield "words", _("Words that drive each class"), class_words(numbers)
    yield "cases", _("Cases"), _cases(numbers)
    yield "rows", _("All rows"), _rows(numbers)
    yield "limits", _("Limits"), limits(numbers)
    yield "reading", _("How to read this report"), _reading()
    yield "json", _("Where the numbers come from"), _sources(numbers, json_name)


def _cases(numbers: Numbers) -> Html:
    found = numbers.document["cases"]
    links = [
        element("a", row_name(row), href=f"#{anchor(row)}")
        for row in (numbers.document["rows"][one["index"]] for one in found)
    ]
    return joined(
        [
            selection(numbers),
            element("p", joined(links, ", ")) if links else "",
            legend(),
            *(case(numbers, index) for index in range(len(found))),
        ]
    )


def _rows(numbers: Numbers) -> Html:
    rows = numbers.document["rows"]
    detailed = {one["index"] for one in numbers.document["cases"]}
    fitted = any(row["out_of_fold_probabilities"] for row in rows)
    header = [
        _("Row"),
        _("Id"),
        _("Text"),
        _("Label"),
        _("Predicted (out-of-fold)") if fitted else _("Predicted"),
        _("Probability (out-of-fold)") if fitted else _("Probability"),
        _("Right"),
        _("Words with the largest scores"),
    ]
    widths = [5, 9, 29, 12, 12, 12, 6, 15]
    listed_rows = [_row(numbers, index, row, index in detailed) for index, row in enumerate(rows[:MOST_ROWS])]
    if not any(row["id"] for row in rows):
        # Their room goes to the texts.
        header, listed_rows = header[:1] + header[2:], [row[:1] + row[2:] for row in listed_rows]
        widths = [widths[0], widths[1] + widths[2], *widths[3:]]
    parts = [table(_("Every row that was explained"), header, listed_rows, widths=widths)]
    if len(rows) > MOST_ROWS:
        parts.append(element("p", _("Further rows stand in the JSON file.")))
    return joined([*parts, *_left_out(numbers)])


def _row(numbers: Numbers, index: int, row: dict[str, Any], detailed: bool) -> list[object]:
    at = f"/rows/{index}"
    # Its out-of-fold prediction is what counts.
    column = "out_of_fold_probabilities" if row["out_of_fold_probabilities"] else "probabilities"
    counted = row["out_of_fold"] or row["predicted"]
    best = numbers.document["classes"].index(counted)
    right = {None: "–", True: _("no"), False: _("yes")}[row["wrong"]]
    number = numbers(f"{at}/row", "d")
    return [
        element("a", number, href=f"#{anchor(row)}") if detailed else number,
        row["id"] or "",
        _shortened(row["text"]),
        row["label"] or "",
        counted,
        numbers(f"{at}/{column}/{best}", ".3f"),
        element("strong", right) if row["wrong"] else right,
        _best(numbers, index),
    ]


def _best(numbers: Numbers, index: int) -> Html:
    row = numbers.document["rows"][index]
    scores: Sequence[float] = row["scores"]
    order = sorted(range(len(scores)), key=lambda i: -abs(scores[i]))[:_BEST_WORDS]
    return joined(
        (
            fill(
                "{word} {score}",
                word=row["text"][slice(*row["spans"][i])],
                score=numbers(f"/rows/{index}/scores/{i}", "+.2f"),
            )
            for i in order
        ),
        ", ",
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 2] + " …"


def _left_out(numbers: Numbers) -> Iterator[Html]:
    left_out = numbers.document["left_out"]
    if left_out:
        yield element("h3", _("Rows left out"))
        rows = [
            (numbers(f"/left_out/{index}/row", "d"), explain(InputError.from_dict(one["why"]), str))
            for index, one in enumerate(left_out[:MOST_ROWS])
        ]
        yield table(_("Rows that could not be explained, and why"), [_("Row"), _("Why")], rows)


def _reading() -> Html:
    said = [
        _(
            "A score says what a word adds to the logit of the explained class: the number before softmax that the "
            "probability is computed from. Above 0 (orange, “+”) the word speaks for the class, below 0 (blue, “−”) "
            "against it. Colours are relative to the strongest word of the same text."
        ),
        _(
            "Out-of-fold: the labelled rows are cut into five parts, and each part is predicted by a classifier that "
            "was fitted on the others. Texts that read the same are never on both sides."
        ),
        _("Why one class rather than another: the scores of the difference of two logits (Jacovi et al. 2021)."),
        _(
            "Faithfulness (ERASER, DeYoung et al. 2020): comprehensiveness is how much the probability falls when the "
            "words on top are deleted, sufficiency how much it falls when they alone are left, as a mean over 1, 5, "
            "10, 20 and 50% of the words. Both stand beside rankings that know nothing; p is how often one of these "
            "does as well. “Better than chance” holds at 5% with both measures corrected together (Holm 1979)."
        ),
        _(
            "Calibration error (Guo et al. 2017) of few rows is above 0 even where probabilities are right: that is "
            "why the error of such a classifier stands beside it (Bröcker & Smith 2007)."
        ),
    ]
    return element("ul", *(element("li", one) for one in said))


def _sources(numbers: Numbers, json_name: str) -> Html:
    content = json_file(numbers.document)
    return joined(
        [
            element(
                "p",
                fill(
                    _(
                        "Every number on this page stands in the file {name}, which was written with it. The element "
                        "of a number says where, in its attribute {attribute} (a JSON pointer, RFC 6901)."
                    ),
                    name=element("code", json_name),
                    attribute=element("code", "data-json"),
                ),
            ),
            element(
                "p",
                fill(_("SHA-256 of that file: {digest}"), digest=element("code", hashlib.sha256(content).hexdigest())),
            ),
        ]
    )
