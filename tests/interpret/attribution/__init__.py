"""Attributions: methods, targets, faithfulness, counterfactuals."""
