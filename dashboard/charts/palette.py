"""Colours and patterns of charts. A drawing has stand-ins; the page's style sheet gives each class its colour.

So one drawing is right in light and dark and on paper. The colours that the classes stand for are those of Okabe and
Ito, which people with any colour vision can tell apart; patterns and a fixed order help where that is not enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ORDER: Final = ("happy", "surprise", "neutral", "sad", "fear", "angry", "disgust", "contempt")
"""From below to above in each chart and from left to right in each bar; then what other models know, ``uncertain``."""
UNCERTAIN: Final = "uncertain"


@dataclass(frozen=True, slots=True)
class Ink:
    """What something is drawn with.

    Attributes:
        stand_in: The colour in the drawing before classes are set; each is used for one class only.
        css: The class.
        colour: What is seen where the page's style sheet is not.
    """

    stand_in: str
    css: str
    colour: str


_PATTERNS: Final = {
    "happy": "",
    "surprise": "..",
    "neutral": "",
    "sad": "///",
    "fear": "xx",
    "angry": "\\\\\\",
    "disgust": "++",
    "contempt": "oo",
    UNCERTAIN: "--",
}
_AREAS: Final = {
    "happy": Ink("#f00001", "e-happy", "#e6a400"),
    "surprise": Ink("#f00002", "e-surprise", "#56b4e9"),
    "neutral": Ink("#f00003", "e-neutral", "#b9b8b1"),
    "sad": Ink("#f00004", "e-sad", "#0072b2"),
    "fear": Ink("#f00005", "e-fear", "#cc79a7"),
    "angry": Ink("#f00006", "e-angry", "#d55e00"),
    "disgust": Ink("#f00007", "e-disgust", "#009e73"),
    "contempt": Ink("#f00008", "e-contempt", "#7a5195"),
    UNCERTAIN: Ink("#f00009", "e-uncertain", "#6f7379"),
}
_OTHER: Final = Ink("#f0000a", "e-other", "#8a6d3b")

TEXT: Final = Ink("#f10001", "c-text", "#22262b")
AXIS: Final = Ink("#f10002", "c-axis", "#565d66")
GRID: Final = Ink("#f10003", "c-grid", "#d9d7d0")
PAPER: Final = Ink("#f10004", "c-paper", "#ffffff")
MARKER: Final = Ink("#f10005", "c-marker", "#22262b")
PRESENCE: Final = Ink("#f10006", "c-presence", "#0b5a8a")
GAP: Final = Ink("#f10007", "c-gap", "#eceae3")
LATE: Final = Ink("#f10008", "c-late", "#f6e7c1")
HATCH: Final = Ink("#f10009", "c-hatch", "#ffffff")

INKS: Final = {
    ink.stand_in: ink for ink in (*_AREAS.values(), _OTHER, TEXT, AXIS, GRID, PAPER, MARKER, PRESENCE, GAP, LATE, HATCH)
}
"""By stand-in."""


def area(name: str) -> Ink:
    """What an expression's area is filled with."""
    return _AREAS.get(name, _OTHER)


def pattern(name: str) -> str:
    """Matplotlib's name of the pattern over an expression's area; empty for none."""
    return _PATTERNS.get(name, "**")


def in_order(names: Iterable[str]) -> list[str]:
    """Expressions in the order of charts."""
    found = set(names)
    others = sorted(found - {*ORDER, UNCERTAIN})
    return [name for name in (*ORDER, *others, UNCERTAIN) if name in found]
