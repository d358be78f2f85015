"""Which way of making sentence vectors is asked of an encoder, and texts read that way."""

from dataclasses import dataclass

import torch
from jaxtyping import Float

from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.sentence_pipeline import OWN, PLAIN, SentenceModel, prompt_tokens, read_prompted
from interpret.core.tokens import Tokens

POOLINGS = (*PLAIN, OWN)


@dataclass(frozen=True, eq=False)
class SentenceReading:
    """How texts are read into sentence vectors. `sentence_reading` makes one.

    Attributes
    ----------
    encoder
        What reads them.
    name
        A name in `POOLINGS`; ``"own"`` is what the model's folder says.
    model
        What makes a vector of the last hidden states.
    prompt
        What is put before each text; it may be empty.
    skipped
        How many tokens that is, with those before it.
    """

    encoder: Encoder
    name: str
    model: SentenceModel
    prompt: str
    skipped: int

    def tokens(self, text: str) -> Tokens:
        """Cut a text into tokens, the prompt's before it; see `read_prompted`.

        Raises
        ------
        InputError
            If there is nothing to read, or more than the model takes and nothing says that the rest is cut off.
        """
        tokens = read_prompted(self.encoder.tokenizer, text, self.prompt, self.model.max_length)
        if len(tokens) > self.encoder.max_tokens:
            self.encoder.with_prompt(self.prompt).tokens(text)
        return tokens

    def vectors(self, states: torch.Tensor, mask: torch.Tensor) -> Float[torch.Tensor, "text width"]:
        """Make sentence vectors of last hidden states ``(text, token, hidden)`` under a mask ``(text, token)``."""
        return self.model.vectors(states, mask, self.skipped)


def sentence_reading(encoder: Encoder, pooling: str = "auto", prompt: str | None = None) -> SentenceReading:
    """Find out how sentence vectors are to be made.

    Parameters
    ----------
    pooling
        ``"own"``: as the model's folder says, texts cut off at its ``max_seq_length``. ``"mean"``, ``"cls"`` (the
        first token), ``"max"``: of all tokens of the last layer, and nothing behind it. ``"auto"``: its own where it
        has one. The built-in model's is the mean, brought to length 1: of it the mean is taken, which has the same
        cosines, keeps lengths, and cuts off nothing.
    prompt
        What is put before each text; None for the encoder's own, if it was given one, or the model's default.

    Raises
    ------
    InputError
        If there is no such pooling, or the model has none of its own.
    """
    own = encoder.sentence
    name = pooling
    if pooling == "auto":
        name = OWN if own is not None and encoder.spec.checkpoint.source != "builtin" else "mean"
    if name not in POOLINGS:
        raise InputError("“{value}” is not one of: {known}.", value=pooling, known=", ".join(POOLINGS))
    if name == OWN and own is None:
        raise InputError(
            "“{name}” does not say how it makes sentence vectors: its folder has no modules.json of "
            "sentence-transformers. Choose one of: {known}.",
            name=encoder.spec.checkpoint.name,
            known=", ".join(PLAIN),
        )
    model = own if name == OWN and own is not None else PLAIN[name]
    usual = own.prompt if own is not None else ""
    before = next(one for one in (prompt, encoder.spec.prompt, usual) if one is not None)
    skipped = 0 if model.include_prompt else prompt_tokens(encoder.tokenizer, before)
    # The reading itself puts the prompt before each text.
    return SentenceReading(encoder.with_prompt(None), name, model, before, skipped)
