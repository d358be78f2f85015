"""The library, one folder for each of its rooms."""
