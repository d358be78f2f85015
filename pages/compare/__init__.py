"""The page of two models: its input, its views and its figures."""
