"""The live view of a classroom in a terminal."""
