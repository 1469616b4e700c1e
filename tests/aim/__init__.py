"""Tests of aim."""
