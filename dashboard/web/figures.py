"""Figures of a room as a template shows them: shares in a fixed order, with the place of each in a bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.charts.palette import UNCERTAIN, area, in_order

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
    return area(name).css


def bar_of(shares: Mapping[str, float]) -> list[Share]:
    """The shares in the order of charts, without those too small to see; ``uncertain`` is always there, at the end."""
    listed = [name for name in in_order(shares) if name != UNCERTAIN and shares[name] >= _SHOWN]
    names = listed[:_MAX_LABELS]
    found, start = [], 0.0
    for name in (*names, UNCERTAIN):
        share = min(max(shares.get(name, 0.0), 0.0), 1.0 - start)
        found.append(Share(name, css_of(name), share, start))
        start += share
    return found
