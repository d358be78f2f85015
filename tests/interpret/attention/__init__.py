"""Attention: statistics of heads, flow, importance, dependencies."""
