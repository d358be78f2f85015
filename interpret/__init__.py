"""See inside BERT: a library that a notebook can use and the Bertoscope dashboard is built on.

At the top is what every notebook needs; the rest is in its subject's room: `interpret.attention`, `embeddings`,
`attribution`, `pretraining`, `finetuning`, `runs` and `resources`. What is public stands in the stub beside this file
and in those of the rooms. Importing loads nothing heavy; PyTorch and transformers come with the first name that needs
them.

Examples
--------
>>> import interpret as it
>>> encoder = it.load_encoder()
>>> it.trace(encoder, "The bank was steep.").attention.shape
(6, 12, 7, 7)
"""

from interpret.core.lazy import attach

__getattr__, __dir__, __all__, rooms = attach(__name__, __file__)
