"""What stands first in a report: whether it is worth reading on, what was asked of which model, and of which data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dashboard.language import _, _n
from dashboard.numbers import listed
from dashboard.report.markup import Html, Numbers, element, facts, fill, joined, table


def on_rows(basis: str, count: int) -> str:
    """Say behind a number of rows which these are: those that the classifier was fitted on, or others."""
    return {
        "out-of-fold": _n(
            "row that the classifier was fitted on, predicted by one fitted without it (out-of-fold)",
            "rows that the classifier was fitted on, each predicted by one fitted without it (out-of-fold)",
            count,
        ),
        "not learned from": _n(
            "row that the classifier was not trained on", "rows that the classifier was not trained on", count
        ),
        "learned from": _n("row that the classifier was trained on", "rows that the classifier was trained on", count),
        "not known": _n(
            "row of which it is not known whether the classifier was trained on it",
            "rows of which it is not known whether the classifier was trained on them",
            count,
        ),
    }[basis]


def _short(basis: str) -> str:
    return {
        "out-of-fold": _("out-of-fold"),
        "not learned from": _("not used for training"),
        "learned from": _("used for training"),
        "not known": _("used for training or not: unknown"),
    }[basis]


def warnings(numbers: Numbers) -> Html:
    """Return what stands above everything: that a classifier is not shown to beat a guess, or not known to."""
    measured = numbers.document["accuracy"]
    notices = []
    for index, one in enumerate(measured):
        at = f"/accuracy/{index}"
        said = fill(
            _(
                "On {count} {rows} it is right in {accuracy} (95% interval: {interval}). Always answering “{name}” is "
                "right in {majority}."
            ),
            count=numbers(f"{at}/count"),
            rows=on_rows(one["basis"], one["count"]),
            accuracy=numbers.share(f"{at}/accuracy"),
            interval=numbers.interval(f"{at}/interval"),
            name=one["commonest"],
            majority=numbers.share(f"{at}/majority"),
        )
        if not one["decidable"]:
            notices.append(
                _notice(
                    "amber",
                    _("Too few rows to tell whether this classifier does better than guessing."),
                    said,
                    _("Not even right answers to all of them would show it. More rows, of every class, can."),
                )
            )
        elif not one["beats_majority"]:
            notices.append(
                _notice(
                    "red",
                    _("No evidence that this classifier does better than guessing."),
                    said,
                    _(
                        "The explanations below say what this classifier reacts to. They say nothing about what "
                        "distinguishes the labels."
                    ),
                )
            )
    bases = {one["basis"] for one in measured}
    if not measured:
        notices.append(
            _notice(
                "amber",
                _("How often this classifier is right is not known."),
                _("No row has a label that is one of its classes, so nothing here was compared with the truth."),
            )
        )
    elif bases == {"learned from"}:
        notices.append(
            _notice(
                "amber",
                _("Measured only on rows that the classifier was trained on."),
                _("What it does on other texts is likely worse, and was not measured."),
            )
        )
    return joined(notices)


def _notice(kind: str, title: str, *said: object) -> Html:
    first = element("p", element("strong", title))
    return element("div", first, *(element("p", one) for one in said), class_=f"notice {kind}", role="note")


def tiles(numbers: Numbers) -> Html:
    """Return the numbers at a glance."""
    parts = [(_("Rows explained"), numbers("/summary/explained"), "")]
    for index, one in enumerate(numbers.document["accuracy"]):
        at = f"/accuracy/{index}"
        interval = fill(_("95%: {interval}"), interval=numbers.interval(f"{at}/interval"))
        parts.append((_("Accuracy"), numbers.share(f"{at}/accuracy"), joined([interval, _short(one["basis"])], " · ")))
        parts.append((_("Always the commonest class"), numbers.share(f"{at}/majority"), one["commonest"]))
    if numbers.at("/summary/evaluated"):
        of = fill(_("of {count}"), count=numbers("/summary/evaluated"))
        parts.append((_("Wrong predictions"), numbers("/summary/wrong"), of))
    for index, one in enumerate(numbers.document["calibration"]):
        if one["measured"]:
            at = f"/calibration/{index}"
            interval = fill(_("95%: {interval}"), interval=numbers.interval(f"{at}/ece_interval"))
            parts.append((_("Calibration error (ECE)"), numbers.share(f"{at}/ece"), interval))
    parts.append((_("Left out"), numbers("/summary/left_out"), ""))
    parts.append((_("Truncated"), numbers("/summary/truncated"), ""))
    cells = [
        element("div", element("dt", name), element("dd", value, element("small", about) if about else ""))
        for name, value, about in parts
    ]
    return element("dl", *cells, class_="tiles")


def question(numbers: Numbers) -> Html:
    """Return what was asked, of which model, and how."""
    document = numbers.document
    model, settings = document["model"], document["settings"]
    baselines = {
        "pad": _("padding (no text)"),
        "mask": _("masked words"),
        "zero": _("zero vector"),
        "mean": _("mean of all embeddings"),
    }
    title = settings["title"]
    method: object = _(title)
    if settings["link"]:
        method = joined([method, element("a", settings["paper"], href=settings["link"])], " · ")
    heads = {"own": _("the model's own"), "linear head": _("linear head on the model's frozen sentence vectors")}
    return facts(
        [
            (_("File"), document["file"].get("name")),
            (_("SHA-256 of the file"), _code(document["file"].get("sha256"))),
            (_("Column with the text"), document["file"].get("text")),
            (_("Column with the label"), document["file"].get("label")),
            (_("Question"), _question(numbers)),
            (_("Model"), model["name"]),
            (_("Architecture"), model["family"]),
            (_("Layers × heads"), joined([numbers("/model/layers"), numbers("/model/heads")], " × ")),
            (_("Parameters"), numbers("/model/parameters")),
            (_("Longest input (tokens)"), numbers("/model/max_tokens")),
            (_("Revision"), _code(model["revision"])),
            (_("SHA-256 of the weights"), _code(model["sha256"])),
            (_("Licence"), model["licence"] or _("not stated")),
            (_("Device, precision"), f"{model['device']}, {model['precision']}"),
            (_("Prompt"), model["prompt"]),
            (_("Classifier"), heads[model["classifier"]]),
            (_("Classes"), listed(document["classes"])),
            (_("Method"), method),
            (_("Baseline"), baselines.get(settings["baseline"] or "", "")),
            (_("Completeness error allowed"), numbers("/settings/tolerance", ".1%") if settings["baseline"] else None),
            (_("Seed"), numbers("/settings/seed", "d")),
            (_("Created"), document["created"]),
            (_("Software"), listed(f"{name} {one}" for name, one in document["software"].items() if one)),
        ]
    )


def _question(numbers: Numbers) -> Html:
    explained = {row["explained"] == row["predicted"] for row in numbers.document["rows"]}
    if explained == {True}:
        return Html(_("Which words speak for and against the predicted class, in each row?"))
    return fill(_("Which words speak for and against “{name}”, in each row?"), name=numbers.at("/rows/0/explained"))


def _code(value: str | None) -> Html | None:
    return element("code", value) if value else None


def training(numbers: Numbers) -> Html:
    """Return what is known of what the classifier was trained on."""
    known = numbers.document["training"]
    kind = known.get("kind")
    if kind == "linear head":
        return joined([element("p", _linear_head(numbers)), _fitting(numbers)])
    if kind == "run":
        return joined([element("p", _run_sentence(known)), _run(numbers)])
    if numbers.document["model"]["classifier"] == "linear head":
        return element("p", _("Not known: a linear head answers, and what it was fitted to was not given."))
    return element("p", _("Not known: this model brings its own classifier, and does not say what it was trained on."))


def _linear_head(numbers: Numbers) -> Html:
    return fill(
        _n(
            "A logistic regression (L2 penalty, C = 1) on the frozen model's sentence vectors, fitted to {count} "
            "labelled text. The model itself was not changed.",
            "A logistic regression (L2 penalty, C = 1) on the frozen model's sentence vectors, fitted to {count} "
            "different labelled texts. The model itself was not changed.",
            numbers.at("/training/texts"),
        ),
        count=numbers("/training/texts"),
    )


def _fitting(numbers: Numbers) -> Html:
    known = numbers.document["training"]
    measured = None
    if known.get("out_of_fold"):
        at = "/training/out_of_fold"
        measured = fill(
            _("{accuracy} (95%: {interval}); rows: {count}; always “{name}”: {majority}"),
            accuracy=numbers.share(f"{at}/accuracy"),
            interval=numbers.interval(f"{at}/interval"),
            count=numbers(f"{at}/count"),
            name=numbers.at(f"{at}/commonest"),
            majority=numbers.share(f"{at}/majority"),
        )
    return facts(
        [
            (_("File"), known.get("file")),
            (_("SHA-256 of the file"), _code(known.get("sha256"))),
            (
                _("Rows without a text or a label, left out"),
                numbers("/training/left_out") if known["left_out"] is not None else None,
            ),
            (_("Out-of-fold accuracy on these rows"), measured),
        ]
    )


def _run_sentence(known: dict[str, object]) -> Html:
    return fill(_("The model was fine-tuned in the run “{name}”."), name=known["name"])


def _run(numbers: Numbers) -> Html:
    known = numbers.document["training"]
    rows = known["rows"]
    names = {"train": _("learned from"), "validation": _("choose the epoch"), "test": _("reported on")}
    split = joined(
        (
            fill("{name}: {count}", name=names[name], count=numbers(f"/training/rows/{name}"))
            for name in names
            if name in rows
        ),
        " · ",
    )
    settings = known["recipe"]
    listed_settings = table(
        _("Settings of the run"),
        [_("Setting"), _("Value")],
        [(element("code", name), str(value)) for name, value in settings.items()],
    )
    return joined(
        [
            facts(
                [
                    (_("Started from"), known.get("base")),
                    (_("Training data"), known.get("file")),
                    (_("SHA-256 of the file"), _code(known.get("sha256"))),
                    (_("Test data"), known.get("test_file")),
                    (_("SHA-256 of the test file"), _code(known.get("test_sha256"))),
                    (_("Rows"), split),
                    (_("Runs before it that it continues"), listed(known.get("parents", []))),
                    (_("Started"), known.get("began")),
                    (_("Ended"), known.get("ended")),
                    (_("Seed"), numbers("/training/seed", "d")),
                ]
            ),
            listed_settings,
        ]
    )


def data_card(numbers: Numbers) -> Html:
    """Return what is in the file."""
    card = numbers.document["data_card"]
    if card is None:
        return element("p", _("The file's contents were not counted."))
    at = "/data_card"
    counted = facts(
        [
            (_("Rows in the file"), numbers(f"{at}/rows")),
            (_("Rows read for this report"), numbers("/file/rows_read")),
            (_("Blank rows"), numbers(f"{at}/blank")),
            (_("Rows without a text"), numbers(f"{at}/without_text")),
            (_("Rows without a label"), numbers(f"{at}/without_label")),
            (_("Rows whose text stands in an earlier row"), numbers(f"{at}/repeated")),
            (_("Rows whose text has another label elsewhere"), numbers(f"{at}/contradicting")),
            (
                _("Words in a text: median, 95th percentile, most"),
                joined((numbers(f"{at}/words/{name}") for name in ("median", "percentile_95", "most")), " · "),
            ),
        ]
    )
    return joined([counted, *_classes(numbers)])


_MOST_CLASSES = 30


def _classes(numbers: Numbers) -> Iterator[Html]:
    classes = numbers.document["data_card"]["classes"]
    if classes:
        rows = [
            (one["label"], numbers(f"/data_card/classes/{index}/rows"))
            for index, one in enumerate(classes[:_MOST_CLASSES])
        ]
        yield table(_("Rows of each label"), [_("Label"), _("Rows")], rows, numeric=[1])
    if len(classes) > _MOST_CLASSES:
        yield element("p", _("Further labels stand in the JSON file."), class_="soft")


def day(created: str) -> str:
    """Return the day of a time as JSON has it."""
    return datetime.fromisoformat(created).strftime("%Y-%m-%d")
