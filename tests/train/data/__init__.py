"""Tests of reading, splitting and describing data sets."""
