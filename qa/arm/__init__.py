"""The agent on a 64-bit ARM processor, emulated: ``make test-arm``."""
