"""Vectors of many texts: where they lie, layer by layer, how far a map of them can be trusted, and what they know."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
