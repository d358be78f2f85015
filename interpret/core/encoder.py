"""A model with its tokenizer on a device: the only place that calls a model's forward pass."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Literal

import torch
from transformers import PreTrainedModel

from interpret.core import tap as taps
from interpret.core.checkpoints import Checkpoint
from interpret.core.device_lock import lock_device
from interpret.core.errors import CheckpointError, InputError, InterpretError
from interpret.core.families import Family
from interpret.core.loading import bare
from interpret.core.model_checks import positions
from interpret.core.model_inputs import InputFormat
from interpret.core.sentence_pipeline import SentenceModel, read_prompted
from interpret.core.task_heads import Classifier
from interpret.core.tasks import Task, head_alone, logits_of
from interpret.core.tokenizer_loading import Vocabulary
from interpret.core.tokens import Tokens, tokenize
from interpret.core.vocabulary import TokenNames


@dataclass(frozen=True)
class EncoderSpec:
    """What decides an encoder's numbers: the honest key for anything kept about it.

    Attributes
    ----------
    checkpoint, device, precision
        Which weights, where, and in which floating-point format.
    prompt
        What is put before each single text, as models of sentence vectors are trained to be asked (“query: ”); None
        where nothing was said of it: then nothing is, but where a sentence's vector is made as the model's folder says.
    """

    checkpoint: Checkpoint
    device: str
    precision: str
    prompt: str | None = None


class Encoder:
    """A BERT-like encoder ready to be looked into. `load_encoder` makes one.

    Attributes
    ----------
    spec, family
        What it is.
    model
        The bare encoder, in evaluation mode. Only `forward` calls it.
    task
        What the checkpoint's own task head answers; None where it has none that is read here.
    head_note
        Why it has none; None where it has one.
    notes
        What a reader should know of how the checkpoint was read: of a head that was left out, of names that may be
        wrong, of words that its tokenizer never finds.
    tokenizer
        The Rust tokenizer.
    layers, heads, width
        Sizes; ``width`` is that of the hidden states.
    max_tokens
        The most tokens it reads at once, special ones counted.
    inputs
        How its inputs are made.
    padding_id
        The id of which tokens get no position, in families that count positions from it on; None in others.
    special, names
        What the tokenizer calls its special tokens; what tokens of the vocabulary are called where they stand alone.
    mask
        The token that stands for a hidden word; None where the vocabulary has none.
    head_reads_all
        Whether the task head reads every token's state, as those of `interpret.core.heads` do.
    sentence
        How the model makes sentence vectors, as its folder says; None where that says nothing.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        family: Family,
        whole: PreTrainedModel | Classifier,
        task: Task | None,
        vocabulary: Vocabulary,
        head_note: CheckpointError | None,
        notes: tuple[InterpretError, ...],
        sentence: SentenceModel | None = None,
    ) -> None:
        self.spec = spec
        self.family = family
        self.model = bare(whole)
        self.task = task
        self._whole = whole
        self.head_note, self.notes = head_note, notes
        self._vocabulary = vocabulary
        self.tokenizer, self.special = vocabulary.tokenizer, vocabulary.special
        self.names = TokenNames(vocabulary.tokenizer)
        self.mask = vocabulary.special.mask
        config = whole.config
        self.layers: int = config.num_hidden_layers
        self.heads: int = config.num_attention_heads
        self.width: int = config.hidden_size
        self.padding_id, self.max_tokens = positions(self.model, family, spec.checkpoint.name)
        # Transformers' own heads read the first token, but for ModernBERT's where its config says otherwise.
        self.head_reads_all = isinstance(whole, Classifier) or getattr(config, "classifier_pooling", "cls") == "mean"
        self.sentence = sentence and sentence.within(self.max_tokens)
        self.inputs = InputFormat(
            # Padding that the vocabulary does not have would be looked up all the same.
            pad=pad if 0 <= (pad := config.pad_token_id or 0) < config.vocab_size else 0,
            # A model of a single type has nothing to tell apart by it.
            token_types=vocabulary.token_types
            and (getattr(config, "type_vocab_size", 0) or 0) > 1
            and "token_type_ids" in inspect.signature(self.model.forward).parameters,
        )

    def with_prompt(self, prompt: str | None) -> "Encoder":
        """Return the same encoder, with the same weights, which puts a prompt before each single text.

        Examples
        --------
        >>> import interpret as it
        >>> asked = it.load_encoder("minilm").with_prompt("query: ")
        >>> tokens = asked.tokens("a bank")
        >>> tokens.text, tokens.strings
        ('a bank', ('[CLS]', 'query', ':', 'a', 'bank', '[SEP]'))
        >>> tokens.special.tolist()
        [True, True, True, False, False, True]
        """
        if prompt == self.spec.prompt:
            return self
        other = copy.copy(self)
        other.spec = replace(self.spec, prompt=prompt)
        return other

    def before(self, pair: str | None = None) -> str:
        """Return what is put before a text: its prompt, and before a pair nothing."""
        return self.spec.prompt or "" if pair is None else ""

    def tokens(self, text: str, pair: str | None = None) -> Tokens:
        """Cut a text, or a pair, into the model's tokens; of a single text those of the prompt are special ones.

        Raises
        ------
        InputError
            If there is nothing to read, or more than the model takes: `windows` then cuts it without losing any.
        """
        prompt = self.before(pair)
        tokens = read_prompted(self.tokenizer, text, prompt) if prompt else tokenize(self.tokenizer, text, pair)
        if len(tokens) > self.max_tokens:
            raise InputError(
                "The text has {length} tokens including special tokens, and this model reads at most {most} at once. "
                "Shorten it, or read it in windows.",
                length=len(tokens),
                most=self.max_tokens,
            )
        return tokens

    def batch(self, tokens: Sequence[Tokens]) -> dict[str, torch.Tensor]:
        """Put texts side by side, padded at the end to the longest, as the model's inputs on its device."""
        inputs = self.inputs.batch([one.ids for one in tokens], [one.type_ids for one in tokens])
        with lock_device(self.spec.device):
            return {name: torch.from_numpy(array).to(self.spec.device) for name, array in inputs.items()}

    def beside_embeddings(self, tokens: Sequence[Tokens]) -> dict[str, torch.Tensor]:
        """Return all inputs of texts but their ids, for a pass that is given ``inputs_embeds`` in their place.

        Where positions are counted from the padding's id on, they follow from the ids, which such a pass does not see.
        """
        inputs = self.batch(tokens)
        ids = inputs.pop("input_ids")
        if self.padding_id is not None:
            with lock_device(self.spec.device):
                counted = ids.ne(self.padding_id).long()
                inputs["position_ids"] = counted.cumsum(1) * counted + self.padding_id
        return inputs

    def forward(
        self,
        tokens: Sequence[Tokens],
        tap: taps.Tap | None = None,
        gradients: bool = False,
        task: bool = False,
        **options: Any,
    ) -> Any:
        """Run the model on a batch, alone on its device.

        Parameters
        ----------
        tap
            What to do with attention on the way.
        gradients
            Whether the graph is kept for a backward pass.
        task
            Whether the task head runs too; what is returned is then read by `logits_of`.
        **options
            Handed to the model, such as ``output_hidden_states=True``.

        Raises
        ------
        CapacityError
            If the device runs out of memory.
        """
        return self.run(self.batch(tokens), tap, gradients, task, **options)

    def run(
        self,
        inputs: Mapping[str, torch.Tensor],
        tap: taps.Tap | None = None,
        gradients: bool = False,
        task: bool = False,
        **options: Any,
    ) -> Any:
        """Run the model on inputs of its own kind, such as ``inputs_embeds`` in the place of ids; see `forward`."""
        with (
            lock_device(self.spec.device),
            taps.tapping(tap),
            nullcontext() if gradients else torch.inference_mode(),
        ):
            output = (self._whole if task else self.model)(**inputs, **options)
            # With a head the last states are there where they were wanted.
            states = (getattr(output, "hidden_states", None) or [None])[-1] if task else output.last_hidden_state
            # A card would have to be waited for in each pass.
            if states is not None and self.spec.device == "cpu" and "attention_mask" in inputs:
                self._check_numbers(states, inputs["attention_mask"])
            return output

    def _check_numbers(self, states: torch.Tensor, mask: torch.Tensor) -> None:
        """Refuse states that are no numbers, of tokens that are no padding: what follows from them would be none."""
        # A sum is one pass over them; what is infinite or NaN makes it so.
        if not (states.sum(-1, dtype=torch.float32).isfinite() | ~mask.bool()).all():
            raise CheckpointError(
                "“{name}” computes infinite values or NaN from this text in {precision}. "
                "Choose float32, which holds larger numbers than float16, or another model.",
                name=self.spec.checkpoint.name,
                precision=self.spec.precision,
            )

    @property
    def pair_task(self) -> Literal["next", "order"] | None:
        """What its head of two sentences was trained to tell, beside masked words.

        ``"next"``: whether the second text follows the first, or comes from elsewhere (BERT); ``"order"``: whether the
        two stand in their order, or are swapped (ALBERT).
        """
        if not type(self._whole).__name__.endswith("ForPreTraining"):
            return None
        return "order" if self.model.config.model_type == "albert" else "next"

    def guess(self, states: torch.Tensor) -> torch.Tensor:
        """Return what the masked-word head makes of hidden states: ``(state, width)`` to scores ``(state, token)``.

        Raises
        ------
        CheckpointError
            If the checkpoint has no such head.
        """
        whole = self._guesser()
        with lock_device(self.spec.device), torch.set_grad_enabled(states.requires_grad):
            return logits_of(head_alone(whole)(inputs_embeds=states[None].to(whole.dtype)))[0]

    def check_guesses(self) -> None:
        """Refuse to guess without a head that was trained to: see `guess`."""
        self._guesser()

    def _guesser(self) -> PreTrainedModel:
        if isinstance(self._whole, Classifier) or self.task is None or self.task.kind != "masked words":
            raise CheckpointError(
                "“{name}” has no masked-language-model head. {why} Choose a model that has one, such as "
                "google-bert/bert-base-uncased, or train one on the “Fine-tune” page.",
                name=self.spec.checkpoint.name,
                why=self.head_note or CheckpointError("Its head is a classification head."),
            )
        return self._whole

    def embed_tokens(self, ids: torch.Tensor) -> torch.Tensor:
        """Look tokens up in the embedding matrix: what the model adds positions and segments to.

        The last axis is as wide as the matrix, which in ALBERT and ELECTRA is narrower than the hidden states.
        """
        with lock_device(self.spec.device), torch.no_grad():
            return self.model.get_input_embeddings()(ids.to(self.spec.device))

    @property
    def embedding_matrix(self) -> torch.Tensor:
        """What `embed_tokens` looks up: a row for each token of the vocabulary."""
        return next(self.model.get_input_embeddings().parameters()).detach()

    def copy(self) -> "Encoder":
        """Return an encoder with weights of its own, which may be changed."""
        with lock_device(self.spec.device):
            whole = copy.deepcopy(self._whole)
        beside = (self._vocabulary, self.head_note, self.notes, self.sentence)
        return Encoder(self.spec, self.family, whole, self.task, *beside)

    def head_parts(self) -> list[torch.nn.Module]:
        """Return the modules of the task head, those outside the bare encoder; none where the checkpoint has none."""
        if self._whole is self.model:
            return []
        return [module for module in self._whole.children() if module is not self.model]

    @property
    def bytes(self) -> int:
        """The memory that its weights take; what several modules share counts once."""
        storages = (one.untyped_storage() for one in (*self._whole.parameters(), *self._whole.buffers()))
        return sum({one.data_ptr(): one.nbytes() for one in storages}.values())

    def part(self, path: str) -> torch.nn.Module:
        """Return a module of the model by its attribute path, such as ``family.layers``."""
        return attrgetter(path)(self.model)
