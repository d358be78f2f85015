"""What a person steers with, the same on every page."""
