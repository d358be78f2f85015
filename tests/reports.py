"""Reports on files that are made on the spot, read by a tiny model."""

import random
from html.parser import HTMLParser

import interpret as it
from dashboard.report.facts import file_facts, head_facts
from interpret.core.column_roles import ColumnRoles
from interpret.core.data_card import make_data_card
from interpret.core.file_rows import rows_of
from interpret.core.files import Table

WORDS = ("river", "bank", "steep", "money", "rich", "tired", "animals", "lent", "said", "because", "was", "the", "and")


def texts(count, length=6, seed=0):
    """Different texts of words that the tiny models know."""
    draw = random.Random(seed)
    found = dict.fromkeys(" ".join(draw.choices(WORDS, k=length)) for _ in range(3 * count))
    return list(found)[:count]


def make_document(encoder, body, labels, cases=None, name="letters.csv", more=()):
    """Return a report as JSON has it, of texts and labels whose head is fitted on the same; ``more`` have no label."""
    head = it.fit_head(encoder, body, labels)
    rows = tuple(
        (text, label, f"C-{index}") for index, (text, label) in enumerate([*zip(body, labels, strict=True), *more])
    )
    table = Table(("text", "label", "id"), rows, "utf-8", tuple(range(1, len(rows) + 1)))
    found = it.attribution.attribute_rows(
        encoder,
        [row[0] for row in rows],
        [row[1] for row in rows],
        head=head,
        method="occlusion",
        origin=rows_of(table, range(len(rows)), ["text"]),
    )
    report = it.attribution.make_report(
        encoder,
        found,
        head=head,
        cases=cases,
        data_card=make_data_card(table, ColumnRoles(text=0, label=1, id=2)),
        file=file_facts(name, b"its bytes", "utf-8", "text", "label", "id"),
        training=head_facts(head, name, b"its bytes", 0),
    )
    return it.attribution.report_json(report)


class Page(HTMLParser):
    """What is on a page: its elements with their attributes, and the text in each."""

    def __init__(self, content):
        super().__init__()
        self.elements = []
        self._open = []
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        one = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(one)
        if tag not in ("meta", "col"):
            self._open.append(one)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for one in self._open:
            one["text"] += data

    def all(self, tag):
        return [one for one in self.elements if one["tag"] == tag]
