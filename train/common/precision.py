"""Number formats that a training computes in."""

from __future__ import annotations

from typing import Final, Literal

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
"""Keras' dtype policies."""

FASTEST: Final = "fastest"
"""In place of a precision: what is fastest on the processor, measured when the training begins."""

PrecisionChoice = Literal[Precision, "fastest"]
"""What a recipe may say."""
