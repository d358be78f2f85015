"""Fine-tunes as runs: begin, list, read, stop, resume and delete them, and what they wrote down of themselves."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
