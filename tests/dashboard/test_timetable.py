"""Lessons of a room, from iCalendar files as schools have them."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dashboard.timetable import Lesson, Timetable
from edge_agent.client import Device
from edge_agent.errors import InputError

ZURICH = ZoneInfo("Europe/Zurich")
PI = Device("north", "pi-3a")

WEEKLY = """
BEGIN:VEVENT
UID:maths
SUMMARY:Mathematics 8b
LOCATION:Room 3a
DTSTART;TZID=Europe/Zurich:20261019T080000
DTEND;TZID=Europe/Zurich:20261019T084500
RRULE:FREQ=WEEKLY;UNTIL=20261201T000000Z
EXDATE;TZID=Europe/Zurich:20261109T080000
END:VEVENT
BEGIN:VEVENT
UID:maths
RECURRENCE-ID;TZID=Europe/Zurich:20261116T080000
SUMMARY:Mathematics 8b (moved)
LOCATION:Room 3a
DTSTART;TZID=Europe/Zurich:20261117T100000
DTEND;TZID=Europe/Zurich:20261117T104500
END:VEVENT
BEGIN:VEVENT
UID:maths
RECURRENCE-ID;TZID=Europe/Zurich:20261123T080000
STATUS:CANCELLED
SUMMARY:Mathematics 8b
LOCATION:Room 3a
DTSTART;TZID=Europe/Zurich:20261123T080000
DTEND;TZID=Europe/Zurich:20261123T084500
END:VEVENT
"""


def write(folder: Path, *events: str, name: str = "timetable.ics") -> Path:
    file = folder / name
    body = "\n".join(event.strip() for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}\nEND:VCALENDAR\n"
    file.write_bytes(text.replace("\n", "\r\n").encode())
    return file


def event(start: str, end: str, *, summary: str = "Lesson", location: str = "3a", more: str = "") -> str:
    lines = ["BEGIN:VEVENT", f"UID:{start}{summary}", f"SUMMARY:{summary}", f"LOCATION:{location}"]
    return "\n".join([*lines, f"DTSTART{start}", f"DTEND{end}", *filter(None, [more]), "END:VEVENT"])


def lessons(timetable: Timetable, start: datetime, end: datetime, room: str = "3a") -> list[tuple[str, str, str]]:
    found = timetable.lessons(PI, room, start.timestamp(), end.timestamp())
    return [
        (
            datetime.fromtimestamp(one.start, ZURICH).strftime("%d.%m. %H:%M"),
            datetime.fromtimestamp(one.end, ZURICH).strftime("%H:%M"),
            one.title,
        )
        for one in found
    ]


def day(number: int, month: int = 11) -> datetime:
    return datetime(2026, month, number, tzinfo=ZURICH)


def test_recurring_moved_and_cancelled_lessons(tmp_path: Path) -> None:
    timetable = Timetable([write(tmp_path, WEEKLY)], ZURICH)
    assert lessons(timetable, day(1, 10), day(31, 12)) == [
        ("19.10. 08:00", "08:45", "Mathematics 8b"),
        ("26.10. 08:00", "08:45", "Mathematics 8b"),  # the clock has changed on the 25th
        ("02.11. 08:00", "08:45", "Mathematics 8b"),
        ("17.11. 10:00", "10:45", "Mathematics 8b (moved)"),
        ("30.11. 08:00", "08:45", "Mathematics 8b"),
    ]


def test_times_of_any_kind(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        event(":20261123T080000", ":20261123T084500", summary="floating"),
        event(":20261123T080000Z", ":20261123T084500Z", summary="in UTC"),
        event(";TZID=America/New_York:20261123T080000", ";TZID=America/New_York:20261123T084500", summary="elsewhere"),
        event(";VALUE=DATE:20261123", ";VALUE=DATE:20261124", summary="holiday"),
    )
    assert lessons(Timetable([file], ZURICH), day(23), day(24)) == [
        ("23.11. 08:00", "08:45", "floating"),
        ("23.11. 09:00", "09:45", "in UTC"),
        ("23.11. 14:00", "14:45", "elsewhere"),
    ]


def test_a_time_zone_that_the_file_describes_itself(tmp_path: Path) -> None:
    zone = """
