"""The files for other programs, loaded by those programs."""
