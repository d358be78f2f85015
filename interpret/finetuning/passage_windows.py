"""Questions with their passages as a model takes them: in windows, the answer's two ends marked in each."""

from collections.abc import Sequence

import numpy as np

from interpret.core.accuracy import text_key
from interpret.core.encoder import Encoder
from interpret.core.question_answering import of_passage, passage_windows
from interpret.finetuning.answer_match import match, most_alike_sentence
from interpret.finetuning.collator import Item
from interpret.finetuning.examples import Examples
from interpret.finetuning.recipe import Recipe


class PassageWindows:
    """Cuts passages into windows behind their questions, as the model takes them."""

    def __init__(self, encoder: Encoder, recipe: Recipe, examples: Examples) -> None:
        self.encoder, self.examples = encoder, examples
        self.size = min(recipe.max_length, encoder.max_tokens)
        self.passages = examples.pairs or ()
        self.spans = examples.spans or ()
        # Where every passage has an answer, there is none to say that a passage has not.
        self.may_be_none = not all(self.spans)
        known: dict[str, int] = {}
        self.numbers = [known.setdefault(text_key(one), len(known)) for one in self.passages]

    def all(self, chosen: Sequence[int] | np.ndarray) -> list[Item]:
        """Read the windows of some questions."""
        return [item for index in chosen for item in self._of(int(index))]

    def _of(self, index: int) -> list[Item]:
        question, passage, spans = self.examples.texts[index], self.passages[index], self.spans[index]
        baseline = match(most_alike_sentence(question, passage), [passage[a:b] for a, b in spans])[1]
        found = []
        for window in passage_windows(self.encoder, question, passage, self.size):
            tokens = self.encoder.tokens(question, window.text)
            within = of_passage(tokens)
            start, end = _ends(tokens.span, within, [(a - window.start, b - window.start) for a, b in spans[:1]])
            found.append(
                {
                    "input_ids": tokens.ids.tolist(),
                    "token_type_ids": tokens.type_ids.tolist(),
                    "labels": (start, end),
                    "example": index,
                    "offset": window.start,
                    "span": tokens.span.astype(np.int32),
                    "within": within,
                    "text": passage,
                    "marked": spans,
                    "passage": self.numbers[index],
                    "may_be_none": self.may_be_none,
                    "baseline": baseline,
                }
            )
        return found


def _ends(span: np.ndarray, within: np.ndarray, marked: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the first and the last token of an answer in a window; the first token of all where it is not in it."""
    for start, end in marked:
        inside = np.flatnonzero(within & (span[:, 0] < end) & (span[:, 1] > start))
        if len(inside) and span[inside[0], 0] <= start and span[inside[-1], 1] >= end:
            return int(inside[0]), int(inside[-1])
    return 0, 0
