"""The lesson that a room's page shows: by hand, by the timetable, or as is usual; and its files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dashboard.history import open_history
from dashboard.timetable import Timetable
from tests.dashboard.example_lesson import store_lessons
from tests.dashboard.example_school import example_school
from tests.support.page import Page, running_page

ZURICH = ZoneInfo("Europe/Zurich")
ROOM = "/room/north/pi-0"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A page with a lesson in Room 100 that began half an hour ago, every week."""
    begun = datetime.now(ZURICH).replace(second=0, microsecond=0) - timedelta(minutes=30)
    file = tmp_path / "timetable.ics"
    form = "%Y%m%dT%H%M%S"
    file.write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        f"DTSTART;TZID=Europe/Zurich:{begun - timedelta(weeks=6):{form}}\r\n"
        f"DTEND;TZID=Europe/Zurich:{begun - timedelta(weeks=6) + timedelta(minutes=45):{form}}\r\n"
        "RRULE:FREQ=WEEKLY\r\nSUMMARY:Maths <b>7</b>\r\nLOCATION:Room 100\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    history = open_history(str(tmp_path / "history.db"))
    store_lessons(history, time.time())
    with running_page(example_school(), history=history) as page:
        page.site.timetable = Timetable([file], ZURICH)
        yield page
    history.close()


def test_the_lesson_that_goes_on_by_the_timetable_is_shown_with_its_title(page: Page) -> None:
    _, text = page.get(ROOM)
    assert "Lesson: Maths &lt;b&gt;7&lt;/b&gt;" in text
    assert "This lesson ends now" in text
    assert "Lessons of the last week" in text


def test_a_lesson_of_the_timetable_is_compared_with_those_of_the_same_title(page: Page) -> None:
    _, text = page.get(f"{ROOM}/report")
    assert "earlier lessons with enough figures" in text


def test_a_time_set_by_hand_goes_before_the_timetable(page: Page) -> None:
    _, text = page.get(f"{ROOM}?from=2026-01-12T08:00&to=2026-01-12T08:45")
    assert "Mon, 12 Jan 2026, 08:00" in text
    assert "Maths &lt;b&gt;7&lt;/b&gt;</h2>" not in text


def test_a_time_that_makes_no_sense_shows_what_is_usual(page: Page) -> None:
    answer, text = page.get(f"{ROOM}?from=9999-99-99T99:99&to=never")
    assert answer.status == 200
    assert "Maths" in text


def test_a_report_with_few_figures_gives_no_numbers_for_the_lesson_either(page: Page) -> None:
    end = datetime.now(ZURICH) + timedelta(hours=30)
    begin = end - timedelta(hours=40)
    _, text = page.get(f"{ROOM}/report?from={begin:%Y-%m-%dT%H:%M}&to={end:%Y-%m-%dT%H:%M}")
    assert (
        "Figures are there for only 1 % of the lesson" in text or "Figures are there for only 2 % of the lesson" in text
    )
    row = text[text.index('<th scope="row">Lesson</th>') :].partition("</tr>")[0]
    assert "no figures" in row
    assert "%" not in row


@pytest.mark.parametrize("path", ["report", "export/csv", "export/parquet"])
@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "to=x",
        "from=2026-01-12T08:00&to=x",
        "from=x&to=2026-01-12T08:00",
        "to=2026-01-12T08:00",
        "from=2026-01-12T08:00&to=2026-01-12T08:00",
        "from=2026-01-12T08:00&to=2026-01-12T07:00",
        "from=1999-01-12T08:00",
        "from=2999-01-12T08:00",
        "from=2026-01-12T08:00Z",
        "from=2026-02-30T08:00",
        "from=0001-01-01T00:00&to=9999-12-31T23:59",
    ],
)
def test_a_report_or_file_of_another_time_than_the_address_names_is_refused(page: Page, path: str, query: str) -> None:
    answer, text = page.get(f"{ROOM}/{path}?{query}")
    assert answer.status == 400
    assert "The address needs a time that can be read" in text


@pytest.mark.parametrize("query", ["", "?from=&to=", "?from=2026-01-12T08:00:30&to=2026-01-12T08:45:10"])
def test_a_report_or_file_of_the_named_or_usual_time_is_given(page: Page, query: str) -> None:
    for path in ("report", "export/csv"):
        assert page.get(f"{ROOM}/{path}{query}")[0].status == 200


@pytest.mark.parametrize("path", ["/room/north/pi-0/export/exe", "/room/north/nobody", "/room/north/nobody/report"])
def test_what_is_not_there_is_not_found(page: Page, path: str) -> None:
    assert page.get(path)[0].status == 404


def test_the_figures_are_a_file_to_save(page: Page) -> None:
    answer, text = page.get(f"{ROOM}/export/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="pi-0-20')
    assert text.count("\n") > 50


def test_a_room_that_was_only_heard_before_still_has_its_lessons(page: Page) -> None:
    page.site.school.forget(next(device for device in page.site.school.rooms if device.id == "pi-0"))
    answer, text = page.get(f"{ROOM}?from=2026-01-12T08:00&to=2026-01-12T08:45")
    assert answer.status == 200
    assert "Nothing known yet" in text
    assert "data-view" not in text
    assert "1970" not in text, "since when is not known either"
