"""The tabs of the Embeddings page: each a script of its own, run while it is open."""
