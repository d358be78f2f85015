"""Checkpoints, tokens, traces, devices and locks, errors."""
