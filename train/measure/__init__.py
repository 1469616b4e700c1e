"""Measuring finished models: accuracy, calibration, robustness, and how faces are found."""
