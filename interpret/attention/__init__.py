"""What attention can be asked: where heads look."""
