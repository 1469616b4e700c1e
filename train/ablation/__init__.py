"""Ablations: the effect of changes to a recipe, one at a time."""
