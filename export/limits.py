"""What an export may lose, apart from what measures it: the command's help says it without loading anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What an export may lose.

    Attributes:
        max_accuracy_drop: Accuracy, in percentage points.
        min_agreement: Labels that must agree, in percent.
    """

    max_accuracy_drop: float = 0.5
    min_agreement: float = 97.0
