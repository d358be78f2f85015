"""What a model's pre-training can be asked: masked words, next sentences, and where in its layers a guess forms."""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
