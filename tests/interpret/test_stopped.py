"""Long work that whoever runs a server has stopped ends, and is no fault of the text that it was at."""

import pytest

import interpret as it
from interpret.core import device_queue

PAIRS = [(f"The bank was {word}.", f"The bank were {word}.") for word in ("open", "shut", "late", "full", "new", "old")]
TEXTS = [good for good, _bad in PAIRS]


def stopping(mine):
    """Return a ``progress`` that asks for the end of a request, once something was done."""

    def progress(done, _total, _stage):
        mine.stopped = mine.stopped or done > 0

    return progress


def minimal_pairs(progress):
    return it.pretraining.compare_minimal_pairs(
        it.load_encoder("minilm-guesser", device="cpu"), PAIRS, progress=progress
    )


def rows(progress):
    encoder = it.load_encoder("minilm", device="cpu")
    head = it.fit_head(encoder, TEXTS, ("a", "b") * 3)
    # More than fit into one batch.
    return it.attribution.attribute_rows(encoder, TEXTS * 50, head=head, method="saliency", progress=progress)


@pytest.mark.parametrize("work", [minimal_pairs, rows])
def test_work_that_goes_on_past_what_it_cannot_read_does_not_go_on_past_that(work):
    with device_queue.request() as mine, pytest.raises(it.Cancelled):
        work(stopping(mine))
    # Once: what comes next is other work.
    assert not mine.stopped
