"""How often guesses were right, with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from qa.summary_attack.lessons import Floats


@dataclass(frozen=True)
class Result:
    """How often an attacker guessed right.

    Attributes:
        secret: What was guessed.
        mood: What the class did meanwhile.
        attacker: Who guessed.
        defended: Whether the device protected its summaries.
        accuracy: Share of lessons in which the guess was right; half of them are by chance.
        low: Lower end of the 95 % confidence interval (Wilson).
        high: Its upper end.
    """

    secret: str
    mood: str
    attacker: str
    defended: bool
    accuracy: float
    low: float
    high: float


def limit_result(secret: str, mood: str, differ: Floats) -> Result:
    """What no attacker can exceed, on average over the lessons."""
    mean, half = float(differ.mean()), 1.96 * float(differ.std()) / sqrt(len(differ))
    return Result(secret, mood, "any", True, *(round(0.5 + share / 2, 4) for share in (mean, mean - half, mean + half)))


def guess_result(secret: str, mood: str, attacker: str, defended: bool, right: NDArray[np.bool_]) -> Result:
    """How often an attacker was right, by the lessons in which it was."""
    count, share, z = len(right), float(right.mean()), 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return Result(secret, mood, attacker, defended, round(share, 4), round(middle - half, 4), round(middle + half, 4))
