"""A trace beside a plain SDPA forward pass, and beside transformers' eager attention with everything returned."""

import tempfile
from pathlib import Path

import torch
from transformers import AutoModel

import interpret as it
from interpret.core.checkpoints import checkpoint_folder
from tests.benchmarks import in_turn, machine, row, text_of
from tests.tiny import make_base_shape

ROUNDS = 25


def compare(name: str, encoder: it.Encoder, folder: Path, lengths: tuple[int, ...]) -> None:
    """Print a block for each length."""
    device = encoder.spec.device
    sdpa, eager = (
        AutoModel.from_pretrained(folder, attn_implementation=kind).eval().to(device) for kind in ("sdpa", "eager")
    )
    for length in lengths:
        text = text_of(encoder, length)
        inputs = encoder.batch([encoder.tokens(text)])

        def plain(model=sdpa, inputs=inputs):
            with torch.inference_mode():
                return model(**inputs).last_hidden_state.cpu()

        def everything(model=eager, inputs=inputs):
            with torch.inference_mode():
                output = model(**inputs, output_attentions=True, output_hidden_states=True)
            return [one.cpu() for one in (*output.attentions, *output.hidden_states)]

        seconds = in_turn(
            {
                "plain SDPA forward": plain,
                "interpret.trace": lambda text=text: it.trace(encoder, text),
                "transformers, eager, attentions": everything,
            },
            ROUNDS,
        )
        print(f"{name}, {inputs['input_ids'].shape[1]} tokens")
        for what, times in seconds.items():
            print(row(what, times, seconds["plain SDPA forward"]))


def main() -> None:
    """Print the tables, for the CPU and for CUDA where there is one."""
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        print(machine(device))
        with tempfile.TemporaryDirectory() as folder:
            base = make_base_shape(Path(folder))
            try:
                encoder = it.load_encoder("minilm", device=device)
                compare("MiniLM (6×12, built in)", encoder, checkpoint_folder(encoder.spec.checkpoint), (16, 128, 512))
            except it.CheckpointError as error:
                print(error)
            compare("BERT-base shape (12×12)", it.load_encoder(str(base), device=device), base, (128, 512))


if __name__ == "__main__":
    main()
