"""The Attributions page: its tabs, its views and its figures."""
