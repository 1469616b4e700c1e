"""Numbers on the command lines of the quality programs: what is no usable number is refused before anything starts."""

from __future__ import annotations

import argparse
import math


def finite(text: str) -> float:
    """A number that is neither ``nan`` nor infinite.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a finite number, got {text!r}")
    return number


def positive(text: str) -> float:
    """A finite number above 0.

    Raises:
        ArgumentTypeError: It is none.
    """
    number = finite(text)
    if number <= 0.0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def count(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        ArgumentTypeError: It is none.
    """
    if not text.isdecimal() or positive(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, got {text!r}")
    return int(text)
