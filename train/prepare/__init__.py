"""Preparation of your own photographs: from photographs to face crops for training."""
