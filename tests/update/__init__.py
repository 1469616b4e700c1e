"""Model updates: real inference, a real broker, real crashes."""
