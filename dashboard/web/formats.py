"""Times and numbers as a language writes them, in the school's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import LOCALTZ, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

_FIRST, _LAST = 0.0, 253402300000.0
"""The times that a calendar can show: the years 1970 to 9999."""
_LARGEST: Final = 1e15
"""Babel fails at numbers of more than 28 digits, and no device has so much of anything."""


class Formats:
    """Writes times and numbers.

    Args:
        locale: How they are written.
        zone: Where the school is.
    """

    def __init__(self, locale: Locale, zone: tzinfo) -> None:
        self._locale, self._zone = locale, zone

    def moment(self, at: float) -> datetime:
        """Unix seconds as a time of the school."""
        return datetime.fromtimestamp(min(max(at, _FIRST), _LAST), tz=self._zone)

    def clock(self, at: float) -> str:
        """``14:05``."""
        return str(format_time(self.moment(at), "short", locale=self._locale))

    def day(self, at: float) -> str:
        """``Mon 30 Nov 2026``, as the language writes it."""
        return str(format_skeleton("yMMMEd", self.moment(at), locale=self._locale))

    def day_and_clock(self, at: float) -> str:
        """Day and time."""
        return str(format_datetime(self.moment(at), "medium", locale=self._locale))

    def when(self, at: float, now: float) -> str:
        """The time alone where it is of today, else with its day."""
        same_day = self.moment(at).date() == self.moment(now).date()
        return self.clock(at) if same_day else self.day_and_clock(at)

    def duration(self, seconds: float) -> str:
        """``3 hours``: about how long."""
        return str(format_timedelta(timedelta(seconds=min(max(seconds, -_LAST), _LAST)), locale=self._locale))

    def minutes(self, seconds: float) -> str:
        """``42 min``; from three hours on, hours."""
        seconds = _within(seconds)
        if seconds >= 3 * 3600:
            return str(format_unit(round(seconds / 3600, 1), "hour", "short", locale=self._locale))
        return str(format_unit(round(seconds / 60), "minute", "short", locale=self._locale))

    def size(self, number: float) -> str:
        """Bytes, in megabytes."""
        return f"{self.number(number / 1e6, 1)} MB"

    def iso(self, at: float) -> str:
        """For machines: ISO 8601 in UTC."""
        utc = datetime.fromtimestamp(min(max(at, _FIRST), _LAST), tz=timezone.utc)
        return utc.isoformat(timespec="seconds").replace("+00:00", "Z")

    def percent(self, share: float) -> str:
        """``42 %`` without decimals."""
        return str(format_percent(_within(share), locale=self._locale))

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many decimals at most."""
        return str(format_decimal(round(_within(value), digits), locale=self._locale))

    def count(self, value: int) -> int:
        """A number of things for a text that is chosen by it."""
        return int(_within(value))


def _within(value: float) -> float:
    """A number that a device sends may be of any size; what it says then is wrong in any case."""
    return min(max(value, -_LARGEST), _LARGEST)


def zone_of(name: str) -> tzinfo:
    """The time zone with an IANA name; this machine's where it is empty."""
    return ZoneInfo(name) if name else LOCALTZ
