"""The Embeddings page: its tabs, its views and its figures."""
