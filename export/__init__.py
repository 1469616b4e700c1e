"""From a trained run to a verified model bundle."""
