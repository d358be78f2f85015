"""What came of a file's rows, written down one by one, so that nothing that is done is lost."""

import json
import math
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from interpret.attribution.attribution import Attribution
from interpret.attribution.find_target import bind_target
from interpret.attribution.row_attributions import Row
from interpret.attribution.rows import Question
from interpret.attribution.targets import Target, TargetInputs
from interpret.core.arrays import read_only
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.regular_files import open_regular
from interpret.core.saved_values import BROKEN

# Numbers and texts of an `Attribution` that are written as they are.
_PLAIN = (
    "method",
    "baseline",
    "rule",
    "tolerance",
    "smooth",
    "seed",
    "output",
    "baseline_output",
    "delta",
    "steps",
    "forward_passes",
    "backward_passes",
    "seconds",
)
_ARRAYS = ("scores", "uncertainty", "word_uncertainty")


class RowWriter:
    """Appends rows to a file, a line of JSON for each, which is whole on the disk or not there at all.

    Parameters
    ----------
    path
        The file. What a process that was killed has left of a line is ended first.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        if self._file.tell():
            self._file.write(b"\n")

    def write(self, index: int, found: Row | InputError) -> None:
        """Write what came of a text: of a row all that it takes to read it again beside the file."""
        if isinstance(found, InputError):
            line: dict[str, Any] = {"index": index, "error": found.to_dict()}
        else:
            one = found.attribution
            line = {
                "index": index,
                "cut": found.cut,
                "read": one.tokens.text if found.cut else None,
                "answer": found.answer,
                "probability": found.probability,
                "target": asdict(one.target),
                **{name: _number(getattr(one, name)) for name in _PLAIN},
                **{name: _numbers(getattr(one, name)) for name in _ARRAYS},
            }
        # One write: a line is not torn but by a machine that loses its power.
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Wait until the disk has it all."""
        os.fsync(self._file.fileno())
        self._file.close()


class RowReader:
    """Reads what a `RowWriter` has written so far, and what it writes later.

    Parameters
    ----------
    path
        The file; it may not be there yet.
    encoder
        The encoder that explains the rows.
    question
        What is asked of which texts.

    Attributes
    ----------
    found
        What came of each text so far, by its index. A line that is damaged is passed over: its row is still to be done.
    """

    def __init__(self, path: Path, encoder: Encoder, question: Question) -> None:
        self.path = path
        self.encoder = encoder
        self.question = question
        self.found: dict[int, Row | InputError] = {}
        self._read = 0
        self._alone = threading.Lock()

    def update(self) -> Mapping[int, Row | InputError]:
        """Read what is new; returns all of it."""
        with self._alone:
            if self.path.exists():
                with open_regular(self.path) as file:
                    file.seek(self._read)
                    content = file.read()
                whole = content[: content.rfind(b"\n") + 1]
                self._read += len(whole)
                for line in filter(None, whole.split(b"\n")):
                    # What is damaged is done again.
                    with suppress(*BROKEN):
                        self._take(json.loads(line.decode()))
            return dict(self.found)

    def _take(self, given: Mapping[str, Any]) -> None:
        index = int(given["index"])
        if not 0 <= index < len(self.question.texts):
            raise ValueError(f"there is no text {index}")
        if "error" in given:
            self.found[index] = InputError.from_dict(given["error"])
            return
        question = self.question
        text = question.texts[index] if given["read"] is None else str(given["read"])
        target = Target(**given["target"])
        # What the target keeps of the text, such as a prompt's tokens, is found by reading it again.
        function = bind_target(TargetInputs(self.encoder, text, None, question.head), target)
        plain: dict[str, Any] = {name: math.nan if given[name] is None else given[name] for name in _PLAIN}
        scores, uncertainty, words = (_array(given[name]) for name in _ARRAYS)
        if scores is None or len(scores) != len(function.tokens):
            raise ValueError("scores of another text")
        made = Attribution(
            tokens=function.tokens,
            spec=self.encoder.spec,
            target=target,
            scores=scores,
            uncertainty=uncertainty,
            word_uncertainty=words,
            **plain,
        )
        row = question.row(index, str(given["answer"]), made, float(given["probability"]), bool(given["cut"]))
        self.found[index] = row


def _number(value: Any) -> Any:
    # JSON has no word for it.
    return None if isinstance(value, float) and math.isnan(value) else value


def _numbers(values: np.ndarray | None) -> list[float] | None:
    # The shortest digits that give the same float32.
    return None if values is None else [float(str(one)) for one in np.asarray(values, np.float32)]


def _array(values: Any) -> np.ndarray | None:
    return None if values is None else read_only([float(one) for one in values], np.float32)
