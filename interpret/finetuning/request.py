"""What is asked of a run: its recipe, its data, its name."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from interpret.core.errors import InputError
from interpret.core.saved_values import BROKEN, as_object, number
from interpret.finetuning.data_source import PASSAGE_WORDS
from interpret.finetuning.passages import MOST_WORDS
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.run_files import todays_names

# What was called otherwise in files of before.
_NAMES_BEFORE = {"judged": "test_data", "words": "passage_words", "tags": "tag_column"}
# A name that MLflow keeps whole.
LONGEST_NAME = 250


@dataclass(frozen=True)
class Request:
    """What a run is asked to do.

    Attributes
    ----------
    recipe
        How the model is trained.
    name
        What the reader calls it.
    data, test_data
        The names of the labelled files as they were given; the second one is the test set, where there is one. Else a
        share of the first is held out.
    text, label, pair, task, passage_words, tag_column
        See `interpret.finetuning.data.read_examples`.
    probes
        Sentences that are watched.
    parent
        The run whose model this one goes on from; empty for none.
    group
        What runs of one sweep have in common; empty outside of one.
    base
        What the reader calls the model that it starts from, where the recipe has the path of a folder.
    apart
        Whether an epoch, where one is chosen, is chosen by other rows than the result is reported on: see
        `interpret.finetuning.splits.split_rows`.
    """

    recipe: Recipe
    name: str
    data: str
    test_data: str = ""
    text: str = "text"
    label: str = "label"
    pair: str | None = None
    task: str = "classes"
    passage_words: int = PASSAGE_WORDS
    probes: tuple[str, ...] = ()
    parent: str = ""
    group: str = ""
    base: str = ""
    tag_column: str = ""
    apart: bool = True

    @property
    def chooses(self) -> bool:
        """Whether an epoch is to be chosen by rows of its own."""
        return self.apart and self.recipe.patience > 0

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    def params(self) -> dict[str, str]:
        """Return what was asked as names and words, as a record keeps them."""
        recipe = {name: str(value) for name, value in asdict(self.recipe).items()}
        recipe["frozen"] = ", ".join(self.recipe.frozen)
        # A path says little, and is nobody's to know.
        recipe["model"] = self.base or recipe["model"]
        return recipe | {"data": self.data, "task": self.task, "text": self.text, "label": self.label}

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it is no request.
        """
        try:
            # Runs that were asked for before there were rows to choose by were split without them.
            given = {"apart": False} | todays_names(as_object(text.encode("utf-8")), _NAMES_BEFORE)
            recipe = Recipe.from_json(json.dumps(given.pop("recipe")))
            given["probes"] = tuple(given["probes"])
            known = {one.name for one in fields(cls)}
            given = {name: one for name, one in given.items() if name in known}
            for name, one in given.items():
                wanted = {"passage_words": (int,), "pair": (str, type(None)), "apart": (bool,)}.get(name, (str,))
                if not all(isinstance(part, wanted) for part in (one if name == "probes" else (one,))):
                    raise TypeError(f"“{name}” is of another kind")
            number(given.get("passage_words", PASSAGE_WORDS), 1.0, float(MOST_WORDS))
            return cls(recipe, **given)
        except BROKEN as error:
            raise InputError("This is not a valid run: {error}.", error=str(error)[:200]) from error


def data_file(folder: Path, request: Request) -> Path:
    """Where a run keeps the file that it learns from."""
    return folder / f"data{Path(request.data).suffix.lower()}"


def file_of_test_data(folder: Path, request: Request) -> Path:
    """Where a run keeps the file with its test set."""
    return folder / f"judged{Path(request.test_data).suffix.lower()}"
