"""Data sets: reading what people have, checking it, and splitting it by named protocols."""
