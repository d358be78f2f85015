"""The training of a model by the games that BERT learned from, and how it plays them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import transformers as tf
from torch.nn.functional import cross_entropy

from interpret.core.batches import batches_of
from interpret.core.tasks import logits_of, pair_logits_of
from interpret.finetuning.collator import NO_LABEL, Collator, Item
from interpret.finetuning.facts import facts_of
from interpret.finetuning.pretraining_collator import FOLLOWS, PretrainingCollator
from interpret.finetuning.pretraining_results import measure_pretraining
from interpret.finetuning.trainer import Answers, FineTuner


@contextmanager
def reading_at(model: tf.PreTrainedModel, chosen: torch.Tensor) -> Iterator[None]:
    """While the block runs, the masked-word head reads the states at some places only: ``(batch, token)``, true there.

    The vocabulary is wide: answered for every token, it would take longer than all layers of a small model.
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


class PretrainingTrainer(FineTuner):
    """The training of a model by the games: its loss is the weighted sum of both games' mean cross-entropies."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of the words that were chosen, and of whether the second text follows."""
        labels, following = inputs.pop("labels"), inputs.pop("next", None)
        chosen = labels != NO_LABEL
        with reading_at(self.learner.model, chosen):  # type: ignore[arg-type]
            output = model(**inputs)
        # A batch of few tokens may have none that is chosen.
        loss = cross_entropy(logits_of(output).float(), labels[chosen], reduction="sum") / chosen.sum().clamp_min(1)
        if following is not None:
            loss = loss + self.recipe.pair_weight * cross_entropy(pair_logits_of(output).float(), following)
        return (loss, output) if return_outputs else loss

    def judge(self, items: Sequence[Item]) -> tuple[float, Answers]:
        """Return the loss on what was held out, and the answers.

        ``truth``, ``guess``, ``chance`` and ``rank`` tell of each chosen token what it is, what the model guesses, the
        probability of the true one, and how many are likelier; ``rows`` which example it is of. With next sentences
        ``follows`` is the probability that the second text follows, and ``following`` whether it does, for each.
        """
        answers = answers_of(self.learner.model, items, self.lesson.collate)
        loss = -float(np.log(np.maximum(answers["chance"], 1e-30)).mean())
        if "follows" in answers:
            sure = np.where(answers["following"], answers["follows"], 1 - answers["follows"])
            loss -= self.recipe.pair_weight * float(np.log(np.maximum(sure, 1e-30)).mean())
        return loss, answers

    def _score(self, answers: Answers) -> float:
        return float((answers["rank"] == 0).mean())

    def before_first_step(self) -> None:
        """Let every pass through the passages be another game, and judge the model as it comes."""
        if isinstance(self.lesson.learned, PretrainingCollator):
            self.lesson.learned.time = lambda: int(self.state.global_step // self.steps_an_epoch)
        if self.state.global_step == 0 and not self.progress.evaluations:
            self.after_epoch()

    def _facts(self, answers: Answers) -> Mapping[str, float]:
        return facts_of(measure_pretraining(answers))

    def _probed(self) -> tuple[tuple[float, ...], ...]:
        return ()


def answers_of(model: Any, game: Sequence[Item], collate: Collator) -> Answers:
    """Let a model play: what it says of every token that is chosen, and of every pair; see `GameTrainer.judge`."""
    items = [game[i] for i in range(len(game))]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", "guess", "chance", "rank", "rows")}
    pairs: dict[str, list[np.ndarray]] = {"follows": [], "following": []}
    order = []
    model.eval()
    with torch.no_grad():
        for batch in batches_of([len(one["input_ids"]) for one in items], collate.tokens_per_batch):
            inputs = collate.on_device([items[i] for i in batch])
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
