"""Tests of train.models."""
