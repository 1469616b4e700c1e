"""From photographs of one's own to face crops for training."""
