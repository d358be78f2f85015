"""From a name to an encoder on a device."""

import torch

from interpret.core.checkpoint_files import LOADING, read_config
from interpret.core.checkpoints import BUILT_IN, Checkpoint, checkpoint_folder, find_checkpoint, whole_folder
from interpret.core.device_lock import lock_device
from interpret.core.devices import PRECISIONS, choose_precision, find_device
from interpret.core.encoder import Encoder, EncoderSpec
from interpret.core.errors import CapacityError
from interpret.core.hub import Progress
from interpret.core.loading import read_model
from interpret.core.model_checks import check_modules, check_token_types, check_tokenizer
from interpret.core.sentence_files import read_sentence
from interpret.core.sentence_pipeline import lower_cased
from interpret.core.tokenizer_loading import Vocabulary, read_tokenizer
from interpret.core.units import gigabytes
from interpret.core.work_sizes import weights_bytes


def load_encoder(
    name: str | Checkpoint = BUILT_IN,
    device: str = "auto",
    precision: str = "auto",
    progress: Progress | None = None,
    prompt: str | None = None,
) -> Encoder:
    """Load an encoder.

    Parameters
    ----------
    name
        ``"minilm"`` (built in), a hub id, the path of a folder, or a `Checkpoint` that pins one of these.
    device
        ``"auto"`` (the fastest there is), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision
        ``"auto"`` (float32), ``"float32"``, ``"bfloat16"``, ``"float16"``.
    progress
        Called as ``progress(bytes done, bytes in all, file)`` during a download.
    prompt
        See `EncoderSpec`.

    Raises
    ------
    CheckpointError
        If the model cannot be found, read or trusted.
    InputError
        If the machine has no such device, or the device no such precision.
    CapacityError
        If the device's free memory does not hold the weights.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> encoder.layers, encoder.heads, encoder.width, encoder.max_tokens
    (6, 12, 384, 512)
    >>> encoder.spec.checkpoint.name
    'minilm'
    """
    checkpoint = find_checkpoint(name) if isinstance(name, str) else name
    chosen_device = find_device(device)
    spec = EncoderSpec(checkpoint, chosen_device.name, choose_precision(precision, chosen_device), prompt)
    folder = checkpoint_folder(checkpoint, progress)
    _, family = read_config(folder, checkpoint.name)
    needed = weights_bytes(folder, spec.precision)
    if needed > chosen_device.free:
        raise CapacityError(
            "The weights of “{name}” need {needed} GB in {precision}, but {device} has only {free} GB free. Choose a "
            "smaller model or another device, or close whatever else uses it.",
            name=checkpoint.name,
            needed=gigabytes(needed),
            precision=spec.precision,
            device=chosen_device.name,
            free=gigabytes(chosen_device.free),
        )
    sentence = read_sentence(whole_folder(checkpoint), checkpoint.name)
    vocabulary = read_vocabulary(checkpoint)
    with LOADING:
        loaded = read_model(folder, checkpoint.name, family, PRECISIONS[spec.precision])
    model, tokenizer = loaded.model, vocabulary.tokenizer
    check_tokenizer(model, tokenizer, checkpoint.name)
    check_modules(model, sentence, checkpoint.name)
    module: torch.nn.Module = model
    with lock_device(spec.device):
        module.to(spec.device)
    notes = (*loaded.notes, *(() if vocabulary.note is None else (vocabulary.note,)))
    encoder = Encoder(spec, family, model, loaded.task, vocabulary, loaded.no_task, notes, sentence)
    if encoder.inputs.token_types:
        check_token_types(model, tokenizer, checkpoint.name)
    return encoder


def load_spec(spec: EncoderSpec, progress: Progress | None = None) -> Encoder:
    """Load the encoder that a spec is of; see `load_encoder`."""
    return load_encoder(spec.checkpoint, spec.device, spec.precision, progress, spec.prompt)


def read_vocabulary(checkpoint: Checkpoint) -> Vocabulary:
    """Read a checkpoint's tokenizer, which cuts as the whole folder says: in lower case where its modules ask for it.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    vocabulary = read_tokenizer(checkpoint_folder(checkpoint), checkpoint.name)
    sentence = read_sentence(whole_folder(checkpoint), checkpoint.name)
    if sentence is not None and sentence.lower_case:
        lower_cased(vocabulary.tokenizer)
    return vocabulary
