"""Why did the model say that: what each word contributed, and how far that answer can be believed."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
