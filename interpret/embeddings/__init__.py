"""Vectors of many texts: where they lie, layer by layer, how far a map of them can be trusted, and what they know."""
