"""The published documents of the messaging contract."""
