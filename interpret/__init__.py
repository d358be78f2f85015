"""See inside BERT: a library that a notebook can use and the Bertoscope dashboard is built on.

Importing it loads nothing heavy; PyTorch and transformers come with the first name that needs them. No module is
called like a public name: importing one would hide the other.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from interpret.errors import Cancelled, CapacityError, CheckpointError, InputError, InterpretError

if TYPE_CHECKING:
    from interpret.attention.view import AttentionView, attention_view, liveliest_head
    from interpret.card import ModelCard, model_card
    from interpret.checkpoints import Checkpoint, find_checkpoint
    from interpret.devices import Device, available_devices
    from interpret.encoder import Encoder, EncoderSpec, load_encoder
    from interpret.long_text import Window, Windows, windows
    from interpret.tokens import Tokens
    from interpret.tracing import Trace, trace, trace_batch

_WHERE = {
    "AttentionView": "attention.view",
    "attention_view": "attention.view",
    "liveliest_head": "attention.view",
    "ModelCard": "card",
    "model_card": "card",
    "Checkpoint": "checkpoints",
    "find_checkpoint": "checkpoints",
    "Device": "devices",
    "available_devices": "devices",
    "Encoder": "encoder",
    "EncoderSpec": "encoder",
    "load_encoder": "encoder",
    "Tokens": "tokens",
    "Trace": "tracing",
    "trace": "tracing",
    "trace_batch": "tracing",
    "Window": "long_text",
    "Windows": "long_text",
    "windows": "long_text",
}

__all__ = ["CapacityError", "Cancelled", "CheckpointError", "InputError", "InterpretError", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'interpret' has no attribute {name!r}")
    return getattr(import_module(f"interpret.{_WHERE[name]}"), name)
