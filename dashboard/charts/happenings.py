"""What happened in a lesson, in words of the page's language: the markers that a chart shows with letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from dashboard.catalogue import _
from dashboard.history.series import Marker

MAX_HAPPENINGS: Final = 26
"""As many as there are letters."""


KINDS: Final[dict[str, str]] = {
    "muted": _("camera closed on request"),
    "unmuted": _("camera opened again"),
    "camera": _("camera"),
    "model": _("another model"),
    "online": _("device online"),
    "offline": _("device offline"),
    "stale": _("device silent"),
    "lost": _("figures lost"),
    "broker": _("broker gone"),
    "broker_back": _("broker back"),
    "recorder": _("recording"),
}
"""What a marker's kind is called."""

CAMERA_WORDS: Final[dict[str, str]] = {
    "ok": _("works"),
    "starting": _("starting"),
    "stalled": _("sends no pictures"),
    "dark": _("dark"),
    "frozen": _("frozen"),
    "failed": _("cannot be opened"),
    "ended": _("recording ended"),
}
"""States of an open camera."""

_WORDS: Final[dict[str, dict[str, str]]] = {
    "camera": CAMERA_WORDS,
    "offline": {"stopped": _("stopped on purpose"), "connection_lost": _("connection broken")},
    "recorder": {"began": _("began"), "ended": _("ended")},
}
"""Words that are stored with a marker, by its kind."""
_COUNTED: Final[dict[str, str]] = {
    "windows": _("windows of figures: {number}"),
    "events": _("events: {number}"),
    "messages": _("messages: {number}"),
}
_COUNT: Final = re.compile(r"(\d{1,18}) (\w+)")


@dataclass(frozen=True, slots=True)
class Happening:
    """A marker as a chart shows it.

    Attributes:
        letter: Its letter in the chart.
        at: When, in seconds since 1970.
        time: The same for people.
        text: What, in the page's language.
    """

    letter: str
    at: float
    time: str
    text: str


def happenings(
    markers: Sequence[Marker], start: float, end: float, zone: tzinfo, say: Callable[[str], str]
) -> list[Happening]:
    """Markers of the chart's time with letters; of more than there are letters, the first ones."""
    found = []
    for number, marker in enumerate(_within(markers, start, end)[:MAX_HAPPENINGS]):
        text = say(KINDS[marker.kind]) if marker.kind in KINDS else marker.kind
        more = _more(marker, say)
        at = moment_text(marker.at, start, end, zone, seconds=True)
        found.append(Happening(chr(ord("A") + number), marker.at, at, f"{text}: {more}" if more else text))
    return found


def without_letter(markers: Sequence[Marker], start: float, end: float) -> int:
    """How many markers of the chart's time have no letter, since there are more than letters."""
    return max(0, len(_within(markers, start, end)) - MAX_HAPPENINGS)


def moment_text(at: float, start: float, end: float, zone: tzinfo, *, seconds: bool = False) -> str:
    """A time of a chart, with its day where the chart has several.

    Args:
        at: The time.
        start: The chart's begin.
        end: Its end.
        zone: The school's.
        seconds: Whether to give seconds.
    """
    moment = datetime.fromtimestamp(at, zone)
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    several = datetime.fromtimestamp(start, zone).date() != datetime.fromtimestamp(end, zone).date()
    return f"{moment.day}.{moment.month}. {clock}" if several else clock


def _within(markers: Sequence[Marker], start: float, end: float) -> list[Marker]:
    return sorted((marker for marker in markers if start <= marker.at <= end), key=lambda marker: marker.at)


def _more(marker: Marker, say: Callable[[str], str]) -> str:
    """What is stored with a marker; what is no word of this program is shown as it is."""
    word = _WORDS.get(marker.kind, {}).get(marker.text)
    if word is not None:
        return say(word)
    count = _COUNT.fullmatch(marker.text) if marker.kind == "lost" else None
    if count is not None and count[2] in _COUNTED:
        return say(_COUNTED[count[2]]).format(number=count[1])
    return marker.text
