#!/bin/sh
# icalendar and recurring-ical-events: an event with DURATION:PT2H takes one hour or three in the nights in which
# clocks change.
#
# A good guess: hours of a duration are exact (RFC 5545, 3.3.6), and only days and weeks go by the calendar. So two
# hours from 01:30 end at 04:30 when clocks skip one. Seen with icalendar 7.3.2 and recurring-ical-events 3.8.2, and
# an event in Zurich: it ends at 03:30, after one hour. In autumn it ends after three. Event.duration says two hours
# all the same. So who asks what happens at 04:00 in spring is told: nothing. It is the wall clock to which the
# duration is added. That matters to shifts at night, backups and maintenance. What helps: DTEND in the file, or start
# in UTC plus duration.
#
# Needs python3 with venv, 3.10 or later. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check \
    icalendar==7.3.2 recurring-ical-events==3.8.2
cat >look.py <<'PYTHON'
import importlib.metadata
import sys
from datetime import timedelta, timezone

import icalendar
import recurring_ical_events

SHIFT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//shifts//EN
BEGIN:VEVENT
UID:shift@example.org
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Zurich:{day}T013000
DURATION:PT2H
RRULE:FREQ=DAILY;COUNT=1
SUMMARY:Maintenance
END:VEVENT
END:VCALENDAR
"""


def look(day):
    """Hours that pass, by the one library and by the other, what the event says, and what is there after 1.5 hours."""
    calendar = icalendar.Calendar.from_ical(SHIFT.format(day=day).replace("\n", "\r\n"))
    event = calendar.walk("VEVENT")[0]
    start = event.start.astimezone(timezone.utc)
    found = recurring_ical_events.of(calendar)
    (occurrence,) = found.between(start - timedelta(days=1), start + timedelta(days=1))
    last = start + timedelta(minutes=90)  # half an hour before the end
    return (
        (event.end.astimezone(timezone.utc) - start) / timedelta(hours=1),
        (occurrence["DTEND"].dt.astimezone(timezone.utc) - start) / timedelta(hours=1),
        event.duration / timedelta(hours=1),
        len(found.at(last)),
    )


for name in ("icalendar", "recurring-ical-events"):
    print(name, importlib.metadata.version(name))
seen = {}
for night, day in (("usual", "20260322"), ("spring", "20260329"), ("autumn", "20261025")):
    seen[night] = look(day)
    passed, recurring, said, there = seen[night]
    print(f"{night}: {passed:g} h and {recurring:g} h pass; duration says {said:g} h; after 1.5 h: {there} event")
expected = {"usual": (2, 2, 2, 1), "spring": (1, 1, 2, 0), "autumn": (3, 3, 2, 1)}
sys.exit(0 if seen == expected else 1)
PYTHON
if env/bin/python look.py; then
    echo "As described: the two hours are added to the wall clock."
else
    echo "Not as described any more."
    exit 1
fi
