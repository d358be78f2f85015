"""Every row of a file is read or counted, under the number that it has there."""

import pytest

from dashboard.widgets.table_caption import described
from interpret.core.files import read_table


@pytest.mark.parametrize(
    "content, name, numbers, skipped, short",
    [
        (b"a,b\n1,2\n\n,\n3,4\n5\n", "x.csv", (1, 4, 5), (2, 3), 1),
        (b"\n\na\tb\n\n1\t2\n", "x.tsv", (2,), (1,), 0),
        (b'{"a": 1}\n\n{"a": 2}\n', "x.jsonl", (1, 3), (2,), 0),
        (b"One.\n\n\n\nTwo.\n", "x.txt", (1, 2), (), 0),
    ],
)
def test_each_row_has_its_number_in_the_file(content, name, numbers, skipped, short):
    table = read_table(content, name)
    assert table.numbers == numbers
    assert tuple(one.number for one in table.skipped) == skipped
    assert sorted(numbers + skipped) == list(range(1, len(numbers + skipped) + 1))
    assert table.short == short
    said = described(table, name)
    assert f"{'paragraphs' if name == 'x.txt' else 'rows'} read: {len(numbers)}" in said
    assert (f"blank rows skipped: {len(skipped)}" in said) == bool(skipped)
