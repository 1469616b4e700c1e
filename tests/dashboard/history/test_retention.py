"""What is kept for how long: full resolution for a week, minutes after that, and then nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.history import History, Recorder, Retention, queries
from dashboard.history.retention import Upkeep, enforce
from dashboard.history.rollup import join
from dashboard.history.tables import faces, health, markers, minutes, received, sessions, statuses, windows
from edge_agent.client import Notice
from tests.dashboard.history.samples import NINE, NORTH, TIMES, arrived, birth, expression, summary
from tests.dashboard.history.samples import health as report

DAY = 86_400.0


def record(history: History, *notices: Notice, at: float = NINE + 60, retention: Retention | None = None) -> None:
    recorder = Recorder(history, now=lambda: at, retention=retention)
    for notice in notices:
        recorder.take(notice, TIMES)
    assert recorder.commit(), recorder.problem


def keep(history: History, now: float, retention: Retention | None = None) -> None:
    for _ in enforce(history.database, retention or Retention(), now):
        pass


def rows(history: History, table: Any) -> int:
    with history.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_windows_of_a_week_stay_and_older_ones_become_minutes(history: History) -> None:
    record(history, *(arrived(summary(seq, NINE + 5 * seq)) for seq in range(1, 25)))
    keep(history, NINE + 6.9 * DAY)
    assert (rows(history, windows), rows(history, minutes)) == (24, 0)
    keep(history, NINE + 8 * DAY)
    assert (rows(history, windows), rows(history, minutes)) == (0, 2)
    series = history.shares(NORTH, NINE, NINE + 120)
    assert (series.at, series.window_s, series.faces) == ([NINE + 60, NINE + 120], [60.0, 60.0], [20, 20])
    assert series.shares["neutral"] == [0.5, 0.5]


def test_shares_of_a_minute_are_those_of_its_face_time(history: History) -> None:
    record(
        history,
        arrived(summary(1, NINE + 5, faces=30, shares={"happy": 1.0})),
        arrived(summary(2, NINE + 10, faces=10, shares={"neutral": 0.5, "happy": 0.5})),
        arrived(summary(3, NINE + 15, faces=None)),
    )
    keep(history, NINE + 8 * DAY)
    series = history.shares(NORTH, NINE, NINE + 60)
    assert series.window_s == [10.0]
    assert series.faces == [20]
    assert series.shares["happy"] == pytest.approx([0.875], abs=1e-4)


def test_a_minute_without_figures_stays_one_without_figures(history: History) -> None:
    record(history, arrived(summary(1, NINE + 5, faces=None)), arrived(summary(2, NINE + 65, faces=0, shares={})))
    keep(history, NINE + 8 * DAY)
    series = history.shares(NORTH, NINE, NINE + 120)
    assert series.faces == [None, 0]
    assert series.window_s == [5.0, 5.0]


def test_what_comes_after_its_minute_was_made_is_added_to_it(history: History) -> None:
    record(history, arrived(summary(1, NINE + 5, shares={"happy": 1.0})))
    keep(history, NINE + 8 * DAY)
    later = NINE + 9 * DAY
    record(history, arrived(summary(2, NINE + 10, shares={"neutral": 1.0}), late=True), at=later)
    record(history, arrived(summary(1, NINE + 5)), arrived(summary(2, NINE + 10), late=True), at=later)
    keep(history, later)
    series = history.shares(NORTH, NINE, NINE + 60)
    assert (series.at, series.window_s) == ([NINE + 60], [10.0])
    assert (series.shares["happy"], series.shares["neutral"]) == ([0.5], [0.5])


def test_windows_longer_than_a_minute_stay_whole(history: History) -> None:
    record(history, arrived(summary(1, NINE + 600, window_s=600.0)), at=NINE + 600)
    keep(history, NINE + 8 * DAY)
    assert history.shares(NORTH, NINE, NINE + 600).window_s == [600.0]


def test_health_older_than_a_week_is_thinned(history: History) -> None:
    record(history, *(arrived(report(NINE + 30 * n, 30_000 * n), retained=True) for n in range(60)), at=NINE + 1800)
    keep(history, NINE + 8 * DAY)
    assert rows(history, health) == 3


def test_nothing_is_kept_for_longer_than_asked(history: History) -> None:
    retention = Retention(full_days=1, days=30, faces_days=2)
    notices = [
        arrived(birth(NINE)),
        arrived(summary(1, NINE + 5)),
        arrived(report(NINE, 5)),
        arrived(report(NINE + 30, 35, camera="dark")),
        arrived(expression(1, NINE)),
    ]
    record(history, *notices, retention=retention)
    keep(history, NINE + 1.9 * DAY, retention)
    assert [rows(history, table) for table in (windows, minutes, faces, statuses)] == [0, 1, 1, 1]
    keep(history, NINE + 2.1 * DAY, retention)
    assert rows(history, faces) == 0
    keep(history, NINE + 31 * DAY, retention)
    assert [rows(history, table) for table in (minutes, health, statuses, markers)] == [0, 0, 0, 0]
    assert rows(history, received) == 2  # what is sent again would still be known
    keep(history, NINE + 62 * DAY, retention)
    assert (rows(history, received), rows(history, sessions)) == (0, 0)


def test_events_of_faces_go_at_once_when_they_are_no_longer_asked_for(history: History) -> None:
    record(history, arrived(expression(1, NINE)), retention=Retention(faces_days=9))
    keep(history, NINE + 60)
    assert rows(history, faces) == 0


def test_retention_is_due_at_the_start_and_once_a_day(history: History) -> None:
    upkeep = Upkeep(history.database, Retention())
    assert list(upkeep.steps(NINE))
    assert not list(upkeep.steps(NINE + 3600))
    assert list(upkeep.steps(NINE + DAY + 1))


def test_a_recorder_enforces_it_by_itself(history: History) -> None:
    record(history, arrived(summary(1, NINE + 5)))
    recorder = Recorder(history, now=lambda: NINE + 8 * DAY)
    recorder.start()
    recorder.close()
    assert recorder.problem == ""


@pytest.mark.parametrize("step_s", [10, 60, 300, 7200])
def test_joining_in_the_database_gives_what_joining_one_by_one_gives(history: History, step_s: int) -> None:
    draw = random.Random(step_s)
    windows_of_two_models = []
    for seq in range(1, 400):
        names = ("happy", "neutral", "uncertain") if seq < 250 else ("awe", "zeal")
        drawn = [draw.random() for _ in names]
        shares = {name: round(value / sum(drawn), 4) for name, value in zip(names, drawn, strict=True)}
        faces = draw.choice([None, 0, 7, 25])
        shown = summary(
            seq, NINE + 7.3 * seq, faces=faces, shares={} if faces == 0 else shares, clock_synced=seq % 50 > 0
        )
        windows_of_two_models.append(arrived(shown, late=seq % 7 == 0))
    record(history, *windows_of_two_models, at=NINE + 3000)
    with history.database.reading() as connection:
        pieces = queries.read_pieces(connection, 1, round(NINE * 1000), round(NINE * 1000 + 3_600_000))
    expected = join(pieces, 1000 * step_s)
    series = history.shares(NORTH, NINE, NINE + 3600, step_s)
    assert series.window_s == [(one.open_ms or one.suppressed_ms) / 1000 for one in expected.values()]
    assert series.faces == [round(one.faces_ms / one.open_ms) if one.open_ms else None for one in expected.values()]
    assert series.undated == [one.undated for one in expected.values()]
    for name, values in series.shares.items():
        wanted = [one.shares.get(name, 0.0) if one.shares else None for one in expected.values()]
        assert values == pytest.approx(wanted, abs=1e-7)
    keep(history, NINE + 8 * DAY)
    if step_s >= 60:
        joined = history.shares(NORTH, NINE, NINE + 3600, step_s)
        assert joined.window_s == series.window_s
        assert joined.faces == series.faces
        for name, values in joined.shares.items():
            assert values == pytest.approx(series.shares[name], abs=2e-4)
