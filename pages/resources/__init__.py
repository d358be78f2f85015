"""What a model takes of memory and time."""
