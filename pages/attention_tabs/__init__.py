"""The tabs of the Attention page: each a script of its own, run while it is open."""
