"""The question-answering page: its input, its views and its figures."""
