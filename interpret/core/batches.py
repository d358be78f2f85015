"""Many texts through an encoder, those of like length together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.tokens import check_texts
from interpret.core.windows import windows


def batches(encoder: Encoder, texts: Sequence[tuple[str, str | None]], tokens: int = 1024) -> Iterator[list[int]]:
    """Put texts of like length together, the shortest first, so that little is padding.

    Parameters
    ----------
    texts
        Each with its pair or None.
    tokens
        The most tokens in a batch, with its padding; a longer text is a batch of its own.

    Yields
    ------
    list of int
        The indices of a batch's texts.

    Raises
    ------
    InputError
        If a text is one that the model cannot read; the sentence says which.
    """
    lengths = []
    for index, (text, pair) in enumerate(texts):
        with naming(index, text):
            lengths.append(len(encoder.tokens(text, pair)))
    yield from batches_of(lengths, tokens)


def batches_of(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Put indices of texts of like length together, the shortest first: see `batches`."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[index] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


@contextmanager
def naming(index: int, text: str) -> Iterator[None]:
    """Say in an error which of many texts it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(
            "Text {number} (“{begin}”) cannot be read: {error}", number=index + 1, begin=text[:40], error=str(error)
        ) from error


def windows_of(encoder: Encoder, texts: Sequence[tuple[str, str | None]]) -> list[tuple[tuple[str, str | None], ...]]:
    """Cut each text, or pair, into windows that the model can read; what fits is its own only window.

    A long pair goes window by window through its first text, beside the first window of its second.

    Raises
    ------
    InputError
        If a text is none; the sentence says which.
    """
    found: list[tuple[tuple[str, str | None], ...]] = []
    for index, (text, pair) in enumerate(texts):
        with naming(index, text):
            check_texts(text, pair)
        if len(encoder.tokenizer.encode(encoder.before(pair) + text, pair).ids) <= encoder.max_tokens:
            found.append(((text, pair),))
        else:
            # Without overlap, so that nothing is counted twice.
            cut = windows(encoder, text, pair, encoder.max_tokens, overlap=0)
            second = cut.second[0].text if cut.second else None
            found.append(tuple((one.text, second) for one in cut.first))
    return found


def first_window(encoder: Encoder, text: str) -> tuple[str, bool]:
    """Return what is read of a text where one window has to do, and whether that leaves something out.

    Raises
    ------
    InputError
        If the text is none.
    """
    try:
        cut = windows_of(encoder, [(text, None)])[0]
    except InputError as error:
        # Who reads one text knows which; among many it would be called the first.
        raise error.__cause__ or error from None
    return cut[0][0], len(cut) > 1