BEGIN:VTIMEZONE
TZID:Our school
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
"""
    file = write(tmp_path, zone, event(";TZID=Our school:20261123T080000", ";TZID=Our school:20261123T084500"))
    assert lessons(Timetable([file], ZURICH), day(23), day(24)) == [("23.11. 06:00", "06:45", "Lesson")]


@pytest.mark.parametrize(
    ("room", "location", "summary", "found"),
    [
        ("3a", "3a", "Maths", True),
        ("3A", "room 3a, first floor", "Maths", True),
        ("3a", "13a", "Maths", False),
        ("3a", "3ab", "Maths", False),
        ("3a", "", "Maths (3a)", True),
        ("3a", "4b", "Maths", False),
        ("Chemie.1", "Chemie-1", "Maths", False),
        ("", "3a", "Maths", False),
    ],
)
def test_a_room_is_found_by_location_or_summary(
    tmp_path: Path, room: str, location: str, summary: str, *, found: bool
) -> None:
    file = write(tmp_path, event(":20261123T080000", ":20261123T084500", location=location, summary=summary))
    assert bool(lessons(Timetable([file], ZURICH), day(23), day(24), room)) is found


def test_the_settings_may_name_the_room_of_a_device(tmp_path: Path) -> None:
    file = write(tmp_path, event(":20261123T080000", ":20261123T084500", location="Aula"))
    assert lessons(Timetable([file], ZURICH, {"north/pi-3a": "Aula"}), day(23), day(24), "3a")
    assert not lessons(Timetable([file], ZURICH, {"north/pi-3a": "Gym"}), day(23), day(24), "Aula")


def test_lessons_that_overlap_the_time_are_found_once(tmp_path: Path) -> None:
    file = write(tmp_path, event(":20261123T080000", ":20261123T084500"))
    copy = write(tmp_path, event(":20261123T080000", ":20261123T084500"), name="copy.ics")
    timetable = Timetable([file, copy], ZURICH)
    middle = datetime(2026, 11, 23, 8, 20, tzinfo=ZURICH).timestamp()
    start = datetime(2026, 11, 23, 7, tzinfo=timezone.utc).timestamp()
    assert timetable.lessons(PI, "3a", middle, middle + 60) == [Lesson(start, start + 2700, "Lesson")]
    assert timetable.lessons(PI, "3a", start + 2700, start + 5400) == []


def test_a_changed_file_is_read_again_and_a_broken_one_is_reported(tmp_path: Path) -> None:
    file = write(tmp_path, event(":20261123T080000", ":20261123T084500"))
    timetable = Timetable([file], ZURICH)
    write(tmp_path, event(":20261123T100000", ":20261123T104500", summary="Later"))
    assert lessons(timetable, day(23), day(24)) == [("23.11. 10:00", "10:45", "Later")]
    file.write_text("half a file")
    assert lessons(timetable, day(23), day(24)) == [("23.11. 10:00", "10:45", "Later")]
    assert "no iCalendar" in timetable.problem
    write(tmp_path, event(":20261123T110000", ":20261123T114500"))
    assert lessons(timetable, day(23), day(24))
    assert timetable.problem == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no iCalendar"),
        (b"PK\x03\x04" + bytes(range(256)), "no iCalendar"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "without events"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "timetable"),
        (b"BEGIN:VCALENDAR\r\nthis is no line\r\nEND:VCALENDAR\r\n", "timetable"),
        (b"BEGIN:VCALENDAR\r\n\xff\xfe\r\nEND:VCALENDAR\r\n", "timetable"),
    ],
)
def test_a_bad_file_gives_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bad.ics"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        Timetable([file], ZURICH)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_gives_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.ics"):
        Timetable([tmp_path / "none.ics"], ZURICH)


def test_lessons_every_second_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, event(":20261123T080000", ":20261123T084500", more="RRULE:FREQ=SECONDLY"))
    with pytest.raises(InputError, match="recurs within a day"):
        Timetable([file], ZURICH)


def test_an_event_that_makes_no_sense_does_not_hide_the_others(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        event(":20261123T090000", ":20261123T090000", summary="takes no time"),
        event(":20261123T080000", ":20261125T080000", summary="for two days"),
        event(":20261123T100000", ":20261123T104500", summary="fine"),
    )
    assert lessons(Timetable([file], ZURICH), day(23), day(24)) == [("23.11. 10:00", "10:45", "fine")]


@pytest.mark.parametrize(
    "rule", ["FREQ=\u00b1\u00a7HLY", "FREQ=", "BYDAY=MO", "FREQ=WEEKLY;BYDAY=QQ", "FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2"]
)
def test_a_lesson_with_a_broken_rule_neither_ends_the_page_nor_hides_the_others(tmp_path: Path, rule: str) -> None:
    broken = event(":20260915T080000Z", ":20260915T084500Z", summary="Odd", more=f"RRULE:{rule}")
    good = event(":20260915T090000Z", ":20260915T094500Z", summary="Maths")
    timetable = Timetable([write(tmp_path, broken, good)], ZURICH)
    begin = datetime(2026, 9, 14, tzinfo=ZURICH).timestamp()
    assert "Maths" in [lesson.title for lesson in timetable.lessons(PI, "3a", begin, begin + 7 * 86400)]


@pytest.mark.parametrize("interval", ["", "-", "x"])
def test_a_rule_without_a_usable_interval_is_refused_before_anybody_works_on_it(tmp_path: Path, interval: str) -> None:
    rule = f"RRULE:FREQ=DAILY;INTER\n VAL={interval}"
    endless = event(":20260915T080000Z", ":20260915T084500Z", more=rule)
    zone = "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\n"
    often = f"{zone}RRULE:FREQ=MONTHLY\nEND:STANDARD\nEND:VTIMEZONE"
    for content in (endless, f"{zone}{rule}\nEND:STANDARD\nEND:VTIMEZONE"):
        with pytest.raises(InputError, match="INTERVAL"):
            Timetable([write(tmp_path, content)], ZURICH)
    with pytest.raises(InputError, match="several times a year"):
        Timetable([write(tmp_path, often)], ZURICH)


def test_a_series_without_a_begin_is_left_out_and_the_others_count(tmp_path: Path) -> None:
    no_begin = "BEGIN:VEVENT\nUID:d\nSUMMARY:3a\nDTEND;VALUE=DATE:20260926\nRRULE:FREQ=MONTHLY;COUNT=3\nEND:VEVENT"
    good = event(":20260915T080000Z", ":20260915T084500Z", summary="Maths")
    timetable = Timetable([write(tmp_path, no_begin, good)], ZURICH)
    begin = datetime(2026, 9, 14, tzinfo=ZURICH).timestamp()
    assert [lesson.title for lesson in timetable.lessons(PI, "3a", begin, begin + 7 * 86400)] == ["Maths"]
