"""Trying changes to a recipe one at a time."""
