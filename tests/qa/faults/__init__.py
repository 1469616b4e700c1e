"""Tests of qa.faults."""
