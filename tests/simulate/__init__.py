"""Tests of the simulated classroom: what it draws, what happens in it, and that real detectors see it."""
