"""Words of the devices in the page's languages: conditions, expressions, roles. A new word is shown as it is."""

from __future__ import annotations

from typing import Final

from dashboard.live.attention import Condition


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated where it is shown."""
    return text


CONDITIONS: Final[dict[Condition, str]] = {
    Condition.OK: _("Live"),
    Condition.TOO_FEW: _("Too few to show"),
    Condition.WAITING: _("Waiting for the first figures"),
    Condition.STARTING: _("Camera starting"),
    Condition.MUTED: _("Camera closed on request"),
    Condition.ENDED: _("Recording ended"),
    Condition.OFFLINE: _("Switched off"),
    Condition.DARK: _("Picture is dark"),
    Condition.FROZEN: _("Picture is frozen"),
    Condition.STALLED: _("Camera sends no pictures"),
    Condition.FAILED: _("Camera cannot be opened"),
    Condition.SILENT: _("No new figures"),
    Condition.STALE: _("No sign of life"),
    Condition.DEAD: _("Connection broken"),
    Condition.BROKER_GONE: _("No connection to the broker"),
    Condition.UNKNOWN: _("Nothing known yet"),
}
"""What a condition is called."""

ICONS: Final[dict[Condition, str]] = {
    Condition.OK: "live",
    Condition.TOO_FEW: "few",
    Condition.WAITING: "wait",
    Condition.STARTING: "wait",
    Condition.MUTED: "muted",
    Condition.ENDED: "stop",
    Condition.OFFLINE: "off",
    Condition.DARK: "dark",
    Condition.FROZEN: "frozen",
    Condition.STALLED: "camera",
    Condition.FAILED: "camera",
    Condition.SILENT: "silent",
    Condition.STALE: "stale",
    Condition.DEAD: "dead",
    Condition.BROKER_GONE: "broker",
    Condition.UNKNOWN: "unknown",
}
"""Which picture stands beside it, so that colour is not all that tells them apart."""

EXPRESSIONS: Final[dict[str, str]] = {
    "angry": _("angry"),
    "disgust": _("disgust"),
    "fear": _("fear"),
    "happy": _("happy"),
    "sad": _("sad"),
    "surprise": _("surprise"),
    "neutral": _("neutral"),
    "contempt": _("contempt"),
    "uncertain": _("uncertain"),
}
"""What an expression is called."""
