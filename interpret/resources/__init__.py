"""What a model takes of memory and time: counted before it is done, and measured beside it."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
