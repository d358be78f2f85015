"""The games that BERT learned from, masked words and next sentences, as a training plays them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import transformers as tf
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy

from interpret.batching import batches_of
from interpret.encoder import Encoder
from interpret.errors import InputError
from interpret.finetuning.examples import Examples
from interpret.finetuning.passages import sentences_of
from interpret.finetuning.reading import NO_LABEL, Collate, Item
from interpret.finetuning.recipe import Recipe
from interpret.finetuning.results import facts_of, measure_game
from interpret.finetuning.trainer import EVALUATED_PIECES, Answers, FineTuner
from interpret.masking import Masking, mask_pieces, ordinary_ids
from interpret.tasks import logits_of, pair_logits_of

# Where a game is drawn that is the same at every time.
_ALWAYS = 2**31
# As Devlin et al. 2019 count: the second text follows, or is from elsewhere.
FOLLOWS, ELSEWHERE = 0, 1
# Sentences on either side of where two texts meet, at most, in a passage that is shortened.
_FEW = 3


class Game(Sequence[Item]):
    """Passages with some pieces hidden, and half of them with the end of another: drawn anew at every time.

    What is drawn depends on the seed, the time and the passage alone, so that a training that goes on after a stop
    meets the same games.

    Parameters
    ----------
    places
        Which of the examples these are.
    time
        Asked which pass through the examples it is; None for a game that is always the same.
    """

    def __init__(
        self,
        encoder: Encoder,
        recipe: Recipe,
        examples: Examples,
        places: Sequence[int],
        time: Callable[[], int] | None = None,
    ) -> None:
        if encoder.mask is None:
            raise InputError(
                "This model's vocabulary has no mask, so it cannot learn from hidden words. Choose another model, or a "
                "labelled file."
            )
        self.examples, self.places, self.time = examples, places, time
        self.seed, self.masking, self.short = recipe.seed, Masking(rate=recipe.masked), recipe.short
        self.pieces = Tokenizer.from_str(encoder.pieces.to_str())
        self.pieces.enable_truncation(min(recipe.max_tokens, encoder.max_tokens))
        self.mask, self.others = int(encoder.pieces.token_to_id(encoder.mask) or 0), ordinary_ids(encoder.pieces)
        self.documents: dict[str, list[int]] = {}
        for place in places:
            self.documents.setdefault(examples.labels[place], []).append(place)
        if examples.pairs is not None and len(places) < 2:
            raise InputError(
                "There is a single passage to learn from or to judge by, so no second text can be from elsewhere. "
                "Bring a longer text, or hold more of it out."
            )

    def __len__(self) -> int:
        return len(self.places)

    def lengths(self) -> list[int]:
        """Return how many pieces each passage has as it stands in the text."""
        pairs = self.examples.pairs
        texts = [
            (self.examples.texts[place], pairs[place]) if pairs is not None else self.examples.texts[place]
            for place in self.places
        ]
        return [len(one.ids) for one in self.pieces.encode_batch(texts)]

    def __getitem__(self, number: Any) -> Any:
        place = self.places[number]
        examples = self.examples
        random = np.random.default_rng([self.seed, _ALWAYS if self.time is None else self.time(), place])
        item: Item = {}
        second = None
        if examples.pairs is not None:
            item["next"] = FOLLOWS if random.random() < 0.5 else ELSEWHERE
            second = examples.pairs[place]
            if item["next"] == ELSEWHERE:
                # From the same document where it has another passage, or the subject alone would tell.
                own = self.documents[examples.labels[place]]
                others = own if len(own) > 1 else self.places
                chosen = others[int(random.integers(len(others) - 1))]
                second = examples.pairs[chosen if chosen != place else others[-1]]
        first = examples.texts[place]
        if self.time is not None and random.random() < self.short:
            first, second = _shortened(first, second, int(random.integers(1, _FEW + 1)))
        found = self.pieces.encode(first, second)
        ids = np.array(found.ids)
        open_to = ~np.array(found.special_tokens_mask, bool)
        masked = mask_pieces(ids, open_to, self.mask, self.others, random, self.masking)
        while self.time is None and open_to.any() and not masked.chosen.any():
            # What is judged by is drawn once: a passage without a question would be judged by nothing.
            masked = mask_pieces(ids, open_to, self.mask, self.others, random, self.masking)
        return item | {
            "input_ids": masked.ids.tolist(),
            "token_type_ids": found.type_ids,
            "labels": np.where(masked.chosen, ids, NO_LABEL).tolist(),
        }


def _shortened(first: str, second: str | None, count: int) -> tuple[str, str | None]:
    """Return so many sentences of each text: the nearest to where they meet."""
    kept = " ".join(sentences_of(first)[-count:])
    return kept, second if second is None else " ".join(sentences_of(second)[:count])


@contextmanager
def reading_at(model: tf.PreTrainedModel, chosen: torch.Tensor) -> Iterator[None]:
    """While the block runs, the masked-word head reads the states at some places only: ``(batch, token)``, true there.

    The vocabulary is wide: answered for every piece, it would take longer than all layers of a small model.
    """
    body = getattr(model, model.base_model_prefix)

    def pick(_module: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        states = given[0] if given else None
        if isinstance(states, torch.Tensor) and states.ndim == 3:
            return (states[chosen], *given[1:])
        return given

    hooks = [one.register_forward_pre_hook(pick) for one in model.children() if one is not body]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class GameTrainer(FineTuner):
    """The training of a model by the games: its loss is the weighted sum of both games' mean cross-entropies."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of the words that were chosen, and of whether the second text follows."""
        labels, following = inputs.pop("labels"), inputs.pop("next", None)
        chosen = labels != NO_LABEL
        with reading_at(self.learner.model, chosen):  # type: ignore[arg-type]
            output = model(**inputs)
        # A batch of few pieces may have none that is chosen.
        loss = cross_entropy(logits_of(output).float(), labels[chosen], reduction="sum") / chosen.sum().clamp_min(1)
        if following is not None:
            loss = loss + self.recipe.pair_weight * cross_entropy(pair_logits_of(output).float(), following)
        return (loss, output) if return_outputs else loss

    def judge(self) -> tuple[float, Answers]:
        """Return the loss on what was held out, and the answers.

        ``truth``, ``guess``, ``chance`` and ``rank`` tell of each chosen piece what it is, what the model guesses, the
        probability of the true one, and how many are likelier; ``rows`` which example it is of. With next sentences
        ``follows`` is the probability that the second text follows, and ``following`` whether it does, for each.
        """
        lesson = self.lesson
        answers = ask(self.learner.model, lesson.judged, lesson.collate)
        loss = -float(np.log(np.maximum(answers["chance"], 1e-30)).mean())
        if "follows" in answers:
            sure = np.where(answers["following"], answers["follows"], 1 - answers["follows"])
            loss -= self.recipe.pair_weight * float(np.log(np.maximum(sure, 1e-30)).mean())
        return loss, answers

    def _score(self, answers: Answers) -> float:
        return float((answers["rank"] == 0).mean())

    def before_first_step(self) -> None:
        """Let every pass through the passages be another game, and judge the model as it comes."""
        if isinstance(self.lesson.learned, Game):
            self.lesson.learned.time = lambda: int(self.state.global_step // self.steps_an_epoch)
        if self.state.global_step == 0 and not self.progress.evaluations:
            self.after_epoch()

    def _facts(self, answers: Answers) -> Mapping[str, float]:
        return facts_of(measure_game(answers))

    def _probed(self) -> tuple[tuple[float, ...], ...]:
        return ()


def ask(model: Any, game: Sequence[Item], collate: Collate) -> Answers:
    """Let a model play: what it says of every piece that is chosen, and of every pair; see `GameTrainer.judge`."""
    items = [game[i] for i in range(len(game))]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", "guess", "chance", "rank", "rows")}
    pairs: dict[str, list[np.ndarray]] = {"follows": [], "following": []}
    order = []
    model.eval()
    with torch.no_grad():
        for batch in batches_of([len(one["input_ids"]) for one in items], EVALUATED_PIECES):
            inputs = collate([items[i] for i in batch])
            labels, following = inputs.pop("labels"), inputs.pop("next", None)
            chosen = labels != NO_LABEL
            with reading_at(model, chosen):
                output = model(**inputs)
            order += batch
            _add(columns, logits_of(output).float(), labels[chosen], np.repeat(batch, chosen.sum(1).cpu().numpy()))
            if following is not None:
                pairs["follows"].append(pair_logits_of(output).float().softmax(-1)[:, FOLLOWS].cpu().numpy())
                pairs["following"].append((following == FOLLOWS).cpu().numpy())
    answers = {name: np.concatenate(some) for name, some in columns.items()}
    if pairs["follows"]:
        back = np.argsort(order)
        answers |= {name: np.concatenate(some)[back] for name, some in pairs.items()}
    return answers


def _add(columns: dict[str, list[np.ndarray]], logits: torch.Tensor, truth: torch.Tensor, rows: np.ndarray) -> None:
    own = logits.gather(1, truth[:, None])
    found = {
        "truth": truth,
        "guess": logits.argmax(-1),
        "chance": (own[:, 0] - logits.logsumexp(-1)).exp(),
        "rank": (logits > own).sum(-1),
    }
    for name, one in found.items():
        columns[name].append(one.cpu().numpy())
    columns["rows"].append(rows)
