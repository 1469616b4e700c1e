"""Seeing: frame sources, face detectors, the tracker, the classifier and temporal smoothing."""
