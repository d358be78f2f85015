"""The rows of a whole file that is explained in a process of its own, and what is done of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from interpret.attribution.head_files import read_head
from interpret.attribution.row_attributions import Row, RowAttributions
from interpret.attribution.row_jobs import TRAINING, RowJob, damaged
from interpret.attribution.rows import Question, gather_rows
from interpret.attribution.targets.classifier import class_names
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.file_rows import FileRows, rows_of, sample_rows
from interpret.core.regular_files import read_regular
from interpret.core.saved_values import BROKEN, as_object


@dataclass(frozen=True, eq=False)
class JobRows:
    """The rows of a job's file.

    Attributes
    ----------
    question
        What is asked of which texts.
    highlights
        What people marked in each; None without such a column.
    origin
        Which rows of the file they are.
    """

    question: Question
    highlights: tuple[str, ...] | None
    origin: FileRows

    def so_far(self, found: Mapping[int, Row | InputError]) -> RowAttributions | None:
        """Put together what came of rows, by their index; None before any could be explained."""
        question = self.question
        try:
            return gather_rows(found, question.texts, question.answered, question.method, self.highlights, self.origin)
        except InputError:
            # Rows that could not be explained are no result by themselves.
            return None


def job_rows(job: RowJob, encoder: Encoder) -> JobRows:
    """Read what is asked of which rows.

    Raises
    ------
    InputError
        If a file of the job is missing or damaged.
    """
    request, table = job.request, job.table
    chosen = sample_rows(len(table.rows), request.most, request.seed)

    def values(column: int) -> tuple[str, ...] | None:
        return tuple(table.rows[i][column] for i in chosen) if column >= 0 else None

    head = read_head(job.folder, encoder)
    try:
        training: Collection[str] | None = None if head is None else head.out_of_fold
        if head is None and (job.folder / TRAINING).exists():
            training = frozenset(map(str, as_object(read_regular(job.folder / TRAINING))["texts"]))
        texts = values(request.text) or ()
        origin = rows_of(table, chosen, [table.columns[request.text]])
    except BROKEN as error:
        raise damaged(job.folder, error) from error
    question = Question(
        texts,
        values(request.label),
        class_names(encoder, head),
        training,
        request.target,
        request.method,
        request.baseline,
        request.tolerance,
        head,
        request.seed,
    )
    return JobRows(question, values(request.highlights), origin)
