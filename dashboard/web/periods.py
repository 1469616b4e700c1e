"""Which time a page shows: from an address, in the school's time zone, or as is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final
from urllib.parse import urlencode

_USUAL_S: Final = 45 * 60.0
_SHORTEST_S: Final = 5 * 60.0
_MAX_S: Final = 400 * 86400.0
_PATTERN: Final = "%Y-%m-%dT%H:%M"
_PATTERN_WITH_SECONDS: Final = "%Y-%m-%dT%H:%M:%S"
"""A form's field sends seconds where somebody sets them."""
_EARLIER_WEEKS: Final = 8
_YEARS: Final = (1970, 2199)


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when.

    Attributes:
        start: Begin, in seconds since 1970.
        end: End.
        open: Whether it goes on: its end is now, whenever that is.
        title: What the timetable calls it; empty otherwise.
    """

    start: float
    end: float
    open: bool = False
    title: str = ""

    def query(self, zone: tzinfo, *, ended: bool = False) -> str:
        """For an address, in local time.

        Args:
            zone: The school's.
            ended: Write the end even where it is now. One in the minute of the begin is a minute later.
        """
        values = {"from": local_text(self.start, zone)}
        if ended or not self.open:
            values["to"] = local_text(max(self.end, self.start + 60.0), zone)
        if self.title:
            values["title"] = self.title
        return urlencode(values)


def period_of(query: Mapping[str, str], now: float, zone: tzinfo) -> Period | None:
    """The time that an address names; ``None`` where it names none, or none that makes sense.

    Args:
        query: Of the address: ``from`` and ``to`` as local times, ``2026-11-30T08:00``. Without ``to`` it goes on.
        now: Seconds since 1970.
        zone: The school's.
    """
    start = _seconds(query.get("from", ""), zone)
    if start is None:
        return None
    still = not query.get("to")
    end = now if still else _seconds(query["to"], zone)
    if end is None:
        return None
    title = query.get("title", "")[:200]
    return Period(start, end, still, title) if 0 < end - start <= _MAX_S else None


def names_another_time(query: Mapping[str, str], found: Period | None) -> bool:
    """Whether an address names a time that could not be used, so that what is found is another one."""
    return found is None and bool(query.get("from") or query.get("to"))


def usual_period(now: float, begin: float | None = None) -> Period:
    """The last three quarters of an hour, or what there is of them where the first figures are later.

    Args:
        now: Seconds since 1970.
        begin: Time of the room's first figures; ``None`` where there are none.
    """
    start = now - _USUAL_S
    return Period(start if begin is None else max(start, min(begin, now - _SHORTEST_S)), now, open=True)


def weeks_before(period: Period, zone: tzinfo) -> list[tuple[float, float]]:
    """The same time of the same weekday, eight weeks back, the latest first."""
    start, end = (datetime.fromtimestamp(at, zone) for at in (period.start, period.end))
    weeks = (timedelta(weeks=number) for number in range(1, _EARLIER_WEEKS + 1))
    return [((start - week).timestamp(), (end - week).timestamp()) for week in weeks]


def local_text(at: float, zone: tzinfo) -> str:
    """As a form's field for a local time wants it."""
    return datetime.fromtimestamp(at, zone).strftime(_PATTERN)


def _seconds(text: str, zone: tzinfo) -> float | None:
    pattern = _PATTERN_WITH_SECONDS if text.count(":") > 1 else _PATTERN
    try:
        moment = datetime.strptime(text, pattern).replace(tzinfo=zone)
    except ValueError:
        return None
    # Weeks before and after it must be days of the calendar too.
    return moment.timestamp() if _YEARS[0] <= moment.year <= _YEARS[1] else None
