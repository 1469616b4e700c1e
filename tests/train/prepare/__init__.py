"""Tests of train.prepare."""
