"""Figures of a room as a template shows them: shares in a fixed order, with the place of each in a bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.web.texts import EXPRESSIONS

ORDER: Final = ("happy", "surprise", "neutral", "sad", "fear", "angry", "disgust", "contempt")
"""From left to right in each bar; then what other models know, then ``uncertain``."""
UNCERTAIN: Final = "uncertain"
_SHOWN: Final = 0.005
"""Smaller shares than half a percent are not listed."""
_MAX_LABELS: Final = 20


@dataclass(frozen=True, slots=True)
class Share:
    """One expression's part of a bar.

    Attributes:
        name: As the model calls it; ``expressions`` has what the page calls it.
        css: Class with its colour.
        share: 0 to 1.
        start: Where it begins in the bar, 0 to 1.
    """

    name: str
    css: str
    share: float
    start: float


def css_of(name: str) -> str:
    """The class with an expression's colour."""
    return f"e-{name}" if name in EXPRESSIONS else "e-other"


def bar_of(shares: Mapping[str, float]) -> list[Share]:
    """The shares in their order, without those too small to see; ``uncertain`` is always there, at the end."""
    known = [name for name in ORDER if name in shares]
    others = sorted(name for name in shares if name not in ORDER and name != UNCERTAIN)
    names = [name for name in (*known, *others) if shares[name] >= _SHOWN][:_MAX_LABELS]
    found, start = [], 0.0
    for name in (*names, UNCERTAIN):
        share = min(max(shares.get(name, 0.0), 0.0), 1.0 - start)
        found.append(Share(name, css_of(name), share, start))
        start += share
    return found
