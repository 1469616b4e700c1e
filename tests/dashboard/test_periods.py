"""Which time a page shows."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from dashboard.web.periods import Period, period_of, usual_period, weeks_before

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=ZURICH).timestamp()


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> float:
    return datetime(2026, month, day, hour, minute, tzinfo=ZURICH).timestamp()


def test_an_address_names_local_times() -> None:
    found = period_of({"from": "2026-11-23T08:00", "to": "2026-11-23T08:45", "title": "Maths"}, NOW, ZURICH)
    assert found == Period(at(23, 8), at(23, 8, 45), title="Maths")


def test_without_an_end_a_lesson_goes_on() -> None:
    found = period_of({"from": "2026-11-30T08:30", "to": ""}, NOW, ZURICH)
    assert found == Period(at(30, 8, 30), NOW, open=True)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": "yesterday"},
        {"from": "2026-11-23T08:00", "to": "2026-11-23T08:00"},
        {"from": "2026-11-23T09:00", "to": "2026-11-23T08:00"},
        {"from": "2026-12-24T08:00"},
        {"from": "1999-01-01T00:00", "to": "2026-01-01T00:00"},
        {"from": "0001-01-01T00:00", "to": "9999-12-31T23:59"},
        {"from": "2026-11-23T08:00<script>", "to": "x" * 10_000, "title": ""},
        *({"from": f"{day}T00:00", "to": f"{day}T23:59"} for day in ("0001-01-01", "0001-02-01", "9999-12-31")),
    ],
)
def test_what_is_no_time_is_not_shown(query: dict[str, str]) -> None:
    found = period_of(query, NOW, ZURICH)
    assert found is None or 0 < found.end - found.start <= 400 * 86400


@pytest.mark.parametrize("day", ["1970-01-01", "2199-12-31"])
def test_weeks_before_every_time_that_is_shown_are_days_of_the_calendar(day: str) -> None:
    for zone in ("Europe/Zurich", "Pacific/Auckland", "America/New_York"):
        period = period_of({"from": f"{day}T00:00", "to": f"{day}T23:59"}, NOW, ZoneInfo(zone))
        assert period is not None
        assert len(weeks_before(period, ZoneInfo(zone))) == 8
        assert period.query(ZoneInfo(zone)).startswith(f"from={day}")


def test_an_address_leads_to_the_same_time_again() -> None:
    period = Period(at(23, 8), at(23, 8, 45), title="Maths & more")
    query = dict(pair.split("=") for pair in period.query(ZURICH).split("&"))
    assert query == {"from": "2026-11-23T08%3A00", "to": "2026-11-23T08%3A45", "title": "Maths+%26+more"}
    assert "to" not in usual_period(NOW).query(ZURICH)
    assert "to=" in usual_period(NOW).query(ZURICH, ended=True)


@pytest.mark.parametrize(
    ("begin", "minutes"),
    [
        pytest.param(None, 45, id="no figures"),
        pytest.param(NOW - 86400, 45, id="figures of yesterday"),
        pytest.param(NOW - 20 * 60, 20, id="first figures within the time"),
        pytest.param(NOW - 30, 5, id="first figures a moment ago"),
        pytest.param(NOW + 60, 5, id="a clock ahead"),
    ],
)
def test_where_no_time_is_named_the_page_shows_three_quarters_of_an_hour_or_what_there_is(
    begin: float | None, minutes: int
) -> None:
    assert usual_period(NOW, begin) == Period(NOW - minutes * 60, NOW, open=True)


def test_a_lesson_that_began_this_minute_has_an_address_that_can_be_read() -> None:
    query = dict(parse_qsl(Period(NOW, NOW + 5, open=True).query(ZURICH, ended=True)))
    assert period_of(query, NOW + 5, ZURICH) == Period(NOW, NOW + 60)


def test_earlier_lessons_are_at_the_same_time_of_the_clock_also_before_the_hour_changed() -> None:
    earlier = weeks_before(Period(at(2, 8), at(2, 8, 45)), ZURICH)
    assert len(earlier) == 8
    assert earlier[0] == (at(26, 8, month=10), at(26, 8, 45, month=10))
    assert earlier[1] == (at(19, 8, month=10), at(19, 8, 45, month=10)), "in summer time"
