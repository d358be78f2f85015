"""Masked words, lenses, pseudo-perplexity, next sentences."""
