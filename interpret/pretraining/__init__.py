"""What a model's pre-training can be asked, and where in its layers a guess forms.

BERT learned by masked language modelling, which is guessing masked words, and by next sentence prediction.
"""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
