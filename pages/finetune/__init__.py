"""The Fine-tune page: its tabs, its views and its figures."""
