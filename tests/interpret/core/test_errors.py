"""An error keeps its sentence apart from its values, and both forms of one with a number."""

import copy
import json
import pickle

import pytest

from interpret import CapacityError, CheckpointError, InputError, InterpretError


def forms(count):
    one, many = "{count} vector", "{count} vectors"
    return InputError.counted(f"{one} of “{{name}}”", f"{many} of “{{name}}”", count, count=f"{count:,}", name="{0}")


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 vectors"), (1, "1 vector"), (2, "2 vectors"), (1000, "1,000 vectors")]
)
def test_an_error_has_the_form_of_its_number(count, said):
    error = forms(count)
    assert str(error) == f"{said} of “{{0}}”"
    assert type(error) is InputError


ERRORS = [
    forms(1),
    forms(2),
    InputError("“{name}” is empty: {why}", name="{0}{evil}", why=CheckpointError("{what}", what="{")),
    CapacityError.counted("{tokens} token needs more", "{tokens} tokens need more", 1, tokens=1),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("kept", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_is_the_same_in_another_process(error, kept):
    other = kept(error)
    assert type(other) is type(error)
    assert (str(other), other.plural) == (str(error), error.plural)


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_is_the_same_when_it_was_written_down(error):
    other = type(error).from_dict(json.loads(json.dumps(error.to_dict())))
    assert type(other) is type(error)
    assert (str(other), other.message, other.plural) == (str(error), error.message, error.plural)


def test_an_error_that_was_written_down_before_there_were_forms_is_read():
    error = InputError.from_dict({"sentence": "Line {line} is empty.", "values": {"line": "3"}})
    assert (str(error), error.plural) == ("Line 3 is empty.", None)


@pytest.mark.parametrize(
    "change",
    [
        {"sentence": 1},
        {"sentence": "{other}"},
        {"values": {"count": 1}},
        {"values": ["count"]},
        {"one": None},
        {"many": "{other}"},
        {"number": "1"},
        {"number": 1.5},
    ],
    ids=str,
)
def test_what_is_no_error_is_none(change):
    told = InputError.counted("{count} row", "{count} rows", 1, count=1).to_dict()
    assert str(InputError.from_dict(told)) == "1 row"
    with pytest.raises((ValueError, LookupError, AttributeError, TypeError)) as caught:
        InputError.from_dict(told | change)
    assert not isinstance(caught.value, InterpretError)
