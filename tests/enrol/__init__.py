"""Tests of enrol."""
