"""Tests of seeing: sources, camera, detectors, tracker, classifier, smoothing."""
