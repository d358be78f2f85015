"""The Attention page: its tabs, its views and its figures."""
