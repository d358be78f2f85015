"""Tests, what they share, and programs that measure, check a GPU or write the documentation."""
