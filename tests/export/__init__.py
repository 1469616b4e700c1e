"""Tests of the way from a trained run to a verified bundle."""
