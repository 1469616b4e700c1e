"""Lessons from a timetable in iCalendar files, as programs for timetables and calendars write them.

A lesson belongs to a room whose name stands in the event's LOCATION, or in its SUMMARY. What recurs, what is moved and
what is cancelled is worked out by libraries made for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_agent.client.events import Device
from edge_agent.errors import InputError
from edge_agent.files import read_file

if TYPE_CHECKING:
    from icalendar import Calendar

log = logging.getLogger(__name__)

_MAX_BYTES: Final = 10_000_000
_MAX_DAYS: Final = 400
_MAX_LESSON: Final = timedelta(hours=12)
_FIRST_YEAR: Final = 1970
_SELDOM: Final = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
"""With a day or a week, these may name a day that never comes, and all days up to the year 9999 would be tried."""
_TOO_OFTEN: Final = ("SECONDLY", "MINUTELY", "HOURLY")
_EXPORT: Final = "Export it again, as iCalendar (.ics)"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson in a room.

    Attributes:
        start: Its begin, in seconds since 1970.
        end: Its end.
        title: What the timetable calls it; empty for one that was set by hand.
    """

    start: float
    end: float
    title: str = ""


class Timetable:
    """The lessons of all rooms. A file that has changed is read again.

    Args:
        files: iCalendar files.
        zone: The school's time zone, for times that name none.
        rooms: By ``SITE/DEVICE``, the name of its room in the timetable. Of other devices it is the room's own name.

    Attributes:
        problem: Why a changed file could not be read again; empty otherwise. What was read before it is used then.

    Raises:
        InputError: A file is missing or is no iCalendar, or lessons recur more often than daily.
    """

    def __init__(self, files: Sequence[Path], zone: tzinfo, rooms: Mapping[str, str] | None = None) -> None:
        self._files, self._zone, self._rooms = tuple(files), zone, dict(rooms or {})
        self._calendars: dict[Path, list[Calendar]] = {}
        self._seen: dict[Path, tuple[int, int]] = {}
        self.problem = ""
        for file in self._files:
            self._seen[file] = _mark(file)
            self._calendars[file] = _read(file)

    def lessons(self, device: Device, room: str, start: float, end: float) -> list[Lesson]:
        """The lessons of a room that overlap a time, in order. Events of a whole day are none.

        Args:
            device: The room's device.
            room: What the device calls its room.
            start: Begin of the time, in seconds since 1970.
            end: Its end; later days than 400 after the begin are left out.
        """
        self._read_again()
        name = self._rooms.get(f"{device.site}/{device.id}", room).strip()
        if not name:
            return []
        first = datetime.fromtimestamp(start, self._zone)
        last = min(datetime.fromtimestamp(end, self._zone), first + timedelta(days=_MAX_DAYS))
        found = {
            lesson
            for calendars in self._calendars.values()
            for event in _events(calendars, first, last)
            if (lesson := self._lesson(event, name)) is not None and lesson.start < end and lesson.end > start
        }
        return sorted(found, key=lambda lesson: (lesson.start, lesson.end, lesson.title))

    def _lesson(self, event: Any, room: str) -> Lesson | None:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            return None
        title, place = str(event.get("SUMMARY", "")).strip(), str(event.get("LOCATION", "")).strip()
        if not _names(place, room) and not _names(title, room):
            return None
        begin, finish = event.get("DTSTART"), event.get("DTEND")
        if begin is None or finish is None or not isinstance(begin.dt, datetime):
            return None
        start, end = self._seconds(begin.dt), self._seconds(finish.dt)
        if not 0 < end - start <= _MAX_LESSON.total_seconds():
            return None
        return Lesson(start, end, title[:200])

    def _seconds(self, at: date) -> float:
        moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day)
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp()

    def _read_again(self) -> None:
        for file in self._files:
            mark = _mark(file)
            if mark == self._seen[file]:
                continue
            self._seen[file] = mark
            try:
                self._calendars[file] = _read(file)
                self.problem = ""
            except InputError as error:
                self.problem = str(error)


def _names(text: str, room: str) -> bool:
    """Whether a text is or contains the name of a room, as whole words: ``3a`` is not in ``13a``."""
    pattern = rf"(?<![^\W_]){re.escape(room)}(?![^\W_])"
    return re.search(pattern, text, re.IGNORECASE) is not None


