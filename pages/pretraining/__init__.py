"""The Pretraining page: its tabs, its views and its figures."""
