"""Data sets: reading what people have, checking it, and splitting it by named protocols."""

from train.data.load import load

__all__ = ["load"]
