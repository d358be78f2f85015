"""A whole file explained: which words drive each class, and which rows go wrong."""

from collections.abc import Collection, Mapping, Sequence, Sized
from dataclasses import replace
from functools import partial
from typing import Any

from interpret.attribution.attribution import explain
from interpret.attribution.highlights import read_highlights
from interpret.attribution.path_integral import Progress
from interpret.attribution.plausibility import Plausibility, plausibility
from interpret.attribution.row_attributions import Row, RowAttributions
from interpret.attribution.target_function import target_function
from interpret.attribution.targets import Target
from interpret.attribution.targets.classifier import class_names
from interpret.core.accuracy import text_key
from interpret.core.batches import windows_of
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows
from interpret.core.labels import is_missing
from interpret.core.linear_head import LinearHead
from interpret.core.multi_device import all_encoders, share_out


def attribute_rows(
    encoder: Encoder,
    texts: Sequence[str],
    labels: Sequence[str] | None = None,
    target: str | int | Target = "predicted",
    method: str = "integrated_gradients",
    baseline: str = "pad",
    tolerance: float = 0.01,
    *,
    head: LinearHead | None = None,
    highlights: Sequence[str] | None = None,
    origin: FileRows | None = None,
    training_texts: Collection[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    beside: Sequence[Encoder] = (),
) -> RowAttributions:
    """Explain many texts, each by itself.

    Parameters
    ----------
    texts
        Rows that cannot be read are skipped, and of texts that are too long the first window is read.
    labels
        What each should be, in the names of the classes; what is written as missing (`interpret.core.labels.MISSING`)
        is no label, unless a class is called so.
    target, method, baseline, tolerance, head, seed
        See `interpret.attribute`.
    highlights
        What people marked in each text: see `read_highlights`. Empty where nothing.
    origin
        Which rows of a file the texts are; numbered from 1, as given, unless told.
    training_texts
        The texts that the model learned from, as `interpret.core.accuracy.text_key` writes them; None where that is not
        known. Of a ``head`` it is known.
    progress
        Called as ``progress(texts done, texts in all, "rows")``; raising inside it stops the work.
    beside
        The same encoder on other devices, which share the rows: see `interpret.load_beside`.

    Raises
    ------
    InputError
        If no row can be explained, or the model cannot be asked that.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> found = it.attribution.attribute_rows(
    ...     encoder, ["A wonderful film.", "", "A boring film."], ["good", "good", "bad"], head=head, method="saliency"
    ... )
    >>> [(row.text, row.answer) for row in found.rows]
    [('A wonderful film.', 'good'), ('A boring film.', 'bad')]
    >>> [index for index, _ in found.skipped]
    [1]
    """
    _check_lengths(texts, {"labels": labels, "highlights": highlights, "file rows": origin})
    answered = class_names(encoder, head)
    training_texts = head.out_of_fold if head is not None else training_texts
    how = (target, method, baseline, tolerance, head, seed)
    explained = partial(_explain_share, texts, labels, answered, training_texts, how)
    shares = share_out(all_encoders(encoder, beside), len(texts), explained, progress)
    by_index = {index: one for some in shares for index, one in some.items()}
    skipped = [(index, one) for index, one in sorted(by_index.items()) if isinstance(one, InputError)]
    rows, unmarked = _compared([by_index[index] for index in range(len(texts))], highlights)
    if not rows:
        said = next((error for index, error in skipped if texts[index].strip()), None)
        raise said or InputError("None of these texts contains words. Choose another file or column.")
    present = {row.attribution.target.name for row in rows}
    order = [name for name in answered if name in present]
    known = answered if rows[0].answer else ()
    classes = tuple(order) or tuple(sorted(present))
    origin = origin or FileRows(tuple(range(1, len(texts) + 1)))
    return RowAttributions(tuple(rows), tuple(skipped), tuple(unmarked), known, classes, method, origin)


def _check_lengths(texts: Sequence[str], columns: Mapping[str, Sized | None]) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != len(texts):
            raise InputError(
                "The number of {name} ({count}) differs from the number of texts ({texts}). Give one for each text, "
                "or none.",
                count=len(column),
                name=name,
                texts=len(texts),
            )


def _explain_share(
    texts: Sequence[str],
    labels: Sequence[str] | None,
    answered: Sequence[str],
    training_texts: Collection[str] | None,
    how: tuple[Any, ...],
    encoder: Encoder,
    share: tuple[int, int],
    report: Progress | None,
) -> dict[int, Row | InputError]:
    """Explain one device's share of the texts; return by its index each row, or why it cannot be explained."""
    found: dict[int, Row | InputError] = {}
    mine = range(share[0], len(texts), share[1])
    for done, index in enumerate(mine):
        label = labels[index].strip() if labels is not None else ""
        if label not in answered and is_missing(label):
            label = ""
        try:
            found[index] = _row(encoder, index, texts[index], label, training_texts, how)
        except InputError as error:
            found[index] = error
        if report is not None:
            report(done + 1, len(mine), "rows")
    return found


def _compared(
    found: Sequence[Row | InputError], highlights: Sequence[str] | None
) -> tuple[list[Row], list[tuple[int, InputError]]]:
    """Return the rows that were explained, beside what people marked, and those where that could not be used."""
    rows: list[Row] = []
    unmarked: list[tuple[int, InputError]] = []
    for index, one in enumerate(found):
        if isinstance(one, InputError):
            continue
        rows.append(one)
        if highlights is not None and highlights[index].strip():
            try:
                rows[-1] = replace(one, human=_human(one, highlights[index]))
            except InputError as error:
                unmarked.append((index, error))
    return rows, unmarked


def _row(
    encoder: Encoder, index: int, text: str, label: str, training_texts: Collection[str] | None, how: tuple[Any, ...]
) -> Row:
    target, method, baseline, tolerance, head, seed = how
    tokens = windows_of(encoder, [(text, None)])[0]
    function = target_function(encoder, tokens[0][0], None, target, head)
    found = explain(function, method, baseline, tolerance, seed=seed)
    answer = out_of_fold = ""
    if function.kind.predicts:
        answer = class_names(encoder, head)[int(function.own.argmax())]
        out_of_fold = head.out_of_fold.get(text_key(text), "") if head is not None else ""
    known = None if training_texts is None else text_key(text) in training_texts
    return Row(
        index, text, label, answer, known, out_of_fold, found, function.target_probability, len(tokens) > 1, None
    )


def _human(row: Row, marked: str) -> Plausibility:
    found = row.attribution
    # Marks are of the whole text; what was read is a stretch of it.
    start, length = row.text.find(found.tokens.text), len(found.tokens.text)
    spans = [(begin - start, end - start) for begin, end in read_highlights(row.text, marked)]
    inside = [(max(begin, 0), min(end, length)) for begin, end in spans if begin < length and end > 0]
    if spans and not inside:
        raise InputError.counted(
            "All highlights lie beyond the first {count} character, and only that was read.",
            "All highlights lie beyond the first {count} characters, and only those were read.",
            start + length,
            count=start + length,
        )
    return plausibility(found.tokens, found.scores, inside)
