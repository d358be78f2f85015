"""The tabs of the Pretraining page."""
