"""Guesses and surprise beside transformers: a masked word beside its pipeline, a text beside one mask at a time.

The model is the built-in one's shape with random weights for its head: what is timed does not depend on them. Before
anything is timed both sides are seen to say the same.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers as tf

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from tests.benchmarks import in_turn, machine, row, text_of

ROUNDS = 7


def make_guesser(folder: Path) -> None:
    """Write the built-in model with a masked-word head."""
    source = checkpoint_folder(it.find_checkpoint("minilm"))
    torch.manual_seed(0)
    tf.AutoModelForMaskedLM.from_pretrained(source).save_pretrained(folder)
    tf.AutoTokenizer.from_pretrained(source).save_pretrained(folder)


def one_by_one(model: tf.PreTrainedModel, ids: np.ndarray, mask: int) -> np.ndarray:
    """Hide a token, ask, and hide the next one: the loop of eq. 1 of Salazar et al. 2020."""
    found = []
    with torch.inference_mode():
        for place in range(1, len(ids) - 1):
            read = torch.from_numpy(ids.copy())[None]
            read[0, place] = mask
            found.append(float(model(input_ids=read).logits[0, place].log_softmax(-1)[ids[place]]))
    return np.array(found)


def main() -> None:
    """Print the ratios."""
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        make_guesser(Path(place))
        encoder = it.load_encoder(place, "cpu")
        model = tf.AutoModelForMaskedLM.from_pretrained(place).eval()
        tokenizer = tf.AutoTokenizer.from_pretrained(place)
        pipe = tf.pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
        for words in (15, 60):
            text = " ".join(text_of(encoder, 2 * words).split()[:words])
            ids = encoder.tokens(text).ids
            mask = tokenizer.mask_token_id
            np.testing.assert_allclose(
                it.pretraining.pseudo_log_likelihood(encoder, text).logs[1:-1], one_by_one(model, ids, mask), atol=1e-4
            )
            seconds = in_turn(
                {
                    "one mask at a time": lambda ids=ids, mask=mask: one_by_one(model, ids, mask),
                    "Bertoscope": lambda text=text: it.pretraining.pseudo_log_likelihood(encoder, text),
                },
                ROUNDS,
            )
            print(f"pseudo-log-likelihood of {words} words")
            for name, some in seconds.items():
                print(row(name, some, seconds["one mask at a time"]))
            hidden = text.split()
            hidden[3] = "[MASK]"
            asked = " ".join(hidden)
            assert it.fill_mask(encoder, asked).guesses[0].ids.tolist() == [one["token"] for one in pipe(asked)]
            seconds = in_turn(
                {
                    "fill-mask pipeline": lambda asked=asked: pipe(asked),
                    "Bertoscope": lambda asked=asked: it.fill_mask(encoder, asked),
                    "Bertoscope, after every layer": lambda text=text: it.pretraining.logit_lens(
                        encoder, text, None, [3], 3
                    ),
                },
                ROUNDS,
            )
            print(f"one guess in {words} words")
            for name, some in seconds.items():
                print(row(name, some, seconds["fill-mask pipeline"]))


if __name__ == "__main__":
    main()