def _events(calendars: list[Calendar], first: datetime, last: datetime) -> Iterator[Any]:
    for calendar in calendars:
        found = _between(calendar, first, last)
        if found is None:  # one of its series is broken: the others count
            for series in _series(calendar):
                yield from _between(series, first, last) or ()
        else:
            yield from found


def _between(calendar: Calendar, first: datetime, last: datetime) -> list[Any] | None:
    """The events of a time; ``None`` where they cannot be worked out."""
    import recurring_ical_events  # takes a while to import, and many schools have no timetable file

    try:
        return list(recurring_ical_events.of(calendar, skip_bad_series=True).between(first, last))
    except Exception:  # noqa: BLE001 - what the libraries raise on broken rules is not limited to a few kinds
        return None


def _series(calendar: Calendar) -> list[Calendar]:
    """A calendar for each series, which is what has the same UID."""
    from icalendar import Calendar

    found: dict[str, Calendar] = {}
    for event in calendar.walk("VEVENT"):
        uid = str(event.get("UID", ""))
        if uid not in found:
            found[uid] = Calendar()
            for zone in calendar.walk("VTIMEZONE"):
                found[uid].add_component(zone)
        found[uid].add_component(event)
    return list(found.values())


def _read(file: Path) -> list[Calendar]:
    from icalendar import Calendar

    content = read_file(file, "a timetable in iCalendar form", max_bytes=_MAX_BYTES)
    what = f"timetable {file}"
    if b"BEGIN:VCALENDAR" not in content.upper():
        raise InputError(what, received="a file that is no iCalendar", expected="BEGIN:VCALENDAR", remedy=_EXPORT)
    _check_rules(content, what)
    try:
        calendars = [found for found in Calendar.from_ical(content, multiple=True) if found.name == "VCALENDAR"]
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except Exception as error:  # noqa: BLE001 - as above
        said = " ".join(str(error).split())[:150]
        raise InputError(what, received=f"an iCalendar that is broken: {said}", remedy=_EXPORT) from None
    if not events:
        raise InputError(what, received="an iCalendar without events", expected="one with lessons", remedy=_EXPORT)
    for event in events:
        if any(frequency in _TOO_OFTEN for frequency in _frequencies(event)):
            title = str(event.get("SUMMARY", ""))[:60]
            raise InputError(
                f"{what}: {title!r}", received="an event that recurs within a day", expected="daily or less often"
            )
    left_out = {id(event) for event in events if not _can_be_worked_out(event)}
    if left_out:
        log.warning(
            "%s: events without a begin or with a rule that is not understood, left out: %d", what, len(left_out)
        )
        for calendar in calendars:
            calendar.subcomponents = [part for part in calendar.subcomponents if id(part) not in left_out]
    return calendars


def _check_rules(content: bytes, what: str) -> None:
    """Refuse rules that the libraries would work on for ever, also those of time zones, before they see them.

    Raises:
        InputError: There is one.
    """
    unfolded = re.sub(rb"\r?\n[ \t]", b"", content).upper()
    rules = re.findall(rb"(?m)^(?:RRULE|EXRULE)[^\r\n]*", unfolded)
    if any(re.search(rb"INTERVAL=[^;1-9]*(?:;|$)", rule) for rule in rules):
        raise InputError(what, received="a rule without a usable INTERVAL", expected="1 or more", remedy=_EXPORT)
    zones = re.findall(rb"(?s)BEGIN:VTIMEZONE.*?END:VTIMEZONE", unfolded)
    if any(re.search(rb"FREQ=(?!YEARLY)", zone) for zone in zones):
        raise InputError(what, received="a time zone that changes several times a year", remedy=_EXPORT)


def _can_be_worked_out(event: Any) -> bool:
    """Whether an event has a begin, and rules whose next day is found soon."""
    rules = event.get("RRULE", [])
    try:
        begin = event["DTSTART"].dt
        for rule in rules if isinstance(rules, list) else [rules]:
            often = str((rule.get("FREQ") or [""])[0]).upper() in ("DAILY", "WEEKLY")
            if begin.year < _FIRST_YEAR or (often and any(part in rule for part in _SELDOM)):
                return False
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _frequencies(event: Any) -> list[str]:
    """How often an event recurs, in iCalendar's words; nothing of broken rules, with which it is left out later."""
    rules = event.get("RRULE", [])
    try:
        return [str((rule.get("FREQ") or [""])[0]).upper() for rule in (rules if isinstance(rules, list) else [rules])]
    except Exception:  # noqa: BLE001 - as above
        return []


def _mark(file: Path) -> tuple[int, int]:
    """What changes when a file is written."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
