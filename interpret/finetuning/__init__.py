"""Short fine-tunes: the data and its faults, which layer groups are frozen, and what comes of it."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
