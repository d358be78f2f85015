"""What attention can be asked: where heads look."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
