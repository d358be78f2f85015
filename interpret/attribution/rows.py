"""A whole file explained: which words drive each class, and which rows go wrong."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace

from interpret.attribution.attribution import Attribution, explain_together
from interpret.attribution.find_target import target_functions
from interpret.attribution.highlights import read_highlights
from interpret.attribution.path_integral import Progress
from interpret.attribution.plausibility import Plausibility, plausibility
from interpret.attribution.row_attributions import Row, RowAttributions
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets import Target
from interpret.attribution.targets.classifier import exclusive_class_names
from interpret.attribution.together import alike
from interpret.core.accuracy import text_key
from interpret.core.batches import first_window
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows
from interpret.core.labels import is_missing
from interpret.core.linear_head import LinearHead
from interpret.core.multi_device import all_encoders, share_out

Each = Callable[[int, Row | InputError], None]
# So many rows of a file are read before the first of them is explained: enough for full passes of texts of like length,
# few enough that rows come out about in the order of the file.
AT_ONCE = 256


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
    done: Mapping[int, Row | InputError] | None = None,
    each: Each | None = None,
) -> RowAttributions:
    """Explain many texts, each by itself, those of like length in one pass.

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
    done
        Rows that were explained before, or why they could not be, by their index: they are taken as they are.
    each
        Called with a row's index and what came of it as soon as it is done, in a thread for each device.

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
    """
    check_lengths(texts, {"labels": labels, "highlights": highlights, "file rows": origin})
    answered = exclusive_class_names(encoder, head)
    training_texts = head.out_of_fold if head is not None else training_texts
    question = Question(texts, labels, answered, training_texts, target, method, baseline, tolerance, head, seed)
    by_index = dict(done or {})
    left = [index for index in range(len(texts)) if index not in by_index]

    def explained(one: Encoder, share: tuple[int, int], report: Progress | None) -> dict[int, Row | InputError]:
        return explain_share(question, one, left[share[0] :: share[1]], each, report)

    def report_all(count: int, _total: int, stage: str) -> None:
        if progress is not None:
            progress(len(texts) - len(left) + count, len(texts), stage)

    for some in share_out(all_encoders(encoder, beside), len(left), explained, report_all):
        by_index |= some
    return gather_rows(by_index, texts, answered, method, highlights, origin)


def gather_rows(
    found: Mapping[int, Row | InputError],
    texts: Sequence[str],
    answered: Sequence[str],
    method: str,
    highlights: Sequence[str] | None = None,
    origin: FileRows | None = None,
) -> RowAttributions:
    """Put together what came of texts, of all or of those that are done so far.

    Parameters
    ----------
    found
        What came of a text, by its index.
    answered
        The classes that the model can answer.
    texts, method, highlights, origin
        As `attribute_rows` takes them.

    Raises
    ------
    InputError
        If no row can be explained.
    """
    skipped = [(index, one) for index, one in sorted(found.items()) if isinstance(one, InputError)]
    rows, unmarked = _compared([found[index] for index in sorted(found)], highlights)
    if not rows:
        first = next((error for index, error in skipped if texts[index].strip()), None)
        raise first or InputError("None of these texts contains words. Choose another file or column.")
    present = {row.attribution.target.name for row in rows}
    order = [name for name in answered if name in present]
    known = tuple(answered) if rows[0].answer else ()
    classes = tuple(order) or tuple(sorted(present))
    origin = origin or FileRows(tuple(range(1, len(texts) + 1)))
    return RowAttributions(tuple(rows), tuple(skipped), tuple(unmarked), known, classes, method, origin)


def check_lengths(texts: Sequence[str], columns: Mapping[str, Sized | None]) -> None:
    """Refuse columns that are not as long as the texts.

    Raises
    ------
    InputError
        If one is not.
    """
    for name, column in columns.items():
        if column is not None and len(column) != len(texts):
            raise InputError(
                "The number of {name} ({count}) differs from the number of texts ({texts}). Give one for each text, "
                "or none.",
                count=len(column),
                name=name,
                texts=len(texts),
            )


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of each text: see `attribute_rows`; ``answered`` are the classes that there are."""

    texts: Sequence[str]
    labels: Sequence[str] | None
    answered: Sequence[str]
    training_texts: Collection[str] | None
    target: str | int | Target
    method: str
    baseline: str
    tolerance: float
    head: LinearHead | None
    seed: int

    def row(self, index: int, answer: str, found: Attribution, probability: float, cut: bool) -> Row:
        """Put what came of a text beside what is known of it."""
        text = self.texts[index]
        label = self.labels[index].strip() if self.labels is not None else ""
        if label not in self.answered and is_missing(label):
            label = ""
        key = text_key(text)
        known = None if self.training_texts is None else key in self.training_texts
        out_of_fold = self.head.out_of_fold.get(key, "") if self.head is not None and answer else ""
        return Row(index, text, label, answer, known, out_of_fold, found, probability, cut, None)


def explain_share(
    question: Question,
    encoder: Encoder,
    mine: Sequence[int],
    each: Each | None = None,
    progress: Progress | None = None,
) -> dict[int, Row | InputError]:
    """Explain some of the texts on one device; return by its index each row, or why it cannot be explained.

    Parameters
    ----------
    mine
        Their indices.
    each, progress
        See `attribute_rows`.
    """
    found: dict[int, Row | InputError] = {}
    for first in range(0, len(mine), AT_ONCE):
        for index, one in _explain_some(question, encoder, mine[first : first + AT_ONCE]):
            found[index] = one
            if each is not None:
                each(index, one)
            if progress is not None:
                progress(len(found), len(mine), "rows")
    return found


def _explain_some(question: Question, encoder: Encoder, some: Sequence[int]) -> Iterator[tuple[int, Row | InputError]]:
    """Explain some of the texts, those of like length in one pass."""
    read: dict[int, tuple[str, bool]] = {}
    for index in some:
        try:
            read[index] = first_window(encoder, question.texts[index])
        except InputError as error:
            yield index, error
    order = list(read)
    functions = target_functions(encoder, [text for text, _cut in read.values()], question.target, question.head)
    for index, function in zip(order, functions, strict=True):
        if isinstance(function, InputError):
            yield index, function
    for group in alike(functions):
        bound = [one for number in group if isinstance(one := functions[number], TargetFunction)]
        how = (question.method, question.baseline, question.tolerance)
        for number, made in explain_together(bound, *how, seed=question.seed):
            index, function = order[group[number]], bound[number]
            if isinstance(made, InputError):
                yield index, made
                continue
            answer = question.answered[int(function.own.argmax())] if function.kind.predicts else ""
            yield index, question.row(index, answer, made, function.target_probability, read[index][1])


def _compared(
    found: Sequence[Row | InputError], highlights: Sequence[str] | None
) -> tuple[list[Row], list[tuple[int, InputError]]]:
    """Return the rows that were explained, beside what people marked, and those where that could not be used."""
    rows: list[Row] = []
    unmarked: list[tuple[int, InputError]] = []
    for one in found:
        if isinstance(one, InputError):
            continue
        rows.append(one)
        if highlights is not None and highlights[one.index].strip():
            try:
                rows[-1] = replace(one, human=_human(one, highlights[one.index]))
            except InputError as error:
                unmarked.append((one.index, error))
    return rows, unmarked


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
