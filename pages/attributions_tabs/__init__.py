"""The tabs of the Attributions page."""
