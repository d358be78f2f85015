"""Embeddings: collections, maps, geometry, probes, clusters."""
